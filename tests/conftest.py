"""Settings of the whole suite.

Hypothesis draws the same examples in every run, so that a failure is repeatable and a green run stays green;
``HYPOTHESIS_PROFILE=search`` looks for new ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

# One test a core: before numpy and torch start threads that would fight over the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A proof with one fault in it repeats nearly all of the algebra of the proof: SymPy's own caches hold it then.
os.environ.setdefault("SYMPY_CACHE_SIZE", "10000")

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="module")
def trained_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache of trained models for the whole run, all workers, and none of the user's."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "models"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINFLOW_CACHE", str(folder))
        yield
