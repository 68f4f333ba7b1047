"""The JSON object of intensities, as prepared files, checkpoints and exports hold it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MOST_BANDS = 64

Number = int | float
"""A number that is written again as it was read."""

Ends = Annotated[list[Annotated[Number, Field(allow_inf_nan=False)]], Field(max_length=MOST_BANDS)]


class IntensitiesRecord(BaseModel):
    """The fields of `Intensities`; those that are missing are as for 8-bit RGB."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dtype: Annotated[str, Field(pattern=r"^(u?int(8|16|32|64)|float(16|32|64))$")] = "uint8"
    """NumPy's name of the type of the stored values."""
    bands: Annotated[list[Annotated[str, Field(max_length=1000)]], Field(min_length=1, max_length=MOST_BANDS)] = []
    """Names of the bands."""
    low: Ends = []
    """Of each band the value that becomes 0."""
    high: Ends = []
    """Of each band the value that becomes 255."""
    nodata: Number | None = None
    """Value that means that nothing was measured there."""
    chosen: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=MOST_BANDS)] | None = None
    """Numbers, from 1, of a file's bands that are taken."""
