"""PNG files of strips, against the whole picture as Pillow and OpenCV read it."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casnet_cli.prediction.png_rows import write_rows
from casnet_cli.prediction.writers import write_png
from casnet_cli.util.mapped_array import mapped


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "I;16"])
def test_strips_are_the_picture(mode: str) -> None:
    rng = np.random.default_rng(0)
    if mode == "I;16":
        whole = Image.fromarray(rng.integers(0, 65536, (50, 33)).astype(np.uint16))
    else:
        whole = Image.fromarray(rng.integers(0, 256, (50, 33, 3) if mode == "RGB" else (50, 33), np.uint8))
    if mode == "P":
        whole = Image.fromarray(np.asarray(whole), "P")
        whole.putpalette(rng.integers(0, 256, 768).tolist())
    stream = io.BytesIO()
    write_rows(stream, whole.size, (whole.crop((0, top, 33, min(top + 7, 50))) for top in range(0, 50, 7)))
    with Image.open(stream) as found:
        assert (found.mode, found.size) == (mode, whole.size)
        np.testing.assert_array_equal(np.asarray(found), np.asarray(whole))
        assert found.getpalette() == whole.getpalette()
    cv2 = pytest.importorskip("cv2")
    array = cv2.imdecode(np.frombuffer(stream.getvalue(), np.uint8), cv2.IMREAD_UNCHANGED)
    expected = whole.convert("RGB") if mode == "P" else whole
    np.testing.assert_array_equal(array[..., ::-1] if array.ndim == 3 else array, np.asarray(expected))


def test_arrays_on_disk_are_written_in_strips(tmp_path: Path) -> None:
    values = mapped((600, 20), np.uint8, tmp_path)
    values[:] = np.random.default_rng(0).integers(0, 256, (600, 20))
    write_png(tmp_path / "a.png", values)
    with Image.open(tmp_path / "a.png") as found:
        np.testing.assert_array_equal(np.asarray(found), values)
