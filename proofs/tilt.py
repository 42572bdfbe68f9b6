r"""An exact change of law after which the error is a bounded variable of known scale.

Setting.  As in "T3", 1 <= k <= m - 2: A = [A_1 A_2] has independent standard normal entries (the law P), the columns a_i,
i <= k, of A_1, and a_j, j > k, of A_2, have weights l_j > 0 for j > k; tail = sum_{j>k} l_j,

    Y(A) = tail + |A_1^+ A_2 Sigma_2|_F^2,      B = E Y(A) = (m-1) tail / (m-k-1)      ("T3").

(A_2 may have columns that are no columns of the measurements: noise of variance s^2 is one more, of weight s^2.)

Statement ("tilt").  Let dQ = (Y/B) dP.

(a)  Q is a probability, E_m = B E_Q[X_A / Y] with 0 < X_A / Y <= 1 for m < n, and E_Q[B / Y] = 1.
(b)  Q is the mixture of P, with weight 1 - k/(m-1), and of laws Q_ij, i <= k < j, with weights (l_j / tail) / (m-1).
(c)  Q_ij is drawn thus: draw A from P; let r be the residual of a_i on the other columns of A_1, and u = r/|r|; replace

         a_i  by  a_i - r + u sqrt(chi^2_{m-k-1}),        a_j  by  a_j - u (u^T a_j) + u s sqrt(chi^2_3),

     the chi-squares, and the random sign s, independent of all else.
(d)  Triangular form. Put column i of A_1 last among the first k, and let H be the orthogonal matrix, a function of A_1,
     which makes H A_1 = (R; 0) with R upper triangular and R_11, ..., R_kk > 0. Under P the entries of R and of H A_2 are
     independent: R_qq^2 ~ chi^2_{m-q+1}, all others N(0, 1). Under Q_ij the same holds, but for R_kk^2 ~ chi^2_{m-k-1} and
     the entry b_kj of H A_2, which is s sqrt(chi^2_3). X_A and Y are the same for H A as for A.

Proof.

1. Row i of A_1^+ is r^T/|r|^2, by step 1 of "inverse-Wishart" (any column may be called the first). So

       Y = tail + sum_{i<=k<j} l_j (e_i^T A_1^+ a_j)^2 = tail + sum_{i<=k<j} l_j g^2 / |r|^2,      g = u^T a_j.

2. Under P, |r|^2 ~ chi^2_{m-k+1}, g ~ N(0, 1), and these two are independent of each other and of all else that makes up
   A: the columns other than i and j, a_i - r, u, and (I - u u^T) a_j. Indeed, given the other columns of A_1, r is
   standard normal in the m-k+1 dimensions orthogonal to them and independent of a_i - r, and length and direction of a
   standard normal vector are independent; given all of A_1, a_j is standard normal, so that u^T a_j and (I - u u^T) a_j
   are independent, the former standard normal whatever u is.

3. Each term has the mean l_j E[g^2] E[1/|r|^2] = l_j / (m-k-1), a share (l_j/tail)/(m-1) of B; there are k of them for
   every j, with k/(m-1) together, and tail is the share (m-k-1)/(m-1) = 1 - k/(m-1). A density that is a sum of
   non-negative terms is a mixture, of the laws with the normalised terms as densities, with the terms' means as weights:
   (b), with

       dQ_ij = (m-k-1) g^2 / |r|^2 dP.

4. This density depends on |r|^2 and g alone, and is a product. So under Q_ij, these two are still independent of each
   other and of all else, which keeps its law. |r|^2 has the density  (nu-2) p_nu(x)/x = p_{nu-2}(x)  with nu = m-k+1:
   chi^2_{m-k-1}; g has the density g^2 exp(-g^2/2)/sqrt(2 pi), that of s sqrt(chi^2_3). Putting A together again is (c).

5. (a): Y >= tail > 0, so dP = (B/Y) dQ, and E_P[f] = E_Q[f B/Y] for f = X_A and f = 1. X_A <= Y by "T4", and
   X_A >= sum_{i>m} l_i > 0 by "T1-lower".

6. (d): the first columns q_1, ..., q_k of H^T come from a_1, ..., a_k by the Gram-Schmidt process. Given a_1, ...,
   a_{q-1}, the numbers R_1q, ..., R_{q-1,q} are the coefficients of the standard normal vector a_q on an orthonormal
   system, and R_qq is the length of what is left, in m - q + 1 dimensions: independent, N(0, 1) and chi, by step 3 of
   "inverse-Wishart", whatever the given columns are. And given A_1, H A_2 is standard normal, as H is orthogonal. With
   column i last, R_kk = |r| and the k-th row of H is u^T, so that b_kj = g; the last row of R^{-1} is (0, ..., 0, 1/R_kk),
   and the term of Y is l_j b_kj^2 / R_kk^2: step 4 again. An orthogonal H changes neither the row space of A Sigma nor
   A_1^+ A_2 = (H A_1)^+ H A_2.                                                                                          []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import same, same_product
from .dominance import DOMINANCE
from .inverse_chi_square import CHI, density, inverse_mean, nu, x
from .inverse_wishart import INVERSE, WISHART, B, S, a, degrees, residual
from .ledger import Statement
from .lower_bound import LOWER, lower
from .matrices import same_matrices, same_traces, square
from .notation import X, Y, tail
from .notation import l as value
from .propositions import Fact, Proposition, at_least, chain, through
from .range_finder import bound
from .truncated import NOISELESS

n, m, k = sp.symbols("n m k", integer=True, positive=True)
t, v, w = sp.symbols("t v w", positive=True)
excess = sp.Symbol("excess", positive=True)
g = sp.Symbol("g", real=True)
j = sp.Symbol("j", integer=True, positive=True)


def weight(l: Any, tail: Any, m: Any) -> Any:
    """Of Q_ij, l = l_j."""
    return l / tail / (m - 1)


def plain_weight(m: Any, k: Any) -> Any:
    """Of P in Q."""
    return 1 - k / (m - 1)


def tilted_length_degrees(m: Any, k: Any) -> Any:
    """Degrees of freedom of |r|^2 = R_kk^2 under Q_ij."""
    return m - k - 1


def tilted_coefficient_degrees() -> int:
    """Degrees of freedom of g^2 = b_kj^2 under Q_ij."""
    return 3


def normal() -> Any:
    """Density of N(0, 1) at g."""
    return sp.exp(-(g**2) / 2) / sp.sqrt(2 * sp.pi)


def signed_root(degrees: Any) -> Any:
    """Density at g > 0 of s sqrt(chi^2) with a random sign s; it is even."""
    positive = sp.Symbol("g", positive=True)
    return density(sp.sympify(degrees)).subs(x, positive**2) * 2 * positive / 2


def share(variance: Any, of_inverse: Any) -> Any:
    """The mean l_j E[g^2] E[1/|r|^2] of a term of Y, over B."""
    of_square = sp.integrate(g**2 * normal(), (g, -sp.oo, sp.oo))
    return variance * of_square * of_inverse / bound(tail(k), m, k)


def tilted_length() -> Any:
    """(nu - 2) p_nu(x)/x, the density of |r|^2 under Q_ij."""
    found = degrees(m, k)
    return (found - 2) * density(found) / x


ROW = a.T - (S * B.T * a).T * B.T  # the first row of W^{-1}, times |r|^2, times A_1^T
A_1, A_2, H = sp.MatrixSymbol("A_1", m, k), sp.MatrixSymbol("A_2", m, n - k), sp.MatrixSymbol("H", m, m)
K, M, V = sp.MatrixSymbol("K", k, k), sp.MatrixSymbol("M", m, n), sp.MatrixSymbol("V", m, m)  # M = A Sigma
ROTATION = [(H.T * H, sp.Identity(m)), (H * H.T, sp.Identity(m)), (V.T, V), (M * M.T * V, sp.Identity(m))]
DOMAIN = (at_least(m, k + 2),)
positive_g = sp.Symbol("g", positive=True)

TILT = Statement(
    "tilt",
    Proposition(X(m), "<=", Y(k)),
    Proposition(X(m), ">=", lower(m), when=(at_least(n, m + 1),)),
    Proposition(ROW, "=", residual().T),
    Proposition(share(value(j), inverse_mean(degrees(m, k))), "=", weight(value(j), tail(k), m), when=DOMAIN),
    Proposition(tail(k) / bound(tail(k), m, k), "=", plain_weight(m, k)),
    Proposition(tilted_length(), "=", density(tilted_length_degrees(m, k)), when=DOMAIN),
    Proposition(positive_g**2 * normal().subs(g, positive_g), "=", signed_root(tilted_coefficient_degrees())),
    Proposition(K * (H * A_1).T * (H * A_2), "=", K * A_1.T * A_2),
    words="the law with the density Y over its mean is a mixture, as {0} and {1}; a row of the pseudo-inverse of A_1 is "
    "the residual over its squared length, {2}; the weight of a term is {3}, of the plain law {4}; under a term the "
    "squared length has the density {5} and the coefficient {6}; rotations change nothing, {7}",
    setting=(*INVERSE, *ROTATION),
)


@TILT.symbolic
def row() -> Fact:
    """Row i of A_1^+ is r^T/|r|^2."""
    # The first column of W^{-1} times |r|^2, by "inverse-Wishart", times A_1^T.
    WISHART.fact(0)
    return same_matrices(ROW, residual().T, INVERSE)


@TILT.instance
def both_rows() -> None:
    """The same by inverting A_1^T A_1, (m, k) = (2, 2), both rows."""
    A_1 = sp.Matrix(2, 2, sp.symbols("a b c d"))
    W = A_1.T * A_1
    plus = W.adjugate() * A_1.T / W.det()
    for i in range(2):
        one, other = A_1[:, i], A_1[:, 1 - i]
        r = one - other * other.dot(one) / other.dot(other)
        same(plus[i, :], r.T / r.dot(r), f"row {i}")


@TILT.symbolic
def shares() -> tuple[Fact, ...]:
    """The shares of the terms in B are the weights, of sum 1."""
    B_k = bound(tail(k), m, k)
    same(NOISELESS.fact(1).right, B_k, "B = E Y")
    of_inverse = through(lambda side: share(value(j), side), CHI.fact(0).at({nu: degrees(m, k)}))
    of_term = chain(of_inverse, same(of_inverse.right, weight(value(j), tail(k), m)))
    same(plain_weight(m, k) + k * weight(tail(k), tail(k), m), 1, "sum; the l_j add up to tail")
    return of_term, same(tail(k) / B_k, plain_weight(m, k))


@TILT.symbolic
def length() -> Fact:
    """|r|^2 becomes chi^2_{m-k-1}."""
    return same_product(tilted_length(), density(tilted_length_degrees(m, k)), when=DOMAIN)


@TILT.symbolic
def coefficient() -> Fact:
    """g becomes a random sign times chi_3."""
    same((g**2 * normal()).subs(g, -positive_g), signed_root(tilted_coefficient_degrees()))
    same(normal().subs(g, positive_g), signed_root(1), "and N(0, 1) is a random sign times chi_1")
    return same(positive_g**2 * normal().subs(g, positive_g), signed_root(tilted_coefficient_degrees()))


@TILT.instance
def transform() -> None:
    """The joint transform of (|r|^2, g_1^2, g_2^2) under (Y/B) dP is the mixture's."""
    l_1, l_2 = sp.symbols("l_1 l_2", positive=True)
    nu = 2 + excess  # m, for k = 1

    def changed(before: Any, after: Any, at: Any) -> Any:
        """The Laplace transform of chi^2 with `after` degrees of freedom, over that with `before`."""
        return (1 + 2 * at) ** sp.expand(sp.sympify(before - after) / 2)

    # Transforms of the factors of a term of Y, over the plain ones.
    of_length = (1 + 2 * t) / excess
    found = sp.integrate(sp.expand_power_exp(density(nu)) * sp.exp(-t * x) / x, (x, 0, sp.oo))
    same(sp.gammasimp(sp.simplify(found * (1 + 2 * t) ** (nu / 2))), of_length, "1/|r|^2")
    of_coefficient = 1 / (1 + 2 * v)
    found = sp.integrate(g**2 * normal() * sp.exp(-v * g**2), (g, -sp.oo, sp.oo))
    same(sp.simplify(found * sp.sqrt(1 + 2 * v)), of_coefficient, "g^2")
    of_Y = (l_1 + l_2) + of_length * (l_1 * of_coefficient + l_2 * of_coefficient.subs(v, w))

    shorter = changed(nu, tilted_length_degrees(nu, 1), t)
    first, second = (changed(1, tilted_coefficient_degrees(), at) for at in (v, w))
    total = l_1 + l_2
    mixture = plain_weight(nu, 1) + shorter * (weight(l_1, total, nu) * first + weight(l_2, total, nu) * second)
    same(sp.cancel(of_Y / bound(total, nu, 1) - mixture), 0)


