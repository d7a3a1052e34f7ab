"""Functions that map 0 to 0, element by element, as methods of sparse matrices under SciPy's names.

Elements at one position are added up before a function is applied: f(a + b) is not f(a) + f(b).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...core.generated import xp as generated
from .validation import floating


class ElementwiseMethods:
    """Elementwise methods of sparse matrices."""

    def _on_merged(self, function: Callable[[Any], Any], *others: Any) -> Any:
        """function(elements) after those at one position are added up."""
        raise NotImplementedError(f"{type(self).__name__} does not add up its elements")

    def power(self, n: Any, dtype: Any = None) -> Any:
        """Each stored element to the power n, which is a number.

        Raises
        ------
        NotImplementedError
            If n is an array, or 0: every zero would become 1.
        """
        if getattr(n, "shape", ()) != () or isinstance(n, list | tuple):
            raise NotImplementedError("A.power(n): n has to be a number")
        if isinstance(n, int | float) and n == 0:
            raise NotImplementedError("A.power(0): every zero would become 1; use A.toarray() ** 0")
        if dtype is None:
            return self._on_merged(lambda a: a**n, n)
        wanted = floating(dtype, "power")
        return self._on_merged(lambda a: generated.astype(a, wanted) ** n, n)

    def __abs__(self) -> Any:
        """The absolute value of each element."""
        return self._on_merged(generated.abs)

    def conj(self, copy: bool = True) -> Any:
        """The matrix with conjugate elements."""
        return self._on_merged(generated.conj)

    def conjugate(self, copy: bool = True) -> Any:
        """The matrix with conjugate elements."""
        return self._on_merged(generated.conj)

    @property
    def real(self) -> Any:
        """The real part of each element."""
        return self._on_merged(lambda a: generated.real(a) if a.dtype.kind == "c" else a)

    @property
    def imag(self) -> Any:
        """The imaginary part of each element; zeros of real ones."""
        return self._on_merged(lambda a: generated.imag(a) if a.dtype.kind == "c" else a * 0)

    def sqrt(self) -> Any:
        """The square root of each stored element."""
        return self._on_merged(generated.sqrt)

    def sin(self) -> Any:
        """The sine of each stored element."""
        return self._on_merged(generated.sin)

    def tan(self) -> Any:
        """The tangent of each stored element."""
        return self._on_merged(generated.tan)

    def arcsin(self) -> Any:
        """The inverse sine of each stored element."""
        return self._on_merged(generated.asin)

    def arctan(self) -> Any:
        """The inverse tangent of each stored element."""
        return self._on_merged(generated.atan)

    def sinh(self) -> Any:
        """The hyperbolic sine of each stored element."""
        return self._on_merged(generated.sinh)

    def tanh(self) -> Any:
        """The hyperbolic tangent of each stored element."""
        return self._on_merged(generated.tanh)

    def arcsinh(self) -> Any:
        """The inverse hyperbolic sine of each stored element."""
        return self._on_merged(generated.asinh)

    def arctanh(self) -> Any:
        """The inverse hyperbolic tangent of each stored element."""
        return self._on_merged(generated.atanh)

    def expm1(self) -> Any:
        """``exp(a) − 1`` of each stored element."""
        return self._on_merged(generated.expm1)

    def log1p(self) -> Any:
        """``log(1 + a)`` of each stored element."""
        return self._on_merged(generated.log1p)

    def deg2rad(self) -> Any:
        """Each stored element converted from degrees to radians."""
        return self._on_merged(lambda a: a * (math.pi / 180))

    def rad2deg(self) -> Any:
        """Each stored element converted from radians to degrees."""
        return self._on_merged(lambda a: a * (180 / math.pi))

    def sign(self) -> Any:
        """The sign of each stored element."""
        return self._on_merged(generated.sign)

    def floor(self) -> Any:
        """Each stored element rounded down to an integer."""
        return self._on_merged(generated.floor)

    def ceil(self) -> Any:
        """Each stored element rounded up to an integer."""
        return self._on_merged(generated.ceil)

    def rint(self) -> Any:
        """Each stored element rounded to the nearest integer."""
        return self._on_merged(generated.round)

    def trunc(self) -> Any:
        """Each stored element rounded towards 0 to an integer."""
        return self._on_merged(generated.trunc)
