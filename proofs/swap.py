r"""The swap lemma: one complex row replaced by a real one, all other rows complex.

Setting.  As in "one-measurement": M has the eigenvalues mu_1, ..., mu_N > 0; a is one Gaussian row, a_R real or a_C
complex; V_r and E_q are the means over complex rows. P(t) = prod_i (1 + t mu_i).

Statement ("swap").

    (V)  E V_r(M_{a_R}) <= E V_r(M_{a_C}) = V_{r+1}(M)     for 1 <= r <= N - 2,
    (E)  E E_q(M_{a_R}) >= E E_q(M_{a_C}) = E_{q+1}(M)     for 0 <= q <= N - 2,

each an equality only if all mu_i are equal.

Proof.  Put d_i = mu_i/(1 + t mu_i), which rises strictly with mu_i. M_a has N - 1 positive eigenvalues.

1. "one-measurement" (a) gives  e_k(M_a)/det(1 + t M_a) = (1/P(t)) sum_i w_i mu_i e_k^{(i)} / sum_i w_i d_i. Put this into
   the formulas of "inverse-trace", (b) for V_r (r < N - 1) and (c) for E_q (1 <= q < N - 1). All is positive; so

       V_r(M_a) = (1/r) int dt/P(t) sum_i w_i d_i q_i / sum_i w_i d_i,        q_i = (1 + t mu_i) sum_{k<r} t^k e_k^{(i)},
       E_q(M_a) = q int dt/(t^2 P(t)) sum_i w_i d_i q_i / sum_i w_i d_i,      q_i = (1 + t mu_i) sum_{k>q} t^k e_k^{(i)}.

   The mean over a turns the quotient into sum_i W_i(h) q_i, h = 1/2 for a_R and h = 1 for a_C.
2. With e' = e^{(ij)}, x = mu_i, y = mu_j and Z_p = sum_{k<p} t^k e'_k,  sum_{k<r} t^k e_k^{(i)} = Z_r + t y Z_{r-1}, so
   that

       q_i - q_j = (1 + t x)(Z_r + t y Z_{r-1}) - (1 + t y)(Z_r + t x Z_{r-1})
                 = t (x - y)(Z_r - Z_{r-1}) = t^r (x - y) e'_{r-1}.

   0 <= r - 1 <= N - 2: q_i rises strictly with mu_i, hence with d_i, and "weights" gives (V).
3. For (E), q >= 1, let Z_p = sum_{k>p} t^k e'_k; then in the same way q_i - q_j = t (x - y)(Z_q - Z_{q-1}) = -t^{q+1} (x
   - y) e'_q, q <= N - 2: q_i falls strictly.
4. For (E), q = 0:  tr M_a = sum_i mu_i - sum_i w_i mu_i^2/sum_i w_i mu_i,  with d_i = q_i = mu_i in the subtracted term.
                                                                                                                        []
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from .checks import positive, same
from .deflation import DEFLATION, mu, product, share, t, w
from .inverse_trace import INVERSE_TRACE, above, below
from .inverse_trace import q as error_rows
from .ledger import Statement
from .members import after_complex_E, after_complex_V, complex_V, m, mixed_E, mixed_V
from .notation import complex_E
from .notation import tail as variance_beyond
from .propositions import Fact, Proposition, argued, at_least, chain, extended, integrated, restricted, through
from .symmetric import SYMMETRIC, joined, rest
from .weights import WEIGHTS, h, more, transform

r, n = sp.symbols("r n", integer=True, positive=True)
q = sp.Symbol("q", integer=True, nonnegative=True)
x, y = sp.symbols("x y", positive=True)

#: sum_{k<p} t^k e'_k, and sum_{k>p} t^k e'_k.
head, tail = sp.Function("Z"), sp.Function("Z+")


def scaled(eigenvalue: Any) -> Any:
    """d_i."""
    return eigenvalue / (1 + t * eigenvalue)


def quantity(own: Any, other: Any, partial: Callable[[Any], Any], index: Any) -> Any:
    """q_i, from the partial sums of e^{(ij)}: `own` is mu_i, `other` is mu_j."""
    return (1 + t * own) * (partial(index) + t * other * partial(index - 1))


def difference_below(one: Any, other: Any, index: Any) -> Any:
    """q_i - q_j in (V)."""
    return t**index * (one - other) * rest(index - 1)


def difference_above(one: Any, other: Any, index: Any) -> Any:
    """q_i - q_j in (E)."""
    return -(t ** (index + 1)) * (one - other) * rest(index)


#: Shapes of real and of complex weights.
REAL_SHAPE = sp.Rational(1, 2)
COMPLEX_SHAPE = sp.Integer(1)

SWAP = Statement(
    "swap",
    Proposition(mixed_V(r), "<=", complex_V(r + 1), when=(at_least(n, r + 2),)),
    Proposition(complex_E(q + 1), "<=", mixed_E(q), when=(at_least(n, q + 2),)),
    words="all rows complex but for the row a, n positive eigenvalues before it: {0}; {1}",
)


def over_time(weighted: Fact, formula: Any, probability: Any) -> Fact:
    """Weighted means that are compared at every t, over P(t), for the probability in a formula of "inverse-trace"."""
    integral = next(iter(formula.atoms(sp.Integral)))
    inside = through(lambda side: integral.function.subs(probability, side / product(t)), weighted)
    return through(lambda side: formula.subs(integral, side), integrated(inside, t))


@SWAP.symbolic
def weighted() -> None:
    """w_i mu_i = w_i d_i (1 + t mu_i), and d rises with mu (each i, hence all N; all t > 0)."""
    same(scaled(mu) * (1 + t * mu), mu)
    same(share(w, mu), w * scaled(mu))
    positive(sp.diff(scaled(mu), mu))


@SWAP.symbolic
def partial_sums() -> None:
    """Partial sums with one value more: Z_r + t y Z_{r-1} (all r, by induction from one r to the next)."""

    def grown(expression: Any) -> Any:
        """Z_{r+1} = Z_r + t^r e'_r for `head`; Z_{r-1} = Z_r + t^r e'_r for `tail`."""
        return expression.subs({head(r + 1): head(r) + t**r * rest(r), head(r): head(r - 1) + t ** (r - 1) * rest(r - 1)})

    added = t**r * joined(r, y)
    before, after = head(r) + t * y * head(r - 1), head(r + 1) + t * y * head(r)
    same(grown(grown(after) - grown(before)), sp.expand(grown(added)))
    shorter = tail(r - 1) - t**r * rest(r)
    step = (tail(r - 1) + t * y * tail(r - 2)) - (shorter + t * y * tail(r - 1))
    same(step.subs(tail(r - 2), tail(r - 1) + t ** (r - 1) * rest(r - 1)), sp.expand(added))


@SWAP.symbolic
def rises() -> None:
    """(V): q_i - q_j = t^r (mu_i - mu_j) e'_{r-1} (all r, N, i, j)."""
    found = quantity(x, y, head, r) - quantity(y, x, head, r)
    same(found.subs(head(r), head(r - 1) + t ** (r - 1) * rest(r - 1)), difference_below(x, y, r))
    gap, value = sp.symbols("gap value", positive=True)  # value = e'_{r-1}
    positive(difference_below(x + gap, x, r).subs(rest(r - 1), value))


