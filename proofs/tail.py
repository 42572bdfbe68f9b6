r"""How rarely the error operator is large.

Setting.  As in "T5", with G = Sigma, where nothing is lost: the Frobenius norm does not change with U and V either.
Let k + p = m <= n, p >= 4, t >= 1, u >= 0, and

    c = e sqrt(k+p) / (p+1),    F = A_1^+ A_2 Sigma_2.

Statement ("T6").  With r^2 = 3k/(p+1), except with probability at most 2 t^{-p} + e^{-u^2/2},

    Frobenius:   ||G (I - P)||_F <= (1 + t r) tail(k)^{1/2} + u t c sigma_{k+1},
    spectral:    ||G (I - P)||   <= (1 + t r) sigma_{k+1} + t c tail(k)^{1/2} + u t c sigma_{k+1}.

These are the forms of the journal version of Halko, Martinsson & Tropp (2011), Theorems 10.7 and 10.8. Those of the
preprint, with r^2 = 12k/p and failure probabilities 5 t^{-p} + 2 e^{-u^2/2} (Frobenius) and 5 t^{-p} + e^{-u^2/2}
(spectral), follow: their bounds are larger, and so are their probabilities.

Proof.  For k = 0 the norms are at most tail(0)^{1/2} and sigma_1, always. Let k >= 1, and A_1 of rank k (probability 1).

1. ||1/chi^2_{p+1}||_q, the L_q norm for q = p/2, has the q-th power

       E (1/chi^2_{p+1})^{p/2} = 2^{-p/2} Gamma((p+1)/2 - p/2) / Gamma((p+1)/2) = 2^{-p/2} sqrt(pi) / Gamma((p+1)/2).

2. ||A_1^+||_F^2 = tr (A_1^T A_1)^{-1} is a sum of k variables, each with the law of 1/chi^2_{p+1}, by steps 1 to 3 of
   "inverse-Wishart". By the triangle inequality in L_q, q >= 2, its L_q norm is at most k times theirs. Markov's
   inequality for the q-th power gives

       P( ||A_1^+||_F > t r ) <= (k / (t r)^2)^q E (1/chi^2_{p+1})^q = rho(p) t^{-p},

       rho(p) = sqrt(pi) ((p+1)/6)^{p/2} / Gamma((p+1)/2).

3. rho(p) <= 1 for p = 4, 5, ...: rho(4) = 25/27 and rho(5)^2 = pi/4; and with x = (p+1)/2

       rho(p+2) / rho(p) = (1/3) (1 + 1/x)^{x + 1/2} < 1      for x >= 5/2,

   since 1.4^3/3 = 343/375 is its value at x = 5/2, and it decreases: phi(x) = (x + 1/2) log(1 + 1/x) has phi' -> 0
   as x -> infinity and phi'' = 1/(2 x^2 (x+1)^2) > 0, hence phi' < 0.
4. P( ||A_1^+|| > t c ) <= t^{-(p+1)} <= t^{-p}, by (b) of "smallest-singular-value".
5. Given A_1, the entries of A_2 are independent standard normal, and both norms of F = A_1^+ A_2 Sigma_2 are Lipschitz
   functions of A_2 with constant ||A_1^+|| sigma_{k+1}, as ||S (X - Y) T|| <= ||S (X - Y) T||_F <= ||S|| ||X - Y||_F
   ||T||. By the concentration inequality for Lipschitz functions of Gaussian variables (cited), given A_1, with
   probability at least 1 - e^{-u^2/2},

       ||F||_F <= E ||F||_F + u ||A_1^+|| sigma_{k+1},      ||F|| <= E ||F|| + u ||A_1^+|| sigma_{k+1}.

6. Given A_1, the means are at most ||A_1^+||_F tail(k)^{1/2}, as E ||F||_F^2 = ||A_1^+||_F^2 tail(k) by step 3 of
   "T3-noisy", and ||A_1^+|| tail(k)^{1/2} + ||A_1^+||_F sigma_{k+1}, by "Chevet".
7. ||Sigma (I - P)||_F <= (tail(k) + ||F||_F^2)^{1/2} <= tail(k)^{1/2} + ||F||_F by "T2", step 1, and
   ||Sigma (I - P)|| <= sigma_{k+1} + ||F|| by "T5", step 1. Unless one of the events in steps 2, 4 and 5 fails,
   ||A_1^+||_F <= t r and ||A_1^+|| <= t c: put them in. The three probabilities sum to at most 2 t^{-p} + e^{-u^2/2}.   []
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from flint import arb

from .checks import at_most, below, nonnegative, same, same_product
from .inverse_chi_square import CHI, density, x
from .inverse_wishart import WISHART
from .ledger import Statement, establish
from .notation import quantity
from .propositions import Fact, Proposition, argued, at_least, chain, through
from .smallest_singular_value import SMALLEST, scale
from .smallest_singular_value import t as level
from .spectral import CHEVET, S_F, T5, T_F, S, T, root_tail, sigma
from .truncated import NOISY

k = sp.Symbol("k", integer=True, positive=True)
p = sp.Symbol("p", positive=True)
more = sp.Symbol("more", positive=True)  # t - 1
t, u, y = sp.symbols("t u y", positive=True)

#: Form: (factor and offset in r^2, factor of t^{-p}, factor of the Gaussian term: Frobenius, spectral).
FORMS = {"journal": (3, 1, 2, 1, 1), "preprint": (12, 0, 5, 2, 1)}


def root(k: Any, p: Any, form: str = "journal") -> Any:
    """r."""
    factor, offset, *_ = FORMS[form]
    return sp.sqrt(factor * sp.sympify(k) / (p + offset))


def bound(sigma: Any, root_tail: Any, k: Any, p: Any, t: Any, u: Any, norm: str, form: str = "journal") -> Any:
    """What the norm exceeds rarely; `norm` is "frobenius" or "spectral"."""
    r, c = root(k, p, form), scale(k + p, p)
    if norm == "frobenius":
        return (1 + t * r) * root_tail + u * t * c * sigma
    return (1 + t * r) * sigma + t * c * root_tail + u * t * c * sigma


def probability(p: Any, t: Any, u: Any, norm: str, form: str = "journal") -> Any:
    """How rarely."""
    *_, power, frobenius, spectral = FORMS[form]
    return power * t ** (-p) + (frobenius if norm == "frobenius" else spectral) * sp.exp(-(u**2) / 2)


def moment(p: Any) -> Any:
    """E (1/chi^2_{p+1})^{p/2}."""
    return 2 ** (-p / 2) * sp.sqrt(sp.pi) / sp.gamma((p + 1) / 2)


def rho(p: Any) -> Any:
    """P(||A_1^+||_F > t r) t^p is at most this."""
    return sp.sqrt(sp.pi) * ((p + 1) / 6) ** (p / 2) / sp.gamma((p + 1) / 2)


#: P(||G(I-P)||_F > value), P(||G(I-P)|| > value), P(||A_1^+||_F > value).
frobenius_exceeds = quantity("frobenius_exceeds", "P(||G(I-P)||_F > {})")
spectral_exceeds = quantity("spectral_exceeds", "P(||G(I-P)|| > {})")
length_exceeds = quantity("length_exceeds", "P(||A_1^+||_F > {})")
EXCEEDS = {"frobenius": frobenius_exceeds, "spectral": spectral_exceeds}
whole = sp.Symbol("p", integer=True, nonnegative=True)  # the p of "smallest-singular-value"
#: The least p.
LEAST = sp.Integer(4)
DOMAIN = (at_least(p, LEAST), at_least(t, 1))


def said(norm: str, form: str) -> Proposition:
    """The bound of one norm, in one form."""
    value = bound(sigma, root_tail, k, p, t, u, norm, form)
    return Proposition(EXCEEDS[norm](value), "<=", probability(p, t, u, norm, form), when=DOMAIN)


T6 = Statement(
    "T6",
    *(said(norm, form) for form in FORMS for norm in EXCEEDS),
    source="Halko, Martinsson & Tropp 2011, Theorems 10.7 and 10.8",
)


@T6.symbolic
def inverse_moment() -> Fact:
    """E (1/chi^2_{p+1})^{p/2}."""
    # That the density is one is said by "inverse-chi-square".
    CHI.fact(3)
    integrand = sp.powsimp(sp.expand_power_exp(density(p + 1)) * x ** (-p / 2))
    return same(sp.Integral(integrand, (x, 0, sp.oo)), moment(p))


@T6.symbolic
def markov() -> Fact:
    """P(||A_1^+||_F > t r) <= rho(p) t^{-p}."""
    # k diagonal entries of (A_1^T A_1)^{-1}, each 1/chi^2_{p+1}, by the steps of "inverse-Wishart".
    WISHART.fact(0)
    r, moment_is = root(k, p), inverse_moment().right
    by_markov = (k / (t * r) ** 2) ** (p / 2) * moment_is
    reason = "step 2: ||A_1^+||_F^2 is a sum of k variables 1/chi^2_{p+1}; triangle and Markov's inequality in L_{p/2}"
    law = argued(length_exceeds(t * r), "<=", by_markov, reason)
    return chain(law, same_product(by_markov, rho(p) * t ** (-p)))


@T6.symbolic
def first_values() -> None:
    """rho(4) = 25/27 and rho(5)^2 = pi/4 are below 1."""
    same(rho(LEAST), sp.Rational(25, 27))
    same(rho(LEAST + 1) ** 2, sp.pi / 4)
    below(arb(25) / 27, 1, "rho(4)")
    below(arb.pi() / 4, 1, "rho(5)^2")


@T6.symbolic
def decreasing() -> None:
    """rho(p+2) < rho(p) for p >= 4."""
    quotient = (1 + 1 / y) ** (y + sp.Rational(1, 2)) / 3
    same_product(rho(2 * y + 1) / rho(2 * y - 1), quotient)  # y = (p+1)/2
    same(quotient.subs(y, (LEAST + 1) / 2), sp.Rational(343, 375))
    below(arb(343) / 375, 1)
    phi = (y + sp.Rational(1, 2)) * sp.log(1 + 1 / y)
    same(sp.diff(phi, y, 2), 1 / (2 * y**2 * (y + 1) ** 2))
    establish(sp.limit(sp.diff(phi, y), y, sp.oo) == 0, "phi' does not vanish at infinity")


T6.cited(
    "P(f >= E f + u L) <= exp(-u^2/2) for an L-Lipschitz function f of independent standard normals",
    source="Cirel'son, Ibragimov & Sudakov 1976; Boucheron, Lugosi & Massart 2013, Theorem 5.6",
)


@T6.symbolic
def length() -> Fact:
    """P(||A_1^+||_F > t r) <= t^{-p} for p >= 4."""
    first_values()
    decreasing()
    reason = "step 3: rho(4), rho(5) < 1, and rho(p + 2) < rho(p) from p = 4 on"
    below_one = argued(rho(p), "<=", sp.S.One, reason, when=(at_least(p, LEAST),))
    return chain(markov(), through(lambda side: side * t ** (-p), below_one))


@T6.symbolic
def norm() -> Fact:
    """P(||A_1^+|| > t c) <= t^{-(p+1)} <= t^{-p}."""
    gap = (1 + more) ** -p - (1 + more) ** (-(p + 1))
    same(gap, more * (1 + more) ** (-(p + 1)))
    nonnegative(more * (1 + more) ** (-(p + 1)), "t^{-(p+1)} <= t^{-p}")
    rare = SMALLEST.fact(1)
    units = rare.left.args[0]
    same(units, level * scale(k + whole, whole), "in units of c")
    return argued(rare.left, "<=", level ** (-whole), "step 4: t >= 1", when=(at_least(level, 1),))


@T6.symbolic
def combined() -> tuple[Fact, ...]:
    """The journal's bounds."""
    # Unless one of three events fails.
    lengths, norms = length(), norm()
    values = dict(zip((whole, level), (p, t), strict=True))
    S_F_at, S_at = lengths.left.args[0], norms.left.args[0].subs(values)
    at = {S: S_at, S_F: S_F_at, T: sigma, T_F: root_tail}
    means = {"frobenius": S_F_at * root_tail, "spectral": CHEVET.fact().right.subs(at, simultaneous=True)}
    starts = {"frobenius": root_tail, "spectral": sigma}
    fluctuation = u * S_at * sigma
    # The mean of ||F||_F given A_1 is that of "T3-noisy"; ||Sigma (I - P)|| <= sigma + ||F|| is step 1 of "T5".
    NOISY.fact(0)
    T5.fact(0)
    x = sp.Symbol("length", nonnegative=True)  # ||F||_F
    nonnegative(sp.expand((root_tail + x) ** 2 - (root_tail**2 + x**2)))
    failing = lengths.right + norms.right.subs(values) + sp.exp(-(u**2) / 2)
    facts = []
    for name, exceeds in EXCEEDS.items():
        value = starts[name] + means[name] + fluctuation
        law = argued(exceeds(value), "<=", failing, "steps 5 to 7: the three events together", when=DOMAIN)
        same(value, bound(sigma, root_tail, k, p, t, u, name))
        facts.append(chain(law, same(failing, probability(p, t, u, name))))
    return tuple(facts)


