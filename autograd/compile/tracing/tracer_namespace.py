"""The namespace and the backend of tracers: every function of a library, written down as it is called."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import Backend, backend_of, is_array, register
from ...core.dtypes import as_numpy
from ...core.namespaces import NAMESPACES
from ...core.registry import REGISTRY, WrappedNamespace, find
from ...core.signatures import ARRAYS
from ...core.tracer_like import TRACERS
from ...core.transfer import of_two_libraries
from ...core.views import NEVER_NUMBERS, VIEWS, attach
from ..ir.elementwise import TABLE
from ..ir.program import ARRAY, NUMBER, replace, values_in
from ..optimise.decompose import ELEMENTWISE, WITH_PRODUCTS, decomposed
from ..optimise.fused_ops import decomposed_on_device
from .precision import round_operands
from .trace_builder import TraceError, find_builder, structure_of, users_line
from .tracer import Tracer

# Results whose shape depends on values.
_REFUSED = {
    "nonzero": "pb.xp.where(condition, …) keeps the shape",
    "unique_all": "make it an argument of the compiled function",
    "unique_counts": "make it an argument of the compiled function",
    "unique_inverse": "make it an argument of the compiled function",
    "unique_values": "make it an argument of the compiled function",
}
# Bilinear functions, whose factors are rounded where a program asks for it.
_PRODUCTS = frozenset(("matmul", "convolution", "convolution_vjp_x", "convolution_vjp_W"))
_COPIES = frozenset(("copy", "positive"))
# Results that depend on shapes and dtypes alone.
_OF_SHAPES = frozenset(
    ("zeros_like", "ones_like", "empty_like", "zeros_on_device_of", "arange_like")
)
# `kink` and its kin matter to derivatives alone, and what is traced has its derivatives taken already.
_SAME = frozenset(("stop_gradient", "kink", "separate", "varied"))
_VIEWS = VIEWS | {"diagonal", "ravel", "swapaxes"}  # NumPy's own among them


def traced(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, written down where one of its arguments is a tracer."""
    refusal = _REFUSED.get(name)

    def call(*args: Any, **settings: Any) -> Any:
        builder = find_builder([args, settings])
        if builder is None:
            return function(*args, **settings)
        if name not in _KEYED:
            _check_libraries(name, args)
        if name in WITH_PRODUCTS and builder.precision != "float32":
            tracer = next(x for x in (*args, *settings.values()) if isinstance(x, Tracer))
            return WITH_PRODUCTS[name](tracer.xp, *args, **settings)
        if name in _OF_SHAPES:
            real = replace((args, settings), lambda x: getattr(x, "real_value", x))
            like = next(x for x in (*args, *settings.values()) if isinstance(x, Tracer))
            out = builder.wrap(function(*real[0], **real[1]), like, builder.constant)
            out.link = False  # an array, where a result without axes is a number
            return out
        if name in _SAME and isinstance(args[0], Tracer):
            return args[0].renamed()
        if name in _COPIES and isinstance(args[0], Tracer):
            return args[0].copy()
        if name == "astype" or (name not in TABLE and name not in _OF_NUMBERS):
            args, settings = _as_operands(name, function, args, settings)
        args, settings = _read_numbers(name, args, settings)
        if name in _PRODUCTS and builder.precision != "float32":
            # the factors, and not what is added to their product
            args = (*round_operands(builder, args[:2]), *args[2:])
        if refusal is not None or _by_mask(name, args, settings):
            _refuse_shape(name, args, refusal)
        if find_builder(args) is None and find_builder(settings) is None:
            # all tracers were numbers, which were read
            return function(*args, **settings)
        out = builder.record(name, function, args, settings)
        if name in _VIEWS and isinstance(out, Tracer) and isinstance(args[0], Tracer):
            attach(out, args[0], name, args[1:], settings)
        elif name in NEVER_NUMBERS and isinstance(out, Tracer):
            out.link = False
        return out

    call.__name__ = name
    return call


def _as_operands(name: str, function: Callable[..., Any], args: Any, settings: Any) -> Any:
    """Python numbers where a function has arrays, as arrays of no dimension: they may change from call to call."""
    if not any(_is_number(x) for x in (*args, *settings.values())):
        return args, settings
    arrays = [
        x.dtype for x in (*args, *settings.values()) if isinstance(x, Tracer) and not x.is_number
    ]
    arrays = [as_numpy(dtype) for dtype in arrays]
    known = _parameters(name, function)

    def operand(key: Any, x: Any) -> Any:
        if not _is_number(x) or key not in OPERANDS:
            return x
        # as weak as a Python number is among arrays
        others = [] if key in ("indices", "labels") else arrays
        dtype = np.result_type(*others, _LIKE[x.of.dtype.kind])
        return x.recorder.record("asarray", x.backend.asarray, (x,), {"dtype": dtype})

    parameters = [known[i] if i < len(known) else "" for i in range(len(args))]
    return (
        tuple(operand(key, x) for key, x in zip(parameters, args, strict=True)),
        {key: operand(key, x) for key, x in settings.items()},
    )


def _is_number(x: Any) -> bool:
    return isinstance(x, Tracer) and x.of.value_type == NUMBER


_LIKE = {"b": True, "i": 1, "f": 1.0, "c": 1j}
# What arrays are called in signatures: the standard's, and those of what rules ask for.
OPERANDS = ARRAYS - {"repeats"} | frozenset(
    ("ct", "out", "larger", "smaller", "size", "mask", "top")
)


