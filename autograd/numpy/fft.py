"""`pullback.numpy.fft`: the functions of `numpy.fft`, with NumPy's signatures.

All take arrays, numbers in lists, and traced arrays; ``norm=None`` means "backward", and ``out=`` is refused. Rules are
those of `pb.xp.fft`: for each n, cropped or padded, over several axes, with the weights that real transforms need.

Examples
--------
>>> import pullback as pb, pullback.numpy as np
>>> pb.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(np.asarray([1.0, 2.0, 3.0])).round(6)
Array([ 6., 12., 18.], dtype=float64, device='cpu')
"""

from __future__ import annotations

from typing import Any

from ..core.array import Array
from ..functions import namespace as xp
from ..functions.creation import as_floating
from .arguments import as_array, refuse_out
from .refusals import missing

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]


def _one(name: str, a: Any, n: Any, axis: int, norm: Any, out: Any) -> Array:
    """A transform along one axis."""
    refuse_out(name, out)
    x = _prepared(name, a)
    n = None if n is None else int(n)
    return getattr(xp.fft, name)(x, n=n, axis=axis, norm=norm or "backward")


def _several(name: str, a: Any, s: Any, axes: Any, norm: Any, out: Any) -> Array:
    """A transform over several axes: the last ones where `s` is given without `axes`, all without both."""
    refuse_out(name, out)
    x = _prepared(name, a)
    if axes is None:
        axes = range(-len(s) if s is not None else -x.ndim, 0)
    axes = tuple(int(k) for k in axes)
    if s is not None:
        if len(s) != len(axes):
            raise ValueError(f"{name}: s={tuple(s)} and axes={axes} are not of one length")
        s = tuple(
            x.shape[k] if n is None or n == -1 else int(n) for n, k in zip(s, axes, strict=True)
        )
    return getattr(xp.fft, name)(x, s=s, axes=axes, norm=norm or "backward")


def _prepared(name: str, a: Any) -> Array:
    x = as_floating(as_array(a))
    if name in ("rfft", "rfftn", "ihfft"):
        if x.dtype.kind == "c":
            raise TypeError(f"{name}: a real array is needed, not one of dtype {x.dtype}")
        return x
    if x.dtype.kind == "c":
        return x
    return xp.astype(x, xp.result_type(x.dtype, xp.complex64))


def fft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Array:
    """The discrete Fourier transform along an axis, ``Σ_j a_j e^(−2πi jk/n)``.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.fft([1.0, 2.0, 3.0, 4.0]).real
    Array([10., -2., -2., -2.], dtype=float64, device='cpu')
    """
    return _one("fft", a, n, axis, norm, out)


def ifft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Array:
    """The inverse of `fft`, ``Σ_k a_k e^(2πi jk/n) / n``.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.ifft([4.0, 0.0, 0.0, 0.0]).real
    Array([1., 1., 1., 1.], dtype=float64, device='cpu')
    """
    return _one("ifft", a, n, axis, norm, out)


def rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Array:
    """The first n//2 + 1 elements of the `fft` of real numbers, which have the others as conjugates.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.rfft([1.0, 1.0, 1.0, 1.0]).real
    Array([4., 0., 0.], dtype=float64, device='cpu')
    """
    return _one("rfft", a, n, axis, norm, out)


def irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Array:
    """The inverse of `rfft`: n real numbers, by default 2 (m − 1) from m elements.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.irfft([4.0, 0.0, 0.0])
    Array([1., 1., 1., 1.], dtype=float64, device='cpu')
    """
    return _one("irfft", a, n, axis, norm, out)


def hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Array:
    """The `fft`, which is real, of a signal whose second half is the conjugate of its first.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.hfft([4.0, 0.0, 0.0])
    Array([4., 4., 4., 4.], dtype=float64, device='cpu')
    """
    return _one("hfft", a, n, axis, norm, out)


def ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Array:
    """The inverse of `hfft`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.ihfft([1.0, 1.0, 1.0, 1.0]).real
    Array([1., 0., 0.], dtype=float64, device='cpu')
    """
    return _one("ihfft", a, n, axis, norm, out)


def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Array:
    """`fft` over several axes, all by default.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.fftn(np.ones((2, 2))).real
    Array([[4., 0.],
           [0., 0.]], dtype=float64, device='cpu')
    """
    return _several("fftn", a, s, axes, norm, out)


def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Array:
    """`ifft` over several axes, all by default.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.ifftn(np.ones((2, 2))).real
    Array([[1., 0.],
           [0., 0.]], dtype=float64, device='cpu')
    """
    return _several("ifftn", a, s, axes, norm, out)


def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Array:
    """`rfft` over the last of several axes, and `fft` over the others.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.rfftn(np.ones((2, 4))).shape
    (2, 3)
    """
    return _several("rfftn", a, s, axes, norm, out)


def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Array:
    """The inverse of `rfftn`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.irfftn(np.ones((2, 3))).shape
    (2, 4)
    """
    return _several("irfftn", a, s, axes, norm, out)


def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Array:
    """`fft` over two axes.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.fft2(np.ones((2, 2))).real
    Array([[4., 0.],
           [0., 0.]], dtype=float64, device='cpu')
    """
    return _several("fftn", a, s, axes, norm, out)


def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Array:
    """`ifft` over two axes.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.ifft2(np.ones((2, 2))).real
    Array([[1., 0.],
           [0., 0.]], dtype=float64, device='cpu')
    """
    return _several("ifftn", a, s, axes, norm, out)


def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Array:
    """`rfftn` over two axes.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.rfft2(np.ones((2, 4))).shape
    (2, 3)
    """
    return _several("rfftn", a, s, axes, norm, out)


def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Array:
    """`irfftn` over two axes.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.irfft2(np.ones((2, 3))).shape
    (2, 4)
    """
    return _several("irfftn", a, s, axes, norm, out)


def fftshift(x: Any, axes: Any = None) -> Array:
    """Frequencies with that of 0 in the middle.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.fftshift([0.0, 1.0, -2.0, -1.0])
    Array([-2., -1.,  0.,  1.], dtype=float64, device='cpu')
    """
    return xp.fft.fftshift(as_array(x), axes=axes)


def ifftshift(x: Any, axes: Any = None) -> Array:
    """The inverse of `fftshift`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.ifftshift([-2.0, -1.0, 0.0, 1.0])
    Array([ 0.,  1., -2., -1.], dtype=float64, device='cpu')
    """
    return xp.fft.ifftshift(as_array(x), axes=axes)


def fftfreq(n: int, d: Any = 1.0, device: Any = None) -> Array:
    """The frequencies of an `fft` of n samples at the distance `d`, which may be traced.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.fftfreq(4, 0.5)
    Array([ 0. ,  0.5, -1. , -0.5], dtype=float64, device='cpu')
    """
    return xp.fft.fftfreq(n, d=d, device=device)


def rfftfreq(n: int, d: Any = 1.0, device: Any = None) -> Array:
    """The frequencies of an `rfft` of n samples at the distance `d`, which may be traced.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fft.rfftfreq(4, 0.5)
    Array([0. , 0.5, 1. ], dtype=float64, device='cpu')
    """
    return xp.fft.rfftfreq(n, d=d, device=device)


_missing = missing("fft")


def __getattr__(name: str) -> Any:
    return _missing(name)


def __dir__() -> list[str]:
    return sorted(__all__)
