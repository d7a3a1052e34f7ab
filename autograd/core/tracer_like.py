"""The protocol between `compile` and the engine, whose tracers are one more class of raw arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from .typing import RawArray, Value


class TraceBuilderLike(Protocol):
    """The trace that a tracer belongs to, while it is made.

    Attributes
    ----------
    by_layout : bool
        Set where the program depends on how arrays lie in memory.
    tape
        Of a step of a loop: what takes arrays that are traced outside for inputs of the step; else None.
    """

    by_layout: bool
    tape: Any

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


class NumpyProtocols(dict[str, Any]):
    """A table that is filled when something is first looked up in it by ``table[kind]``."""

    load: Callable[[], None]

    def __missing__(self, kind: str) -> Any:
        self.load()
        return self.get(kind)


# What NumPy's own functions and methods do with arrays: "ufunc", "function" and "methods", from `numpy/protocols.py`
# and `numpy/methods.py`. Tracers, which those do not know, come to them by this table.
NUMPY_PROTOCOLS = NumpyProtocols()

# The classes of tracers: one for each library and device, put here when it is made. ``type(x) in TRACERS`` is
# a look-up without a call, which is what the path of every `grad` can afford.
TRACERS: set[type] = set()

# The tapes of loops' steps that are being recorded: empty nearly always, which is what the engine looks at.
CAPTURING: list[Any] = []


def inner_tape(tape: Any, values: Any) -> Any:
    """`tape`, or the newer one of the loop's step that a raw array among `values` was made in.

    Indices and masks are on no tape; but what they meet belongs to the step.
    """
    for x in values:
        if type(x) in TRACERS:
            mine = x.recorder.tape
            if mine is not None and mine.open and mine.order > tape.order:
                tape = mine
        elif type(x) is tuple or type(x) is list:
            tape = inner_tape(tape, x)
    return tape


class Unrecorded(Exception):
    """A loop whose values are not arrays of a library cannot be one operation of a trace: it is unrolled."""


class LoopRecorder(Protocol):
    """A recorder of loops as one operation each, while `compile` records the function that they are in."""

    def scan(self, step: Any, carry: list[Any], columns: list[Any], n: int, reverse: bool) -> Any:
        """The last carry and the stacked rows of a scan."""

    def while_loop(self, test: Any, step: Any, carry: list[Any], most: int | None) -> Any:
        """The last carry of a loop with a condition."""

    def constant(self, x: RawArray) -> Any:
        """A raw array as a constant of the program: what is done to it becomes an operation of the program."""

    def host_step(self, name: str, run: Any, functions: Any, operands: Any) -> Any:
        """``run(functions, operands)`` as one operation, if an operand belongs to the program."""


class _Active(threading.local):
    def __init__(self) -> None:
        self.recorders: list[LoopRecorder] = []


_ACTIVE = _Active()


def active_recorder() -> LoopRecorder | None:
    """The recorder of loops in this thread; None where nothing is being recorded."""
    return _ACTIVE.recorders[-1] if _ACTIVE.recorders else None


def program_constant(x: Any) -> Any:
    """A raw array as a constant of the program that this thread records, so that its uses are steps; or as it is."""
    recorder = active_recorder()
    return x if recorder is None else recorder.constant(x)


class Callee(NamedTuple):
    """A function of raw arrays that a solver calls.

    Attributes
    ----------
    function : callable
        Of raw arrays, to one or a tuple of them; where `arrays` are given, what makes it of these.
    examples : tuple
        Raw arrays like its arguments.
    arrays : tuple or None
        The arrays that a map is made of that is known without being recorded, such as a matrix.
    """

    function: Callable[..., Any]
    examples: tuple[Any, ...] = ()
    arrays: tuple[Any, ...] | None = None

    def callable(self) -> Callable[..., Any]:
        """The function itself."""
        return self.function if self.arrays is None else self.function(*self.arrays)


def host_step(
    name: str, run: Callable[[Any, Any], Any], functions: Sequence[Callee], operands: Any
) -> Any:
    """``run(functions, operands)``, which may read values: one operation where a program is being recorded.

    Parameters
    ----------
    name : str
        In the listing of the program.
    run : callable
        A solver: of a tuple of functions of raw arrays, and of `operands`. It returns arrays whose shapes depend on no
        value, and other objects. What it uses besides is the same at each call.
    functions : sequence of Callee
        What it calls: recorded, each once, and replayed at each of its calls.
    operands
        Raw arrays in tuples and lists. Where the result depends on what is being recorded, one of them does.
    """
    recorder = active_recorder()
    if recorder is not None:
        return recorder.host_step(name, run, functions, operands)
    return run(tuple([f.callable() for f in functions]), operands)


class recording:
    """Have loops recorded by `recorder`, as a context."""

    def __init__(self, recorder: LoopRecorder | None) -> None:
        self.recorder = recorder

    def __enter__(self) -> None:
        if self.recorder is not None:
            _ACTIVE.recorders.append(self.recorder)

    def __exit__(self, *_: Any) -> None:
        if self.recorder is not None:
            _ACTIVE.recorders.pop()
