"""The page of `casnet serve` in a real browser."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.browsers import DESK, PHONE, Watched, browser
from helpers.datasets import FunctionPredictor
from helpers.served import Served, served
from PIL import Image

from casnet_cli.labels import VOID, LabelSet
from casnet_cli.reports.serve import page
from casnet_cli.serving.pictures import Network
from casnet_cli.serving.predict_app import predict_app

LABELS = LabelSet(("dark", "<b>bright</b>"), ((10, 20, 30), (200, 0, 100)))
pytestmark = pytest.mark.slow


def by_brightness(image: np.ndarray) -> dict[str, np.ndarray]:
    """Bright pixels are class 1; red is the difficulty, green the confidence."""
    red, green, _ = np.moveaxis(image / 255, -1, 0)
    return {"mask": (image.mean(-1) > 127).astype(np.uint8), "difficulty": red, "confidence": green}


def app():  # type: ignore[no-untyped-def]
    network = Network(FunctionPredictor(by_brightness), LABELS, title="runs/one")
    return predict_app(network, page("runs/one", LABELS), frozenset({"localhost", "127.0.0.1"}), print)


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture
def ask() -> Iterator[Served]:
    with served(app()) as found:
        yield found


def photo(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (60, 80, 3), np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two pictures, one in a sub-folder whose name is markup, a TIFF, a broken picture and a text."""
    folder = tmp_path / "photos"
    (folder / "<i>sub<i>").mkdir(parents=True)
    Image.fromarray(photo(0)).save(folder / "0.png")
    Image.fromarray(photo(1)).save(folder / "<i>sub<i>" / "<img src=x onerror=alert(1)>.png")
    Image.fromarray(photo(2)).save(folder / "2.tif")
    (folder / "3.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("text")
    return folder


SHOWN = "document.getElementById('says').textContent.includes('{} of ')"


def shares(watched: Watched) -> dict[str, str]:
    rows = watched.page.locator("#shares tr").all()
    return {row.locator("td").nth(0).inner_text().strip(): row.locator("td").nth(2).inner_text() for row in rows}


def test_a_folder_is_dropped(started: Any, ask: Served, photos: Path) -> None:
    watched = Watched(started, ask.address)
    watched.drop(photos)
    watched.wait(SHOWN.format(1))
    names = [each.inner_text() for each in watched.page.locator("#list button").all()]
    assert sorted(names) == ["0.png", "2.tif", "3.jpg", "<img src=x onerror=alert(1)>.png"]
    places = {name: place for place, name in enumerate(names)}
    mean = (photo(0).mean(-1) > 127).mean()
    watched.page.locator("#list button").nth(places["0.png"]).click()
    watched.wait(SHOWN.format(places["0.png"] + 1))
    assert shares(watched)["<b>bright</b>"] == f"{100 * mean:.1f} %"
    watched.page.locator("#list button").nth(places["2.tif"]).click()
    watched.wait(SHOWN.format(places["2.tif"] + 1))  # the browser itself has no TIFF
    assert watched.page.evaluate("document.getElementById('photo').naturalWidth") == 80
    watched.page.locator("#list button").nth(places["3.jpg"]).click()
    watched.wait("document.getElementById('says').textContent.includes('not an image that can be read')")
    watched.press("ArrowLeft")
    watched.wait("!document.getElementById('panel').hidden")
    assert watched.addresses <= {ask.address.rstrip("/"), "data:image", "data:image/jpeg;base64", "blob:"} | {
        each for each in watched.addresses if each.startswith(("data:", "blob:"))
    }
    assert [fault for fault in watched.faults if "400" not in fault] == []


def test_what_is_left_out_is_counted(started: Any, ask: Served, photos: Path) -> None:
    watched = Watched(started, ask.address)
    watched.drop(photos / "notes.txt")
    watched.wait("document.getElementById('says').textContent.includes('left out')")
    assert watched.text("#says") == "1 file is no picture and is left out."


def opened(watched: Watched, photos: Path, *names: str) -> None:
    watched.page.set_input_files("#files", [str(photos / name) for name in names])
    watched.wait(SHOWN.format(1))


def test_pixels_are_rejected_in_the_page_as_by_the_server(started: Any, ask: Served, photos: Path) -> None:
    watched = Watched(started, ask.address)
    opened(watched, photos, "0.png")
    watched.page.locator("#below").fill("37")
    out = photo(0)[..., 1] < 255 * 0.37
    bright = (photo(0).mean(-1) > 127) & ~out
    assert shares(watched)["rejected or void"] == f"{100 * out.mean():.1f} %"
    assert shares(watched)["<b>bright</b>"] == f"{100 * bright.mean():.1f} %"
    with watched.page.expect_download() as download:
        watched.press("m")
    assert download.value.suggested_filename == "0.png"
    mask = np.asarray(Image.open(io.BytesIO(Path(download.value.path()).read_bytes())))
    assert np.array_equal(mask == VOID, out) and np.array_equal(mask == 1, bright)
    with watched.page.expect_download() as download:
        watched.press("g")
    assert download.value.suggested_filename == "0.geojson"
    assert '"FeatureCollection"' in Path(download.value.path()).read_text()


def layer_color(watched: Watched) -> list[int]:
    return list(
        watched.page.evaluate("[...document.getElementById('layer').getContext('2d').getImageData(3, 2, 1, 1).data]")
    )


def test_the_keyboard_alone_does_it(started: Any, ask: Served, photos: Path) -> None:
    watched = Watched(started, ask.address)
    watched.press("o")
    watched.choose(photos / "0.png", photos / "2.tif")
    watched.wait(SHOWN.format(1))
    bright = photo(0)[2, 3].mean() > 127
    assert layer_color(watched)[:3] == list(LABELS.palette[int(bright)])
    watched.press("2")
    first = layer_color(watched)
    assert watched.page.get_attribute("[data-layer=difficulty]", "aria-pressed") == "true" and watched.text("#scale")
    watched.press("3")
    assert layer_color(watched) != first
    watched.press("0")
    assert not watched.page.is_visible("#layer")
    watched.press("1", "+", ".", ".")
    assert watched.text("#strong") == "60" and watched.text("#limit") == "2"
    watched.press("ArrowRight")
    watched.wait(SHOWN.format(2))
    watched.page.focus("#below")
    watched.press("ArrowRight")  # moves the slider that has the focus
    assert watched.text("#limit") == "3" and "2 of 2" in watched.text("#says")
    watched.press("?")
    assert watched.page.is_visible("#keys") and watched.page.get_attribute("#help", "aria-expanded") == "true"
    focused = set()
    for _ in range(20):
        watched.press("Tab")
        focused.add(watched.page.evaluate("document.activeElement.id || document.activeElement.dataset.layer"))
    assert {"open", "folder", "help", "strength", "below", "mask", "geojson", "classes", "none"} <= focused
    assert watched.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_it_fits_and_can_be_read(started: Any, ask: Served, photos: Path, size: tuple[int, int], scheme: str) -> None:
    watched = Watched(started, ask.address, size, scheme)
    assert watched.overflow() == 0
    opened(watched, photos, "0.png", "2.tif")
    assert watched.overflow() == 0 and watched.small_buttons() == []
    ground, ink = watched.lightness()
    assert (ground > 0.9 and ink < 0.2) if scheme == "light" else (ground < 0.15 and ink > 0.85)


def test_a_server_that_is_gone_is_named_and_used_again_when_it_is_back(started: Any, photos: Path) -> None:
    with served(app()) as ask:
        watched, port = Watched(started, ask.address), ask.port
    watched.page.set_input_files("#files", [str(photos / "0.png")])
    watched.wait("document.getElementById('says').textContent.includes('the server does not answer')")
    with served(app(), port):
        watched.page.locator("#list button").click()
        watched.wait(SHOWN.format(1))
