"""`pb.random`: random arrays from explicit keys, the same numbers on every backend.

A key is an array of two words uint32. A function that draws takes one, and gives the same for the same key: in the
forward pass and when a `checkpoint` runs it again, on a CPU and on a GPU. For fresh numbers, `split` a key and use each
part once; a compiled step that gets its key as an argument draws anew in every call. There is no hidden state anywhere.

The bits are Threefry-2x32's with 20 rounds: Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3,
2011.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import current
from ..core.array import Array, backend_array
from ..core.namespaces import namespace_of
from ..core.typing import ArrayLike, DType
from . import namespace as xp

__all__ = [
    "bernoulli",
    "bits",
    "categorical",
    "fold_in",
    "key",
    "normal",
    "permutation",
    "randint",
    "split",
    "stream",
    "uniform",
]

UINT32, INT64 = np.dtype("uint32"), np.dtype("int64")
_FLOATS = (np.dtype("float32"), np.dtype("float64"))


def key(seed: int) -> Array:
    """The key of a seed, on the active backend.

    Parameters
    ----------
    seed : int
        0 ≤ seed < 2⁶⁴.

    Returns
    -------
    Array, uint32 (2,)

    Raises
    ------
    ValueError
        If the seed is no such integer.

    Notes
    -----
    It is the seed's two words, the high one first. It carries no derivative.

    References
    ----------
    Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.random.key(7)
    Array([0, 7], dtype=uint32, device='cpu')
    """
    try:
        number = operator.index(seed)
    except TypeError:
        raise ValueError(f"random.key: seed={seed!r}; it has to be an integer") from None
    if not 0 <= number < 1 << 64:
        raise ValueError(f"random.key: seed={seed!r}; it has to be from 0 up to 2**64 − 1")
    return Array(current().asarray(np.asarray([number >> 32, number & 0xFFFFFFFF], np.uint32)))


def _key(given: Any, name: str) -> Any:
    """The words of a key, as an array of the backend.

    Raises
    ------
    TypeError
        If it is none.
    """
    words = backend_array(given)
    if tuple(getattr(words, "shape", (0,))) != (2,) or "uint32" not in str(
        getattr(words, "dtype", "")
    ):
        raise TypeError(
            f"random.{name}: key={given!r} is no key, an array uint32 of shape (2,); make one by pb.random.key(seed)"
        )
    return words


def _shape(shape: Any, name: str) -> tuple[int, ...]:
    sizes = tuple(shape) if np.iterable(shape) else (shape,)
    if any(not isinstance(n, int | np.integer) or n < 0 for n in sizes):
        raise ValueError(f"random.{name}: shape={shape!r}; it has to be integers of at least 0")
    return tuple(int(n) for n in sizes)


def bits(key: Any, shape: Any = ()) -> Array:
    """Words of 32 drawn bits.

    Parameters
    ----------
    key : array uint32 (2,)
    shape : int or tuple of int

    Returns
    -------
    Array, uint32

    Notes
    -----
    Threefry-2x32 with 20 rounds, of the key and a counter. Integers carry no derivative.

    References
    ----------
    Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011.

    Examples
    --------
    The published test vector for a key and a counter of zeros:

    >>> import pullback as pb
    >>> [hex(int(word)) for word in pb.random.bits(pb.random.key(0), 2)]
    ['0x6b200159', '0x99ba4efe']
    """
    words, sizes = _key(key, "bits"), _shape(shape, "bits")
    return xp.reshape(Array(namespace_of(words).random_bits(words, math.prod(sizes))), sizes)


def split(key: Any, n: int = 2) -> tuple[Array, ...]:
    """n keys, each of which draws what no other one draws.

    Parameters
    ----------
    key : array uint32 (2,)
        Not to be used again.
    n : int

    Returns
    -------
    tuple of n arrays uint32 (2,)

    Notes
    -----
    Part i is made of the words i and n + i that `bits` draws from the key. Keys carry no derivative.

    Examples
    --------
    >>> import pullback as pb
    >>> first, second = pb.random.split(pb.random.key(0))
    >>> bool(pb.random.bits(first) == pb.random.bits(second))
    False
    """
    words = bits(key, (2, n))
    return tuple(words[:, i] for i in range(n))


def fold_in(key: Any, number: Any) -> Array:
    """The key for step `number` of what `key` is for.

    Parameters
    ----------
    key : array uint32 (2,)
    number : int or integer array (), 0 ≤ number < 2³²

    Returns
    -------
    Array, uint32 (2,)

    Raises
    ------
    TypeError, ValueError
        If the number is no integer, not one alone, or outside its range (which is not read from an array).

    Notes
    -----
    `number` may be traced by `pb.compile`, so that a compiled loop has another key in each step.

    Examples
    --------
    >>> import pullback as pb
    >>> key = pb.random.key(0)
    >>> masks = [pb.random.bernoulli(pb.random.fold_in(key, step), 0.5, 8) for step in range(3)]
    """
    words = _key(key, "fold_in")
    if isinstance(number, np.generic) or not hasattr(number, "shape"):
        count = operator.index(number)
        if not 0 <= count < 1 << 32:
            raise ValueError(f"random.fold_in: number={count}; it has to be from 0 up to 2**32 − 1")
        mark: Any = namespace_of(words).full_like(words[:1], count)
    elif tuple(number.shape) != () or "int" not in str(number.dtype):
        raise TypeError(
            f"random.fold_in: number has shape {tuple(number.shape)}, dtype {number.dtype}; one integer is needed"
        )
    else:
        mark = number
    mark = xp.broadcast_to(xp.astype(xp.asarray(mark), UINT32), (2,))
    return bits(xp.bitwise_xor(Array(words), mark * 0x9E3779B9 + 1), 2)


def uniform(
    key: Any, shape: Any = (), *, low: Any = 0.0, high: Any = 1.0, dtype: DType = "float64"
) -> Array:
    """Numbers from the uniform distribution on [low, high); `high` itself only where rounding leads there.

    Parameters
    ----------
    key : array uint32 (2,)
    shape : int or tuple of int
    low, high : float or array
        Differentiable: low + (high − low) u.
    dtype : {"float32", "float64"}

    Returns
    -------
    Array
        Of the shape, broadcast with `low` and `high`.

    Raises
    ------
    TypeError, ValueError
        If the key is none, or the shape or the dtype is no such.

    Notes
    -----
    The pullback, with the cotangent ct of the result: low_bar = Σ (1 − u) · ct, high_bar = Σ u · ct. The numbers u are
    multiples of 2⁻⁵³ (float64) or 2⁻²⁴ (float32).

    Examples
    --------
    >>> import pullback as pb
    >>> u = pb.random.uniform(pb.random.key(0), 1000)
    >>> bool(pb.xp.all((u >= 0) & (u < 1)))
    True
    """
    u = _unit(key, _shape(shape, "uniform"), _floating(dtype, "uniform"), "uniform")
    if type(low) is float and type(high) is float and (low, high) == (0.0, 1.0):
        return u
    return low + (high - low) * u


def _floating(dtype: DType, name: str) -> np.dtype:
    found = np.dtype(dtype)
    if found not in _FLOATS:
        raise ValueError(f"random.{name}: dtype={dtype!r}; there are float32 and float64")
    return found


def _unit(key: Any, shape: tuple[int, ...], dtype: np.dtype, name: str) -> Array:
    """Multiples of 2⁻²⁴ (float32) or 2⁻⁵³ (float64) in [0, 1)."""
    words = _key(key, name)
    n = math.prod(shape)
    raw_xp = namespace_of(words)
    if dtype == np.float32:
        drawn = raw_xp.random_bits(words, n)
        top = raw_xp.bitwise_right_shift(drawn, raw_xp.full_like(words[:1], 8))
        return xp.reshape(Array(raw_xp.astype(top, dtype) * 2.0**-24), shape)
    drawn = raw_xp.random_bits(words, 2 * n)
    high = raw_xp.bitwise_right_shift(drawn[:n], raw_xp.full_like(words[:1], 5))
    low = raw_xp.bitwise_right_shift(drawn[n:], raw_xp.full_like(words[:1], 6))
    u = (raw_xp.astype(high, dtype) * 2.0**26 + raw_xp.astype(low, dtype)) * 2.0**-53
    return xp.reshape(Array(u), shape)


def normal(
    key: Any, shape: Any = (), *, loc: Any = 0.0, scale: Any = 1.0, dtype: DType = "float64"
) -> Array:
    """Numbers from the normal distribution with mean `loc` and standard deviation `scale`.

    Parameters
    ----------
    key : array uint32 (2,)
    shape : int or tuple of int
    loc, scale : float or array
        Differentiable: loc + scale z.
    dtype : {"float32", "float64"}

    Returns
    -------
    Array
        Of the shape, broadcast with `loc` and `scale`.

    Raises
    ------
    TypeError, ValueError
        If the key is none, or the shape or the dtype is no such.

    Notes
    -----
    Two uniform numbers make two normal ones: √(−2 log u) cos 2πv and √(−2 log u) sin 2πv. The pullback, with the
    cotangent ct of the result: loc_bar = Σ ct, scale_bar = Σ z · ct.

    References
    ----------
    Box and Muller, A note on the generation of random normal deviates, 1958.

    Examples
    --------
    >>> import pullback as pb
    >>> z = pb.random.normal(pb.random.key(0), 10000)
    >>> bool(abs(pb.xp.mean(z)) < 0.03), bool(abs(pb.xp.std(z) - 1) < 0.03)
    (True, True)
    """
    sizes, float_dtype = _shape(shape, "normal"), _floating(dtype, "normal")
    n = math.prod(sizes)
    half = (n + 1) // 2
    u = _unit(key, (2, half), float_dtype, "normal")
    # 1 − u is never 0
    radius, angle = xp.sqrt(-2.0 * xp.log1p(-u[0, :])), (2 * math.pi) * u[1, :]
    z = xp.reshape(xp.concat([radius * xp.cos(angle), radius * xp.sin(angle)])[:n], sizes)
    if type(loc) is float and type(scale) is float and (loc, scale) == (0.0, 1.0):
        return z
    return loc + scale * z


def bernoulli(key: Any, p: Any = 0.5, shape: Any = None) -> Array:
    """Truth values, each True with probability `p`.

    Parameters
    ----------
    key : array uint32 (2,)
    p : float or array
        Carries no derivative.
    shape : int or tuple of int, optional
        Of `p` where it is not given.

    Returns
    -------
    Array, bool

    Raises
    ------
    ValueError
        For a number p outside [0, 1].

    Notes
    -----
    Each is u < p with a uniform u in float32 of multiples of 2⁻²⁴.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.random.bernoulli(pb.random.key(0), 0.0, 3)
    Array([False, False, False], dtype=bool, device='cpu')
    """
    if isinstance(p, int | float) and not 0 <= p <= 1:
        raise ValueError(f"random.bernoulli: p={p!r}; a probability is from 0 to 1")
    given = backend_array(p)
    sizes = tuple(getattr(given, "shape", ())) if shape is None else _shape(shape, "bernoulli")
    if type(p) in (int, float):
        # the same as with a number u, without making it
        words = bits(key, sizes)
        multiples = math.ceil(float(np.float32(p)) * 2**24)
        return words < 0 if multiples == 0 else words <= multiples * 2**8 - 1
    threshold = Array(given) if hasattr(given, "shape") else given
    return _unit(key, sizes, _FLOATS[0], "bernoulli") < threshold


def randint(key: Any, low: int, high: int, shape: Any = ()) -> Array:
    """Integers from low up to high − 1, each as probable as any other up to 2⁻³² (high − low).

    Parameters
    ----------
    key : array uint32 (2,)
    low, high : int
        low < high, high − low < 2³¹.
    shape : int or tuple of int

    Returns
    -------
    Array, int64

    Raises
    ------
    ValueError
        If there is no integer between, or too many.

    Notes
    -----
    low + ⌊u · (high − low)⌋ with a uniform u in float64. Integers carry no derivative.

    Examples
    --------
    >>> import pullback as pb
    >>> sorted(set(pb.to_numpy(pb.random.randint(pb.random.key(0), 3, 6, 100)).tolist()))
    [3, 4, 5]
    """
    count = operator.index(high) - operator.index(low)
    if not 0 < count < 1 << 31:
        raise ValueError(
            f"random.randint: from {low} up to {high}; it takes low < high, fewer than 2**31 apart"
        )
    u = uniform(key, shape)
    return xp.astype(xp.floor(u * float(count)), INT64) + low


def permutation(key: Any, n: int) -> Array:
    """The integers 0 … n − 1 in a drawn order.

    Parameters
    ----------
    key : array uint32 (2,)
    n : int

    Returns
    -------
    Array, int64 (n,)

    Notes
    -----
    The order that sorts n uniform numbers. Integers carry no derivative: ``x[permutation(key, n)]`` has one by x.

    Examples
    --------
    >>> import pullback as pb
    >>> sorted(pb.to_numpy(pb.random.permutation(pb.random.key(0), 5)).tolist())
    [0, 1, 2, 3, 4]
    """
    return xp.astype(xp.argsort(uniform(key, _shape(operator.index(n), "permutation"))), INT64)


def categorical(key: Any, logits: ArrayLike, *, axis: int = -1) -> Array:
    """Class numbers drawn with the probabilities softmax(logits).

    Parameters
    ----------
    key : array uint32 (2,)
    logits : array (…, C)
        Carries no derivative.
    axis : int
        Of the classes.

    Returns
    -------
    Array, integers (…)

    Notes
    -----
    The index of the largest of logits + g with g from Gumbel's distribution, −log(−log u) (Gumbel, Statistical theory
    of extreme values and some practical applications, 1954; Maddison, Tarlow and Minka, A* sampling, 2014).

    Examples
    --------
    >>> import pullback as pb
    >>> pb.random.categorical(pb.random.key(0), pb.asarray([[0.0, -1e9], [-1e9, 0.0]]))
    Array([0, 1], dtype=int64, device='cpu')
    """
    values = xp.asarray(backend_array(logits))
    if values.dtype not in _FLOATS:
        raise TypeError(
            f"random.categorical: logits have dtype {values.dtype}; float32 or float64 is needed"
        )
    u = _unit(key, tuple(values.shape), values.dtype, "categorical")
    # 0 would win against any logit
    least = 2.0**-25 if values.dtype == np.float32 else 2.0**-54
    u = xp.maximum(u, least)
    return xp.argmax(values - xp.log(-xp.log1p(-u)), axis=axis)


def stream(seed: int) -> Callable[[], Array]:
    """A function that gives another key with each call, for loops that are not compiled.

    Parameters
    ----------
    seed : int
        0 ≤ seed < 2⁶⁴, as for `key`.

    Returns
    -------
    callable
        ``next_key() -> key``; call k gives ``fold_in(key(seed), k)``. A compiled function would draw the same for
        ever: it takes its key as an argument.

    Examples
    --------
    >>> import pullback as pb
    >>> keys = pb.random.stream(0)
    >>> bool(pb.xp.all(keys() == keys()))
    False
    """
    first = key(seed)
    count = iter(range(1 << 32))
    return lambda: fold_in(first, next(count))


def __dir__() -> list[str]:
    return sorted(__all__)
