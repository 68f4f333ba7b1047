"""What all pages have in common: names from outside are text, nothing is loaded, numbers are written in one place."""

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from helpers.datasets import blocks, write_blocks

from casnet_cli import reports
from casnet_cli.auditing.label_errors import Suspect
from casnet_cli.auditing.review_list import LocatedSuspect
from casnet_cli.data.checks.sample_facts import facts_of
from casnet_cli.data.sources.base import Entry
from casnet_cli.data.store import Store
from casnet_cli.labels import with_colors
from casnet_cli.ranking.image_scores import ListedImage, RankedImage
from casnet_cli.reports import audit, check, compare, rank

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


@pytest.mark.parametrize("kind", ["check", "audit", "rank", "compare"])
def test_names_are_text_and_nothing_is_loaded(kind: str, tmp_path: Path) -> None:
    pages = {
        "check": lambda: check_page([48]),
        "audit": lambda: audit_page(tmp_path),
        "rank": lambda: rank_page(tmp_path),
        "compare": compare_page,
    }
    text = pages[kind]()
    text.encode()
    assert "alert(" not in text or "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;quoted" in text
    assert not re.search("<script|<i>", text) and not re.findall(r'(?:src|href)="(?!data:)|url\(|@import', text)
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
