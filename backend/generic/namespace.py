"""The namespace of an array library with the functions that the standard lacks, written in the standard.

`extras(xp)` binds these functions to a namespace. The reverse sweep uses them on raw arrays of a
library without faster ones, and on traced arrays under higher derivatives, where each line below is
itself recorded. `_numpy` and `_cupy` override what is worth overriding.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import array_api_compat
import numpy as np

from ..common.base import LAZY, Backend, Namespace
from ..common.typing import XP, Device, DType, RawArray
from . import collectives, norms, sparse, vjp_kernels
from .factors import cholesky_vjp, factor, lu_or_none
from .networks import attention, convolution, pooling, recurrence, segments
from .products import convolve, einsum, expm
from .random import random_bits
from .special import FORMULAS, Lacking, sinc, sinc_derivative, special_of


def linear(xp: XP, x: Any, W: RawArray, b: RawArray) -> Any:
    """``x @ W + b``; x (..., n), W (n, m), b (m,)."""
    return x @ W + b


def linear_relu(xp: XP, x: Any, W: RawArray, b: RawArray) -> Any:
    """``max(x @ W + b, 0)``; x (..., n), W (n, m), b (m,)."""
    return relu(xp, x @ W + b)


def relu(xp: XP, x: Any) -> Any:
    """``max(x, 0)``, with the derivative 0 at 0 (a comparison, not `maximum`, whose ties split)."""
    return xp.where(x > 0, x, xp.zeros_like(x))


def relu_vjp(xp: XP, ct: RawArray, out: Any) -> Any:
    """The cotangent where `out` is positive, 0 elsewhere."""
    return xp.where(out > 0, ct, xp.zeros_like(ct))


def relu_bias_vjp(xp: XP, ct: RawArray, out: Any, b_shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Both cotangents of ``relu(x + b)``: that of x, and its sum over the axes along which b was broadcast."""
    x_bar = xp.relu_vjp(ct, out)
    return x_bar, xp.sum_to_shape(x_bar, b_shape)


def sigmoid(xp: XP, x: Any) -> Any:
    """``1 / (1 + exp(−x))``, with the exponential of −|x| alone, which cannot overflow."""
    decay = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, xp.ones_like(decay), decay) / (1 + decay)


def softplus(xp: XP, x: Any) -> Any:
    """``log(1 + exp x)``."""
    return xp.logaddexp(x, xp.zeros_like(x))


def sech2(xp: XP, x: Any) -> Any:
    """``1 / cosh² x = 4 e^(−2|x|) / (1 + e^(−2|x|))²``: 1 − tanh² x has no digits left beyond |x| = 20.

    For complex x, whichever of ±x lies in the right half plane stands for |x|.
    """
    if xp.isdtype(x.dtype, "complex floating"):
        decay = xp.exp(-2 * xp.where(xp.real(x) < 0, -x, x))
    else:
        decay = xp.exp(-2 * xp.abs(x))
    return 4 * decay / ((1 + decay) * (1 + decay))


def linear_vjp_W(xp: XP, ct: RawArray, x: Any) -> Any:
    """``xᵀ ct``, with all leading axes of x (..., n) and ct (..., m) taken as one."""
    if x.ndim == 1:
        return xp.expand_dims(x, axis=1) * xp.expand_dims(ct, axis=0)
    if x.ndim == 2:
        return xp.matrix_transpose(x) @ ct
    n, m = x.shape[-1], ct.shape[-1]
    rows = math.prod(x.shape[:-1])
    return xp.matrix_transpose(xp.reshape(x, (rows, n))) @ xp.reshape(ct, (rows, m))


def sum_to_shape(xp: XP, x: Any, shape: tuple[int, ...]) -> Any:
    """Sum `x` over the axes along which `shape` was broadcast to ``x.shape``."""
    lead = x.ndim - len(shape)
    axes = (*range(lead), *(lead + i for i, n in enumerate(shape) if n == 1 != x.shape[lead + i]))
    out = xp.sum(x, axis=axes, keepdims=True) if axes else x
    return out if lead == 0 else xp.reshape(out, shape)


