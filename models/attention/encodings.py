"""Encodings of positions, which attention itself does not see: added to the inputs, or rotating queries and keys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import is_integer
from ...autograd.core.typing import ArrayLike, DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree
from ...autograd.pytree.tree import static
from ...backend import backend_of, current
from ..initialisation import check_sizes
from ..module import Module, state


def _rows(table: Any, x: Any, positions: ArrayLike | None, name: str) -> Any:
    """Rows (…, T, features) of a table for inputs (…, T, features): the first T, or those of these numbers."""
    length, features = table.shape
    if x.ndim < 2 or x.shape[-1] != features:
        raise ValueError(
            f"{name}: inputs of shape {tuple(x.shape)}; they have to be (…, length, {features})"
        )
    if positions is None:
        if x.shape[-2] > length:
            raise ValueError(f"{name}: {x.shape[-2]} positions, but there are rows for {length}")
        return table[: x.shape[-2], :]
    positions = _integers(positions, name, x)
    check_positions(positions, length, name)
    rows = xp.take(table, xp.reshape(positions, (-1,)), axis=0)
    return xp.reshape(rows, (*positions.shape, features))


def _integers(positions: ArrayLike, name: str, x: Any) -> Any:
    """Positions as an array; a list of numbers goes where the array `x` lies."""
    listed = isinstance(positions, list | tuple | range)
    if listed and all(isinstance(p, int | np.integer) for p in tree.leaves(list(positions))):
        positions = backend_of(backend_array(x)).asarray(np.asarray(positions, np.int64))
    positions = xp.asarray(positions)
    if not is_integer(positions.dtype):
        raise TypeError(f"{name}: positions are integers, not {positions.dtype}")
    return positions


def check_positions(positions: Any, length: int, name: str) -> None:
    """Refuse positions that have no row, where the values are on the host.

    Raises
    ------
    IndexError
        For one that is not 0 … length − 1.
    """
    values = backend_array(positions)
    if type(values) is np.ndarray and values.size:
        low, high = int(values.min()), int(values.max())
        if low < 0 or high >= length:
            raise IndexError(
                f"{name}: position {low if low < 0 else high} is not one of 0 … {length - 1}"
            )


class SinusoidalEncoding(Module):
    """``x + P`` with ``P[t, 2i] = sin(t / base^(2i/features))`` and ``P[t, 2i + 1]`` the cosine (Vaswani et al., 2017).

    Attributes
    ----------
    table : array (length, features)
        P: state, no gradient reaches it.

    Examples
    --------
    >>> import pullback as pb
    >>> encoding = pb.models.SinusoidalEncoding.init(10, 4, dtype="float64")
    >>> encoding(pb.xp.zeros((2, 4)))[0, :]
    Array([0., 1., 0., 1.], dtype=float64, device='cpu')
    """

    table: Any = state()

    @staticmethod
    def init(
        length: int, features: int, *, base: float = 10000.0, dtype: DType = "float32"
    ) -> SinusoidalEncoding:
        """The table of the first `length` positions, on the active backend.

        Parameters
        ----------
        length, features : int
            The greatest number of positions, and the length of the last axis.
        base : float
            Wavelengths go from 2π to 2π · base.
        dtype : dtype
            Of the table.

        Raises
        ------
        ValueError
            For sizes below 1 or a base that is not above 0.
        """
        check_sizes("SinusoidalEncoding.init", length=length, features=features)
        _check_base("SinusoidalEncoding.init", base)
        columns = np.arange(features)
        angles = np.arange(length)[:, None] / base ** (2 * (columns // 2) / features)
        table = np.where(columns % 2, np.cos(angles), np.sin(angles))
        return SinusoidalEncoding(current().asarray(table.astype(dtype)))

    def __call__(self, x: Value, positions: ArrayLike | None = None) -> Any:
        """``x + P``, for x (…, T, features) at the first T positions, or at these (T,) or (…, T)."""
        x = xp.asarray(x)
        table = xp.stop_gradient(self.table)
        return x + _rows(table, x, positions, "SinusoidalEncoding")


class LearnedEncoding(Module):
    """``x + W`` with a row of parameters for each position.

    Attributes
    ----------
    W : array (length, features)

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> encoding = pb.models.LearnedEncoding(np.asarray([[1.0], [2.0], [3.0]]))
    >>> encoding(np.zeros((2, 1)))[:, 0], encoding(np.zeros((1, 1)), positions=[2])[:, 0]
    (Array([1., 2.], dtype=float64, device='cpu'), Array([3.], dtype=float64, device='cpu'))
    """

    W: Any

    @staticmethod
    def init(
        length: int, features: int, *, std: float = 0.02, seed: Any = 0, dtype: DType = "float32"
    ) -> LearnedEncoding:
        """Rows drawn from a normal distribution, on the active backend.

        Parameters
        ----------
        length, features : int
            The greatest number of positions, and the length of the last axis.
        std : float
            The standard deviation; 0.02 as in GPT-2 (torch's ``Embedding`` has 1).
        seed : int or numpy.random.Generator
            What they are drawn from.
        dtype : dtype
            Of the rows.

        Raises
        ------
        ValueError
            For sizes below 1.
        """
        check_sizes("LearnedEncoding.init", length=length, features=features)
        rows = std * np.random.default_rng(seed).standard_normal((length, features))
        return LearnedEncoding(current().asarray(rows.astype(dtype)))

    def __call__(self, x: Value, positions: ArrayLike | None = None) -> Any:
        """``x + W``, for x (…, T, features) at the first T positions, or at these (T,) or (…, T)."""
        x = xp.asarray(x)
        return x + _rows(xp.asarray(self.W), x, positions, "LearnedEncoding")


def _check_base(name: str, base: float) -> None:
    if not 0 < base < math.inf:
        raise ValueError(f"{name}: base={base!r}; it has to be positive and finite")


def rotary(x: ArrayLike, positions: ArrayLike | None = None, *, base: float = 10000.0) -> Any:
    """Rotary position embedding: queries or keys rotated by angles that grow with their positions.

    The product of a query and a key then depends on the distance of their positions alone.

    Elements i and i + D/2 of a row at position t are rotated as a pair by the angle ``t / base^(2i/D)``.

    Parameters
    ----------
    x : array (…, T, D)
        D is even.
    positions : integers (T,) or (…, T), optional
        0 … T − 1 by default.
    base : float
        Wavelengths go from 2π to 2π · base.

    Returns
    -------
    Array (…, T, D)

    Raises
    ------
    ValueError
        For an odd D, or a base that is not above 0.
    TypeError
        For positions that are not integers.

    Notes
    -----
    Pairs are (i, i + D/2), as in GPT-NeoX and Llama, not (2i, 2i + 1).

    References
    ----------
    Su et al., RoFormer: enhanced transformer with rotary position embedding, 2021.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.rotary(np.asarray([[1.0, 0.0], [1.0, 0.0]]))
    Array([[1.        , 0.        ],
           [0.54030231, 0.84147098]], dtype=float64, device='cpu')
    """
    x = xp.asarray(x)
    if x.ndim < 2 or x.shape[-1] % 2:
        raise ValueError(
            f"rotary: x has shape {tuple(x.shape)}; it has to be (…, T, D) with an even D"
        )
    _check_base("rotary", base)
    half = x.shape[-1] // 2
    below = backend_array(x)
    if positions is None:
        t: Any = xp.asarray(backend_of(below).xp.arange_like(x.shape[-2], below))
    else:
        t = _integers(positions, "rotary", x)
    # in float64: next to 10⁴ numbers of float32 are 10⁻³ apart
    i = xp.astype(xp.asarray(backend_of(below).xp.arange_like(half, below)), xp.float64)
    frequencies = xp.exp(i * (-math.log(base) / max(half, 1)))
    angles = xp.expand_dims(xp.astype(t, xp.float64), axis=-1) * frequencies
    cos, sin = (xp.astype(f(angles), x.dtype) for f in (xp.cos, xp.sin))
    first, second = x[..., :half], x[..., half:]
    return xp.concat([first * cos - second * sin, second * cos + first * sin], axis=-1)


class RotaryEncoding(Module):
    """`rotary` as a layer: for x (…, T, D) with an even D, without parameters.

    Parameters
    ----------
    base : float
        Wavelengths go from 2π to 2π · base.

    Raises
    ------
    ValueError
        For a base that is not positive and finite.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.RotaryEncoding()(np.ones((1, 2)), positions=[0])
    Array([[1., 1.]], dtype=float64, device='cpu')
    """

    base: float = static(default=10000.0)

    def __post_init__(self) -> None:
        _check_base("RotaryEncoding", self.base)

    def __call__(self, x: Value, positions: ArrayLike | None = None) -> Any:
        """The rotated rows of x (…, T, D)."""
        return rotary(x, positions, base=self.base)
