"""The patch denoiser against BM3D and non-local means: time, and the quality that it buys, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from linflow.bench.contest import Contest, Side, Work
from linflow.bench.effort import Effort
from linflow.checks import FloatArray

if TYPE_CHECKING:
    from linflow.deep.flow import Flow

_NOISE = 0.1
#: Pixels between patches: every one of a small image, every fourth of a large one.
_STRIDES = {64: 1, 512: 4}
#: Steps of training of the flow that a long run uses; a short one takes the flow untrained, which is a Wiener filter.
_STEPS = 2000


def contests(effort: Effort) -> Iterator[Contest]:
    """A grey photograph with noise of a tenth of its range."""
    for side in effort.pick(quick=(64,), usual=(64,), long=(64, 512)):
        noisy, clean = _photograph(side)
        steps = _STEPS if effort.long else 0
        works: dict[str, tuple[Callable[[FloatArray], FloatArray], tuple[str, ...]]] = {
            "bm3d": (_bm3d, ("bm3d",)),
            "scikit-image nl_means": (_nl_means, ()),
        }
        ours = partial(_ours, steps, 4 if effort.quick else _STRIDES[side])
        quality = cache(partial(_psnr_of, ours, noisy, clean))
        words = "trained" if steps else "untrained: its cost, not its quality"
        rivals = [
            Side(name, partial(_work, work, noisy), needs=needs, note=partial(_quality, quality, work, noisy, clean, words))
            for name, (work, needs) in works.items()
        ]
        yield Contest(
            row="patch denoiser",
            size=f"{side} x {side}",
            n=side * side,
            ours=Side("linflow.deep.denoise", partial(_work, ours, noisy), needs=("torch",)),
            rivals=rivals,
        )


def psnr(image: FloatArray, clean: FloatArray) -> float:
    """Peak signal-to-noise ratio of images in [0, 1], in dB.

    >>> round(psnr(np.full((2, 2), 0.1), np.zeros((2, 2))), 6)
    20.0
    """
    return float(-10 * np.log10(np.mean((image - clean) ** 2)))


def _photograph(side: int) -> tuple[FloatArray, FloatArray]:
    from skimage import data, transform

    whole = data.camera() / 255.0
    clean: FloatArray = whole if side == 512 else transform.resize(whole, (side, side), anti_aliasing=True)
    return clean + _NOISE * np.random.default_rng(0).standard_normal(clean.shape), clean


def _work(denoise: Callable[[FloatArray], FloatArray], noisy: FloatArray) -> Work:
    return Work(lambda: denoise(noisy))


@cache
def _flow(steps: int) -> Flow:
    from linflow.data import natural_patches
    from linflow.deep import trained, untrained

    patches = natural_patches(8, count=4000)
    images = patches.reshape(-1, 8, 8, 1)
    return trained("patches", images, steps=steps) if steps else untrained("patches", images)


def _ours(steps: int, stride: int, noisy: FloatArray) -> FloatArray:
    from linflow.deep import denoise

    return denoise(_flow(steps), noisy[..., None], _NOISE, stride=stride)[..., 0]


def _bm3d(noisy: FloatArray) -> FloatArray:
    import bm3d

    return np.asarray(bm3d.bm3d(noisy, _NOISE))


def _nl_means(noisy: FloatArray) -> FloatArray:
    from skimage.restoration import denoise_nl_means

    found: Any = denoise_nl_means(
        noisy, patch_size=5, patch_distance=6, h=0.8 * _NOISE, sigma=_NOISE, fast_mode=True, channel_axis=None
    )
    return np.asarray(found)


def _psnr_of(denoise: Callable[[FloatArray], FloatArray], noisy: FloatArray, clean: FloatArray) -> float:
    return psnr(denoise(noisy), clean)


def _quality(
    ours: Callable[[], float],
    theirs: Callable[[FloatArray], FloatArray],
    noisy: FloatArray,
    clean: FloatArray,
    words: str,
) -> str:
    return f"PSNR {ours():.2f} dB ({words}) and {psnr(theirs(noisy), clean):.2f} dB"