def row_max(xp: XP, x: Any, axis: Any) -> Any:
    """The maximum along `axis`, kept, as a constant, and 0 where it is not finite.

    It only shifts exponents, so its derivative cancels; and a row of −inf (or with +inf) shifts by 0,
    so that no ∞ − ∞ arises.
    """
    top = xp.max(xp.stop_gradient(x), axis=axis, keepdims=True)
    return xp.where(xp.isfinite(top), top, xp.zeros_like(top))


def logsumexp(xp: XP, x: Any, axis: Any, keepdims: bool) -> Any:
    """``log Σ exp(x)`` along `axis` (an int, a tuple or None), shifted by the maximum."""
    top = row_max(xp, x, axis)
    out = _log_total(xp, x - top, axis) + top
    if keepdims:
        return out
    return xp.squeeze(out, axis=tuple(range(x.ndim)) if axis is None else axis)


def log_softmax(xp: XP, x: Any, axis: Any) -> Any:
    """``x − log Σ exp(x)`` along `axis`."""
    shifted = x - row_max(xp, x, axis)
    return shifted - _log_total(xp, shifted, axis)


def _log_total(xp: XP, shifted: Any, axis: Any) -> Any:
    """``log Σ exp(x)``, kept, of x whose maximum is 0: log1p of what is added to it, which 1 would swallow."""
    e = xp.exp(shifted)
    if xp.isdtype(e.dtype, "complex floating"):
        return xp.log(xp.sum(e, axis=axis, keepdims=True))
    tops = xp.astype(shifted >= 0, e.dtype)
    rest = xp.sum(e - tops, axis=axis, keepdims=True)
    count = xp.sum(tops, axis=axis, keepdims=True)
    return xp.where(count == 1, xp.log1p(rest), xp.log(rest + count))


def softmax(xp: XP, x: Any, axis: Any) -> Any:
    """``exp(x) / Σ exp(x)`` along `axis`."""
    weights = xp.exp(x - row_max(xp, x, axis))
    return weights / xp.sum(weights, axis=axis, keepdims=True)


def softmax_cross_entropy(xp: XP, logits: RawArray, labels: RawArray) -> tuple[Any, Any]:
    """The mean of ``−log_softmax(logits)[i, labels[i]]``, and its slope ``(p − onehot(labels)) / rows``.

    ``p − 1`` is written ``expm1(log p)``, which keeps its digits where p is nearly 1.
    """
    log_p = xp.log_softmax(logits, axis=-1)
    picked = xp.take_along_axis(log_p, labels[..., None], axis=-1)
    classes = xp.arange_like(logits.shape[-1], labels)
    own = xp.equal(labels[..., None], classes)
    rows = max(math.prod(logits.shape[:-1]), 1)
    return -xp.mean(picked), xp.where(own, xp.expm1(log_p), xp.exp(log_p)) / rows


def scatter_add(xp: XP, shape: tuple[int, ...], key: Any, values: Any) -> Any:
    """Zeros of `shape` with `values` added at ``[key]``, repeated indices accumulating.

    The standard has no scatter: where an index may repeat, the elements are added one by one. Libraries of our own
    override this.
    """
    parts = key if isinstance(key, tuple) else (key,)
    out = xp.zeros_on_device_of(shape, values)
    # JAX's arrays cannot be written to
    if array_api_compat.is_jax_array(out):
        return out.at[key].add(values)
    if not any(hasattr(part, "dtype") for part in parts):
        # the standard does not write to x[None]
        key = _with_ellipsis(tuple(part for part in parts if part is not None))
        out[key] = xp.reshape(values, out[key].shape)
        return out
    indices = _flat_indices(xp, shape, parts, values)
    flat = xp.reshape(values, (-1,))
    out = xp.reshape(out, (-1,))
    for i in range(flat.shape[0]):
        out[int(indices[i])] += flat[i]
    return xp.reshape(out, shape)


