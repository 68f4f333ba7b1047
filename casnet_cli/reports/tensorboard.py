"""TensorBoard events of a run: one more file `events.out.tfevents.*` in its folder each time it trains."""

import contextlib
import io
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from casnet_cli.errors import reason

if TYPE_CHECKING:
    from tensorboardX.record_writer import RecordWriter

LARGEST = 8192
"""Pixels of the longer side of a picture; larger ones are scaled down. JPEG itself ends at 65,535."""


class Events:
    """TensorBoard's events of the run in `folder`, from step number `step` (0: from the start) onwards.

    The file is opened at the first write; later steps than `step` in earlier files are then hidden. No method raises
    OSError: after the first one nothing is written any more, and `fault` is the reason.
    """

    # Not tensorboardX.SummaryWriter: on a full disk its thread dies with a traceback, and soon each write waits for
    # ever in its queue.

    def __init__(self, folder: Path, step: int):
        self.folder, self.step = folder.absolute(), step
        self.fault: str | None = None
        self._writer: RecordWriter | None = None
        self._closed = False

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Numbers by tag after step number `step`; NaN and infinity are written too."""
        self._write(step, [{"tag": tag, "simple_value": float(value)} for tag, value in values.items()])

    def picture(self, step: int, tag: str, image: Image.Image | np.ndarray) -> None:
        """A picture after step number `step`: PIL, or (H, W, 3) uint8."""
        if self._closed:
            return
        picture = (image if isinstance(image, Image.Image) else Image.fromarray(image)).convert("RGB")
        picture.thumbnail((LARGEST, LARGEST))
        encoded = io.BytesIO()
        # A third of a PNG's bytes, and encoded some twenty times faster; of the quality of the run's sample pictures.
        picture.save(encoded, "JPEG", quality=92, subsampling=0)
        shown = {
            "width": picture.width,
            "height": picture.height,
            "colorspace": 3,
            "encoded_image_string": encoded.getvalue(),
        }
        self._write(step, [{"tag": tag, "image": shown}])

    def flush(self) -> None:
        """Put on disk what was written so far."""
        with self._silenced():
            if self._writer:
                self._writer.flush()

    def close(self) -> None:
        """Put everything on disk and end; later writes do nothing."""
        self.flush()
        self._end()

    def _write(self, step: int, values: list[dict[str, object]]) -> None:
        if self._closed:
            return
        from tensorboardX.proto.event_pb2 import Event

        event = Event(wall_time=time.time(), step=step, summary={"value": values})
        with self._silenced():
            self._writer = self._writer or self._opened()
            self._writer.write(event.SerializeToString())

    def _opened(self) -> "RecordWriter":
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.record_writer import RecordWriter

        now = time.time()
        # TensorBoard reads the files of a folder in the order of their names; the microseconds and the process keep
        # two of one second apart.
        name = f"events.out.tfevents.{now:.6f}.{socket.gethostname()}.{os.getpid()}"
        writer = RecordWriter(str(self.folder / name))
        # At once, so that an error in what follows finds a file to close.
        self._writer = writer
        writer.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
        # Hides this step and all after it. A run that begins anew in a used folder hides everything.
        hidden = self.step + 1 if self.step else 0
        start = SessionLog(status=SessionLog.START)
        writer.write(Event(wall_time=now, step=hidden, session_log=start).SerializeToString())
        return writer

    @contextlib.contextmanager
    def _silenced(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.fault = f"{self.folder}: no more TensorBoard events: {reason(error)}"
            self._end()

    def _end(self) -> None:
        writer, self._writer, self._closed = self._writer, None, True
        if writer:
            with contextlib.suppress(OSError):
                writer.close()
