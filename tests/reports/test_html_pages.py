"""What all pages have in common: names from outside are text, nothing is loaded, numbers are written in one place."""

import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.browsers import Watched, browser
from helpers.datasets import FunctionPredictor, blocks, write_blocks

from casnet_cli import reports
from casnet_cli.auditing.label_errors import Suspect
from casnet_cli.auditing.review_list import LocatedSuspect
from casnet_cli.data.checks.sample_facts import facts_of
from casnet_cli.data.sources.base import Entry
from casnet_cli.data.store import Store
from casnet_cli.evaluation.detailed_metrics import DetailedMetrics
from casnet_cli.evaluation.error_scores import RIVALS
from casnet_cli.evaluation.evaluator import evaluate, predict_samples
from casnet_cli.labels import with_colors
from casnet_cli.ranking.image_scores import ListedImage, RankedImage
from casnet_cli.reports import audit, check, compare, rank
from casnet_cli.reports import evaluation as report

HOSTILE = "<script>alert('x')</script> & \"quoted\" http://example.org/\udcff"
LABELS = with_colors((f"a {HOSTILE}", f"b {HOSTILE}", f"c {HOSTILE}"))
TEMPLATES = Path(reports.__file__).parent / "templates"


def check_page(sizes: list[int]) -> str:
    entries = [Entry("train", f"{HOSTILE}/{at}", partial(blocks, at, size)) for at, size in enumerate(sizes)]
    return check.page(f"Check of {HOSTILE}", HOSTILE, entries, [facts_of(one, 3) for one in entries], [], LABELS)


def audit_page(folder: Path) -> str:
    store = Store(write_blocks(folder / "x.h5", {"val": 1}, labels=with_colors(("a <i>", "b", "c"))))
    suspect = Suspect("object", 0, 1, 5, 10, 1200, 0.9, 0.1, 1.0, np.ones((10, 10), bool))
    return audit.page([LocatedSuspect("val", store.names["val"][0], suspect)], 1, store)


def rank_page(folder: Path) -> str:
    scores = RankedImage(np.zeros((40, 48), np.uint8), np.full((40, 48), 90, np.uint8))
    return rank.page([ListedImage(1, 0.5, scores.record(f"{HOSTILE}.png", LABELS))], 1, "mixed", HOSTILE)


def compare_page() -> str:
    table = compare.Table(HOSTILE, ("", HOSTILE), [(HOSTILE, "1.0 [0.5, 1.5]")])
    return compare.page(HOSTILE, HOSTILE, [HOSTILE], HOSTILE, [table])


def report_page() -> str:
    image, label = np.zeros((40, 48, 3), np.uint8), blocks(0).label
    drawn = np.random.default_rng(0).random(label.shape, np.float32)
    scores = {f"{branch}_{rival}": drawn for branch in ("coarse", "final") for rival in RIVALS}
    ids = {"mask": np.where(drawn > 0.6, 1, label % 3), "coarse": label % 3, "fine": label % 3}
    outputs = scores | ids | {"difficulty": drawn, "confidence": drawn}
    sample = SimpleNamespace(name=HOSTILE[:-1], image=image, label=label)
    done = predict_samples(FunctionPredictor(lambda _: outputs), [sample])
    found = evaluate(done, LABELS, DetailedMetrics(LABELS, None, True))
    heading = report.Heading(HOSTILE, HOSTILE, HOSTILE, HOSTILE, [{"step": 1, "loss": 1.0}], HOSTILE)
    card = report.card(sample, outputs, 0.5, 3, dict.fromkeys(report.KINDS, 1), LABELS)
    return report.report(heading, found.metrics(), found, [card])


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    return {
        "check": check_page([48, 57]),
        "audit": audit_page(folder),
        "rank": rank_page(folder),
        "compare": compare_page(),
        "report": report_page(),
    }


