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

Statement ("equivalents-at-named-spectra").  With kappa > 0 the root of sum_i l_i / (l_i + kappa) = m, at the spectra of the
first statement

    complex A, 1 <= m < n:         E_m < m kappa,
    real A, m = 1 and m = n - 1:   m kappa < E_m,

while for flat spectra, and for real A at n = 2, E_m = m kappa. ("complex-equivalent" and "real-equivalent" say so for every
spectrum and every m. This is the same by another road: by enclosures of the exact values, without those proofs.)

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

from .checks import below, below_at, eigenvalues, exact_value, exactly, same
from .complex_bound import T7
from .enclosures import ENCLOSURES, complex_errors, real_error
from .error import ERROR
from .first_and_last import LAST
from .kernel import Instances, instances
from .ledger import Statement, establish
from .lower_bound import LOWER, RANGE, lower, m, n
from .notation import E, X, complex_E, i
from .notation import l as level
from .notation import tail as tail_of
from .propositions import Fact, Proposition, argued, under
from .range_finder import T2, rank
from .upper_bound import UPPER

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


def at_root(error: Any) -> Any:
    """sum_i l_i / (l_i + E_m/m)."""
    return sp.Sum(seen([level(i)], error / m), (i, 1, n))


flat_level, level_of_flat, sigma_1, sigma_2 = sp.symbols("l l sigma_1 sigma_2", positive=True)


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


def _name(spectrum: Named) -> str:
    return spectrum.name


#: The spectra at which everything is checked: exact rationals, and covariances.
RATIONAL = Instances(f"{len(SYNTHETIC)} rational spectra", SYNTHETIC, _name)
MEASURED = Instances(f"{len(REAL)} spectra of data", tuple(REAL))
FLATS = Instances(" and ".join(spectrum.name for spectrum in FLAT), FLAT, _name)
_WHERE = f"{RATIONAL.name} and {MEASURED.name}"


def strictly(goal: Proposition, *, at: str = _WHERE) -> Proposition:
    """What another statement says, as a strict inequality at the named spectra."""
    left, _, right = goal.upwards
    return Proposition(left, "<", right, goal.when, at_instances=at)


def of_complex(goal: Proposition) -> Proposition:
    """The same about complex A: T1-lower and T8 are about every A."""
    left, _, right = goal.upwards
    letters = {X(m): complex_E(m), E(m): complex_E(m)}
    return Proposition(left.subs(letters), "<", right.subs(letters), goal.when, at_instances=_WHERE)


def of_real(goal: Proposition) -> Proposition:
    """The same about the mean for real A."""
    left, _, right = goal.upwards
    return Proposition(left.subs(X(m), E(m)), "<", right.subs(X(m), E(m)), goal.when, at_instances=_WHERE)


COMPLEX_LOWER, COMPLEX_UPPER, COMPLEX_RANGE = of_complex(LOWER.goals[1]), strictly(T7.goals[0]), of_complex(RANGE.goals[0])
REAL_LOWER, REAL_RANGE = of_real(LOWER.goals[1]), of_real(RANGE.goals[0])
REAL_UPPER, REAL_THEOREM = strictly(T2.goals[0]), strictly(UPPER.goals[1])

NAMED = Statement(
    "named-spectra",
    COMPLEX_LOWER,
    COMPLEX_UPPER,
    COMPLEX_RANGE,
    REAL_LOWER,
    REAL_UPPER,
    REAL_THEOREM,
    REAL_RANGE,
    Proposition(flat_level * (n - m), "=", lower(m), given=((level(i), flat_level),)),
    words="complex A, every m: {0}, {1}, {2}; real A, the first and the last m: {3}, {4}, {5}, {6}; flat: {7}",
)

#: E < m kappa if sum_i l_i/(l_i + E/m) > m: the sum falls.
BELOW_ROOT = Proposition(m, "<", at_root(complex_E(m)), at_instances=_WHERE)
ABOVE_ROOT = Proposition(at_root(E(m)), "<", m, at_instances=_WHERE)

