"""How much of outside files is believed: what claims more is refused before it is read."""

MAX_FRAME_PIXELS = 100_000_000
"""Pixels of a frame of a video; decoders keep many frames."""
