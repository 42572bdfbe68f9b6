r"""The theorems at named spectra, synthetic and real: every number enclosed, nothing sampled.

Setting.  l_1 >= ... >= l_n > 0; tail(k) = sum_{i>k} l_i; E_m is the expected error with m Gaussian measurements, real or
complex. The enclosures of E_m are those of "enclosures": m = 1 and m = n - 1 for real A, every m for complex A.

Statement ("named-spectra").  For the spectra of `SYNTHETIC` (exact rationals: power laws, exponentials down to 10^-160,
steps, spikes) and of `REAL` (covariances of handwritten digits and of patches of a photograph):

    complex A, 1 <= m < n, every 0 <= k < m:  tail(m) < E_m < (1 + k/(m-k)) tail(k),     E_m < sum_{i <= n-m} l_i,
    real A, m = 1 and m = n - 1:              tail(m) < E_m < sum_{i <= n-m} l_i,
    real A, m = n - 1, every 0 <= k <= m-2:   E_m < (1 + k/(m-k-1)) tail(k)  and  E_m < m tail(m-2),

and for flat spectra E_m = tail(m) = sum_{i <= n-m} l_i, below the other upper bounds for every m.

Proof.

1. Flat: X_A = l (n - m) for every A ("error"), an exact rational.
2. Synthetic: the two balls of each comparison are disjoint and lie in the stated order.
3. Real: pixels are integers, so N^2 times the covariance of N samples x_1, ..., x_N is the integer matrix
   N sum_j x_j x_j^T - (sum_j x_j) (sum_j x_j)^T. The l_i are the roots of its characteristic polynomial, which is exact;
   they are isolated in balls, all positive and distinct, and carried through as balls.                                   []

Statement ("conjecture-at-named-spectra").  With kappa > 0 the root of sum_i l_i / (l_i + kappa) = m, at the spectra of
the first statement

    complex A, 1 <= m < n:         E_m < m kappa,
    real A, m = 1 and m = n - 1:   m kappa < E_m,

while for flat spectra, and for real A at n = 2, E_m = m kappa. (Whether E_m(complex A) <= m kappa <= E_m(real A) for every
spectrum and every m is open.)

Proof.

1. s(kappa) = sum_i l_i / (l_i + kappa) decreases in kappa, so E < m kappa if and only if s(E/m) > m: no root is needed.
   Flat: s(l (n - m)/m) = n / (1 + (n - m)/m) = m. Real A, n = 2, m = 1: E_1 = sigma_1 sigma_2 ("E_1"), and
   s(sigma_1 sigma_2) = sigma_1/(sigma_1 + sigma_2) + sigma_2/(sigma_2 + sigma_1) = 1.
2. The rest is a comparison of disjoint balls.                                                                            []
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp
from flint import arb, ctx, fmpq, fmpq_mat, fmpz_mat

from .checks import below, eigenvalues, exactly, same
from .enclosures import complex_errors, real_error
from .ledger import Statement, establish

NAMED = Statement(
    "named-spectra",
    "T1, T2, T7 and T8 at named spectra, real data among them, by enclosures of E_m",
    uses=("error", "enclosures"),
)
CONJECTURE = Statement(
    "conjecture-at-named-spectra",
    "at the named spectra: E_m(complex A) < m kappa for every m, m kappa < E_m(real A) for m = 1, n-1 (in general open)",
    uses=("E_1", "enclosures", "named-spectra"),
)


#: Accuracy at which E_m is told apart from its bounds, unless they are very close.
BITS = 48


@dataclass(frozen=True, eq=False)
class Named:
    """l_1 >= ... >= l_n under a name, and the accuracy in bits of the enclosures of E_m."""

    name: str
    l: tuple[Any, ...]
    bits: int = BITS

    @property
    def n(self) -> int:
        """Dimension."""
        return len(self.l)


def power_of_ten(exponent: int) -> fmpq:
    """10^exponent."""
    return fmpq(10) ** exponent


SYNTHETIC = (
    Named("sigma_i = 1/i, n = 32", tuple(fmpq(1, i * i) for i in range(1, 33))),
    Named("sigma_i = i^{-1/2}, n = 32", tuple(fmpq(1, i) for i in range(1, 33))),
    Named("l_i = (3/5)^i, n = 24", tuple(fmpq(3, 5) ** i for i in range(24))),
    Named("step of rank 8, floor sigma = 10^-4, n = 32", (fmpq(1),) * 8 + (power_of_ten(-8),) * 24, bits=80),
    Named("step of rank 6, floor sigma = 10^-10, n = 8", (fmpq(1),) * 6 + (power_of_ten(-20),) * 2, bits=160),
    Named("step of rank 2, floor sigma = 10^-8, n = 4", (fmpq(1),) * 2 + (power_of_ten(-16),) * 2, bits=140),
    Named("sigma = 100, 30, 10, 3 and 36 ones", tuple(fmpq(s * s) for s in (100, 30, 10, 3, *[1] * 36))),
    Named("sigma_i = 10^{1-i}, n = 13", tuple(power_of_ten(-2 * i) for i in range(13))),
    Named("sigma_i = 10^{-20 i}, n = 4", tuple(power_of_ten(-40 * i) for i in range(1, 5)), bits=220),
)
FLAT = (Named("flat, n = 2", (fmpq(2, 3),) * 2), Named("flat, n = 9", (fmpq(1),) * 9))


def tail(l: Sequence[Any], k: int) -> Any:
    """sum_{i > k} l_i."""
    return sum(l[k + 1 :], l[k])


def head(l: Sequence[Any], k: int) -> Any:
    """sum_{i <= k} l_i."""
    return sum(l[1:k], l[0])


def theorem_upper(l: Sequence[Any], m: int) -> Any:
    """T1: m tail(m - 2)."""
    return m * tail(l, m - 2)


def real_upper(l: Sequence[Any], m: int, k: int) -> Any:
    """T2: (1 + k/(m-k-1)) tail(k)."""
    return (1 + fmpq(k, m - k - 1)) * tail(l, k)


def complex_upper(l: Sequence[Any], m: int, k: int) -> Any:
    """T7: (1 + k/(m-k)) tail(k)."""
    return (1 + fmpq(k, m - k)) * tail(l, k)


def seen(l: Sequence[Any], kappa: Any) -> Any:
    """sum_i l_i / (l_i + kappa)."""
    return sum(x / (x + kappa) for x in l)


# ----------------------------------------------------------------------------------------------------------- real data


def digits(block: int) -> list[list[int]]:
    """The 1797 handwritten digits of scikit-learn (8 x 8 pixels), summed over blocks, without pixels that are constant."""
    from sklearn.datasets import load_digits

    pixels = load_digits().images
    integers = pixels.astype(int)
    establish(bool((integers == pixels).all()), "digits: a pixel is not an integer")
    return _varying(_blocks_summed(integers, block).reshape(len(integers), -1).tolist())


def patches(size: int) -> list[list[int]]:
    """Disjoint patches, size x size pixels, of scikit-image's photograph `camera` (512 x 512, 8 bits)."""
    from skimage import data

    photograph = data.camera().astype(int)
    count = 512 // size
    tiles = photograph.reshape(count, size, count, size).transpose(0, 2, 1, 3)
    return _varying(tiles.reshape(count * count, size * size).tolist())


