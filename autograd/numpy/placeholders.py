"""What stands on `Array` for NumPy's methods, attributes and protocols until one of them is used.

Asked of an array or of the class, each loads `methods.py` and `protocols.py`, which put the real ones in place of all,
and answers with the real one. So importing pullback does not load `pullback.numpy`, and nothing costs more later.
"""

from __future__ import annotations

import importlib
from typing import Any

from ...backend.common.later import LOADING
from ..core.array import Array
from ..core.tracer_like import NUMPY_PROTOCOLS

NAMES: tuple[str, ...] = tuple(
    """
    all any argmax argmin argpartition argsort astype choose clip compress conj conjugate copy cumprod cumsum diagonal
    dot fill flatten item max mean min nonzero partition prod put ravel repeat reshape round searchsorted sort squeeze
    std sum swapaxes take tolist trace transpose var

    T flat imag itemsize mT nbytes real

    __ceil__ __contains__ __divmod__ __floor__ __rdivmod__ __round__ __trunc__

    __array_function__ __array_ufunc__

    base byteswap ctypes data dump dumps flags getfield itemset newbyteorder ptp resize setfield setflags strides
    tobytes tofile tostring view
    """.split()  # noqa: SIM905 - a table
)


class Placeholder:
    """A member of `Array` that loads the real one, which takes its place."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, x: Any, owner: type) -> Any:
        self._replace()
        return getattr(owner if x is None else x, self.name)

    def __set__(self, x: Any, value: Any) -> None:
        self._replace()
        setattr(x, self.name, value)

    def __delete__(self, x: Any) -> None:
        self._replace()
        delattr(x, self.name)

    def _replace(self) -> None:
        load()
        if vars(Array)[self.name] is self:
            raise RuntimeError(f"Array.{self.name} is used while it is being loaded")


def load() -> None:
    """Put the real members on `Array`."""
    with LOADING:
        for module in ("methods", "protocols"):
            importlib.import_module(f"{__package__}.{module}")


def install() -> None:
    """Put the placeholders on `Array`."""
    for name in NAMES:
        setattr(Array, name, Placeholder(name))
    NUMPY_PROTOCOLS.load = load


install()
