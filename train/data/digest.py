"""A short text that tells whether data are the same as before."""

from __future__ import annotations

import hashlib

import numpy as np

from ... import backend
from ...autograd.core.dtypes import as_numpy
from ...autograd.core.typing import PyTree
from ...autograd.pytree import tree
from .mapped import release

# Arrays of more bytes are read at so many rows only: a checkpoint is not to read 100 GB.
_WHOLE = 1 << 26
_ROWS = 256


def digest(data: PyTree) -> str:
    """A digest of raw arrays: of all their bytes, or of 256 rows each where an array has more than 64 MiB.

    Parameters
    ----------
    data : pytree of raw arrays
        On any device.

    Returns
    -------
    str
        16 hexadecimal digits; other names, shapes, dtypes or numbers give others.

    Examples
    --------
    >>> import numpy as np
    >>> digest(np.zeros(3)) == digest(np.zeros(3)), digest(np.zeros(3)) == digest(np.ones(3))
    (True, False)
    """
    found = hashlib.blake2b(digest_size=8)
    for name, leaf in zip(tree.paths(data), tree.leaves(data), strict=True):
        dtype = as_numpy(leaf.dtype)
        found.update(f"{name} {tuple(leaf.shape)} {dtype}".encode())
        n = leaf.shape[0] if leaf.ndim else 0
        if int(np.prod(leaf.shape)) * dtype.itemsize <= _WHOLE or n <= _ROWS:
            parts = [leaf]
        else:
            rows = np.linspace(0, n - 1, _ROWS).astype(np.int64).tolist()
            parts = [leaf[i : i + 1, ...] for i in rows]
        for part in parts:
            found.update(
                np.ascontiguousarray(backend.to_numpy(part)).reshape(-1).view(np.uint8).data
            )
            release(part)
    return found.hexdigest()