def _blocks_summed(images: Any, block: int) -> Any:
    side = images.shape[1] // block
    return images.reshape(-1, side, block, side, block).sum(axis=(2, 4))


def _varying(samples: list[list[int]]) -> list[list[int]]:
    keep = [j for j in range(len(samples[0])) if len({sample[j] for sample in samples}) > 1]
    return [[sample[j] for j in keep] for sample in samples]


def covariance(samples: list[list[int]]) -> fmpq_mat:
    """(1/N) sum_j (x_j - mean) (x_j - mean)^T, exactly."""
    count, X = len(samples), fmpz_mat(samples)
    total = fmpz_mat([[1] * count]) * X
    return fmpq_mat(count * (X.transpose() * X) - total.transpose() * total) / count**2


REAL: dict[str, Callable[[], list[list[int]]]] = {
    "digits summed to 4 x 4 pixels, n = 16": lambda: digits(2),
    "digits of 8 x 8 pixels, n = 61 (3 are constant)": lambda: digits(1),
    "camera, patches of 4 x 4 pixels, n = 16": lambda: patches(4),
    "camera, patches of 8 x 8 pixels, n = 64": lambda: patches(8),
}


@cache
def real(name: str) -> Named:
    """The spectrum of a covariance."""
    with ctx.workprec(160):
        return Named(name, tuple(eigenvalues(covariance(REAL[name]()))))


# ---------------------------------------------------------------------------------------------------------- comparisons


@cache
def complex_curve(spectrum: Named) -> list[arb]:
    """Enclosures of E_0, ..., E_n, complex A."""
    return complex_errors(spectrum.l, spectrum.bits)


@cache
def real_value(spectrum: Named, m: int) -> arb:
    """Enclosure of E_m, real A."""
    return real_error(spectrum.l, m, spectrum.bits)


def complex_bounds(spectrum: Named) -> None:
    """T1-lower, T7 and T8 for complex A."""
    n = spectrum.n
    with ctx.workprec(2 * spectrum.bits):
        l = [arb(x) for x in spectrum.l]
        for m in range(1, n):
            found, label = complex_curve(spectrum)[m], f"{spectrum.name}, complex A, m = {m}"
            below(tail(l, m), found, f"{label}: T1-lower")
            below(found, head(l, n - m), f"{label}: T8")
            for k in range(m):
                below(found, complex_upper(l, m, k), f"{label}: T7, k = {k}")


