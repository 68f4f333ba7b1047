"""SIFT Flow: 2688 outdoor scenes of 256x256 pixels, 33 classes, labels in MATLAB files."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import scipy.io

from casnet_cli.data.sources.base import (
    SOURCE_IMAGE_ENDINGS,
    Entry,
    Sample,
    Source,
    class_ids,
    labelled_sample,
    locate_folder,
    match_files,
    read_bytes,
)
from casnet_cli.errors import DataError, Unfit, UnfitKind
from casnet_cli.labels import LabelSet

TEST_LIST = "TestSet1.txt"
LAYOUT = f"SiftFlowDataset/ with Images/, SemanticLabels/ and {TEST_LIST}"

COLORS: dict[str, tuple[int, int, int]] = {
    "awning": (214, 39, 120),
    "balcony": (188, 143, 143),
    "bird": (255, 255, 255),
    "boat": (255, 94, 0),
    "bridge": (120, 94, 140),
    "building": (160, 96, 64),
    "bus": (255, 170, 0),
    "car": (200, 0, 40),
    "cow": (92, 52, 24),
    "crosswalk": (222, 214, 236),
    "desert": (226, 178, 110),
    "door": (110, 20, 50),
    "fence": (190, 160, 60),
    "field": (170, 200, 60),
    "grass": (90, 200, 70),
    "moon": (245, 240, 190),
    "mountain": (110, 120, 80),
    "person": (255, 60, 180),
    "plant": (20, 150, 110),
    "pole": (70, 70, 90),
    "river": (70, 160, 200),
    "road": (128, 128, 128),
    "rock": (150, 140, 125),
    "sand": (240, 215, 150),
    "sea": (20, 80, 180),
    "sidewalk": (190, 190, 200),
    "sign": (150, 40, 220),
    "sky": (140, 205, 250),
    "staircase": (170, 120, 190),
    "streetlight": (200, 230, 0),
    "sun": (255, 225, 0),
    "tree": (20, 110, 30),
    "window": (0, 220, 220),
}
"""In the order of the ids 1..33 in the label files."""

LABELS = LabelSet(tuple(COLORS), tuple(COLORS.values()))


def entries(root: Path) -> list[Entry]:
    """All images, train before test, by name. Raises DataError if there are none or the test list names others."""
    folder = locate_folder(root, ("SiftFlowDataset",), ("Images", "SemanticLabels", TEST_LIST), LAYOUT)
    listed = match_files(
        "train", folder / "Images", folder / "SemanticLabels", (SOURCE_IMAGE_ENDINGS, (".mat",)), _load
    )
    test = _test_names(folder / TEST_LIST, {entry.name for entry in listed})
    train = [entry for entry in listed if entry.name not in test]
    return train + [replace(entry, split="test") for entry in listed if entry.name in test]


def _test_names(file: Path, known: set[str]) -> set[str]:
    """Names of the test images that `file` lists one a line, with either slash. Raises DataError if one is unknown."""
    names = set()
    for line in read_bytes(file).decode("utf-8-sig", errors="replace").splitlines():
        listed = line.strip().replace("\\", "/")
        if not listed:
            continue
        name = str(PurePosixPath(listed).parent / PurePosixPath(listed).stem)
        if name not in known:
            raise DataError(f"{file}: lists {listed}, which is absent (expected the image in {file.parent / 'Images'})")
        names.add(name)
    if not names:
        raise DataError(f"{file}: lists no image (expected one a line)")
    return names


def _load(image_file: Path, label_file: Path) -> Sample:
    return labelled_sample(image_file, label_file, class_ids(_matrix(label_file), label_file, 1, len(LABELS), 0))


def _matrix(file: Path) -> np.ndarray:
    """Variable S of a MATLAB file, of any shape and dtype. Raises DataError if it cannot be read."""
    try:
        with file.open("rb") as stream:
            variables = scipy.io.loadmat(stream, variable_names=["S"])
    except OSError as error:
        fault = f"{file}: cannot be read: {error.strerror or error} (expected a MATLAB label file)"
        raise Unfit(fault, UnfitKind.UNREADABLE) from error
    # A damaged file fails anywhere in SciPy's reader: struct, zlib, TypeError, NotImplementedError and more.
    except Exception as error:
        fault = f"{file}: not a readable MATLAB file (expected version 4 to 7.2 with a matrix S)"
        raise Unfit(fault, UnfitKind.UNREADABLE) from error
    if "S" not in variables:
        raise Unfit(f"{file}: holds no variable S (expected the class ids as matrix S)", UnfitKind.UNREADABLE)
    return np.asarray(variables["S"])


SOURCE = Source(
    name="sift-flow",
    labels=LABELS,
    entries=entries,
    folder="SiftFlowDataset",
    archives=("SiftFlowDataset.zip",),
    url="http://www.cs.unc.edu/~jtighe/Papers/ECCV10/siftflow/SiftFlowDataset.zip",
    counts=(("train", 2488), ("test", 200)),
    content={
        "train images": "28d291a9fe66bcc6",
        "train labels": "8105c9dcfb642b95",
        "test images": "bd5aa06dca35458c",
        "test labels": "9f5039444643ce99",
    },
)
