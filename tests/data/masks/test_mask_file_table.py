"""A table of mask files of every kind: what is stored, as other libraries read it, and the class ids it means."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers import png_files
from helpers.png_files import png
from PIL import Image

from casnet_cli.data.classes import class_table
from casnet_cli.data.masks import masks
from casnet_cli.data.masks.mending import Mending
from casnet_cli.data.remarks import Remarks
from casnet_cli.labels import VOID

EXPECTED = np.kron(np.array([[0, 1, 2], [2, VOID, 0], [1, 0, VOID]]), np.ones((4, 5), int)).astype(np.uint8)
"""Class ids of every mask: 12 rows, 15 columns."""

TWO = np.where(EXPECTED == 1, 1, 0).astype(np.uint8)
"""Class ids of masks that are black and white."""

COLORS = ((128, 64, 128), (70, 130, 180), (107, 142, 35), (7, 9, 250))
"""Colours of the three classes and of void."""


pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


def coded(*values: object, of: np.ndarray = EXPECTED, dtype: object = np.uint8) -> np.ndarray:
    """The mask with these values in place of classes 0, 1, 2 and void."""
    table = np.zeros((256, *np.shape(values[0])), dtype)
    table[[0, 1, 2, VOID][: len(values)]] = np.asarray(values, dtype)
    return table[of]


def by_ids(*ids: object) -> str:
    """A table of ids; the last one is void."""
    void = f"void = {{ids = [{ids[-1]}]}}\n" if len(ids) > 3 else ""
    return void + "".join(f'[[class]]\nname = "c{index}"\nids = [{one}]\n' for index, one in enumerate(ids[:3]))


def by_colors(*colors: tuple[int, ...]) -> str:
    """A table of colours; the last one is void."""
    void = f"void = {{colors = [{list(colors[-1])}]}}\n" if len(colors) > 3 else ""
    rows = (f'[[class]]\nname = "c{index}"\ncolor = {list(one)}\n' for index, one in enumerate(colors[:3]))
    return void + "".join(rows)


BACKGROUND = '[[class]]\nname = "c1"\ncolor = [70, 130, 180]\n[[class]]\nname = "background"\ncolor = [1, 1, 1]\n'


@dataclass(frozen=True)
class Kind:
    """A kind of mask file."""

    name: str
    """Of the file."""
    write: Callable[[Path], object]
    """Writes it."""
    table: str
    """The table of classes."""
    stored: np.ndarray | None = None
    """What another library must read; None: it reads another thing than values."""
    expected: np.ndarray = field(default_factory=lambda: EXPECTED)
    """Class ids."""
    said: str = ""
    """A decision that must be said."""
    mending: Mending = Mending()
    """What is done to values of no class."""


def raw(name: str, content: bytes, table: str, stored: np.ndarray | None = None, **more: object) -> Kind:
    return Kind(name, lambda file: file.write_bytes(content), table, stored, **more)  # type: ignore[arg-type]


def pillow(name: str, values: np.ndarray, table: str, mode: str | None = None, **more: object) -> Kind:
    save = {key: more.pop(key) for key in ("quality", "lossless", "format", "subsampling") if key in more}

    def write(file: Path) -> None:
        Image.fromarray(values, mode).save(file, **save)

    return Kind(name, write, table, **more)  # type: ignore[arg-type]


def tiff(name: str, values: np.ndarray, table: str, more: dict[str, object] | None = None, **rest: object) -> Kind:
    return Kind(name, lambda file: tifffile.imwrite(file, values, **(more or {})), table, values, **rest)  # type: ignore[arg-type]


def npy(name: str, values: np.ndarray, table: str, **more: object) -> Kind:
    return Kind(name, lambda file: np.save(file, values), table, **more)  # type: ignore[arg-type]


def palette_image(order: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Indices, and a palette with the colours in that order."""
    place = [order.index(index) for index in range(4)]
    return coded(*place), np.array([COLORS[index] for index in order])


