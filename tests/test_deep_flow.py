"""Flows are invertible, know their log-determinant, and start as the linear flow; each check fails for a broken layer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from linflow import LinearFlow, deep
from linflow.deep import layers, torchfiles
from linflow.deep.deterministic import thread_count
from linflow.deep.flow import Flow
from linflow.deep.layers import ActNorm, Coupling, Haar, InvertibleConv, Layer, Mapped, SpaceToDepth
from linflow.engine.seal import sealed
from linflow.errors import DataError, InputError, LinflowError, OutputError, ShapeError

#: Round trip of a float64 network: rounding times a conditioning that bounded log-scales keep moderate.
DOUBLE = 1e-9
#: Of a float32 network, relative to the signal: in distribution a few roundings, out of it amplified by the layers.
SINGLE, SINGLE_OUTSIDE = 2e-5, 1e-3
#: log_det against LAPACK's slogdet of the Jacobian, float64.
LOG_DET = 1e-8


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Threads of several test processes that wait for each other are many times slower than one thread each."""
    with thread_count(1):
        yield


def linear(n: int, seed: int = 0) -> LinearFlow:
    """Ill-conditioned and rotated on both sides: no factor is the identity."""
    rng = np.random.default_rng(seed)
    return LinearFlow.from_spectrum(np.geomspace(3.0, 0.01, n), rng=rng, mean=rng.standard_normal(n))


def stirred(flow: Flow, seed: int = 1, size: float = 0.3) -> Flow:
    """As if trained: every parameter moved, the zero ones of the couplings too."""
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in flow.body.parameters():
            fan = parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.add_(size / fan**0.5 * torch.randn(parameter.shape, generator=noise).to(parameter.dtype))
    return flow.eval()


MAKERS: dict[str, Callable[[], Flow]] = {
    "realnvp": lambda: deep.RealNVP(linear(12), steps=4, width=16),
    "realnvp-odd": lambda: deep.RealNVP(linear(7), steps=4, width=16),
    "realnvp-image": lambda: deep.RealNVP(linear(48), (4, 4, 3), steps=2, width=8, levels=2),
    "glow": lambda: deep.Glow(linear(48), (4, 4, 3), steps=2, width=8, levels=2),
    "glow-grey": lambda: deep.Glow(linear(32), (8, 4, 1), steps=2, width=8, levels=2, squeeze="space-to-depth"),
    "glow-conditional": lambda: deep.Glow(linear(48), (4, 4, 3), steps=2, width=8, levels=2, conditional=True),
    "realnvp-conditional": lambda: deep.RealNVP(linear(12), steps=4, width=16, conditional=True),
}
ALL = pytest.mark.parametrize("name", MAKERS)


def level(flow: Flow) -> float | None:
    return 0.2 if flow.conditional else None


def round_trip(flow: Flow, z: np.ndarray) -> float:
    """Largest error of z -> x -> z, and of x -> z -> x relative to the signal's scale in each direction."""
    with torch.no_grad():
        x = flow.forward(z, level(flow))
        back = flow.inverse(x, level(flow))
        again = flow.forward(back, level(flow))
    latent = float((back - torch.from_numpy(z)).abs().max() / max(1.0, np.abs(z).max()))
    return max(latent, float((again - x).abs().max() / x.abs().max()))


def log_det_error(flow: Flow, z: np.ndarray) -> float:
    """Both directions' log-determinants against slogdet of the Jacobian that autograd finds."""
    found = []
    for row in torch.from_numpy(z):
        jacobian = torch.func.jacrev(lambda v: flow.forward(v, level(flow)))(row)
        expected = torch.linalg.slogdet(jacobian)[1]
        x = flow.forward(row, level(flow))
        found += [flow.log_det(row, level(flow)) - expected, flow.normalise(x, level(flow))[1] + expected]
    return max(abs(float(error.detach())) for error in found)


