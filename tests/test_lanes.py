"""Small draws along lanes: the compiled twin and the plain one bit for bit, stale binaries, and life without a compiler."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from linflow import provenance, risk
from linflow.risk import lanes, native
from linflow.spectrum import Spectrum

ROOT = Path(__file__).resolve().parent.parent
SHAPES = [(1, 1), (1, 2), (2, 2), (3, 7), (7, 7), (8, 8), (1, 9), (9, 9), (12, 16), (17, 17), (16, 31), (40, 40), (5, 70)]


def built(folder: Path, monkeypatch: pytest.MonkeyPatch | None = None) -> ctypes.CDLL:
    """The compiled functions of the source that :mod:`native` knows at the moment; a skip without a C compiler."""
    if monkeypatch is not None:  # for one kind of processor, which takes half as long
        monkeypatch.setattr(native, "VARIANTS", ((),))
    path = native.build(folder)
    if path is None:
        pytest.skip("no C compiler is here")
    library = native.opened(path)
    assert library is not None
    return library


@pytest.fixture(scope="module", params=native.VARIANTS, ids=["as-installed", "narrow-vectors"])
def binary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Compiled with code for wider vectors, if the compiler knows how, and without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "VARIANTS", (request.param, ()) if request.param else ((),))
        return built(tmp_path_factory.mktemp("binary"))


def measurements(m: int, n: int, draws: int) -> NDArray[np.float64]:
    """Draws in units that reach to the ends of float64, with dependent rows, rows of zeros and negative zeros."""
    rng = np.random.default_rng(m * n)
    A: NDArray[np.float64] = rng.standard_normal((draws, m, n)) * rng.choice(
        [1e-310, 1e-200, 1.0, 3.0, 1e200, 1e307], (draws, m, 1)
    )
    if m > 2:
        A[0, 2], A[-1, 1] = -A[0, 1], 0.0
        A[-1, 0, : n // 2] = -0.0
    return A


def differing(m: int, n: int, draws: int) -> list[str]:
    """Fields in which the twins differ in any bit of a draw."""
    sigma, A = np.geomspace(1e3, 1e-3, n), measurements(m, n, draws)
    plain, compiled = (twin(sigma, A, reflectors=True) for twin in (lanes.plain, lanes.compiled))
    again = lanes.compiled(sigma, np.asfortranarray(A))
    assert again.reflectors is None
    assert np.array_equal(again.tails, compiled.tails)
    # Equal numbers, zeros of any sign among them: no later result tells these apart.
    fields = ("lengths", "sizes", "pivots", "tails", "reflectors")
    return [name for name in fields if not np.array_equal(getattr(plain, name), getattr(compiled, name))]


@pytest.mark.parametrize(("m", "n"), SHAPES)
def test_the_twins_return_the_same_bits(m: int, n: int, binary: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "library", lambda: binary)
    for draws in (1, 2, 5):
        assert differing(m, n, draws) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(sums[j] + v[k] * row[j]) / divisors[k]", "(sums[j] + v[k] * row[j]) * (1.0 / divisors[k])"),
        ("? alpha - norm : alpha + norm", "? alpha + norm : alpha - norm"),
        ("const double weighted = sigma[i] * W[i * wide + j];", "const double weighted = W[i * wide + j];"),
        ("exponent < -1000 ? -exponent - 1000 : 0", "0"),
    ],
    ids=["a-quotient-rounded-twice", "the-sign-that-cancels", "gains-without-sigma", "subnormal-rows"],
)
def test_a_fault_in_the_compiled_twin_is_noticed(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = native.SOURCE.read_text(encoding="utf-8")
    assert text.count(old) == 1
    faulty = tmp_path / "lanes.c"
    faulty.write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(native, "SOURCE", faulty)
    library = built(tmp_path, monkeypatch)
    monkeypatch.setattr(native, "library", lambda: library)
    assert any(differing(m, n, 5) for m, n in SHAPES[4:9])


def test_curves_are_the_same_without_a_compiler(binary: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch) -> None:
    # A cliff (reflectors are looked at), a smooth one, fewer measurements than unknowns; threads.
    spectra = [Spectrum.power_law(20), Spectrum([1.0] * 5 + [1e-6] * 6), Spectrum.exponential(9, 3.0)]
    found = []
    for library in (binary, None):
        monkeypatch.setattr(native, "library", lambda library=library: library)
        found.append([risk.simulate(s, trials=70, seed=3, m_max=m).tobytes() for s in spectra for m in (None, 4)])
        assert native.in_use() == ("numpy" if library is None else "compiled")
    assert found[0] == found[1]


def test_small_pivots_of_wide_spectra_keep_their_digits() -> None:
    """300 decades, and rows that differ by 1e-11: the square of the last pivot is 1e-322, which is no lane's business."""
    curve = risk.error_curve([1e150, 1e-150], np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-36]]))
    np.testing.assert_allclose(curve, [1e300, 2e-300, 0.0], rtol=1e-12)  # 2 / (sigma_1^-2 + sigma_2^-2)


def test_a_binary_of_another_source_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built(tmp_path, monkeypatch)
    stale = native.binary(tmp_path)
    edited = tmp_path / "lanes.c"
    edited.write_bytes(native.SOURCE.read_bytes() + b"/* edited */\n")
    monkeypatch.setattr(native, "SOURCE", edited)
    current = native.binary(tmp_path)
    assert current != stale
    assert native.opened(current) is None  # it is not there
    renamed = tmp_path / "elsewhere" / current.name
    renamed.parent.mkdir()
    renamed.write_bytes(stale.read_bytes())
    assert native.opened(renamed) is None  # renamed, and still of another source
    current.write_bytes(b"no library")
    assert native.opened(current) is None
    # Building it again clears away what nobody will load.
    built(tmp_path)
    assert [path.name for path in tmp_path.glob("_lanes_*")] == [current.name]


@pytest.mark.parametrize("compiler", ["no-such-compiler", "false", "'unclosed"])
def test_without_a_working_compiler_nothing_is_built(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", compiler)
    assert native.build(tmp_path) is None
    assert native.build(tmp_path / "missing") is None
    assert list(tmp_path.iterdir()) == []


def test_the_digest_of_the_code_covers_the_c_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    digests = set()
    for text in ("int x;", "int y;"):
        (tmp_path / "lanes.c").write_text(text, encoding="utf-8")
        digests.add(provenance.code_digest.__wrapped__())
    assert len(digests) == 2
    (tmp_path / "_lanes_x.so").write_bytes(b"compiled")
    assert provenance.code_digest.__wrapped__() in digests


def test_a_wheel_says_for_which_machine_it_is(tmp_path: Path) -> None:
    """With a compiler the binary travels, and is used; without one the wheel is for any machine."""
    script = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    names = {}
    for compiler in ("", "false"):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            cwd=ROOT,
            env={**os.environ, "CC": compiler},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        name = done.stdout.split()[-1]
        with zipfile.ZipFile(tmp_path / name) as archive:
            names[name] = [entry for entry in archive.namelist() if "/_lanes_" in entry]
            assert "linflow/risk/lanes.c" in archive.namelist()
    assert names.pop("linflow-0.1.0-py3-none-any.whl") == []
    if not names:
        pytest.skip("no C compiler is here")
    [(name, [path])] = names.items()
    assert name == f"linflow-0.1.0-py3-none-{native.machine()}.whl"
    assert path == f"linflow/risk/{native.binary(Path()).name}"
    with zipfile.ZipFile(tmp_path / name) as archive:
        archive.extract(path, tmp_path)
    assert native.opened(tmp_path / path) is not None
