"""A pytest plugin inside each run: makes sure that the copy of linflow is the one tested, and writes down what failed."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

#: Environment: the copy that linflow must come from, and the file to which the report goes.
COPY, REPORT = "LINFLOW_MUTATIONS_COPY", "LINFLOW_MUTATIONS_REPORT"

#: Profile of the tests here: the same examples as always, none of them shrunk, since one that fails is enough.
PROFILE = "mutations"
settings.register_profile(
    PROFILE,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
)

_counts: dict[str, int] = {"passed": 0, "failed": 0, "skipped": 0}
_failures: list[dict[str, str]] = []


def pytest_configure(config: pytest.Config) -> None:
    copy = Path(os.environ[COPY]).resolve()
    try:
        import linflow
    except Exception as error:
        raise pytest.UsageError(f"linflow cannot be imported: {type(error).__name__}: {error}") from error
    # An editable install, or a PYTHONPATH of the user's, would test the sound library under the name of the faulty one.
    for name, file in (("linflow", linflow.__file__), ("tests", __file__)):
        if not Path(file).resolve().is_relative_to(copy):
            raise pytest.UsageError(f"{name} was imported from {file}, not from the copy {copy}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.outcome != "passed":
        _counts[report.outcome] += 1
    if report.failed and call.excinfo is not None:
        error = call.excinfo.value
        _failures.append(
            {"test": item.nodeid, "phase": report.when, "error": type(error).__name__, "text": str(error)[:300]}
        )
    return report


def pytest_sessionfinish() -> None:
    Path(os.environ[REPORT]).write_text(json.dumps({"counts": _counts, "failures": _failures}), encoding="utf-8")
