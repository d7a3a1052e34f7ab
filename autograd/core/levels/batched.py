"""Batched arrays of `vmap`, whose leading axis the mapped function does not see.

A sweep with many cotangents (`transforms/batching/sweep.py`) has `Batched` without a level: they are never inside an
`Array`, and their operators compute.
"""

from __future__ import annotations

import math
from typing import Any

from ..namespaces import NAMESPACES
from .level import BatchLevel, NeedsRows, in_solver


class Batched:
    """k arrays of one shape that look like one of them; other operands are the same for all k.

    Attributes
    ----------
    value
        Of shape (k, *shape): the backend's array, an `Array` of an older tape, or a `Batched` of an older level.
    level : BatchLevel or None
        The call of `vmap`; None in a sweep with many cotangents.
    mapped : bool
        If False, `value` has no leading axis: it is the same for all rows.
    """

    __slots__ = ("level", "mapped", "value")
    __array_ufunc__ = None  # an operator of NumPy's and CuPy's arrays leaves the work to this class
    __hash__ = None  # type: ignore[assignment]  # == is elementwise

    value: Any
    level: Any
    mapped: bool

    def __init__(self, value: Any, level: BatchLevel | None = None, mapped: bool = True) -> None:
        self.value = value
        self.level = level
        self.mapped = mapped

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of each."""
        shape = tuple(self.value.shape)
        return shape[1:] if self.mapped else shape

    @property
    def ndim(self) -> int:
        """The number of axes of each."""
        return len(self.value.shape) - self.mapped

    @property
    def size(self) -> int:
        """The number of elements of each."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        """The dtype of all."""
        return self.value.dtype

    @property
    def device(self) -> Any:
        """The device of all of them."""
        return getattr(self.value, "device", "cpu")

    @property
    def mT(self) -> Any:
        """The last two axes swapped."""
        return NAMESPACES[Batched].matrix_transpose(self)

    @property
    def T(self) -> Any:
        """The axes in the opposite order."""
        return NAMESPACES[Batched].permute_dims(self, tuple(reversed(range(self.ndim))))

    @property
    def real(self) -> Any:
        """The real part."""
        return NAMESPACES[Batched].real(self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return NAMESPACES[Batched].imag(self)

    def __repr__(self) -> str:
        if not self.mapped:
            return f"<Batched, the same for all rows: {self.value!r}>"
        return f"<Batched, {self.value.shape[0]} of shape {self.shape}>"

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return self.shape[0]

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        return NAMESPACES[Batched]

    def __getitem__(self, key: Any) -> Any:
        return NAMESPACES[Batched].getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write in place, at a basic key: a sweep adds to buffers of its own."""
        if self.level is not None:
            raise TypeError(
                "an array of vmap is never written to in place; use pb.xp.at(x)[key].set(v)"
            )
        full_key = (slice(None), *(key if type(key) is tuple else (key,)))
        self.value[full_key] = value.value if type(value) is Batched else value

    # ── reading values ────────────────────────────────────────────────────────────────────────

    def read(self, what: str) -> Any:
        """The value, where it is the same for all rows.

        Raises
        ------
        TypeError
            Where it differs from row to row.
        """
        if self.level is None:
            raise TypeError(f"{what}: a rule asks for a value, which differs from row to row")
        if self.mapped:
            if in_solver():
                raise NeedsRows(self.level)
            raise TypeError(
                f"{what} of an array of shape {self.shape} under vmap: its value differs from row to row. Branch by "
                "pb.xp.where, choose elements by pb.xp.where or by indices, keep numbers as 0-d arrays, or pass this "
                "argument with in_axes=None"
            )
        return self.value

    def __bool__(self) -> bool:
        return bool(self.read("bool(x), as in `if x:`,"))

    def __int__(self) -> int:
        return int(self.read("int(x)"))

    def __index__(self) -> int:
        return self.read("use as an index, a length or a size").__index__()

    def __float__(self) -> float:
        return float(self.read("float(x)"))

    def __complex__(self) -> complex:
        return complex(self.read("complex(x)"))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.read("numpy.asarray(x)").__array__(dtype)

    def __dlpack__(self, **settings: Any) -> Any:
        return self.read("DLPack export").__dlpack__(**settings)

    def __dlpack_device__(self) -> Any:
        return self.read("DLPack export").__dlpack_device__()

    def item(self) -> Any:
        """The only element as a Python number; refused where it differs from row to row."""
        return self.read("x.item()").item()

    def tolist(self) -> Any:
        """The elements as lists; refused where they differ from row to row."""
        return self.read("x.tolist()").tolist()


# ── levels among values ───────────────────────────────────────────────────────────────────────


def newest_level(values: Any) -> BatchLevel | None:
    """The newest level among values, of which those without a level are left out."""
    found: BatchLevel | None = None
    for x in values:
        if (
            type(x) is Batched
            and x.level is not None
            and (found is None or x.level.order > found.order)
        ):
            found = x.level
    return found


def key_level(key: Any) -> BatchLevel | None:
    """The newest level among the arrays of an index."""
    return newest_level(key if type(key) is tuple else (key,))


def all_rows(x: Any) -> Any:
    """The array of all rows of a constant, leading axes and all."""
    while type(x) is Batched:
        x = x.value
    return x


class BatchedFactor:
    """The factor of the matrices of all rows, made at once.

    Attributes
    ----------
    inner
        What the solver made of the array with the leading axis.
    level : BatchLevel
        The level of the matrices.
    """

    __slots__ = ("inner", "level")

    def __init__(self, inner: Any, level: BatchLevel) -> None:
        self.inner, self.level = inner, level


def factor_of(solver: Any, A: Any) -> Any:
    """The factor that a solver makes of a constant: one for all rows, where the matrices differ from row to row.

    Raises
    ------
    NeedsRows
        If the solver takes one matrix at a time.
    """
    if type(A) is not Batched:
        return solver.factor(A)
    if A.mapped and not getattr(solver, "batches", True):
        raise NeedsRows(A.level)
    inner = factor_of(solver, A.value)
    return BatchedFactor(inner, A.level) if A.mapped else inner
