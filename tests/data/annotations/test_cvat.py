"""CVAT's XML files: shapes as CVAT draws them, films, and what cannot be read."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from helpers.drawn_masks import LABELS, mask_of
from helpers.labelled_folders import folder_of, masks

from casnet_cli.data.annotations.annotated_file import AnnotatedFile
from casnet_cli.data.annotations.cvat import NOT_DRAWN, read_cvat
from casnet_cli.data.annotations.drawing import PYCOCOTOOLS, draw
from casnet_cli.data.annotations.shapes import Kind
from casnet_cli.errors import DataError
from casnet_cli.prediction.cvat_format import write_cvat

META = """<meta><task><name>t</name><labels>
<label><name>road</name><color>#ff8000</color><attributes><attribute><name>wet</name></attribute></attributes></label>
<label><name>sky &amp; sea</name><color>blue</color></label>
<label><name>tree</name></label>
<label><name>joint</name><color>#000001</color><parent>tree</parent></label>
</labels><original_size><width>6</width><height>5</height></original_size></task></meta>"""
PICTURE = '<image id="0" name="a.png" width="6" height="5">{}</image>'
CLASSES = {"sky & sea": 0, "road": 1, "tree": 2}


def cvat(folder: Path, *elements: str, meta: str = META) -> Path:
    file = folder / "annotations.xml"
    whole = f"<annotations><version>1.1</version>{meta}{''.join(elements)}</annotations>"
    file.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{whole}', encoding="utf-8")
    return file


def drawn(folder: Path, *shapes: str) -> np.ndarray:
    (picture,) = read_cvat(cvat(folder, PICTURE.format("".join(shapes)))).pictures
    return labels_of(picture.read().shapes)


def labels_of(shapes: object) -> np.ndarray:
    return draw([(one, CLASSES[one.label]) for one in shapes], 5, 6, 255, PYCOCOTOOLS).label  # type: ignore[attr-defined]


def test_polygons_boxes_and_masks(tmp_path: Path) -> None:
    polygon = '<polygon label="road" source="manual" occluded="0" points="0,0;2,0;2,2;0,2" z_order="0"></polygon>'
    box = '<box label="tree" xtl="3.00" ytl="0.00" xbr="5.00" ybr="1.00"><attribute name="wet">no</attribute></box>'
    mask = '<mask label="sky &amp; sea" rle="1, 2, 2, 1" left="2" top="2" width="3" height="2" z_order="0"></mask>'
    expected = mask_of("rr.tt.", "rr....", "...ss.", "....s.", "......")
    np.testing.assert_array_equal(drawn(tmp_path, polygon, box, mask), expected)


def test_run_lengths_go_by_rows_and_may_end_early(tmp_path: Path) -> None:
    for runs in ("0,3,3,6", "0,3,3,6,0,0", "0,2,0,1,3,6"):
        found = drawn(tmp_path, f'<mask label="road" rle="{runs}" left="1" top="1" width="3" height="4"/>')
        np.testing.assert_array_equal(found, mask_of("......", ".rrr..", "......", ".rrr..", ".rrr.."))
    short = drawn(tmp_path, '<mask label="road" rle="0,3" left="0" top="0" width="6" height="5"/>')
    np.testing.assert_array_equal(short, mask_of("rrr...", *["......"] * 4))


def test_higher_orders_lie_on_top_and_turned_boxes_on_their_equals(tmp_path: Path) -> None:
    low = '<box label="road" xtl="0" ytl="0" xbr="6" ybr="5" z_order="-1"/>'
    high = '<box label="tree" xtl="0" ytl="0" xbr="6" ybr="5" z_order="2"/>'
    turned = '<box label="sky &amp; sea" xtl="0" ytl="0" xbr="6" ybr="5" rotation="180.00" z_order="0"/>'
    plain = '<box label="tree" xtl="0" ytl="0" xbr="6" ybr="5"/>'
    assert (drawn(tmp_path, high, low) == 2).all()
    assert (drawn(tmp_path, low, plain) == 2).all()
    assert (drawn(tmp_path, turned, plain) == 0).all() and (drawn(tmp_path, plain, turned, low, high) == 2).all()


def test_a_box_turns_clockwise_about_its_centre(tmp_path: Path) -> None:
    found = drawn(tmp_path, '<box label="road" xtl="1" ytl="2" xbr="5" ybr="3" rotation="90"/>')
    np.testing.assert_array_equal(found, drawn(tmp_path, '<box label="road" xtl="2.5" ytl="0.5" xbr="3.5" ybr="4.5"/>'))


def test_an_ellipse_is_opencvs_of_whole_numbers(tmp_path: Path) -> None:
    """cv2.ellipse of centre (2, 2) and half axes (2, 1) has these pixels."""
    found = drawn(tmp_path, '<ellipse label="road" cx="2.50" cy="1.60" rx="1.70" ry="1.2" rotation="0.4"/>')
    np.testing.assert_array_equal(found, mask_of("......", "..rr..", "rrrrr.", "..rr..", "......"))


def test_what_cvat_makes_no_mask_of_is_counted_by_kind(tmp_path: Path) -> None:
    given = (
        '<polyline label="road" points="0,0;2,0"/>',
        '<points label="road" points="0,0"/>',
        '<cuboid label="tree" xtl1="0"/>',
        '<skeleton label="tree"><points label="joint" points="1,1"/></skeleton>',
        '<tag label="road"><attribute name="wet">no</attribute></tag>',
        '<box xtl="0" ytl="0" xbr="6" ybr="5"/>',
    )
    file = read_cvat(cvat(tmp_path, PICTURE.format("".join(given))))
    content = file.pictures[0].read()
    kinds = [Kind.LINE, Kind.POINT, Kind.CUBOID, Kind.SKELETON, Kind.TAG]
    assert [one.kind for one in content.left_out[NOT_DRAWN]] == kinds
    assert [(one.id, one.label) for one in content.shapes] == [("shape 6", "")] and file.annotations == 6


def test_labels_are_in_the_order_of_the_task_with_their_colours(tmp_path: Path) -> None:
    file = read_cvat(cvat(tmp_path, PICTURE.format("")))
    assert list(file.classes.items()) == [("road", (255, 128, 0)), ("sky & sea", None), ("tree", None)]
    assert not file.boxes and not file.ids and file.pictures[0].read().size == (5, 6)
    bare = read_cvat(cvat(tmp_path, PICTURE.format('<box label="b"/><box label="a"/>'), meta=""))
    assert list(bare.classes) == ["a", "b"]


def test_parts_of_a_project_are_splits_and_folders(tmp_path: Path) -> None:
    parts = ("Train", "validation", "default")
    rows = [f'<image name="x.png" subset="{part}" width="6" height="5"/>' for part in parts]
    found = read_cvat(cvat(tmp_path, *rows)).pictures
    assert [(one.name, one.split) for one in found] == [
        ("Train/x.png", "train"),
        ("validation/x.png", "val"),
        ("default/x.png", None),
    ]


def test_frames_of_a_film(tmp_path: Path) -> None:
    tracks = (
        '<track id="0" label="road"><box frame="3" outside="0" keyframe="1" xtl="0" ytl="0" xbr="6" ybr="5"/>',
        '<box frame="12" outside="1" keyframe="1" xtl="0" ytl="0" xbr="6" ybr="5"/></track>',
        '<track id="4" label="tree"><box frame="3" outside="0" xtl="0" ytl="0" xbr="1" ybr="5" z_order="-1"/></track>',
        '<track id="5" label="tree"><polyline frame="0" outside="0" points="0,0;1,1"/>',
        '<track id="6" label="joint"><points frame="9" outside="0" points="1,1"/></track></track>',
    )
    found = read_cvat(cvat(tmp_path, *tracks))
    assert [one.name for one in found.pictures] == [f"frame_{number:06d}.png" for number in (0, 3, 12)]
    assert found.pictures[0].aliases == ("frame_000000.jpg", "frame_000000.jpeg")
    contents = [one.read() for one in found.pictures]
    assert [len(one.shapes) for one in contents] == [0, 2, 0] and {one.size for one in contents} == {(5, 6)}
    assert [one.id for one in contents[1].shapes] == ["track 4", "track 0"]
    assert (labels_of(contents[1].shapes) == 1).all()


def test_casnets_own_task_is_the_masks_that_it_was_made_of(tmp_path: Path) -> None:
    given = masks()
    write_cvat(tmp_path / "task.zip", folder_of(given, tmp_path))
    with ZipFile(tmp_path / "task.zip") as archive:
        archive.extract("annotations.xml", tmp_path)
    found: AnnotatedFile = read_cvat(tmp_path / "annotations.xml")
    assert dict(found.classes) == dict(zip(LABELS.names, LABELS.palette, strict=True))
    for number, (picture, mask) in enumerate(zip(found.pictures, given, strict=True)):
        assert picture.name == f"sub/{number}.png"
        content = picture.read()
        assert content.size == mask.shape
        shapes = [(one, LABELS.names.index(one.label)) for one in content.shapes]
        np.testing.assert_array_equal(draw(shapes, *mask.shape, 255, PYCOCOTOOLS).label, mask)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ('<polygon label="road" points="0,0;2,0"/>', "2 points .at least 3"),
        ('<polygon label="road" points="0,0;2,0;3"/>', "its points are no pairs of numbers"),
        ('<polygon label="road" points="0,0,2,0;3,4"/>', "its points are no pairs of numbers"),
        ('<polygon label="road" points="0,0;2,x;3,4"/>', "its points are no pairs of numbers"),
        ('<polygon label="road" points=""/>', "its points are no pairs of numbers"),
        ('<polygon label="road"/>', "its points are no pairs of numbers"),
        ('<polygon label="road" points="0,0;1e300,2;3,4"/>', r"a coordinate of 1e\+300"),
        ('<polygon label="road" points="0,0;1,2;3,4" z_order="high"/>', "an attribute that is missing or no number"),
        ('<box label="road" xtl="0" ytl="0" xbr="6"/>', "an attribute that is missing or no number"),
        ('<box label="road" xtl="0" ytl="0" xbr="6" ybr="inf"/>', "a number that is larger than 1,000,000, or none"),
        ('<box label="road" xtl="0" ytl="0" xbr="6" ybr="5" rotation="nan"/>', "a number that is larger"),
        ('<ellipse label="road" cx="0" cy="0" rx="1e9" ry="2"/>', "a number that is larger"),
        ('<mask label="road" left="0" top="0" width="3" height="2"/>', "an attribute that is missing or no number"),
        ('<mask label="road" rle="1,x" left="0" top="0" width="3" height="2"/>', "an attribute that is missing or no"),
        ('<mask label="road" rle="1" left="4" top="0" width="3" height="2"/>', "a mask of 3x2 pixels at 4, 0 in a pic"),
        ('<mask label="road" rle="1" left="0" top="0" width="0" height="2"/>', "a mask of 0x2 pixels"),
        ('<mask label="road" rle="3,4" left="0" top="0" width="3" height="2"/>', "run lengths that do not fit 3x2"),
        ('<mask label="road" rle="-1,7" left="0" top="0" width="3" height="2"/>', "run lengths that do not fit 3x2"),
        (f'<mask label="road" rle="{"9" * 30}" left="0" top="0" width="3" height="2"/>', "an attribute that is"),
        ('<rotbox label="road"/>', "casnet does not know this kind of shape"),
    ],
)
def test_a_shape_that_cannot_be_read_is_named(tmp_path: Path, shape: str, words: str) -> None:
    good = '<tag label="road"/>'
    with pytest.raises(DataError, match=rf"annotations\.xml: a\.png: shape 2 \([a-z]+\): {words}"):
        drawn(tmp_path, good, shape)


def test_a_mask_in_a_picture_without_size(tmp_path: Path) -> None:
    file = cvat(tmp_path, '<image name="a.png"><mask label="road" rle="1"/></image>')
    with pytest.raises(DataError, match=r"a\.png: shape 1 \(mask\): its picture has no width and height"):
        read_cvat(file).pictures[0].read()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not readable XML: no element found"),
        ("<annotations><image name='a'>", "not readable XML: "),
        ("<annotations><image name='a'></annotations>", "not readable XML: mismatched tag"),
        ("{}", "not readable XML: "),
        ("<?xml version='1.0' encoding='moon'?><annotations/>", "not readable XML: unknown encoding"),
        ("<annotations/>", "lists no picture"),
        ("<annotation><object/></annotation>", "this is not a CVAT file: its root is <annotation>"),
        ("<annotations><image id='3'/></annotations>", "image 1 has no name"),
        ("<annotations><track id='3'><box outside='0'/></track></annotations>", "track 3: a box without a number of"),
        ("<annotations><image name='a' width='9999999' height='9999999'/></annotations>", "a: an image of 9999999x999"),
        ("<annotations><image name='a' width='x' height='2'/></annotations>", "a: its size, x x 2, is no number"),
        ("<!DOCTYPE a [<!ENTITY e 'x'>]><annotations><image name='&e;'/></annotations>", "declares an entity, 'e'"),
        ("<!DOCTYPE a [<!ENTITY e SYSTEM 'b.txt'>]><annotations>&e;</annotations>", "declares an entity, 'e'"),
        ("<!DOCTYPE a [<!ENTITY % e 'x'>]><annotations/>", "declares an entity, 'e'"),
    ],
)
def test_faults_of_the_file(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "c.xml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"c\.xml: {words}"):
        [one.read() for one in read_cvat(tmp_path / "c.xml").pictures]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"c\.xml: cannot be read: No such file"):
        read_cvat(tmp_path / "c.xml")
