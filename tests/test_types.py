"""What a type checker sees: a float for one m, an array for several, and a misspelt word is an error before it runs."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from mypy import api

from linflow import risk

ROOT = Path(__file__).resolve().parents[1]
HEAD = """
from typing import assert_type

import numpy as np
from linflow import Claim, Spectrum, measurement, risk
from linflow.checks import FloatArray, IntArray
from linflow.claims import ExpectedError
from linflow.claims.quantities import FailureProbability
from linflow.testing import assert_bound, assert_every_draw

s = Spectrum.flat(9)
"""
FLOAT, ARRAY = "float", "FloatArray"
#: name -> (call, type for one m, type for several)
OF_COUNTS = {
    name: (f"risk.{name}(s, {{m}}{more})", FLOAT, ARRAY)
    for name, more in {
        "theorem_lower": "",
        "theorem_upper": "",
        "best_upper": "",
        "truncated": ", rank=1",
        "complex_upper": "",
        "spectral_upper": "",
        "tail_upper": ', rank=1, t=1.5, u=2, norm="spectral", form="preprint"',
        "exact": ', field="complex"',
        "equivalent": ", penalty=0.5",
        "kappa": "",
    }.items()
}
OF_COUNTS |= {
    "tail": ("s.tail({m})", FLOAT, ARRAY),
    "tail_probability": ('risk.tail_probability({m}, t=1.5, u=2.0, norm="spectral")', FLOAT, ARRAY),
    "best_rank": ('risk.best_rank(s, {m}, field="complex")', "int", "IntArray"),
    "interlacing": (
        'risk.interlacing(s, {m}, field="complex", noise_std=0.5)',
        f"tuple[{FLOAT}, {FLOAT}]",
        f"tuple[{ARRAY}, {ARRAY}]",
    ),
    "resolvent_range": (
        "risk.resolvent_range(s, {m}, penalty=0.5)",
        f"tuple[{FLOAT}, {FLOAT}]",
        f"tuple[{ARRAY}, {ARRAY}]",
    ),
    "log_det_range": ("risk.log_det_range(s, {m}, penalty=0.5)", f"tuple[{FLOAT}, {FLOAT}]", f"tuple[{ARRAY}, {ARRAY}]"),
    "error_range": ("risk.error_range(s, {m})", f"tuple[{FLOAT}, {FLOAT}]", f"tuple[{ARRAY}, {ARRAY}]"),
}
ONE, SEVERAL = ("7", "np.int64(7)", "int(7.0)"), ("[5, 7]", "range(5, 7)", "np.arange(5, 7)", "(5, 7)", "[[5], [7]]")
#: Functions of a single m, which give no array.
OF_ONE_COUNT = {"enclosure", "has_exact"}
RIGHT = [
    'risk.has_exact(s, np.int64(1), "real")',
    'risk.enclosure(s, 1, field="complex")',
    "risk.simulate(s, trials=1, seed=0)",
]
RIGHT += [
    "assert_type(risk.equivalent([2.0, 1.0], 1), float)",
    "assert_type(risk.theorem_upper(np.ones(4), [1, 2]), FloatArray)",
    "assert_type(risk.interlacing((2, 1), 1), tuple[float, float])",
    "assert_type(s[0], float)",
    "assert_type(s[1:], FloatArray)",
    "np.log(s)",
    "measurement.gaussian(3, 7, 0)",
    'Claim(name="c", statement="", kind="close", value=lambda s, m: 1.0, status="conjecture")',
    'assert_bound(1.0, s, 7, kind="lower", undecided="fail")',
]
WRONG = [
    'Claim(name="c", statement="", kind="uper", value=lambda s, m: 1.0)',
    'Claim(name="c", statement="", kind="upper", value=lambda s, m: 1.0, status="theorum")',
    'ExpectedError(field="rael")',
    'FailureProbability(norm="frobenus")',
    'FailureProbability(form="jurnal")',
    'assert_bound(1.0, s, 7, kind="uper")',
    'assert_bound(1.0, s, 7, undecided="fial")',
    'assert_every_draw(1.0, s, 7, kind="uper")',
    'measurement.gaussian(3, 7, np.random.default_rng(0), field="rael")',
    "measurement.gaussian(3, 7, None)",
    'measurement.gaussian(3, 7, "0")',
    'risk.exact(s, 1, field="rael")',
    'risk.exact(s, [1], "Complex")',
    'risk.has_exact(s, 1, "quaternion")',
    'risk.enclosure(s, 1, field="rael")',
    'risk.simulate(s, trials=1, seed=0, field="rael")',
    'risk.best_rank(s, 1, field="rael")',
    'risk.interlacing(s, 1, field="rael")',
    'risk.log_det_range(s, 1, penalty=0.5, field="rael")',
    'risk.tail_upper(s, 7, rank=1, t=1.5, u=2, norm="frobenus")',
    'risk.tail_upper(s, 7, rank=1, t=1.5, u=2, form="jurnal")',
    'risk.tail_probability(7, t=1.5, u=2, norm="frobenus")',
    'risk.tail_probability(7, t=1.5, u=2, form="jurnal")',
    'risk.theorem_lower(s, "7")',
    "risk.theorem_lower(s, 2.5)",
    "s.tail(None)",
    "risk.best_upper(s, 7).shape",
    "risk.best_upper(s, [7]).is_integer()",
    "risk.kappa(s, 7, 0.5)",
    "assert_type(risk.kappa(s, 7), FloatArray)",
    "assert_type(risk.kappa(s, [7]), float)",
]


def checked(lines: list[str], folder: Path) -> dict[int, str]:
    """The first message of the type checker on each line (counted from 0).

    With the options of the whole check and in its cache: what is checked here need not be checked there again.
    """
    snippet = folder / "snippet.py"
    snippet.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        output, problems, _ = api.run(["--no-error-summary", "--show-traceback", str(snippet)])
    assert problems == ""
    found: dict[int, str] = {}
    for number, message in re.findall(r"snippet\.py:(\d+): (?:error|note): (.*)", output):
        found.setdefault(int(number) - 1 - HEAD.count("\n"), message)
    return found


def test_the_checker_sees_floats_arrays_and_misspelt_words(tmp_path: Path) -> None:
    right = [f"assert_type({call.format(m=m)}, {one})" for call, one, _ in OF_COUNTS.values() for m in ONE]
    right += [f"assert_type({call.format(m=m)}, {several})" for call, _, several in OF_COUNTS.values() for m in SEVERAL]
    lines = right + RIGHT + WRONG
    found = checked(lines, tmp_path)
    assert [lines[i] for i in sorted(found)] == WRONG, found  # each of them, and nothing that is right


def test_no_function_of_m_is_forgotten() -> None:
    public = {name: inspect.signature(getattr(risk, name)).parameters for name in risk.__all__}
    assert {name for name, parameters in public.items() if {"m", "p"} & set(parameters)} == set(OF_COUNTS) - {
        "tail"
    } | OF_ONE_COUNT
