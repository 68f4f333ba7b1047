#!/usr/bin/env bash
# pillow 13.0.0: in a PNG of 2 or 4 bits of grey the pixels of the transparent value stay opaque.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'pillow==13.0.0'
"$root/venv/bin/python" - <<'PROGRAM'
import io
import struct
import sys
import zlib

import PIL
from PIL import Image


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


# One row of the four greys of 2 bits, 0 1 2 3; 2 is the transparent one.
header = struct.pack(">IIBBBBB", 4, 1, 2, 0, 0, 0, 0)
row = zlib.compress(b"\0" + bytes([0b00_01_10_11]))
parts = [(b"IHDR", header), (b"tRNS", struct.pack(">H", 2)), (b"IDAT", row), (b"IEND", b"")]
content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)
with Image.open(io.BytesIO(content)) as image:
    image.load()
    greys, key = list(image.tobytes()), image.info["transparency"]
    alpha = list(image.convert("RGBA").getchannel("A").tobytes())
print(f"pillow {PIL.__version__}: greys {greys}, transparent value {key}")
print(f"opacity {alpha}, where the PNG standard makes the third pixel transparent: [255, 255, 0, 255]")
sys.exit(alpha != [255, 255, 255, 255])
PROGRAM
