"""Training: better than the linear model, the same weights again, and the same weights after kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from linflow import LinearFlow, data, deep
from linflow.checks import FloatArray
from linflow.cli import main
from linflow.deep import augment, recipes
from linflow.deep.deterministic import thread_count
from linflow.deep.flow import Flow
from linflow.errors import DataError, InputError, OutputError, ShapeError

DIGITS = data.digits().reshape(-1, 8, 8, 1)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Threads of several test processes that wait for each other are many times slower than one thread each."""
    with thread_count(1):
        yield


def flow_of(images: FloatArray, seed: int = 0) -> Flow:
    return deep.RealNVP(LinearFlow.fit(images.reshape(len(images), -1)), steps=4, width=32, seed=seed)


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_short_training_beats_the_linear_model_on_held_out_digits() -> None:
    flow, told = flow_of(DIGITS), list[tuple[float, str]]()
    fitted = deep.fit(flow, DIGITS, steps=300, levels=17, progress=lambda done, line: told.append((done, line)))
    assert fitted.bits < fitted.bits_linear - 0.1
    assert fitted.steps == 300
    assert 0 < fitted.best_step <= 300
    assert told[-1][0] == 1.0
    assert "bits/dim" in told[-1][1]
    assert not flow.training


def test_labels_that_carry_no_structure_leave_the_linear_model() -> None:
    """The twin: on Gaussian data nothing beats the linear model, and its weights are the ones that are kept."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((200, 6)) @ np.diag([2.0, 1.0, 1.0, 0.5, 0.2, 0.1])
    flow = deep.RealNVP(LinearFlow.fit(images, shrinkage=0.0), steps=4, width=64)
    fitted = deep.fit(flow, images, steps=100, rate=2e-2)
    assert fitted.bits <= fitted.bits_linear
    assert fitted.bits > fitted.bits_linear - 0.02


def test_the_same_arguments_give_the_same_weights_and_another_seed_others() -> None:
    weights: list[Flow] = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(weights))  # the caller's generator does not matter
        flow = flow_of(DIGITS[:200])
        deep.fit(flow, DIGITS[:200], steps=12, seed=seed, batch=16, augment=augment.jitter())
        weights.append(flow)
    assert same(weights[0], weights[1])
    assert not same(weights[0], weights[2])


def test_training_leaves_the_callers_generator_and_threads_alone() -> None:
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    deep.fit(flow_of(DIGITS[:50]), DIGITS[:50], steps=2, batch=4)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


_CHILD = """
import sys, time
import linflow.deep
module = sys.modules["linflow.deep.checkpoint"]
module.SECONDS = 0.0  # after every step
from tests.test_deep_fit import DIGITS, flow_of
from linflow import deep
from linflow.deep import augment
flow = flow_of(DIGITS[:200])
def progress(done, line):
    print("at", done, flush=True)
    time.sleep(60 if sys.argv[2] == "wait" else 0)
