"""The options with which a command takes a user's own spectra: one definition, put before every command that has them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from linflow.inputs import Given

_PANEL: dict[str, Any] = {"rich_help_panel": "Your own spectra and images"}
#: Field of `Given` -> its option.
OPTIONS: dict[str, Any] = {
    "values": Annotated[
        Path | None,
        typer.Option(help="File of singular values: .npy .npz .mat .h5 .parquet .csv .tsv .txt .dat.", **_PANEL),
    ],
    "data": Annotated[
        Path | None,
        typer.Option(
            help="Folder of images, or file of numbers with a sample in each row, to which a model is fitted.", **_PANEL
        ),
    ],
    "covariance": Annotated[
        Path | None, typer.Option(help="File of a covariance matrix, or of a vector of variances.", **_PANEL)
    ],
    "size": Annotated[
        int | None, typer.Option(min=1, max=128, help="Side in pixels to which images are resized.", **_PANEL)
    ],
    "rgb": Annotated[bool, typer.Option("--rgb/--grey", help="Colours of images, or their luminance.", **_PANEL)],
    "recursive": Annotated[bool, typer.Option("--recursive", help="The images of subfolders too.", **_PANEL)],
    "frames": Annotated[
        bool, typer.Option("--frames", help="Every frame of an animation or page of a stack is an image.", **_PANEL)
    ],
    "value_range": Annotated[
        str | None,
        typer.Option("--range", metavar="LOW:HIGH", help="Pixels that are black and white, such as 0:4095.", **_PANEL),
    ],
    "variable": Annotated[str | None, typer.Option(help="Which array of a file of several.", **_PANEL)],
    "column": Annotated[
        str | None, typer.Option(metavar="NAME|NUMBER", help="Which column of a table; numbers count from 1.", **_PANEL)
    ],
}


#: Those that say how a folder of images is read, beside its size and colours.
READING = ("recursive", "frames", "value_range")


def takes_spectra(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option of `Given`; it takes them together, as its argument ``given``."""
    return _takes(command, tuple(OPTIONS))


def takes_images(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command those options of `Given` that say how images are read; it takes them as its argument ``given``."""
    return _takes(command, READING)


def _takes(command: Callable[..., None], names: tuple[str, ...]) -> Callable[..., None]:
    own = inspect.signature(command).parameters
    hints = get_type_hints(command, include_extras=True)
    blank = Given()
    kept = [parameter.replace(annotation=hints[name]) for name, parameter in own.items() if name != "given"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=getattr(blank, name), annotation=OPTIONS[name])
        for name in names
    ]

    @functools.wraps(command)
    def taking(*words: Any, **options: Any) -> None:
        given = Given(**{name: options.pop(name) for name in names})
        command(*words, **options, given=given)

    del taking.__wrapped__
    taking.__signature__ = inspect.Signature([*kept, *added])  # type: ignore[attr-defined]
    taking.__annotations__ = {parameter.name: parameter.annotation for parameter in (*kept, *added)}
    return taking
