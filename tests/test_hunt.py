"""The hunt: every false control is found from a random start, no true bound is, the same however it is run or killed."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linflow import Spectrum, cli, risk
from linflow.claims import Claim, ExpectedError, Hunt, catalogue, hunt, schedule
from linflow.claims import rounds as rounds_module
from linflow.claims.candidates import Candidate, changed, random_candidate, shape
from linflow.claims.conditional import conditional_errors
from linflow.claims.landscape import LIMIT, Survey, Terrain, room_of, spread_at
from linflow.claims.outcome import Outcome
from linflow.claims.quantities import FailureProbability, TruncatedRisk
from linflow.claims.relation import Kind
from linflow.claims.verdict import Cell, decide
from linflow.errors import ClaimError, InputError, OutputError
from linflow.hunting import lines

NAMES = {claim.name: claim for claim in catalogue()}
CONTROLS = [name for name, claim in NAMES.items() if claim.status == "control"]


def about(value: Callable[[Spectrum, int], Any], kind: Kind = "upper", **options: Any) -> Claim:
    settings: dict[str, Any] = {"name": "mine", "statement": "", "holds_for": lambda s, m: 1 <= m < s.n}
    return Claim(**settings | options, kind=kind, value=value)


# ------------------------------------------------------------------------------------------------- what must be found


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_is_refuted_from_a_random_start(name: str) -> None:
    found = hunt(NAMES[name], seed=2, rounds=12, max_n=24 if name == "false-constant" else 10, workers=1)
    assert (found.outcome, found.as_expected) == ("refuted", True)
    case = found.worst
    assert case is not None
    assert case.basis in ("exact", "rigorous")
    assert case.high < 1
    assert case.round == found.rounds - 1
    # The case refutes the claim whoever looks at it.
    claim, spectrum = NAMES[name], Spectrum(case.singular_values)
    assert claim.relation.ratio(claim.value_at(spectrum, case.m), another_road(claim, spectrum, case.m)) < 1


def another_road(claim: Claim, spectrum: Spectrum, m: int) -> float:
    """The quantity by other means than those of the verdict."""
    rng = np.random.default_rng(9)
    if claim.quantity == ExpectedError():
        if spectrum.condition < 1e3 or m < 2:
            return float(conditional_errors(spectrum, m, 20_000, rng).mean())
        # At a cliff plain draws miss the rare ones that decide; tilted ones do not.
        drawn = ExpectedError(oracle=False)
        return drawn.scale(spectrum, m) * float(drawn.draws(spectrum, m, 20_000, rng).weights.mean())
    if claim.quantity == ExpectedError(field="complex"):
        return risk.exact(spectrum, m, "complex")
    plain = claim.quantity.plain(spectrum, m, 20_000, rng)
    assert plain is not None
    return float(plain.values.mean())


@pytest.mark.parametrize(("name", "limit"), [("T1-upper", 2.0), ("T2", 4 / 3), ("T7", 8 / 7)])
def test_true_bounds_survive_and_come_near_their_limits(name: str, limit: float) -> None:
    """Limits at n = 8: T1 on a step of rank m - 2, m/(m-1) (n-m+2)/(n-m) at m = 4; T2 and T7 on flat spectra, m = 2, 1."""
    found = hunt(NAMES[name], seed=0, rounds=12, max_n=8, workers=1)
    assert (found.outcome, found.as_expected) == ("not refuted", True)
    assert found.worst is not None
    assert found.worst.verdict == "supported"
    assert limit * (1 - 1e-9 if name != "T1-upper" else 0.97) < found.worst.ratio < 1.4 * limit
    assert not found.tight_when_flat


def test_a_claim_just_above_the_truth_survives_and_one_just_below_does_not() -> None:
    def times(factor: float) -> Claim:
        return about(lambda s, m: factor * risk.exact(s, m), holds_for=lambda s, m: m == s.n - 1)

    above, below = (hunt(times(factor), rounds=2, max_n=6, workers=1) for factor in (1.0001, 0.99))
    assert above.outcome == "not refuted"
    assert below.outcome == "refuted"
    assert above.worst is not None
    assert above.worst.ratio == pytest.approx(1.0001, rel=1e-9)
    # Half a unit in the last places is rounding, and no violation.
    assert hunt(times(1 - 1e-14), rounds=2, max_n=6, workers=1).outcome == "not refuted"


def test_the_same_twin_where_only_draws_decide() -> None:
    def times(factor: float) -> Claim:
        return about(lambda s, m: factor * risk.truncated(s, m, m - 3), "upper", holds_for=lambda s, m: s.n > m >= 5)

    assert hunt(times(1.0), rounds=2, max_n=8, workers=1).outcome == "not refuted"
    assert hunt(times(0.2), rounds=6, max_n=8, workers=1).outcome == "refuted"


def test_a_claim_that_depends_on_the_scale_is_refuted_by_the_scale() -> None:
    claim = about(lambda s, m: 30 * float(s.singular_values.sum()))
    assert not Terrain.explore(claim, 12).scale_free
    assert Terrain.explore(NAMES["T2"], 12).scale_free
    found = hunt(claim, rounds=4, max_n=6, workers=1)
    assert found.outcome == "refuted"
    assert found.worst is not None
    assert found.worst.singular_values[0] > 30


def test_other_kinds_of_claims_are_hunted() -> None:
    lower = about(lambda s, m: 1.2 * float(risk.equivalent(s, m)), "lower")
    assert hunt(lower, rounds=3, max_n=6, workers=1).outcome == "refuted"
    close = about(lambda s, m: float(risk.equivalent(s, m)), "close", tolerance=0.02)
    assert hunt(close, rounds=3, max_n=6, workers=1).outcome == "refuted"
    equal = about(lambda s, m: float(risk.equivalent(s, m)), "equal", holds_for=lambda s, m: m == 1 < s.n)
    assert hunt(equal, rounds=3, max_n=6, workers=1).outcome == "refuted"
    every = about(lambda s, m: 1.5 * s.tail(m), "lower", every_draw=True)
    assert hunt(every, rounds=2, max_n=5, workers=1).outcome == "refuted"
    inverse = about(lambda s, m: 1.5 * s.tail(m // 2), quantity=TruncatedRisk(), holds_for=lambda s, m: m >= 4)
    assert hunt(inverse, rounds=2, max_n=6, workers=1).outcome == "refuted"


def test_a_claim_that_fails_at_an_end_only_is_refuted_there() -> None:
    claim = about(lambda s, m: s.energy if m else 0.5 * s.energy, holds_for=lambda s, m: True)
    found = hunt(claim, rounds=1, max_n=6, workers=1)
    assert found.outcome == "refuted"
    assert found.worst is not None
    assert found.worst.m == 0


def test_conjectures_are_searched_away_from_where_they_are_equalities() -> None:
    link = about(lambda s, m: float(risk.equivalent(s, m)), quantity=ExpectedError(field="complex"))
    found = hunt(link, rounds=3, max_n=5, workers=1)
    assert found.outcome == "not refuted"
    assert found.tight_when_flat
    assert found.smallest_ratio is not None
    assert found.smallest_ratio >= 1 - 1e-12
    away = found.away_from_flat
    assert away is not None
    assert away.spread >= 1
    assert (away.verdict, away.basis) == ("supported", "exact")
    assert away.ratio > 1.001
    assert any("away from flat" in line for line in lines(found))
    # A conjecture that is false by little, and an equality on flat spectra too, does not survive.
    weaker = about(
        lambda s, m: float(risk.equivalent(s, m)) * math.exp(-0.1 * min(1.0, spread_at(s, m) ** 2)),
        quantity=ExpectedError(field="complex"),
    )
    found = hunt(weaker, rounds=8, max_n=5, workers=1)
    assert found.tight_when_flat
    assert found.outcome == "refuted"


def test_verdicts_share_alpha_over_rounds_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []

    def recording(cell: Cell) -> list[Outcome]:
        shares.append(2 * cell.alpha)  # half of it for a mean, half for what draws rule out
        return decide(cell)

    monkeypatch.setattr(rounds_module, "decide", recording)
    hunt(NAMES["T1-upper"], rounds=4, max_n=4, workers=1)
    assert shares == [0.25e-6]  # the tightest, at the end
    shares.clear()
    plan = rounds_module.Plan(Terrain.explore(NAMES["false-m-tail-m"], 6), 0, 6, 1e-6)
    for number in (0, 1, 7):
        rounds_module.play(plan, number, [])
    assert shares == pytest.approx([1e-6 / 2 / ((r + 1) * (r + 2)) for r in (0, 1, 7)])


# ------------------------------------------------------------------------------------------------- the same however run


@pytest.mark.parametrize("name", ["T7", "T1-upper"])
def test_results_do_not_depend_on_the_number_of_workers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "LAG", 3)  # so that few rounds already build on earlier ones
    one, two = (hunt(NAMES[name], seed=4, rounds=5, max_n=6, workers=workers) for workers in (1, 2))
    assert one == two
    first, other = (hunt(NAMES[name], seed=seed, rounds=1, max_n=6, workers=1) for seed in (4, 5))
    assert first != dataclasses.replace(other, seed=4)


def played(journal: Path) -> list[int]:
    """Numbers of the rounds in a journal, which another process may be writing."""
    try:
        connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
        keys = [key for (key,) in connection.execute("SELECT key FROM records WHERE key != 'time'")]
        connection.close()
    except sqlite3.Error:
        return []
    return sorted(map(int, keys))


def test_a_hunt_continues_from_its_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "LAG", 2)
    journal, claim = tmp_path / "rounds.sqlite", NAMES["T7"]

    def go(**options: Any) -> Hunt:
        settings: dict[str, Any] = {"rounds": 6, "seed": 1, "max_n": 6, "workers": 1, "journal": journal}
        return hunt(claim, **settings | options)

    whole = go(journal=None)
    first = go(rounds=4)
    assert first.rounds == 4
    # Rounds are missing, so that all that may be played ahead of the first are known already, and one was altered.
    connection = sqlite3.connect(journal)
    connection.execute("DELETE FROM records WHERE key IN ('0', '1')")
    connection.execute("UPDATE records SET payload = replace(payload, '0', '1') WHERE key = '3'")
    connection.commit()
    connection.close()
    other = go(seed=2, rounds=1)  # another hunt in the same file neither sees these rounds nor spoils them
    assert (other.seed, other.rounds) == (2, 1)
    counts: list[int] = []
    assert go(progress=lambda done, seconds, ratio: counts.append(done)) == whole
    assert counts == [1, 2, 3, 4, 5, 6]
    monkeypatch.setattr(schedule, "play", None)  # everything is known: nothing may be played
    assert go() == whole
    assert go(rounds=None, minutes=1e-9) == whole


def test_a_claim_that_changed_starts_anew(tmp_path: Path) -> None:
    journal = tmp_path / "rounds.sqlite"
    good, bad = about(lambda s, m: s.energy), about(lambda s, m: 0.2 * s.energy)
    assert hunt(good, rounds=1, max_n=5, workers=1, journal=journal).outcome == "not refuted"
    assert hunt(bad, rounds=1, max_n=5, workers=1, journal=journal).outcome == "refuted"


def test_a_killed_hunt_continues(tmp_path: Path) -> None:
    words = ["hunt", "T7", "--rounds", "400", "--max-n", "12", "--seed", "3", "--workers", "2", "--out", str(tmp_path)]
    process = subprocess.Popen([sys.executable, "-m", "linflow", *words], stderr=subprocess.DEVNULL)
    journal = tmp_path / "hunt-T7.sqlite"
    until = time.monotonic() + 60
    while time.monotonic() < until and len(played(journal)) < 3:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = played(journal)
    assert len(before) >= 3
    rounds = len(before) + 1
    after = hunt(NAMES["T7"], rounds=rounds, max_n=12, seed=3, workers=1, journal=journal)
    assert after == hunt(NAMES["T7"], rounds=rounds, max_n=12, seed=3, workers=1)


def test_minutes_end_a_hunt_and_count_what_was_spent_before(tmp_path: Path) -> None:
    found = hunt(NAMES["T7"], minutes=0.01, max_n=6, workers=1, journal=tmp_path / "j")
    again = hunt(NAMES["T7"], minutes=0.01, max_n=6, workers=1, journal=tmp_path / "j")
    assert found == again
    assert found.rounds >= 1
    assert again.seconds >= found.seconds - 1


# ------------------------------------------------------------------------------------------------- bad input


def test_bad_input_is_a_sentence() -> None:
    claim = NAMES["T2"]
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"seed": -1}, "seed"),
        ({"max_n": 1}, "max_n"),
        ({"rounds": 0}, "rounds"),
        ({"minutes": 0.0}, "minutes"),
        ({"minutes": math.nan}, "minutes"),
        ({"alpha": 0.0}, "alpha"),
        ({"workers": 0, "rounds": 1}, "workers"),
    )
    for options, words in wrong:
        with pytest.raises(InputError, match=words):
            hunt(claim, **options)
    with pytest.raises(InputError, match="holds for none of 400 random spectra"):
        hunt(NAMES["sharp-power-law"])


def test_errors_in_a_claims_own_functions_are_sentences() -> None:
    with pytest.raises(ClaimError, match="ZeroDivisionError"):
        hunt(about(lambda s, m: 1 / 0), workers=1)
    with pytest.raises(ClaimError, match="not a number"):
        hunt(about(lambda s, m: None), workers=1)

    def late(spectrum: Spectrum, m: int) -> float:
        if spectrum.singular_values[-1] < 1e-6 and m > 1:
            raise KeyError("too small")
        return float(spectrum.energy)

    with pytest.raises(ClaimError, match=r"mine.*KeyError"):
        hunt(about(late), rounds=9, workers=2, max_n=8)


def test_a_journal_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--out"):
        hunt(NAMES["T2"], rounds=1, journal=tmp_path / "file" / "j", workers=1)


# ------------------------------------------------------------------------------------------------- the command


def command(*words: object) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["hunt", *map(str, words)])
    return int(left.value.code or 0)


FIELDS = {
    "claim", "statement", "kind", "status", "outcome", "worst", "tight_when_flat", "away_from_flat", "smallest_ratio",
    "rounds", "evaluations", "seconds", "seed", "alpha", "max_n", "decades", "version", "lost",
}  # fmt: skip
CASE = {
    "n", "m", "ratio", "low", "high", "basis", "verdict", "shape", "best_rank", "spread", "round", "singular_values",
}  # fmt: skip


def test_the_command_prints_json_and_only_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ("--max-n", 6, "--workers", 1, "--out", tmp_path, "--json")
    (tmp_path / "mine.py").write_text(
        "from linflow import Claim, risk\nfrom linflow.claims import ExpectedError\n"
        "link = Claim(name='link', statement='E_m(complex A) <= m kappa', kind='upper', value=risk.equivalent, "
        "holds_for=lambda s, m: 1 <= m < s.n, quantity=ExpectedError(field='complex'))\n"
    )
    assert command("link", "--claims", tmp_path / "mine.py", "--rounds", 2, "--seed", 7, *small) == 0
    row = json.loads(capsys.readouterr().out)
    assert set(row) == FIELDS
    assert set(row["worst"]) == set(row["away_from_flat"]) == CASE
    assert len(row["worst"]["singular_values"]) == row["worst"]["n"]
    assert json.loads((tmp_path / "hunt-link.json").read_text()) == row
    assert command("false-m-tail-m", "--rounds", 6, *small) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["outcome"], row["worst"]["verdict"], row["away_from_flat"]) == ("refuted", "refuted", None)


def test_the_command_prints_a_report_and_says_how_to_repeat_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(
        "import linflow as lf\nclaim = lf.Claim(name='mine', statement='E_m <= 2 tail(m)', kind='upper', "
        "value=lambda spectrum, m: 2 * spectrum.tail(m), holds_for=lambda spectrum, m: m < spectrum.n)\n"
    )
    words = ("--claims", tmp_path / "mine.py", "--max-n", 6, "--out", tmp_path / "out", "--workers", 1)
    assert command("mine", "--rounds", 6, *words) == 1  # a user's claim refuted
    out = capsys.readouterr().out
    assert "refuted, error at most 1e-06" in out
    [again] = [line for line in out.splitlines() if line.startswith("again: linflow hunt mine")]
    assert "--seed 0 --rounds" in again
    assert command("T4", "--rounds", 1, *words[2:]) == 0
    assert "not refuted (a hunt proves nothing)" in capsys.readouterr().out


def test_the_command_answers_bad_input_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("T1-uper", "--out", tmp_path) == 2
    assert "did you mean 'T1-upper'" in capsys.readouterr().err
    assert command("T2", "--claims", tmp_path / "none.py") == 2
    assert "does not exist" in capsys.readouterr().err
    assert command("T2", "--minutes", -1, "--out", tmp_path) == 2
    assert "minutes must be a number >= 0" in capsys.readouterr().err
    assert command("T2", "--max-n", 1) == 2


# ------------------------------------------------------------------------------------------------- the parts


@pytest.mark.parametrize("n", [2, 3, 12, 48])
def test_candidates_are_spectra_whatever_is_done_to_them(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(60):
        candidate = random_candidate(rng, n, scale_free=False)
        relative = changed(rng, candidate, max_n=n + 2)
        labels = relative.groups(5)
        moved = relative.moved(labels, rng.normal(0, 3, labels[-1] + 1))
        for one in (candidate, relative, moved):
            values = np.array(one.sigma)
            assert 1 <= one.m < one.n <= n + 2
            assert np.all(np.diff(values) <= 0)
            assert values[0] / values[-1] <= 1e12 * (1 + 1e-9)
        assert moved.height == pytest.approx(candidate.height)
        assert np.allclose(relative.moved(labels, np.zeros(labels[-1] + 1)).sigma, relative.sigma, rtol=1e-9)
        assert relative.gaps == pytest.approx(Candidate.from_gaps(relative.gaps, 1).gaps, abs=1e-12)


def test_shapes_are_named() -> None:
    assert shape(Spectrum.step(9, 3, 1e-4).singular_values) == "step of rank 3, floor 0.0001"
    assert shape(3 * np.exp(-0.3 * np.arange(9))) == "exponential, rate 0.3, times 3"
    assert shape([1.0, 1.0, 0.1, 0.1, 0.01, 0.01]) == "levels 1 (2 times), 0.1 (2 times), 0.01 (2 times)"
    assert shape([1.0, 0.5]) == "step of rank 1, floor 0.5"


@pytest.mark.parametrize("m", [1, 3, 7, 11])
def test_conditional_errors_have_the_mean_of_the_error(m: int) -> None:
    for spectrum in (Spectrum.exponential(12, 0.4), Spectrum.step(12, 3, 1e-3), Spectrum.flat(12, 2.0)):
        draws = conditional_errors(spectrum, m, 4000, np.random.default_rng(m))
        error = draws.std() / 4000**0.5 + 1e-7 * draws.mean()
        if m in (1, 11):
            known = float(risk.exact(spectrum, m))
        else:
            tilted = ExpectedError().draws(spectrum, m, 4000, np.random.default_rng(m + 1)).weights
            scale = ExpectedError().scale(spectrum, m)
            known, error = scale * tilted.mean(), math.hypot(error, scale * tilted.std() / 4000**0.5)
        assert abs(draws.mean() - known) < 6 * error
        assert abs(draws.mean() - 2.5 * known) > 6 * error


def test_rooms_have_the_sign_of_the_claim() -> None:
    upper, lower, close = (about(lambda s, m: 1.0, kind) for kind in ("upper", "lower", "close"))
    assert room_of(upper, 2.0, 1.0) == pytest.approx(math.log(2)) == -room_of(lower, 2.0, 1.0)
    assert room_of(upper, 0.0, 1.0) == room_of(upper, -1.0, 0.0) == -LIMIT
    assert room_of(lower, -1.0, 0.0) == room_of(upper, 1.0, 0.0) == LIMIT
    assert room_of(upper, 0.0, 0.0) == 0
    assert room_of(close, 1.0, 1.04) > 0 > room_of(close, 1.0, 1.06)
    assert room_of(close, 1.0, 0.96) > 0 > room_of(close, 1.0, 0.9)


def test_draws_that_saw_nothing_are_no_violation() -> None:
    """Of a rare event nothing is seen: a claim that it is no rarer than it is must not look violated."""
    quantity = FailureProbability()
    claim = about(lambda s, m: 1e-9, "lower", quantity=quantity, holds_for=lambda s, m: True)
    survey = Survey(Terrain(claim, scale_free=True, tight_when_flat=False, key=""), np.random.SeedSequence(0))
    reading = survey.read(Candidate(tuple(np.exp(-0.1 * np.arange(12)).tolist()), 8), 16)
    assert reading is not None
    assert reading.room == -LIMIT
    assert not reading.striking
