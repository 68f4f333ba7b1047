"""report.html: its numbers are those of metrics.json, it is one file, and a browser clicks through it."""

import html
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
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
    {"epoch": 1, "step": 9, "loss": 3.0, "val_pixel_accuracy": None},
    {"epoch": 2, "step": 18, "loss": 1.5, "val_pixel_accuracy": 0.25},
    {"epoch": 3, "step": 27, "loss": 0.75, "val_pixel_accuracy": 0.5},
]
HEADING = Heading("x", "The network of runs/x", "y (0 images)", "how")


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


def network_of(samples: list[Sample]):
    truth = {sample.image.tobytes(): sample.label for sample in samples}

    def outputs_of(image: np.ndarray) -> dict[str, np.ndarray]:
        label = truth[image.tobytes()]
        rng = np.random.default_rng(int(image[0, 0, 0]))
        shown = np.where(label == VOID, 0, label)
        names = [f"{branch}_{rival}" for branch in ("coarse", "final") for rival in RIVALS]
        scores = {name: rng.random(label.shape, np.float32) for name in (*names, "difficulty", "confidence")}
        rate = rng.random() / 2
        mistaken = {key: rng.random(label.shape) < rate for key in ("mask", "coarse", "fine")}
        return scores | {key: np.where(wrong, (shown + 1) % 3, shown) for key, wrong in mistaken.items()}

    return outputs_of


@pytest.fixture(scope="module")
def measured() -> tuple[Evaluation, str]:
    samples = [sample(seed) for seed in range(20)]
    outputs_of = network_of(samples)
    scores = evaluate(
        predict_samples(FunctionPredictor(outputs_of), samples), LABELS, DetailedMetrics(LABELS, None, True)
    )
    kinds = remarkable(scores, 4)
    accuracy = scores.per_image.counts["fused"].metrics().pixel_accuracy
    cards = []
    for place in dict.fromkeys(place for own in kinds.values() for place in own):
        ranks = {kind: own.index(place) + 1 for kind, own in kinds.items() if place in own}
        outputs = outputs_of(samples[place].image)
        cards.append(card(samples[place], outputs, accuracy[place], scores.changed[place], ranks, LABELS))
    assert scores.detailed
    text = report(
        Heading("runs/a-001 on scenes, test", "The network of runs/<a>", "scenes (20 images)", "how", HISTORY),
        scores.metrics(),
        scores,
        cards,
    )
    return scores, text


def test_the_numbers_are_those_of_metrics_json(measured: tuple[Evaluation, str]) -> None:
    scores, text = measured
    metrics = scores.metrics()
    for branch in ("coarse", "fine", "fused"):
        row = re.search(rf'<th scope="row">{branch}</th>(.*?)</tr>', text)
        assert row and f"{100 * metrics.branches[branch].mean_iou:.1f}" in row[1]
    low, high = (f"{100 * bound:.1f}" for bound in metrics.pixel_accuracy_ci95)
    assert f">{low} to {high}</td>" in text and f"{metrics.labelled_pixels:,} labelled pixels" in text
    assert f"{100 * metrics.difficulty.coarse_errors.entropy.auroc:.1f}" in text
    share = scores.matrices["fused"][1] / scores.matrices["fused"][1].sum()
    assert f'title="road taken for tree: {100 * share[2]:.2f} %">{100 * share[2]:.0f}</td>' in text
    assert "road taken for never" not in text and '<td class="empty"></td>' in text
    assert '<th scope="row">never</th>' in text and "sky &lt;blue&gt;" in text and "sky <blue>" not in text


def test_it_is_one_file_for_everybody(measured: tuple[Evaluation, str]) -> None:
    _, text = measured
    assert not re.findall(r'(?:src|href)="(?!data:)', text) and "http" not in text and len(text) < 8_000_000
    assert '<html lang="en">' in text and 'name="viewport"' in text
    pictures = re.findall(r"<img [^>]*>", text)
    assert len(pictures) > 24 and all('alt="' in picture for picture in pictures)
    assert text.count('role="tab"') == 4 and "prefers-color-scheme: dark" in text


