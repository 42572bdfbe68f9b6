r"""Rotating a pair of columns: for real Gaussian A, the effective levels tau_i are ordered like the l_i.

Setting.  A is real, m x n, with columns a_1, ..., a_n independent N(0, I_m); l_1, ..., l_n > 0; Gamma is a fixed positive
semidefinite m x m matrix, and S = Gamma + sum_k l_k a_k a_k^T is invertible with probability 1 (Gamma = 0 and m <= n, or
Gamma > 0 and any m, n). Let

    P_i = l_i a_i^T S^{-1} a_i in [0, 1],    Q_i = E P_i,    tau_i = l_i (1 - Q_i)/Q_i,    so that  Q_i = l_i/(l_i + tau_i).

Statement ("pair-rotation").  If l_i >= l_j then tau_i >= tau_j. More precisely, for x = l_i > y = l_j there is a random
variable theta >= 0 with  Q_i = E x/(x + theta)  and  Q_j = E y/(y + theta): *the same theta*. tau_i > tau_j unless theta
is constant; for Gamma = 0 and m < n that happens if and only if n = 2.

Proof.  Let x = l_i > y = l_j (if x = y the two columns are exchangeable), S_0 = S without the terms i and j, Z = (a_i,
a_j).

1. For every symmetric 2 x 2 matrix K,  det(S_0 + Z K Z^T) = A_0 + tr(H K) + A_2 det K  with A_0, A_2 >= 0, H positive
   semidefinite and det H = A_0 A_2: for S_0 > 0 it is det(S_0) det(I + K Z^T S_0^{-1} Z), and det(I + K Y) = 1 + tr(K Y)
   + det K det Y for 2 x 2 matrices, so that with Y = Z^T S_0^{-1} Z it holds with A_0 = det S_0, H = A_0 Y and A_2 = A_0
   det Y. Both sides are polynomials in S_0; any S_0 is a limit of positive ones.
2. Z times a rotation R has the law of Z, given S_0; it turns H into R^T H R. So average over all rotations. Let t = H_11,
   s = tr H, so that H_22 = s - t. With K = diag(x, y), and K = diag(0, y) or diag(x, 0) for S without one of its terms,

       D = det S = A_0 + x y A_2 + x t + y (s - t),     P_i = (x t + x y A_2)/D,     P_j = (y (s - t) + x y A_2)/D.

3. Under the rotation by phi, t = (h_1 + h_2)/2 + (h_1 - h_2)/2 cos 2(phi - phi_0), h_1 and h_2 the eigenvalues of H. D is
   p + q cos 2(phi - phi_0) and takes the values p + q and p - q at t = h_1 and t = h_2. Let

       u = (A_0 + x s + x^2 A_2)^{1/2},      v = (A_0 + y s + y^2 A_2)^{1/2}.

   (p + q)(p - q) = u^2 v^2 because the difference is (x - y)^2 (h_1 h_2 - A_0 A_2) = 0. The mean of 1/(p + q cos) over a
   turn is (p^2 - q^2)^{-1/2}, D being positive: so the mean of 1/D is 1/(u v).
4. D is linear in t, so the mean of t/D follows, and the mean over the rotations is

       of P_i:  x (u - v)/((x - y) u) = x/(x + theta),        theta = (x v - y u)/(u - v),
       of P_j:  y (u - v)/((x - y) v) = y/(y + theta).

   u > v, for u^2 - v^2 = (x - y)(s + (x + y) A_2) > 0, and theta >= 0, for x^2 v^2 - y^2 u^2 = (x - y)((x + y) A_0 + x y
   s) >= 0. A_0, s and A_2 do not change under rotations, so the mean over everything else gives Q_i and Q_j as stated.
5. tau_i = E[theta/(x + theta)]/E[1/(x + theta)], and so for j with y. By "Chebyshev", for the functional L = E of the
   weight 1/((x + theta)(y + theta)), in which both factors are theta,

       E[theta/(x+theta)] E[1/(y+theta)] - E[theta/(y+theta)] E[1/(x+theta)] = (x - y) (L(1) L(theta^2) - L(theta)^2) >= 0.

6. n = 2, m = 1, Gamma = 0: A_0 = A_2 = 0 and theta = (x y)^{1/2}. For n >= 3 and Gamma = 0 replace Z by c Z: (A_0, s,
   A_2) becomes (A_0, c^2 s, c^4 A_2). If A_0 > 0 (m <= n - 2), theta grows without bound as c -> 0; if A_0 = 0 (m = n - 1
   >= 2; s, A_2 > 0), theta tends to (x y)^{1/2} as c -> 0 and to 0 as c -> inf. The law of Z has full support: theta is
   not constant.                                                                                                        []

The mean in step 3 is that of the arcsine law, which real rotations give. A unitary pair gives t the uniform law, the mean
of 1/D is a logarithm, there is no common theta, and the conclusion fails: this is where real and complex A part.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from . import chebyshev
from .checks import positive, same
from .ledger import Statement
from .notation import quantity
from .propositions import Fact, Proposition, argued, chain, through

x, y, A_0, A_2 = sp.symbols("x y A_0 A_2", positive=True)
s, t, theta = sp.symbols("s t theta", positive=True)
u, v, c = sp.symbols("u v c", positive=True)


def level(eigenvalue: Any) -> Any:
    """u^2 and v^2: det(S_0 + Z K Z^T) at K = diag(x, x), and at diag(y, y)."""
    return A_0 + eigenvalue * s + eigenvalue**2 * A_2


def determinant(first: Any, second: Any, entry: Any) -> Any:
    """det(S_0 + Z K Z^T) at K = diag(first, second), from t = H_11."""
    return A_0 + first * second * A_2 + first * entry + second * (s - entry)


def share(own: Any, other: Any, entry: Any) -> Any:
    """The numerator of P_i: D minus the determinant without the term of `own`; `entry` is its diagonal entry of H."""
    return own * entry + own * other * A_2


def common() -> Any:
    """theta."""
    return (x * v - y * u) / (u - v)


def averaged_inverse() -> Any:
    """Mean of 1/D over the rotations."""
    return 1 / (u * v)


def averaged_share(entry_mean: Any, own: Any, other: Any) -> Any:
    """Mean of P from that of (entry of H)/D."""
    return own * entry_mean + own * other * A_2 * averaged_inverse()


#: E P and tau = l (1 - E P)/E P of the column of variance l; means over theta.
Q, tau = quantity("Q", "Q({})"), quantity("tau", "tau({})")
seen, unseen = quantity("seen", "E[1/({} + theta)]"), quantity("unseen", "E[theta/({} + theta)]")
gap = sp.Symbol("gap", nonnegative=True)

ROTATION = Statement(
    "pair-rotation",
    Proposition(tau(y), "<=", tau(y + gap)),
    words="real A, Gamma positive semidefinite, Q(l) = E[l a^T (Gamma + A L A^T)^{{-1}} a] for the column a of variance l, "
    "tau(l) = l (1 - Q(l))/Q(l) for columns of variances y and y + gap: {0}",
)


@ROTATION.symbolic
def linear_in_the_pair() -> None:
    """det(I + K Y) = 1 + tr(K Y) + det K det Y, and det H = A_0 A_2 (all symmetric 2 x 2 K, Y; all m, n)."""
    K = sp.Matrix(2, 2, [*sp.symbols("k_1 k_2"), sp.Symbol("k_2"), sp.Symbol("k_3")])
    Y = sp.Matrix(2, 2, [*sp.symbols("y_1 y_2"), sp.Symbol("y_2"), sp.Symbol("y_3")])
    same((sp.eye(2) + K * Y).det(), 1 + (K * Y).trace() + K.det() * Y.det())
    same((A_0 * Y).det(), A_0 * (A_0 * Y.det()))
    H = sp.Matrix([[t, sp.Symbol("h")], [sp.Symbol("h"), s - t]])
    diagonal = sp.diag(x, y)
    same(A_0 + (H * diagonal).trace() + A_2 * diagonal.det(), determinant(x, y, t), "D")


@ROTATION.symbolic
def shares() -> None:
    """P_i and P_j from D without one term (all x, y, A_0, A_2, H)."""
    same(determinant(x, y, t) - determinant(0, y, t), share(x, y, t))
    same(determinant(x, y, t) - determinant(x, 0, t), share(y, x, s - t))


@ROTATION.symbolic
def ends() -> None:
    """D at the two ends: the product is u^2 v^2 (all x, y, A_0, A_2, h_1, h_2 with h_1 h_2 = A_0 A_2)."""
    h_1, h_2 = sp.symbols("h_1 h_2")
    product = determinant(x, y, h_1) * determinant(x, y, h_2)
    difference = (product - level(x) * level(y)).subs(s, h_1 + h_2)
    same(difference, (x - y) ** 2 * (h_1 * h_2 - A_0 * A_2))
    # H_11 under a rotation of the eigenbasis by the angle phi.
    phi = sp.Symbol("phi", real=True)
    R = sp.Matrix([[sp.cos(phi), -sp.sin(phi)], [sp.sin(phi), sp.cos(phi)]])
    turned = (R.T * sp.diag(h_1, h_2) * R)[0, 0]
    same(sp.simplify(turned - (h_1 + h_2) / 2 - (h_1 - h_2) / 2 * sp.cos(2 * phi)), 0)


@ROTATION.symbolic
def arcsine_mean() -> None:
    """The mean of 1/(p + q cos) over a turn is (p^2 - q^2)^{-1/2} (all p > |q|)."""
    p, q, z = sp.symbols("p q z", positive=True)
    # cos = (1 - z^2)/(1 + z^2), d phi = 2 dz/(1 + z^2), z = tan(phi/2) from 0 to infinity for half a turn. With
    # p + q = g^2 and p - q = h^2:
    g, h = sp.symbols("g h", positive=True)
    integrand = 2 / (1 + z**2) / (p + q * (1 - z**2) / (1 + z**2))
    at = {p: (g**2 + h**2) / 2, q: (g**2 - h**2) / 2}
    primitive = 2 / (g * h) * sp.atan(h * z / g)
    same(integrand.subs(at), sp.diff(primitive, z))
    same(sp.limit(primitive, z, sp.oo) / sp.pi, 1 / (g * h))
    same(primitive.subs(z, 0), 0)
    same((p**2 - q**2).subs(at), (g * h) ** 2)


@ROTATION.symbolic
def same_theta() -> None:
    """The means of P_i and P_j are x/(x + theta) and y/(y + theta) (all x > y, A_0, A_2, s)."""
    squares = sp.solve([level(x) - u**2, level(y) - v**2], [A_0, s], dict=True)[0]
    # 1 = mean of D/D gives the mean of t/D: D = D(t = 0) + (x - y) t.
    slope = sp.diff(determinant(x, y, t), t)
    same(slope, x - y)
    mean_t = (1 - determinant(x, y, 0) * averaged_inverse()) / slope
    mean_rest = s * averaged_inverse() - mean_t
    for mean, own, other in ((mean_t, x, y), (mean_rest, y, x)):
        same(averaged_share(mean, own, other).subs(squares), own / (own + common()), f"{own}/({own} + theta)")
    same((x * (u - v) / ((x - y) * u)), x / (x + common()))
    same((y * (u - v) / ((x - y) * v)), y / (y + common()))


@ROTATION.symbolic
def signs() -> None:
    """u > v and theta >= 0 (all x > y, A_0, A_2, s >= 0)."""
    gap = sp.Symbol("gap", positive=True)
    same(level(x) - level(y), (x - y) * (s + (x + y) * A_2))
    same(x**2 * level(y) - y**2 * level(x), (x - y) * ((x + y) * A_0 + x * y * s))
    positive((level(x) - level(y)).subs(x, y + gap))
    positive((x**2 * level(y) - y**2 * level(x)).subs(x, y + gap))


@ROTATION.symbolic
def ordered() -> Fact:
    """Tau_i - tau_j has the sign of (x - y) L_1 L_2 (theta - theta')^2 (every law of theta)."""
    other = sp.Symbol("theta'", positive=True)

    def mean(numerator: Any, missing: Any) -> Any:
        """E of numerator/(... + theta), by the functional L: `missing` is the factor that the weight has in addition."""
        return chebyshev.applied(numerator * missing, [theta])

    over_x, over_y = y + theta, x + theta
    products = mean(theta, over_x) * mean(sp.S.One, over_y), mean(theta, over_y) * mean(sp.S.One, over_x)
    square = chebyshev.applied((theta - other) ** 2 / 2, [theta], [other])
    factor = same(products[0] - products[1], (x - y) * square).at({x: y + gap})
    # Both factors of "Chebyshev" are theta, and (theta - theta')^2 >= 0.
    L, shift = chebyshev.L, sp.Symbol("shift", real=True)
    first, second = L(theta), L(theta**2)
    spread = chebyshev.ordered((L(sp.S.One), first, first, second), shift, shift)
    not_negative = through(lambda side: gap * (side - first**2), spread)
    known = argued(unseen(y + gap) * seen(y) - unseen(y) * seen(y + gap), "=", factor.left, "step 5: the functional L")
    start, end = same(0, not_negative.left), same(not_negative.right, factor.right)
    whole = chain(start, not_negative, end, factor.turned(), known.turned())
    scale = seen(y) * seen(y + gap)
    divided = through(lambda side: side / scale + unseen(y) / seen(y), whole)
    return chain(divided, same(divided.right, unseen(y + gap) / seen(y + gap)))


@ROTATION.symbolic
def levels() -> Fact:
    """tau = E[theta/(l + theta)]/E[1/(l + theta)], from Q = E[l/(l + theta)]."""
    for step in (linear_in_the_pair, shares, ends, arcsine_mean, same_theta, signs):
        step()
    same(1 - x / (x + theta), theta / (x + theta))
    found = ordered()
    reason = "steps 1 to 4: Q(l) = E[l/(l + theta)], the same theta for both columns"
    lower, upper = (argued(tau(end), "=", unseen(end) / seen(end), reason) for end in (y, y + gap))
    return chain(lower, found, upper.turned())


@ROTATION.symbolic
def constant_or_not() -> None:
    """theta = (x y)^{1/2} if A_0 = A_2 = 0; its limits under Z -> c Z (all x > y)."""
    first, second = sp.symbols("g h", positive=True)  # the square roots of x and y
    roots = {x: first**2, y: second**2}
    scaled = {A_0: A_0, s: c**2 * s, A_2: c**4 * A_2}

    def at(values: dict[Any, Any]) -> Any:
        return common().subs({u: sp.sqrt(level(x).subs(values)), v: sp.sqrt(level(y).subs(values))})

    pair = sp.simplify(at({A_0: 0, A_2: 0}).subs(roots))
    same(pair, first * second)
    # theta is homogeneous of degree 0 in (u, v): divide by c. As c -> 0 with A_0 = 0, u and v tend to those of the pair.
    for value in (x, y):
        without = level(value).subs(A_0, 0).subs(scaled, simultaneous=True)
        same(sp.limit(sp.expand(without / c**2), c, 0), value * s)
        same(sp.limit(sp.expand(without / c**4), c, sp.oo), value**2 * A_2)
        same(sp.limit(level(value).subs(scaled, simultaneous=True), c, 0), A_0)
    same((x * v - y * u).subs({u: x, v: y}), 0, "c -> inf: u : v = x : y")
    # A_0 > 0, c -> 0: u and v tend to the same number, so the numerator does not vanish and the denominator does.
    positive((x * v - y * u).subs({u: 1, v: 1}).subs(x, y + first))


@ROTATION.concludes
def conclusion() -> Fact:
    found: Fact = levels()
    return found