def with_palette(name: str, order: tuple[int, ...], bits: int, table: str) -> Kind:
    indices, palette = palette_image(order)
    return raw(name, png(indices, bits, png_files.PALETTE, palette), table, indices)


def gif(file: Path) -> None:
    indices, palette = palette_image((2, 0, 3, 1))
    picture = Image.fromarray(indices, "P")
    picture.putpalette(palette.ravel().tolist())
    picture.save(file)


def tagged(file: Path) -> None:
    """A GeoTIFF whose tag names a value that means no data."""
    rasterio = pytest.importorskip("rasterio")
    values = coded(1, 2, 3, 200)
    with rasterio.open(file, "w", "GTiff", values.shape[1], values.shape[0], 1, dtype="uint8", nodata=200) as out:
        out.write(values, 1)


def soft(values: np.ndarray, factor: int = 8) -> np.ndarray:
    """Scaled up, and down again with blending: flat areas with borders of one pixel."""
    large = Image.fromarray(np.kron(values, np.ones((factor, factor, *[1] * (values.ndim - 2)), np.uint8)))
    size = (values.shape[1] * factor // 3, values.shape[0] * factor // 3)
    return np.asarray(large.resize(size, Image.Resampling.BILINEAR))


GREYS = coded(4, 5, 6, 255)
RGB = coded(*COLORS)
WIDE = coded(300, 1000, 40000, 65535, dtype=np.uint16)
IDS, PAINT = by_ids(4, 5, 6, 255), by_colors(*COLORS)
OPAQUE = np.full((*EXPECTED.shape, 1), 255, np.uint8)
ON_GROUND = np.where(EXPECTED[..., None] == 1, (*COLORS[1], 255), (9, 8, 7, 0)).astype(np.uint8)
"""Class 1 painted on a transparent ground."""
SILHOUETTE = np.dstack([np.full(TWO.shape, 77, np.uint8), TWO * 255])
NUMBERED = np.dstack([WIDE, np.arange(WIDE.size, dtype=np.uint16).reshape(WIDE.shape) % 7, WIDE * 0])
"""Class in the first, number of the object in the second channel."""
LARGE = by_ids(-5, 100000, 2147483647, -1)
BLACK_WHITE = by_ids(0, 255)

KINDS = [
    raw("grey-1.png", png(TWO, 1), by_ids(0, 1), TWO, expected=TWO),
    raw("grey-2.png", png(coded(0, 1, 2, 3), 2), by_ids(0, 1, 2, 3), coded(0, 1, 2, 3)),
    raw("grey-4.png", png(coded(3, 9, 14, 15), 4), by_ids(3, 9, 14, 15), coded(3, 9, 14, 15)),
    raw("grey-8.png", png(GREYS, 8), IDS, GREYS),
    raw("grey-16.png", png(WIDE, 16), by_ids(300, 1000, 40000, 65535), WIDE),
    raw("black-white-1.png", png(TWO, 1), by_colors((0, 0, 0), (255, 255, 255)), TWO, expected=TWO),
    raw("keyed.png", png(coded(4, 5, 6, 9), 8, transparency=b"\0\x09"), by_ids(4, 5, 6), said="transparent: void"),
    with_palette("palette-8.png", (0, 1, 2, 3), 8, by_ids(0, 1, 2, 3)),
    with_palette("palette-4.png", (0, 1, 2, 3), 4, by_ids(0, 1, 2, 3) + "color = [107, 142, 35]\n"),
    with_palette("palette-8-colours.png", (0, 1, 2, 3), 8, PAINT),
    with_palette("palette-2-colours.png", (3, 1, 0, 2), 2, PAINT),
    with_palette("palette-4-other-order.png", (2, 3, 0, 1), 4, PAINT),
    raw(
        "palette-clear.png",
        png(*(palette_image((0, 1, 2, 3))[0], 2, png_files.PALETTE), palette_image((0, 1, 2, 3))[1], b"\xff\xff\xff\0"),
        by_ids(0, 1, 2),
        said="transparent: void",
    ),
    raw("rgb-8.png", png(RGB, 8, png_files.RGB), PAINT, RGB),
    raw("rgba-8.png", png(np.dstack([RGB, OPAQUE]), 8, png_files.RGBA), PAINT, np.dstack([RGB, OPAQUE])),
    raw(
        "on-ground.png",
        png(ON_GROUND, 8, png_files.RGBA),
        BACKGROUND,
        ON_GROUND,
        expected=np.where(EXPECTED == 1, 0, 1).astype(np.uint8),
        said="transparent: background",
    ),
    raw("grey-alpha.png", png(np.dstack([GREYS, OPAQUE]), 8, png_files.GREY_ALPHA), IDS),
    raw(
        "silhouette.png",
        png(SILHOUETTE, 8, png_files.GREY_ALPHA),
        BLACK_WHITE,
        SILHOUETTE,
        expected=TWO,
        said="opacity tells the object",
    ),
    raw(
        "silhouette-16.png",
        png(np.dstack([np.full((*TWO.shape, 3), 9000, np.uint16), TWO * np.uint16(65535)]), 16, png_files.RGBA),
        by_ids(0, 65535),
        expected=TWO,
        said="opacity tells the object",
    ),
    raw("rgb-16-ids.png", png(np.dstack([WIDE] * 3), 16, png_files.RGB), by_ids(300, 1000, 40000, 65535)),
    raw("rgb-16-colours.png", png(RGB.astype(int) * 257, 16, png_files.RGB), PAINT, RGB.astype(np.uint16) * 257),
    raw("rgba-16-colours.png", png(np.dstack([RGB, OPAQUE]) * np.uint16(257), 16, png_files.RGBA), PAINT),
    raw(
        "rgb-16-numbered.png",
        png(NUMBERED, 16, png_files.RGB),
        by_ids(300, 1000, 40000, 65535),
        NUMBERED,
        said="ids in the first of three channels",
    ),
    raw(
        "rgb-8-first.png",
        png(np.dstack([GREYS, GREYS * 0, GREYS * 0]), 8, png_files.RGB),
        IDS,
        said="ids in the first of three channels",
    ),
    raw("rgb-8-grey.png", png(np.dstack([GREYS] * 3), 8, png_files.RGB), IDS),
    tiff("int8.tif", coded(-5, 0, 7, -1, dtype=np.int8), by_ids(-5, 0, 7, -1)),
    tiff("int16.tif", coded(-300, 0, 900, -1, dtype=np.int16), by_ids(-300, 0, 900, -1)),
    tiff("int32.tif", coded(-5, 100000, 2147483647, -1, dtype=np.int32), LARGE),
    tiff("uint32.tif", coded(1, 70000, 6, 2**32 - 1, dtype=np.uint32), by_ids(1, 70000, 6, 2**32 - 1)),
    tiff("float32.tif", coded(4, 5, 6, 255, dtype=np.float32), IDS),
    tiff("float64.tif", coded(-5, 100000, 2147483647, -1, dtype=np.float64), LARGE),
    tiff("missing.tif", coded(4, 5, 6, np.nan, dtype=np.float32), by_ids(4, 5, 6), said="nothing was measured: void"),
    tiff(
        "rgb-int32-ids.tif",
        np.dstack([coded(4, 5, 6, -1, dtype=np.int32)] * 3),
        by_ids(4, 5, 6, -1),
        {"photometric": "rgb"},
    ),
    tiff("lzw.tif", GREYS, IDS, {"compression": "lzw", "tile": (16, 16), "bigtiff": True}),
    tiff("planes.tif", RGB.transpose(2, 0, 1), PAINT, {"planarconfig": "separate", "photometric": "rgb"}),
    tiff("bits.tif", TWO.astype(bool), by_ids(0, 1), expected=TWO),
    tiff(
        "pages.tif", np.stack([GREYS, GREYS * 0]), IDS, {"photometric": "minisblack"}, said="several pages: the first"
    ),
    Kind("tagged.tif", tagged, by_ids(1, 2, 3), coded(1, 2, 3, 200), said="nothing was measured: void"),
    npy("int64.npy", coded(-5, 100000, 2147483647, -1, dtype=np.int64), LARGE),
    npy("uint64.npy", coded(4, 2**32 - 1, 6, 255, dtype=np.uint64), by_ids(4, 2**32 - 1, 6, 255)),
    npy("bool.npy", TWO.astype(bool), by_ids(0, 1), expected=TWO),
    npy("colours.npy", RGB.astype(np.int64), PAINT),
    npy("float16.npy", coded(4, 5, 6, 255, dtype=np.float16), IDS),
    Kind("frame.gif", gif, PAINT),
    pillow("grey.bmp", GREYS, IDS),
    pillow("rgb.bmp", RGB, PAINT),
    pillow("rgb.webp", RGB, PAINT, lossless=True),
    pillow("rgb.tga", RGB, PAINT),
    raw("wide.pgm", b"P5 15 12 65535\n" + WIDE.astype(">u2").tobytes(), by_ids(300, 1000, 40000, 65535), WIDE),
    pillow("grey.jp2", GREYS, IDS),
    pillow(
        "black-white.jpg",
        np.kron(TWO, np.full((7, 7), 255, np.uint8)),
        BLACK_WHITE,
        quality=60,
        expected=np.kron(TWO, np.ones((7, 7), np.uint8)),
        said="divided at 128",
        mending=Mending(threshold=128),
    ),
    pillow(
        "colours.jpg",
        np.kron(RGB, np.ones((7, 7, 1), np.uint8)),
        PAINT,
        quality=90,
        subsampling=0,
        expected=np.kron(EXPECTED, np.ones((7, 7), np.uint8)),
        said="taken for the nearest colour",
        mending=Mending(nearest=50),
    ),
]
names = [kind.name for kind in KINDS]


def loaded(folder: Path, text: str) -> class_table.ClassTable:
    (folder / "classes.toml").write_text(text)
    return class_table.load(folder / "classes.toml")


@pytest.mark.parametrize("kind", KINDS, ids=names)
def test_class_ids_and_what_is_said(tmp_path: Path, kind: Kind) -> None:
    file, remarks = tmp_path / kind.name, Remarks()
    kind.write(file)
    found = masks.class_ids(file, loaded(tmp_path, kind.table), kind.mending, remarks)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, kind.expected)
    said = [remark.text for remark in remarks.all()]
    assert len(said) == bool(kind.said) and all(kind.said in text for text in said), said


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.stored is not None], ids=lambda kind: kind.name)
def test_other_libraries_read_the_same_values(tmp_path: Path, kind: Kind) -> None:
    """GDAL reads indices and greys of few bits as stored; OpenCV gives colours as blue, green, red."""
    assert kind.stored is not None
    file = tmp_path / kind.name
    kind.write(file)
    if file.suffix == ".tif":
        np.testing.assert_array_equal(tifffile.imread(file), kind.stored)
        return
    rasterio = pytest.importorskip("rasterio")
    with rasterio.open(file) as opened:
        np.testing.assert_array_equal(np.squeeze(opened.read().transpose(1, 2, 0)), kind.stored)
    cv2 = pytest.importorskip("cv2")
    seen = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if kind.stored.ndim == 3 and kind.stored.shape[2] >= 3:
        np.testing.assert_array_equal(seen[..., [2, 1, 0, *range(3, seen.shape[2])]], kind.stored)


def test_there_are_enough_kinds() -> None:
    assert len(set(names)) == len(KINDS) >= 45
