"""Every reader of bytes from outside answers whatever it is given with a result or a fault, in time and memory."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.hostile_bytes import BYTES, answers, limited
from helpers.outside_readers import READERS

from casnet_cli.runs.records import RECORDS


@pytest.mark.parametrize("name", READERS)
def test_it_answers(name: str, tmp_path: Path) -> None:
    answers(READERS[name], tmp_path, 100)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_it_answers_thousands(name: str, tmp_path: Path) -> None:
    answers(READERS[name], tmp_path, 2000)


def test_every_record_is_among_them() -> None:
    assert {"manifest.jsonl" if name == "manifest" else name for name in READERS} >= RECORDS.keys()


def test_readers_that_fail_are_found(tmp_path: Path) -> None:
    lax = replace(READERS["run.json"], read=lambda file: file.read_bytes().decode())
    with pytest.raises(UnicodeDecodeError):
        answers(lax, tmp_path, 100)
    with pytest.raises(MemoryError), limited():
        bytearray(4 * BYTES)  # a thread may give back memory meanwhile
