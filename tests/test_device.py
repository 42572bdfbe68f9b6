"""Error curves factored by torch: those of the default, for the same draws, in every form of batch."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from linflow import risk
from linflow.checks import FIELDS, Field
from linflow.errors import InputError
from linflow.risk import device as room
from linflow.spectrum import Spectrum

SPECTRA = {
    "power law": lambda n: Spectrum.power_law(n),
    "step": lambda n: Spectrum(np.where(np.arange(n) < (n + 1) // 2, 1.0, 1e-12)),
    "1e+140": lambda n: Spectrum(1e140 * np.arange(1.0, n + 1) ** -0.5),
    "two far values": lambda n: Spectrum(np.r_[np.full(n - n // 2, 1e150), np.full(n // 2, 1e-150)]),
    "steep": lambda n: Spectrum(10.0 ** (-5.0 * np.arange(min(n, 20)))),
}
#: Fewer draws go to the library, more to panels: both, with a rest.
TRIALS = (3, room._MANY + 4)
#: On a machine with a graphics processor all of this is asked of it as well.
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", SPECTRA)
def test_the_curves_are_those_of_the_default(name: str, field: Field, device: str) -> None:
    for n in (1, 2, 40, 2 * room._PANEL + 5):
        spectrum = SPECTRA[name](n)
        for trials in TRIALS:
            for m_max in (None, 0, 1, spectrum.n // 2):
                expected = risk.simulate(spectrum, trials=trials, seed=n, field=field, m_max=m_max)
                found = risk.simulate(spectrum, trials=trials, seed=n, field=field, m_max=m_max, device=device)
                # Two factorisations: each within 1e-12.
                np.testing.assert_allclose(found, expected, rtol=2e-12)


@pytest.mark.parametrize("device", DEVICES)
def test_many_batches_are_one_and_do_not_know_the_workers(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spectrum = Spectrum.power_law(70)
    whole = risk.simulate(spectrum, trials=300, seed=1, device=device)
    monkeypatch.setattr(room, "_TOGETHER", 90 * 70 * 70 * 8)
    parts = [risk.simulate(spectrum, trials=300, seed=1, device=device, workers=workers) for workers in (1, 2)]
    assert parts[0].tobytes() == parts[1].tobytes()
    np.testing.assert_allclose(parts[0], whole, rtol=1e-12)


@pytest.mark.parametrize("trials", TRIALS)
def test_dependent_rows_leave_the_error_where_it_was(trials: int) -> None:
    def ensemble(m: int, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        A = rng.integers(0, 2, (m, n)).astype(float)
        A[3] = A[1]
        A[5] = 0.0
        return A

    spectrum = Spectrum.power_law(12)
    expected = risk.simulate(spectrum, trials=trials, seed=4, ensemble=ensemble)
    found = risk.simulate(spectrum, trials=trials, seed=4, ensemble=ensemble, device="cpu")
    np.testing.assert_allclose(found, expected, rtol=2e-12)
    assert np.array_equal(found[:, 3], found[:, 4])
    assert np.array_equal(found[:, 5], found[:, 6])


def test_draws_that_grew_are_taken_in_extended_precision() -> None:
    def ensemble(m: int, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        A = rng.standard_normal((m, n))
        # The first row sees small directions only, every other time: rows of their size then get entries of the largest's.
        if rng.random() < 0.5:
            A[0, :6] *= 1e-8
        return A

    # Values two apart fall by 16, so that a draw may need it.
    spectrum = Spectrum(4.0 ** -np.arange(8.0))
    expected = risk.simulate(spectrum, trials=20, seed=7, ensemble=ensemble)
    found = risk.simulate(spectrum, trials=20, seed=7, ensemble=ensemble, device="cpu")
    # Both take those by the one extended road: the same to the last bit. The others agree up to rounding.
    same = [a.tobytes() == b.tobytes() for a, b in zip(expected, found, strict=True)]
    assert 4 < sum(same) < 16
    np.testing.assert_allclose(found[:, :8], expected[:, :8], rtol=1e-12)


@pytest.mark.parametrize("factor", [1e-300, 1e-9, 1e250])
def test_units_of_rows_do_not_matter(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by way of the processor either, which takes draws whose rows depend on each other.
    monkeypatch.setattr(sys.modules["linflow.risk.simulate"], "_curve_skipping", None)

    def ensemble(m: int, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return rng.standard_normal((m, n)) * np.where(np.arange(m) % 2, factor, 1.0)[:, None]

    spectrum = Spectrum.power_law(20)
    expected = risk.simulate(spectrum, trials=20, seed=4)
    np.testing.assert_allclose(
        risk.simulate(spectrum, trials=20, seed=4, ensemble=ensemble, device="cpu"), expected, rtol=1e-12
    )


@pytest.mark.parametrize("device", ["nonsense", "", "meta", 3, *([] if torch.cuda.is_available() else ["cuda"])])
def test_a_device_that_cannot_be_used_is_one_sentence(device: str) -> None:
    with pytest.raises(InputError, match="device") as caught:
        risk.simulate(Spectrum.flat(3), trials=1, seed=0, device=device)
    assert "\n" not in str(caught.value)


def test_without_torch_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    room._torch.cache_clear()
    with pytest.raises(InputError, match=r"pip install 'linflow\[deep\]'"):
        risk.simulate(Spectrum.flat(3), trials=1, seed=0, device="cpu")
    monkeypatch.undo()
    room._torch.cache_clear()
