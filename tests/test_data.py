"""Real images: what ships inside the wheels, and folders of images, good and bad."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from linflow import Spectrum, data
from linflow.errors import DataError, InputError


def test_shipped_images_have_full_spectra() -> None:
    for images, n in (
        (data.digits(), 64),
        (data.natural_patches(6, 400), 36),
        (data.faces(8), 64),
        (data.non_faces(8), 64),
    ):
        assert images.shape[1] == n
        assert 0 <= images.min() < images.max() <= 1
        assert Spectrum.from_data(images).n == n
    assert not np.allclose(data.faces(12), data.non_faces(12))
    assert np.array_equal(data.natural_patches(5, 40, seed=3), data.natural_patches(5, 40, seed=3))
    assert not np.array_equal(data.natural_patches(5, 40, seed=3), data.natural_patches(5, 40, seed=4))
    with pytest.raises(InputError, match="size must divide 24"):
        data.faces(7)


def test_folder_of_images_of_any_shape_and_mode(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8)).save(tmp_path / "b.JPG")
    Image.fromarray(rng.integers(0, 256, (9, 40, 4), dtype=np.uint8)).save(tmp_path / "c.png")
    (tmp_path / "notes.txt").write_text("not an image")
    grey = data.image_folder(tmp_path, size=8)
    assert grey.shape == (3, 64)
    assert grey.min() >= 0
    assert grey.max() <= 1
    assert data.image_folder(tmp_path, size=8, grey=False).shape == (3, 192)
    # an image of the right size is taken pixel by pixel, from the central square
    exact = np.asarray(Image.open(tmp_path / "b.JPG").convert("RGB"), dtype=float) / 255
    assert np.allclose(data.image_folder(tmp_path, size=16, grey=False)[1], exact.ravel())


def test_bad_folders_are_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        data.image_folder(tmp_path / "missing", size=8)
    with pytest.raises(DataError, match="holds 0 images, at least 2"):
        data.image_folder(tmp_path, size=8)
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"\x89PNG broken")
    with pytest.raises(DataError, match=r"a\.png' cannot be read as an image"):
        data.image_folder(tmp_path, size=8)
    with pytest.raises(InputError, match="size must be"):
        data.image_folder(tmp_path, size=0)