@ALL
def test_round_trip_in_float64_in_and_out_of_distribution(name: str) -> None:
    flow = stirred(MAKERS[name]()).double()
    z = np.random.default_rng(2).standard_normal((6, flow.n))
    assert round_trip(flow, z) < DOUBLE
    assert round_trip(flow, 30.0 * z) < DOUBLE
    signals = torch.from_numpy(np.random.default_rng(3).random((6, flow.n)))  # nothing like the flow's own
    with torch.no_grad():
        back = flow.forward(flow.inverse(signals, level(flow)), level(flow))
    assert float((back - signals).abs().max()) < DOUBLE


@ALL
def test_round_trip_in_float32(name: str) -> None:
    flow = stirred(MAKERS[name]()).float()
    assert flow.dtype == torch.float32
    assert flow.basis.dtype == torch.float64, "the linear part stays in float64"
    z = np.random.default_rng(2).standard_normal((6, flow.n))
    assert round_trip(flow, z) < SINGLE
    assert round_trip(flow, 30.0 * z) < SINGLE_OUTSIDE


@ALL
def test_log_det_is_that_of_the_jacobian(name: str) -> None:
    flow = stirred(MAKERS[name]()).double()
    assert log_det_error(flow, np.random.default_rng(4).standard_normal((2, flow.n))) < LOG_DET


@ALL
def test_a_fresh_flow_is_the_linear_flow(name: str) -> None:
    flow = MAKERS[name]().double().eval()
    x = flow.linear.mean + np.random.default_rng(5).standard_normal((5, flow.n))
    with torch.no_grad():
        found = flow.log_prob(x, level(flow)).numpy()
        z = flow.inverse(x, level(flow)).numpy()
    covariance = flow.linear.covariance + (0.2**2 if flow.conditional else 0.0) * np.eye(flow.n)
    deviation = x - flow.linear.mean
    quadratic = np.sum(deviation * np.linalg.solve(covariance, deviation.T).T, axis=1)
    expected = -0.5 * (quadratic + flow.n * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1])
    # The channels' rotations are kept in float32, and only orthogonal to its rounding.
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(np.sum(z**2, axis=1), quadratic, rtol=1e-5)


def test_a_stirred_flow_is_not_the_linear_flow() -> None:
    flow = stirred(MAKERS["glow"]()).double()
    x = flow.linear.mean + np.random.default_rng(5).standard_normal((5, flow.n))
    assert not np.allclose(flow.log_prob(x).detach().numpy(), flow.linear.log_prob(x), rtol=1e-3)


def test_samples_follow_the_density() -> None:
    """E[q(x) / p(x)] = 1 under p for any density q, here that of a wider linear flow around the same mean."""
    flow = stirred(deep.RealNVP(linear(3), steps=2, width=8), size=0.1).double()
    x = flow.sample(20_000, np.random.default_rng(6))
    q = LinearFlow.from_matrix(0.8 * flow.linear.matrix, flow.linear.mean)
    ratio = np.exp(q.log_prob(x.numpy()) - flow.log_prob(x).detach().numpy())
    error = ratio.std() / np.sqrt(len(ratio))
    assert abs(ratio.mean() - 1) < 6 * error
    assert error < 0.05


@ALL
def test_saved_and_loaded_bit_for_bit(name: str, tmp_path: Path) -> None:
    flow = stirred(MAKERS[name]())
    deep.save(flow, tmp_path / "flow.pt")
    again = deep.load(tmp_path / "flow.pt")
    x = np.random.default_rng(7).standard_normal((3, flow.n))
    with torch.no_grad():
        assert torch.equal(flow.log_prob(x, level(flow)), again.log_prob(x, level(flow)))
        assert torch.equal(flow.forward(x, level(flow)), again.forward(x, level(flow)))
    assert type(again) is type(flow)
    assert again.shape == flow.shape


