"""Faults of the benchmarks: numbers that would flatter one side, and answers that nobody compared."""

from __future__ import annotations

from tests.mutations.runner import Fault

_CONTEST, _ROWS = "tests/benchmarks/test_contests.py", "tests/benchmarks/test_rows.py"


def _fault(file: str, name: str, what: str, old: str, new: str, test: str) -> Fault:
    return Fault(name, what, f"linflow/{file}", old, new, (test,))


BENCHMARKS = (
    _fault(
        "bench/contest.py",
        "bench-other-answer",
        "a rival whose answer is another is timed all the same",
        "if not errors[side.name] <= self.tolerance:",
        "if False:",
        f"{_CONTEST}::test_another_answer_has_no_time",
    ),
    _fault(
        "bench/contest.py",
        "bench-nan-answer",
        "an answer of NaN passes for the same",
        "if not errors[side.name] <= self.tolerance:",
        "if errors[side.name] > self.tolerance:",
        f"{_CONTEST}::test_what_is_no_answer_has_no_time_either",
    ),
    _fault(
        "bench/contest.py",
        "bench-share",
        "the time of a part passes for that of the whole",
        "[[t / side.share for t in times]",
        "[[t for t in times]",
        f"{_CONTEST}::test_a_share_scales_the_time_to_the_whole",
    ),
    _fault(
        "bench/contest.py",
        "bench-turns",
        "one side always begins a round",
        "chosen = (turn + place) % len(runs)",
        "chosen = place % len(runs)",
        f"{_CONTEST}::test_the_sides_take_turns",
    ),
    _fault(
        "bench/contest.py",
        "bench-ratio-of-medians",
        "a ratio of times of different rounds",
        "[b / a for a, b in zip(ours, theirs, strict=True)]",
        "[max(theirs) / min(ours)]",
        f"{_CONTEST}::test_a_share_scales_the_time_to_the_whole",
    ),
    _fault(
        "bench/contest.py",
        "bench-left-running",
        "the processes of a side outlive its work",
        "                    work.close()",
        "                    pass",
        f"{_CONTEST}::test_what_a_side_has_started_is_ended_whatever_happens",
    ),
    _fault(
        "bench/expectations.py",
        "bench-remembered",
        "an exact value that is kept from the run before",
        "                clear()",
        "                pass",
        f"{_ROWS}::test_exact_values_are_computed_anew_at_each_run",
    ),
    _fault(
        "bench/decisions.py",
        "bench-wrong-end",
        "the upper end of an interval in the place of its lower one",
        "return float(W.mean()) - float(norm.isf(alpha))",
        "return float(W.mean()) + float(norm.isf(alpha))",
        f"{_ROWS}::test_intervals_cover_at_their_error_and_decide_when_they_must",
    ),
    _fault(
        "bench/growth.py",
        "bench-no-end",
        "sizes are doubled however long a run takes",
        "if times[0] > longest / 8:",
        "if times[0] < 0:",
        f"{_ROWS}::test_growth_reads_off_exponents_and_stops_in_time",
    ),
    _fault(
        "deep/layers.py",
        "conv-transposed",
        "a mixing of channels by the transpose of its matrix",
        "return (W @ h.flatten(2)).view(h.shape)",
        "return (W.T @ h.flatten(2)).view(h.shape)",
        "tests/test_deep_flow.py::test_layers_are_their_formulas",
    ),
    _fault(
        "deep/layers.py",
        "dropout-never",
        "training without the dropout that was asked for",
        "for layer in self if self.training else (self[1],):",
        "for layer in (self[1],):",
        "tests/test_deep_flow.py::test_dropout_is_for_training_alone",
    ),
)
