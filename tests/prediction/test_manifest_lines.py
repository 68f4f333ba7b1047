"""Lines of a manifest from outside: what does not fit is counted, and does nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from casnet_cli.prediction.manifest_entry import ManifestEntry
from casnet_cli.prediction.manifest_lines import LONGEST, ForeignLines, KnownLines, later, mend, read_lines
from casnet_cli.runs.manifest_record import LAST_CALL, ManifestLine, RankedLine

GOOD: dict[str, Any] = {
    "file": "in/a.jpg", "status": "ok", "error": None, "width": 20, "height": 12, "mask": "a.png",
    "classes": {"dark": 0.5, "bright": 0.5}, "difficulty_mean": 0.25, "confidence_mean": None, "seconds": 0.1,
    "made_with": "run 1", "input": "0123", "outputs": [".overlay.jpg", ".png"], "time": 1.5,
}  # fmt: skip
VIDEO = GOOD | {"mask": "clip", "outputs": [".difficulty.png", ".png", ".overlay.mp4"], "frames": 3}


def read(file: Path, *lines: bytes | dict[str, Any]) -> tuple[list[ManifestEntry], ForeignLines]:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    file.write_bytes(b"".join(text + b"\n" for text in texts))
    foreign = ForeignLines(file)
    return list(read_lines(file, ManifestLine, foreign)), foreign


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "manifest.jsonl"


@pytest.mark.parametrize(
    "line",
    [
        GOOD,
        GOOD | {"call": 3, "mask_digest": "0" * 16, "new_key": {"of": ["a newer casnet"]}},
        GOOD | {"mask": None, "outputs": []},
        GOOD | {"mask": "sub/a..b/..c.png", "file": "\udcff.jpg"},
        VIDEO,
        VIDEO | {"frames": 0, "width": 0, "height": 0, "classes": {}},
        dict.fromkeys(GOOD) | {"file": "b.jpg", "status": "failed", "error": "", "time": 2, "stale": "b.stale.png"},
    ],
)
def test_lines_of_all_versions_are_read(file: Path, line: dict[str, Any]) -> None:
    found, foreign = read(file, line)
    assert found == [line] and not foreign.found


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"mask": "../" + "x" * 10_000}, f"mask '../{'x' * 100}"),
    ({"mask": "../a.png"}, "mask '../a.png' is no name of a file below the folder"),
    ({"mask": "sub/../../a.png"}, "below the folder"),
    ({"mask": "/etc/a.png"}, "below the folder"),
    ({"mask": "sub//a.png"}, "below the folder"),
    ({"mask": "./a.png"}, "below the folder"),
    ({"mask": "a\0.png"}, "mask"),
    ({"mask": "\ud800.png"}, "below the folder"),
    ({"mask": ""}, "below the folder"),
    ({"mask": "summary.csv"}, "below the folder"),
    ({"mask": ".", "frames": 2}, "below the folder"),
    ({"mask": "..", "frames": 2}, "below the folder"),
    ({"mask": None}, "outputs without a mask"),
    ({"mask": ["a.png"]}, "mask should be a text"),
    ({"outputs": ["/../../in/a.png"]}, "is no ending of casnet's files"),
    ({"outputs": [".png", ""]}, "outputs '' is no ending"),
    ({"outputs": [".jsonl"]}, "is no ending"),
    ({"outputs": [[]]}, "outputs.0 should be a valid string"),
    ({"outputs": None}, "something is null"),
    ({"stale": "b.png"}, "stale 'b.png' is no name of a file that was moved away"),
    ({"stale": "../b.stale.png"}, "below the folder"),
    ({"frames": "x"}, "frames should be a valid integer"),
    ({"frames": -1}, "frames"),
    ({"frames": 10**12}, "frames"),
    ({"frames": None}, "frames"),
    ({"width": True}, "width should be a valid integer"),
    ({"width": 10**400}, "width"),
    ({"height": 1.5}, "height"),
    ({"classes": {"dark": "half"}}, "classes.dark should be a valid number"),
    ({"classes": [0.5]}, "classes should be"),
    ({"classes": {"dark": 2.0}}, "classes.dark should be less than or equal to 1"),
    ({"difficulty_mean": -0.5}, "difficulty_mean should be greater than or equal to 0"),
    ({"confidence_mean": 1.5}, "confidence_mean should be less than or equal to 1"),
    ({"rejected": 7}, "rejected should be less than or equal to 1"),
    ({"difficulty_mean": float("nan")}, "difficulty_mean should be a finite number"),
    ({"time": float("inf")}, "time should be a finite number"),
    ({"time": 10**400}, "time"),
    ({"seconds": "0.1"}, "seconds"),
    ({"status": "done"}, "status should be 'ok' or 'failed'"),
    ({"status": "failed"}, "status is failed, and the line names files"),
    ({"file": 3}, "file"),
    ({"made_with": None}, "something is null"),
    ({"call": -1}, "call"),
    ({"call": LAST_CALL}, "call"),
    ({"call": "2"}, "call"),
    ({"mask_digest": 7}, "mask_digest"),
]


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_values_that_do_not_fit_are_foreign(file: Path, change: dict[str, Any], words: str) -> None:
    found, foreign = read(file, GOOD, GOOD | change, GOOD)
    assert found == [GOOD, GOOD]
    assert (foreign.found, foreign.first) == (1, 2) and words in foreign.sentence and "\n" not in foreign.sentence
    assert len(foreign.sentence) < len(str(file)) + 300
    assert foreign.sentence.startswith(f"{file}: 1 line is not casnet's and left out, line 2 first: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{bad", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "its content should be an object"),
        (b"null", "its content should be an object"),
        (b'{"file": 3}', "file"),
        (b'{"file": "a", "status": "ok", "file": "b"}', "'file' is there twice"),
        (b"[" * 10_000 + b"]" * 10_000, "nested too deeply"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested too deeply"),
        (b'{"width": ' + b"9" * 5000 + b"}", "digits"),
        (b'"' + b"x" * 2 * LONGEST + b'"', "longer than 1 MiB"),
        (b"x" * LONGEST, "longer than 1 MiB"),
    ],
)
def test_texts_that_are_no_lines_are_foreign(file: Path, text: bytes, words: str) -> None:
    found, foreign = read(file, text, GOOD, b"", b"  ", text)
    assert found == [GOOD]
    assert (foreign.found, foreign.first) == (2, 1) and words in foreign.sentence
    assert "2 lines are not casnet's" in foreign.sentence


def test_a_line_of_another_process_that_is_not_finished_is_no_fault(file: Path) -> None:
    file.write_bytes(json.dumps(GOOD).encode() + b'\n{"file": "b')
    foreign = ForeignLines(file)
    assert list(read_lines(file, ManifestLine, foreign)) == [GOOD] and not foreign.found


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (b"", b""),
        (b'{"a": 1}\n', b'{"a": 1}\n'),
        (b'{"a": 1}\n{"b"', b'{"a": 1}\n'),
        (b'{"a": 1}\n{"b": 2}', b'{"a": 1}\n{"b": 2}\n'),
        (b'{"a', b""),
        (b"{}\n" + b"x" * LONGEST, b"{}\n" + b"x" * LONGEST + b"\n"),
        (b"{}\n" + b"[" * 10_000, b"{}\n"),
    ],
)
def test_the_end_of_a_killed_process_is_mended(file: Path, text: bytes, left: bytes) -> None:
    file.write_bytes(text)
    mend(file)
    assert file.read_bytes() == left


def test_lines_of_a_ranking_name_no_files() -> None:
    scores = {"difficulty": 0.1, "entropy": 0.1, "margin": 0.1, "hard_share": 0.0, "regions": [], "features": ""}
    good = GOOD | {"mask": None, "outputs": [], "classes": {"dark": [0.5, 0.2]}} | scores
    RankedLine.model_validate(good)
    box = {"x": 0, "y": 0, "width": 1, "height": 1, "pixels": 1, "difficulty": 0.5, "class": "dark"}
    RankedLine.model_validate(good | {"regions": [box]})
    for change in ({"mask": "a.png"}, {"outputs": [".png"]}, {"classes": {"dark": [0.5]}}, {"features": None}):
        with pytest.raises(ValueError, match="validation error"):
            RankedLine.model_validate(good | change)
    for change in ({"x": -1}, {"width": "1"}, {"class": None}, {"difficulty": float("nan")}):
        with pytest.raises(ValueError, match="validation error"):
            RankedLine.model_validate(good | {"regions": [box | change]})


# Between manifests


def known(*lines: dict[str, Any]) -> KnownLines:
    found = KnownLines()
    for line in lines:
        found.note(line)  # type: ignore[arg-type]
    return found


def both(one: KnownLines, other: KnownLines, fits: str = "") -> KnownLines:
    """fits: the digest that a mask has."""
    one.merge(other, lambda line: line.get("mask_digest") == fits)
    return one


def test_within_a_manifest_the_later_line_holds_whatever_its_time_and_number() -> None:
    first, second = GOOD | {"call": 2, "time": 9e9}, GOOD | {"call": 1, "time": 0.0, "made_with": "run 2"}
    found = known(first, second)
    assert found.done == {"in/a.jpg": second} and found.owners == {"a.png": second} and found.call == 2


@pytest.mark.parametrize("turned", [False, True])
def test_between_manifests_the_larger_number_holds(turned: bool) -> None:
    old, new = GOOD | {"call": 1, "time": 9e9}, GOOD | {"call": 2, "time": 0.0, "made_with": "run 2"}
    found = both(*((known(new), known(old)) if turned else (known(old), known(new))))
    assert found.done == {"in/a.jpg": new} and found.owners == {"a.png": new}
    assert found.contested == {"a.png"} and not found.undecided


@pytest.mark.parametrize("turned", [False, True])
def test_of_equal_numbers_the_one_whose_digest_fits_holds(turned: bool) -> None:
    one = GOOD | {"call": 4, "mask_digest": "1"}
    other = GOOD | {"call": 4, "mask_digest": "2", "made_with": "run 2", "file": "in/a.bmp"}
    given = (known(one), known(other))
    assert both(*(given[::-1] if turned else given), fits="2").owners == {"a.png": other}
    same = GOOD | {"call": 4, "mask_digest": "1", "made_with": "run 2"}
    assert both(known(one), known(same), fits="1").undecided == {"a.png"}


def test_a_failure_keeps_what_was_made_before() -> None:
    failed = dict.fromkeys(GOOD) | {"file": "in/a.jpg", "status": "failed", "call": 3}
    for found in (known(GOOD, failed), both(known(GOOD), known(failed)), both(known(failed), known(GOOD))):
        assert found.done["in/a.jpg"] == failed and found.made == {"in/a.jpg": GOOD}
    assert known(GOOD, failed, GOOD).made == {}
    assert both(known(failed), known(GOOD | {"call": 5})).made == {}


def test_of_lines_alike_the_one_with_more_files_holds() -> None:
    more = GOOD | {"outputs": [".overlay.jpg", ".geojson", ".png"]}
    assert later(more, GOOD, lambda line: True) and not later(GOOD, more, lambda line: True)  # type: ignore[arg-type]
