"""A figure of matplotlib as the bytes of a file: the same figure gives the same file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FigureFormat: TypeAlias = Literal["png", "pdf", "svg"]
FORMATS: tuple[FigureFormat, ...] = get_args(FigureFormat)

#: Of a PNG, and of what is drawn as pixels inside the others.
_DPI = 150
#: What a file would say of when and by what it was written.
_SILENT: dict[FigureFormat, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}
#: Names inside an SVG are digests of its parts with this; without it they are random.
_SALT = "linflow"


def file_of(figure: Figure, form: FigureFormat = "png") -> bytes:
    """The file of a figure: with one version of matplotlib the same bytes, as no date and no version is stored.

    >>> from matplotlib.figure import Figure
    >>> file_of(Figure(), "svg") == file_of(Figure(), "svg"), file_of(Figure(), "pdf")[:4]
    (True, b'%PDF')
    """
    import matplotlib

    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": _SALT}):
        figure.savefig(file, format=form, dpi=_DPI, metadata=_SILENT[form])
    return file.getvalue()
