"""Faults in what comes in: a depth, a turn, a mark, a name or a digest dropped, and numbers that look like any others."""

from __future__ import annotations

from tests.mutations.runner import Fault

_RASTERS, _RAW, _TIFFS = "linflow/data/rasters.py", "linflow/data/raw.py", "linflow/data/tiffs.py"
_DICOMS, _PICTURES, _FOLDERS = "linflow/data/dicoms.py", "linflow/data/pictures.py", "linflow/data/folders.py"
_TABLES, _ARRAYS, _LOADING = "linflow/data/tables.py", "linflow/data/arrays.py", "linflow/data/loading.py"
_MOMENTS, _INPUTS = "linflow/moments.py", "linflow/inputs.py"
_READ = "data_pictures.py::test_what_is_written_is_what_is_read"


def _fault(file: str, name: str, what: str, old: str, new: str, *tests: str) -> Fault:
    return Fault(name, what, file, old, new, tuple(f"tests/test_{test}" for test in tests))


INTAKE = (
    _fault(
        _RASTERS,
        "deep-grey-as-8-bit",
        "grey PNGs of 16 bits in units of 255",
        "return with_channels(np.asarray(image)), None, 65535.0",
        "return with_channels(np.asarray(image)), None, 255.0",
        f"{_READ}[png uint16 1]",
    ),
    _fault(
        _RASTERS,
        "deep-colour-first-byte",
        "of colour PNGs of 16 bits the first byte twice",
        'for byte in (layout, layout.replace("16B", "16L")):',
        "for byte in (layout, layout):",
        f"{_READ}[png uint16 3]",
    ),
    _fault(
        _RASTERS,
        "opacity-dropped",
        "what is behind no pixel shown as if it were opaque",
        'clear = "transparency" in image.info or mode in ("LA", "PA", "RGBA")',
        'clear = "transparency" in image.info',
        "data_pictures.py::test_opacity_is_laid_over_white_and_said",
    ),
    _fault(
        _RAW,
        "turned-the-other-way",
        "pictures that lie on one side turned onto their heads",
        "6: across[:, ::-1],",
        "6: across[::-1],",
        "data_pictures.py::test_turned_as_exif_says[.png-6]",
    ),
    _fault(
        _TIFFS,
        "first-page-only",
        "of a stack the first page without a word",
        "if pages > 1 and not frames:",
        "if pages < 1 and not frames:",
        "data_pictures.py::test_stacks_and_animations[.tif]",
    ),
    _fault(
        _TIFFS,
        "tiff-depth-of-the-container",
        "12 bits in units of 16",
        'return 0.0, float(2**bits - 1), f"{bits}-bit"',
        'return 0.0, float(2**16 - 1), f"{bits}-bit"',
        f"{_READ}[tiff 12]",
    ),
    _fault(
        _TIFFS,
        "white-is-zero",
        "negatives taken for pictures",
        "inverted = photometric == _WHITE_IS_ZERO and",
        "inverted = photometric != photometric and",
        "data_pictures.py::test_palettes_inks_and_single_bits",
    ),
    _fault(
        _DICOMS,
        "dicom-not-inverted",
        "MONOCHROME1 as MONOCHROME2",
        'inverted=meaning == "MONOCHROME1"',
        'inverted=meaning == "none"',
        "data_pictures.py::test_dicom_is_rescaled_inverted_and_signed",
    ),
    _fault(
        _PICTURES,
        "floats-stretched",
        "floats beyond [0, 1] stretched to what occurs",
        'if raw.kind.startswith("float") and least >= 0 and greatest <= 1:\n        return 0.0, 1.0, (least, greatest)',
        'if raw.kind.startswith("float") and least >= 0:\n        return 0.0, max(greatest, 1.0), (least, greatest)',
        "data_pictures.py::test_numbers_without_a_range_are_refused_with_the_choice[float32]",
    ),
    _fault(
        _FOLDERS,
        "hidden-files-count",
        "what macOS leaves beside a photograph taken for one",
        'if file.name.startswith(".") or file.suffix',
        "if file.suffix",
        "data_pictures.py::test_subfolders_in_order_and_only_where_asked",
        "data_pictures.py::test_what_counts_in_a_folder",
    ),
    _fault(
        _TABLES,
        "decimal-comma-guessed",
        "3,5 read as two numbers",
        "if all(_TWO_OR_ONE.fullmatch(line.text) for line in lines):",
        "if not lines:",
        "data_tables.py::test_what_has_two_readings_or_none_is_refused[german column]",
    ),
    _fault(
        _TABLES,
        "thousands-as-decimals",
        "1,234 read as a little more than one",
        "if all(_THOUSANDS.fullmatch(cell) for cell, _ in commas):",
        "if not commas:",
        "data_tables.py::test_what_has_two_readings_or_none_is_refused[semicolons and three digits]",
    ),
    _fault(
        _ARRAYS,
        "index-as-data",
        "a spreadsheet's index among the numbers",
        "if column is None and counts_rows(found.values):",
        "if column is not None and counts_rows(found.values):",
        "data_tables.py::test_what_has_two_readings_or_none_is_refused[index]",
    ),
    _fault(
        _TABLES,
        "data-as-header",
        "a line of data beside words taken for names of columns",
        "if header is not None and _is_number(names[0]):",
        "if header is None and _is_number(names[0]):",
        "data_load.py::test_a_column_beside_words_is_taken_alone",
    ),
    _fault(
        _TIFFS,
        "unmarked-copies-dropped",
        "of pages of several sizes the first without a word",
        "for part in (*series, *unmarked)",
        "for part in series[:1]",
        "data_pictures.py::test_pages_of_several_sizes_are_copies_that_are_marked_or_refused[OME images]",
    ),
    _fault(
        _ARRAYS,
        "matlab-transposed",
        "MATLAB's columns taken for rows",
        "np.ascontiguousarray(values.T) if by_matlab else values",
        "values",
        "data_load.py::test_what_is_written_is_what_is_loaded[matlab 7.3]",
    ),
    _fault(
        _ARRAYS,
        "first-of-several",
        "of several arrays the first",
        "if len(names) > 1:\n        raise DataError",
        "if len(names) > 9:\n        raise DataError",
        "data_load.py::test_several_arrays_are_refused_until_one_is_named[.npz]",
    ),
    _fault(
        _LOADING,
        "digest-without-shape",
        "matrices with the same numbers in other shapes taken for one",
        "hashlib.sha256(repr(values.shape).encode())",
        "hashlib.sha256()",
        "data_load.py::test_what_is_written_is_what_is_loaded[.npy]",
    ),
    _fault(
        _MOMENTS,
        "blocks-not-merged",
        "the means of blocks taken for one mean",
        "np.outer(gap, gap) * (count * many / (count + many))",
        "np.outer(gap, gap) * 0.0",
        "moments.py::test_sums_do_not_depend_on_the_blocks",
    ),
    _fault(
        _INPUTS,
        "matrix-as-values",
        "the entries of a matrix taken for singular values",
        "    if values.ndim == 2:\n        names",
        "    values = values.reshape(-1)\n    if values.ndim == 2:\n        names",
        "inputs.py::test_what_the_options_do_not_mean_is_one_sentence[a matrix of values]",
    ),
    _fault(
        "linflow/experiments/plan.py",
        "given-by-name",
        "spectra from outside told apart by their names alone",
        "content = {name: spectrum.key for name, spectrum in self.given.items()}",
        "content = {name: name for name, spectrum in self.given.items()}",
        "inputs.py::test_a_given_spectrum_takes_the_place_of_the_studys",
    ),
    _fault(
        "linflow/claims/rounds.py",
        "starts-forgotten",
        "a hunt that never looks at the user's spectrum",
        "for start in plan.starts for m in",
        "for start in plan.starts[:0] for m in",
        "inputs.py::test_a_hunt_begins_at_ones_own_spectrum",
    ),
)
