"""A pytest plugin: Hypothesis draws the examples of the given ``--hypothesis-seed``, not the same ones in every run.

Most tests ask for repeatable examples by a decorator, and Hypothesis then ignores the seed. With
``-p tests.fresh_examples`` the seed decides for them too.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

#: Where Hypothesis keeps the settings of a test; tests/test_machines.py fails if that changes.
_SETTINGS = "_hypothesis_internal_use_settings"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the seed decide, and keep no examples from other runs."""
    for item in items:
        function = getattr(item, "obj", None)
        if (chosen := getattr(function, _SETTINGS, None)) is not None:
            setattr(function, _SETTINGS, settings(chosen, derandomize=False, database=None))
