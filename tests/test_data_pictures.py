"""Image files of every depth, turn and kind: what is written is what is read, or one sentence refuses it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from linflow.data import load
from linflow.data.folders import image_folder, read_folder
from linflow.data.pictures import IMAGE_SUFFIXES, read_picture
from linflow.data.raw import Raw, turned
from linflow.errors import DataError, InputError
from linflow.inputs import range_of_words
from tests import picture_files as files

Write = Callable[[Path], tuple[Any, float, float]]
SHAPE = (10, 12)


def written(dtype: Any, top: int, shape: tuple[int, ...], ending: str, write: Callable[..., None], **options: Any) -> Write:
    def made(folder: Path) -> tuple[Any, float, float]:
        pixels = files.ramp(shape, top, dtype)
        write(folder / f"picture{ending}", pixels, **options)
        return pixels, 0.0, float(top)

    return made


def _deep_tiffs() -> dict[str, Write]:
    made = {}
    for channels in ((), (3,)):
        look = "rgb" if channels else "minisblack"
        for dtype in (np.uint8, np.uint16):
            for order in "<>":
                for compression in (None, "zlib"):
                    name = f"tiff {np.dtype(dtype).name} {order} {look} {compression}"
                    options = {"byteorder": order, "photometric": look, "compression": compression}
                    made[name] = written(dtype, np.iinfo(dtype).max, SHAPE + channels, ".tif", files.tiff, **options)
    made["tiff planes"] = written(
        np.uint16, 65535, (3, *SHAPE), ".tif", files.tiff, photometric="rgb", planarconfig="separate"
    )
    return made


#: Every reader: a file and the numbers in it, with those of black and white.
WRITTEN: dict[str, Write] = {
    **_deep_tiffs(),
    "tiff 12": written(np.uint16, 4095, SHAPE, ".tif", files.tiff_of_12_bits),
    "tiff lzw": written(np.uint16, 65535, SHAPE, ".tiff", files.pillow, compression="tiff_lzw"),
    "tiff lzw 8": written(np.uint8, 255, SHAPE, ".tiff", files.pillow, compression="tiff_lzw"),
    "tiff rgb lzw 8": written(np.uint8, 255, (*SHAPE, 3), ".tiff", files.pillow, compression="tiff_lzw"),
    **{
        f"png {np.dtype(dtype).name} {channels}": written(
            dtype, np.iinfo(dtype).max, SHAPE + ((channels,) if channels > 1 else ()), ".png", files.png
        )
        for dtype in (np.uint8, np.uint16)
        for channels in (1, 3)
    },
    "png by Pillow": written(np.uint16, 65535, SHAPE, ".png", files.pillow),
    "bmp": written(np.uint8, 255, (*SHAPE, 3), ".BMP", files.pillow),
    "webp": written(np.uint8, 255, (*SHAPE, 3), ".webp", files.pillow, lossless=True),
    "gif": written(np.uint8, 255, SHAPE, ".gif", files.pillow),
    "png called jpg": written(np.uint8, 255, SHAPE, ".jpg", files.png),
    **{f"dicom {bits}": written(np.uint16, 2**bits - 1, SHAPE, ".dcm", files.dicom, bits=bits) for bits in (10, 12, 16)},
    "dicom 8": written(np.uint8, 255, SHAPE, ".dcm", files.dicom, bits=8),
    "dicom big-endian": written(np.uint16, 4095, SHAPE, ".dcm", files.dicom, bits=12, big_endian=True),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_what_is_read(name: str, tmp_path: Path) -> None:
    pixels, low, high = WRITTEN[name](tmp_path)
    (file,) = tmp_path.iterdir()
    if name == "tiff planes":
        pixels = np.moveaxis(pixels, 0, -1)
    wanted = (pixels.reshape(*SHAPE, -1) - low) / (high - low)
    found = read_picture(file)
    assert found.pixels.dtype == np.float64
    if found.pixels.shape[-1] == 3 and wanted.shape[-1] == 1:  # a palette
        wanted = np.repeat(wanted, 3, axis=-1)
    assert np.array_equal(found.pixels[0], wanted)
    assert (found.low, found.high) == (low, high)
    # Twin: by the range of another depth nothing comes out right.
    assert not np.allclose(found.pixels[0], wanted * (high - low) / (2.0 * high))


@given(st.data())
@settings(max_examples=25)
def test_any_depth_any_shape_any_range(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([np.uint8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64]))
    shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3])))
    values = np.array(
        data.draw(st.lists(st.integers(-100, 100), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    )
    pixels = (values + 100 if np.dtype(dtype).kind == "u" else values).reshape(shape).astype(dtype)
    pixels = pixels if shape[-1] == 3 else pixels[..., 0]
    file = tmp_path_factory.mktemp("range") / "x.tif"
    files.tiff(
        file, pixels, photometric="rgb" if shape[-1] == 3 else "minisblack", byteorder=data.draw(st.sampled_from("<>"))
    )
    low, high = data.draw(st.sampled_from([(-100, 200), (-1000.5, 1e4), (-128, 512)]))
    found = read_picture(file, value_range=(low, high))
    assert np.allclose(found.pixels[0], (pixels.reshape(shape).astype(float) - low) / (high - low), rtol=1e-12, atol=1e-12)
    with pytest.raises(DataError, match=r"outside of the range"):
        read_picture(file, value_range=(float(pixels.max()) + 1, float(pixels.max()) + 2))


@pytest.mark.parametrize(("greatest", "named"), [(1234564, "1234564"), (0.1 + 0.2, repr(0.1 + 0.2)), (1e6, "1e+06")])
def test_the_range_that_a_sentence_offers_takes_the_file(greatest: float, named: str, tmp_path: Path) -> None:
    files.tiff(tmp_path / "x.tif", np.array([[-1.0, greatest]]))
    with pytest.raises(DataError) as error:
        read_picture(tmp_path / "x.tif")
    ends = range_of_words(str(error.value).partition("--range ")[2].split()[0])
    assert f"-1:{named} " in str(error.value)
    assert read_picture(tmp_path / "x.tif", value_range=ends).pixels.ravel().tolist() == [0.0, 1.0]


@pytest.mark.parametrize("dtype", [np.uint32, np.int8, np.int16, np.int32, np.float32, np.float64])
def test_numbers_without_a_range_are_refused_with_the_choice(dtype: Any, tmp_path: Path) -> None:
    files.tiff(tmp_path / "x.tif", np.array([[0, 100], [50, 7]], dtype=dtype))
    with pytest.raises(DataError, match=r"does not say which are black and white: .*value_range=.*--range 0:100") as error:
        read_picture(tmp_path / "x.tif")
    assert "\n" not in str(error.value)
    assert read_picture(tmp_path / "x.tif", value_range=(0, 100)).pixels[0, 0, 1, 0] == 1.0


def test_numbers_outside_of_what_is_declared_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.png(tmp_path / "x.png", np.array([[0, 200]], dtype=np.uint8))
    raw = Raw((np.array([[[0], [300]]]),), (None,), 0.0, 255.0, "8-bit")
    monkeypatch.setattr("linflow.data.pictures.read_raster", lambda file, **_: raw)
    with pytest.raises(DataError, match=r"x\.png' declares 8-bit values \(0..255\), and has some in 0..300"):
        read_picture(tmp_path / "x.png")


def test_floats_within_zero_and_one_are_taken_as_they_are(tmp_path: Path) -> None:
    pixels = np.linspace(0.0, 0.75, 12, dtype=np.float32).reshape(3, 4)
    files.tiff(tmp_path / "x.tif", pixels)
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels[0, :, :, 0], pixels)
    pixels[0, 0] = np.nan
    files.tiff(tmp_path / "x.tif", pixels)
    with pytest.raises(DataError, match="NaN or infinite"):
        read_picture(tmp_path / "x.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_turned_as_exif_says(orientation: int, ending: str, tmp_path: Path) -> None:
    pixels = files.ramp((*SHAPE, 3), 255, np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    known: dict[str, dict[str, Any]] = {".webp": {"lossless": True}, ".jpg": {"quality": 100, "subsampling": 0}}
    options = known.get(ending, {})
    if ending == ".tif":
        files.tiff(tmp_path / "x.tif", pixels, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    else:
        Image.fromarray(pixels).save(tmp_path / f"x{ending}", exif=exif, **options)
    found = read_picture(tmp_path / f"x{ending}")
    with Image.open(tmp_path / f"x{ending}") as image:
        assert ending == ".tif" or image.getexif()[0x0112] == orientation
        by_pillow = np.asarray(ImageOps.exif_transpose(image), dtype=float) / 255
    assert np.array_equal(found.pixels[0], by_pillow)
    assert ("turned as EXIF says" in found.notes) == (orientation > 1)
    if ending != ".jpg":
        assert np.array_equal(found.pixels[0], turned(pixels, orientation) / 255)
        assert orientation == 1 or not np.array_equal(found.pixels[0], pixels.reshape(found.pixels[0].shape) / 255)


def test_opacity_is_laid_over_white_and_said(tmp_path: Path) -> None:
    for dtype, top in ((np.uint8, 255), (np.uint16, 65535)):
        pixels = files.ramp((*SHAPE, 4), top, dtype)
        wanted = (pixels[..., :3] / top) * (pixels[..., 3:] / top) + (1 - pixels[..., 3:] / top)
        files.png(tmp_path / "x.png", pixels)
        files.tiff(tmp_path / "x.tif", pixels, photometric="rgb", extrasamples=["unassalpha"])
        for name in ("x.png", "x.tif"):
            found = read_picture(tmp_path / name)
            assert np.allclose(found.pixels[0], wanted, atol=1e-12)
            assert found.notes == ("laid over white",)
        pixels[..., 3] = top
        files.png(tmp_path / "x.png", pixels)
        assert read_picture(tmp_path / "x.png").notes == ()
        files.tiff(tmp_path / "x.tif", pixels, photometric="rgb", extrasamples=["unspecified"])
        with pytest.raises(DataError, match="4 channels, which are neither grey nor colour"):
            read_picture(tmp_path / "x.tif")
    grey = files.ramp((*SHAPE, 2), 255, np.uint8)
    files.png(tmp_path / "x.png", grey)
    wanted = (grey[..., 0] * (grey[..., 1] / 255) + 255 - grey[..., 1]) / 255
    assert np.allclose(read_picture(tmp_path / "x.png").pixels[0, :, :, 0], wanted, atol=1e-12)
    files.png(tmp_path / "x.png", files.ramp((*SHAPE, 2), 65535, np.uint16))
    with pytest.raises(DataError, match="grey PNG of 16 bits with opacity"):
        read_picture(tmp_path / "x.png")


def test_palettes_inks_and_single_bits(tmp_path: Path) -> None:
    grey = files.ramp(SHAPE, 255, np.uint8)
    Image.fromarray(grey).convert("P").save(tmp_path / "p.png")
    Image.fromarray(grey > 127).save(tmp_path / "bits.png")
    Image.fromarray(grey > 127).save(tmp_path / "bits.tif")
    Image.fromarray(grey).convert("RGB").convert("CMYK").save(tmp_path / "inks.tif")
    assert np.array_equal(read_picture(tmp_path / "p.png").pixels[0], np.stack([grey / 255] * 3, axis=-1))
    for name in ("bits.png", "bits.tif"):
        assert np.array_equal(read_picture(tmp_path / name).pixels[0, :, :, 0], grey > 127)
    assert np.allclose(read_picture(tmp_path / "inks.tif").pixels[0, :, :, 0], grey / 255, atol=0.01)
    files.tiff(tmp_path / "white.tif", 65535 - grey.astype(np.uint16) * 257, photometric="miniswhite")
    assert np.allclose(read_picture(tmp_path / "white.tif").pixels[0, :, :, 0], grey / 255)


def test_dicom_is_rescaled_inverted_and_signed(tmp_path: Path) -> None:
    stored = files.ramp(SHAPE, 2047, np.int16) - 1024
    unit = (stored + 2048) / 4095
    file = tmp_path / "x.dcm"
    files.dicom(file, stored.astype(np.int16), bits=12)
    assert np.allclose(read_picture(file).pixels[0, :, :, 0], unit)
    files.dicom(file, stored.astype(np.int16), bits=12, PhotometricInterpretation="MONOCHROME1")
    assert np.allclose(read_picture(file).pixels[0, :, :, 0], 1 - unit)
    files.dicom(file, stored.astype(np.int16), bits=12, RescaleSlope=2, RescaleIntercept=-10)
    found = read_picture(file)
    assert (found.low, found.high) == (2 * -2048 - 10, 2 * 2047 - 10)
    assert np.allclose(found.pixels[0, :, :, 0], unit)
    ends = read_picture(file, value_range=(-5000, 5000)).pixels[0, :, :, 0]
    assert np.allclose(ends, (2.0 * stored - 10 + 5000) / 10000)
    # What lies above the bits that are stored, as overlays do, belongs to no pixel.
    files.dicom(file, (stored + 1024).astype(np.uint16), bits=8)
    assert np.array_equal(read_picture(file).pixels[0, :, :, 0], (stored + 1024) % 256 / 255)
    files.dicom(file, stored.astype(np.int16), bits=12, PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(DataError, match="PALETTE COLOR, which are not read"):
        read_picture(file)


def _animation(file: Path, frames: list[Any]) -> None:
    first, *rest = (Image.fromarray(frame) for frame in frames)
    options: dict[str, Any] = {"lossless": True} if file.suffix == ".webp" else {}
    first.save(file, save_all=True, append_images=rest, **options)


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png", ".tif", ".dcm"])
def test_stacks_and_animations(ending: str, tmp_path: Path) -> None:
    frames = [np.stack([files.ramp((8, 8 + k), 255, np.uint8)[:, :8]] * 3, axis=-1) for k in range(3)]
    file = tmp_path / f"x{ending}"
    if ending == ".tif":
        files.tiff(file, np.stack(frames)[..., 0].astype(np.uint16) * 257, photometric="minisblack")
    elif ending == ".dcm":
        files.dicom(file, np.stack(frames)[..., 0], bits=8)
    else:
        _animation(file, frames)
    wanted = np.stack(frames)[..., :1] / 255
    assert np.allclose(read_picture(file, grey=True, frames=True).pixels, wanted, atol=1e-12)
    rows = image_folder(tmp_path, size=8, frames=True)
    assert np.allclose(rows, wanted.reshape(3, -1), atol=1e-12)
    if ending in (".tif", ".dcm"):
        with pytest.raises(DataError, match=r"is a stack of 3 (pages|frames): frames=True \(--frames\)"):
            read_picture(file)
    else:
        found = read_picture(file, grey=True)
        assert np.allclose(found.pixels, wanted[:1], atol=1e-12)
        assert found.notes == ("only the first of its frames",)


def test_what_is_too_large_or_damaged_is_one_sentence(tmp_path: Path) -> None:
    Image.new("1", (20000, 20000)).save(tmp_path / "scan.png")
    with pytest.raises(DataError, match=r"scan\.png' has more pixels than is safe to decode"):
        read_picture(tmp_path / "scan.png")
    writers: dict[str, tuple[Callable[..., None], dict[str, Any]]] = {
        "a.tif": (files.tiff, {}),
        "a.png": (files.png, {}),
        "a.dcm": (files.dicom, {"bits": 16}),
    }
    for name, (write, options) in writers.items():
        write(tmp_path / name, files.ramp(SHAPE, 65535, np.uint16), **options)
        whole = (tmp_path / name).read_bytes()
        for content in (whole[: len(whole) // 2], whole[:9], b""):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(DataError, match=name) as error:
                read_picture(tmp_path / name)
            assert "\n" not in str(error.value)


def test_a_large_photograph_is_read_at_a_fraction_of_its_size(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:3000, 0:2400]
    pixels = ((rows / 3000 + columns / 2400) * 127).astype(np.uint8)
    wanted = pixels[300:2700].reshape(16, 150, 16, 150).mean((1, 3)) / 255
    for name in ("a.jpg", "a.png"):
        Image.fromarray(pixels).save(tmp_path / name)
        found = read_picture(tmp_path / name, side=16, grey=True)
        assert found.pixels.shape == (1, 16, 16, 1)
        inner = slice(3, -3)  # smoothing mirrors the picture at its edges
        assert np.abs(found.pixels[0, inner, inner, 0] - wanted[inner, inner]).max() < 0.004
        assert found.notes == ("cropped to the central square",)


@pytest.mark.parametrize("ending", IMAGE_SUFFIXES)
def test_pipes_and_devices_are_not_waited_for(ending: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"pipe{ending}")
    (tmp_path / f"device{ending}").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        with pytest.raises(DataError, match="is a pipe or a device: give a file"):
            load(tmp_path / f"{name}{ending}", size=4)
    with pytest.raises(DataError, match="holds 0 images"):
        load(tmp_path, size=4)


#: How the smaller pages of a TIFF are marked -> whether they are known to be copies.
MARKED = {"thumbnail": True, "pyramid": True, "pages": False, "halving pages": False, "OME images": False}


@pytest.mark.parametrize("kind", MARKED)
def test_pages_of_several_sizes_are_copies_that_are_marked_or_refused(kind: str, tmp_path: Path) -> None:
    whole = files.ramp((16, 12), 65535, np.uint16)
    files.tiff_of_sizes(tmp_path / "x.tif", whole, kind)
    for frames in (False, True):
        for side in (None, 4):
            if MARKED[kind]:
                found = read_picture(tmp_path / "x.tif", frames=frames, side=side)
                assert len(found.pixels) == 1
                assert "without the smaller copies in it" in found.notes
                assert side is not None or np.array_equal(found.pixels[0, :, :, 0], whole / 65535)
            else:
                with pytest.raises(DataError, match=r"pictures of different sizes \(12 x 16 and \d x \d.*save those that"):
                    read_picture(tmp_path / "x.tif", frames=frames, side=side)
    # Twin: pages of one size are frames, and no copy is made out of them.
    files.tiff(tmp_path / "x.tif", np.stack([whole] * 3), photometric="minisblack")
    assert read_picture(tmp_path / "x.tif", frames=True).notes == ()
    assert len(read_picture(tmp_path / "x.tif", frames=True).pixels) == 3


def test_frames_of_several_sizes_are_refused_whoever_reads_them(tmp_path: Path) -> None:
    first, second = (Image.fromarray(files.ramp((side, side, 3), 255, np.uint8)) for side in (16, 8))
    first.save(tmp_path / "x.jpg", format="MPO", save_all=True, append_images=[second])
    assert read_picture(tmp_path / "x.jpg", side=4).notes == ("only the first of its frames",)
    with pytest.raises(DataError, match=r"pictures of different sizes \(16 x 16 and 8 x 8\)"):
        read_picture(tmp_path / "x.jpg", side=4, frames=True)


# ------------------------------------------------------------------------------------------------------------- folders


def _three(folder: Path, ending: str = ".png") -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    pixels = [np.full((4, 4), 50 * k, dtype=np.uint8) for k in range(3)]
    for k, name in enumerate("cab"):
        Image.fromarray(pixels[k]).save(folder / f"{name}{ending}")
    return np.stack([pixels[1], pixels[2], pixels[0]]).reshape(3, -1) / 255


def test_what_counts_in_a_folder(tmp_path: Path) -> None:
    wanted = _three(tmp_path, ".PNG")
    (tmp_path / "._a.PNG").write_bytes(b"\0\5\x16\7" + bytes(4092))
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    assert np.array_equal(image_folder(tmp_path, size=4), wanted)
    (tmp_path / "lost.png").symlink_to("nowhere.png")
    with pytest.raises(DataError, match=r"lost\.png' does not exist"):
        image_folder(tmp_path, size=4)


def test_subfolders_in_order_and_only_where_asked(tmp_path: Path) -> None:
    wanted = [_three(tmp_path / name) * factor for name, factor in (("10", 1), ("9", 1))]
    _three(tmp_path / ".cache")
    (tmp_path / "9" / "._a.png").write_bytes(b"\0\5\x16\7" + bytes(4092))
    with pytest.raises(
        DataError, match=r"holds 0 images.*its subfolders hold 6: recursive=True \(--recursive\) takes those"
    ):
        image_folder(tmp_path, size=4)
    assert np.array_equal(image_folder(tmp_path, size=4, recursive=True), np.concatenate(wanted))
    # One image on top is too few as well, and then the others may be what is meant.
    Image.fromarray(np.full((4, 4), 7, dtype=np.uint8)).save(tmp_path / "c.png")
    with pytest.raises(DataError, match=r"holds 1 image, .*its subfolders hold 6: recursive=True"):
        image_folder(tmp_path, size=4)
    (tmp_path / "c.png").unlink()
    Image.fromarray(np.full((4, 4), 7, dtype=np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.full((4, 4), 7, dtype=np.uint8)).save(tmp_path / "b.png")
    assert image_folder(tmp_path, size=4).shape == (2, 16)
    assert image_folder(tmp_path, size=4, recursive=True).shape == (8, 16)


def test_the_sentence_counts_what_was_done(tmp_path: Path) -> None:
    _three(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.full((4, 6), 9, dtype=np.uint8)).save(tmp_path / "turned.jpg", exif=exif)
    files.png(tmp_path / "deep.png", np.full((4, 4), 65535, dtype=np.uint16))
    told = read_folder(tmp_path, size=4).told
    assert told == (
        "5 grey images of 4 x 4, 4 8-bit from 0..255, 1 16-bit from 0..65535, values used 0..65535, "
        "1 turned as EXIF says, 1 cropped to the central square"
    )
    with pytest.raises(DataError, match=r"images of different sizes \(4 x 4 and 4 x 6 at .*give a size"):
        read_folder(tmp_path, size=None)
    (tmp_path / "turned.jpg").unlink()
    assert read_folder(tmp_path, size=None, grey=False).rows.shape == (4, 48)


@pytest.mark.parametrize("value_range", [(1, 0), (0, 0), (0,), "0:1", (0, np.inf)])
def test_ranges_are_two_numbers_in_order(value_range: Any, tmp_path: Path) -> None:
    _three(tmp_path)
    with pytest.raises(InputError, match="value_range"):
        image_folder(tmp_path, size=4, value_range=value_range)
