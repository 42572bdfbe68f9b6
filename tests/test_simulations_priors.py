"""The experiments on priors, noise and starts: their simulations against theory, run through the engine at small size.

Statistical checks ask whether a theoretical value lies in a Student interval over blocks. Each test shares a failure
probability of `ALPHA` over its points (Bonferroni), so that all of them together fail by chance less than 1e-4 of the time.
Each has a twin: the same check of a false statement, which must fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import estimate, load
from simulations import likelihood_proxy, noise, out_of_distribution, representation_error, starts_and_penalties
from tests.studies import check_outputs, small_run

if TYPE_CHECKING:
    pass

ALPHA = 1e-5


def explained(values: Any, theory: Any) -> bool:
    """Whether every `theory` lies in the interval of the mean of `values` over blocks, at ALPHA in all."""
    theory = np.asarray(theory)
    interval = estimate(values, level=1 - ALPHA / theory.size)
    room = 1e-9 * np.abs(theory)
    return bool(np.all((interval["low"].values <= theory + room) & (theory - room <= interval["high"].values)))


def test_representation_error(tmp_path: Path) -> None:
    name, m, ranks, level = "power law 1", (16, 32), (0, 2, 4, 8), 0.2
    study, dataset = small_run(
        "representation-error", tmp_path, 30, spectrum=(name,), m=m, rank=ranks, level=(level,), draws=12, signals=8
    )
    assert len(check_outputs(study, dataset)) == 3
    spectrum, foreign = representation_error.case_of(name)
    part = dataset.sel(spectrum=name)
    k, counts = np.array(ranks), np.array(m)[:, None]
    exact = np.stack([lf.risk.truncated(spectrum, np.array(m), rank) for rank in ranks], axis=1)
    assert np.allclose(representation_error.truncated_risk(spectrum.variances, counts, k), exact, rtol=1e-12)
    assert explained(part["own"], exact)
    assert explained(part["other"], representation_error.truncated_risk(foreign, counts, k))
    assert explained(part["gain"], k / (counts - k - 1))
    # Twin: the factor of a fixed design, 1 + k/m.
    assert not explained(part["own"], spectrum.tail(k) * (1 + k / counts))
    assert not explained(part["gain"], k / counts)
    # T4 holds draw by draw; twin: it says nothing about foreign signals, and fails there.
    assert np.all(part["mle_own"] <= part["own"] * (1 + 1e-12))
    assert not np.all(part["mle_other"] <= part["other"])
    # The loss of the fixed rank k* is T3 with noise; twin: with the standard deviation taken for the variance.
    noise_std = representation_error.noise_of(spectrum, level)
    candidates = np.stack([lf.risk.truncated(spectrum, np.array(m), rank, noise_std=noise_std) for rank in ranks])
    chosen = part["chosen_risk"].sel(level=level)
    assert explained(chosen.sel(rule="k* of T3"), candidates.min(axis=0))
    wrong = np.stack([lf.risk.truncated(spectrum, np.array(m), rank, noise_std=noise_std**0.5) for rank in ranks])
    assert not explained(chosen.sel(rule="k* of T3"), wrong.min(axis=0))
    # The full flow with the right penalty beats every rule; twin: leave-one-out does not.
    mean = chosen.mean("block")
    assert np.all(mean.sel(rule=representation_error.RULES[-1]) < mean.drop_sel(rule=representation_error.RULES[-1]))
    assert not np.all(mean.sel(rule="leave-one-out") <= mean)


def test_rules_choose_the_rank_of_a_clear_step() -> None:
    spectrum = lf.Spectrum.step(40, 5, 1e-3)
    flow = lf.LinearFlow.from_spectrum(spectrum)
    rng = np.random.default_rng(0)
    A = rng.standard_normal((20, 40))
    x = flow.sample(200, rng)
    ranks: NDArray[np.int64] = np.arange(0, 13)
    inverses = np.array([lf.truncated_least_squares(flow, A, np.eye(20), rank=int(rank)).T for rank in ranks])
    noise_std = 0.1
    y = x @ A.T + noise_std * rng.standard_normal((200, 20))
    found = representation_error._choices(spectrum, A, x, y, inverses, ranks, noise_std)
    oracle, *others = (rank for _, rank in found)
    assert oracle == 5
    assert all(4.5 < rank < 7 for rank in others)
    # Twin: told that there is a tenth of the noise, discrepancy and SURE fit the noise.
    misled = representation_error._choices(spectrum, A, x, y, inverses, ranks, noise_std / 10)
    assert min(misled[1][1], misled[2][1]) > 8


def test_noise(tmp_path: Path) -> None:
    name, level, m = "power law 0.5", 0.3, (16, 48, 90)
    study, dataset = small_run(
        "noise", tmp_path, 20, spectrum=(name,), level=(level,), m=m, ratio=(0.0, 0.1, 1.0, 10.0), draws=4
    )
    assert len(check_outputs(study, dataset)) == 2
    risk = dataset["risk"].sel(spectrum=name, level=level)
    spectrum = noise.spectrum_of(name)
    n, noise_std = spectrum.n, noise.noise_of(spectrum, level)
    # Beyond n, without penalty: least squares, exact; twin: the risk of a fixed design.
    assert explained(risk.sel(ratio=0.0, m=90), noise_std**2 * n / (90 - n - 1))
    assert not explained(risk.sel(ratio=0.0, m=90), noise_std**2 * n / 90)
    # gamma = s^2 is the posterior mean, the best for every A; twin: no other gamma is.
    assert np.all(risk.sel(ratio=1.0) <= risk * (1 + 1e-12))
    assert not np.all(risk.sel(ratio=10.0) <= risk)
    # The equivalent is off by O(1/n); twin: it is not the equivalent of another gamma.
    gammas = (0.1, 1.0, 10.0)
    theory = np.array([[float(noise.predicted(spectrum, count, level, ratio)) for ratio in gammas] for count in m])
    simulated = risk.sel(ratio=list(gammas)).mean("block").values
    assert np.abs(simulated / theory - 1).max() < 5 / n
    assert np.abs(simulated[:, ::-1] / theory - 1).max() > 5 / n


def test_equivalent_beyond_n_agrees_with_the_public_one_below() -> None:
    spectrum = noise.spectrum_of("digits 8x8")
    noise_std = noise.noise_of(spectrum, 0.3)
    m = np.array([4, 32, 60, 64])
    public = lf.risk.equivalent(spectrum, m, noise_std=noise_std, penalty=noise_std**2)
    assert np.allclose(noise.predicted(spectrum, m, 0.3, 1.0), public, rtol=1e-9)
    # Far beyond n the limit of no penalty is s^2 n/(m - n), the leading term of least squares.
    assert np.isclose(noise.predicted(spectrum, 128, 0.3, 0.0), noise_std**2, rtol=1e-6)


def test_out_of_distribution(tmp_path: Path) -> None:
    pair, m, ranks = "digits / inverted digits", (16, 40), (0, 2, 8)
    study, dataset = small_run("out-of-distribution", tmp_path, 10, pair=(pair,), m=m, rank=ranks, draws=12, parts=10)
    assert len(check_outputs(study, dataset)) == 2
    flow = out_of_distribution.pair_of(pair)[0]
    variances = {}
    for signals in (out_of_distribution.OWN, out_of_distribution.OTHER):
        images = out_of_distribution.images_of(pair, signals, 10)
        variances[signals] = t = out_of_distribution.signal_variances(pair, images)
        # The mean shift is in it: all of |x - mean|^2, and none of it twice.
        assert np.isclose(t.sum(), np.mean(np.sum((images - flow.mean) ** 2, axis=1)), rtol=1e-12)
        part = dataset.sel(pair=pair, signals=signals)
        theory = out_of_distribution.truncated_risk(t, np.array(m)[:, None], np.array(ranks))
        assert explained(part["truncated"], theory)
        expected = lf.risk.equivalent(flow.spectrum, np.array(m), signal_variances=t)
        interval = estimate(part["invertible"], level=1 - ALPHA)
        assert np.all(interval["low"] <= expected * (1 + 5 / flow.n))
        assert np.all(expected * (1 - 5 / flow.n) <= interval["high"])
    # Twin: the model's own variances, and those without the shift of the mean, do not explain foreign images.
    part = dataset.sel(pair=pair, signals=out_of_distribution.OTHER)
    images = out_of_distribution.images_of(pair, out_of_distribution.OTHER, 10)
    centred = out_of_distribution.signal_variances(pair, images - images.mean(axis=0) + flow.mean)
    for wrong in (flow.spectrum.variances, centred):
        theory = out_of_distribution.truncated_risk(wrong, np.array(m)[:, None], np.array(ranks))
        assert not explained(part["truncated"], theory)


def test_starts_and_penalties(tmp_path: Path) -> None:
    name, tau, ratios = "power law 1", (0.0, 1.0, 4.0), (1e-2, 0.3, 1.0, 10.0)
    study, dataset = small_run(
        "starts-and-penalties", tmp_path, 16, spectrum=(name,), m=(16,), tau=tau, ratio=ratios, draws=4, signals=40
    )
    assert len(check_outputs(study, dataset)) == 2
    part = dataset.sel(spectrum=name, m=16)
    # T9; twin: the start's norm in the place of its square.
    excess = part["end"] / part["mle"]
    assert explained(excess, 1 + np.array(tau) ** 2)
    assert not explained(excess, 1 + np.array(tau))
    # A penalty forgets the start; twin: nothing else does.
    forgotten = part["end_penalised"]
    assert np.allclose(forgotten, forgotten.sel(tau=[0.0]), rtol=1e-9)
    assert not np.allclose(part["end"], part["end"].sel(tau=[0.0]), rtol=0.1)
    # Drawn signals against the singular values; twin: another time, another penalty.
    for drawn, exact in (("stopped", "stopped_exact"), ("penalty", "penalty_exact")):
        gap = part[drawn] / part[exact]
        assert explained(gap, np.ones(gap.mean("block").shape))
        shifted = part[drawn] / part[exact].values[..., ::-1]
        assert not explained(shifted, np.ones(shifted.mean("block").shape))
    # Ali, Kolter & Tibshirani; twin: a factor of 1 is too small.
    loss = part["stopped_exact"].sel(tau=0.0) / part["penalty_exact"]
    assert float(loss.max()) <= starts_and_penalties.STOPPING_FACTOR
    assert float(loss.max()) > 1.0


def test_the_factor_of_early_stopping_is_the_square_of_its_maximum() -> None:
    # 1 - e^{-u} <= c u/(1 + u): the smallest such c, on a grid finer than its four published digits.
    u = np.linspace(1e-3, 50, 500_000)
    smallest = float(np.max((1 - np.exp(-u)) * (1 + u) / u))
    assert smallest <= np.sqrt(starts_and_penalties.STOPPING_FACTOR) <= smallest + 1e-4


def test_likelihood_proxy(tmp_path: Path) -> None:
    name = "faces 8x8"
    study, dataset = small_run("likelihood-proxy", tmp_path, 10, spectrum=(name,), signals=40)
    assert len(check_outputs(study, dataset)) == 1
    flow = likelihood_proxy.case_of(name)[0]
    part = dataset.sel(spectrum=name)
    gap = part["signal"] - part["latent"]
    # Cholesky loses condition number times rounding.
    room = 100 * flow.n * np.finfo(float).eps * flow.spectrum.condition**2
    size = np.abs(part["signal"]).max()
    assert np.abs(gap + flow.log_det).max() <= room * size
    # Twin: the determinant with the wrong sign.
    assert not np.abs(gap - flow.log_det).max() <= room * size
    groups = dataset["group"].values.tolist()
    means = part["latent"].mean("sample").transpose("block", "group")
    expected = np.array([likelihood_proxy.expected_latent(name, group) for group in groups])
    assert explained(means, expected)
    # Twin: other data taken for samples of the flow.
    expected[groups.index(likelihood_proxy.OTHER)] = expected[groups.index(likelihood_proxy.SAMPLES)]
    assert not explained(means, expected)


@pytest.mark.parametrize(
    "name", ["representation-error", "noise", "out-of-distribution", "starts-and-penalties", "likelihood-proxy"]
)
def test_files_say_what_they_are(name: str) -> None:
    study = load(name)
    assert study.experiment.name == name
    assert study.experiment.blocks >= 8
    assert study.experiment.quick
