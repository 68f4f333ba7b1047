"""Texts of unknown origin: what is read, and what is one ValueError within a moment."""

import time
from collections.abc import Callable

import pytest

from casnet_cli.util.parsing import LARGEST, json_of, toml_of, xml_of, yaml_of


def test_what_is_read() -> None:
    assert json_of(b'{"a": [1]}') == {"a": [1]}
    assert toml_of('\ufeffa = 1\r\n[b]\nc.d = [[1.5], ["x.y.z"]]\n'.encode()) == {
        "a": 1,
        "b": {"c": {"d": [[1.5], ["x.y.z"]]}},
    }
    assert yaml_of(b"names:\n  0: road\n  1: caf\xc3\xa9\n") == {"names": {0: "road", 1: "café"}}
    root = xml_of(b"<?xml version='1.0'?><a b='1'>x<c/></a>")
    assert (root.tag, root.get("b"), root.text, [one.tag for one in root]) == ("a", "1", "x", ["c"])


@pytest.mark.parametrize(
    ("read", "data", "words"),
    [
        (json_of, b"[" * 100_000, "nested too deeply"),
        (json_of, b"9" * 5000, "digits"),
        (json_of, b"\xff", "utf-8"),
        (toml_of, b"a = " + b"[" * 100 + b"]" * 100, "nested too deeply"),
        (toml_of, b"a = " + b"[" * 100_000, "nested too deeply"),
        (toml_of, b".".join([b"a"] * 50_000) + b" = 1", "nested too deeply"),
        (toml_of, b"[" + b" . ".join([b"'a b'"] * 50_000) + b"]", "nested too deeply"),
        (toml_of, b"a" * (LARGEST + 1), "524,289 bytes"),
        (toml_of, b"a = " + b"9" * 5000, "digits"),
        (toml_of, b"\xff", "utf-8"),
        (toml_of, b"a =", "Invalid value"),
        (yaml_of, b"[" * 3000, "nest"),
        (yaml_of, b"- " * 100_000, "nested too deeply"),
        (yaml_of, b"a: &a [1]\nb: [*a, *a]", "line 2: it has an alias"),
        (yaml_of, b"a: 1" + b":59" * 80_000, "too long"),
        (yaml_of, b"a: 2001-99-99", "month"),
        (yaml_of, b"a: !!bool x", "a value that is none"),
        (yaml_of, b"a: !!timestamp x", "a value that is none"),
        (yaml_of, b"!!python/object/apply:os.getcwd []", "line 1: could not determine a constructor"),
        (yaml_of, b"? [a]\n: 3", "unhashable"),
        (xml_of, b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "declares an entity"),
        (xml_of, b"<!DOCTYPE a [<!ENTITY b SYSTEM 'c'>]><a/>", "declares an entity"),
        (xml_of, b"<a>" * 100_000, "no element found"),
        (xml_of, b"<?xml version='1.0' encoding='no'?><a/>", "unknown encoding"),
    ],
)
def test_whatever_is_wrong_is_a_value_error(read: Callable[[bytes], object], data: bytes, words: str) -> None:
    begun = time.process_time()
    with pytest.raises(ValueError, match=words):
        read(data)
    assert time.process_time() - begun < 1
