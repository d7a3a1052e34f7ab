"""CuPy on one CUDA device: the only file that imports CuPy, and only when it is asked for."""

from __future__ import annotations

import functools
import math
import warnings
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from ..common.base import Backend, BackendError, Namespace
from ..common.errors import NotPositiveDefiniteError, SingularMatrixError
from ..common.typing import DType, RawArray
from ..generic import namespace as generic
from ..generic import norms
from ..generic import special as generic_special
from ..generic import vjp_kernels as generic_vjp_kernels
from . import factors, fused, graph_runtime, prefetch, products, sparse
from .collectives.nccl import Library as Collectives
from .networks import recurrence, windows

try:
    import array_api_compat.cupy
    import array_api_compat.cupy.fft
    import array_api_compat.cupy.linalg
    import cupy
except ImportError as error:
    raise BackendError(
        f"backend 'cupy' needs CuPy, which cannot be imported here ({error}): "
        "install pullback[cuda13] or pullback[cuda12], or set PULLBACK_BACKEND=numpy"
    ) from None
# the folder of its kernels, which it makes when it is imported
except OSError as error:
    raise BackendError(
        f"backend 'cupy': CuPy cannot write to the folder of its kernels ({error}): "
        "set CUPY_CACHE_DIR to one where it can, or PULLBACK_BACKEND=numpy"
    ) from None


def device_count() -> int:
    """The number of CUDA devices.

    Raises
    ------
    BackendError
        If there is no driver, or it does not answer.
    """
    try:
        return cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise BackendError(
            f"backend 'cupy': CuPy {cupy.__version__} is installed, but no CUDA device answers ({error}): "
            "install an NVIDIA driver, or set PULLBACK_BACKEND=numpy"
        ) from None


def scatter_add(shape: tuple[int, ...], key: Any, values: Any) -> Any:
    """Zeros of `shape` with `values` added at ``[key]``; real and imaginary parts apart, as atomics need."""
    out = cupy.zeros(shape, values.dtype)
    if values.dtype.kind == "c":
        cupy.add.at(out.real, key, values.real)
        cupy.add.at(out.imag, key, values.imag)
    else:
        cupy.add.at(out, key, values)
    return out


def setitem(x: Any, value: Any, key: Any) -> Any:
    """A copy of `x` with ``[key]`` set to `value`; where an index repeats, its last write stays, as in NumPy.

    CuPy leaves it open which one does. So the number of each position's last write is found by a maximum, and every
    write to the position writes that one's value: nothing is read on the host. Nor is it where a mask of all elements
    is given one value, which CuPy writes only after it has counted the mask.
    """
    several = isinstance(value, cupy.ndarray) and value.size != 1
    if (
        isinstance(key, cupy.ndarray)
        and key.dtype.kind == "b"
        and key.shape == x.shape
        and not several
    ):
        given = isinstance(value, cupy.ndarray)
        one = value.astype(x.dtype).reshape(()) if given else x.dtype.type(value)
        return cupy.where(key, one, x)
    out = cupy.array(x)
    parts = key if isinstance(key, tuple) else (key,)
    if (
        several
        and value.size
        and any(getattr(part, "dtype", np.dtype(bool)).kind != "b" for part in parts)
    ):
        value = _last_written(out.shape, key, value)
    out[key] = value
    return out


def _last_written(shape: tuple[int, ...], key: Any, value: Any) -> Any:
    """`value` for ``[key]`` of `shape`, of which equal positions are given equal elements: their last."""
    size = math.prod(shape)
    last = cupy.zeros(shape, np.int32 if max(size, value.size) < 2**31 else np.uint64)
    chosen = last[key]
    turn = cupy.arange(chosen.size, dtype=last.dtype).reshape(chosen.shape)
    cupy.maximum.at(last, key, turn)
    extra = value.ndim - chosen.ndim  # leading axes of length 1, which NumPy drops
    value = value.reshape(value.shape[extra:]) if extra > 0 else value
    return cupy.broadcast_to(value, chosen.shape).ravel()[last[key]]