EQUIVALENTS = Statement(
    "equivalents-at-named-spectra",
    BELOW_ROOT,
    ABOVE_ROOT,
    Proposition(n * seen([level_of_flat], level_of_flat * (n - m) / m), "=", m),
    Proposition(seen([sigma_1**2, sigma_2**2], sigma_1 * sigma_2), "=", 1),
    words="m kappa lies between the errors for complex and for real A, which is to say for complex A, every m, {0}; for "
    "real A, the first and the last m, {1}; with equality for flat spectra, {2}, and for two values and real A, {3}",
)


@cache
def complex_curve(spectrum: Named) -> list[arb]:
    """Enclosures of E_0, ..., E_n, complex A."""
    return complex_errors(spectrum.l, spectrum.bits)


@cache
def real_value(spectrum: Named, m: int) -> arb:
    """Enclosure of E_m, real A."""
    return real_error(spectrum.l, m, spectrum.bits)


def numbers(spectrum: Named, count: int, at: int = 0) -> dict[Any, Any]:
    """What the letters of the propositions are at m = `count`, k = `at`."""
    l = [arb(x) for x in spectrum.l]
    return {
        m: count,
        n: spectrum.n,
        rank: at,
        level: lambda number: l[number - 1],
        tail_of: lambda k: tail(l, k),
        complex_E: lambda number: complex_curve(spectrum)[number],
        E: lambda number: real_value(spectrum, number),
    }


def complex_bounds(spectrum: Named) -> list[Fact]:
    """T1-lower, T7 and T8 for complex A, at every m and k."""
    found = []
    with ctx.workprec(2 * spectrum.bits):
        for count in range(1, spectrum.n):
            label, values = f"{spectrum.name}, complex A, m = {count}", numbers(spectrum, count)
            found = [below_at(COMPLEX_LOWER, values, label)]
            for k in range(count):
                upper = below_at(COMPLEX_UPPER, {**values, rank: k}, f"{label}, k = {k}")
            found += [upper, below_at(COMPLEX_RANGE, values, label)]
    return found


def real_bounds(spectrum: Named) -> list[Fact]:
    """T1, T2 and T8 for real A, at the first and the last m and every k."""
    with ctx.workprec(2 * spectrum.bits):
        for count in (1, spectrum.n - 1):
            label, values = f"{spectrum.name}, real A, m = {count}", numbers(spectrum, count)
            found = [below_at(REAL_LOWER, values, label)]
            for k in range(count - 1):
                upper = below_at(REAL_UPPER, {**values, rank: k}, f"{label}, k = {k}")
            if count > 1:
                found += [upper, below_at(REAL_THEOREM, values, label)]
            found.append(below_at(REAL_RANGE, values, label))
    return found


def around_the_root(spectrum: Named) -> list[Fact]:
    """E_m(complex A) < m kappa < E_m(real A)."""
    with ctx.workprec(2 * spectrum.bits):
        for count in range(1, spectrum.n):
            above = below_at(BELOW_ROOT, numbers(spectrum, count), f"{spectrum.name}, complex A, m = {count}")
        for count in (1, spectrum.n - 1):
            under = below_at(ABOVE_ROOT, numbers(spectrum, count), f"{spectrum.name}, real A, m = {count}")
    return [above, under]


def everywhere(check: Callable[[Named], list[Fact]]) -> list[Fact]:
    """One comparison at all spectra: the facts are the same at each."""
    for spectrum in RATIONAL:
        check(spectrum)
    for name in MEASURED:
        found = check(real(name))
    return found


