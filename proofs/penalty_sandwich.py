r"""With a penalty or matched noise gamma > 0, the deterministic equivalent lies between complex and real measurements, for
any n and m.

Setting.  l_1, ..., l_n > 0, Lambda = diag(l), gamma > 0, m >= 1 (m > n too), A (m x n) standard Gaussian, real or complex,
S = A Lambda A^*, and

    T = E tr (S + gamma I)^{-1},    X_gamma = tr(Lambda - Lambda A^* (S + gamma I)^{-1} A Lambda).

kappa is the root of  m = sum_i l_i/(l_i + kappa) + gamma/kappa,  p_i = l_i/(l_i + kappa); so sum_i l_i kappa/(l_i +
kappa) = m kappa - gamma. (X_gamma is the error, averaged over signal and noise, if the noise variance is gamma.) Let

    D_m(gamma) = sum_i log(1 + l_i/kappa) + m log(m kappa/gamma) + gamma/kappa - m.

Statement ("penalty").  The first column for complex A, the last for real A:

    T                             <=  1/kappa                        <=  T,                                              (a)
    E X_gamma                     <=  sum_i l_i kappa/(l_i + kappa)  <=  E X_gamma,                                      (b)
    E log det(I + S/gamma)        >=  D_m(gamma)                     >=  E log det(I + S/gamma).                         (c)

Proof.

1. Real A. Let Q_i and tau_i be those of "pair-rotation" with Gamma = gamma I. With S (S + gamma I)^{-1} = I - gamma (S +
   gamma I)^{-1},

       sum_i Q_i + gamma T = m,      E X_gamma = sum_i l_i (1 - Q_i).

2. Add one more column, of variance l_0. It has P_0 = l_0 c/(1 + l_0 c), c = a_0^T (S + gamma I)^{-1} a_0, E c = T. As l_0
   -> 0, tau_0 = l_0 (1 - Q_0)/Q_0 tends to 1/T, and the other Q_i to those without the column. So "pair-rotation" says
   tau_i >= 1/T.
3. Hence Q_i <= l_i T/(l_i T + 1) and m <= sum_i l_i T/(l_i T + 1) + gamma T. The right side rises with T and is m at T =
   1/kappa: T >= 1/kappa, (a) for real A.
4. (b), real A: let V_i = Q_i (1 - p_i) and z_i = 1/(1 - p_i) as in "real-equivalent", and one more term with V_0 = gamma
   T, z_0 = 1 and tau_0 = 1/T. tau and z are similarly ordered. As in "real-equivalent" V_i (tau_i - kappa) = kappa (p_i -
   Q_i), and

       sum_{i>=0} V_i (tau_i - kappa) = kappa (m - gamma/kappa) - kappa (m - gamma T) + gamma - kappa gamma T = 0,
       sum_{i>=0} V_i (tau_i - kappa) z_i = E X_gamma - kappa (m - gamma T) + gamma - kappa gamma T
                                            = E X_gamma - (m kappa - gamma),

   so that "Chebyshev" gives E X_gamma >= m kappa - gamma.
5. Complex A. Append J > m columns of variance gamma/J to A. As J -> infinity  (gamma/J) sum_j a_j a_j^* -> gamma I
   almost surely, and the equation of kappa for n + J columns becomes the one above, as J (gamma/J)/(gamma/J + kappa) ->
   gamma/kappa. Apply "inverse-trace-bounds", complex, with m rows: in the limit (Fatou) this is (a). The error with the
   new columns is sum_i l_i (1 - P_i) + gamma - (gamma/J) sum_j P_jj, where 0 <= sum_j P_jj <= m; it tends to X_gamma +
   gamma and is at most sum l + gamma. So "complex-equivalent" gives E X_gamma + gamma <= m kappa, which is (b).
6. (c): d/dgamma E log det(I + S/gamma) = T - m/gamma, and d/dgamma D_m = 1/kappa - m/gamma, as D_m is stationary in
   kappa. Both sides of (c) vanish as gamma -> infinity, where m kappa/gamma -> 1. Integrate (a) from gamma to infinity.
                                                                                                                        []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .chebyshev import ordered
from .checks import nonnegative, positive, same
from .complex_sandwich import UPPER
from .equivalents import EQUIVALENTS, matched, measurements
from .interlacing import INVERSE
from .ledger import Statement
from .matrices import same_matrices
from .members import kappa as noiseless_root
from .notation import quantity
from .pair_rotation import ROTATION
from .propositions import Fact, Proposition, argued, chain, through
from .real_sandwich import REAL, kappa, l, lever, seen, tau, weight

m = sp.Symbol("m", integer=True, positive=True)
gamma, T, c = sp.symbols("gamma T c", positive=True)


def log_determinant(summand: Any, m: Any, penalty: Any, root: Any) -> Any:
    """D_m, from sum_i log(1 + l_i/kappa)."""
    return summand + m * sp.log(m * root / penalty) + penalty / root - m


def error(root: Any, m: Any, penalty: Any) -> Any:
    """sum_i l_i kappa/(l_i + kappa), by the equation of kappa."""
    return m * root - penalty


def added_weight() -> Any:
    """V_0."""
    return gamma * T


def added_level() -> Any:
    """tau_0."""
    return 1 / T


#: For m measurements: the root of the equation of kappa, E tr (S + gamma I)^{-1}, E X_gamma and E log det(I + S/gamma).
root = quantity("root", "kappa^({})")
real_trace, complex_trace = quantity("trace", "T_{}"), quantity("trace_c", "T_{}(complex)")
real_error, complex_error = quantity("error", "E[X_gamma]({})"), quantity("error_c", "E[X_gamma]({}, complex)")
real_log = quantity("log", "E[log det(I + S/gamma)]({})")
complex_log = quantity("log_c", "E[log det(I + S/gamma)]({}, complex)")
#: sum_i log(1 + l_i/kappa), sum_i V_i, sum_i V_i z_i and sum_i V_i z_i (tau_i - kappa).
logarithms = quantity("logarithms", "sum_i log(1 + l_i/kappa^({}))")
total, levered, gained = quantity("total", "sum V"), quantity("levered", "sum V z"), quantity("gained", "g", positive=False)


def equivalent_log(m: Any) -> Any:
    """D_m."""
    return log_determinant(logarithms(m), m, gamma, root(m))


PENALTY = Statement(
    "penalty",
    Proposition(complex_trace(m), "<=", 1 / root(m)),
    Proposition(1 / root(m), "<=", real_trace(m)),
    Proposition(complex_error(m), "<=", error(root(m), m, gamma)),
    Proposition(error(root(m), m, gamma), "<=", real_error(m)),
    Proposition(equivalent_log(m), "<=", complex_log(m)),
    Proposition(real_log(m), "<=", equivalent_log(m)),
    words="with a penalty gamma and any n, kappa^(m) the root for m measurements (the penalty included), T_m the "
    "mean trace of the inverse of S + gamma I: {0}, {1}; {2}, {3}; {4}, {5}",
)


@PENALTY.symbolic
def traces() -> None:
    """S (S + gamma I)^{-1} = I - gamma (S + gamma I)^{-1}, so sum Q_i + gamma T = m (all n, m)."""
    S, inverse = sp.MatrixSymbol("S", m, m), sp.MatrixSymbol("U", m, m)
    given = [(S * inverse, sp.Identity(m) - gamma * inverse)]
    same_matrices((S + gamma * sp.Identity(m)) * inverse, sp.Identity(m), given)
    # sum_i l_i kappa/(l_i + kappa), summand by summand, is kappa times what the penalty leaves of m.
    same(matched([l], kappa), kappa * (measurements([l], gamma, kappa) - gamma / kappa))
    same(kappa * (m - gamma / kappa), error(kappa, m, gamma))


@PENALTY.symbolic
def added_column() -> None:
    """a column of variance l_0 -> 0 has tau_0 -> 1/T (all n, m: one column added to any S)."""
    # (B + l a a^T)^{-1} a = B^{-1} a/(1 + l c), c = a^T B^{-1} a.
    small = sp.Symbol("l_0", positive=True)
    share = small * c / (1 + small * c)
    B, B_inverse, a = sp.MatrixSymbol("B", m, m), sp.MatrixSymbol("B'", m, m), sp.MatrixSymbol("a", m, 1)
    quadratic = sp.MatrixSymbol("c", 1, 1)
    given = [(B * B_inverse, sp.Identity(m)), (a.T * B_inverse * a, quadratic)]
    same_matrices((B + small * a * a.T) * B_inverse * a, a * (sp.Identity(1) + small * quadratic), given)
    same(sp.limit(share / small, small, 0), c, "E of it tends to T")
    same(sp.limit(small * (1 - share) / share, small, 0), 1 / c)
    same(added_level().subs(T, c), 1 / c)


@PENALTY.symbolic
def resolvent() -> Fact:
    """m <= sum l T/(l T + 1) + gamma T, rising in T and equal to m at 1/kappa (each term, hence all n)."""
    more = sp.Symbol("more", nonnegative=True)
    largest = seen(l, added_level())
    same(largest, l * T / (l * T + 1))
    nonnegative(largest - seen(l, added_level() + more))
    positive(sp.diff(largest + gamma * T, T))
    value = 1 / kappa
    same((largest + gamma * T).subs(T, value), measurements([l], gamma, kappa))
    ROTATION.fact()
    reason = "step 3: the right side rises with T, is at least m at T and is m at this value"
    return argued(value.subs(kappa, root(m)), "<=", real_trace(m), reason)


@PENALTY.symbolic
def error_real() -> Fact:
    """(b), real A: one more term in the double sum (all n, m, through the two weighted sums)."""
    # Each i >= 1 as in "real-equivalent".
    REAL.fact()
    same(weight() * (tau - kappa), kappa * (seen(l, kappa) - seen(l, tau)))
    same(weight() * (tau - kappa) * lever(l), l * (1 - seen(l, tau)) - kappa * seen(l, tau))
    seen_at_root, seen_in_all, mean_error = sp.symbols("sum_p sum_Q E_X")
    zeroth = added_weight() * (added_level() - kappa)
    sums = {seen_at_root: m - gamma / kappa, seen_in_all: m - gamma * T}
    same((kappa * (seen_at_root - seen_in_all) + zeroth).subs(sums), 0)
    same((mean_error - kappa * seen_in_all + zeroth).subs(sums), mean_error - error(kappa, m, gamma))
    # tau_0 <= tau_i by step 2, and z_0 = 1 <= z_i.
    nonnegative(lever(l) - 1)
    rise, climb = sp.symbols("rise climb", nonnegative=True)
    found = through(lambda side: side / total(), ordered((total(), 0, levered(), gained()), rise, climb))
    reason = "step 4: the sum over i >= 0 of V_i (tau_i - kappa) z_i"
    mean = argued(gained(), "=", real_error(m) - error(root(m), m, gamma), reason)
    return through(lambda side: error(root(m), m, gamma) + side, chain(found, mean))


@PENALTY.symbolic
def appended_columns() -> tuple[Fact, Fact]:
    """Complex A: J columns of variance gamma/J (all n, m, J -> infinity)."""
    J = sp.Symbol("J", positive=True)
    same(sp.limit(J * seen(gamma / J, kappa), J, sp.oo), gamma / kappa)
    # The error of the new columns: J gamma/J less (gamma/J) sum P_jj, at most m.
    same(sp.limit(J * (gamma / J) - gamma / J * m, J, sp.oo), gamma)
    # The bounds for n + J columns, in the limit.
    inverse, whole = INVERSE.fact(0), UPPER.fact()
    r = inverse.left.args[0]
    last = "step 5: the limit J -> infinity of the bound for n + J columns"
    from_inverse = inverse.right.subs(r, m).replace(noiseless_root, root)
    from_error = whole.right.replace(noiseless_root, root) - gamma
    trace = argued(complex_trace(m), "<=", from_inverse, last + " (Fatou)")
    errors = argued(complex_error(m), "<=", from_error, last + ", less gamma")
    return trace, chain(errors, same(errors.right, error(root(m), m, gamma)))


@PENALTY.symbolic
def log_determinants() -> tuple[Fact, Fact]:
    """d/dgamma of both sides of (c): T - m/gamma and 1/kappa - m/gamma (each term, hence all n; all m)."""
    eigenvalue = sp.Symbol("s", positive=True)
    # m eigenvalues of S, log(1 + s/gamma) each.
    same(sp.diff(sp.log(1 + eigenvalue / gamma), gamma), 1 / (eigenvalue + gamma) - 1 / gamma)
    one = sp.log(1 + l / kappa)
    # In kappa: each term of the sum gives -(1/kappa) l/(l + kappa), the rest (1/kappa)(m - gamma/kappa).
    same(sp.diff(one, kappa), -seen(l, kappa) / kappa)
    rest = log_determinant(0, m, gamma, kappa)
    same(sp.diff(rest, kappa), (m - gamma / kappa) / kappa)
    same(sp.diff(rest, gamma), 1 / kappa - m / gamma)
    EQUIVALENTS.fact()
    # At infinity: gamma/m <= kappa <= (gamma + sum l)/m, "equivalents" (h), so m kappa/gamma and m kappa/gamma tend to 1.
    q, total = sp.symbols("q total", positive=True)
    same(sp.limit((gamma + total) / gamma, gamma, sp.oo), 1)
    same((rest.subs(kappa, q * gamma / m)).subs(q, 1), 0)
    same(sp.limit(one, kappa, sp.oo), 0)
    same(sp.limit(sp.log(1 + eigenvalue / gamma), gamma, sp.oo), 0)
    appended_columns()
    resolvent()
    reason = "step 6: (a), integrated from gamma to infinity"
    return (
        argued(equivalent_log(m), "<=", complex_log(m), reason),
        argued(real_log(m), "<=", equivalent_log(m), reason),
    )


@PENALTY.concludes
def conclusion() -> tuple[Fact, ...]:
    complex_side, (low, high) = appended_columns(), log_determinants()
    return complex_side[0], resolvent(), complex_side[1], error_real(), low, high
