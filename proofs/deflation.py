r"""One measurement at a time: what is left of a spectrum, and how the means E_m and V_r go down by one row.

Setting.  M is a positive semidefinite matrix, over the reals or the complex numbers, with the eigenvalues mu_1, ..., mu_N
> 0 and otherwise 0; e_k and P(t) = prod_i (1 + t mu_i) are formed from them, e_k^{(i)} without mu_i. A is a matrix of
independent standard Gaussian entries, real or complex, with rows of M's size. For rows A with A M A^* invertible

    M_A = M - M A^* (A M A^*)^{-1} A M,         V_r(M) = E 1/(b M_{A'} b^*),

A' with r - 1 rows and b one more row, independent of it (r = 1: V_1(M) = E 1/(b M b^*)). E_m = E tr Lambda_A, A with m
rows.

Statement ("one-measurement").  Let a be one row, w_i the squared moduli of its coordinates in an eigenbasis of M. Then

    (a)  det(1 + t M_a) = P(t) sum_i w_i mu_i/(1 + t mu_i) / sum_i w_i mu_i,   and so
         e_k(M_a) = sum_i w_i mu_i e_k^{(i)} / sum_i w_i mu_i,   and M_a has N - 1 positive eigenvalues;
    (b)  (M_a)_{A'} = M_A for A = (a; A'),   and E tr (A M A^*)^{-1} = r V_r(M) for r rows;
    (c)  E_m(Lambda) = E_a E_{m-1}(Lambda_a) for m >= 1,   and V_r(M) = E_a V_{r-1}(M_a) for 2 <= r <= N.

The row a may be real or complex, whatever the other rows are, if on the left side it is that row too.

Proof.

1. det(I + v w^*) = 1 + w^* v: the matrix [I, v; -w^*, 1] is a product of block triangular matrices in two ways,

       [I, 0; -w^*, 1] [I, v; 0, 1 + w^* v]  =  [I + v w^*, v; 0, 1] [I, 0; -w^*, 1].

2. M_a = M - M a^* a M/s, s = a M a^* = sum w_i mu_i. With 1 + t M = D, by 1,  det(1 + t M_a) = det D (1 - (t/s) a M
   D^{-1} M a^*), and  s - t sum w_i mu_i^2/(1 + t mu_i) = sum w_i mu_i/(1 + t mu_i), summand by summand. The coefficient
   of t^k in P(t)/(1 + t mu_i) is e_k^{(i)}. Its degree in t is N - 1 and the top coefficient is positive: (a).
3. N_1 := (M_a)_{A'} and N_2 := M_A both vanish on a^* and on A'^*, and both are M minus M A^* times some matrix, Y_1 and
   Y_2. So A M A^* (Y_1 - Y_2) = 0, that is Y_1 = Y_2 and N_1 = N_2.
4. For the rows (b; A') put c = (1; -(A' M A'^*)^{-1} A' M b^*). The matrix of all their products maps c to (b M_{A'} b^*;
   0), so that the corner of its inverse is 1/(b M_{A'} b^*). Rows are exchangeable: the trace is r times that.
5. (c): average over the other rows first. The law of their matrix does not change under unitary (orthogonal) maps, and a
   real symmetric matrix is Hermitian too: the inner mean depends on the eigenvalues of M_a only, and is E_{m-1} or
   V_{r-1}.                                                                                                             []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import same
from .ledger import Statement
from .matrices import same_matrices, same_traces
from .members import V, after_complex_E, after_complex_V, after_E, after_V, complex_V
from .notation import E, complex_E, i, quantity
from .propositions import Fact, Proposition, argued, at_least, chain, through

n, m, r = sp.symbols("n m r", integer=True, positive=True)
t, mu, w = sp.symbols("t mu w", positive=True)

M = sp.MatrixSymbol("M", n, n)
a, b = sp.MatrixSymbol("a", 1, n), sp.MatrixSymbol("b", 1, n)
others = sp.MatrixSymbol("A'", m, n)
#: 1/(a M a^*), as a matrix of one entry.
scale = sp.MatrixSymbol("s", 1, 1)
#: (A' M_a A'^*)^{-1} and (A' M A'^*)^{-1}.
inner, gram = sp.MatrixSymbol("U", m, m), sp.MatrixSymbol("V", m, m)


def deflated() -> Any:
    """M_a."""
    return M - M * a.T * scale * a * M


def left(matrix: Any, rows: Any, inverse: Any) -> Any:
    """M_A, from the inverse of A M A^*."""
    return matrix - matrix * rows.T * inverse * rows * matrix


def share(weight: Any, eigenvalue: Any) -> Any:
    """A summand of sum_i w_i mu_i/(1 + t mu_i)."""
    return weight * eigenvalue / (1 + t * eigenvalue)


#: mu_i and w_i; det(1 + t M_a) and prod_i (1 + t mu_i); E tr (A M A^*)^{-1} for r rows.
eigenvalue, coordinate = quantity("eigenvalue", "mu_{}"), quantity("coordinate", "w_{}")
left_determinant, product = quantity("left_determinant", "det(1 + {} M_a)"), quantity("product", "P({})")
inverse_trace = quantity("inverse_trace", "E[tr (A M A^*)^{{-1}}]({} rows)")


def summed(summand: Any) -> Any:
    """sum_i of a function of w_i and mu_i."""
    return sp.Sum(summand.subs({w: coordinate(i), mu: eigenvalue(i)}), (i, 1, n))


DEFLATION = Statement(
    "one-measurement",
    Proposition(left_determinant(t), "=", product(t) * summed(share(w, mu)) / summed(w * mu)),
    Proposition(inverse_trace(r), "=", r * V(r)),
    Proposition(E(m), "=", after_E(m - 1), when=(at_least(n, m),)),
    Proposition(complex_E(m), "=", after_complex_E(m - 1), when=(at_least(n, m),)),
    Proposition(V(r), "=", after_V(r - 1), when=(at_least(r, 2), at_least(n, r))),
    Proposition(complex_V(r), "=", after_complex_V(r - 1), when=(at_least(r, 2), at_least(n, r))),
    words="for one row a, with n positive eigenvalues, one fewer after it: {0}; {1}; {2}; {3}; {4}; {5}",
)


@DEFLATION.symbolic
def rank_one() -> None:
    """det(I + v w^*) = 1 + w^* v, by two block factorisations (all sizes, block by block (* as T))."""
    v, dual, I = sp.MatrixSymbol("v", n, 1), sp.MatrixSymbol("w", n, 1), sp.Identity(n)
    one = sp.Identity(1)
    zero = sp.ZeroMatrix(n, 1)
    first = [[I, zero], [-dual.T, one]], [[I, v], [zero.T, one + dual.T * v]]
    second = [[I + v * dual.T, v], [zero.T, one]], [[I, zero], [-dual.T, one]]
    whole = [[I, v], [-dual.T, one]]
    for upper, lower in (first, second):
        for row in range(2):
            for column in range(2):
                block = upper[row][0] * lower[0][column] + upper[row][1] * lower[1][column]
                same_matrices(block, whole[row][column], what=f"block {row}{column}")


@DEFLATION.symbolic
def spectrum() -> Fact:
    """s - t sum w mu^2/(1 + t mu) = sum w mu/(1 + t mu) (each summand, hence all N)."""
    rank_one()
    # The sum is a M (1 + tM)^{-1} M a^*.
    scale, subtracted = summed(w * mu), summed(w * mu**2 / (1 + t * mu))
    difference = same(scale - t * subtracted, summed(share(w, mu)))
    reason = "steps 1 and 2: det(1 + t M - t M a^* a M/s), s = a M a^*"
    lemma = argued(left_determinant(t), "=", product(t) * (scale - t * subtracted) / scale, reason)
    # In P(t)/(1 + t mu) the factor of mu is gone, and the sum is of the order 1/t: one degree less.
    same(sp.limit(t * share(w, mu), t, sp.oo), w)
    return chain(lemma, through(lambda side: product(t) * side / scale, difference))


@DEFLATION.symbolic
def in_two_steps() -> None:
    """(M_a)_{A'} = M_{(a; A')} (all n and numbers of rows (noncommutative algebra, * as T))."""
    M_a = deflated()
    given = [
        (M.T, M),
        (scale.T, scale),
        (inner.T, inner),
        (scale * a * M * a.T, sp.Identity(1)),
        (a * M * a.T * scale, sp.Identity(1)),
    ]
    same_matrices(M_a * a.T, sp.ZeroMatrix(n, 1), given, "M_a a^*")
    N = left(M_a, others, inner)
    same_matrices(N * a.T, sp.ZeroMatrix(n, 1), given, "N a^*")
    # inner is the inverse of A' M_a A'^*, which is this difference of two words.
    of_inner = (others * M * others.T * inner, sp.Identity(m) + others * M * a.T * scale * a * M * others.T * inner)
    same_matrices(N * others.T, sp.ZeroMatrix(n, m), [*given, of_inner], "N A'^*")
    Y_others = inner * others * M_a
    Y_a = scale * a * M - scale * a * M * others.T * Y_others
    same_matrices(M - N, M * a.T * Y_a + M * others.T * Y_others, given, "M - N = M A^* Y")


@DEFLATION.symbolic
def corner() -> None:
    """The corner of (A M A^*)^{-1} is 1/(b M_{A'} b^*) (all n and numbers of rows (* as T))."""
    given = [(M.T, M), (gram.T, gram), (others * M * others.T * gram, sp.Identity(m))]
    below = -gram * others * M * b.T
    same_matrices(b * M * b.T + b * M * others.T * below, b * left(M, others, gram) * b.T, given)
    same_matrices(others * M * b.T + others * M * others.T * below, sp.ZeroMatrix(m, 1), given)


@DEFLATION.symbolic
def one_row_fewer() -> tuple[Fact, ...]:
    """The mean over the other rows first, whose law unitary maps do not change."""
    in_two_steps()
    corner()
    first = "step 5: (M_a)_{A'} = M_A, and the mean over A' depends on the eigenvalues of M_a only"
    dimensions = at_least(n, m)
    rows = (at_least(r, 2), at_least(n, r))
    return (
        argued(inverse_trace(r), "=", r * V(r), "step 4: the corner of the inverse; rows are exchangeable"),
        argued(E(m), "=", after_E(m - 1), first, when=(dimensions,)),
        argued(complex_E(m), "=", after_complex_E(m - 1), first, when=(dimensions,)),
        argued(V(r), "=", after_V(r - 1), first, when=rows),
        argued(complex_V(r), "=", after_complex_V(r - 1), first, when=rows),
    )


@DEFLATION.symbolic
def trace_left() -> None:
    """tr M_a = tr M - a M^2 a^*/(a M a^*) (all n (noncommutative algebra, * as T))."""
    given = [(M.T, M), (scale.T, scale)]
    same_traces(sp.Trace(deflated()), sp.Trace(M) - sp.Trace(scale * a * M * M * a.T), given)


@DEFLATION.concludes
def conclusion() -> tuple[Fact, ...]:
    return spectrum(), *one_row_fewer()
