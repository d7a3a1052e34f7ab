"""The trace while it is made: the operations so far, and the values of what they returned."""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from ...core.dtypes import as_numpy
from ...core.signatures import COLLECTIVE_STEPS, COLLECTIVES
from ...core.tracer_like import Unrecorded
from ..ir.aliasing import shared_arguments
from ..ir.program import ARRAY, NUMBER, OPAQUE, Op, Tuple, Value, replace

NUMBERS = (bool, int, float, complex)


class TraceError(TypeError):
    """Something that a recorded program cannot do: its message names the line and a way out."""


class Traced:
    """A stand-in of a trace: a value of the program, and the real value of this run."""

    __slots__ = ("of", "real_value", "recorder")

    def __init__(self, recorder: TraceBuilder, of: Value, real_value: Any) -> None:
        self.recorder, self.of, self.real_value = recorder, of, real_value

    def moved(self, recorder: TraceBuilder, of: Value) -> Any:
        """The same for another trace, in which it is the value `of`."""
        return type(self)(recorder, of, self.real_value)


class Opaque(Traced):
    """The result of a traced function that is no array: it can be passed to other traced functions."""

    __slots__ = ("tracer_type",)

    def __init__(
        self, recorder: TraceBuilder, of: Value, real_value: Any, tracer_type: type
    ) -> None:
        super().__init__(recorder, of, real_value)
        self.tracer_type = tracer_type

    def moved(self, recorder: TraceBuilder, of: Value) -> Any:
        """The same for another trace, in which it is the value `of`."""
        return type(self)(recorder, of, self.real_value, self.tracer_type)


