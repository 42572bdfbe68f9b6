r"""`trained`: models with settings that were tried, trained once and kept in a cache.

The same arguments give the same weights, so a cached model is one that need not be trained again: its key is a digest of
the images, of every setting, of linflow's code and of torch's version. Workers that ask for one model at once train it once
(the others wait), and a training that was killed goes on from its checkpoint. The cache is the folder ``$LINFLOW_CACHE``,
or the user's cache folder; where it cannot be written, every process trains for itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import ArrayLike

from linflow.checks import FloatArray, channels_last, finite_array, one_of, positive_int, whole_number
from linflow.deep import augment, store
from linflow.deep.deterministic import named_device
from linflow.deep.fit import Progress, fit, training_images
from linflow.deep.flow import Flow, Glow, RealNVP
from linflow.deep.gan import LARGEST_VECTOR, Generator, fit_gan
from linflow.errors import DataError, InputError, OutputError, ShapeError
from linflow.flow import LinearFlow
from linflow.identity import code_digest

KINDS = ("realnvp", "glow", "patches", "gan")
#: Patches from which the linear part of a patch flow is fitted.
_PATCHES = 20_000

_TRAINING: Mapping[str, Any] = {
    **{"batch": 64, "rate": 2e-3, "held_out": 0.1, "levels": None, "augment": None},
    **{"threads": 1, "device": "cpu"},
}
#: Defaults of each kind; with those of _TRAINING these are all options that there are.
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "realnvp": {"depth": 8, "width": 128, "scales": 2, "dropout": 0.1},
    "glow": {"depth": 6, "width": 64, "scales": None, "squeeze": "haar", "batch": 32},
    "patches": {"depth": 8, "width": 64, "scales": 1, "squeeze": "haar", "size": 8, "noise_levels": (0.01, 0.25)},
    "gan": {"latent": None, "width": 64, "rate": 1e-3},
}


@overload
def trained(
    kind: Literal["realnvp", "glow", "patches"],
    images: ArrayLike,
    *,
    steps: int,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> Flow: ...
@overload
def trained(
    kind: Literal["gan"],
    images: ArrayLike,
    *,
    steps: int,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> Generator: ...
@overload
def trained(
    kind: str, images: ArrayLike, *, steps: int, seed: int = 0, progress: Progress | None = None, **options: Any
) -> Any: ...
def trained(
    kind: str, images: ArrayLike, *, steps: int, seed: int = 0, progress: Progress | None = None, **options: Any
) -> Any:
    """A model of `images`, from the cache or newly trained.

    Parameters
    ----------
    kind : "realnvp", "glow", "patches" (a Glow of patches, conditional on the noise level) or "gan".
    images : (count, H, W, C) array, values in [0, 1]; for "realnvp" and "gan" also (count, n). Images of one channel are
        trained with small rotations, shifts and changes of scale (made for digits), others with mirror images and shifts.
    steps, seed : of the training; they fix the weights, whatever the number of workers.
    progress : see :func:`~linflow.deep.fit`.
    options : ``depth`` (steps of the flow at each scale), ``width``, ``scales`` and ``squeeze`` of the network, ``dropout``
        ("realnvp"), ``size`` and ``noise_levels`` ("patches"), ``latent`` ("gan"); ``batch``, ``rate``, ``levels``,
        ``held_out``, ``threads`` and ``device`` ("cpu", or "cuda": the model comes back there) of the training;
        ``augment``, a name in `augment.NAMES`.

    Returns
    -------
    Flow, or for "gan" a Generator

    Raises
    ------
    InputError
        An unknown kind or option, or one outside its range.
    ShapeError
        Images that the model cannot take.
    NotConvergedError
        The training diverged.
    """
    one_of(kind, "kind", KINDS)
    values = _several(kind, images)
    chosen = settings(kind, values, options)
    steps, seed = positive_int(steps, "steps"), whole_number(seed, "seed")

    def train(checkpoint: Path | None) -> Any:
        return _TRAIN[kind](values, steps, seed, chosen, checkpoint, progress)

    device = named_device(chosen["device"])
    made = _cached(_key(kind, values, steps, seed, chosen), store.load_generator if kind == "gan" else store.load, train)
    return made.to(device)


def untrained(kind: str, images: ArrayLike, *, seed: int = 0, **options: Any) -> Flow:
    """The flow that :func:`trained` starts from with the same arguments: the linear model, every method's control.

    Raises as `trained` does; "gan" has no linear start.

    >>> digits = np.random.default_rng(0).random((50, 8, 8, 1))
    >>> flow = untrained("realnvp", digits)
    >>> bool(torch.allclose(flow.log_prob(digits[0].ravel()), torch.tensor(flow.linear.log_prob(digits[0].ravel()))))
    True
    """
    one_of(kind, "kind", tuple(name for name in KINDS if name != "gan"))
    values = _several(kind, images)
    return flow_for(kind, values, whole_number(seed, "seed"), settings(kind, values, options)).eval()


def _several(kind: str, images: ArrayLike) -> FloatArray:
    values = finite_array(images, "images")
    if values.ndim not in (2, 4) or len(values) < 4 or (values.ndim == 2 and kind in ("glow", "patches")):
        raise ShapeError(f"{kind} needs at least 4 images, as an array of shape (count, H, W, C), got {values.shape}")
    if values.ndim == 4:
        channels_last(values.shape, "images")
    return values


def settings(kind: str, images: FloatArray, options: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of a training: `options`, and what this module chooses for the rest."""
    known = {**_TRAINING, **_DEFAULTS[kind]}
    if unknown := sorted(set(options) - set(known)):
        raise InputError(f"{kind} has no option {unknown[0]!r}: it takes {', '.join(sorted(known))}")
    chosen = known | dict(options)
    channels = images.shape[-1] if images.ndim == 4 else 0
    if chosen["augment"] is None:
        default = {0: "nothing", 1: "jitter"}.get(channels, "shifts")
        chosen["augment"] = "crops" if kind == "patches" else default
    one_of(chosen["augment"], "augment", augment.NAMES)
    if images.ndim == 2 and chosen["augment"] != "nothing":
        raise ShapeError(f"augment={chosen['augment']!r} needs images of shape (count, H, W, C), got {images.shape}")
    if chosen["levels"] is None:
        chosen["levels"] = grey_levels(images)
    if kind == "glow" and chosen["scales"] is None:
        chosen["scales"] = 3 if min(images.shape[1:3]) >= 16 and not any(s % 8 for s in images.shape[1:3]) else 2
    if kind == "gan" and chosen["latent"] is None:
        chosen["latent"] = 20 if images[0].size <= LARGEST_VECTOR else 100
    return chosen


