#!/usr/bin/env bash
# rasterio 1.4.4: closing a dataset whose last part does not fit on the disk should raise an error, as a file of Python's
# does. It raises none where the pixels are still in GDAL's cache by then: the file is cut, and nobody is told.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'rasterio==1.4.4' 'numpy==2.1.3'
cd "$root"
"$root/venv/bin/python" - 2>/dev/null <<'PROGRAM'
import os
import resource
import signal
import sys

import numpy as np
import rasterio

values = np.random.default_rng(0).integers(0, 256, (700, 900), np.uint8)
place = {"crs": "EPSG:32632", "transform": rasterio.Affine(1, 0, 0, 0, -1, 0)}


def write(name):
    with rasterio.open(name, "w", "GTiff", 900, 700, 1, dtype="uint8", tiled=True, compress="deflate", **place) as file:
        file.write(values, 1)


def outcome(function, *given):
    try:
        function(*given)
    except Exception as error:
        return type(error).__name__
    return "no error"


write("whole.tif")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a file beyond the limit is an error, as one on a full disk is
limit = os.path.getsize("whole.tif") - 5000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
written = outcome(write, "cut.tif")
read = outcome(lambda: rasterio.open("cut.tif").read())
print(f"rasterio {rasterio.__version__}: writing a file that outgrows the disk by 5000 bytes: {written}, expected OSError")
print(f"reading it: {read}")
sys.exit((written, read) != ("no error", "RasterioIOError"))
PROGRAM
