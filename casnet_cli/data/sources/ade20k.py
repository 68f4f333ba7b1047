"""ADE20K's scene parsing benchmark: 150 classes of things and stuff, indoors and out, ids from 1, 0 = anything else."""

from pathlib import Path

from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.masks import masks
from casnet_cli.data.sources.base import Entry, Source, locate_folder, match_files
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID, with_colors

LAYOUT = "ADEChallengeData2016/ with images/ and annotations/, each with training/ and validation/"

SPLIT_FOLDERS = {"train": "training", "val": "validation"}
"""Splits and the folders that hold them."""

NAMES = """
wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet, sidewalk, person, earth, door,
table, mountain, plant, curtain, chair, car, water, painting, sofa, shelf, house, sea, mirror, rug, field, armchair,
seat, fence, desk, rock, wardrobe, lamp, bathtub, railing, cushion, base, box, column, signboard, chest of drawers,
counter, sand, sink, skyscraper, fireplace, refrigerator, grandstand, path, stairs, runway, case, pool table, pillow,
screen door, stairway, river, bridge, bookcase, blind, coffee table, toilet, flower, book, hill, bench, countertop,
stove, palm, kitchen island, computer, swivel chair, boat, bar, arcade machine, hovel, bus, towel, light, truck,
tower, chandelier, awning, streetlight, booth, television receiver, airplane, dirt track, apparel, pole, land,
bannister, escalator, ottoman, bottle, buffet, poster, stage, van, ship, fountain, conveyer belt, canopy, washer,
plaything, swimming pool, stool, barrel, basket, waterfall, tent, bag, minibike, cradle, oven, ball, food, step, tank,
trade name, microwave, pot, animal, bicycle, lake, dishwasher, screen, blanket, sculpture, hood, sconce, vase, traffic
light, tray, ashcan, fan, pier, crt screen, plate, monitor, bulletin board, shower, radiator, glass, clock, flag
"""
"""In the order of their ids, from 1 in the label files."""

LABELS = with_colors(tuple(" ".join(NAMES.split()).split(", ")))
TABLE = ClassTable(LABELS, {0: VOID} | {index + 1: index for index in range(len(LABELS))})


def entries(root: Path) -> list[Entry]:
    """Training and validation by name. Raises DataError if a file lacks its partner."""
    folder = locate_folder(root, ("ADEChallengeData2016",), ("images", "annotations"), LAYOUT)
    listed = []
    for split, part in SPLIT_FOLDERS.items():
        images, labels = folder / "images" / part, folder / "annotations" / part
        if not images.is_dir():
            raise DataError(f"{images}: no such folder (expected {LAYOUT})")
        listed += match_files(split, images, labels, ((".jpg",), (".png",)), masks.reader(TABLE))
    return listed


SOURCE = Source(
    name="ade20k",
    labels=LABELS,
    entries=entries,
    folder="ADEChallengeData2016",
    archives=("ADEChallengeData2016.zip",),
    url="http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip",
    counts=(("train", 20210), ("val", 2000)),
)