@functools.cache
def _parameters(name: str, function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the positional parameters of a function; none where it does not say."""
    try:
        return find(name).positional
    except KeyError:
        pass
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()


def _check_libraries(name: str, args: Any) -> None:
    """Refuse arrays of two libraries in one operation, as outside of recordings; there, kernels would."""
    values = [
        v for x in args for v in (x if isinstance(x, list | tuple) else (x,))
        if (isinstance(v, Tracer) and v.of.value_type == ARRAY) or (is_array(v) and not isinstance(v, np.generic))
    ]  # fmt: skip
    if len(values) < 2:
        return
    homes = [backend_of(v).array_type for v in values]
    for v, home in zip(values, homes, strict=True):
        if home is not homes[0]:
            names = find(name).arrays if name in REGISTRY else ()
            raise of_two_libraries(name, names, values, values[0], v)


def _read_numbers(name: str, args: Any, settings: Any) -> Any:
    """Python numbers that are no operands decide on shapes: they are read, and belong to the program from then on."""

    def read(x: Any) -> Any:
        if isinstance(x, Tracer) and x.of.value_type == NUMBER:
            return x.read(f"use in {name}")
        return x

    def key_part(x: Any) -> Any:  # an integer may vary, the ends of a slice may not
        if isinstance(x, slice):
            ends = (x.start, x.stop, x.step)
            return slice(*(operator.index(e) if isinstance(e, Tracer) else e for e in ends))
        return x

    if name in _KEYED:
        position = _KEYED[name]
        key = args[position]
        cleaned = tuple([key_part(x) for x in key]) if type(key) is tuple else key_part(key)
        return (*args[:position], cleaned, *args[position + 1 :]), settings
    if name in TABLE or name in _OF_NUMBERS:
        return args, replace(settings, read)
    return replace(args, read), replace(settings, read)


_KEYED = {"getitem": 1, "setitem": 2}
_OF_NUMBERS = frozenset(("asarray", "clip", "full_like"))


def _by_mask(name: str, args: Any, settings: Any) -> bool:
    """Whether the shape of the result depends on values: elements chosen by a mask, counts of repetitions."""
    if name == "getitem":
        parts = args[1] if isinstance(args[1], tuple) else (args[1],)
        return any(
            isinstance(p, Tracer)
            and not p.of.constant
            and p.of.value_type == ARRAY
            and p.of.dtype.kind == "b"
            for p in parts
        )
    if name == "repeat":
        return any(isinstance(r, Tracer) and not r.of.constant for r in args[1:2])
    return False


def _refuse_shape(name: str, args: Any, advice: str | None) -> None:
    if all(v.constant for v in values_in(structure_of(list(args)))):
        return
    what = "x[mask]" if name == "getitem" else name
    raise TraceError(
        f"{what} at {users_line()}: the shape of its result depends on values, and a compiled function has fixed "
        f"shapes: {advice or 'use pb.xp.where(mask, x, …), or indices made outside'}"
    )


# ── the backend ───────────────────────────────────────────────────────────────────────────────

_CLASSES: dict[Any, type[Tracer]] = {}


def tracer_class(x: Any, depth: int = 0) -> type[Tracer]:
    """The class of tracers that stand for arrays like `x`; made once for each library, device and depth.

    The steps of loops are traces within a trace. Their tracers are of other classes, so that the generated code for
    arrays of one class leaves to the general one what combines a step with what is outside of it.
    """
    backend = backend_of(x)
    key = (backend.array_type, backend.name, str(getattr(x, "device", None)))
    return _class_of(backend, key, depth)


def _class_of(backend: Backend, key: Any, depth: int) -> type[Tracer]:
    tracer_type = _CLASSES.get((*key, depth))
    if tracer_type is None:
        tracer_type = _CLASSES[*key, depth] = _make_class(backend)
        tracer_type.at_depth = functools.partial(_class_of, backend, key)
    return tracer_type


def _make_class(backend: Backend) -> type[Tracer]:
    xp = WrappedNamespace(backend.xp, traced)
    tracer_type = type("Tracer", (Tracer,), {"__slots__": (), "xp": xp})
    # CuPy's also where no device runs programs: a fused update would read a learning rate that is given as a number.
    if backend.programs is not None or backend.name == "cupy":
        apart = {
            name: functools.partial(f, xp) for name, f in (WITH_PRODUCTS | ELEMENTWISE).items()
        }
        xp.__dict__.update(decomposed(xp) | decomposed_on_device(xp) | apart)
    elif backend.name == "numpy":
        xp.__dict__.update(decomposed(xp))
    record = dataclasses.replace(
        backend,
        xp=xp,
        asarray=lambda host, dtype=None: (
            host if isinstance(host, Tracer) else backend.asarray(host, dtype)
        ),
        to_numpy=lambda x: backend.to_numpy(
            x.read("pb.to_numpy(x)") if isinstance(x, Tracer) else x
        ),
        normalise=lambda out: out if isinstance(out, Tracer) else backend.normalise(out),
        as_gradient=_as_gradient,
        lock=_lock,
        unlock=_unlock,
        recording=True,
        reason="recorded",
    )
    vars_of: Any = tracer_type
    vars_of.backend = record
    register(tracer_type, record)
    NAMESPACES[tracer_type] = xp
    TRACERS.add(tracer_type)
    return tracer_type


def _lock(arrays: list[Any]) -> list[Any]:
    locked = []
    for x in arrays:
        if not isinstance(x, Tracer):
            locked += backend_of(x).lock([x])
        elif not getattr(x, "locked", False):
            x.setflags(False)
            locked.append(x)
    return locked


def _unlock(arrays: list[Any]) -> None:
    for x in arrays:
        x.setflags(True)


def _as_gradient(x: Any) -> Any:
    """`x` as it is: what reaches the caller is a buffer of its own anyway."""
    return x.copy() if isinstance(x, Tracer) else backend_of(x).as_gradient(x)
