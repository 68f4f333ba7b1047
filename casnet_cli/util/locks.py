"""Locks that keep two processes from writing to one place, on file systems that have them."""

import errno
import fcntl
from collections.abc import Callable
from typing import IO

WITHOUT = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP})
"""What `flock` fails with on a file system that has no locks: Lustre mounted without them, NFS without their server."""

WARNING = (
    "warning: this file system has no locks (flock), so nothing keeps two processes from writing to one run or output "
    "folder: start one only"
)


def lock(file: IO[str] | IO[bytes], warn: Callable[[str], object], shared: bool = False) -> None:
    """Lock an open file until it is closed. warn: gets a line where the file system has no locks; then there is none.

    shared: others may hold such a lock too. Raises BlockingIOError at once if another process holds it, OSError; the
    file is closed then.
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in WITHOUT:
            file.close()
            raise
        warn(WARNING)
