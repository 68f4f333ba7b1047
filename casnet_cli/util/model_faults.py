"""What is wrong with a record from outside, in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


def first_fault(error: "ValidationError") -> str:
    """The first fault that a model of pydantic found: `images.0 should be a valid integer`."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"])) or "its content"
    if first["type"] == "missing":
        return f"{key} is missing"
    if first["type"] in ("model_type", "dict_type"):  # pydantic's words name the Python class
        return f"{key} should be an object of keys and values"
    words = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{key} {words if words.startswith('should') else f'is wrong: {words}'}"
