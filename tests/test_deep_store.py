"""What is saved comes back, and what would not is not saved; images with their channels first are refused everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from linflow import LinearFlow, deep
from linflow.checks import channels_last
from linflow.deep import store
from linflow.deep.deterministic import thread_count
from linflow.deep.flow import Flow, flow_of
from linflow.errors import DataError, InputError, LinflowError, ShapeError

LINEAR = LinearFlow.from_spectrum([2.0, 1.0, 0.5, 0.25], rng=np.random.default_rng(0))


@pytest.fixture(autouse=True)
def _own_classes() -> Iterator[None]:
    known = dict(store._KINDS)
    with thread_count(1):
        yield
    store._KINDS.clear()
    store._KINDS.update(known)


class Scaled(deep.RealNVP):
    """A flow whose signals are scaled, which its config remembers."""

    def __init__(self, linear: LinearFlow, shape: Any = None, *, scale: float = 1.0, **more: Any) -> None:
        super().__init__(linear, shape, **more)
        self.scale = scale
        self.config = {**self.config, "scale": scale}

    def generate(self, z: Any, noise_std: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
        x, log_det = super().generate(z, noise_std)
        return self.scale * x, log_det + self.n * np.log(self.scale)

    def normalise(self, x: Any, noise_std: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
        z, log_det = super().normalise(torch.as_tensor(x) / self.scale, noise_std)
        return z, log_det - self.n * np.log(self.scale)


class Forgetful(Scaled):
    """The same, whose config forgets the scale."""

    def __init__(self, linear: LinearFlow, shape: tuple[int, ...] | None = None, **more: Any) -> None:
        super().__init__(linear, shape, **more)
        self.config.pop("scale")


def small(**more: Any) -> dict[str, Any]:
    return {"steps": 1, "width": 4, **more}


def test_a_class_of_the_users_comes_back_once_it_is_known(tmp_path: Path) -> None:
    path, flow = tmp_path / "own.pt", Scaled(LINEAR, **small(scale=3.0)).eval()
    with pytest.raises(InputError, match=r"a Scaled could not be loaded again: let linflow\.deep\.register"):
        deep.save(flow, path)
    assert not path.exists()
    assert deep.register(Scaled) is Scaled
    deep.register(Scaled)  # twice is once
    deep.save(flow, path)
    again = deep.load(path)
    assert type(again) is Scaled
    x = np.ones((2, 4))
    assert torch.equal(again.log_prob(x), flow.log_prob(x))
    # In another program the class is not known: nothing in the file is executed to find it.
    del store._KINDS["Scaled"]
    with pytest.raises(DataError, match=r"is a Scaled, which is not registered here: import .* linflow\.deep\.register"):
        deep.load(path)


def replaced_body() -> Flow:
    flow = deep.RealNVP(LINEAR, **small())
    flow.body = deep.RealNVP(LINEAR, **small(steps=3)).body
    return flow


def odd_config() -> Flow:
    flow = deep.RealNVP(LINEAR, **small())
    flow.config["width"] = Path("4")
    return flow


def later_attribute() -> Flow:
    deep.register(Scaled)
    flow = Scaled(LINEAR, **small())
    flow.scale = 2.0
    return flow


def forgetful() -> Flow:
    deep.register(Forgetful)
    return Forgetful(LINEAR, **small(scale=2.0))


class OwnGenerator(deep.Generator):
    """A generator of the user's."""