def test_no_number_is_nan_far_out() -> None:
    for name in ("realnvp", "glow"):
        flow = stirred(MAKERS[name](), size=3.0)
        z = 1e4 * np.random.default_rng(8).standard_normal((10, flow.n))
        with torch.no_grad():
            x, log_det = flow.generate(z)
            assert bool(torch.isfinite(x).all() and torch.isfinite(log_det).all())
            back, change = flow.normalise(1e3 * z)
            assert bool(torch.isfinite(back).all() and torch.isfinite(change).all())


def test_one_signal_s_result_is_its_own() -> None:
    flow = stirred(MAKERS["glow"]()).double()
    x = np.random.default_rng(9).standard_normal((4, flow.n))
    together = flow.log_prob(x).detach()
    alone = torch.stack([flow.log_prob(row) for row in x]).detach()
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-10)


def test_actnorm_is_set_once_and_remembers_it() -> None:
    layer = ActNorm(3, from_data=True).train()
    h = 5.0 + 2.0 * torch.randn(64, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    out = layer.normalise(h)[0]
    torch.testing.assert_close(out.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)
    other = ActNorm(3, from_data=True).train()
    other.load_state_dict(layer.state_dict())
    torch.testing.assert_close(other.normalise(10 * h)[0], layer.normalise(10 * h)[0])


def test_the_kept_inverse_follows_the_parameters() -> None:
    layer = InvertibleConv(4)
    h = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first = layer.normalise(h)[0]
        layer.log_diagonal.add_(0.5)
        second = layer.normalise(h)[0]
        back = layer.generate(second)[0]
    assert not torch.allclose(first, second)
    torch.testing.assert_close(back, h, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layer", [Haar(), SpaceToDepth()], ids=["haar", "space-to-depth"])
def test_squeezes_are_orthogonal(layer: Layer) -> None:
    h = torch.randn(3, 2, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    out = layer.normalise(h)[0]
    assert out.shape == (3, 8, 2, 3)
    torch.testing.assert_close(out.square().sum((1, 2, 3)), h.square().sum((1, 2, 3)))
    torch.testing.assert_close(layer.generate(out)[0], h)


# ------------------------------------------------------------------------------------------------------- broken on purpose


class _ForgottenLogDet(Coupling):
    def generate(self, u: Tensor, context: Tensor | None = None) -> Mapped:
        out, log_det = super().generate(u, context)
        return out, 0.5 * log_det


class _WrongInverse(Coupling):
    def normalise(self, h: Tensor, context: Tensor | None = None) -> Mapped:
        out, log_det = super().normalise(h, context)
        return out + 1e-3, log_det


class _Unbounded(Coupling):
    def _scale_and_shift(self, kept: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        raw, shift = self.network(kept, context).chunk(2, dim=1)
        return raw, shift


def broken(kind: type[Coupling], size: float = 0.3) -> Flow:
    flow = MAKERS["realnvp"]()
    assert isinstance(flow.body, layers.Sequence)
    last = flow.body.layers[-1]
    assert isinstance(last, Coupling)
    flow.body.layers[-1] = kind(last.network, last.first)
    return stirred(flow, size=size).double()


def test_each_invariant_catches_a_broken_layer() -> None:
    z = np.random.default_rng(4).standard_normal((2, 12))
    assert log_det_error(broken(_ForgottenLogDet), z) > 1e3 * LOG_DET
    assert round_trip(broken(_WrongInverse), z) > 1e3 * DOUBLE
    with torch.no_grad():
        assert not torch.isfinite(broken(_Unbounded, size=3.0).forward(1e4 * z)).all()


def test_a_flow_that_does_not_start_at_zero_is_not_the_linear_one() -> None:
    flow = MAKERS["realnvp"]().double().eval()
    assert isinstance(flow.body, layers.Sequence)
    nn.init.normal_(flow.body.layers[1].network.last.weight, std=0.1)  # type: ignore[union-attr,arg-type]
    x = flow.linear.mean + np.random.default_rng(5).standard_normal((5, flow.n))
    assert not np.allclose(flow.log_prob(x).detach().numpy(), flow.linear.log_prob(x), rtol=1e-5)


# -------------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: MAKERS["realnvp"]().log_prob(np.zeros(13)), r"shape \(..., 12\)"),
        (lambda: MAKERS["glow"]().inverse(np.zeros((4, 4, 3))), r"flat signals of shape \(..., 48\)"),
        (lambda: deep.Glow(linear(48), (4, 4, 1)), "H W C = 48"),
        (lambda: deep.Glow(linear(48), (48,)), "Glow is for images"),  # type: ignore[arg-type]
        (lambda: deep.Glow(linear(27), (3, 3, 3)), "3 x 3 does not allow"),
        (lambda: deep.Glow(linear(48), (4, 4, 3), squeeze="fold"), "squeeze must be one of"),
        (lambda: MAKERS["glow"]().log_prob(np.zeros(48), 0.1), "no noise level"),
        (lambda: MAKERS["glow-conditional"]().log_prob(np.zeros(48)), "give the noise level"),
        (lambda: MAKERS["glow-conditional"]().log_prob(np.zeros(48), -1.0), "positive and finite"),
        (lambda: deep.RealNVP(linear(12), steps=0), "steps must be a whole number >= 1"),
    ],
)
def test_bad_input_is_one_sentence(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_wrong_number_of_values_is_a_shape_error() -> None:
    with pytest.raises(ShapeError):
        MAKERS["realnvp"]().forward(np.zeros((2, 11)))


def _edited(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "flow.pt"
    deep.save(MAKERS["realnvp"](), path)
    content = torchfiles.read(path, "linflow.deep.Flow", "flow") | changes
    path.write_bytes(_sealed(content))
    return path


def _sealed(content: dict[str, Any]) -> bytes:
    """A file as linflow.deep writes it, whatever is in it."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return sealed("linflow.deep", buffer.getvalue())


def test_files_that_are_no_flow_of_this_version(tmp_path: Path) -> None:
    whole = _edited(tmp_path)
    assert deep.load(whole).n == 12
    cases: dict[str, Path] = {"does not exist": tmp_path / "nothing.pt"}
    for name, content in {"cut": whole.read_bytes()[:2000], "text": b"not a flow", "empty": b""}.items():
        cases[f"is damaged|{name}"] = tmp_path / name
        (tmp_path / name).write_bytes(content)
    torch.save({"weights": torch.zeros(3)}, tmp_path / "foreign")
    cases["was not written by this linflow.deep"] = tmp_path / "foreign"
    (tmp_path / "other").write_bytes(_sealed({"weights": torch.zeros(3)}))
    cases["holds no flow"] = tmp_path / "other"
    deep.save(deep.Generator((4,), latent=2, width=2), tmp_path / "generator")
    cases["holds no flow|"] = tmp_path / "generator"
    for words, path in cases.items():
        with pytest.raises(DataError, match=words.split("|")[0]) as caught:
            deep.load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="format version 99"):
        deep.load(_edited(tmp_path, version=99))
    with pytest.raises(DataError, match="is damaged"):
        deep.load(_edited(tmp_path, state={}))
    with pytest.raises(DataError, match="is a Unheard, which is not registered here"):
        deep.load(_edited(tmp_path, kind="Unheard"))
    with pytest.raises(DataError, match="holds no generator"):
        deep.load_generator(whole)


@pytest.mark.parametrize("model", ["flow", "generator"])
def test_a_flipped_bit_or_a_cut_anywhere_is_refused(model: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    made = MAKERS["realnvp"]() if model == "flow" else deep.Generator((4,), latent=2, width=2)
    deep.save(made, path)
    read = deep.load if model == "flow" else deep.load_generator
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in (*range(60), *rng.integers(0, len(whole), 100)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        for wrong in (bytes(flipped), whole[:place]):
            path.write_bytes(wrong)
            with pytest.raises(DataError, match="damaged"):
                read(path)
    path.write_bytes(whole)
    assert all(torch.equal(value, read(path).state_dict()[name]) for name, value in made.state_dict().items())


def test_a_file_may_be_asked_whose_weights_it_holds(tmp_path: Path) -> None:
    deep.save(MAKERS["realnvp"](), tmp_path / "flow.pt", key="a")
    assert deep.load(tmp_path / "flow.pt", key="a").n == deep.load(tmp_path / "flow.pt").n == 12
    with pytest.raises(DataError, match="holds another model than its name says"):
        deep.load(tmp_path / "flow.pt", key="b")


def test_a_pickle_with_code_in_it_is_refused_and_not_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path / "sprung").touch, ())

    (tmp_path / "trap.pt").write_bytes(_sealed({"format": "linflow.deep.Flow", "trap": Trap()}))
    with pytest.raises(DataError, match="is damaged"):
        deep.load(tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        deep.save(MAKERS["realnvp"](), tmp_path / "no folder" / "flow.pt")


@pytest.mark.parametrize(
    ("command", "what"),
    [(["train"], "linflow.deep"), (["run", "deep-ood", "--quick", "--out", "{out}"], "experiment 'deep-ood'")],
)
def test_without_torch_one_sentence_says_what_to_install(command: list[str], what: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    words = [word.format(out=tmp_path / "out") for word in command]
    code = f"import sys; sys.modules['torch'] = None; from linflow.cli import main; main({words!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == f"linflow: {what} needs torch: pip install 'linflow[deep]'"
    assert issubclass(LinflowError, Exception)


def _last(coupling: Coupling) -> nn.Module:
    last = coupling.network.last
    assert isinstance(last, nn.Module)
    return last


def test_layers_are_their_formulas() -> None:
    """However they are computed, for speed: entry by entry, in float64 to rounding and in float32 to a part in 1e6."""
    torch.manual_seed(0)
    h = torch.randn(5, 6, 4, 2, dtype=torch.float64)
    conv = InvertibleConv(6).double()
    W, inverse = conv._matrices()
    assert torch.allclose(conv.normalise(h)[0], torch.einsum("ij,bjxy->bixy", W, h), rtol=0, atol=1e-14)
    assert torch.allclose(conv.generate(h)[0], torch.einsum("ij,bjxy->bixy", inverse, h), rtol=0, atol=1e-14)
    coupling = layers.convolutional(6, 16)
    with torch.no_grad():
        for parameter in _last(coupling).parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape))
    single, _ = coupling.normalise(h.float())
    raw, shift = coupling.double().network(h[:, :3], None).chunk(2, dim=1)
    log_scale = layers.LOG_SCALE * torch.tanh(raw / layers.LOG_SCALE)
    double, log_det = coupling.normalise(h)
    assert torch.allclose(double[:, 3:], (h[:, 3:] + shift) * log_scale.exp(), rtol=0, atol=1e-14)
    assert torch.allclose(log_det, log_scale.sum((1, 2, 3)), rtol=0, atol=1e-13)
    assert (single - double).abs().max() <= 1e-5 * double.abs().max()
    assert single.is_contiguous()
    # What is only there for speed is no part of what is saved.
    assert "bound" not in coupling.state_dict()


def test_dropout_is_for_training_alone() -> None:
    coupling = layers.fully_connected(8, 16, dropout=0.5)
    with torch.no_grad():
        for parameter in _last(coupling).parameters():
            parameter.copy_(torch.randn(parameter.shape))
    h = torch.randn(4, 8)
    coupling.train()
    assert not torch.equal(coupling.normalise(h)[0], coupling.normalise(h)[0])
    coupling.eval()
    assert torch.equal(coupling.normalise(h)[0], coupling.normalise(h)[0])
