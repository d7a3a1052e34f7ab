"""`pullback.scipy.signal`: convolutions, correlations and linear filters with SciPy's signatures, differentiable.

Convolutions of any dimension are products of Fourier transforms, or, where that is less work, sums of shifted products;
both are linear in each argument, so that their derivatives are correlations. A linear filter

    a[0] y[n] = Σ_k b[k] x[n−k] − Σ_{k≥1} a[k] y[n−k]

has as its adjoint the same filter run backwards: x̄ is the filtered reversed cotangent, reversed. With w the cotangent
filtered so by 1/a alone, b̄[k] = Σ_n w[n] x[n−k] and ā[k] = −Σ_n w[n] y[n−k].
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..core.array import Array
from ..core.defvjp import function_of
from ..core.defvjp import library_defvjp as defvjp
from ..core.dtypes import is_complex
from ..core.generated import xp as generated
from ..core.namespaces import namespace_of
from ..core.registry import attach_kernel, find
from ..core.typing import XP, ArrayLike, Cotangent, RawArray, Value
from ..functions.creation import zeros_on_device_of
from .operands import floating_arrays, on_constants

__all__ = [
    "convolve", "convolve2d", "correlate", "correlate2d", "detrend", "fftconvolve", "hilbert", "lfilter",
    "oaconvolve", "sosfilt",
]  # fmt: skip

MODES = ("full", "same", "valid")
FFT_FROM = 64  # elements of the shorter one, from where on Fourier transforms are less work than shifted products


# ── convolution ───────────────────────────────────────────────────────────────────────────────


def _fft(name: str) -> Any:
    return function_of(find(f"fft.{name}"))


def _full_by_fft(x: Array, y: Array, axes: tuple[int, ...]) -> Array:
    """The full convolution along `axes`; lengths are filled up to products of small primes."""
    lengths = [x.shape[i] + y.shape[i] - 1 for i in axes]
    padded = tuple(_fast_length(n) for n in lengths)
    real = not (is_complex(x.dtype) or is_complex(y.dtype))
    forward, backward = ("rfftn", "irfftn") if real else ("fftn", "ifftn")
    product = _fft(forward)(x, s=padded, axes=axes) * _fft(forward)(y, s=padded, axes=axes)
    out = _fft(backward)(product, s=padded, axes=axes)
    return out[
        tuple(
            slice(0, lengths[axes.index(i)]) if i in axes else slice(None) for i in range(out.ndim)
        )
    ]


@functools.cache
def _fast_length(n: int) -> int:
    """The smallest product of 2, 3 and 5 from n on."""
    best = 1 << max(n - 1, 0).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            size = three * (1 << max(-(-n // three) - 1, 0).bit_length())
            best = min(best, size)
            three *= 3
        five *= 5
    return best


def _full_by_shifts(x: Array, y: Array) -> Array:
    """The full convolution of x with the few elements of y: Σ_k y[k] x shifted by k."""
    shape = tuple(n + m - 1 for n, m in zip(x.shape, y.shape, strict=True))
    total: Any = None
    for index in np.ndindex(*y.shape):
        term = _placed(x * y[index], index, shape)
        total = term if total is None else total + term
    return total


def _placed(x: Array, start: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """x within zeros of a larger shape."""
    for axis, (first, n) in enumerate(zip(start, shape, strict=True)):
        behind = n - first - x.shape[axis]
        parts = [
            zeros_on_device_of((*x.shape[:axis], k, *x.shape[axis + 1 :]), x) if k else None
            for k in (first, behind)
        ]
        pieces = [p for p in (parts[0], x, parts[1]) if p is not None]
        x = generated.concat(pieces, axis=axis) if len(pieces) > 1 else x
    return x


def _cut(out: Array, shape: Any, axes: tuple[int, ...]) -> Array:
    """The middle part of that shape, along `axes`."""
    key = [slice(None)] * out.ndim
    for i in axes:
        first = (out.shape[i] - shape[i]) // 2
        key[i] = slice(first, first + shape[i])
    return out[tuple(key)]


def _in_mode(full: Array, x: Array, y: Array, mode: str, axes: tuple[int, ...]) -> Array:
    if mode == "full":
        return full
    if mode == "same":
        return _cut(full, x.shape, axes)
    return _cut(full, [abs(n - m) + 1 for n, m in zip(x.shape, y.shape, strict=True)], axes)


def _operands(name: str, in1: ArrayLike, in2: ArrayLike, mode: str) -> tuple[Array, Array]:
    if mode not in MODES:
        raise ValueError(f"{name}: mode={mode!r}; 'full', 'same' or 'valid'")
    x, y = floating_arrays(in1, in2)
    if x.ndim != y.ndim:
        raise ValueError(
            f"{name}: arrays of {x.ndim} and {y.ndim} dimensions; they have to have as many"
        )
    return x, y


def _turned(x: Array, y: Array, mode: str, axes: tuple[int, ...], name: str) -> tuple[Array, Array]:
    """For "valid", the larger one first; one of both has to be at least as large along every axis."""
    if mode != "valid":
        return x, y
    larger = all(x.shape[i] >= y.shape[i] for i in axes)
    if not larger and not all(y.shape[i] >= x.shape[i] for i in axes):
        raise ValueError(
            f"{name}(mode='valid'): shapes {x.shape} and {y.shape}; one has to be at least as large in every dimension"
        )
    return (x, y) if larger else (y, x)


def convolve(in1: ArrayLike, in2: ArrayLike, mode: str = "full", method: str = "auto") -> Array:
    """The convolution of two arrays of any dimension, ``out[n] = Σ_k in1[k] in2[n − k]``.

    Parameters
    ----------
    in1, in2
        Arrays of one number of dimensions.
    mode : {"full", "same", "valid"}
        All of it, the middle part of the shape of `in1`, or what does not depend on zeros around the arrays.
    method : {"auto", "direct", "fft"}
        By shifted products or by Fourier transforms; "auto" takes the one that is less work.

    Returns
    -------
    Array

    Notes
    -----
    The gradient by `in1` is the correlation of the cotangent with `in2`, and the other way round.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.signal import convolve
    >>> convolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])
    Array([0. , 1. , 2.5, 4. , 1.5], dtype=float64, device='cpu')
    >>> pb.grad(lambda k: convolve([1.0, 2.0, 3.0], k, mode="valid")[0])(np.zeros(3))
    array([3., 2., 1.])
    """
    if method not in ("auto", "direct", "fft"):
        raise ValueError(f"convolve: method={method!r}; 'auto', 'direct' or 'fft'")
    x, y = _operands("convolve", in1, in2, mode)
    if x.ndim == 0:
        return x * y
    axes = tuple(range(x.ndim))
    x, y = _turned(x, y, mode, axes, "convolve")
    if 0 in x.shape or 0 in y.shape:
        raise ValueError(f"convolve: shapes {x.shape} and {y.shape}; arrays without elements")
    few = math.prod(y.shape) <= math.prod(x.shape)
    short = min(math.prod(x.shape), math.prod(y.shape))
    if method == "direct" or (method == "auto" and short < FFT_FROM):
        full = _full_by_shifts(x, y) if few else _full_by_shifts(y, x)
    else:
        full = _full_by_fft(x, y, axes)
    return _in_mode(full, x, y, mode, axes)


def fftconvolve(in1: ArrayLike, in2: ArrayLike, mode: str = "full", axes: Any = None) -> Array:
    """`convolve` by Fourier transforms, along `axes` (all by default); the others broadcast.

    Examples
    --------
    >>> from pullback.scipy.signal import fftconvolve
    >>> fftconvolve([1.0, 2.0, 3.0], [1.0, 1.0], mode="same")
    Array([1., 3., 5.], dtype=float64, device='cpu')
    """
    x, y = _operands("fftconvolve", in1, in2, mode)
    if x.ndim == 0:
        return x * y
    chosen = tuple(range(x.ndim)) if axes is None else (axes,) if isinstance(axes, int) else axes
    chosen = tuple(sorted(i % x.ndim for i in chosen))
    x, y = _turned(x, y, mode, chosen, "fftconvolve")
    return _in_mode(_full_by_fft(x, y, chosen), x, y, mode, chosen)


def oaconvolve(in1: ArrayLike, in2: ArrayLike, mode: str = "full", axes: Any = None) -> Array:
    """`fftconvolve`, under the name of SciPy's overlapping blocks, which have the same values."""
    return fftconvolve(in1, in2, mode, axes)