@TILT.symbolic
def triangular() -> Fact:
    """The last row of R^{-1} is (0, ..., 0, 1/R_kk): e_k^T R = R_kk e_k^T for an upper triangular R."""
    R, inverse, unit = sp.MatrixSymbol("R", k, k), sp.MatrixSymbol("R^{-1}", k, k), sp.MatrixSymbol("e_k", k, 1)
    last = sp.Symbol("R_kk", positive=True)
    inverted = same_matrices(unit.T * R * inverse, unit.T, [(R * inverse, sp.Identity(k))])
    through_last = same_matrices(unit.T * R * inverse, last * unit.T * inverse, [(unit.T * R, last * unit.T)])
    return chain(through_last.turned(), inverted)


@TILT.symbolic
def rotated() -> Fact:
    """Rotated measurements: A_1^+ A_2 and the projector stay."""
    same_matrices((H * A_1).T * (H * A_1), A_1.T * A_1, ROTATION, "K stays (A_1^T A_1)^{-1}")
    same_matrices((H * M) * (H * M).T * (H * V * H.T), sp.Identity(m), ROTATION, "inverse of the Gram matrix")
    same_matrices((H * M).T * (H * V * H.T) * (H * M), M.T * V * M, ROTATION)
    return same_matrices(K * (H * A_1).T * (H * A_2), K * A_1.T * A_2, ROTATION)


@TILT.symbolic
def columns() -> Fact:
    """Mixing in Y: each column a_j of A_2 brings l_j |A_1^+ a_j|^2 to |A_1^+ A_2 Sigma_2|_F^2."""
    plus, a_j = sp.MatrixSymbol("A_1^+", k, m), sp.MatrixSymbol("a_j", m, 1)
    return same_traces(sp.Trace(plus * (value(j) * a_j * a_j.T) * plus.T), value(j) * square(plus * a_j))


@TILT.concludes
def conclusion() -> tuple[Fact, ...]:
    return DOMINANCE.fact(1), LOWER.fact(1), row(), *shares(), length(), coefficient(), rotated()