def _with_ellipsis(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """A key with an ellipsis, which the standard wants where it does not name every axis."""
    return parts if any(part is ... for part in parts) else (*parts, ...)


def _flat_indices(xp: XP, shape: tuple[int, ...], parts: tuple[Any, ...], x: Any) -> Any:
    """The position in the flattened array of each element that a key selects."""
    indices = xp.reshape(xp.arange_like(math.prod(shape), x), shape)
    arrays = [i for i, part in enumerate(parts) if hasattr(part, "dtype")]
    whole = all(i in arrays or part == slice(None) for i, part in enumerate(parts))
    if (
        len(arrays) == 1
        and whole
        and parts[arrays[0]].ndim == 1
        and "int" in str(parts[arrays[0]].dtype)
    ):
        indices = xp.take(indices, parts[arrays[0]], axis=arrays[0])
    elif len(parts) == len(shape) or len(arrays) < len(parts) or "bool" in str(parts[0].dtype):
        indices = indices[parts if len(parts) > 1 else parts[0]]
    else:
        indices = indices[_with_ellipsis(parts)]
    return xp.reshape(indices, (-1,))


def divide_where_separated(xp: XP, x1: RawArray, x2: RawArray, condition: Any) -> Any:
    """``x1 / x2``; where x2 is 0, NaN under `condition` and 0 elsewhere, without a warning."""
    zero = x2 == 0
    out = x1 / xp.where(zero, xp.ones_like(x2), x2)
    out = xp.where(zero & condition, math.nan, out)
    return xp.where(zero & ~condition, 0.0, out)


def polar(xp: XP, x: Any) -> Any:
    """``U Vᴴ`` of the singular value decomposition of matrices, over the singular values that are not 0."""
    U, s, Vh = xp.linalg.svd(x, full_matrices=False)
    return (U * xp.astype(s > 0, x.dtype)[..., None, :]) @ Vh


def to_device(xp: XP, x: Any, device: Device) -> Any:
    """`x` on another device."""
    return array_api_compat.to_device(x, device)


def arange_like(xp: XP, n: int, x: Any) -> Any:
    """The indices 0 … n − 1, of the library and on the device of `x`."""
    return xp.arange(n, device=array_api_compat.device(x))


def zeros_on_device_of(xp: XP, shape: tuple[int, ...], x: Any) -> Any:
    """Zeros of another shape than `x`, of its library, dtype and device."""
    return xp.zeros(shape, dtype=x.dtype, device=array_api_compat.device(x))


def stop_gradient(xp: XP, x: Any) -> Any:
    """`x`; the namespace of traced arrays overrides this."""
    return x


def recomputed(xp: XP, x: Any) -> Any:
    """`x`, from which a checkpoint computes again; a recording keeps the two computations apart."""
    return x


def copy(xp: XP, x: Any) -> Any:
    """A fresh array with the values of `x`."""
    return xp.asarray(x, copy=True)


def getitem(xp: XP, x: Any, key: Any) -> Any:
    """``x[key]``."""
    return x[key]


def setitem(xp: XP, x: Any, value: Any, key: Any) -> Any:
    """A copy of `x` with ``[key]`` set to `value`."""
    if array_api_compat.is_jax_array(x):  # which nobody writes to
        return x.at[key].set(value)
    out = xp.asarray(x, copy=True)
    out[key] = value
    return out


def collect_cotangents(xp: XP, A: RawArray) -> Any:
    """A, whose cotangents are gathered (`autograd/solve/direct/factorize.py`)."""
    return A


def in_rows(xp: XP, x: Any) -> Any:
    """`x` in the order of memory in which the library's own functions return arrays, where ours may return another.

    By it a program sees whether ``reshape`` gives a view.
    """
    return x


_EXTRAS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        linear, linear_relu, relu, relu_vjp, relu_bias_vjp, sigmoid, softplus, sech2, linear_vjp_W, sum_to_shape,
        logsumexp, log_softmax, softmax, softmax_cross_entropy, scatter_add,
        divide_where_separated, polar, to_device, arange_like, zeros_on_device_of, stop_gradient, recomputed,
        copy, getitem, setitem, convolve, einsum, expm, sinc, sinc_derivative, random_bits,
        *vjp_kernels.FUNCTIONS, *sparse.FUNCTIONS, *collectives.FUNCTIONS, *recurrence.FUNCTIONS, *attention.FUNCTIONS,
        factor, lu_or_none, cholesky_vjp, collect_cotangents,
        in_rows, *convolution.FUNCTIONS, *pooling.FUNCTIONS, *segments.FUNCTIONS,
    )
}  # fmt: skip


