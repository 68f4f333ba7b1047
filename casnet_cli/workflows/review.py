"""What `--review` of audit and rank does: a page on this machine, whose decisions go into the list."""

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.errors import InputError, reason
from casnet_cli.reports import audit as audit_page
from casnet_cli.reports import rank as rank_page
from casnet_cli.reports.rank import OutlinedImage
from casnet_cli.reports.review import Choice, ReviewRow, page
from casnet_cli.util.text import count, percent
from casnet_cli.workflows.serve import answer, check_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from casnet_cli.auditing.review_list import LocatedSuspect
    from casnet_cli.data.intensities import Intensities
    from casnet_cli.data.store import Store
    from casnet_cli.ranking.image_scores import HardRegion
    from casnet_cli.reports.html import Picture
    from casnet_cli.serving.decisions import DecisionTable

HOST = "127.0.0.1"

LONGEST = 800
"""Pixels of the longer side of a picture."""

OF_SUSPECTS = (
    Choice("yes", "y", "the label is wrong, the region becomes void"),
    Choice("no", "n", "the label stays"),
    Choice("unsure", "u", "the label stays until somebody decides"),
)
OF_IMAGES = (
    Choice("label", "l", "label this image next"),
    Choice("skip", "s", "do not label it"),
    Choice("later", "a", "perhaps later"),
)


def check(file: Path, port: int) -> bool:
    """Before any work: whether the list is there already; a message names it then. Raises CasnetError where there can
    be no page."""
    check_page(HOST, port)
    if file.is_file():
        console.message(f"{file} is there (without --review a new list is made)")
    return file.is_file()


def review_suspects(folder: Path, store: "Store", port: int) -> None:
    """Decide on the list of suspects in a folder. Raises CasnetError."""
    from casnet_cli.auditing import review_list
    from casnet_cli.serving.decisions import DecisionTable

    suspects = review_list.read(folder, store.labels, store.content_sha256)
    names = store.labels.names
    rows = [
        ReviewRow(
            number,
            f"{names[each.suspect.label]} → {names[each.suspect.proposal]}",
            f"{each.image}, {each.suspect.kind}, {count(each.suspect.pixels, 'pixel')}, "
            f"{percent(each.suspect.confidence)} % sure",
        )
        for number, each in suspects.items()
    ]
    values = tuple(choice.value for choice in OF_SUSPECTS)
    table = DecisionTable(folder / review_list.TABLE, "number", "void", values, "reviewed")
    draw = partial(_of_suspect, store, list(suspects.values()))
    title = f"Labels of {Path(store.path).name} that look wrong"
    _serve(table, draw, page(title, rows, OF_SUSPECTS, str(table.file), store.labels), port)


def review_images(file: Path, regions: Path, intensities: "Intensities", port: int) -> None:
    """Decide on the list of `casnet rank`. regions: the table of hard regions. intensities: of the run's pictures.
    Raises CasnetError."""
    from casnet_cli.serving.decisions import DecisionTable

    table = DecisionTable(file, "file", "decision", tuple(choice.value for choice in OF_IMAGES))
    boxes, images, rows = _boxes(regions), [], []
    for row in table.rows():
        try:
            size = int(row["width"]), int(row["height"])
            shares = percent(float(row["difficulty"])), percent(float(row["hard_share"]))
        except (KeyError, ValueError) as error:
            raise InputError(f"{file}: {row['file']}: {reason(error)}") from None
        images.append(
            OutlinedImage(file=row["file"], width=size[0], height=size[1], regions=boxes.get(row["file"], []))
        )
        of_it = f", most of it in {row['hard_classes']}" if row.get("hard_classes") else ""
        facts = f"difficulty {shares[0]} %{of_it}; {shares[1]} % of the pixels hard"
        rows.append(ReviewRow(row["file"], row["file"], facts))
    draw = partial(_of_image, images, intensities)
    _serve(table, draw, page("To label first", rows, OF_IMAGES, str(file)), port)


def _serve(table: "DecisionTable", draw: "Callable[[int], Sequence[tuple[str, str]]]", text: str, port: int) -> None:
    from casnet_cli.serving import server
    from casnet_cli.serving.review_app import review_app

    with server.listen(HOST, port) as listener:
        answer(review_app(table, draw, text, server.names_of(HOST), console.message), HOST, listener)
    decided = table.decisions().values()
    console.result(f"{table.file}: {sum(each.decided for each in decided)} of {count(len(decided), 'row')} decided")


def _of_suspect(store: "Store", suspects: "list[LocatedSuspect]", place: int) -> list[tuple[str, str]]:
    return [_shown(picture) for picture in audit_page.pictures(store, suspects[place], LONGEST)]


def _of_image(images: list[OutlinedImage], intensities: "Intensities", place: int) -> list[tuple[str, str]]:
    picture = rank_page.outlined(images[place], intensities, LONGEST)
    return [_shown(picture) if picture else ("", "The file is gone.")]


def _shown(picture: "Picture") -> tuple[str, str]:
    return picture.source, picture.caption


def _boxes(regions: Path) -> "dict[str, list[HardRegion]]":
    """Hard regions of each image, by the table of rank; none where there is no table. Raises InputError."""
    found: dict[str, list[HardRegion]] = {}
    if not regions.is_file():
        return found
    try:
        with open(regions, newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                box = {key: int(row[key]) for key in ("x", "y", "width", "height", "pixels")}
                region: HardRegion = {**box, "difficulty": float(row["difficulty"]), "class": row["class"]}  # type: ignore[typeddict-item]
                found.setdefault(row["file"], []).append(region)
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise InputError(
            f"{regions}: no table of regions: {reason(error)} (remove it to review without them)"
        ) from None
    return found
