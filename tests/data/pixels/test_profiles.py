"""Colours of other profiles than sRGB's, beside the published formula of Adobe RGB (1998)."""

import io

import imagecodecs
import numpy as np
import pytest
from helpers import picture_writers as by
from helpers.picture_writers import rough
from PIL import Image, ImageCms

from casnet_cli.data.images import decode_rgb
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.pixels.picture import COLORS
from casnet_cli.data.pixels.read import info_of, read
from casnet_cli.data.pixels.take import take

ICC_TAG = 34675


def adobe_rgb() -> bytes:
    return imagecodecs.cms_profile("adobergb")


def to_srgb_by_formula(values: np.ndarray) -> np.ndarray:
    """Of Adobe RGB (1998), by its published matrix and gamma."""
    linear = (values / 255) ** (563 / 256)
    xyz = linear @ np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]]).T
    rgb = xyz @ np.array([[3.24045, -1.53714, -0.49853], [-0.96927, 1.87601, 0.04156], [0.05564, -0.20403, 1.05723]]).T
    rgb = np.clip(rgb, 0, 1)
    return 255 * np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)


def test_colours_of_another_profile_become_srgb_and_stored_values_stay() -> None:
    values, buffer = by.smooth(3), io.BytesIO()
    values[..., 1] = 120
    Image.fromarray(values).save(buffer, "PNG", icc_profile=adobe_rgb())
    content = buffer.getvalue()
    assert info_of(content).profile == "Adobe RGB (compatible)"
    assert (read(content).values == values).all()
    seen = np.asarray(decode_rgb(io.BytesIO(content)), float)
    assert np.abs(seen - to_srgb_by_formula(values)).max() <= 2
    assert np.abs(seen - values).max() > 10


def test_srgb_under_any_name_and_broken_profiles_change_nothing() -> None:
    values = rough("uint8", 3)
    for profile in (ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"none at all"):
        buffer = io.BytesIO()
        Image.fromarray(values).save(buffer, "PNG", icc_profile=profile)
        assert info_of(buffer.getvalue()).profile is None
        assert (np.asarray(decode_rgb(io.BytesIO(buffer.getvalue()))) == values).all()


def colourful() -> np.ndarray:
    values = by.smooth(3)
    values[..., 1] = 120
    return values


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_a_tiff_is_converted_in_every_layout(planar: str) -> None:
    content = by.tiff(colourful(), planarconfig=planar, iccprofile=adobe_rgb()).content
    assert np.abs(take(content, PLAIN).astype(float) - to_srgb_by_formula(colourful())).max() <= 2
    assert (read(content).values == colourful()).all()


def test_infrared_stays_no_transparency_where_there_is_a_profile() -> None:
    values = np.concatenate([colourful(), rough("uint8")], axis=-1)
    content = by.tiff(values, extrasamples=["unassalpha"], iccprofile=adobe_rgb()).content
    with pytest.raises(ValueError, match="4 bands"):
        take(content, PLAIN)


def test_the_colours_of_a_palette_are_converted() -> None:
    indices = Image.fromarray(rough("uint8")[..., 0] // 128)
    indices.putpalette([200, 120, 40, 30, 160, 90])
    buffer = io.BytesIO()
    indices.save(buffer, "PNG", icc_profile=adobe_rgb())
    colors = np.array([[200, 120, 40], [30, 160, 90]])
    expected = to_srgb_by_formula(colors)[np.asarray(indices)]
    assert np.abs(take(buffer.getvalue(), PLAIN) - expected).max() <= 2
    assert (read(buffer.getvalue()).values[..., 0] == np.asarray(indices)).all()


@pytest.mark.parametrize(("dtype", "full"), [("uint16", 65535), ("uint16", 255), ("float32", 1), ("float32", 255)])
def test_whichever_value_means_opaque_is_found(dtype: str, full: float) -> None:
    colors = rough(dtype, 3, 1000)
    alpha = np.full((18, 24, 1), full, dtype)
    alpha[:4] = 0
    content = by.tiff(np.concatenate([colors, alpha], axis=-1), extrasamples=["unassalpha"]).content
    intensities = Intensities(dtype, COLORS, (0.0,) * 3, (1000.0,) * 3)
    found = take(content, intensities)
    assert (found[4:] == colors[4:]).all() and (found[:4] == 1000).all()


def test_alpha_of_ten_bits() -> None:
    colors = rough("uint16", 3, 1023)
    alpha = np.full((18, 24, 1), 1023, np.uint16)
    content = imagecodecs.avif_encode(np.concatenate([colors, alpha], axis=-1), level=100, bitspersample=10)
    assert (take(content, Intensities("uint16", COLORS, (0.0,) * 3, (1023.0,) * 3)) == colors).all()
