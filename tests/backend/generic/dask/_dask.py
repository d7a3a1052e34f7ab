"""Dask arrays for tests: in chunks of several layouts, and a scheduler that counts how often it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

da = pytest.importorskip("dask.array", reason="Dask is in the extra `test`")


class Count:
    """How often graphs were computed."""

    computes = 0


@contextmanager
def counted() -> Iterator[Count]:
    """Compute serially, and count the computations."""
    import dask
    from dask.local import get_sync

    count = Count()

    def get(graph: Any, keys: Any, **settings: Any) -> Any:
        count.computes += 1
        return get_sync(graph, keys, **settings)

    with dask.config.set(scheduler=get):
        yield count


def _half(n: int) -> int:
    return max(1, (n + 1) // 2)


def tiles(x: Any) -> Any:
    """In two chunks along every axis."""
    x = np.asarray(x)
    return da.from_array(x, chunks=tuple(map(_half, x.shape)))


def rows(x: Any) -> Any:
    """In two chunks along the first axis."""
    x = np.asarray(x)
    return da.from_array(
        x, chunks=tuple(_half(n) if i == 0 else max(n, 1) for i, n in enumerate(x.shape))
    )


def one(x: Any) -> Any:
    """In one chunk."""
    return da.from_array(np.asarray(x), chunks=-1)


LAYOUTS: dict[str, Callable[[Any], Any]] = {"tiles": tiles, "rows": rows, "one": one}


def values(x: Any) -> Any:
    """NumPy's array of a result of any class."""
    return np.asarray(getattr(x, "value", x))


def same(got: Any, wanted: Any, rtol: float = 1e-9) -> None:
    """Equal trees, with equal shapes and dtypes."""
    import pullback as pb

    a, b = pb.tree.leaves(got), pb.tree.leaves(wanted)
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        x, y = values(x), values(y)
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-11)