def correlate(in1: ArrayLike, in2: ArrayLike, mode: str = "full", method: str = "auto") -> Array:
    """The cross-correlation of two arrays, ``out[n] = Σ_k in1[k + n] conj(in2[k])``; arguments as those of `convolve`.

    Examples
    --------
    >>> from pullback.scipy.signal import correlate
    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5], mode="same")
    Array([2. , 3.5, 3. ], dtype=float64, device='cpu')
    """
    x, y = _operands("correlate", in1, in2, mode)
    if x.ndim == 0:
        return x * (generated.conj(y) if is_complex(y.dtype) else y)
    return convolve(x, _reversed(y), mode, method)


def _reversed(y: Array) -> Array:
    y = generated.flip(y)
    return generated.conj(y) if is_complex(y.dtype) else y


def _two_dimensional(name: str, boundary: str, fillvalue: Any, *arrays: Any) -> None:
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError(
            f"{name}(boundary={boundary!r}, fillvalue={fillvalue!r}): zeros outside are there; pad before, with "
            f"pb.xp.pad"
        )
    if any(a.ndim != 2 for a in arrays):
        raise ValueError(
            f"{name}: two matrices are wanted, not {' and '.join(str(a.shape) for a in arrays)}"
        )


def convolve2d(
    in1: ArrayLike, in2: ArrayLike, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Array:
    """`convolve` of two matrices, with zeros outside."""
    x, y = _operands("convolve2d", in1, in2, mode)
    _two_dimensional("convolve2d", boundary, fillvalue, x, y)
    return convolve(x, y, mode)


def correlate2d(
    in1: ArrayLike, in2: ArrayLike, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Array:
    """`correlate` of two matrices, with zeros outside; the middle of even lengths is another one than `correlate`'s."""
    x, y = _operands("correlate2d", in1, in2, mode)
    _two_dimensional("correlate2d", boundary, fillvalue, x, y)
    if mode != "same":
        return correlate(x, y, mode)
    full = correlate(x, y)
    (n, m), (i, j) = x.shape, (k // 2 for k in y.shape)
    return full[i : i + n, j : j + m]


# ── linear filters ────────────────────────────────────────────────────────────────────────────


@attach_kernel("lfilter")
def _lfilter(b: RawArray, a: RawArray, x: RawArray) -> Any:
    """The filter along the last axis, from rest, of raw arrays."""
    if isinstance(x, np.ndarray):
        import scipy.signal  # takes half a second

        out = scipy.signal.lfilter(b, a, x, axis=-1)
        return out.astype(np.result_type(b, a, x), copy=False)
    xp = namespace_of(x)
    n = x.shape[-1]
    first = a[0]
    rows: list[Any] = []
    for i in range(n):
        total = b[0] * x[..., i]
        for k in range(1, min(b.shape[0] - 1, i) + 1):
            total = total + b[k] * x[..., i - k]
        for k in range(1, min(a.shape[0] - 1, i) + 1):
            total = total - a[k] * rows[i - k]
        rows.append(total / first)
    return xp.stack(rows, axis=-1) if rows else x


def _filtered(b: Value, a: Value, x: Value, xp: XP) -> Value:
    return find("lfilter").kernel_in(xp)(b, a, x)


def _backwards(ct: Cotangent, a: Value, xp: XP) -> Value:
    """The cotangent filtered by 1/a from its end."""
    one = xp.ones_like(a[:1])
    return xp.flip(_filtered(one, a, xp.flip(ct, axis=-1), xp), axis=-1)


def _lags(w: Value, x: Value, count: int, xp: XP) -> Value:
    """Σ_n w[n] x[n − k] for k below `count`."""
    n = x.shape[-1]
    sums = []
    for k in range(count):
        if k < n:
            sums.append(xp.sum(w[..., k:] * x[..., : n - k]))
        else:
            sums.append(xp.sum(w * 0))
    return xp.stack(sums, axis=0)


defvjp(
    "lfilter",
    _w=lambda ct, a, xp: _backwards(ct, a, xp),
    x=lambda b, _w, xp: xp.flip(
        _filtered(b, xp.ones_like(b[:1]), xp.flip(_w, axis=-1), xp), axis=-1
    ),
    b=lambda _w, x, b_shape, xp: _lags(_w, x, b_shape[0], xp),
    a=lambda _w, out, a_shape, xp: -_lags(_w, out, a_shape[0], xp),
    batched=False,
)


def lfilter(b: ArrayLike, a: ArrayLike, x: ArrayLike, axis: int = -1, zi: Any = None) -> Array:
    """The linear filter ``a[0] y[n] = Σ_k b[k] x[n−k] − Σ_{k≥1} a[k] y[n−k]`` along an axis, from rest.

    Its adjoint is the same filter run backwards.

    Parameters
    ----------
    b, a
        Coefficients of numerator and denominator; a[0] is not 0.
    x
        Signals.
    axis : int
        The axis of time.
    zi
        Refused: filters start from rest.

    Returns
    -------
    Array
        Of the shape of x.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.signal import lfilter
    >>> lfilter([1.0], [1.0, -0.5], [1.0, 0.0, 0.0])
    Array([1.  , 0.5 , 0.25], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: lfilter([1.0], [1.0, -0.5], x)[2])(np.zeros(3))
    array([0.25, 0.5 , 1.  ])
    """
    if zi is not None:
        raise NotImplementedError(
            "lfilter(zi=…): filters start from rest here; scipy.signal.lfilter takes constants"
        )
    b, a, x = floating_arrays(b, a, x)
    b, a = (generated.reshape(c, (-1,)) for c in (b, a))
    if x.ndim == 0:
        raise ValueError("lfilter: x has no axis")
    moved = generated.moveaxis(x, axis, -1)
    out = function_of(find("lfilter"))(b, a, moved)
    return generated.moveaxis(out, -1, axis)


def sosfilt(sos: ArrayLike, x: ArrayLike, axis: int = -1, zi: Any = None) -> Array:
    """Sections of second order after one another, each a row b0 b1 b2 a0 a1 a2 of `sos`, by `lfilter`."""
    sos, x = floating_arrays(sos, x)
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise ValueError(f"sosfilt: sos of shape {sos.shape}; (sections, 6) is wanted")
    for i in range(sos.shape[0]):
        x = lfilter(sos[i, :3], sos[i, 3:], x, axis, zi)
    return x


# ── further functions ─────────────────────────────────────────────────────────────────────────


def detrend(
    data: ArrayLike, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False
) -> Array:
    """The data minus their mean (``type="constant"``) or their least-squares line along an axis."""
    if type not in ("linear", "l", "constant", "c"):
        raise ValueError(f"detrend: type={type!r}; 'linear' or 'constant'")
    if bp != 0:
        raise NotImplementedError(f"detrend(bp={bp!r}): one piece alone; cut the data before")
    (x,) = floating_arrays(data)
    centred = x - generated.mean(x, axis=axis, keepdims=True)
    if type in ("constant", "c"):
        return centred
    n = x.shape[axis]
    t, _ = floating_arrays((np.arange(n) - 0.5 * (n - 1)).tolist(), x)
    shape = tuple(-1 if i == axis % x.ndim else 1 for i in range(x.ndim))
    t = generated.reshape(t, shape)
    slope = generated.sum(centred * t, axis=axis, keepdims=True) / max(n * (n * n - 1) / 12.0, 1.0)
    return centred - slope * t


def hilbert(x: ArrayLike, N: int | None = None, axis: int = -1) -> Array:
    """The analytic signal: the Fourier transform without its negative frequencies, twice the positive ones."""
    (x,) = floating_arrays(x)
    if is_complex(x.dtype):
        raise ValueError("hilbert: x has to be real")
    n = x.shape[axis] if N is None else int(N)
    weights = np.zeros(n)
    weights[: (n + 1) // 2] = 2.0
    weights[0] = 1.0
    if n % 2 == 0:
        weights[n // 2] = 1.0
    made, _ = floating_arrays(weights.tolist(), x)
    shape = tuple(-1 if i == axis % x.ndim else 1 for i in range(x.ndim))
    return _fft("ifft")(
        _fft("fft")(x + 0j, n=n, axis=axis) * generated.reshape(made, shape), axis=axis
    )


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import scipy.signal  # takes half a second

    if not callable(getattr(scipy.signal, name, None)):
        raise AttributeError(f"pullback.scipy.signal has no function {name!r}, nor has SciPy")
    found = globals()[name] = on_constants(
        "scipy.signal", name, "convolve, correlate and lfilter are there"
    )
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
