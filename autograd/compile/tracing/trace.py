"""One call of a function on tracers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import Backend, backend_of, current, is_array, use
from ...core.array import Array, backend_array, unwrap_closed
from ...core.levels.batched import Batched
from ...core.tracer_like import recording
from ...core.views import like as like_kind
from ...functions.writes import Writes
from ...pytree import tree
from ..ir.program import NUMBER, Value
from .guards import GUARD_FAILED, ArgumentGuard, ArraySpec
from .trace_builder import Opaque, TraceBuilder, Traced, TraceError
from .tracer import Tracer
from .tracer_namespace import tracer_class


class Trace:
    """One call of a function on tracers, and what was written down of it."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        static: frozenset[int],
        precision: str = "float32",
        fast: bool | None = None,
        loops: Callable[[TraceBuilder], Any] | None = None,
    ) -> None:
        self.f, self.args, self.kwargs = f, args, kwargs
        self.static = frozenset(i % len(args) for i in static if -len(args) <= i < len(args))
        self.builder = TraceBuilder(precision, fast)
        self.loops = None if loops is None else loops(self.builder)
        self.guards: list[ArgumentGuard] = []
        # the arrays and numbers of this call, in the order of `guards`
        self.given: list[Any] = []
        self.is_generic_library = False
        self.device: Backend | None = None  # that runs programs itself
        self.backends: set[str] = set()
        self.inputs: list[Value] = []
        self.result: Any = None

    def run(self) -> Any:
        """The function's result; `GUARD_FAILED` if it depends on what is traced outside."""
        args: list[Any] = []
        tracer_type = self._tracer_type_of_numbers()
        for i, x in enumerate(self.args):
            if i in self.static:
                self._add_guard(ArgumentGuard("static", False, x, f"static {i}"), x)
                args.append(x)
            else:
                args.append(self._tracers(x, str(i), tracer_type))
        kwargs = self._tracers(self.kwargs, "", tracer_type)
        try:
            # what the function makes belongs to its arguments' library
            with use(self._home()), recording(self.loops), Writes() as writes:
                out = self.f(*args, **kwargs)
        finally:
            self.builder.open = False
            if self.loops is not None:
                self.loops.close()
        found, spec = tree.flatten(out)
        if any(type(unwrap_closed(x)) in (Array, Batched) for x in found):
            return GUARD_FAILED
        for x in writes.outlasting(out, args, kwargs):
            raise TraceError(
                f"compile({getattr(self.f, '__name__', 'f')}): it writes in place to an array of shape "
                f"{tuple(x.shape)} that it closes over, which a replay would not do; return what is written"
            )
        self._refuse_hidden(found)
        self.wrapped = [type(x) is Array for x in found]
        self.outputs = [backend_array(x) for x in found]
        real = self._real_all()
        self.result = tree.unflatten(spec, [array_spec(x) for x in real])
        wrap = [Array(x) if w else x for x, w in zip(real, self.wrapped, strict=True)]
        return tree.unflatten(spec, wrap)

    def _refuse_hidden(self, found: list[Any]) -> None:
        """Raise an error for recorded values in objects of which replays know nothing."""
        for x in found:
            if isinstance(backend_array(x), Traced):
                continue
            fields = {**getattr(x, "__dict__", {}), **(x if isinstance(x, dict) else {})}
            for name, held in fields.items():
                if any(isinstance(backend_array(y), Traced) for y in tree.leaves(held)):
                    kind = type(x).__name__
                    raise TraceError(
                        f"compile({getattr(self.f, '__name__', 'f')}): it returns an object of type {kind}, which is "
                        f"no pytree, with a recorded value in it, {name!r}; return the values that you want, in a "
                        "tuple, a dict or a dataclass"
                    )

    def output_values(self) -> list[Any]:
        """The values of the outputs; what is no array is returned as it is."""
        return [self._output_value(x) for x in self.outputs]

    def _output_value(self, x: Any) -> Any:
        if isinstance(x, Traced):
            return x.of
        return self.builder.constant(x) if is_array(x) else x

    def argument_specs(self) -> tuple[list[Any], Any]:
        """The example ``(args, kwargs)``, with an `ArraySpec` for each array."""
        args = [x if i in self.static else tree.map(array_spec, x) for i, x in enumerate(self.args)]
        return args, tree.map(array_spec, self.kwargs)

    def _tracer_type_of_numbers(self) -> Any:
        first = self._first_array()
        return self._tracer_type(current().asarray(0.0) if first is None else first)

    def _first_array(self) -> Any:
        found = (backend_array(x) for x in tree.leaves((self.args, self.kwargs)))
        return next((x for x in found if is_array(x) and not isinstance(x, np.generic)), None)

    def _home(self) -> Backend:
        """The backend of the arguments' library; the active one where it is that, or there are none."""
        first, active = self._first_array(), current()
        home = active if first is None else backend_of(first)
        return active if home.array_type is active.array_type or home.recording else home

    def _tracer_type(self, x: Any) -> Any:
        tracer_type = tracer_class(x)
        if tracer_type.backend.name.startswith("dask"):
            raise TraceError(
                f"compile({getattr(self.f, '__name__', 'f')}): an argument is a Dask array, which is a program "
                "already: call the function as it is, and Dask runs the graph that it gives"
            )
        self.backends.add(tracer_type.backend.name)
        self.is_generic_library = self.backends != {"numpy"}
        runs = tracer_type.backend.programs is not None and len(self.backends) == 1
        self.device = tracer_type.backend if runs else None
        return tracer_type

    def _add_guard(self, guard: ArgumentGuard, x: Any) -> None:
        self.guards.append(guard)
        self.given.append(x)

    def _tracers(self, x: Any, path: str, tracer_type: Any) -> Any:
        leaves, spec = tree.flatten(x)
        names = tree.paths(x)
        out = []
        for leaf, name in zip(leaves, names, strict=True):
            out.append(self._tracer(leaf, ".".join(p for p in (path, name) if p), tracer_type))
        return tree.unflatten(spec, out)

    def _tracer(self, x: Any, path: str, tracer_type: Any) -> Any:
        index = len(self.guards)
        wrapped = type(x) is Array
        inner = backend_array(x)
        array = is_array(inner)
        number = type(inner) in (int, float, complex)
        if not array and not number:
            self._add_guard(ArgumentGuard("static", False, x, path), x)
            return x
        like = x
        if array:
            tracer_type, like = self._tracer_type(inner), ArraySpec(inner)
            inner = np.asarray(inner) if isinstance(inner, np.generic) else inner
        numbers = frozenset((index,)) if number else None
        value = self.builder.value(inner, input_index=index, numbers=numbers)
        value.name = f"x{index}"
        self._add_guard(
            ArgumentGuard("array" if array else "number", wrapped, like, path, value),
            backend_array(x),
        )
        self.inputs.append(value)
        tracer = tracer_type(self.builder, value, inner)
        if array and not isinstance(backend_array(x), np.generic):
            tracer.link = False  # an array, where a result without axes is a number
        return like_kind(Array(tracer), x) if wrapped else tracer

    def _real_all(self) -> list[Any]:
        """The results of this call, in memory that nobody else has, or inputs themselves."""
        taken = {id(x) for x in self.given} | self.builder.constants.keys()
        out = []
        for x in self.outputs:
            value = self._real(x)
            if id(value) in taken and not (isinstance(x, Tracer) and x.of.input_index >= 0):
                value = backend_of(value).xp.copy(value) if hasattr(value, "shape") else value
            taken.add(id(value))
            out.append(value)
        return out

    def _real(self, x: Any) -> Any:
        if isinstance(x, Opaque):
            return x.real_value
        if not isinstance(x, Tracer):
            return backend_of(x).xp.copy(x) if is_array(x) else x
        value = x.real_value
        if x.of.input_index >= 0:
            return self.given[x.of.input_index]
        if x.of.value_type == NUMBER or (
            type(value) is np.ndarray and value.base is None and not x.of.constant
        ):
            return value
        return backend_of(value).xp.copy(value)


def array_spec(x: Any) -> Any:
    """The shape and dtype of an array, which stand for it in an example; other leaves as they are."""
    inner = backend_array(x)
    return ArraySpec(inner) if is_array(inner) else x