def grey_levels(images: FloatArray) -> int:
    """Number of values that a pixel takes: 17 for scikit-learn's digits, else 256.

    >>> grey_levels(np.array([[0.0, 0.0625, 1.0]])), grey_levels(np.array([[0.0, 1 / 255, 0.7]]))
    (17, 256)
    """
    return 17 if bool(np.all(images * 16 == np.round(images * 16))) else 256


# -------------------------------------------------------------------------------------------------------- making models


def flow_for(kind: str, images: FloatArray, seed: int, chosen: Mapping[str, Any]) -> Flow:
    """The untrained flow: the linear flow of the images that are not held out."""
    training = training_images(images, chosen["held_out"], seed)
    network = {name: chosen[name] for name in ("width",)} | {"steps": chosen["depth"], "seed": seed}
    if kind == "realnvp":
        n = images[0].size  # small images as vectors
        shape = images.shape[1:] if images.ndim == 4 and n > LARGEST_VECTOR else (n,)
        linear = LinearFlow.fit(training.reshape(len(training), -1))
        return RealNVP(linear, shape, levels=chosen["scales"], dropout=chosen["dropout"], **network)
    network |= {"levels": chosen["scales"], "squeeze": chosen["squeeze"]}
    if kind == "glow":
        _, height, width, channels = images.shape
        if chosen["augment"] in ("flips", "shifts"):
            # Mirror images count as images for the linear part too: 0.4 to 2 dB for it alone with 1600 faces of 32 x 32.
            training = np.concatenate([training, training[:, :, ::-1]])
        linear = LinearFlow.fit(training.reshape(len(training), -1))
        return Glow(linear, (height, width, channels), **network)
    size = positive_int(chosen["size"], "size")
    if size > min(images.shape[1:3]):
        raise ShapeError(f"patches of {size} pixels do not fit into images of shape {images.shape[1:]}")
    rng = np.random.default_rng([seed, 4])
    patches = augment.crops(size)(training[rng.integers(0, len(training), _PATCHES)], rng)
    linear = LinearFlow.fit(patches.reshape(_PATCHES, -1))
    return Glow(linear, (size, size, images.shape[3]), conditional=True, **network)