class Report(Opaque):
    """How a solver ended, within a compiled function: its fields are numbers of the program, and it can be returned.

    The class of the object itself lists them as `recorded_fields`.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # == is a number of the program

    def __getattr__(self, name: str) -> Any:
        if name not in type(self.real_value).recorded_fields:
            if not name.startswith("_") and hasattr(self.real_value, name):
                self._refuse(f"info.{name}")
            raise AttributeError(f"{type(self.real_value).__name__} has no attribute {name!r}")
        return self.recorder.record(f"py.{name}", operator.attrgetter(name), (self,), {})

    def __eq__(self, other: object) -> Any:
        return self.recorder.record("py.equal", operator.eq, (self, other), {})

    def __ne__(self, other: object) -> Any:
        return self.recorder.record("py.not_equal", operator.ne, (self, other), {})

    def _refuse(self, what: str) -> Any:
        fields = ", ".join(f"info.{name}" for name in type(self.real_value).recorded_fields)
        raise TraceError(
            f"{what} of what a solver reports, at {users_line()}: a compiled function is recorded once, and a solver "
            "ends otherwise from call to call. Return the report and read it outside, or use its numbers, "
            f"{fields}, with pb.xp.where"
        )

    def __bool__(self) -> bool:
        return bool(self._refuse("bool(info), as in `if info:`,"))

    def __int__(self) -> int:
        return int(self._refuse("int(info)"))

    def __index__(self) -> int:
        return int(self._refuse("use as a number"))


def is_number(x: Any) -> bool:
    """Whether `x` is a Python number, and no report that is one by its class alone."""
    return isinstance(x, NUMBERS) and not hasattr(type(x), "recorded_fields")


def is_array(x: Any) -> bool:
    """Whether `x` is an array of some library, and not a class of them."""
    return hasattr(x, "shape") and hasattr(x, "dtype") and not isinstance(x, type)


class TraceBuilder:
    """One trace, while it is made."""

    def __init__(
        self,
        precision: str = "float32",
        fast: bool | None = None,
        outer: TraceBuilder | None = None,
    ) -> None:
        self.precision = precision  # of products: `precision.py`
        self.fast: bool | None = fast if outer is None else outer.fast
        # how many traces this one is inside of: the step of a loop has one of its own
        self.depth: int = 0 if outer is None else outer.depth + 1
        # what makes an input of a value of another trace, and the inputs that there are
        self.adopted: Callable[[Any], Any] | None = None
        self._known: dict[Value, Any] = {}
        self.ops: list[Op] = []
        # indices of Python numbers whose value was read, and the lines where that was
        self.static: set[int] = set() if outer is None else outer.static
        self.reads: dict[int, str] = {} if outer is None else outer.reads
        self.open = True
        self.count = 0
        self.constants: dict[int, tuple[Any, Value]] = {}
        # whether what was done hung on how arrays lie in memory: `functions/aliases.py`
        self.by_layout = False
        # of the step of a loop: what takes arrays that are traced outside for inputs
        self.tape: Any = None

    def value(self, x: Any, **options: Any) -> Value:
        """A new value for something like `x`."""
        self.count += 1
        name = f"v{self.count}"
        if is_number(x):
            return Value(name, NUMBER, (), np.result_type(type(x)), **options)
        if is_array(x):
            return Value(name, ARRAY, tuple(x.shape), as_numpy(x.dtype), **options)
        return Value(name, OPAQUE, (), None, **options)

    def constant(self, x: Any) -> Value:
        """The value of a constant array or number; one for each object."""
        known = self.constants.get(id(x))
        if known is None:
            known = self.constants[id(x)] = x, self.value(x, held=x)
        return known[1]

    def adopt(self, x: Any) -> Any:
        """A value of a trace around this one as an input of this one; anything else as it is."""
        if not isinstance(x, Traced) or x.recorder is self:
            return x
        if x.of.constant:
            return x.moved(self, self.constant(x.real_value))
        known = self._known.get(x.of)
        if known is None:
            if self.adopted is None or not x.recorder.open:
                raise TraceError(
                    f"an array of a recording that is over was used at {users_line()}; return it from the loop's step"
                )
            known = self._known[x.of] = self.adopted(x)
        return known

    def record(self, name: str, function: Callable[..., Any], args: Any, settings: Any) -> Any:
        """Call `function` on what the tracers stand for, and write it down."""
        if not self.open:
            raise TraceError(
                f"{name}: an array of a recording that is over was used at {users_line()}; return it from the "
                "compiled function, or let nothing that was computed there be kept outside"
            )
        collective = name in COLLECTIVE_STEPS
        if self.depth:
            # recording a loop runs its step once more than the loop does: the others would not take part in that
            if collective:
                raise Unrecorded
            args, settings = replace(args, self.adopt), replace(settings, self.adopt)
        tracers: list[Any] = []

        def real(x: Any) -> Any:
            if isinstance(x, Traced):
                tracers.append(x)
                return x.real_value
            return x

        out = function(*replace(args, real), **replace(settings, real))
        if is_number(out) and not name.startswith("py.") and name != "item":
            out = np.asarray(out)
        inner = [x.of for x in tracers]
        if all(v.constant for v in inner) and not collective:
            return self.wrap(out, tracers[0], lambda y: self.constant(y))
        numbers: frozenset[int] | None = None
        if (
            name != "item"
            and is_number(out)
            and all(v.numbers is not None or v.constant for v in inner)
        ):
            numbers = frozenset().union(*(v.numbers or () for v in inner))

        given: list[Any] = []  # as `Op.inputs` has them

        def inside(x: Any) -> Any:
            if isinstance(x, Traced):
                given.append(x.real_value)
                return x.of
            if is_array(x):
                given.append(x)
                return self.constant(x)
            return x

        if name in COLLECTIVES:
            function = _of_this_shape(name, function, out)
        op = Op(name, function, replace(args, inside), replace(settings, inside), line=users_line())
        op.shares = shared_arguments(out, given)
        result = self.wrap(out, tracers[0], lambda y: self.value(y, op=op, numbers=numbers))
        op.result = structure_of(result)
        self.ops.append(op)
        return result

    def wrap(self, out: Any, like: Any, value: Callable[[Any], Value]) -> Any:
        """The result of a function, with tracers for its arrays."""
        if isinstance(out, tuple | list):
            items = [self.wrap(o, like, value) for o in out]
            return out._make(items) if hasattr(out, "_make") else type(out)(items)
        if isinstance(out, np.generic):
            out = np.asarray(out)
        if is_array(out) or is_number(out):
            tracer_type: Any = like.tracer_type if isinstance(like, Opaque) else type(like)
            if self.depth:
                tracer_type = tracer_type.at_depth(self.depth)
            return tracer_type(self, value(out), out)
        if out is None or isinstance(out, str | np.dtype | type):
            return out
        opaque = Report if hasattr(type(out), "recorded_fields") else Opaque
        return opaque(
            self, value(out), out, like.tracer_type if isinstance(like, Opaque) else type(like)
        )


def _of_this_shape(name: str, function: Callable[..., Any], out: Any) -> Callable[..., Any]:
    """A collective that raises if its result has another shape than while recording, since another rank's array has."""
    shape = tuple(out.shape)

    def call(*args: Any, **settings: Any) -> Any:
        out = function(*args, **settings)
        if tuple(out.shape) != shape:
            raise TraceError(
                f"{name}: other ranks now give arrays of other lengths: the result has shape {tuple(out.shape)}, and "
                f"the compiled function was recorded with {shape}; keep the lengths, or leave the function uncompiled"
            )
        return out

    return call


def structure_of(x: Any) -> Any:
    """The values of the tracers in a result."""
    if isinstance(x, Traced):
        return x.of
    if isinstance(x, tuple | list):
        make = getattr(x, "_make", type(x))
        return Tuple(make, tuple(structure_of(part) for part in x))
    return x


def find_builder(x: Any) -> TraceBuilder | None:
    """The innermost trace that one of the tracers in `x` belongs to."""
    cls = type(x)
    if isinstance(x, Traced):
        return x.recorder
    if isinstance(x, tuple | list):
        parts: Any = x
    elif cls is dict:
        parts = x.values()
    elif cls is slice:
        parts = (x.start, x.stop, x.step)
    else:
        return None
    innermost: TraceBuilder | None = None
    for part in parts:
        found = find_builder(part)
        if found is not None and (innermost is None or found.depth > innermost.depth):
            innermost = found
    return innermost


def users_line() -> str:
    """The innermost line outside of this package and of generated code."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not _is_ours(frame.f_globals.get("__name__", ""), file):
            return f"{file}:{frame.f_lineno} in {frame.f_code.co_name}"
        frame = frame.f_back
    return "an unknown line"


@functools.lru_cache(1024)
def _is_ours(module: str, file: str) -> bool:
    """Whether a line is of this package, of generated code, or of what calls it for pytrees."""
    package = __name__.partition(".")[0]
    return module.partition(".")[0] in (package, "optree") or file.startswith("<pullback")
