"""The synthetic scenes: determinism, shapes, classes and void."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.scenes.scenes import draw_scene
from casnet_cli.data.sources.demo import SOURCE, write_unlabelled
from casnet_cli.labels import VOID

SEEDS = range(40)


@pytest.fixture(scope="module")
def scenes() -> list[tuple[np.ndarray, np.ndarray]]:
    return [draw_scene(seed) for seed in SEEDS]


def digest(seed: int) -> str:
    image, label = draw_scene(seed)
    return hashlib.sha256(image.tobytes() + label.tobytes()).hexdigest()


def test_same_seed_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib\nfrom casnet_cli.data.scenes.scenes import draw_scene\nfor seed in (0, 3, 17):\n"
        "    image, label = draw_scene(seed)\n"
        "    print(hashlib.sha256(image.tobytes() + label.tobytes()).hexdigest())"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.split() == [digest(seed) for seed in (0, 3, 17)]


def test_seeds_differ() -> None:
    assert len({digest(seed) for seed in range(6)}) == 6


def test_global_generator_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]
    draw_scene(1)
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]


def test_shapes_types_and_ranges(scenes: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for image, label in scenes:
        assert image.dtype == label.dtype == np.uint8
        assert image.shape == (*label.shape, 3)
        assert min(label.shape) >= 200
        assert max(label.shape) <= 400
        assert set(np.unique(label)) <= {*range(8), VOID}
        assert int(image.max()) - int(image.min()) > 100


def test_sizes_vary_and_both_orientations_occur(scenes: list[tuple[np.ndarray, np.ndarray]]) -> None:
    sizes = {label.shape for _, label in scenes}
    assert len(sizes) > 10
    assert any(height > width for height, width in sizes)
    assert any(height < width for height, width in sizes)


@pytest.mark.parametrize("class_id", range(8))
def test_every_class_occurs(scenes: list[tuple[np.ndarray, np.ndarray]], class_id: int) -> None:
    assert max(np.mean(label == class_id) for _, label in scenes) > 0.01
    assert np.mean([np.mean(label == class_id) for _, label in scenes]) > 0.01


def test_some_pixels_are_void(scenes: list[tuple[np.ndarray, np.ndarray]]) -> None:
    shares = [np.mean(label == VOID) for _, label in scenes]
    assert min(shares) > 0.002
    assert max(shares) < 0.04


def test_demo_lists_its_counts_and_loads() -> None:
    entries = SOURCE.entries(Path("does-not-exist"))
    assert tuple((split, sum(e.split == split for e in entries)) for split, _ in SOURCE.counts) == SOURCE.counts
    assert len({entry.name for entry in entries}) == len(entries) == 108
    sample = entries[0].load()
    picture = Image.open(io.BytesIO(sample.image))
    assert picture.format == "JPEG"
    assert picture.size == sample.label.shape[::-1]
    assert sample.image == entries[0].load().image


def test_unlabelled_scenes_are_new(tmp_path: Path) -> None:
    write_unlabelled(tmp_path / "photos", 2)
    files = sorted((tmp_path / "photos").iterdir())
    assert [file.name for file in files] == ["photo-00.jpg", "photo-01.jpg"]
    known = {entry.load().image for entry in SOURCE.entries(tmp_path)[:4]}
    assert not known & {file.read_bytes() for file in files}
