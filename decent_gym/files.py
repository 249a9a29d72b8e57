"""Opening files that may be anybody's: a folder from a stranger may hold what only looks like one.

Opening a named pipe waits for a writer that never comes, and a device never ends; both can be
called ``segment-000000.dgl``.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file for reading bytes; a link to one is followed.

    Raises
    ------
    OSError
        There is none, or it is a folder, a pipe, a socket or a device.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_WAITING)
    except ValueError:  # a zero byte
        raise OSError(errno.EINVAL, "no file can have such a name", os.fspath(path)) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file", os.fspath(path))
    return os.fdopen(descriptor, "rb")


_NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
