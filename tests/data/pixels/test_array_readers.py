"""Arrays whose bands may come first are refused where nothing says which axis they are."""

import io
from pathlib import Path

import numpy as np
import pytest

from casnet_cli.data.intensities import Intensities
from casnet_cli.data.masks import mask_file
from casnet_cli.data.pixels.facts import facts_of
from casnet_cli.data.pixels.options import PictureOptions
from casnet_cli.data.pixels.read import info_of, read
from casnet_cli.data.pixels.survey import Survey
from casnet_cli.data.pixels.take import take
from casnet_cli.errors import DataError, Unfit

WORDS = r"its array of shape \(4, 300, 48\) may have its bands first, and here they come last \(np\.moveaxis"


def npy(*shape: int) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(np.prod(shape), dtype=np.uint16).reshape(shape))
    return buffer.getvalue()


def run_of(bands: int, chosen: tuple[int, ...] | None = None) -> Intensities:
    names = tuple(f"band {number}" for number in range(1, bands + 1))
    return Intensities("uint16", names, (0.0,) * bands, (9.0,) * bands, chosen=chosen)


@pytest.mark.parametrize(("shape", "doubtful"), [
    ((4, 300, 48), True), ((3, 64, 3), True), ((1, 9, 2), True), ((64, 64, 64), True),
    ((300, 48, 4), False), ((48, 300, 3), False), ((9, 9), False), ((3, 9, 1), False), ((65, 9, 64), False),
])  # fmt: skip
def test_the_first_side_is_no_larger_than_the_last(shape: tuple[int, ...], doubtful: bool) -> None:
    assert bool(info_of(npy(*shape)).doubt) == doubtful


def test_the_bands_of_a_run_decide() -> None:
    content = npy(4, 300, 48)
    np.testing.assert_array_equal(take(content, run_of(48)), read(content).values)
    for run in (run_of(4), run_of(2, (1, 2)), run_of(48, tuple(range(1, 49)))):
        with pytest.raises(ValueError, match=WORDS):
            take(content, run)
    assert take(npy(300, 48, 4), run_of(2, (4, 1))).shape == (300, 48, 2)


def test_a_survey_and_info_say_it(tmp_path: Path) -> None:
    file = tmp_path / "a.npy"
    file.write_bytes(npy(4, 300, 48))
    for options in (PictureOptions(), PictureOptions(bands="1,2")):
        with pytest.raises(DataError, match=r"a\.npy: " + WORDS):
            Survey(options, [file], [file]).intensities()
    assert "may have its bands first" in str(facts_of(file)["notes"])
    file.write_bytes(npy(300, 48, 2))
    assert Survey(PictureOptions(bands="1,2"), [file], [file]).intensities().chosen == (1, 2)


def test_a_doubtful_mask_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(npy(3, 300, 3))
    with pytest.raises(Unfit, match=r"a\.npy: its array of shape \(3, 300, 3\) may have its bands first"):
        mask_file.read(tmp_path / "a.npy")
