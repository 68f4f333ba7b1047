"""Every error a user can cause, drawn as a tree. The command line catches `CasnetError` and nothing else.

CasnetError                 exit 2, one line a fault: `error: WHERE: what is wrong (what would be right)`
├── RecipeError             a recipe or an override; carries all faults at once
├── DataError               a raw or prepared data set
│   └── Unfit               one sample of it that cannot be used
├── RunError                a run folder, a checkpoint, a run and data that do not fit
│   └── RunBusy             a run that another process trains at the moment
├── WeightsError            pre-trained weights that are missing or foreign
├── BackendError            a back end, a runtime or devices that cannot do what an option or a recipe needs
│   ├── OutOfMemory         a step that needs more memory than there is
│   └── WorkerLost          another process of the same run is gone
└── InputError              an image or folder given to predict
"""

import os
import sys
from enum import StrEnum

BEGINNING, END = 1000, 400
"""Characters of a fault that are shown where it is longer: it may quote what a file holds."""


class CasnetError(Exception):
    """A fault the user can mend."""

    faults: tuple[str, ...]
    """One line each, `WHERE: what is wrong (what would be right)`."""

    def __init__(self, *faults: str):
        self.faults = tuple(map(_shortened, faults))
        super().__init__("\n".join(self.faults))


class RecipeError(CasnetError):
    """An unknown key, a wrong type, a value out of range, a recipe that does not exist."""


class DataError(CasnetError):
    """A data set that is missing, damaged, foreign, or not what its name promises."""


class UnfitKind(StrEnum):
    """What can make one sample of a data set unusable. `data.checks.rules.UNFIT` has a description and a remedy each.

    The values stand in the output of `casnet check --json`.
    """

    NO_LABEL = "no label"
    """An image without a label file."""
    NO_IMAGE = "no image"
    """A label file without an image."""
    UNREADABLE = "unreadable"
    """An image or label file that is missing, damaged, or of another format than its name promises."""
    SIZES = "sizes"
    """Image and label of different sizes."""
    TURNED = "turned"
    """A label as wide as its image is high: turned by a quarter."""
    VALUE = "value"
    """A label that holds an id, colour or name of no class."""
    MODE = "mode"
    """A mask of a pixel format that the table of classes does not describe, such as colours where it lists ids."""
    PALETTE = "palette"
    """A palette mask whose index means one class by its number and another one by its colour."""
    CHANGED = "changed"
    """A sample of a prepared file that is not the one that was prepared."""
    JPEG = "jpeg"
    """A mask saved as JPEG, whose compression made values of no class."""


class Unfit(DataError):
    """One sample that cannot be used."""

    kind: UnfitKind
    """What sort of fault it is."""
    what: str
    """What samples of one cause share, such as the value that is no class; may be empty."""

    def __init__(self, fault: str, kind: UnfitKind, what: str = ""):
        super().__init__(fault)
        self.kind, self.what = kind, what


class RunError(CasnetError):
    """A run without a checkpoint, a foreign checkpoint, classes of data and run that differ."""


class RunBusy(RunError):
    """Another process trains this run at the moment."""


class WeightsError(CasnetError):
    """Pre-trained weights that cannot be had or do not fit the backbone."""


class BackendError(CasnetError):
    """A back end, a runtime or devices that cannot do what an option or a recipe needs, or are not installed."""


class OutOfMemory(BackendError):
    """A step that needs more memory than the device has."""


class WorkerLost(BackendError):
    """Another process of the same run is gone."""


class InputError(CasnetError):
    """A path given on the command line that holds nothing to work on, or cannot be written."""


def _shortened(fault: str) -> str:
    return fault if len(fault) <= BEGINNING + END else f"{fault[:BEGINNING]} … {fault[-END:]}"


def reason(error: BaseException) -> str:
    """Why the system or a library failed, in one short line, without the library's own additions."""
    number = getattr(error, "errno", None)
    if number:
        return os.strerror(number)
    if type(error).__name__ == "UnidentifiedImageError":
        return "not an image that can be read"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text (save it as UTF-8)"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, ValueError) and "set_int_max_str_digits" in str(error):
        return f"a number of more than {sys.get_int_max_str_digits():,} digits"
    return (str(error) or type(error).__name__).splitlines()[0]
