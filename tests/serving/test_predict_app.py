"""Every answer of `casnet serve`, with a plain function in the network's place."""

import base64
import io
import json
import re
import threading
import time

import numpy as np
import pytest
from helpers.datasets import FunctionPredictor
from helpers.served import Served, served
from PIL import Image

from casnet_cli.labels import VOID, LabelSet
from casnet_cli.reports.serve import page
from casnet_cli.serving import pictures, predict_app
from casnet_cli.serving.pictures import Network

LABELS = LabelSet(("dark", "bright & <b>"), ((10, 20, 30), (200, 0, 100)))
NAMES = frozenset({"localhost", "127.0.0.1"})
LINES: list[str] = []


def by_brightness(image: np.ndarray) -> dict[str, np.ndarray]:
    """Bright pixels are class 1; red is the difficulty, green the confidence."""
    red, green, _ = np.moveaxis(image / 255, -1, 0)
    return {"mask": (image.mean(-1) > 127).astype(np.uint8), "difficulty": red, "confidence": green}


def app(outputs=by_brightness, text: str = ""):  # type: ignore[no-untyped-def]
    network = Network(FunctionPredictor(outputs), LABELS, title="runs/one")
    return predict_app.predict_app(network, text, NAMES, LINES.append)


def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (9, 14, 3), np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def of_uri(uri: str) -> np.ndarray:
    return np.asarray(opened(base64.b64decode(uri.partition(",")[2])))


def error(answer: tuple[int, object, bytes]) -> str:
    return str(json.loads(answer[2])["error"])


def test_json_holds_shares_and_layers() -> None:
    image = photo()
    with served(app()) as ask:
        status, headers, content = ask("POST", "/predict?picture=yes", png(image))
    found = json.loads(content)
    mask = (image.astype(int).sum(-1) > 3 * 127).astype(int)
    assert status == 200 and headers["content-type"] == "application/json"
    assert (found["width"], found["height"]) == (14, 9) and found["notes"] == []
    assert found["classes"] == {"dark": round(1 - mask.mean(), 6), "bright & <b>": round(mask.mean(), 6)}
    assert found["void"] == 0 and found["difficulty_mean"] == pytest.approx(image[..., 0].mean() / 255, abs=1e-5)
    assert np.array_equal(of_uri(found["mask"]), mask)
    assert np.array_equal(of_uri(found["difficulty"]), image[..., 0])
    assert np.array_equal(of_uri(found["confidence"]), image[..., 1])
    assert of_uri(found["picture"]).shape == (9, 14, 3)


def test_png_is_the_mask_with_its_colours() -> None:
    image = photo()
    with served(app()) as ask:
        status, headers, content = ask("POST", "/predict", png(image), Accept="image/png")
    mask = opened(content)
    assert status == 200 and headers["content-type"] == "image/png" and mask.mode == "P"
    assert np.array_equal(np.asarray(mask), image.mean(-1) > 127)
    assert np.array_equal(np.asarray(mask.convert("RGB"))[image.mean(-1) > 127][0], (200, 0, 100))


def test_rejected_pixels_are_void_in_every_form() -> None:
    image = photo()
    out = image[..., 1] / 255 < 0.4
    with served(app()) as ask:
        content = ask("POST", "/predict?reject_below=0.4", png(image), Accept="image/png")[2]
        assert np.array_equal(np.asarray(opened(content)) == VOID, out) and out.any()
        found = json.loads(ask("POST", "/predict?reject_below=0.4", png(image))[2])
        assert found["void"] == round(out.mean(), 6)
        assert sum(found["classes"].values()) == pytest.approx(1 - out.mean(), abs=1e-5)
        assert np.array_equal(of_uri(found["mask"]) == VOID, out) and "picture" not in found
        outlines = json.loads(ask("POST", "/predict?reject_below=0.4", png(image), Accept="application/geo+json")[2])
    assert sum(each["properties"]["pixels"] for each in outlines["features"]) == (~out).sum()


def test_turned_photographs_have_the_size_that_people_see() -> None:
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photo()).save(buffer, "JPEG", exif=exif)
    with served(app()) as ask:
        found = json.loads(ask("POST", "/predict", buffer.getvalue())[2])
    assert (found["width"], found["height"]) == (9, 14)


def test_a_network_without_confidence() -> None:
    def outputs(image: np.ndarray) -> dict[str, np.ndarray]:
        return {name: x for name, x in by_brightness(image).items() if name != "confidence"}

    with served(app(outputs)) as ask:
        found = json.loads(ask("POST", "/predict", png(photo()))[2])
        assert found["confidence"] is None and found["confidence_mean"] is None
        refused = ask("POST", "/predict?reject_below=0.4", png(photo()))
        assert refused[0] == 400 and error(refused) == "reject_below: this network gives no confidence"