def test_pictures_come_before_numbers(measured: tuple[Evaluation, str]) -> None:
    _, text = measured
    order = ("scenes (20 images)", 'class="gallery"', ">Training<", "95 % interval", ">Confusion<", "how</p>")
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "Validation, %" in text and text.count("<polyline") == 4 and text.count(">steps</text>") == 2
    assert ">Training<" not in report(HEADING, measured[0].metrics(), measured[0], [])


def test_the_first_sentence_says_what_how_good_and_what_is_lost(measured: tuple[Evaluation, str]) -> None:
    scores, text = measured
    metrics = scores.metrics()
    worst = min(metrics.per_class[:3], key=lambda row: row.iou)
    sentence = (
        f"The network of runs/<a> gets {100 * metrics.pixel_accuracy:.1f} % of the pixels right on scenes (20 images), "
        f"with a mean IoU of {100 * metrics.mean_iou:.1f} % over 3 classes; no class is lost, and the weakest is "
        f"{worst.name} with an IoU of {100 * worst.iou:.1f} %."
    )
    title, first = re.findall(r"<title>(.*?)</title>|</h1>\n<p>(.*?)</p>", text)
    assert html.unescape(first[1]) == sentence and title[0] == "runs/a-001 on scenes, test"
    matrix = scores.matrices["fused"].copy()
    matrix[1, 1] = matrix[2, 2] = 0
    alone = metrics.model_copy(update={"per_class": metrics.per_class[:1]})
    assert "over 1 class; no other class is labelled.</p>" in report(HEADING, alone, scores, [])
    lost = report(HEADING, metrics, replace(scores, matrices=scores.matrices | {"fused": matrix}), [])
    assert "over 3 classes; it finds no pixel of road and tree.</p>" in lost


def shown_bins(text: str, caption: str) -> list[tuple[str, int]]:
    """Names and pixels of a table's rows."""
    table = re.search(rf"<caption>{caption}</caption>(.*?)</table>", text, re.DOTALL)
    assert table
    found = re.findall(r'<th scope="row">(.*?)</th><td class="number">([\d,]+)</td>', table[1])
    return [(name, int(pixels.replace(",", ""))) for name, pixels in found]


def test_bins_are_named_as_bins(measured: tuple[Evaluation, str]) -> None:
    """Each pixel is in one row, and the names of the rows overlap nowhere."""
    scores, text = measured
    names = ["1 px", "2 to 3 px", "4 to 7 px", "8 to 15 px", "16 to 31 px", "32 px or more"]
    distances = shown_bins(text, "Distance from a border")
    assert [name for name, _ in distances] == names
    sizes = shown_bins(text, "Size of the region, of the image")
    assert [name for name, _ in sizes] == ["under 0.1 %", "0.1 to 1 %", "1 to 10 %", "10 % or more"]
    tenths = shown_bins(text, "Difficulty, in tenths of the pixels from the easiest")
    assert [tenths[0][0], tenths[3][0], tenths[-1][0]] == ["under 10 %", "30 to 40 %", "90 % or more"]
    for rows in (distances, sizes, tenths):
        assert sum(pixels for _, pixels in rows) == scores.metrics().labelled_pixels


def luminance(color: list[float]) -> float:
    """Relative luminance of sRGB 0..1, as WCAG defines it."""
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def colors_of(text: str, dark: bool) -> dict[str, list[float]]:
    """The page's colours by name, sRGB 0..1."""
    colors: dict[str, list[float]] = {}
    for scheme, rules in re.findall(r"(@media \(prefers-color-scheme: dark\) \{ )?:root \{(.*?)\}", text, re.DOTALL):
        for name, value in re.findall(r"--(\w+): #(\w+)", rules):
            digits = value if len(value) == 6 else "".join(2 * digit for digit in value)
            if not scheme or dark:
                colors[name] = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    return colors