def fftn(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """CuPy's, and an empty array for an empty batch, which CuPy refuses."""
    return _FFT.fftn(x, s=s, axes=axes, norm=norm) if x.size else _empty_batch(x, s, axes)


def ifftn(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """CuPy's, and an empty array for an empty batch, which CuPy refuses."""
    return _FFT.ifftn(x, s=s, axes=axes, norm=norm) if x.size else _empty_batch(x, s, axes)


def _empty_batch(x: Any, s: Any, axes: Any) -> Any:
    """NumPy's result for an array without elements, which is another such array, or its error."""
    shape = np.fft.fftn(np.empty(x.shape), s=s, axes=axes).shape
    return cupy.zeros(shape, np.result_type(x.dtype, np.complex64))


def as_gradient(x: Any) -> Any:
    """`x` if it owns a buffer in C order, else such a copy."""
    if type(x) is cupy.ndarray and x.base is None and x.flags.c_contiguous:
        return x
    return cupy.array(x, order="C")


def relu(x: Any) -> Any:
    """``max(x, 0)``."""
    return cupy.maximum(x, 0)


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    """``minimum(maximum(x, min), max)`` in the dtype of `x`.

    array_api_compat writes through masks, whose elements CuPy counts: the host would wait for the device.
    """
    kind = x.dtype.kind
    if kind not in "fiu" or (kind != "f" and (type(min) is float or type(max) is float)):
        return _STANDARD.clip(x, min, max)
    low, high = (_bound(b, x.dtype) for b in (min, max))
    # an integer that bounds the whole range of the dtype bounds nothing
    if type(low) is int and kind in "iu" and low <= np.iinfo(x.dtype).min:
        low = None
    if type(high) is int and kind in "iu" and high >= np.iinfo(x.dtype).max:
        high = None
    out = x if low is None else cupy.maximum(x, low)
    out = out if high is None else cupy.minimum(out, high)
    return cupy.array(out) if out is x else out


def _bound(bound: Any, dtype: Any) -> Any:
    """A bound in the dtype of what it bounds; an integer that this cannot hold becomes its least or its largest."""
    if not isinstance(bound, cupy.ndarray):
        return bound
    if bound.dtype != dtype and bound.dtype.kind in "iu" and dtype.kind in "iu":
        own, given = np.iinfo(dtype), np.iinfo(bound.dtype)
        bound = cupy.maximum(bound, max(own.min, given.min))
        bound = cupy.minimum(bound, min(own.max, given.max))
    return bound.astype(dtype, copy=False)


CONVOLVED = 1 << 24  # products that are in memory at once, twice each: 256 MB of float64


def convolve(x1: Any, x2: Any) -> Any:
    """``Σ_j x1_j x2_{k−j}`` of two vectors, all of it, by windows of the longer one.

    CuPy's own goes by Fourier transforms: one NaN is then everywhere, and small sums beside large ones have no digits.

    Raises
    ------
    ValueError
        If a vector is empty, as in NumPy.
    """
    x1, x2 = (x1, x2) if x1.size >= x2.size else (x2, x1)
    n, m = x1.size, x2.size
    if not m:
        raise ValueError("convolve: a vector is empty; give each at least one element")
    dtype = np.result_type(x1.dtype, x2.dtype)

    def windows(x: Any) -> Any:
        padded = cupy.zeros(n + 2 * (m - 1), x.dtype)
        padded[m - 1 : m - 1 + n] = x
        return cupy.lib.stride_tricks.as_strided(padded, (n + m - 1, m), padded.strides * 2)

    # beside x1 there is nothing, which NaN times 0 would not be
    values, inside = windows(x1.astype(dtype, copy=False)), windows(cupy.ones(n, bool))
    rows, zero, turned = max(1, CONVOLVED // m), dtype.type(0), x2[::-1]
    parts = [
        cupy.where(inside[i : i + rows], values[i : i + rows] * turned, zero).sum(
            axis=1, dtype=dtype
        )
        for i in range(0, n + m - 1, rows)
    ]
    return parts[0] if len(parts) == 1 else cupy.concatenate(parts)


def einsum(arrays: Any, *, subscripts: str, optimize: Any = None) -> Any:
    """CuPy's, which multiplies matrices itself."""
    return cupy.einsum(
        subscripts, *arrays, optimize=len(arrays) > 2 if optimize is None else optimize
    )


def solve(x1: RawArray, x2: RawArray) -> Any:
    """``x1⁻¹ x2``, batches broadcast, which CuPy's own does not; one matrix is factorised once for all of x2."""
    if x2.ndim == 1:
        return cupy.linalg.solve(x1, x2)
    if x1.ndim == 2 < x2.ndim:
        columns = cupy.moveaxis(x2, -2, 0)
        n = columns.shape[0]
        out = cupy.linalg.solve(x1, columns.reshape(n, x2.size // max(n, 1)))
        return cupy.moveaxis(out.reshape(columns.shape), 0, -2)
    batch = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    return cupy.linalg.solve(
        cupy.broadcast_to(x1, (*batch, *x1.shape[-2:])),
        cupy.broadcast_to(x2, (*batch, *x2.shape[-2:])),
    )


def inv(x: Any) -> Any:
    """The inverse; of a batch by solves.

    cuBLAS's inverses of batches leave unwritten what belongs to a singular matrix: whatever the memory held before.
    Solves divide by the pivot that is zero, so that infinities and NaN say so.
    """
    if x.ndim == 2:
        return cupy.linalg.inv(x)
    return solve(x, cupy.eye(x.shape[-1], dtype=x.dtype))


def _raising(name: str, function: Any) -> Any:
    """A linear algebra function that raises where NumPy's does, for which a flag is read from the device."""

    @functools.wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        import cupyx  # not needed before

        try:
            with cupyx.errstate(linalg="raise"):
                return function(*args, **settings)
        except np.linalg.LinAlgError as error:
            # NaN is flagged too, and passes through in NumPy
            if not all(bool(cupy.all(x == x)) for x in args):
                return function(*args, **settings)
            text = f"linalg.{name}: {error}; pb.linalg has the same with check=False, for which no flag is read"
            error_type = NotPositiveDefiniteError if name == "cholesky" else SingularMatrixError
            raise error_type(text) from None

    return call


def _libraries() -> Any:
    """The modules of cuSOLVER, cuBLAS and triangular solves, which load their libraries when first used."""
    import cupyx.scipy.linalg
    from cupy.cuda import device
    from cupy_backends.cuda.libs import cublas, cusolver

    return SimpleNamespace(
        cublas=cublas, cusolver=cusolver, device=device, linalg=cupyx.scipy.linalg
    )


def _driver() -> Any:
    from cupy_backends.cuda.api import driver  # loads libcuda

    return driver


def _nccl() -> Any:
    with warnings.catch_warnings():
        # CuPy warns where the library is missing, which `Collectives` says itself
        warnings.simplefilter("ignore")
        from cupy.cuda import nccl  # loads libnccl
    return nccl


class EigResult(NamedTuple):
    """Eigenvalues and eigenvectors."""

    eigenvalues: Any
    eigenvectors: Any


def eig(x: Any) -> EigResult:
    """Eigenvalues and eigenvectors, as the named tuple of the standard."""
    return EigResult(*cupy.linalg.eig(x))


def _info(ordinal: int) -> dict[str, str]:
    properties = cupy.cuda.runtime.getDeviceProperties(ordinal)
    major, minor = divmod(cupy.cuda.runtime.runtimeGetVersion() // 10, 100)
    driver = cupy.cuda.runtime.driverGetVersion()
    return {
        "CuPy": cupy.__version__,
        "device": f"CUDA {ordinal}: {properties['name'].decode()}, compute {properties['major']}.{properties['minor']}",
        "CUDA runtime": f"{major}.{minor}",
        "CUDA driver": f"{driver // 1000}.{driver % 1000 // 10}",
        "TF32": "on (CUPY_TF32=1)" if _tf32() else "off",
    }


def _tf32() -> bool:
    import os  # read late: the variable may be set after import

    return os.environ.get("CUPY_TF32", "0") == "1"


def _memory() -> dict[str, int]:
    free, total = cupy.cuda.runtime.memGetInfo()
    return {"free": free, "total": total, "pool": cupy.get_default_memory_pool().total_bytes()}


_SPECIAL = generic_special.Later("cupyx.scipy.special")


def _special_functions(xp: Any) -> Namespace:
    """CuPy's, and what it lacks or does otherwise than SciPy."""
    return generic_special.special_of(
        xp,
        _SPECIAL,
        **{name: generic_special.weak(_SPECIAL, name) for name in generic_special.OF_SCIPY_ALONE},
        betaincc=generic_special.betaincc,
        betainccinv=generic_special.betainccinv,
        iv=generic_special.iv,
        ive=generic_special.ive,
        polygamma=generic_special.polygamma,
        stdtr=generic_special.stdtr,
        stdtrit=generic_special.stdtrit,
        zeta=lambda _, x, q=None: _SPECIAL.zeta(x, 1.0 if q is None else q),
    )


_COLLECTIVES = Collectives(cupy, _nccl)
_FFT: Any = array_api_compat.cupy.fft
_STANDARD: Any = array_api_compat.cupy
_FACTORS = factors.bind(cupy, lambda: _PLAIN, _libraries)
_PLAIN: Any = generic.extend(  # whose functions raise nothing
    array_api_compat.cupy,
    linalg=Namespace(array_api_compat.cupy.linalg, {"inv": inv}),
    **_FACTORS,
)

_NORMS = norms.bind(array_api_compat.cupy)

XP: Namespace = generic.extend(
    array_api_compat.cupy,
    special=_special_functions,
    **{
        "linalg": Namespace(
            array_api_compat.cupy.linalg,
            {
                "solve": _raising("solve", solve),
                "inv": _raising("inv", inv),
                "cholesky": _raising("cholesky", array_api_compat.cupy.linalg.cholesky),
                "eig": eig,
                "matrix_norm": _NORMS["matrix_norm"],
                "vector_norm": _NORMS["vector_norm"],
            },
        ),
        "std": _NORMS["std"],
        **generic_vjp_kernels.cheap_slopes(lambda: XP),
        **_FACTORS,
        "fft": Namespace(_FFT, {"fftn": fftn, "ifftn": ifftn}),
        "relu": relu,
        "clip": clip,
        "sign": cupy.sign,  # NaN of NaN, for which array_api_compat writes through a mask, and waits
        "scatter_add": scatter_add,
        "copy": cupy.array,
        "setitem": setitem,
        "convolve": convolve,
        "einsum": einsum,
        "getitem": lambda x, key: x[key],
        **windows.bind(cupy, _PLAIN, lambda: XP),
        **recurrence.bind(cupy, _PLAIN),
        **fused.bind(cupy, generic.extend(array_api_compat.cupy), products.bind(cupy, _libraries)),
        **sparse.bind(
            cupy,
            generic_special.Later("cupyx.scipy.sparse"),
            generic_special.Later("cupyx.scipy.sparse.linalg"),
        ),
    },
)


def backend(device: int | None, reason: str) -> Backend:
    """The CuPy backend on a CUDA device, which becomes this thread's current one.

    Raises
    ------
    BackendError
        If there is no such device.
    """
    count = device_count()
    if count == 0:
        raise BackendError("backend 'cupy': no CUDA device; set PULLBACK_BACKEND=numpy")
    if device is not None and not 0 <= device < count:
        raise BackendError(f"PULLBACK_DEVICE={device}: there are CUDA devices 0 … {count - 1}")
    chosen = cupy.cuda.Device() if device is None else cupy.cuda.Device(device)
    chosen.use()

    def asarray(host: Any, dtype: DType = None) -> Any:
        return cupy.asarray(host, dtype=dtype)

    return Backend(
        name="cupy",
        xp=XP,
        array_type=cupy.ndarray,
        asarray=asarray,
        to_numpy=cupy.asnumpy,
        normalise=_normalise,
        as_gradient=as_gradient,
        device=None,
        memory=_memory,
        synchronize=lambda: cupy.cuda.get_current_stream().synchronize(),
        info=functools.partial(_info, chosen.id),
        reason=reason,
        feed=prefetch.bind(cupy),
        programs=graph_runtime.bind(cupy, _driver()),
        collectives=_COLLECTIVES,
    )


def _normalise(x: Any) -> Any:
    """CuPy's kernels return arrays; only a number from the host needs to become one."""
    return x if isinstance(x, cupy.ndarray) else cupy.asarray(np.asarray(x))
