r"""For a linear flow the likelihood of the signal and that of its latent are the same objective.

Setting.  As in "MLE": x = mu + G z, z ~ N(0, I_n), G (n x n) invertible; p_X is the density of x, N(mu, G G^T), and p_Z
that of z, N(0, I_n).

Statement ("T10").

    (a)  log p_X(mu + G z) = log p_Z(z) - log |det G|  for every z.
    (b)  So the order of two signals by likelihood is that of their latents, and maximising log p_X over { x : A x = y } is
         the same problem as maximising the proxy log p_Z over { z : A (mu + G z) = y }; both give the signal of "MLE".
    (c)  That rests on |det G| being constant. It fails for the flow x = e^z, z ~ N(0, 1): the most likely latent is 0, and
         the most likely signal is e^{-1}, of latent -1.

Proof.

1. The log-density of N(mu, C) at x is  -q/2 - (log det C)/2 - (n/2) log 2 pi  with q = (x - mu)^T C^{-1} (x - mu). For
   C = G G^T and x = mu + G z the exponent is q = z^T G^T G^{-T} G^{-1} G z = |z|^2, that of p_Z at z.
2. det G G^T = (det G)^2, the determinant being multiplicative and that of the transpose the same. So
   (log det C)/2 = log |det G|; p_Z has C = I, of log-determinant 0. The difference of the two log-densities is (a).
3. (b) is (a) with a constant dropped: z -> mu + G z is a bijection, and A x = y if and only if A (mu + G z) = y. By "MLE"
   the maximiser is mu + G B^+ (y - A mu).
4. For x = e^z, P(x <= u) = P(z <= log u), and the derivative by u is p_X(u) = p_Z(log u) / u; that is,
   log p_X(e^z) = log p_Z(z) - z. The derivative by z, -z - 1, vanishes only at z = -1, and the second derivative is -1:
   a maximum, and the only one.                                                                                         []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import exactly, same
from .ledger import Statement
from .matrices import same_matrices
from .mle import INVERSE, MEASURED, MLE, A, B, F, G, I_n, exponent, mu, r, z
from .propositions import Fact, Proposition, chain, defined, through

size = sp.Symbol("n", integer=True, positive=True)
q, log_abs_det = sp.Symbol("q", real=True), sp.Symbol("log|det G|", real=True)
#: log p_X(mu + G z) and log p_Z(z).
of_signal, of_latent = sp.symbols("log_p_X(mu+Gz) log_p_Z(z)", real=True)
u, w = sp.Symbol("u", positive=True), sp.Symbol("w", real=True)


def log_density(q: Any, log_det_covariance: Any, dimension: Any) -> Any:
    """Of a Gaussian, from its exponent q."""
    return -q / 2 - log_det_covariance / 2 - dimension * sp.log(2 * sp.pi) / 2


def log_det_covariance() -> Any:
    """Of G G^T, from log |det G|."""
    return 2 * log_abs_det


def proxy(log_latent_density: Any) -> Any:
    """log p_X from log p_Z."""
    return log_latent_density - log_abs_det


def log_density_of_exponential() -> Any:
    """log p_X(e^w) for x = e^z."""
    return log_density(w**2, 0, 1) - w


PROXY = Statement(
    "T10",
    Proposition(exponent(mu + G * z), "=", z.T * z),
    Proposition(sp.Determinant(G * G.T).doit(), "=", sp.Determinant(G) * sp.Determinant(G.T)),
    Proposition(of_signal, "=", proxy(of_latent)),
    Proposition(A * (mu + G * z) - (A * mu + r), "=", B * z - r),
    Proposition(sp.Derivative(log_density_of_exponential(), w), "=", -w - 1),
    words="the latent is the same objective, {2}, as the exponent is {0} and {1}; the constraints agree, {3}; for the "
    "exponential flow, which is not linear, they differ: {4}, and the most likely latent is the origin",
    setting=(*INVERSE, *MEASURED),
)


@PROXY.symbolic
def exponents() -> Fact:
    """The exponent of p_X at mu + G z is |z|^2."""
    precision = F.T * F
    same_matrices(precision * (G * G.T), I_n, given=[*INVERSE, (F.T * G.T, I_n)], what="precision")
    return same_matrices(exponent(mu + G * z), z.T * z, given=INVERSE)


@PROXY.symbolic
def determinants() -> Fact:
    """det G G^T = (det G)^2: determinants multiply, and the transpose has the same."""
    return same(sp.Determinant(G * G.T).doit(), sp.Determinant(G) * sp.Determinant(G.T))


@PROXY.instance
def small_determinants() -> None:
    """The same for explicit G."""
    for n in (1, 2, 3):
        explicit = sp.Matrix(n, n, lambda i, j: sp.Symbol(f"g_{i}{j}", real=True))
        same((explicit * explicit.T).det(method="berkowitz"), explicit.det() ** 2)


@PROXY.symbolic
def change_of_variables() -> Fact:
    """log p_X = log p_Z - log|det G|."""
    signal = log_density(q, log_det_covariance(), size)
    latent = log_density(q, 0, size)
    same(sp.exp(log_det_covariance()), sp.exp(log_abs_det) ** 2, "determinant of the covariance")
    of_x, of_z = defined(of_signal, signal), defined(of_latent, latent)
    return chain(of_x, same(signal, proxy(latent)), through(proxy, of_z.turned()))


@PROXY.symbolic
def constraints() -> Fact:
    """The constraints agree: A x = y is B z = r."""
    # The maximiser is that of "MLE".
    MLE.fact(0)
    return same_matrices(A * (mu + G * z) - (A * mu + r), B * z - r, given=MEASURED)


@PROXY.symbolic
def nonlinear() -> Fact:
    """x = e^z orders signals otherwise than latents."""
    distribution = (1 + sp.erf(sp.log(u) / sp.sqrt(2))) / 2
    density = sp.diff(distribution, u).subs(u, sp.exp(w))
    same(density, sp.exp(log_density_of_exponential()), "density")
    exactly(sp.solve(sp.diff(log_density_of_exponential(), w), w), [-1], "most likely signal")
    same(sp.diff(log_density_of_exponential(), w, 2), -1, "a maximum")
    exactly(sp.solve(sp.diff(log_density(w**2, 0, 1), w), w), [0], "most likely latent")
    return same(sp.Derivative(log_density_of_exponential(), w), -w - 1)


@PROXY.concludes
def conclusion() -> tuple[Fact, ...]:
    return exponents(), determinants(), change_of_variables(), constraints(), nonlinear()
