"""Files that appear whole or not at all."""

import contextlib
import os
from pathlib import Path


def write_whole(target: Path, content: bytes | str) -> None:
    """Write under another name, then take its place. Raises OSError; what was there is then as it was."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(partial, target)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