def _same_functions(spectrum: Named, count: int) -> None:
    """The bounds of lists are those of the propositions."""
    values = {
        **numbers(spectrum, count),
        tail_of: lambda k: tail(spectrum.l, k),
        level: lambda number: spectrum.l[number - 1],
    }
    pairs = [
        (tail(spectrum.l, count), COMPLEX_LOWER.left, 0),
        (head(spectrum.l, spectrum.n - count), COMPLEX_RANGE.right, 0),
    ]
    pairs += [(complex_upper(spectrum.l, count, k), COMPLEX_UPPER.right, k) for k in range(count)]
    pairs += [(real_upper(spectrum.l, count, k), REAL_UPPER.right, k) for k in range(count - 1)]
    pairs += [(theorem_upper(spectrum.l, count), REAL_THEOREM.right, 0)] if count > 1 else []
    for mine, theirs, k in pairs:
        exactly(mine, exact_value(theirs, {**values, rank: k}))


@NAMED.certificate
def flat() -> Fact:
    """Flat spectra: E_m = tail(m), and the upper bounds."""
    for spectrum in FLATS:
        l, size = spectrum.l, spectrum.n
        for count in range(1, size):
            error = l[0] * (size - count)
            _same_functions(spectrum, count)
            exactly(error, tail(l, count), "T1-lower is an equality")
            establish(bool(error <= head(l, size - count)), "T8")
            establish(all(bool(error < complex_upper(l, count, k)) for k in range(count)), "T7")
            establish(all(bool(error < real_upper(l, count, k)) for k in range(count - 1)), "T2")
            establish(count < 2 or bool(error < theorem_upper(l, count)), "T1-upper")
    # X_A = l (n - m) for every A, by "error", which is the lower bound.
    ERROR.fact(3)
    return flat_tail()


@NAMED.symbolic
def flat_tail() -> Fact:
    """The lower bound at a flat spectrum."""
    value = flat_level * (n - m)
    same(value, sp.Sum(flat_level, (i, m + 1, n)))
    return under(argued(value, "=", lower(m), "all l_i are equal"), (level(i), flat_level))


@NAMED.ball
def complex_measurements() -> list[Fact]:
    """Complex A, every m and k: T1-lower, T7, T8."""
    for used in (LOWER, RANGE, T7, ENCLOSURES):
        used.fact(0)
    return everywhere(complex_bounds)


@NAMED.ball
def real_measurements() -> list[Fact]:
    """Real A, m = 1 and n - 1, every k: T1, T2, T8."""
    for used in (LOWER, RANGE, T2, UPPER):
        used.fact(0)
    return everywhere(real_bounds)


@NAMED.certificate
def two_points() -> None:
    """The covariance of (1, 0), (3, 4), of mean (2, 2), is ((1, 2), (2, 4))."""
    for points in instances(([[1, 0], [3, 4]],), "the points {}".format):
        exactly(covariance(points), fmpq_mat([[1, 2], [2, 4]]))


@NAMED.ball
def data() -> None:
    """Covariances of integer data are exact, their eigenvalues isolated, positive and distinct."""
    for name in MEASURED:
        l = real(name).l
        for larger, smaller in zip(l, (*l[1:], arb(0)), strict=True):
            below(smaller, larger, name)


@NAMED.concludes
def conclusion() -> tuple[Fact, ...]:
    of_complex_, of_real_ = complex_measurements(), real_measurements()
    return *of_complex_, *of_real_, flat()


@EQUIVALENTS.symbolic
def equality() -> tuple[Fact, Fact]:
    """E_m = m kappa for flat spectra, and for real A at n = 2."""
    LAST.fact(2)
    flat_one = same(n * seen([level_of_flat], level_of_flat * (n - m) / m), m, "flat")
    return flat_one, same(seen([sigma_1**2, sigma_2**2], sigma_1 * sigma_2), 1, "n = 2")


@EQUIVALENTS.ball
def comparisons() -> list[Fact]:
    """Complex A: E_m < m kappa for every m; real A: m kappa < E_m at m = 1, n - 1."""
    NAMED.fact(0)
    return everywhere(around_the_root)


@EQUIVALENTS.concludes
def conclusion_on_kappa() -> tuple[Fact, ...]:
    return *comparisons(), *equality()
