"""The flows of other libraries that ours are timed against: the same sizes, and maps that are each other's inverses."""

from __future__ import annotations

import importlib
import warnings

import pytest

torch = pytest.importorskip("torch")

from linflow.bench import flows, networks  # noqa: E402
from linflow.bench.contest import Work  # noqa: E402


def _network(flow: str, library: str) -> networks.Network:
    if library != "linflow":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pytest.importorskip(library)
            importlib.import_module(library)
    made: networks.Network = getattr(networks, library)(flows.architecture(flow), torch.float64)
    return made


CASES = [(flow, library) for flow, libraries in flows._LIBRARIES.items() for library in ("linflow", *libraries)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("flow", "library"), CASES)
def test_a_rival_has_as_many_weights_and_inverts_itself(flow: str, library: str) -> None:
    torch.manual_seed(0)
    network, ours = _network(flow, library), _network(flow, "linflow")
    n = flows.architecture(flow).n
    z = torch.randn(3, n, dtype=torch.float64)
    with torch.no_grad():
        x = network.generate(z)
        assert (network.inverse(x) - z).abs().max() < 1e-9
        assert network.log_prob(x).shape == (3,)
    assert (x - z).abs().max() > 1e-3  # the twin: it is not the identity

    def weights(of: networks.Network) -> int:
        return sum(p.numel() for p in of.model.parameters())

    assert weights(network) == pytest.approx(weights(ours), rel=0.1)


@pytest.mark.parametrize("work", [flows._density, flows._sampling, flows._training, flows._search])
def test_each_kind_of_work_runs(work: object) -> None:
    made = flows._prepared("RealNVP", "float32", work, "linflow")  # type: ignore[arg-type]
    assert isinstance(made, Work)
    made.run()
    error = made.solved()
    assert isinstance(error, float)
    assert error < 1e-3
