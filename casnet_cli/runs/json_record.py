"""JSON files that are a public contract: what their models have in common, and the one way to read them."""

import json
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError

from casnet_cli.errors import RunError, reason
from casnet_cli.util.files import stays_below
from casnet_cli.util.model_faults import first_fault
from casnet_cli.util.parsing import json_of


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("should be a text")
    if "\0" in value:
        raise ValueError("should have no zero byte")
    return value


def _inside(value: object) -> str:
    path = _text(value)
    if not stays_below(path):
        raise ValueError("should lie below its folder")
    return path


Text = Annotated[str, PlainValidator(_text)]
"""A path or a name. pydantic's own check refuses file names that are no UTF-8."""

Inside = Annotated[str, PlainValidator(_inside)]
"""A path below the folder of its file."""


class Record(BaseModel):
    """Keys of a JSON object. Keys that a model does not know are kept: a newer version may have written them."""

    model_config = ConfigDict(extra="allow", strict=True, use_attribute_docstrings=True)

    def as_json(self) -> str:
        """The content of the file: keys in the order of the fields, and none that were not given."""
        return json.dumps(self.model_dump(by_alias=True, exclude_unset=True), indent=2) + "\n"


R = TypeVar("R", bound=Record)


def read_record(model: type[R], path: Path, advice: str = "") -> R:
    """The record in a JSON file. advice: what to do about a damaged one. Raises RunError, one line."""
    try:
        content = json_of(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: not readable: {reason(error)}{advice and f' ({advice})'}") from None
    return as_record(model, content, path, advice)


def as_record(model: type[R], content: object, path: Path, advice: str = "") -> R:
    """The record that `content`, parsed JSON of the file `path`, is. Raises RunError, one line."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise RunError(f"{path}: damaged: {first_fault(error)}{advice and f' ({advice})'}") from None