KINDS = ("check", "audit", "rank", "compare", "report")


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_text_and_nothing_is_loaded(kind: str, pages: dict[str, str]) -> None:
    text = pages[kind]
    text.encode()
    assert "alert(" not in text or "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;quoted" in text
    assert text.count("<script") == (kind == "report") and "<i>" not in text
    assert not re.findall(r'(?:src|href)="(?!data:)|url\(|@import', text)
    title = re.search("<title>(.+?)</title>", text)
    assert title and title[1] in text[text.index("<h1>") :] and not re.search(r"[-−]0(\.0+)?(?![\d.])[ %<]", text)
    assert 'name="viewport"' in text and "prefers-color-scheme: dark" in text


def test_templates_write_no_number_of_their_own() -> None:
    for file in TEMPLATES.glob("*.html"):
        assert not re.search(r"format\(|\| *round|%\.\d", file.read_text(encoding="utf-8")), file.name


def test_many_sizes_are_put_into_bins_that_are_named() -> None:
    def rows(sizes: list[int]) -> list[tuple[str, str]]:
        table = check_page(sizes).rpartition('<caption class="soft">')[2].partition("</table>")[0]
        return re.findall(r'<td>([\d x]+|\d+ to \d+)</td>\s*<td class="number">(\d+)</td>', table)

    assert rows([48, 48, 57]) == [("48 x 40", "2"), ("57 x 40", "1")]
    found = rows(list(range(40, 80)) + [79])
    assert found[0] == ("40 to 42", "3") and found[-1] == ("77 to 79", "4") and len(found) == 12
    assert sum(int(number) for _, number in found) == 41
    bounds = [tuple(map(int, name.split(" to "))) for name, _ in found]
    assert all(low == high + 1 for (_, high), (low, _) in zip(bounds[:-1], bounds[1:], strict=True))


def test_the_share_of_a_class_that_is_there_is_not_written_as_none() -> None:
    entries = [Entry("train", "a", partial(blocks, 0, 400, 400))]
    facts = facts_of(entries[0], 3)
    facts.counts[:3] = 160_000, 1, 0
    text = check.page("x", "y", entries, [facts], [], LABELS)
    assert re.findall(r'<td class="number">(.*?%)</td>', text) == ["100.00 %", "under 0.01 %", "0.00 %"]


FAINT = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = color => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = color => {
    const [r, g, b] = color.map(x => x / 255).map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const faint = [];
  for (const one of document.querySelectorAll("body *")) {
    const words = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!words || !one.offsetParent) continue;
    let ground = one;
    const clear = () => rgba(getComputedStyle(ground).backgroundColor)[3] === 0;
    while (ground.parentElement && clear()) ground = ground.parentElement;
    const pair = [getComputedStyle(one).color, getComputedStyle(ground).backgroundColor];
    const [low, high] = pair.map(rgba).map(light).sort((a, b) => a - b);
    if ((high + .05) / (low + .05) < 4.5) faint.push(one.outerHTML.slice(0, 80));
  }
  return faint;
})()
"""
"""Elements whose text has a contrast below 4.5 on what is painted behind it, as WCAG defines it."""


@pytest.mark.slow
def test_a_browser_shows_each_page_at_every_width_dark_and_light(pages: dict[str, str], tmp_path: Path) -> None:
    with browser() as started:
        for kind, text in pages.items():
            file = tmp_path / f"{kind}.html"
            file.write_text(text, encoding="utf-8")
            for width, scheme in ((390, "dark"), (390, "light"), (800, "dark"), (1280, "dark"), (1280, "light")):
                shown = Watched(started, file.as_uri(), (width, 900), scheme)
                where = kind, width, scheme
                assert shown.overflow() == 0 and not shown.faults and not shown.dialogs, where
                ground, ink = shown.lightness()
                assert (ground < ink) == (scheme == "dark"), where
                assert shown.page.evaluate(FAINT) == [], where
                assert {address.partition(":")[0] for address in shown.addresses} <= {"file", "data"}, where