def extras(xp: XP) -> dict[str, Callable[..., Any]]:
    """Every function of this file bound to the namespace `xp`."""
    return {name: functools.partial(f, xp) for name, f in _EXTRAS.items()}


def extend(xp: XP, *, special: Callable[[Any], Any] | None = None, **overrides: Any) -> Namespace:
    """The namespace `xp` with the extras of this file, and `overrides` in place of some of them.

    ``special(extended)`` gives the new namespace its special functions; without, there are those that are formulas in
    the standard.
    """
    extended = Namespace(xp, {})
    extended.__dict__.update(extras(extended))
    extended.__dict__.update(overrides)
    extended.__dict__["special"] = _formulas(extended) if special is None else special(extended)
    return extended


def _formulas(extended: Namespace) -> Namespace:
    lacking = Lacking(str(getattr(extended.base, "__name__", extended.base)))
    return special_of(extended, lacking, expit=sigmoid, **FORMULAS)


# The engine's dtypes are numpy.dtype objects; other libraries have their own.
_TAKE_DTYPE = (
    "arange", "asarray", "cumulative_prod", "cumulative_sum", "empty", "empty_like", "eye", "full", "full_like",
    "linspace", "ones", "ones_like", "prod", "sum", "zeros", "zeros_like",
)  # fmt: skip


def backend_for(x: Any) -> Backend:
    """A `Backend` for any array of a library that array-api-compat knows, on the device where `x` lies.

    Parameters
    ----------
    x
        An array of a library that follows the standard, or that array-api-compat makes follow it.

    Returns
    -------
    Backend
    """
    xp = array_api_compat.array_namespace(x)
    device = array_api_compat.device(x)

    def asarray(host: Any, dtype: DType = None) -> Any:
        return xp.asarray(host, dtype=None if dtype is None else native(dtype), device=device)

    def native(dtype: DType) -> Any:
        return (
            getattr(xp, np.dtype(dtype).name) if isinstance(dtype, np.dtype | type | str) else dtype
        )

    def to_numpy(value: Any) -> np.ndarray:
        home = xp.__array_namespace_info__().default_device()
        return np.asarray(array_api_compat.to_device(value, home))

    def with_native_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, dtype: DType = None, **settings: Any) -> Any:
            if dtype is not None:
                settings["dtype"] = native(dtype)
            return function(*args, **settings)

        return call

    def astype(value: Any, dtype: DType, /, *, copy: bool = True, device: Device = None) -> Any:
        options = {} if device is None else {"device": device}
        return xp.astype(value, native(dtype), copy=copy, **options)

    overrides: dict[str, Any] = {
        name: with_native_dtype(getattr(xp, name)) for name in _TAKE_DTYPE if hasattr(xp, name)
    }
    lazy = array_api_compat.is_dask_array(x)
    if lazy:
        from .dask import namespace as dask  # eight files, which few programs use

        functions, linalg, fft = dask.overrides(xp)
    else:
        functions, linalg, fft = {}, {}, {}
    if hasattr(xp, "linalg"):
        scaled = norms.bind(xp)
        overrides["std"] = scaled.pop("std")
        trace = with_native_dtype(xp.linalg.trace)
        overrides["linalg"] = Namespace(xp.linalg, {"trace": trace, **scaled, **linalg})
    overrides |= functions
    if lazy:
        overrides["fft"] = Namespace(xp.fft, fft)
        LAZY.add(type(x))
        extended = extend(xp, special=lambda _: dask.Special(), **overrides, astype=astype)
        extended = dask.finished(extended)
    else:
        extended = extend(xp, **overrides, astype=astype)

    return Backend(
        name=xp.__name__.removeprefix("array_api_compat."),
        xp=extended,
        array_type=type(x),
        asarray=dask.asarray if lazy else asarray,
        to_numpy=to_numpy,
        normalise=lambda out: out,
        as_gradient=extended.copy if lazy else lambda out: xp.asarray(out, copy=True),
        device=device,
        dtype=native,
        info=lambda: {"library": f"{xp.__name__} {getattr(xp, '__version__', '')}".strip()},
        reason="asked for",
        feed=lambda batches: (tuple(map(asarray, batch)) for batch in batches),
        fetch=dask.fetch if lazy else None,
    )
