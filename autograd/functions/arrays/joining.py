"""Functions that put arrays together and take them apart: stacks and splits."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ..creation import asarray
from ..manipulation import atleast_nd, normalize_axis, select


def hstack(tup: Sequence[Any]) -> Array:
    """Arrays side by side: along the second axis, or the only one.

    Parameters
    ----------
    tup : sequence of arrays or numbers
        Of the same shape but along that axis.

    Returns
    -------
    Array
        In the dtype that all promote to.

    Notes
    -----
    The pullback cuts the cotangent where the arrays met.

    References
    ----------
    As ``numpy.hstack``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.hstack([1.0, pb.xp.asarray([2.0, 3.0])])
    Array([1., 2., 3.], dtype=float64, device='cpu')
    """
    arrays = [atleast_nd(x, ndim=1) for x in tup]
    return generated.concat(arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1)


def vstack(tup: Sequence[Any]) -> Array:
    """Arrays above one another; vectors are rows.

    Parameters
    ----------
    tup : sequence of arrays or numbers
        Of the same shape but along the first axis.

    Returns
    -------
    Array
        In the dtype that all promote to.

    Notes
    -----
    The pullback cuts the cotangent where the arrays met.

    References
    ----------
    As ``numpy.vstack``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.vstack([pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])])
    Array([[1., 2.],
           [3., 4.]], dtype=float64, device='cpu')
    """
    return generated.concat([atleast_nd(x, ndim=2) for x in tup], axis=0)


def column_stack(tup: Sequence[Any]) -> Array:
    """Arrays side by side; vectors are columns.

    Parameters
    ----------
    tup : sequence of arrays
        Vectors (n,), and matrices (n, k).

    Returns
    -------
    Array
        (n, total), in the dtype that all promote to.

    Notes
    -----
    The pullback cuts the cotangent where the arrays met.

    References
    ----------
    As ``numpy.column_stack``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.column_stack([pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])])
    Array([[1., 3.],
           [2., 4.]], dtype=float64, device='cpu')
    """
    arrays = [asarray(x) for x in tup]
    return generated.concat(
        [x if x.ndim > 1 else generated.reshape(x, (-1, 1)) for x in arrays], axis=1
    )


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis: a number of almost equal ones, or those between given indices.

    Parameters
    ----------
    ary : array
        Of any dtype.
    indices_or_sections : int or sequence of int
        How many parts, of which the first are longer by 1 if need be; or where to cut.
    axis : int
        The axis.

    Returns
    -------
    list of Array
        Views of `ary` on NumPy and CuPy.

    Raises
    ------
    ValueError
        If there is to be no part at all.

    Notes
    -----
    The pullback puts the cotangents of the parts in their places; that of a part which is not used is 0.

    References
    ----------
    As ``numpy.array_split``.

    Examples
    --------
    >>> import pullback as pb
    >>> [part.shape for part in pb.xp.array_split(pb.xp.ones(7), 3)]
    [(3,), (2,), (2,)]
    """
    ary = asarray(ary)
    axis = operator.index(axis) % ary.ndim
    n = ary.shape[axis]
    if hasattr(indices_or_sections, "__len__"):
        cuts = [0, *(operator.index(i) for i in indices_or_sections), n]
    else:
        sections = operator.index(indices_or_sections)
        if sections < 1:
            raise ValueError(f"array_split: {sections} sections; there has to be one at least")
        size, longer = divmod(n, sections)
        cuts = [0, *itertools.accumulate(size + (i < longer) for i in range(sections))]
    before = (slice(None),) * axis
    # an index behind the end, or before the last index, makes an empty part, as in NumPy
    parts = [slice(*slice(i, j).indices(n)) for i, j in itertools.pairwise(cuts)]
    return [generated.getitem(ary, (*before, part, ...)) for part in parts]


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis: a number of equal ones, or those between given indices.

    Parameters
    ----------
    ary : array
        Of any dtype.
    indices_or_sections : int or sequence of int
        How many parts of one length; or where to cut.
    axis : int
        The axis.

    Returns
    -------
    list of Array
        Views of `ary` on NumPy and CuPy.

    Raises
    ------
    ValueError
        If the axis cannot be divided into that many equal parts.

    Notes
    -----
    The pullback puts the cotangents of the parts in their places; that of a part which is not used is 0.

    References
    ----------
    As ``numpy.split``.

    Examples
    --------
    >>> import pullback as pb
    >>> first, second = pb.xp.split(pb.xp.asarray([1.0, 2.0, 3.0, 4.0]), 2)
    >>> second
    Array([3., 4.], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.xp.split(x, 2)[1] ** 2))(pb.xp.asarray([1.0, 2.0, 3.0, 4.0]))
    Array([0., 0., 6., 8.], dtype=float64, device='cpu')
    """
    ary = asarray(ary)
    if not hasattr(indices_or_sections, "__len__") and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"split: an axis of length {ary.shape[axis]} does not divide into {indices_or_sections} equal parts; "
            "array_split makes almost equal ones"
        )
    return array_split(ary, indices_or_sections, axis)


def unstack(x: ArrayLike, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The slices of `x` along an axis; differentiable.

    Parameters
    ----------
    x
        An array of at least one dimension.
    axis : int
        The axis that is taken apart.

    Returns
    -------
    tuple of Array
        One for each index of the axis, of the other axes' shape.

    Raises
    ------
    ValueError
        If `x` does not have the axis.

    Notes
    -----
    The pullback puts the cotangents of the slices in their places; that of a slice which is not used is 0.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> x, y = pb.xp.unstack(pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    >>> y
    Array([2., 4.], dtype=float64, device='cpu')
    """
    axis = normalize_axis(backend_array(x), axis, "unstack")
    # the elements of a vector are numbers, not views without axes
    if backend_array(x).ndim == 1:
        return tuple([generated.getitem(x, i) for i in range(backend_array(x).shape[0])])
    return tuple([select(x, axis, i) for i in range(backend_array(x).shape[axis])])
