"""The protocol between `compile` and the engine, whose tracers are one more class of raw arrays."""

from __future__ import annotations

from typing import Any, Protocol

from .typing import RawArray, Value


class TraceBuilderLike(Protocol):
    """The trace that a tracer belongs to, while it is made.

    Attributes
    ----------
    by_layout : bool
        Set where the program depends on how arrays lie in memory.
    """

    by_layout: bool

    def record(self, name: str, function: Any, args: Any, settings: Any) -> Any:
        """Run a function on the real values, and append it to the program."""


class TracerLike(Protocol):
    """An array, or a Python number, of a program that is being recorded.

    Its backend has ``recording=True``, and among raw arrays it decides where an operation runs.

    Attributes
    ----------
    recorder : TraceBuilderLike
        The trace that it belongs to.
    real_value
        What it is in this run.
    is_number : bool
        Whether it stands for a Python number.
    """

    recorder: TraceBuilderLike
    real_value: RawArray
    is_number: bool

    def as_number(self) -> Any:
        """A 0-d array as a Python number of the program."""

    def constant(self, x: RawArray) -> Value:
        """An array of the library itself, as a constant of the program."""

    def as_tracer(self, x: Value) -> Value:
        """A constant of the program for an array of the library; a tracer stays as it is."""


class NotRecorded(TypeError):
    """A function of NumPy's, or of another library, that no program can hold; the message says what to use."""


# What NumPy's own functions and methods do with arrays: "ufunc", "function" and "methods", from `numpy/protocols.py`
# and `numpy/methods.py`. Tracers, which those do not know, come to them by this table.
NUMPY_PROTOCOLS: dict[str, Any] = {}

# The classes of tracers: one for each library and device, put here when it is made. ``type(x) in TRACERS`` is
# a look-up without a call, which is what the path of every `grad` can afford.
TRACERS: set[type] = set()
