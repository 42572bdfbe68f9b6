"""Checks of bounds: decided by the verdict engine, so that only a proof makes a test fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from linflow.checks import FloatArray, one_of, positive_int, probability, whole_number
from linflow.claims import Claim, ExpectedError, Outcome, Quantity
from linflow.claims.evidence import NOT_REFUTED, REFUTED, ROUNDING, UNDECIDED, NoViolation
from linflow.claims.quantities import EXPECTED_ERROR
from linflow.claims.relation import Answer, Kind
from linflow.claims.verdict import Cell, Test, decide
from linflow.errors import InputError
from linflow.risk import error_curve
from linflow.spectrum import Spectrum, count_for
from linflow.testing.failing import count, fail, pasteable, steer

#: A number, a function of (spectrum, m), or a whole claim.
Bound = float | Callable[[Spectrum, int], float] | Claim


def assert_bound(
    value: Bound,
    spectrum: Spectrum | ArrayLike,
    m: int,
    *,
    kind: Kind | None = None,
    quantity: Quantity | None = None,
    tolerance: float | None = None,
    alpha: float = 1e-9,
    seed: int = 0,
    max_draws: int = 2000,
    undecided: Literal["pass", "fail"] = "pass",
) -> Outcome | None:
    """Fail if `value` is proved not to bound the expected error E_m (or another quantity) at (spectrum, m).

    The proof is an enclosure where an oracle exists (E_m: every m, up to n = 200; flat spectra, m = 1 and m = n - 1 of any
    n), a bound that the ledger proves where it reaches, else a confidence sequence, which holds at every sample size with
    no assumption on the law. Inside a Hypothesis test the search climbs towards the spectra where the bound is tightest.

    Parameters
    ----------
    value : float, function of (spectrum, m), or Claim
        What is claimed, in the unit of the quantity; [x]^2 for E_m. A bound of +inf ("upper") or -inf ("lower") says
        nothing and passes.
    spectrum, m : Spectrum (or (n,) array of singular values) and int in 0..n
    kind : "upper" (default), "lower", "equal" or "close" (equal within the relative `tolerance`)
    quantity : default E_m of the MLE under real Gaussian measurements
    tolerance : default 0.05; for "close", see `kind`; for "equal", how closely equality has to be shown with
        ``undecided="fail"``.
    alpha : chance that a true bound fails this one call. Draws follow from (seed, quantity, spectrum, m), so they are
        fresh in each example: a test that Hypothesis runs on N examples, shrinking included, fails by chance with
        probability at most ``N * alpha``, however it chose them. Where an oracle decides, never.
    seed : draws of another seed are independent.
    max_draws : budget. A bound that is tight to within the sampling error remains undecided; more draws decide more.
    undecided : "pass" or "fail"
        What to do where nothing is proved, neither the bound nor its opposite. That no violation of a statement about every
        A was found proves nothing, so it neither fails a test nor satisfies ``undecided="fail"``; an equality that is not
        refuted satisfies it, since its deviation was shown to lie within the tolerance.

    Returns
    -------
    Outcome or None : the interval, the verdict and its basis; None where the claim does not apply or says nothing. Both
        None and undecided examples are counted for ``pytest --hypothesis-show-statistics``.

    Raises
    ------
    AssertionError
        The bound is refuted, or unproved with ``undecided="fail"``. The message has the claimed value, the proved
        interval and the call that repeats it.
    ClaimError
        The function raises or returns no number.
    InputError
        m outside 0..n; a `kind`, `quantity` or `tolerance` besides a Claim, which has its own; other values that do not
        exist.

    Examples
    --------
    >>> spectrum = Spectrum([2.0, 1.0])
    >>> assert_bound(lambda spectrum, m: spectrum.energy, spectrum, 1).basis
    'exact'
    >>> assert_bound(1.9, spectrum, 1)
    Traceback (most recent call last):
    ...
    AssertionError: bound refuted (exact) at n = 2, m = 1
      claimed:  E_m <= 1.9
      proved:   1.999... <= E_m <= 2.000... (exact)
      again:    assert_bound(1.9, Spectrum([2.0, 1.0]), 1, kind='upper', seed=0)
    """
    __tracebackhide__ = True
    one_of(undecided, "undecided", ("pass", "fail"))
    alpha, seed, max_draws = probability(alpha, "alpha"), whole_number(seed, "seed"), positive_int(max_draws, "max_draws")
    claim = _as_claim(value, kind, quantity, tolerance)
    spectrum, m = count_for(spectrum, m)
    claimed = _claimed(claim, spectrum, m)
    if claimed is None:
        return None
    test = Test.of(claim, claimed, max_draws)
    outcome, *breaches = decide(Cell(claim.quantity, spectrum, m, (test,), alpha=alpha, seed=seed))
    if breaches:
        # Nothing was decided about the claim then, and passing would hide a fault of linflow itself.
        fail(
            f"linflow is at fault: a draw contradicts {breaches[0].claim}, which the sampler relies on",
            ("exceeded", f"by a factor {breaches[0].estimate!r}"),
            ("spectrum", pasteable(spectrum)),
            ("m", m),
            ("seed", seed),
        )
    if not claim.relation.two_sided:
        steer(f"tightness of {claim.name}", outcome.ratio)
    if outcome.verdict == REFUTED:
        fail(
            f"{claim.name} refuted ({outcome.basis}) at n = {spectrum.n}, m = {m}",
            *_details(claim, spectrum, outcome, seed),
        )
    if outcome.verdict == UNDECIDED or (outcome.verdict == NOT_REFUTED and isinstance(outcome.evidence, NoViolation)):
        if undecided == "fail":
            headline = (
                f"{claim.name} not proved ({outcome.verdict}) at n = {spectrum.n}, m = {m}: more max_draws may decide it"
            )
            fail(headline, *_details(claim, spectrum, outcome, seed))
        count("assert_bound undecided")
    return outcome


def assert_every_draw(
    value: Bound, spectrum: Spectrum | ArrayLike, m: int, *, kind: Kind | None = None, seed: int = 0, draws: int = 48
) -> None:
    """Fail if some measurements A have an error X_A of the MLE that `value` does not bound.

    Tried are the m strongest and the m weakest directions, other coordinates of the eigenbasis, Gaussian A, and Gaussian
    A that see the directions with very different strengths. That no A was found proves nothing; one that is found does.

    Parameters
    ----------
    value : float, function of (spectrum, m), or Claim about E_m with ``every_draw=True``, [x]^2
    spectrum, m : Spectrum (or (n,) array of singular values) and int in 0..n
    kind : "upper" (default) or "lower"
    seed : the random A follow from it.
    draws : how many A of each random sort are tried.

    Raises
    ------
    AssertionError
        Some A contradicts the bound; the message has it, its error and the spectrum.
    ClaimError, InputError
        As in `assert_bound`.

    Examples
    --------
    >>> spectrum = Spectrum([3.0, 2.0, 1.0])
    >>> assert_every_draw(lambda spectrum, m: spectrum.tail(m), spectrum, 1, kind="lower")
    >>> assert_every_draw(lambda spectrum, m: spectrum.tail(m), spectrum, 1)
    Traceback (most recent call last):
    ...
    AssertionError: bound refuted (exact) at n = 3, m = 1
      claimed:  X_A <= 5.0
      found:    X_A = 13.0 for A = [[0.0, 0.0, 1.0]] in the eigenbasis
      again:    assert_every_draw(5.0, Spectrum([3.0, 2.0, 1.0]), 1, kind='upper', seed=0, draws=48)
    """
    __tracebackhide__ = True
    claim, seed, draws = _as_claim(value, kind, None, None), whole_number(seed, "seed"), positive_int(draws, "draws")
    one_of(claim.kind, "kind of a bound for every A", ("upper", "lower"))
    if type(claim.quantity) is not ExpectedError or claim.quantity.field != "real":
        raise InputError(f"assert_every_draw is about X_A, not {claim.quantity.name!r}: use assert_bound")
    if isinstance(value, Claim) and not value.every_draw:
        raise InputError(f"claim {value.name!r} is about the mean: use assert_bound, or set every_draw=True")
    spectrum, m = count_for(spectrum, m)
    claimed = _claimed(claim, spectrum, m)
    if claimed is None:
        return
    A, errors = _measurements_of_every_sort(spectrum, m, draws, np.random.default_rng(seed))
    worst = int(errors.argmax() if 1 in claim.relation.directions else errors.argmin())
    found = float(errors[worst])
    rounding = max(ROUNDING, claim.quantity.rounding)
    if claim.relation.answer(found, found, claimed, tolerance=claim.tolerance, forgiven=rounding) is Answer.FAILS:
        again = (
            f"assert_every_draw({claimed!r}, {pasteable(spectrum)}, {m}, kind={claim.kind!r}, seed={seed}, draws={draws})"
        )
        fail(
            f"{claim.name} refuted (exact) at n = {spectrum.n}, m = {m}",
            ("claimed", f"X_A {claim.relation.sign} {claimed!r}"),
            ("found", f"X_A = {found!r} for A = {A[worst].tolist()} in the eigenbasis"),
            ("again", again),
        )


def _measurements_of_every_sort(
    spectrum: Spectrum, m: int, draws: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """A (count, m, n) in the eigenbasis and their errors (count,), simplest first: of equals that is the one to read."""
    n = spectrum.n
    seen = np.array([np.arange(m), np.arange(n)[::-1][:m], *(rng.permutation(n)[:m] for _ in range(draws))], dtype=np.intp)
    # Coordinates leave the others, at any condition of the spectrum; the smallest are added first.
    left = np.ones((len(seen), n), dtype=bool)
    np.put_along_axis(left, seen, False, axis=1)
    unseen = np.where(left, spectrum.variances, 0.0)[:, ::-1].sum(axis=1)
    gaussian = rng.standard_normal((2 * draws, m, n))
    gaussian[draws:] *= 10.0 ** rng.uniform(-4, 4, (draws, 1, n))
    return np.concatenate([np.eye(n)[seen], gaussian]), np.append(unseen, error_curve(spectrum, gaussian)[:, m])


def _as_claim(value: Bound, kind: Kind | None, quantity: Quantity | None, tolerance: float | None) -> Claim:
    if isinstance(value, Claim):
        if not (kind is None and quantity is None and tolerance is None):
            raise InputError(f"claim {value.name!r} has its own kind, quantity and tolerance: leave them out")
        return value
    function: Callable[[Spectrum, int], float] = value if callable(value) else lambda spectrum, m: value
    name = getattr(value, "__name__", "bound")
    return Claim(
        name="bound" if name == "<lambda>" else name,
        statement="",
        kind="upper" if kind is None else kind,
        value=function,
        quantity=EXPECTED_ERROR if quantity is None else quantity,
        tolerance=0.05 if tolerance is None else tolerance,
    )


def _claimed(claim: Claim, spectrum: Spectrum, m: int) -> float | None:
    """What the claim says at (spectrum, m); None, and counted, if nothing."""
    if not claim.applies(spectrum, m):
        count(f"outside the domain of {claim.name}")
        return None
    claimed = claim.value_at(spectrum, m)
    if claim.says_nothing(claimed):
        count(f"{claim.name} says nothing")
        return None
    return claimed


def _details(claim: Claim, spectrum: Spectrum, outcome: Outcome, seed: int) -> list[tuple[str, object]]:
    name = claim.quantity.name
    options = f"kind={claim.kind!r}"
    if claim.quantity != EXPECTED_ERROR:
        options += f", quantity={claim.quantity!r}"
    if claim.relation.two_sided:
        options += f", tolerance={claim.tolerance!r}"
    place = f"{pasteable(spectrum)}, {outcome.m}"
    again = f"assert_bound({outcome.value!r}, {place}, {options}, seed={seed})"
    if claim.every_draw:
        value = f"value=lambda spectrum, m: {outcome.value!r}"
        again = (
            f"assert_bound(Claim(name='again', statement='', {value}, {options}, every_draw=True), {place}, seed={seed})"
        )
    shown = {"no violation": "seen", "asymptotic": "likely"}.get(outcome.basis, "proved")
    every = " for every draw" if claim.every_draw else ""
    return [
        ("claimed", f"{name} {claim.relation.sign} {outcome.value!r}{every}"),
        (shown, f"{outcome.low!r} <= {name} <= {outcome.high!r} ({outcome.evidence.words()})"),
        ("again", again),
    ]