def contrast(one: list[float], other: list[float]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_digits_of_the_confusion_matrix_can_be_read(measured: tuple[Evaluation, str], dark: bool) -> None:
    _, text = measured
    colors = colors_of(text, dark)
    assert re.search(r"\.confusion td \{[^}]*color: var\(--ink\)", text)
    for kind in ("right", "wrong"):
        assert (
            f".confusion .{kind} {{ background: color-mix(in srgb, var(--{kind}) var(--depth), var(--card)); }}" in text
        )
        for depth in range(101):
            mixed = [(depth * a + (100 - depth) * b) / 100 for a, b in zip(colors[kind], colors["card"], strict=True)]
            assert contrast(mixed, colors["ink"]) >= 4.5, (kind, depth)


@pytest.mark.parametrize("dark", [False, True])
def test_words_can_be_read_on_every_ground(measured: tuple[Evaluation, str], dark: bool) -> None:
    colors = colors_of(measured[1], dark)
    for ground in ("paper", "card"):
        for ink in ("ink", "soft", "error", "warning", "note"):
            assert contrast(colors[ink], colors[ground]) >= 4.5, (ink, ground)
        assert contrast(colors["bar"], colors[ground]) >= 3, "lines and bars"


def test_no_number_is_a_negative_zero(measured: tuple[Evaluation, str]) -> None:
    scores, _ = measured
    metrics = scores.metrics()
    assert metrics.refine and metrics.per_class[0].pixels
    row = metrics.refine.per_class[0]
    row.fixed, row.broken = 0, 1
    metrics.per_class[0].pixels = 100_000
    text = report(HEADING, metrics, scores, [])
    assert ">+0.0</td>" in text and "-0.0" not in text and "−0.0" not in text


def test_classes_of_which_no_pixel_is_found_are_named_below_the_first_sentence() -> None:
    scores = evaluate([], LABELS, DetailedMetrics(LABELS, None, True))
    text = report(replace(HEADING, lost="cow is never predicted: train with <more>"), scores.metrics(), scores, [])
    assert "</p>\n<p><strong>cow is never predicted: train with &lt;more&gt;</strong></p>" in text
    assert "<strong>" not in report(HEADING, scores.metrics(), scores, [])


def test_a_report_of_nothing() -> None:
    scores = evaluate([], LABELS, DetailedMetrics(LABELS, None, True))
    text = report(HEADING, scores.metrics(), scores, [])
    assert "there is nothing to measure" in text


CLICKS = """
<script>
const faults = [], steps = [];
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
    steps.push(tab.dataset.kind + " " + shown.length + " " + first.querySelector("h3").textContent);
  }
  const focused = document.querySelector("[role=tab]");
  focused.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft", bubbles: true}));
  steps.push("selected " + document.querySelector("[aria-selected=true]").dataset.kind);
  [...document.querySelectorAll(".gallery .card")].find(card => !card.hidden).querySelector(".panels button").click();
  const dialog = document.querySelector("dialog");
  steps.push("open " + dialog.open + " " + dialog.querySelector("p").textContent);
  dialog.querySelector("button").click();
  steps.push("wide " + (document.documentElement.scrollWidth - document.documentElement.clientWidth));
  const broken = [...document.querySelectorAll(".card img")].filter(picture => !picture.src.startsWith("data:image/"));
  steps.push("broken " + broken.length);
  const colors = [...document.querySelectorAll(".striped tbody tr")].map(
    row => new Set([...row.children].map(cell => getComputedStyle(cell).backgroundColor)));
  const stripes = new Set(colors.map(row => [...row][0]));
  steps.push("stripes " + Math.max(...colors.map(row => row.size)) + " " + stripes.size);
} catch (error) { faults.push(String(error)); }
const record = document.createElement("pre");
record.id = "record";
record.textContent = JSON.stringify({steps, faults});
document.body.append(record);
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
    found = re.search(r'<pre id="record">(.*?)</pre>', done.stdout)
    assert found, done.stderr
    record = json.loads(html.unescape(found[1]))
    names = scores.per_image.names
    kinds = remarkable(scores, 4)
    assert record["faults"] == []
    assert record["steps"] == [
        *(f"{kind} 4 {names[kinds[kind][0]]}" for kind in ("worst", "changed", "median", "best")),
        "selected best",
        f"open true input of {names[kinds['best'][0]]}",
        "wide 0",
        "broken 0",
        "stripes 1 2",
    ]