@SWAP.symbolic
def falls() -> None:
    """(E), q >= 1: q_i - q_j = -t^{q+1} (mu_i - mu_j) e'_q (all q >= 1, N, i, j)."""
    found = quantity(x, y, tail, r) - quantity(y, x, tail, r)
    same(found.subs(tail(r - 1), tail(r) + t**r * rest(r)), difference_above(x, y, r))
    gap, value = sp.symbols("gap value", positive=True)  # value = e'_q
    positive(-difference_above(x + gap, x, r).subs(rest(r), value))


@SWAP.symbolic
def trace() -> None:
    """(E), q = 0: w mu^2 = w d q with d = q = mu (each i, hence all N)."""
    # t -> 0 in d, where P = 1: what is subtracted from the trace is the weighted mean of q = mu.
    same(sp.limit(scaled(mu), t, 0) * w * mu, w * mu**2)


@SWAP.symbolic
def squared_entries() -> None:
    """A real entry's square is twice a Gamma variable of shape 1/2; |g|^2 of a complex one has shape 1."""
    g = sp.Symbol("g", real=True)
    real = sp.integrate(sp.exp(-t * g**2 / 2 - g**2 / 2) / sp.sqrt(2 * sp.pi), (g, -sp.oo, sp.oo))
    same(real, transform(t, REAL_SHAPE))
    same(real**2, transform(t, COMPLEX_SHAPE), "half the squares of two real ones")


@SWAP.symbolic
def rows_compared() -> tuple[Fact, Fact]:
    """The weights lemma under the integral, h = 1/2 for a real and h' = 1 for a complex row."""
    for step in (weighted, partial_sums, rises, falls, trace, squared_entries):
        step()
    DEFLATION.fact(0), SYMMETRIC.fact(6)
    shapes = {h: REAL_SHAPE, more: COMPLEX_SHAPE - REAL_SHAPE}
    means = 'step 1: "one-measurement" in the integrals of "inverse-trace"; V_r(M_a) needs r <= N - 2, E_q(M_a) q <= N - 2'
    up, down = WEIGHTS.fact(1).at(shapes), WEIGHTS.fact(2).at(shapes)
    # M_a has one positive eigenvalue fewer.
    formula, probability = INVERSE_TRACE.fact(2), below(r, t)
    allowed = tuple(condition.at({n: n - 1}) for condition in formula.when)
    real, unitary = (formula.right.xreplace({probability: side / product(t)}) for side in (up.left, up.right))
    fewer = chain(
        argued(mixed_V(r), "=", real, means, when=allowed),
        over_time(up, formula.right, probability),
        argued(unitary, "=", after_complex_V(r), means, when=allowed),
        DEFLATION.fact(5).at({r: r + 1}).turned(),
    )
    formula, probability = INVERSE_TRACE.fact(3).at({error_rows: q}), above(q, t)
    allowed = tuple(condition.at({n: n - 1}) for condition in formula.when)
    unitary, real = (formula.right.xreplace({probability: side / product(t)}) for side in (down.left, down.right))
    one_row = DEFLATION.fact(3)
    beyond_zero = chain(
        one_row.at({m: q + 1}),
        argued(after_complex_E(q), "=", unitary, means, when=allowed),
        over_time(down, formula.right, probability),
        argued(real, "=", mixed_E(q), means, when=allowed),
    )
    # q = 0: the trace, less the weighted mean of q = mu.
    less = through(lambda side: side + variance_beyond(0) - up.left - up.right, up)
    at_trace = "step 4, n - 1 eigenvalues left"
    at_zero = chain(
        one_row.at({m: 1}),
        argued(after_complex_E(0), "=", less.left, at_trace, when=(at_least(n, 2),)),
        less,
        argued(less.right, "=", mixed_E(0), at_trace, when=(at_least(n, 2),)),
    )
    beyond = restricted(beyond_zero, at_least(q, 1), at_least(n, q + 2))
    return fewer, extended(beyond, q, 0, restricted(at_zero, at_least(n, 2)))


@SWAP.concludes
def conclusion() -> tuple[Fact, ...]:
    found: tuple[Fact, ...] = rows_compared()
    return found