deep.fit(flow, DIGITS[:200], steps=120, batch=16, augment=augment.jitter(), checkpoint=sys.argv[1], progress=progress)
"""


def test_killed_and_resumed_gives_the_weights_of_an_unbroken_run(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.part"
    root = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _CHILD, str(checkpoint), "wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=root) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("at 0.4")  # step 50 of 120: it now sleeps, its checkpoint is of step 49
        child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    assert checkpoint.exists()
    unbroken, resumed = flow_of(DIGITS[:200]), flow_of(DIGITS[:200])
    options: dict[str, Any] = {"steps": 120, "batch": 16, "augment": augment.jitter()}
    told: list[float] = []
    deep.fit(resumed, DIGITS[:200], checkpoint=checkpoint, progress=lambda done, _: told.append(done), **options)
    deep.fit(unbroken, DIGITS[:200], **options)
    assert same(unbroken, resumed)
    assert told[0] >= 0.4, "it went on, and did not start again"
    assert not checkpoint.exists()


def test_a_checkpoint_of_another_run_or_damaged_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.part"

    def interrupted(done: float, line: str) -> None:
        raise KeyboardInterrupt

    flow = flow_of(DIGITS[:50])
    with pytest.raises(KeyboardInterrupt):
        deep.fit(flow, DIGITS[:50], steps=60, batch=4, checkpoint=checkpoint, progress=interrupted)
    changes: list[dict[str, Any]] = [{"steps": 61}, {"seed": 1}, {"rate": 1e-3}, {"augment": augment.jitter()}]
    for change in changes:
        with pytest.raises(DataError, match="another run"):
            deep.fit(flow_of(DIGITS[:50]), DIGITS[:50], batch=4, checkpoint=checkpoint, **{"steps": 60, **change})
    with pytest.raises(DataError, match="another run"):
        deep.fit(flow_of(DIGITS[:50]), 0.5 * DIGITS[:50], steps=60, batch=4, checkpoint=checkpoint)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("linflow.deep.checkpoint.code_digest", lambda: "another version")
        with pytest.raises(DataError, match="of other code"):
            deep.fit(flow_of(DIGITS[:50]), DIGITS[:50], steps=60, batch=4, checkpoint=checkpoint)
    whole = checkpoint.read_bytes()
    for place in range(0, len(whole), len(whole) // 20):
        for wrong in (whole[:place], whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]):
            checkpoint.write_bytes(wrong)
            with pytest.raises(DataError, match="damaged"):
                deep.fit(flow_of(DIGITS[:50]), DIGITS[:50], steps=60, batch=4, checkpoint=checkpoint)


def test_what_cannot_be_written_is_known_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        deep.fit(flow_of(DIGITS[:50]), DIGITS[:50], steps=10**9, checkpoint=tmp_path / "no folder" / "run.part")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "exactly one of minutes and steps"),
        ({"steps": 1, "minutes": 1.0}, "exactly one of minutes and steps"),
        ({"steps": 0}, "steps must be"),
        ({"minutes": -1.0}, "minutes must be a finite number > 0"),
        ({"steps": 1, "levels": 1}, "levels must be at least 2"),
        ({"steps": 1, "rate": 0.0}, r"rate must lie in \(0, 1\]"),
        ({"steps": 1, "held_out": 1.0}, "held_out must lie strictly between 0 and 1"),
        ({"steps": 1, "noise_levels": (0.1, 0.2)}, "noise_levels goes with a conditional flow"),
        ({"steps": 1, "threads": 0}, "threads must be"),
    ],
)
def test_bad_options_are_one_sentence(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        deep.fit(flow_of(DIGITS[:50]), DIGITS[:50], **options)  # type: ignore[arg-type]


def test_images_that_do_not_fit_the_flow() -> None:
    flow = flow_of(DIGITS[:50])
    with pytest.raises(ShapeError, match="resize them, or train with a crop"):
        deep.fit(flow, np.zeros((10, 12, 12, 1)), steps=1)
    with pytest.raises(ShapeError, match="images must have shape"):
        deep.fit(flow, np.zeros((10, 8, 8)), steps=1)
    with pytest.raises(ShapeError, match="augmentation needs images"):
        deep.fit(flow, np.zeros((10, 64)), steps=1, augment=augment.flips)
    with pytest.raises(InputError, match="at least 4 images"):
        deep.fit(flow, DIGITS[:3], steps=1)
    with pytest.raises(InputError, match="finite"):
        deep.fit(flow, np.full((10, 64), np.nan), steps=1)


# ------------------------------------------------------------------------------------------------------ augmentation


def test_augmentations_are_told_apart_by_what_they_do() -> None:
    def own(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return images

    changes = [augment.nothing, augment.flips, augment.crops(4), augment.crops(8), augment.crops(4, mirror=False)]
    changes += [augment.jitter(), augment.jitter(angle=1.0), own]
    assert len({augment.described(change) for change in changes}) == len(changes)
    assert augment.described(augment.jitter()) == augment.described(augment.named("jitter"))


def test_augmentations_keep_what_they_promise() -> None:
    rng = np.random.default_rng(0)
    images = rng.random((200, 6, 6, 3))
    mirrored = augment.flips(images, np.random.default_rng(1))
    was = [np.array_equal(a, b) for a, b in zip(images, mirrored, strict=True)]
    assert 60 < sum(was) < 140
    assert all(np.array_equal(a[:, ::-1], b) for a, b, kept in zip(images, mirrored, was, strict=True) if not kept)
    shifted = augment.shifts(images, np.random.default_rng(1))
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    rows, columns = images.shape[1:3]
    for image, wide, result in zip(images[:20], padded, shifted, strict=False):
        views = [wide[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
        assert any(np.array_equal(result, v) or np.array_equal(result, v[:, ::-1]) for v in views)
        assert any(np.array_equal(image, v) for v in views)
    assert len({result.tobytes() for result in augment.shifts(images[:1].repeat(200, 0), np.random.default_rng(1))}) > 9
    windows = augment.crops(4, mirror=False)(images, np.random.default_rng(1))
    places = [(i, j) for i in range(3) for j in range(3)]
    for image, window in zip(images[:20], windows, strict=False):
        assert any(np.array_equal(image[i : i + 4, j : j + 4], window) for i, j in places)
    still = augment.jitter(angle=0.0, shift=0.0, zoom=0.0, share=1.0)(images, np.random.default_rng(1))
    np.testing.assert_allclose(still, images, atol=1e-12)
    moved = augment.jitter(share=0.5)(images, np.random.default_rng(1))
    assert 60 < sum(np.array_equal(a, b) for a, b in zip(images, moved, strict=True)) < 140


# ------------------------------------------------------------------------------------------------------------ recipes


def test_trained_is_trained_once(cache: Path) -> None:
    told: list[float] = []
    options: dict[str, Any] = {"steps": 3, "width": 16, "depth": 2}
    first = deep.trained("realnvp", DIGITS[:60], progress=lambda done, _: told.append(done), **options)
    assert told
    told.clear()
    second = deep.trained("realnvp", DIGITS[:60], progress=lambda done, _: told.append(done), **options)
    assert not told
    assert same(first, second)
    assert len(list(cache.glob("*.pt"))) == 1
    deep.trained("realnvp", DIGITS[:60], seed=1, **options)
    deep.trained("realnvp", DIGITS[:61], **options)
    deep.trained("realnvp", DIGITS[:60], dropout=0.2, **options)
    assert len(list(cache.glob("*.pt"))) == 4
    assert not list(cache.glob("*.part"))


def test_a_damaged_cached_model_is_made_again(cache: Path) -> None:
    options: dict[str, Any] = {"steps": 2, "width": 8, "depth": 1}
    first = deep.trained("realnvp", DIGITS[:60], **options)
    (file,) = cache.glob("*.pt")
    whole = file.read_bytes()
    told: list[float] = []
    for wrong in (whole[:100], whole[:-9] + bytes([whole[-9] ^ 4]) + whole[-8:]):
        file.write_bytes(wrong)
        again = deep.trained("realnvp", DIGITS[:60], progress=lambda done, _: told.append(done), **options)
        assert same(first, again)
        assert told
        told.clear()
    # The file of another model under this one's name.
    other = deep.trained("realnvp", DIGITS[:60], seed=1, **options)
    deep.save(other, file, key="another")
    assert same(first, deep.trained("realnvp", DIGITS[:60], **options))


def test_a_model_that_other_code_trained_is_not_taken(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"steps": 2, "width": 8, "depth": 1}
    deep.trained("realnvp", DIGITS[:60], **options)
    monkeypatch.setattr(sys.modules["linflow.deep.recipes"], "code_digest", lambda: "another version")
    deep.trained("realnvp", DIGITS[:60], **options)
    assert len(list(cache.glob("*.pt"))) == 2


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LINFLOW_CACHE", str(tmp_path / "file" / "cache"))
    assert deep.trained("realnvp", DIGITS[:60], steps=1, width=8, depth=1).n == 64


_TRAINER = """
import sys
from tests.test_deep_fit import DIGITS
from linflow import deep
told = []
deep.trained("realnvp", DIGITS[:60], steps=60, width=16, depth=2, progress=lambda done, line: told.append(done))
print(len(told) > 0)
"""


def test_workers_that_ask_at_once_train_once(cache: Path) -> None:
    root = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": root, "LINFLOW_CACHE": str(cache)}
    command = [sys.executable, "-c", _TRAINER]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=root) for _ in range(2)]
    outcomes = [worker.communicate(timeout=60)[0].strip() for worker in workers]
    assert sorted(outcomes) == ["False", "True"]


def test_every_kind_has_defaults_that_train(cache: Path) -> None:
    images = np.random.default_rng(0).random((12, 16, 8, 3))
    kinds: dict[str, dict[str, Any]] = {"glow": {}, "patches": {"size": 4}}
    for kind, options in kinds.items():
        flow = deep.trained(kind, images, steps=1, batch=4, width=8, depth=1, **options)
        assert flow.conditional == (kind == "patches")
        assert flow.shape == ((4, 4, 3) if kind == "patches" else (16, 8, 3))
    assert deep.trained("realnvp", images, steps=1, batch=4, width=8, depth=1).shape == (16, 8, 3)
    assert deep.trained("realnvp", images.reshape(12, -1)[:, :30], steps=1, batch=4).shape == (30,)
    assert deep.trained("gan", images, steps=1, batch=4, width=4).shape == (16, 8, 3)


def test_the_linear_part_of_mirrored_images_has_mirror_symmetry() -> None:
    images = np.random.default_rng(0).random((40, 8, 8, 3)) * np.linspace(0.2, 1, 8)[:, None]
    means = {
        change: deep.untrained("glow", images, scales=1, depth=1, width=4, augment=change).linear.mean.reshape(8, 8, 3)
        for change in ("shifts", "nothing")
    }
    np.testing.assert_allclose(means["shifts"], means["shifts"][:, ::-1], rtol=1e-12)
    assert not np.allclose(means["nothing"], means["nothing"][:, ::-1], rtol=0.1)


def test_a_model_comes_back_where_it_was_asked_for_and_a_missing_device_is_one_sentence(cache: Path) -> None:
    flow = deep.trained("realnvp", DIGITS[:60], steps=1, width=8, depth=1, device="cpu")
    assert flow.mean.device.type == "cpu"
    with pytest.raises(InputError, match="device 'nowhere' cannot be used here: take 'cpu'"):
        deep.trained("realnvp", DIGITS[:60], steps=1, device="nowhere")


def test_recipes_refuse_what_they_do_not_know(cache: Path) -> None:
    with pytest.raises(InputError, match="kind must be one of"):
        deep.trained("diffusion", DIGITS[:60], steps=1)
    with pytest.raises(InputError, match="realnvp has no option 'squeeze'"):
        deep.trained("realnvp", DIGITS[:60], steps=1, squeeze="haar")
    with pytest.raises(ShapeError, match="glow needs at least 4 images"):
        deep.trained("glow", DIGITS[:60].reshape(60, -1), steps=1)
    with pytest.raises(ShapeError, match="do not fit into images"):
        deep.trained("patches", DIGITS[:60], steps=1, size=16)
    with pytest.raises(InputError, match="augment must be one of"):
        deep.trained("realnvp", DIGITS[:60], steps=1, augment="mixup")
    assert recipes.grey_levels(DIGITS) == 17


# ------------------------------------------------------------------------------------------------------- linflow train


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["train", *arguments])
    return int(ended.value.code or 0)


def test_train_writes_a_flow_and_says_how_to_use_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "flow.pt"
    assert run("--steps", "20", "--out", str(out)) == 0
    printed = capsys.readouterr().out
    assert "bits/dim on held-out images" in printed
    assert f"linflow.deep.load('{out}')" in printed
    assert deep.load(out).n == 64
    assert [path.name for path in out.parent.iterdir()] == ["flow.pt"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "EMPTY", "--size", "8"], "holds 0 images"),
        (["--data", "EMPTY"], "give --size"),
        (["--size", "16"], "digits have 8 x 8 pixels"),
        (["--steps", "1", "--minutes", "1"], "not both"),
        (["--kind", "gan"], "--steps"),
        (["--kind", "vae"], "kind must be one of"),
        (["--out", "EMPTY"], "is a folder"),
        (["--out", "EMPTY/file/flow.pt"], "cannot write to"),
    ],
)
def test_train_refuses_in_one_sentence(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if any("file" in a for a in arguments):
        (tmp_path / "file").write_text("no folder")
    assert run(*(a.replace("EMPTY", str(tmp_path)) for a in arguments)) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_minutes_end_in_time() -> None:
    start = time.monotonic()
    fitted = deep.fit(flow_of(DIGITS[:50]), DIGITS[:50], minutes=0.5 / 60, batch=4)
    assert fitted.steps > 1
    assert fitted.seconds >= 0.5
    assert time.monotonic() - start < 20
