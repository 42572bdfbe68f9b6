"""The work of ``linflow train``: images in, a trained model in a file, one line on how it goes and one on how to use it."""

from __future__ import annotations

from pathlib import Path

from linflow import data as datasets
from linflow.checks import FloatArray, one_of
from linflow.deep import augment, recipes, store
from linflow.deep.deterministic import named_device
from linflow.deep.fit import Progress, fit
from linflow.deep.gan import fit_gan
from linflow.engine.files import prepare_folder, shortened
from linflow.engine.progress import Report, shown
from linflow.errors import DataError, InputError, OutputError
from linflow.inputs import Given, range_of_words

#: Side of scikit-learn's digits.
_DIGITS = 8
_MINUTES = 5.0


def run_train(
    *,
    data: Path | None,
    size: int | None,
    out: Path,
    kind: str | None = None,
    grey: bool = False,
    given: Given | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    threads: int = 1,
    device: str = "cpu",
) -> None:
    """Train a model of the images in a folder (default scikit-learn's digits) and write it to `out`.

    Stopped at any time, the same call goes on from ``out`` with ``.part`` added to its name.

    Parameters
    ----------
    data : folder of images, see :func:`linflow.data.image_folder`; None for digits.
    size : side in pixels to which the images are resized; digits have 8.
    out : the file to write.
    kind : one of `recipes.KINDS`; default "glow", for digits "realnvp".
    grey : luminance only.
    given : how the images are read beside: subfolders, frames, the range of their numbers.
    minutes, steps : how long, at most one of them; default 5 minutes.
    seed : everything random follows from it.
    threads : threads of torch; on a machine of your own all its cores are faster for large images.
    device : "cpu" or "cuda"; the file is the same kind of file, and is read on any machine.

    Raises
    ------
    DataError
        An empty or unreadable folder, or a checkpoint of another run.
    InputError
        Options that do not go together.
    OutputError
        `out` cannot be written.
    """
    kind = one_of(kind or ("realnvp" if data is None else "glow"), "kind", recipes.KINDS)
    if minutes is not None and steps is not None:
        raise InputError("give --minutes or --steps, not both")
    if kind == "gan" and steps is None:
        raise InputError("a GAN has no likelihood to watch: say how long with --steps, such as --steps 3000")
    _writable_file(out)  # first: a folder such as "." has no name to add to
    prepare_folder(out.parent)
    checkpoint = out.with_name(out.name + ".part")
    _writable_file(checkpoint)
    images = _images(data, size, grey, Given() if given is None else given)
    chosen = recipes.settings(kind, images, {"threads": threads, "device": device})
    print(f"{kind} on {len(images)} images of {' x '.join(map(str, images.shape[1:]))}, seed {seed}", flush=True)
    if checkpoint.exists():
        print(f"going on from {checkpoint}", flush=True)
    if kind == "gan":
        change = augment.named(chosen["augment"])
        names = ("latent", "width", "batch", "rate", "threads", "device")
        options = {name: chosen[name] for name in names}
        with shown("training") as told:
            made = fit_gan(
                images,
                steps=steps or 1,
                seed=seed,
                augment=change,
                checkpoint=checkpoint,
                progress=_watched(out, told),
                **options,
            )
        store.save(made, out)
        print(f"written to {out}; in Python: linflow.deep.csgm(linflow.deep.load_generator({str(out)!r}), A, y, rng=rng)")
        return
    flow = recipes.flow_for(kind, images, seed, chosen).to(named_device(device))
    if steps is None and minutes is None:
        minutes = _MINUTES
    options = recipes.fit_options(kind, chosen)
    with shown("training") as told:
        fitted = fit(
            flow,
            images,
            steps=steps,
            minutes=minutes,
            seed=seed,
            checkpoint=checkpoint,
            progress=_watched(out, told),
            **options,
        )
    store.save(flow, out)
    print(
        f"{fitted.bits:.3f} bits/dim on held-out images, {fitted.bits_linear:.3f} for the linear model "
        f"({fitted.steps} steps, the weights of step {fitted.best_step} kept, {fitted.seconds:.0f} s)"
    )
    use = "denoise(flow, images, noise_std)" if kind == "patches" else "solve(flow, A, y)"
    print(f"written to {out}; in Python: flow = linflow.deep.load({str(out)!r}); linflow.deep.{use}")


def _writable_file(file: Path) -> None:
    """Raise OutputError where something else than a file would be replaced, be it a device."""
    try:
        if file.is_dir():
            raise OutputError(f"{shortened(file)} is a folder: give --out a file, such as {shortened(file / 'flow.pt')}")
        if file.exists() and not file.is_file():
            raise OutputError(f"{shortened(file)} is a pipe or a device: give --out a file")
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {shortened(file)} ({error.strerror}): give --out another file") from error


def _images(data: Path | None, size: int | None, grey: bool, given: Given) -> FloatArray:
    if data is None:
        if given.choices:
            raise InputError(f"{given.choices[0]} says how to read the images of --data: give it")
        if size not in (None, _DIGITS):
            raise InputError(f"scikit-learn's digits have {_DIGITS} x {_DIGITS} pixels: leave --size out, or give --data")
        return datasets.digits().reshape(-1, _DIGITS, _DIGITS, 1)
    if size is None:
        raise InputError("give --size, the side in pixels to which the images of --data are resized")
    rows = datasets.image_folder(
        data,
        size=size,
        grey=grey,
        recursive=given.recursive,
        frames=given.frames,
        value_range=range_of_words(given.value_range),
    )
    if len(rows) < 4:
        raise DataError(f"the folder {str(data)!r} holds {len(rows)} images: training needs at least 4")
    return rows.reshape(len(rows), size, size, -1)


def _watched(out: Path, told: Report) -> Progress:
    """Reports how far the training is; a deleted folder ends it."""
    folder = out.parent.stat()

    def progress(done: float, line: str) -> None:
        try:
            there = out.parent.stat()
        except OSError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (folder.st_dev, folder.st_ino):
            raise OutputError(f"the folder of {shortened(out)} was deleted or replaced: put it back, and start again")
        told(done, 1.0, line)

    return progress