def test_bad_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict_app, "SERVED_BYTES", 2000)
    monkeypatch.setattr(pictures, "SERVED_PIXELS", 9 * 14)
    whole = png(photo())
    with served(app()) as ask:
        for body, status, said in (
            (b"", 400, "picture: the file is empty"),
            (b"text", 400, "picture: not an image that can be read"),
            (whole[:-40], 400, "picture: "),
            (png(np.zeros((9, 15, 3), np.uint8)), 413, "0.0 megapixels (0 are the limit here"),
            (whole + bytes(2000), 413, "more than 0.0019 MiB"),
        ):
            answer = ask("POST", "/predict", body)
            assert answer[0] == status and said in error(answer)
        for query, said in (
            ("reject_below=2", "reject_below: '2' (a number from 0 to 1)"),
            ("reject_below=nan", "reject_below: 'nan' (a number from 0 to 1)"),
            ("picture=maybe", "picture: 'maybe' (yes or no)"),
            ("rejectbelow=1", "rejectbelow: unknown (reject_below, picture)"),
        ):
            answer = ask("POST", f"/predict?{query}", whole)
            assert answer[0] == 400 and error(answer) == said
        answer = ask("POST", "/predict", whole + bytes(1_000_000), Accept="text/html")
        assert answer[0] == 406 and "image/png" in error(answer)
        assert ask("GET", "/predict")[0] == 405 and ask("POST", "/health")[0] == 405
        assert ask("POST", "/predict", whole)[0] == 200  # none of it has an effect on the next


def test_a_picture_that_does_not_fit_an_export() -> None:
    def outputs(image: np.ndarray) -> dict[str, np.ndarray]:
        raise ValueError("is 9x14 pixels, and this model for 8x8")

    with served(app(outputs)) as ask:
        answer = ask("POST", "/predict", png(photo()))
    assert answer[0] == 422 and error(answer) == "picture: is 9x14 pixels, and this model for 8x8"


def test_memory_that_does_not_suffice() -> None:
    def outputs(image: np.ndarray) -> dict[str, np.ndarray]:
        raise MemoryError

    with served(app(outputs)) as ask:
        answer = ask("POST", "/predict", png(photo()))
    assert answer[0] == 413 and "not enough memory" in error(answer)


class Slow:
    """Predicts when it may, and counts how many it does at once."""

    def __init__(self) -> None:
        self.may, self.now, self.most, self.done = threading.Event(), 0, 0, 0

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        self.now += 1
        self.most = max(self.most, self.now)
        assert self.may.wait(20)
        self.now -= 1
        self.done += 1
        return by_brightness(image)


def wait_until_waiting(ask: Served, number: int) -> None:
    while json.loads(ask("GET", "/health")[2])["waiting"] < number:
        time.sleep(0.005)


def test_more_than_may_wait_are_refused_and_those_before_are_answered() -> None:
    slow, answers, image = Slow(), [], png(photo())
    with served(app(slow)) as ask:
        clients = [
            threading.Thread(target=lambda: answers.append(ask("POST", "/predict", image)[0]))
            for _ in range(predict_app.WAITING)
        ]
        for client in clients:
            client.start()
        wait_until_waiting(ask, predict_app.WAITING)
        status, headers, content = ask("POST", "/predict", bytes(5_000_000))
        assert status == 503 and int(headers["retry-after"]) >= 1 and b"wait already" in content
        slow.may.set()
        for client in clients:
            client.join()
        assert ask("POST", "/predict", image)[0] == 200
    assert answers == [200] * predict_app.WAITING and slow.most == 1


def test_nothing_is_predicted_for_clients_that_are_gone() -> None:
    slow, image = Slow(), png(photo())
    with served(app(slow)) as ask:
        first = threading.Thread(target=ask, args=("POST", "/predict", image))
        first.start()
        wait_until_waiting(ask, 1)
        import http.client

        gone = http.client.HTTPConnection("127.0.0.1", ask.port)
        gone.request("POST", "/predict", image)
        wait_until_waiting(ask, 2)
        gone.close()
        time.sleep(0.05)
        slow.may.set()
        first.join()
        while json.loads(ask("GET", "/health")[2])["waiting"]:
            time.sleep(0.005)
    assert slow.done == 1


def test_health() -> None:
    with served(app()) as ask:
        found = json.loads(ask("GET", "/health")[2])
    assert found["status"] == "ok" and found["run"] == "runs/one" and found["classes"] == list(LABELS.names)
    assert found["limits"] == {"bytes": 64 << 20, "pixels": 50_000_000, "waiting": 16} and found["waiting"] == 0


def test_the_page_is_whole_and_shows_names_as_text() -> None:
    text = page("runs/<img src=x>", LABELS)
    with served(app(text=text)) as ask:
        status, headers, content = ask("GET", "/")
    assert status == 200 and headers["content-type"] == "text/html; charset=utf-8" and content.decode() == text
    assert "<b>" not in text and "<img src=x>" not in text
    assert not re.findall(r"https?:|src=\"(?!data:)|url\(|@import", text), "nothing from elsewhere"
