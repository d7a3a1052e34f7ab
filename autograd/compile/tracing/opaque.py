"""Functions that `pb.compile` records as one operation, without a look into them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def opaque(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of raw arrays as one operation of a recording, run anew at each replay.

    For what branches on values or reads them on the host, such as an iteration until it converges: within a recorded
    operation that is allowed. The shapes and dtypes of its results may not depend on values; results that are no
    arrays can be passed to other such functions alone.

    Parameters
    ----------
    f : callable
        Of raw arrays (or lists, tuples and dicts of them) and settings; does not change its arguments.

    Returns
    -------
    callable
        The same function.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.autograd.compile.tracing.opaque import opaque
    >>> @opaque
    ... def halved(x):
    ...     while abs(x).max() > 1:
    ...         x = x / 2
    ...     return x
    >>> compiled = pb.compile(halved, fast=False)
    >>> compiled(np.asarray([1.0, 3.0])), compiled(np.asarray([1.0, 8.0]))
    (array([0.25, 0.75]), array([0.125, 1.   ]))
    """

    @functools.wraps(f)
    def call(*args: Any, **settings: Any) -> Any:
        recorder = _recorder((args, settings))
        if recorder is None:
            return f(*args, **settings)
        return recorder.record(getattr(f, "__name__", "f"), f, args, settings)

    return call


def _recorder(x: Any) -> Any:
    """The innermost recording that something in `x` belongs to."""
    if isinstance(x, tuple | list | dict):
        parts = x.values() if isinstance(x, dict) else x
        found = [r for part in parts if (r := _recorder(part)) is not None]
        return max(found, key=lambda r: r.depth, default=None)
    return getattr(x, "recorder", None) if hasattr(x, "real_value") else None
