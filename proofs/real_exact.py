r"""Real Gaussian measurements: the expected error in closed form, for 2 <= m <= n - 1, as a two-dimensional integral.

Setting.  A is m x n, standard Gaussian and real, 2 <= m < n; l_1, ..., l_n > 0, S = A Lambda A^T = sum_k l_k a_k a_k^T, X
the error. e_r^{(jk)} is the elementary symmetric function of the l without l_j and l_k, and for tau > 0 and w >= 1

    D_k = 1 + 2 l_k tau w + l_k^2 tau^2,
    I[r] = int_0^inf dtau tau^{m-1} int_1^inf dw prod_k D_k^{-1/2} sum_{j<k} l_j l_k e_r^{(jk)} N_jk/(D_j D_k),
    N_jk = 2 + 2 l_j l_k tau^2 + 2 tau (l_j + l_k) w.

Statement ("real-exact").   E_m = (m - 1) I[m-1],   and   1 = I[m-2].

Proof.  For sets U of columns write l^U for the product of their l; A_T is the square part of A with the columns T, |T| =
m.

1. 1/det S = (2 pi)^{-m} int exp(-tr B^T S B/2) dB over the m x 2 matrices B: two Gaussian integrals.
2. By Cauchy and Binet  det S = sum_{|T|=m} l^T det(A_T)^2,  and  X det S = sum_i l_i det(S - l_i a_i a_i^T), so that X
   det S = sum_{|U|=m+1} l^U sum_{i in U} det(A_{U-i})^2.  Divide by det S and take the mean, under the integral of 1
   (Tonelli).
3. Fix B; t_1, t_2 are the eigenvalues of B^T B. The a_k are rotation invariant, so that a_k^T B B^T a_k may be replaced by
   t_1 g^2 + t_2 h^2, g and h two of its coordinates. With x_k = 1/(1 + l_k t_1), y_k = 1/(1 + l_k t_2)

       E exp(-l_k (t_1 g^2 + t_2 h^2)/2) = (x_k y_k)^{1/2},

   and under the law tilted by the exponential all entries are independent, of variance x_k and y_k in those two rows and
   1 in the others. Expand det(A_T) along a row: its entries are centred and independent of the minors, so that the mean
   of det^2 is the sum of (variance of the entry) times (mean of the minor^2). Along those two rows first, and then along
   the others, where d rows give d!, the mean of det(A_T)^2 is  (m-2)! sum_{j != k in T} x_j y_k;  and  sum_{i in U} of it
   is (m-1)! sum_{j != k in U} x_j y_k, since m - 1 of the i leave j and k.
4. dB = C (t_1 t_2)^{(m-3)/2} |t_1 - t_2| dt_1 dt_2, (t_1, t_2) in the positive quadrant, times an angle that is
   integrated out: let r = |b_1|, x the coordinate of b_2 along b_1, y the length of the rest of b_2, and o_m = 2
   pi^{m/2}/Gamma(m/2) the area of a sphere. dB = o_m r^{m-1} o_{m-1} y^{m-2} dr dx dy; W = B^T B = (r^2, r x; r x, x^2 +
   y^2) has dW = 4 r^2 y dr dx dy and det W = r^2 y^2; and dW = |t_1 - t_2| dt_1 dt_2 dphi, 0 <= phi < pi/2, in
   eigenvalues and the angle of eigenvectors. So C = (o_m o_{m-1}/4) (pi/2).
5. By the duplication formula (2 pi)^{-m} C (m-2)! = 1/8. Put t_1 = tau e^s, t_2 = tau e^{-s}, w = cosh s: dt_1 dt_2 = 2
   tau dtau ds, |t_1 - t_2| = 2 tau sinh |s|, (1 + l t_1)(1 + l t_2) = D, and  x_j y_k + x_k y_j = N_jk/(D_j D_k).  s and
   -s give the same: a factor 2 that makes 8. What is left of sum_U l^U for given j < k is l_j l_k e_{m-1}^{(jk)}, and l_j
   l_k e_{m-2}^{(jk)} of sum_T l^T.                                                                                     []

(For m = 1 see "E_1". For complex A the same steps with one column B give "complex-exact", after an integration by parts.)
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import positive, same
from .ledger import Statement
from .members import MEASURED, n
from .notation import E, quantity
from .propositions import Fact, Proposition, argued, at_least, chain, defined
from .truncated import gaussian_mean

m = sp.Symbol("m", integer=True, positive=True)
l, l_j, l_k = sp.symbols("l l_j l_k", positive=True)
t_1, t_2, tau = sp.symbols("t_1 t_2 tau", positive=True)
r, y = sp.symbols("r y", positive=True)
x, phi = sp.symbols("x phi", real=True)
HALF = sp.Rational(1, 2)


def quadratic(variance: Any, time: Any, cosh: Any) -> Any:
    """D."""
    return 1 + 2 * variance * time * cosh + variance**2 * time**2


def numerator(one: Any, other: Any, time: Any, cosh: Any) -> Any:
    """N_jk."""
    return 2 + 2 * one * other * time**2 + 2 * time * (one + other) * cosh


def tilted_variance(variance: Any, time: Any) -> Any:
    """x_k at t_1, y_k at t_2."""
    return 1 / (1 + variance * time)


def sphere(dimension: Any) -> Any:
    """Area of the unit sphere of a space of this dimension."""
    return 2 * sp.pi ** (dimension / 2) / sp.gamma(dimension / 2)


def volume_constant(m: Any) -> Any:
    """C of step 4."""
    return sphere(m) * sphere(m - 1) / 4 * sp.pi / 2


def standard_rows(count: Any) -> Any:
    """E det^2 of a square matrix of independent standard normal entries."""
    return sp.factorial(count)


def error_factor(m: Any) -> Any:
    """What stands before I[m-1]."""
    return m - 1


def powers(m: Any, time: Any) -> Any:
    """The power of tau."""
    return time ** (m - 1)


D, N = quantity("D", "D({})"), quantity("N", "N({0}, {1})")
w = sp.Symbol("w", positive=True)
#: I[r] = int tau^{m-1} dtau int dw prod D^{-1/2} sum_{j<k} l_j l_k e_r^{(jk)} N_jk/(D_j D_k).
pairs = quantity("pairs", "(sum_{{j<k}} l_j l_k e_{{{0}}}^(jk) N(l_j, l_k)/(D(l_j) D(l_k)))")
roots = quantity("roots", "(prod_k D(l_k))^{{-1/2}}")


def double_integral(order: Any) -> Any:
    """I[order]."""
    return sp.Integral(powers(m, tau) * roots(tau, w) * pairs(order, tau, w), (w, 1, sp.oo), (tau, 0, sp.oo))


#: B^T B has two eigenvalues.
TWO_ROWS = at_least(m, 2)

EXACT = Statement(
    "real-exact",
    Proposition(D(l), "=", quadratic(l, tau, w)),
    Proposition(N(l_j, l_k), "=", numerator(l_j, l_k, tau, w)),
    Proposition(E(m), "=", error_factor(m) * double_integral(m - 1), when=(TWO_ROWS, MEASURED)),
    Proposition(sp.S.One, "=", double_integral(m - 2), when=(TWO_ROWS, at_least(n, m))),
    words="with {0}, {1}: {2}, and {3}",
    source="the determinant as a sum of squared minors: Cauchy and Binet (Horn & Johnson 2013, 0.8.7)",
)


@EXACT.symbolic
def gaussian_integral() -> None:
    """int exp(-q b^2/2) db = (2 pi/q)^{1/2}: twice for each of m eigenvalues of S (all m)."""
    q, b = sp.Symbol("q", positive=True), sp.Symbol("b", real=True)
    one = sp.integrate(sp.exp(-q * b**2 / 2), (b, -sp.oo, sp.oo))
    same(one**2 / (2 * sp.pi), 1 / q)


EXACT.cited(
    "det A Lambda A^T = sum_{|T|=m} l^T det(A_T)^2 (Cauchy and Binet), and (1 - P_i) det S = det(S - l_i a_i a_i^T)",
    source="Horn & Johnson 2013, 0.8.7 and 0.8.5.11",
)


@EXACT.symbolic
def tilted() -> None:
    """The tilted law: normalisation and variances (each column, hence all n and m; all t_1, t_2)."""
    g = sp.Symbol("g", real=True)
    normal = sp.exp(-(g**2) / 2) / sp.sqrt(2 * sp.pi)
    for time in (t_1, t_2):
        weight = sp.integrate(normal * sp.exp(-l * time * g**2 / 2), (g, -sp.oo, sp.oo))
        same(weight**2, tilted_variance(l, time))
        square = sp.integrate(g**2 * normal * sp.exp(-l * time * g**2 / 2), (g, -sp.oo, sp.oo))
        same(square / weight, tilted_variance(l, time))


@EXACT.symbolic
def expanded() -> None:
    """E det^2 = sum_j (variance) E (minor j)^2, a row at a time (all m: any two columns of the row)."""
    entry, other = sp.symbols("g h")
    spread, spread_other, minor, minor_other = sp.symbols("x_j x_k M_j M_k", positive=True)
    row = sp.sqrt(spread) * entry * minor - sp.sqrt(spread_other) * other * minor_other
    same(gaussian_mean(row**2, [entry, other]), spread * minor**2 + spread_other * minor_other**2)
    # d rows of variance 1: d minors of d - 1 rows each; and two rows before, j in one and k in the other.
    d = sp.Symbol("d", integer=True, positive=True)
    same(sp.gammasimp(d * standard_rows(d - 1) / standard_rows(d)), 1)
    same(standard_rows(sp.Integer(0)), 1)


@EXACT.symbolic
def counted() -> None:
    """m - 1 of the m + 1 columns of U leave j and k: (m-2)! (m-1) = (m-1)! (all m >= 2)."""
    leaving = (m + 1) - 2
    same(leaving, error_factor(m))
    same(sp.gammasimp(standard_rows(m - 2) * leaving / standard_rows(m - 1)), 1)


@EXACT.symbolic
def volume() -> None:
    """dB = C (t_1 t_2)^{(m-3)/2} |t_1 - t_2| dt_1 dt_2 (all m >= 2)."""
    W = (r**2, r * x, x**2 + y**2)
    positive(m - 1, "the dimension of the rest of b_2", when=(TWO_ROWS,))
    to_square = sp.Matrix(3, 3, lambda i, j: sp.diff(W[i], (r, x, y)[j])).det()
    same(to_square, 4 * r**2 * y)
    same(W[0] * W[2] - W[1] ** 2, r**2 * y**2)
    # r^{m-1} y^{m-2} dr dx dy = (1/4) (r y)^{m-3} dW.
    same(sp.powsimp(r ** (m - 1) * y ** (m - 2) / to_square / ((r * y) ** (m - 3) / 4), force=True), 1)
    c, d = sp.cos(phi), sp.sin(phi)
    of_angle = (t_1 * c**2 + t_2 * d**2, (t_1 - t_2) * c * d, t_1 * d**2 + t_2 * c**2)
    jacobian = sp.Matrix(3, 3, lambda i, j: sp.diff(of_angle[i], (t_1, t_2, phi)[j])).det()
    same(sp.simplify(jacobian) ** 2, (t_1 - t_2) ** 2)


@EXACT.symbolic
def constant() -> None:
    """(2 pi)^{-m} C (m-2)! = 1/8 (all m >= 2, by the duplication formula)."""
    # Gamma(m/2) Gamma((m-1)/2) = 2^{2-m} pi^{1/2} Gamma(m-1), with z = (m-1)/2 in Gamma(z) Gamma(z + 1/2).
    z = sp.Symbol("z", positive=True)
    found = (2 * sp.pi) ** (-m) * volume_constant(m)
    gammas = sp.gamma(m / 2) * sp.gamma((m - 1) / 2)
    duplicated = 2 ** (2 - m) * sp.sqrt(sp.pi) * sp.gamma(m - 1)
    same(sp.simplify(found * gammas / duplicated * sp.gamma(m - 1)), sp.Rational(1, 8))
    same(sp.gammasimp(sp.gamma(z) * sp.gamma(z + HALF) / (2 ** (1 - 2 * z) * sp.sqrt(sp.pi) * sp.gamma(2 * z))), 1)
    same((1 - 2 * z).subs(z, (m - 1) / 2), 2 - m)


@EXACT.symbolic
def substituted() -> tuple[Fact, Fact]:
    """t_1 = tau e^s, t_2 = tau e^{-s}, w = cosh s (all tau > 0, s; all m, l)."""
    # e = e^s, ds = de/e.
    e = sp.Symbol("e", positive=True)
    first, second, cosh = tau * e, tau / e, (e + 1 / e) / 2
    at = {t_1: first, t_2: second}
    jacobian = sp.Matrix([[sp.diff(value, tau), e * sp.diff(value, e)] for value in (first, second)]).det()
    same(jacobian, -2 * tau)
    same(first - second, 2 * tau * e * sp.diff(cosh, e), "|t_1 - t_2| = 2 tau sinh s, and dw = sinh s ds")
    product = ((1 + l * t_1) * (1 + l * t_2)).subs(at)
    pair = tilted_variance(l_j, t_1) * tilted_variance(l_k, t_2) + tilted_variance(l_k, t_1) * tilted_variance(l_j, t_2)
    scaled = pair.subs(at) * product.subs(l, l_j) * product.subs(l, l_k)
    same(product, quadratic(l, tau, cosh))
    same(scaled, numerator(l_j, l_k, tau, cosh))
    # Powers: (t_1 t_2)^{(m-3)/2} = tau^{m-3}, the two Jacobians tau each, and 1/8 times 2, 2 and 2 (s and -s).
    same(sp.powsimp(tau ** (m - 3) * tau * tau), powers(m, tau))
    same(sp.Rational(1, 8) * 2 * 2 * 2, 1)
    positive(numerator(l_j, l_k, tau, w), "the integrand is positive")
    return chain(defined(D(l), quadratic(l, tau, w))), chain(defined(N(l_j, l_k), numerator(l_j, l_k, tau, w)))


@EXACT.symbolic
def assembled() -> tuple[Fact, Fact]:
    """The mean under the integral (Tonelli), its constant and its variables."""
    for step in (gaussian_integral, tilted, expanded, counted, volume, constant, substituted):
        step()
    reason = "steps 1 to 5"
    domain = (TWO_ROWS, MEASURED)
    law = argued(E(m), "=", error_factor(m) * double_integral(m - 1), reason + ", m - 1 columns leaving", when=domain)
    one = argued(1, "=", double_integral(m - 2), reason + ", for det S/det S", when=(TWO_ROWS, at_least(n, m)))
    return law, one


@EXACT.concludes
def conclusion() -> tuple[Fact, ...]:
    return *substituted(), *assembled()
