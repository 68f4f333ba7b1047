"""report.html: its figures are those of metrics.json, it is one file, and a browser clicks through it."""

import html
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.datasets import FunctionPredictor
from scipy import ndimage

from casnet_cli.evaluation.detailed_metrics import DetailedMetrics
from casnet_cli.evaluation.error_scores import RIVALS
from casnet_cli.evaluation.evaluator import Evaluation, evaluate, predict_samples, remarkable
from casnet_cli.labels import VOID, with_colors
from casnet_cli.reports.evaluation import Heading, card, report

LABELS = with_colors(("sky <blue>", "road", "tree", "never"))
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


HISTORY: list[dict[str, float | None]] = [
    {"epoch": 1, "loss": 3.0, "val_pixel_accuracy": None},
    {"epoch": 2, "loss": 1.5, "val_pixel_accuracy": 0.25},
    {"epoch": 3, "loss": 0.75, "val_pixel_accuracy": 0.5},
]


@dataclass
class Sample:
    name: str
    image: np.ndarray
    label: np.ndarray


def sample(seed: int) -> Sample:
    rng = np.random.default_rng(seed)
    label = ndimage.gaussian_filter(rng.normal(size=(3, 60, 80)), (0, 6, 6)).argmax(0).astype(np.uint8)
    label[:5, :5] = VOID
    return Sample(f"scenes/{seed} & more", rng.integers(0, 256, (60, 80, 3), np.uint8), label)


def answer_of(samples: list[Sample]):
    truth = {sample.image.tobytes(): sample.label for sample in samples}

    def answer(image: np.ndarray) -> dict[str, np.ndarray]:
        label = truth[image.tobytes()]
        rng = np.random.default_rng(int(image[0, 0, 0]))
        shown = np.where(label == VOID, 0, label)
        names = [f"{answer}_{rival}" for answer in ("coarse", "final") for rival in RIVALS]
        scores = {name: rng.random(label.shape, np.float32) for name in (*names, "difficulty", "confidence")}
        rate = rng.random() / 2
        mistaken = {key: rng.random(label.shape) < rate for key in ("mask", "coarse", "fine")}
        return scores | {key: np.where(wrong, (shown + 1) % 3, shown) for key, wrong in mistaken.items()}

    return answer


@pytest.fixture(scope="module")
def measured() -> tuple[Evaluation, str]:
    samples = [sample(seed) for seed in range(20)]
    answer = answer_of(samples)
    scores = evaluate(predict_samples(FunctionPredictor(answer), samples), LABELS, DetailedMetrics(LABELS, None, True))
    kinds = remarkable(scores, 4)
    accuracy = scores.per_image.counts["fused"].metrics().pixel_accuracy
    cards = []
    for place in dict.fromkeys(place for own in kinds.values() for place in own):
        ranks = {kind: own.index(place) + 1 for kind, own in kinds.items() if place in own}
        said = answer(samples[place].image)
        cards.append(card(samples[place], said, accuracy[place], scores.changed[place], ranks, LABELS))
    assert scores.detailed
    text = report(Heading("a run", "how", HISTORY), scores.metrics(), scores, cards)
    return scores, text


def test_the_figures_are_those_of_the_metrics(measured: tuple[Evaluation, str]) -> None:
    scores, text = measured
    told = scores.metrics()
    for branch in ("coarse", "fine", "fused"):
        row = re.search(rf'<th scope="row">{branch}</th>(.*?)</tr>', text)
        assert row and f"{100 * told.branches[branch].mean_iou:.1f}" in row[1]
    low, high = (f"{100 * bound:.1f}" for bound in told.pixel_accuracy_ci95)
    assert f"[{low}, {high}] % of {told.labelled_pixels:,} labelled pixels in 20 images" in text
    assert f"{100 * told.difficulty.coarse_errors.entropy.auroc:.1f}" in text
    share = scores.matrices["fused"][1] / scores.matrices["fused"][1].sum()
    assert f'title="road taken for tree: {100 * share[2]:.2f} %">{100 * share[2]:.0f}</td>' in text
    assert 'title="road taken for never: 0.00 %"></td>' in text
    assert '<th scope="row">never</th>' in text and "sky &lt;blue&gt;" in text and "sky <blue>" not in text


def test_it_is_one_file_for_everybody(measured: tuple[Evaluation, str]) -> None:
    _, text = measured
    assert not re.findall(r'(?:src|href)="(?!data:)', text) and "http" not in text and len(text) < 8_000_000
    assert '<html lang="en">' in text and 'name="viewport"' in text
    pictures = re.findall(r"<img [^>]*>", text)
    assert len(pictures) > 24 and all('alt="' in picture for picture in pictures)
    assert text.count('role="tab"') == 4 and "prefers-color-scheme: dark" in text


def test_a_report_of_nothing() -> None:
    scores = evaluate([], LABELS, DetailedMetrics(LABELS, None, True))
    text = report(Heading("x", "y"), scores.metrics(), scores, [])
    assert "there is nothing to measure" in text


CLICKS = """
<script>
const faults = [], seen = [];
window.onerror = (message) => { faults.push(String(message)); };
console.error = (...words) => { faults.push(words.join(" ")); };
</script>
"""
THROUGH = """
<script>
try {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.click();
    const shown = [...document.querySelectorAll(".gallery .card")].filter(card => card.offsetHeight > 0);
    const first = shown.reduce((best, card) => Number(card.style.order) < Number(best.style.order) ? card : best);
    seen.push(tab.dataset.kind + " " + shown.length + " " + first.querySelector("h3").textContent);
  }
  const focused = document.querySelector("[role=tab]");
  focused.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft", bubbles: true}));
  seen.push("selected " + document.querySelector("[aria-selected=true]").dataset.kind);
  [...document.querySelectorAll(".gallery .card")].find(card => !card.hidden).querySelector(".panels button").click();
  const dialog = document.querySelector("dialog");
  seen.push("open " + dialog.open + " " + dialog.querySelector("p").textContent);
  dialog.querySelector("button").click();
  seen.push("wide " + (document.documentElement.scrollWidth - document.documentElement.clientWidth));
  const broken = [...document.querySelectorAll(".card img")].filter(picture => !picture.src.startsWith("data:image/"));
  seen.push("broken " + broken.length);
} catch (error) { faults.push(String(error)); }
const told = document.createElement("pre");
told.id = "told";
told.textContent = JSON.stringify({seen, faults});
document.body.append(told);
</script>
"""


@pytest.mark.skipif(BROWSER is None, reason="no browser: install chromium to have the report opened in one")
@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_clicks_through_it_without_an_error(
    measured: tuple[Evaluation, str], tmp_path: Path, width: int
) -> None:
    import json

    scores, text = measured
    page = tmp_path / "report.html"
    page.write_text(text.replace("<head>", "<head>" + CLICKS).replace("</body>", THROUGH + "</body>"))
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    command = [BROWSER, *quiet, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900"]
    done = subprocess.run([*map(str, command), "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=90)
    found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout)
    assert found, done.stderr
    told = json.loads(html.unescape(found[1]))
    names = scores.per_image.names
    kinds = remarkable(scores, 4)
    assert told["faults"] == []
    assert told["seen"] == [
        *(f"{kind} 4 {names[kinds[kind][0]]}" for kind in ("worst", "changed", "median", "best")),
        "selected best",
        f"open true input of {names[kinds['best'][0]]}",
        "wide 0",
        "broken 0",
    ]
