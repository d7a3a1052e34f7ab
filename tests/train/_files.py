"""Helpers of `test_files.py` and the test files split from it."""

from __future__ import annotations

import errno
import os

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def failing(error):
    def fail(*_, **__):
        raise error

    return fail
