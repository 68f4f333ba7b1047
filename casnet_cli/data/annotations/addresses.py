"""Names of pictures in the addresses that labelling tools give them."""

import base64
import binascii
import re
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the names of uploaded files."""


def picture_names(address: str) -> tuple[str, ...]:
    """Paths or names to look for, the likeliest first.

    An address may be a path, `https://` and the like with a query, `/data/local-files/?d=` and a path, or
    `/data/upload/3/` and a name that begins with eight hexadecimal digits and a dash; blanks may be `%20`.
    """
    path = _path(address)
    bare = UPLOADED.sub("", PurePosixPath(path).name)
    names = [path, bare] if "?" in address else [path, address, bare]
    return tuple(dict.fromkeys(name for name in names if name))


def _path(address: str) -> str:
    try:
        parts = urlsplit(address)
        query = parse_qs(parts.query)
        if "d" in query and parts.path.rstrip("/").endswith("local-files"):
            return query["d"][0]
        if "fileuri" in query:
            inner = base64.urlsafe_b64decode(query["fileuri"][0]).decode()
            return unquote(urlsplit(inner).path)
    except (ValueError, binascii.Error):
        return address
    return unquote(parts.path)