def real_bounds(spectrum: Named) -> None:
    """T1, T2 and T8 for real A."""
    n = spectrum.n
    with ctx.workprec(2 * spectrum.bits):
        l = [arb(x) for x in spectrum.l]
        for m in (1, n - 1):
            found, label = real_value(spectrum, m), f"{spectrum.name}, real A, m = {m}"
            below(tail(l, m), found, f"{label}: T1-lower")
            below(found, head(l, n - m), f"{label}: T8")
            if m > 1:
                below(found, theorem_upper(l, m), f"{label}: T1-upper")
            for k in range(m - 1):
                below(found, real_upper(l, m, k), f"{label}: T2, k = {k}")


def conjecture(spectrum: Named) -> None:
    """E_m(complex A) < m kappa < E_m(real A)."""
    n = spectrum.n
    with ctx.workprec(2 * spectrum.bits):
        l = [arb(x) for x in spectrum.l]
        for m in range(1, n):
            below(m, seen(l, complex_curve(spectrum)[m] / m), f"{spectrum.name}, complex A, m = {m}")
        for m in (1, n - 1):
            below(seen(l, real_value(spectrum, m) / m), m, f"{spectrum.name}, real A, m = {m}")


_SYNTHETIC = "; ".join(spectrum.name for spectrum in SYNTHETIC)
_REAL = "; ".join(REAL)


@NAMED.certificate
def flat() -> None:
    """Flat spectra: E_m = tail(m), and the upper bounds."""
    # SCOPE "; ".join(s.name for s in FLAT) + "; every m"
    for spectrum in FLAT:
        l, n = spectrum.l, spectrum.n
        for m in range(1, n):
            error = l[0] * (n - m)
            exactly(error, tail(l, m), "T1-lower is an equality")
            establish(bool(error <= head(l, n - m)), "T8")
            establish(all(bool(error < complex_upper(l, m, k)) for k in range(m)), "T7")
            establish(all(bool(error < real_upper(l, m, k)) for k in range(m - 1)), "T2")
            establish(m < 2 or bool(error < theorem_upper(l, m)), "T1-upper")


@NAMED.ball
def synthetic_complex() -> None:
    """Complex A, every m and k: T1-lower, T7, T8."""
    # SCOPE _SYNTHETIC
    for spectrum in SYNTHETIC:
        complex_bounds(spectrum)


@NAMED.ball
def synthetic_real() -> None:
    """Real A, m = 1 and n - 1, every k: T1, T2, T8."""
    # SCOPE _SYNTHETIC
    for spectrum in SYNTHETIC:
        real_bounds(spectrum)


@NAMED.certificate
def two_points() -> None:
    """The covariance of (1, 0), (3, 4) is ((1, 2), (2, 4))."""
    # SCOPE "by hand: the mean is (2, 2)"
    exactly(covariance([[1, 0], [3, 4]]), fmpq_mat([[1, 2], [2, 4]]))


@NAMED.ball
def data() -> None:
    """Covariances of integer data are exact, their eigenvalues isolated, positive and distinct."""
    # SCOPE _REAL
    for name in REAL:
        l = real(name).l
        for larger, smaller in zip(l, (*l[1:], arb(0)), strict=True):
            below(smaller, larger, name)


@NAMED.ball
def real_data_complex() -> None:
    """Complex A, every m and k: T1-lower, T7, T8."""
    # SCOPE _REAL
    for name in REAL:
        complex_bounds(real(name))


@NAMED.ball
def real_data_real() -> None:
    """Real A, m = 1 and n - 1, every k: T1, T2, T8."""
    # SCOPE _REAL
    for name in REAL:
        real_bounds(real(name))


@CONJECTURE.symbolic
def equality() -> None:
    """E_m = m kappa for flat spectra, and for real A at n = 2."""
    n, m, l, a, b = sp.symbols("n m l a b", positive=True)
    same(n * seen([l], l * (n - m) / m), m, "flat")
    same(seen([a**2, b**2], a * b), 1, "n = 2")


@CONJECTURE.ball
def synthetic_conjecture() -> None:
    """Complex A: E_m < m kappa for every m; real A: m kappa < E_m at m = 1, n - 1."""
    # SCOPE _SYNTHETIC
    for spectrum in SYNTHETIC:
        conjecture(spectrum)


@CONJECTURE.ball
def real_data_conjecture() -> None:
    """Complex A: E_m < m kappa for every m; real A: m kappa < E_m at m = 1, n - 1."""
    # SCOPE _REAL
    for name in REAL:
        conjecture(real(name))