UNREADABLE: dict[str, Callable[[], Any]] = {
    "unregistered": lambda: Scaled(LINEAR, **small()),
    "a class of the same name": lambda: type("RealNVP", (deep.RealNVP,), {})(LINEAR, **small()),
    "replaced body": replaced_body,
    "object in config": odd_config,
    "attribute set later": later_attribute,
    "forgetful config": forgetful,
    "own generator": lambda: OwnGenerator((4,), latent=2, width=4),
    "linear": lambda: flow_of(LINEAR),
    "linear flow": lambda: LINEAR,
    "wrapped": lambda: deep.wrap(forward=lambda z: 2 * z, inverse=lambda x: x / 2, n=4),
    "state": lambda: deep.RealNVP(LINEAR, **small()).state_dict(),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_could_not_be_loaded_is_not_saved(name: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.pt"
    with pytest.raises(InputError, match=r"could not be loaded again|would be loaded as another|must be a flow") as error:
        deep.save(UNREADABLE[name](), path)
    assert "\n" not in str(error.value)
    assert not path.exists()


READABLE: dict[str, Callable[[], Any]] = {
    "realnvp": lambda: deep.RealNVP(LINEAR, **small()),
    "double": lambda: deep.RealNVP(LINEAR, **small()).double(),
    "image": lambda: deep.RealNVP(LINEAR, (2, 2, 1), levels=1, **small()),
    "glow": lambda: deep.Glow(LINEAR, (2, 2, 1), levels=1, conditional=True, **small()),
    "generator": lambda: deep.Generator((4,), latent=2, width=4),
}


@pytest.mark.parametrize("name", READABLE)
def test_what_is_saved_is_loaded(name: str, tmp_path: Path) -> None:
    model = READABLE[name]().eval()
    deep.save(model, tmp_path / "model.pt")
    read: Callable[..., Any] = deep.load_generator if name == "generator" else deep.load
    state = read(tmp_path / "model.pt").state_dict()
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())


def test_register_takes_classes_of_flows_alone() -> None:
    for wrong in (Flow, deep.Generator, torch.nn.Linear, "RealNVP", deep.RealNVP(LINEAR, **small())):
        with pytest.raises(InputError, match="register takes a class that derives"):
            deep.register(wrong)  # type: ignore[type-var]
    with pytest.raises(InputError, match="another class named 'Glow' is registered"):
        deep.register(type("Glow", (deep.Glow,), {}))


IMAGES = np.random.default_rng(0).random((6, 3, 8, 8))
GREY = IMAGES[:, :1]


def flat(n: int) -> LinearFlow:
    return LinearFlow.from_spectrum(np.ones(n))


def patch_flow() -> deep.Glow:
    linear = LinearFlow.from_spectrum(np.geomspace(1.0, 0.5, 12))
    return deep.Glow(linear, (2, 2, 3), levels=1, conditional=True, **small())


#: Every place that takes images or their shape.
PLACES: dict[str, Callable[[], Any]] = {
    "fit": lambda: deep.fit(deep.RealNVP(flat(192), **small()), IMAGES, steps=1),
    "fit of images": lambda: deep.fit(deep.Glow(flat(64), (8, 8, 1), **small()), GREY, steps=1),
    "fit_gan": lambda: deep.fit_gan(IMAGES, steps=1),
    "trained": lambda: deep.trained("realnvp", GREY, steps=1),
    "untrained": lambda: deep.untrained("glow", IMAGES),
    "denoise": lambda: deep.denoise(patch_flow(), IMAGES, 0.1),
    "denoise_once": lambda: deep.denoise_once(patch_flow(), IMAGES[0], 0.1),
    "split": lambda: deep.split(patch_flow(), np.eye(192)[:3], np.zeros(3), shape=(3, 8, 8)),
    "flips": lambda: deep.flips(IMAGES, np.random.default_rng(0)),
    "crops": lambda: deep.crops(2)(IMAGES, np.random.default_rng(0)),
    "jitter": lambda: deep.jitter()(IMAGES, np.random.default_rng(0)),
    "RealNVP": lambda: deep.RealNVP(flat(192), (3, 8, 8), **small()),
    "Glow": lambda: deep.Glow(flat(256), (4, 8, 8), **small()),
    "Generator": lambda: deep.Generator((1, 8, 8), latent=2, width=4),
    "wrap": lambda: deep.wrap(forward=lambda z: z, inverse=lambda x: x, shape=(3, 8, 8)),
}


@pytest.mark.parametrize("place", PLACES)
def test_images_with_their_channels_first_are_refused(place: str) -> None:
    with pytest.raises(ShapeError, match=r"(images|shape) must have the channels last, \(\.\.\., H, W, C\), got shape"):
        PLACES[place]()


def test_channels_are_taken_for_first_only_where_they_cannot_be_last() -> None:
    plain = [(8, 8, 3), (5, 8, 8, 1), (4, 4, 4), (3, 3, 3), (3, 8, 3), (1, 1, 8), (2, 2, 16), (4, 8, 8, 1), (3, 64)]
    for shape in plain:
        assert channels_last(shape, "images") == shape
    for shape in [(3, 8, 8), (7, 1, 28, 28), (2, 4, 5, 6)]:
        with pytest.raises(LinflowError):
            channels_last(shape, "images")
