"""What a run keeps of its cells: every number at its own place, and no memory beyond the numbers."""

from __future__ import annotations

import hashlib
import itertools
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow.engine.files import write_pieces
from linflow.engine.store import Record, Store
from linflow.errors import OutputError
from linflow.experiments import Experiment, Plan, Variable, run
from linflow.experiments.cells import Outcome
from linflow.experiments.gathered import Gathered
from linflow.experiments.stored import encode, remembered

_COORDINATES = st.one_of(
    st.lists(st.text(max_size=3), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(-(2**60), 2**60), min_size=1, max_size=3, unique=True),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=3, unique=True),
)
_GRIDS = st.dictionaries(st.sampled_from(["m", "n", "A", "case", "zeta", "a"]), _COORDINATES, min_size=1, max_size=3)


@settings(max_examples=30)
@given(_GRIDS, st.integers(1, 3))
def test_cells_and_their_keys_are_those_of_the_product(grid: dict[str, list[Any]], blocks: int) -> None:
    plan = Plan("some-name", {k: tuple(v) for k, v in grid.items()}, {"t": (1, 2)}, {"n": 3}, blocks, quick=False, seed=0)
    cells = plan.cells()
    wanted = [
        {"n": 3, "t": (1, 2), **dict(zip(grid, point, strict=True)), "block": block}
        for point in itertools.product(*grid.values())
        for block in range(blocks)
    ]
    assert list(cells) == cells[:] == wanted
    assert cells[-1] == wanted[-1]
    with pytest.raises(IndexError):
        cells[len(wanted)]
    keys = []
    for cell in wanted:
        place = {k: float(v) if isinstance(v, int) and abs(v) <= 2**53 else v for k in (*grid, "block") for v in [cell[k]]}
        keys.append(hashlib.sha256(json.dumps(["some-name", place], sort_keys=True).encode()).hexdigest())
    assert list(plan.keys()) == [plan.key(cell) for cell in wanted] == keys


def varied(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Numbers, arrays as long as their coordinates and shorter, arrays of any length, and pictures of block 0."""
    length = 1 + (params["m"] + params["block"]) % 3
    values = {
        "number": rng.random(),
        "short": rng.random(length),
        "ragged": rng.random(length),
        "picture": rng.random((2, 3)),
    }
    return {**values, "both": rng.random((length, 2))}


VARIED = Experiment(
    name="varied",
    title="Varied",
    cell=varied,
    grid={"m": (1, 2, 3), "case": ("a", "b")},
    blocks=3,
    inner={"t": (4, 5, 6)},
    variables={
        "number": Variable("a number"),
        "short": Variable("an array", dims=("t",)),
        "ragged": Variable("an array", dims=("i",)),
        "picture": Variable("a picture", dims=("row", "column"), once=True),
        "both": Variable("an array", dims=("i", "j")),
    },
    skip=lambda params: params["m"] == 2 and params["case"] == "b",
    cost=lambda params: -params["m"],
)


def test_every_number_is_at_its_own_place(tmp_path: Path) -> None:
    first = run(VARIED, out=tmp_path, workers=1)
    plan = VARIED.plan()
    for params in plan.cells():
        if VARIED.skip is not None and VARIED.skip(params):
            continue
        for name, value in varied(params, plan.generator(params)).items():
            place = {k: params[k] for k in ("m", "case", "block") if k in first[name].dims}
            if params["block"] > 0 and "block" not in place:
                continue
            found = first[name].sel(place).values
            array = np.asarray(value)
            assert found[tuple(map(slice, array.shape))].tobytes() == array.tobytes()
            assert np.isnan(found).sum() == found.size - array.size
    assert run(VARIED, out=tmp_path, workers=1).identical(first), "from the store"


def memory(work: Callable[[], object]) -> int:
    """Most bytes that Python had at any time during `work`, beyond those before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_run_keeps_nothing_of_a_cell_but_its_numbers() -> None:
    plan = Plan("many", {"i": tuple(range(20))}, {"t": (1, 2)}, {}, blocks=100, quick=False, seed=0)
    variables = {"number": Variable("a number"), "pair": Variable("a pair", dims=("t",))}
    payload = encode({"number": np.array(1.0), "pair": np.ones(2)})

    def outcome(key: str) -> Outcome:
        return next(remembered([Record(key, payload)]))

    def whole() -> None:
        gathered = Gathered(plan, variables)
        for index, key in enumerate(plan.keys()):
            gathered.put(index, outcome(key))
        assert gathered.done == len(plan.cells())

    kept: list[Outcome] = []
    arrays = (1 + 3 * 8) * len(plan.cells())
    assert memory(whole) < arrays + 30_000
    # The same with something kept of each cell is found out.
    assert memory(lambda: kept.extend(map(outcome, plan.keys()))) > 10 * arrays


def test_records_are_read_one_at_a_time() -> None:
    with Store(None, {"what": "many"}) as store:
        for number in range(500):
            store.add(Record(f"{number}", bytes(1000)))
        assert memory(lambda: sum(1 for _ in store.sound())) < 50_000
        assert memory(store.records) > 500_000


def test_a_file_of_pieces_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_pieces(tmp_path / "file", (bytes([i]) for i in range(3)))
    assert (tmp_path / "file").read_bytes() == b"\0\1\2"

    def broken(error: Exception) -> Any:
        yield b"half"
        raise error

    for error, seen in ((ZeroDivisionError("a"), ZeroDivisionError), (OSError(28, "No space left on device"), OutputError)):
        with pytest.raises(seen):
            write_pieces(tmp_path / "file", broken(error))
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"\0\1\2"]
