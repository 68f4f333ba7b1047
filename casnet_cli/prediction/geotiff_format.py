"""Predictions as GeoTIFF, for programs that lay pictures on a map: where their picture lies, at its size.

The mask holds class ids, 255 where there is no class, declared as no data, with the classes' colours as its colour
table. A TIFF has no place for names of values: they are tags of the band, `class_0`, `class_1`, …, for programs, and
category names in the file `.tif.aux.xml` beside it, which GDAL and QGIS read with the picture. The difficulty is 0..255
as in the PNG; the scale of its band is 1/255.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np

from casnet_cli.data.pixels.picture import Georeference, PictureInfo
from casnet_cli.labels import VOID
from casnet_cli.util.extras import install
from casnet_cli.util.files import unfinished, write_whole
from casnet_cli.util.mapped_array import strips

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

    from casnet_cli.prediction.output_kinds import LabelledPicture

BLOCK = 256
"""Rows and columns of a tile of the file."""

GDAL_CACHE = 64 << 20
"""Bytes of pixels that GDAL keeps; by itself it would take a share of all memory."""

TIFF, JPEG_2000 = "TIFF", "JPEG 2000"
"""Formats of pictures that may lie on the earth."""

DRIVERS = {TIFF: "GTiff", JPEG_2000: "JP2OpenJPEG"}
"""GDAL's readers of them; others would follow names in a file to further files and addresses."""


def available() -> bool:
    """Whether GeoTIFFs can be written: the extra `geo` is installed."""
    return find_spec("rasterio") is not None


def missing() -> str:
    """What is missing where `available` is False, and the command that installs it."""
    return f"GeoTIFFs need rasterio ({install('geo')})"


def located(file: Path, info: PictureInfo) -> Georeference | None:
    """Where a file lies: as GDAL reads it, if it is there, which knows more reference systems than TIFF's tags have,
    and the boxes of JPEG 2000; else by its facts."""
    found = info.georeference
    may_lie_on_earth = found is not None or info.format == JPEG_2000
    if not (may_lie_on_earth and available() and file.is_file()):
        return found
    import rasterio

    try:
        with quiet(), open_by_gdal(file, info.format) as dataset:
            crs, transform = dataset.crs, dataset.transform
    except Exception:  # GDAL's own classes too: then the tags count
        return found
    if transform.is_identity:
        return found
    named = ":".join(crs.to_authority() or ()) if crs else ""
    exact = bool(named) and rasterio.crs.CRS.from_user_input(named) == crs
    return Georeference(named if exact else crs.to_wkt() if crs else "", tuple(transform)[:6])


def open_by_gdal(file: Path, form: str) -> "DatasetReader":
    """The dataset of a file, to be read. form: a key of `DRIVERS`. Raises OSError."""
    import rasterio

    # A relative name might begin as GDAL's names of other things do.
    return rasterio.open(os.path.abspath(file), driver=DRIVERS[form])


def gdal_reason(error: BaseException) -> str:
    """Why GDAL failed, in one line; its errors carry numbers of their own, which are none of the system's."""
    return str(error.__cause__ or error).splitlines()[0]


@contextmanager
def quiet() -> Iterator[None]:
    """Without rasterio's warning of pictures that lie nowhere, and with a small cache of pixels."""
    import rasterio

    with warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE):
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        yield


def write_geotiff(file: Path, picture: "LabelledPicture") -> None:
    """The class ids of the mask. Raises OSError."""
    names, colors = picture.labels.names, picture.labels.palette

    def describe(dataset: Any) -> None:
        dataset.write_colormap(1, {index: tuple(color) for index, color in enumerate(colors)})
        dataset.set_band_description(1, "class")
        dataset.update_tags(1, **{f"class_{index}": name for index, name in enumerate(names)})

    _write(file, picture.result.mask, picture.georeference, describe, nodata=VOID)


def write_difficulty(file: Path, picture: "LabelledPicture") -> None:
    """The difficulty, 255 = surely difficult. Raises OSError."""

    def describe(dataset: Any) -> None:
        dataset.scales = (1 / 255,)
        dataset.set_band_description(1, "difficulty")

    _write(file, picture.result.difficulty, picture.georeference, describe)


def write_category_names(file: Path, picture: "LabelledPicture") -> None:
    """The names of the mask's values, as GDAL keeps them beside a file that has no place for them. Raises OSError."""
    categories = "\n".join(f"      <Category>{escape(name)}</Category>" for name in picture.labels.names)
    write_whole(
        file,
        '<PAMDataset>\n  <PAMRasterBand band="1">\n    <CategoryNames>\n'
        f"{categories}\n    </CategoryNames>\n  </PAMRasterBand>\n</PAMDataset>\n",
    )


def _write(
    file: Path,
    values: np.ndarray,
    georeference: Georeference | None,
    describe: Callable[[Any], None],
    nodata: int | None = None,
) -> None:
    """(H, W) uint8 as a tiled, compressed TIFF of one band, some rows at a time. Raises OSError."""
    import rasterio

    height, width = values.shape
    form = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": height, "width": width, "nodata": nodata}
    stored = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "BIGTIFF": "IF_SAFER"}
    try:
        place = _placed(georeference)
        with unfinished(file) as partial, quiet(), rasterio.open(partial, "w", **form, **stored, **place) as dataset:
            describe(dataset)  # before the first pixels: later GDAL would write a file beside for it
            for top, rows in strips(values, BLOCK):
                dataset.write(rows, 1, window=((top, top + len(rows)), (0, width)))
            expected = _band_facts(dataset)
            dataset.close()
            _check(partial, values, expected)
    except Exception as error:  # some of GDAL's are no OSError
        if isinstance(error, OSError) and not isinstance(error, rasterio.errors.RasterioError):
            raise
        raise OSError(f"GDAL cannot finish it, as where a disk is full ({gdal_reason(error)})") from None


def _band_facts(dataset: Any) -> tuple[object, ...]:
    """What a file says of its band beside the pixels."""
    return dataset.nodata, dataset.descriptions, dataset.scales, dataset.tags(1)


def _check(file: Path, values: np.ndarray, expected: tuple[object, ...]) -> None:
    """Raises OSError for a file that is not as it was written: where a disk is full GDAL may cut it without a word."""
    with open_by_gdal(file, TIFF) as found:
        whole = _band_facts(found) == expected
        for top, rows in strips(values, BLOCK):
            whole = whole and np.array_equal(found.read(1, window=((top, top + len(rows)), (0, rows.shape[1]))), rows)
    if not whole:
        raise OSError("it is cut, as where a disk is full")


def _placed(georeference: Georeference | None) -> dict[str, Any]:
    """As rasterio takes it. Raises OSError."""
    if georeference is None:
        return {}
    from rasterio.crs import CRS
    from rasterio.errors import CRSError
    from rasterio.transform import Affine

    try:
        crs = CRS.from_user_input(georeference.crs) if georeference.crs else None
    except CRSError as error:
        raise OSError(f"GDAL does not know its coordinate reference system ({gdal_reason(error)})") from None
    return {"crs": crs, "transform": Affine(*georeference.transform)}
