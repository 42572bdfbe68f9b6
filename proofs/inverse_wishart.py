r"""The mean of the inverse of a Wishart matrix.

Setting.  A_1 is an m x k matrix, 1 <= k <= m, with independent standard normal entries, and W = A_1^T A_1.
In the complex case its entries are (g + ih)/sqrt(2) with g, h independent standard normal, so that E|.|^2 = 1, and
W = A_1^* A_1. Put beta = 1 in the real case and beta = 2 in the complex one.

Statement.  E W^{-1} = c I_k  and  E tr W^{-1} = c k,  where

    real:      c = 1 / (m - k - 1)  for m >= k + 2,  and E tr W^{-1} is infinite for m = k, k + 1;
    complex:   c = 1 / (m - k)      for m >= k + 1,  and E tr W^{-1} is infinite for m = k.

Proof.  Let a be the first column of A_1 and B the m x (k-1) matrix of the others. With probability 1, B has full rank:
each of its columns is at a positive distance from the span of those before it, by step 3 applied to these columns. Let
S = (B^T B)^{-1}, let P = B S B^T be the orthogonal projector onto the span of B's columns, and r = (I - P) a. For k = 1
read P = 0. In steps 1 and 2, read * for T in the complex case.

1. (W^{-1})_{11} = 1 / |r|^2.  In blocks,

       W = [ a^T a   a^T B ]      and      W [      1      ]  =  [ d ] ,     d = a^T a - a^T B S B^T a,
           [ B^T a   B^T B ]                 [ - S B^T a   ]     [ 0 ]

   so that the first column of W^{-1} is (1; -S B^T a)/d, and d = |r|^2 because P^T = P = P^2. Multiplied by A_1^T, the
   first row of W^{-1} becomes the first row of A_1^+ = W^{-1} A_1^T: it is r^T / |r|^2.

2. The dimension.  I - P is the projector onto the orthogonal complement of the span of B's columns, of dimension
   tr(I - P) = m - k + 1 =: nu. Let the columns of the m x nu matrix Q be an orthonormal basis of it: Q Q^T = I - P and
   Q^T Q = I. Then |r|^2 = |Q^T a|^2.

3. |r|^2 ~ chi^2_nu (real), |r|^2 ~ chi^2_{2 nu} / 2 (complex), and |r|^2 is independent of B.  The vector a is
   independent of B, hence of Q. Given B, E exp(u^T Q^T a) = exp(|Q u|^2 / 2) = exp(|u|^2 / 2): the vector Q^T a is
   standard normal again, in nu dimensions, whatever B is. (Complex: E exp(Re u^* a) = exp(|u|^2 / 4), and so for Q^* a.)
   The square of one standard normal has the Laplace transform (1 + 2t)^{-1/2}, so the sum of N independent ones has (1 +
   2t)^{-N/2}, which is the Laplace transform of chi^2_N; and N = beta nu real squares, each divided by beta, make |r|^2.

4. By the inverse-chi-square statement, E (W^{-1})_{11} = E beta / chi^2_{beta nu} = beta / (beta nu - 2), which is
   1/(m - k - 1) for beta = 1 and 1/(m - k) for beta = 2, and infinite where beta nu <= 2. The columns of A_1 are
   exchangeable, so every diagonal entry has this mean, and the trace k times it.

5. Where it exists, E W^{-1} is diagonal.  W^{-1} is positive semidefinite, so that 2 |(W^{-1})_{ij}| <= tr W^{-1} and the
   entries have means. Let D be diagonal with entries 1 but for one, the i-th, which is -1. A_1 D has the law of A_1, and
   (D W D)^{-1} = D W^{-1} D has the (i, j) entry -(W^{-1})_{ij}: its mean is 0 for every j other than i.                []
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from .checks import same
from .inverse_chi_square import CHI, density, inverse_mean, nu, x
from .ledger import Statement
from .matrices import same_matrices, same_traces, value
from .notation import explicit, quantity
from .propositions import Fact, Proposition, argued, at_least, chain, through

m, k = sp.symbols("m k", integer=True, positive=True)
t = sp.Symbol("t", positive=True)
g, s = sp.symbols("g s", real=True)

a = sp.MatrixSymbol("a", m, 1)
B = sp.MatrixSymbol("B", m, k - 1)
S = sp.MatrixSymbol("S", k - 1, k - 1)
Q = sp.MatrixSymbol("Q", m, m - k + 1)
u = sp.MatrixSymbol("u", m - k + 1, 1)
P = B * S * B.T
INVERSE = [(S.T, S), (S * B.T * B, sp.Identity(k - 1)), (B.T * B * S, sp.Identity(k - 1))]
BASIS = [(Q.T * Q, sp.Identity(m - k + 1))]


def residual() -> Any:
    """r, what is left of column a when its projection on the other columns is taken away."""
    return a - P * a


def degrees(m: Any, k: Any) -> Any:
    """Dimension of the orthogonal complement of k - 1 columns in m dimensions."""
    return m - k + 1


def freedom(m: Any, k: Any, beta: int) -> Any:
    """Degrees of freedom of beta |r|^2: real squares in it; beta = 1 real, 2 complex."""
    return beta * degrees(m, k)


#: E tr W^{-1} for m x k matrices: real, complex.
real_trace = quantity("real_trace", "E[tr W^{{-1}}]({}, {})")
complex_trace = quantity("complex_trace", "E[tr W^{{-1}}, complex]({}, {})")
off_diagonal_mean = quantity("off_diagonal_mean", "E[W^{{-1}}_ij]({}, {}), i != j,", positive=False)
TRACES = {1: real_trace, 2: complex_trace}


def trace_mean(m: Any, k: Any, beta: int = 1) -> Any:
    """E tr W^{-1} where it is finite: m >= k + 2 for beta = 1, m >= k + 1 for beta = 2."""
    return k / (m - k - 1) if beta == 1 else k / (m - k)


WISHART = Statement(
    "inverse-Wishart",
    Proposition(real_trace(m, k), "=", trace_mean(m, k), when=(at_least(m, k + 2),)),
    Proposition(complex_trace(m, k), "=", trace_mean(m, k, beta=2), when=(at_least(m, k + 1),)),
    Proposition(real_trace(k, k), "=", sp.oo),
    Proposition(real_trace(k + 1, k), "=", sp.oo),
    Proposition(complex_trace(k, k), "=", sp.oo),
    Proposition(off_diagonal_mean(m, k), "=", 0),
    setting=(*INVERSE, *BASIS),
    source="Anderson 1958; Muirhead 1982, section 3.2",
)


@WISHART.symbolic
def first_column() -> None:
    """The first column of W^{-1} is (1; -S B^T a)/d."""
    below = -S * B.T * a
    same_matrices(a.T * a + a.T * B * below, residual().T * residual(), INVERSE, "upper block is d = |r|^2")
    same_matrices(B.T * a + B.T * B * below, sp.ZeroMatrix(k - 1, 1), INVERSE, "lower block")
    same_matrices(a.T + below.T * B.T, residual().T, INVERSE, "d times the first row of A_1^+")


@WISHART.instance
def first_entry() -> None:
    """(W^{-1})_{11} |r|^2 = 1, by inverting W."""
    for rows, columns in ((2, 2), (3, 2)):
        A_1 = explicit("a", rows, columns)
        others = A_1[:, 1:]
        W = A_1.T * A_1
        letters = {a: A_1[:, :1], B: others, S: (others.T * others).inv()}
        same(W[1:, 1:].det() / W.det() * value(residual().T * residual(), letters)[0], 1)


@WISHART.symbolic
def dimension() -> Fact:
    """R lies in nu = m - k + 1 dimensions, and |r|^2 = |Q^T a|^2."""
    of_projector = same_traces(sp.Trace(sp.Identity(m) - P), degrees(m, k), INVERSE)
    same_matrices((Q * Q.T * a).T * (Q * Q.T * a), (Q.T * a).T * (Q.T * a), BASIS)
    same_matrices((Q * u).T * (Q * u), u.T * u, BASIS, "|Qu| = |u|")
    return of_projector


@WISHART.symbolic
def squared_length() -> None:
    """Sums of squares of standard normals are chi-square."""
    normal = sp.exp(-(g**2) / 2) / sp.sqrt(2 * sp.pi)
    line = (g, -sp.oo, sp.oo)
    generating = sp.exp(s**2 / 2)  # of one standard normal
    same(sp.integrate(sp.exp(s * g) * normal, line), generating, "moment generating function of N(0, 1)")
    same(generating.subs(s, s / sp.sqrt(2)), sp.exp(s**2 / 4), "and of a real part, of variance 1/2")
    same(sp.integrate(sp.exp(-t * g**2) * normal, line), (1 + 2 * t) ** sp.Rational(-1, 2), "one square")
    transform = sp.integrate(sp.exp(-t * x) * density(nu), (x, 0, sp.oo))
    same(transform, (1 + 2 * t) ** (-nu / 2), "chi-square with nu degrees of freedom")


def entries(beta: int) -> Callable[[Any], Any]:
    """The trace, from the mean of 1/chi-square: k entries beta/chi-square."""
    return lambda mean_of: k * beta * mean_of


def through_chi_square(beta: int) -> Fact:
    """E tr W^{-1} = k E[beta/chi^2_{beta nu}]: k diagonal entries 1/|r|^2, beta |r|^2 being chi-square."""
    first_column()
    squared_length()
    # nu is the trace of the projector I - P, the dimension in which r lies.
    found = beta * dimension().right
    reason = "steps 1 to 4: each of the k diagonal entries has the law of 1/|r|^2, and beta |r|^2 that of chi-square"
    return argued(TRACES[beta](m, k), "=", k * beta * inverse_mean(found), reason, when=(at_least(m, k),))


@WISHART.symbolic
def mean() -> tuple[Fact, ...]:
    """k/(m-k-1), complex k/(m-k)."""
    facts = []
    for beta in (1, 2):
        law = through_chi_square(beta)
        put = through(entries(beta), CHI.fact(0).at({nu: freedom(m, k, beta)}))
        facts.append(chain(law, put, same(put.right, trace_mean(m, k, beta), f"beta = {beta}")))
    return tuple(facts)


@WISHART.instance
def one_column() -> None:
    """For k = 1 it is the inverse-chi-square mean: E 1/chi^2_m, complex E 2/chi^2_{2m}."""
    for beta in (1, 2):
        of_chi = through(lambda side, beta=beta: beta * side, CHI.fact(0).at({nu: beta * m}))  # type: ignore[misc]
        same(of_chi.right, trace_mean(m, sp.S.One, beta), f"beta = {beta}")


@WISHART.symbolic
def divergence() -> tuple[Fact, ...]:
    """Infinite for m = k, k + 1 (real) and m = k (complex)."""
    facts = []
    for rows, beta, degrees in ((k, 1, 1), (k + 1, 1, 2), (k, 2, 2)):
        law = through_chi_square(beta).at({m: rows})
        put = through(entries(beta), CHI.fact(degrees))
        facts.append(chain(law, put))
    return tuple(facts)


@WISHART.symbolic
def off_diagonal() -> Fact:
    """A change of sign of one column changes the sign of an off-diagonal entry."""
    D, W, V = (sp.MatrixSymbol(name, k, k) for name in "DWV")
    given = [(D.T, D), (D * D, sp.Identity(k)), (W * V, sp.Identity(k))]
    same_matrices((D * W * D) * (D * V * D), sp.Identity(k), given, "(DWD)^{-1} = D W^{-1} D")
    one, other = sp.MatrixSymbol("e_i", k, 1), sp.MatrixSymbol("e_j", k, 1)
    flipped = [(D.T, D), (D * one, -one), (D * other, other)]
    same_matrices(one.T * (D * V * D) * other, -one.T * V * other, flipped, "entry")
    mean_of = off_diagonal_mean(m, k)
    opposite = argued(mean_of, "=", -mean_of, "step 5: A_1 D has the law of A_1")
    half = through(lambda side: (side + mean_of) / 2, opposite)
    return chain(same(mean_of, half.left), half, same(half.right, 0))


@WISHART.concludes
def conclusion() -> tuple[Fact, ...]:
    return *mean(), *divergence(), off_diagonal()
