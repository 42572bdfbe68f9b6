"""The matrix algebra of the proofs: it accepts what is true, and nothing that is false for some matrices."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from proofs.ledger import Gap
from proofs.matrices import holds_at, same_matrices, same_traces, square, value

m, n = sp.symbols("m n", integer=True, positive=True)
c = sp.Symbol("c")
A, B, V = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("B", m, n), sp.MatrixSymbol("V", m, m)
P, Q = sp.MatrixSymbol("P", n, n), sp.MatrixSymbol("Q", n, n)
I_m, I_n = sp.Identity(m), sp.Identity(n)
GRAM = [(V.T, V), (B * B.T * V, I_m)]

#: Matrices with no relation between them.
EXPLICIT = {
    A: sp.Matrix([[1, 2, 0], [0, 1, -1]]),
    B: sp.Matrix([[2, 0, 1], [1, 1, 3]]),
    P: sp.Matrix([[1, 2, 3], [0, 1, 4], [5, 6, 0]]),
    Q: sp.Matrix([[0, 1, 0], [2, 0, 1], [1, 1, 1]]),
}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((P + Q) * (P - Q), P * P - P * Q + Q * P - Q * Q),
        ((A * P * Q).T, Q.T * P.T * A.T),
        ((c * A + B) * (A - B).T, c * A * A.T - c * A * B.T + B * A.T - B * B.T),
        (A * (I_n + P) ** 2, A + 2 * A * P + A * P * P),
        (A - A, 0),
    ],
)
def test_products_are_multiplied_out(left: Any, right: Any) -> None:
    same_matrices(left, right)
    if right != 0:
        at = {c: 7}
        assert value(left.subs(at), EXPLICIT) == value(right.subs(at), EXPLICIT)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (P * Q, Q * P),
        (P.T, P),
        ((P * Q).T, P.T * Q.T),
        ((P + Q) * (P - Q), P * P - Q * Q),
        (A.T * A, A.T * B),
        (2 * P, P),
        (P, 0),
    ],
)
def test_what_fails_for_some_matrices_is_a_gap(left: Any, right: Any) -> None:
    with pytest.raises(Gap, match="is not"):
        same_matrices(left, right)


@pytest.mark.parametrize(("left", "right"), [(A * B, A * B), (A + B.T, A + B.T), (A, B.T), (A * A, A * A), (I_m, I_n)])
def test_sizes_have_to_fit(left: Any, right: Any) -> None:
    with pytest.raises(Gap):
        same_matrices(left, right)


def test_relations_apply_transposed_and_inside_products() -> None:
    same_matrices(P * B.T * V * B * B.T * V * A, P * B.T * V * A, given=GRAM)
    same_matrices(V * B * B.T, I_m, given=GRAM)
    with pytest.raises(Gap, match="is not"):
        same_matrices(B.T * V * B, I_n, given=GRAM)


def test_a_relation_needs_one_word_and_sizes_that_fit() -> None:
    for relation in [(P + Q, I_n), (2 * P, I_n), (I_n, P), (A * A.T, I_n)]:
        with pytest.raises(Gap, match="relation"):
            same_matrices(P, P, given=[relation])


def test_circular_relations_are_a_gap() -> None:
    with pytest.raises(Gap, match="circles"):
        same_matrices(P * Q, Q, given=[(P * Q, Q * P), (Q * P, P * Q)])


def test_traces_turn_round() -> None:
    same_traces(sp.Trace(A * B.T), sp.Trace(A.T * B))
    same_traces(sp.Trace(P * Q * P.T), sp.Trace(P.T * P * Q.T))
    same_traces(square(A), sp.Trace(A.T * A))
    same_traces(sp.Trace(B.T * V * B), m, given=GRAM)
    same_traces(c * sp.Trace(I_n + P), c * n + c * m, given=[(sp.Trace(P), m)])
    assert value(sp.Trace(A * B.T), EXPLICIT) == value(sp.Trace(A.T * B), EXPLICIT)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sp.Trace(P * P.T), sp.Trace(P * P)),
        (sp.Trace(P * Q * P.T * Q.T), sp.Trace(P * P.T * Q * Q.T)),
        (sp.Trace(B.T * V * B), n),
        (sp.Trace(P), 0),
        (sp.Trace(P) * sp.Trace(Q), sp.Trace(P * Q)),
        (sp.Trace(I_n), m),
    ],
)
def test_a_false_trace_identity_is_a_gap(left: Any, right: Any) -> None:
    with pytest.raises(Gap):
        same_traces(left, right, given=GRAM)


def test_relations_are_compared_with_their_meaning() -> None:
    explicit = EXPLICIT[B]
    holds_at(GRAM, {B: explicit, V: (explicit * explicit.T).inv()})
    with pytest.raises(Gap, match="relation"):
        holds_at(GRAM, {B: explicit, V: explicit * explicit.T})
