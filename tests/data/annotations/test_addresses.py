"""Names of pictures in the addresses that labelling tools give them."""

import base64

import pytest

from casnet_cli.data.annotations.addresses import picture_names

HIDDEN = base64.urlsafe_b64encode(b"s3://bucket/sub/a%20b.png").decode()


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("a.png", ("a.png",)),
        ("sub/a b#1.png", ("sub/a b", "sub/a b#1.png", "a b")),
        ("/data/upload/2/0a1b2c3d-a.png", ("/data/upload/2/0a1b2c3d-a.png", "a.png")),
        ("/data/upload/2/0a1b2c3d-a%20b.png", ("/data/upload/2/0a1b2c3d-a b.png",)),
        ("/data/local-files/?d=photos/sub/a%20b.png", ("photos/sub/a b.png", "a b.png")),
        ("s3://bucket/sub/a b.png", ("/sub/a b.png", "s3://bucket/sub/a b.png", "a b.png")),
        ("https://host/sub/a%20b.png?token=x/y.png", ("/sub/a b.png", "a b.png")),
        (f"/tasks/1/resolve/?fileuri={HIDDEN}", ("/sub/a b.png", "a b.png")),
        ("C:\\sub\\a.png", ("\\sub\\a.png", "C:\\sub\\a.png")),
        ("http://[", ("http://[",)),
        ("?fileuri=%ff", ()),
    ],
)
def test_names(address: str, names: tuple[str, ...]) -> None:
    assert picture_names(address)[: len(names)] == names
