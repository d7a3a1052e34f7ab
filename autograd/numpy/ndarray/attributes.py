"""Attributes, ``x.T``, ``x.real``, ``x.flat``, and what Python's own functions ask for, ``divmod(x, y)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.array import Array, backend_array
from ...core.dtypes import is_complex
from ...functions import namespace as standard
from .. import namespace
from ..flat import Flat

# ── attributes ────────────────────────────────────────────────────────────────────────────────────


def real(self: Array) -> Array:
    """The real part: a view, also to be set, ``x.real = v``; of a real array, itself."""
    return standard.real(self) if is_complex(self.dtype) else self


def set_real(self: Array, value: Any) -> None:
    """Write the real part, ``x.real = v``; recorded."""
    real(self)[...] = value


def imag(self: Array) -> Array:
    """The imaginary part: a view, also to be set, ``x.imag = v``; zeros of a real array."""
    return standard.imag(self)


def set_imag(self: Array, value: Any) -> None:
    """Write the imaginary part, ``x.imag = v``; recorded.

    Raises
    ------
    TypeError
        If `x` is real.
    """
    if not is_complex(self.dtype):
        raise TypeError(
            f"x.imag = v: an array of dtype {self.dtype} has no imaginary part to set; use x.astype(complex)"
        )
    imag(self)[...] = value


def t(self: Array) -> Array:
    """The axes in the opposite order; a view."""
    return standard.permute_dims(self, tuple(range(self.ndim))[::-1])


def mt(self: Array) -> Array:
    """The last two axes exchanged; a view."""
    return standard.matrix_transpose(self)


def flat(self: Array) -> Flat:
    """The elements in order, ``x.flat[3]``, ``x.flat[::2] = v``, ``for e in x.flat``; writes are recorded."""
    return Flat(self)


def set_flat(self: Array, value: Any) -> None:
    """Write all elements in order, ``x.flat = v``; recorded."""
    Flat(self)[...] = value


def itemsize(self: Array) -> int:
    """The number of bytes of one element."""
    return self.dtype.itemsize


def nbytes(self: Array) -> int:
    """The number of bytes of all elements."""
    return self.dtype.itemsize * self.size


# ── what Python's own functions ask for ───────────────────────────────────────────────────────────


def contains(self: Array, value: Any) -> bool:
    """``value in x``: whether an element is equal to it, which is read."""
    return bool(standard.any(self == value))


def divmod(self: Array, other: Any) -> Any:
    """``divmod(x, y)``: the quotient, rounded down, and the remainder."""
    return self // other, self % other


def rdivmod(self: Array, other: Any) -> Any:
    """``divmod(y, x)`` of a number or another array `y`."""
    return other // self, other % self


def builtin_round(self: Array, ndigits: int | None = None) -> Any:
    """``round(x)`` of a number is an integer of Python's, which carries no derivative; ``round(x, 2)`` an array."""
    return builtin_integer(self, round) if ndigits is None else namespace.round(self, ndigits)


def builtin_integer(self: Array, function: Callable[[Any], Any]) -> int:
    """A number as an integer of Python's, which is read and carries no derivative."""
    value = backend_array(self)
    return function(float(value) if self.dtype.kind == "f" else value.item())


def builtin_integer_by(function: Callable[[Any], Any]) -> Callable[[Array], int]:
    """The method with which Python's `math` asks for an integer: ``math.floor(x)``."""
    return lambda self: builtin_integer(self, function)