def _train_flow(kind: str) -> Callable[..., Flow]:
    def train(
        images: FloatArray,
        steps: int,
        seed: int,
        chosen: Mapping[str, Any],
        checkpoint: Path | None,
        progress: Progress | None,
    ) -> Flow:
        flow = flow_for(kind, images, seed, chosen).to(named_device(chosen["device"]))
        fit(flow, images, steps=steps, seed=seed, checkpoint=checkpoint, progress=progress, **fit_options(kind, chosen))
        return flow

    return train


def fit_options(kind: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What `fit` takes of the settings."""
    names = ("batch", "rate", "levels", "held_out", "threads") + (("noise_levels",) if kind == "patches" else ())
    return {name: chosen[name] for name in names} | {"augment": augment.named(chosen["augment"], chosen.get("size"))}


def _train_gan(
    images: FloatArray,
    steps: int,
    seed: int,
    chosen: Mapping[str, Any],
    checkpoint: Path | None,
    progress: Progress | None,
) -> Generator:
    options = {name: chosen[name] for name in ("latent", "width", "batch", "rate", "threads", "device")}
    change = augment.named(chosen["augment"], None)
    return fit_gan(images, steps=steps, seed=seed, augment=change, checkpoint=checkpoint, progress=progress, **options)


_TRAIN: Mapping[str, Callable[..., Any]] = {
    **{kind: _train_flow(kind) for kind in ("realnvp", "glow", "patches")},
    "gan": _train_gan,
}


# ------------------------------------------------------------------------------------------------------------- the cache


def cache_folder() -> Path:
    """Where trained models are kept: ``$LINFLOW_CACHE``, or ``linflow`` in the user's cache folder."""
    if chosen := os.environ.get("LINFLOW_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "linflow" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "linflow"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "linflow"


def _key(kind: str, images: FloatArray, steps: int, seed: int, chosen: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(images).tobytes())
    versions = [code_digest(), torch.__version__]
    told = [kind, list(images.shape), steps, seed, dict(chosen), versions]
    digest.update(json.dumps(told, sort_keys=True, default=str).encode())
    return f"{kind}-{digest.hexdigest()[:32]}"


def _cached(key: str, load: Callable[..., Any], train: Callable[[Path | None], Any]) -> Any:
    with _locked(key) as folder:
        if folder is None:
            return train(None)
        path = folder / f"{key}.pt"
        if path.exists():
            try:
                return load(path, key=key)
            except DataError:  # damaged, or another's: it is made again
                path.unlink(missing_ok=True)
        checkpoint = folder / f"{key}.part"
        try:
            model = train(checkpoint)
        except (DataError, OutputError):  # a checkpoint that cannot be read, or not be written
            model = train(None)
        with suppress(OutputError):  # a full disk costs the next process a training, and this one nothing
            store.save(model, path, key=key)
            checkpoint.unlink(missing_ok=True)
        return model


@contextmanager
def _locked(key: str) -> Iterator[Path | None]:
    """The cache folder while no other process works on `key`; None where it cannot be written."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{key}.lock")
        lock.acquire()
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        lock.release()
