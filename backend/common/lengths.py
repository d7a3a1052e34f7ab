"""Lengths of axes, some of which may be unknown: NaN in the shape of an array, as Dask writes it."""

from __future__ import annotations

from collections.abc import Iterable

Shape = tuple[float, ...]


def unknown(lengths: Iterable[float]) -> bool:
    """Whether one of the lengths, those of a shape for instance, is unknown: NaN alone differs from itself."""
    return any(n != n for n in lengths)


def same_length(n: float, m: float) -> bool:
    """Whether two lengths are the same, as far as is known: unknown ones are taken to be."""
    return n == m or (n != n and m != m)


def same_shape(a: Shape, b: Shape) -> bool:
    """Whether two shapes are the same, as far as is known.

    Examples
    --------
    >>> from pullback.backend.common.lengths import same_shape
    >>> nan = float("nan")
    >>> same_shape((nan, 3), (nan, 3)), same_shape((nan, 3), (2, 3))
    (True, False)
    """
    return len(a) == len(b) and all(map(same_length, a, b))


def broadcasts(small: Shape, large: Shape) -> bool:
    """Whether an array of shape `small` can be broadcast to the shape `large`, as far as is known.

    Examples
    --------
    >>> from pullback.backend.common.lengths import broadcasts
    >>> broadcasts((1, 3), (5, 2, 3)), broadcasts((2,), (3,))
    (True, False)
    """
    lead = len(large) - len(small)
    return lead >= 0 and all(
        n == 1 or same_length(n, m) for n, m in zip(small, large[lead:], strict=True)
    )
