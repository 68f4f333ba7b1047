"""How much outside files may claim: what claims more is refused, in one line, before it is made.

`docs/reference/pictures.md` lists these limits.
"""

MAX_PIXELS = 500_000_000
"""Of a picture or mask that is read as a whole."""

MAX_BYTES = 8 * MAX_PIXELS
"""Of its values."""

MAX_BANDS = 4096
"""Of a picture."""

EXTRA_BYTES = 2 << 30
"""That a file may need beside the values of its picture; also of what standard input holds."""

MAX_PIXELS_A_BYTE = 2000
"""Of a picture that is read by windows, for each byte of its file: one that claims more is nearly empty."""

MAX_FRAME_PIXELS = 100_000_000
"""Of a frame of a video; decoders keep many frames."""

MAX_COORDINATE = 1e6
"""Of an outline, in pixels: beyond it is damage, no picture is that large."""

MAX_STEPS = 10_000_000
"""Longest outline, in pixels, that is drawn."""

SERVED_BYTES, SERVED_PIXELS = 64 << 20, 50_000_000
"""Of a picture that is sent to `casnet serve`: its file, and its pixels."""