@T6.symbolic
def preprint() -> tuple[Fact, ...]:
    """The preprint's forms follow: larger bounds, larger probabilities."""
    at_most(root(k, p) ** 2, root(k, p, "preprint") ** 2, "r^2")
    facts = []
    for law, (name, exceeds) in zip(combined(), EXCEEDS.items(), strict=True):
        wider = sp.Symbol("wider", nonnegative=True)  # r of the preprint less r of the journal
        factor = sp.Symbol("r", nonnegative=True)
        ours = bound(sigma, root_tail, k, p, t, u, name).subs(root(k, p), factor)
        theirs = bound(sigma, root_tail, k, p, t, u, name, "preprint").subs(root(k, p, "preprint"), factor + wider)
        nonnegative(sp.expand(theirs - ours), name)
        larger = exceeds(bound(sigma, root_tail, k, p, t, u, name, "preprint"))
        rarer = argued(
            larger, "<=", exceeds(bound(sigma, root_tail, k, p, t, u, name)), "a larger value is exceeded less often"
        )
        at_last = at_most(probability(p, t, u, name), probability(p, t, u, name, "preprint"), f"{name}: probability")
        facts.append(chain(rarer, law, at_last))
    return tuple(facts)


@T6.concludes
def conclusion() -> tuple[Fact, ...]:
    return *combined(), *preprint()
