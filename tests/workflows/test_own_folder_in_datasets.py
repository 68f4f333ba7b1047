"""Tables that Hugging Face's own package wrote: their splits and masks as it reads them."""

from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet
from helpers.tool_environments import run_tool, tool_python

from casnet_cli.data.store import Store

PROGRAM = """
import os, sys
os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, Sequence, load_dataset, load_from_disk
from PIL import Image as Picture

NAMES = ["sky", "road", "car", "tree"]
rng = np.random.default_rng(0)
features = Features({"pixel_values": Image(), "label": Image(), "inside": Sequence(ClassLabel(names=NAMES))})

def row(number):
    mask = Picture.fromarray(rng.integers(0, 4, (7, 9), np.uint8))
    if number % 2:
        mask.putpalette([value for value in range(40) for _ in range(3)])
    held = sorted(set(np.asarray(mask).ravel().tolist()))
    return {"pixel_values": Picture.fromarray(rng.integers(0, 256, (7, 9, 3), np.uint8)), "label": mask, "inside": held}

splits = {name: Dataset.from_list([row(number) for number in range(size)], features=features)
          for name, size in (("train", 25), ("validation", 3), ("test", 2))}
os.makedirs("hub/data")
for name, data in splits.items():
    parts = 3 if name == "train" else 1
    for part in range(parts):
        file = f"hub/data/{name}-{part:05d}-of-{parts:05d}.parquet"
        data.shard(parts, part, contiguous=True).to_parquet(file, batch_size=4)
DatasetDict(splits).save_to_disk("saved", max_shard_size="5KB")
os.makedirs("photos/train")
with open("photos/train/metadata.jsonl", "w") as lines:
    for number, one in enumerate(splits["train"]):
        one["pixel_values"].save(f"photos/train/{number:02d}.png")
        one["label"].save(f"photos/train/{number:02d}_y.png")
        lines.write(f'{{"file_name": "{number:02d}.png", "mask_file_name": "{number:02d}_y.png"}}\\n')
for folder, data in (("hub", load_dataset("hub", cache_dir="cache")), ("saved", load_from_disk("saved"))):
    masks = {name: np.stack([np.asarray(one["label"]) for one in rows]) for name, rows in data.items()}
    np.savez(f"{folder}.npz", **masks)
rows = load_dataset("photos", cache_dir="cache")["train"]
np.savez("photos.npz", train=np.stack([np.asarray(one["mask"]) for one in rows]))
"""
CLASSES = "".join(f'[[class]]\nname = "{name}"\nids = [{number}]\n' for number, name in enumerate("abcd"))


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["hub", "saved", "photos"])
def test_datasets_reads_the_same_masks(written: Path, folder: str) -> None:
    options = ("--classes", written / "classes.toml") if folder == "photos" else ()
    casnet("prepare", written / folder, "--out", f"{folder}.h5", *options)
    store = Store(Path(f"{folder}.h5"))
    with np.load(written / f"{folder}.npz") as file:
        truth = dict(file)
    own = {"train": "train", "validation": "val", "test": "test"}
    for split in truth:
        found = [entry.load().label for entry in store.entries() if entry.split == own[split]]
        np.testing.assert_array_equal(found, truth[split])
    assert sum(map(len, store.names.values())) == sum(map(len, truth.values()))
    assert folder == "photos" or store.labels.names == ("sky", "road", "car", "tree")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `hub/`, `saved/`, and `photos/`, and the masks of each as the package reads them."""
    python, folder = tool_python("datasets==5.2.0", "pillow==13.0.0"), tmp_path_factory.mktemp("datasets")
    run_tool(python, f"import os; os.chdir({str(folder)!r})\n{PROGRAM}")
    (folder / "classes.toml").write_text(CLASSES)
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
