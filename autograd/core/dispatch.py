"""The general dispatcher: it runs a primitive on any mix of values, and records it on their tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import backend_of
from ...backend.common.base import LAZY
from .array import UNTRACED, Array, backend_array, result, unwrap_closed
from .codegen_backward import make_entry_builder
from .cotangents import DEFERRED, add_share, as_constant, fit
from .dtypes import is_inexact
from .index_keys import hold_key
from .levels.batched import Batched, newest_level
from .levels.level import OPEN
from .namespaces import namespace_of
from .registry import REGISTRY, MissingRuleError, Primitive, find, parameter_names
from .tape import Entry
from .tracer_like import CAPTURING, inner_tape
from .transfer import of_two_libraries
from .views import NEVER_NUMBERS, attach

SCALARS = frozenset((bool, int, float, complex, type(None)))
CONSTANTS = SCALARS | {Array}


def kernel_for(primitive: Primitive, x: Any) -> Callable[..., Any]:
    """The kernel that computes `primitive` on values like `x`."""
    try:
        return primitive.kernels[type(x)]
    except KeyError:
        namespace_of(x)  # finds the library, or raises the error that says what to do
        return primitive.kernels[type(x)]


def normalise(out: Any) -> Any:
    """A kernel's result as an array: NumPy's ufuncs return scalars for 0-d arrays."""
    return out if type(out) is Array or type(out) is Batched else backend_of(out).normalise(out)


def common_type(name: str, values: list[Any], tape: Any = UNTRACED) -> Any:
    """One of `values` that decides where an operation runs: traced if any is, else of their one library.

    NumPy's scalars go with any library, as Python's numbers do, and NumPy's arrays with lazy ones: they are replaced
    in `values`, in the library's own form.

    Raises
    ------
    TypeError
        If they belong to different libraries, or none of them is an array.
    """
    inner = [v.value if type(v) is Array and v.tape is tape else v for v in values]
    arrays = [v for v in inner if type(v) not in SCALARS]
    traced = next((v for v in arrays if type(v) is Array), None)
    batch = _newest_batch(name, arrays) if Batched in map(type, arrays) else None
    if batch is not None:
        return batch
    if traced is not None:
        return traced
    proper = [v for v in arrays if not isinstance(v, np.generic)]
    if not arrays:
        found_types = ", ".join(type(v).__name__ for v in values)
        raise TypeError(
            f"{name}: expected an array, got {found_types}; convert by pb.xp.asarray(x)"
        )
    chosen = proper[0] if proper else arrays[0]
    for other in proper[1:]:  # one that is recorded has the others recorded as its constants
        if type(other) is not type(chosen) and (
            backend_of(other).recording or backend_of(other).takes_in(chosen)
        ):
            chosen = other
    backend = backend_of(chosen)
    for other in proper:
        if (
            type(other) is not type(chosen)
            and backend_of(other).array_type is not backend.array_type
            and not backend.takes_in(other)
        ):
            names = find(name).arrays if name in REGISTRY else ()
            raise of_two_libraries(name, names, inner, chosen, other)
    for i, value in enumerate(values):
        if proper and (isinstance(value, np.generic) or backend.takes_in(value)):
            values[i] = backend.asarray(value)
    return chosen


def _newest_batch(name: str, arrays: list[Any]) -> Any:
    """The array of the newest level, if that is newer than all tapes; of `vmap` alone.

    Raises
    ------
    TypeError
        For cotangents of a sweep with many of them, whose own operators have to run, and for arrays of two libraries.
    """
    found: Any = None
    for x in arrays:
        if type(x) is Batched:
            if x.level is None:
                raise TypeError(f"{name}: cotangents of many rows")
            if found is None or x.level.order > found.level.order:
                found = x
    if found is None or any(type(x) is Array and x.tape.order > found.level.order for x in arrays):
        return None
    home = backend_of(found)
    for x in arrays:
        below = backend_array(x)
        if isinstance(below, np.generic) or home.takes_in(below):
            continue
        if backend_of(below).array_type is not home.array_type:
            names = find(name).arrays if name in REGISTRY else ()
            raise of_two_libraries(name, names, arrays, found, x)
    return found


def apply_with_key(primitive: Primitive, args: tuple[Any, ...], level: Any) -> Any:
    """A function of an array and an index that differs from row to row, of whatever the array is."""
    index = primitive.array_indices[0]
    given = list(args)
    given[index] = lifted(args[index], level)
    y = apply(primitive, tuple(given), {})
    if primitive.views:
        attach(y, args[0], primitive.name, args[1:], {})
    return y


def lifted(x: Any, level: Any) -> Any:
    """`x` as a value of a level, below the tapes that are newer; the same for all rows, if it is not one already."""
    if type(x) is Array:
        if not x.tape.open:
            return lifted(x.value, level)
        if x.tape.order > level.order:
            return Array(lifted(x.value, level), x.tape, x.slot)
    elif type(x) is Batched and x.level is not None and x.level.order >= level.order:
        return x
    return Batched(x, level, mapped=False)


def apply(primitive: Primitive, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """Run a primitive on any mix of traced arrays, constants, raw arrays and numbers, and record it.

    The newest open tape among the arguments records; its arrays are taken one level down, and what is
    traced by older tapes stays as it is, to be recorded there by the same call one level down.
    """
    values = list(args)
    tape: Any = UNTRACED
    for index in primitive.array_indices:
        value = values[index]
        while type(value) is Array:
            if value.tape.open:
                if value.tape.order > tape.order:
                    tape = value.tape
                break
            value = value.value
        values[index] = value
    if CAPTURING and tape is not UNTRACED:
        tape = inner_tape(tape, values)
    if OPEN:
        level = newest_level([values[i] for i in primitive.array_indices])
        if level is not None and level.order > tape.order:
            tape = UNTRACED
    traced: tuple[str, ...] = ()
    slots: list[int] = []
    chosen: Any = None
    mixed = False
    for index, parameter in primitive.indexed_arrays:
        value = values[index]
        array_type = type(value)
        if array_type is Array and value.tape is not tape:
            # a copy, which a later write does not change
            values[index] = value = tape.capture(value) if tape.capture else value.__copy__()
        if array_type is Array and value.tape is tape:
            traced += (parameter,)
            slots.append(value.slot)
            values[index] = value = value.value
            array_type = type(value)
        elif tape is not UNTRACED and tape.copies and array_type not in CONSTANTS:
            # the caller could change it before the pull
            values[index] = value = namespace_of(value).copy(value)
        if chosen is None:
            if array_type not in SCALARS:
                chosen = value
        elif array_type is not type(chosen) and array_type not in SCALARS:
            mixed = True
    if mixed or chosen is None:
        operands = [values[i] for i in primitive.array_indices]
        chosen = common_type(primitive.name, operands, tape)
        for index, value in zip(primitive.array_indices, operands, strict=True):
            values[index] = value
    if LAZY:
        for index in primitive.array_indices:
            if type(values[index]) in LAZY:  # rules, too, see it without its empty blocks
                values[index] = namespace_of(values[index]).filled(values[index])
    try:
        kernel = primitive.kernels[type(chosen)]
    except KeyError:
        kernel = kernel_for(primitive, chosen)
    out = kernel(*values, **settings)
    residuals: tuple[Any, ...] = ()
    if primitive.residuals:
        out, *rest = out
        residuals = tuple(rest)
    if traced:
        y = append_entry(primitive, tape, traced, slots, out, residuals, values, settings)
    else:
        y = _untraced(primitive, out)
    if primitive.views and not isinstance(out, np.generic):
        attach(y, args[0], primitive.name, args[1:], settings)
    elif primitive.name in NEVER_NUMBERS:
        y.link = False
    return y


def append_entry(
    primitive: Primitive,
    tape: Any,
    traced: tuple[str, ...],
    slots: list[int],
    out: Any,
    residuals: tuple[Any, ...],
    values: list[Any],
    settings: dict[str, Any],
) -> Any:
    """Put one operation on the tape, and wrap its output or outputs."""
    build_entry = primitive.entry_builders.get(traced)
    if build_entry is None:
        build_entry = primitive.entry_builders[traced] = make_entry_builder(primitive, traced)
    for index in build_entry.held:  # type: ignore[attr-defined]  # set where it is made
        if type(values[index]) not in CONSTANTS:
            tape.hold(values[index])
    if "key" in primitive.positional:
        hold_key(tape, values[primitive.positional.index("key")])
    entries = tape.entries
    if primitive.collective:
        tape.collective = True
    if not primitive.outputs:
        out = unwrap_closed(normalise(out))
        if not is_inexact(out.dtype):
            return result(out)
        entries.append(build_entry(slots, out, residuals, values, settings))
        return result(out, tape, len(entries) - 1)
    outs = tuple(unwrap_closed(normalise(o)) for o in out)
    entries.extend([None] * (len(outs) - 1))
    entries.append(build_entry(slots, outs, residuals, values, settings))
    first = len(entries) - len(outs)
    wrapped = [
        result(o, tape, first + i) if is_inexact(o.dtype) else result(o) for i, o in enumerate(outs)
    ]
    return _same_structure(out, wrapped)


def _untraced(primitive: Primitive, out: Any) -> Any:
    if isinstance(out, tuple | list):
        return _same_structure(out, [_wrap(o) for o in out])
    return _wrap(out)


def _wrap(out: Any) -> Array:
    return out if type(out) is Array else result(normalise(out))


def _same_structure(out: Any, items: list[Any]) -> Any:
    """Named tuples stay named tuples, lists lists."""
    if hasattr(out, "_make"):
        return out._make(items)
    return type(out)(items)


def apply_constant(primitive: Primitive, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """Run a function whose result carries no derivative on the values at the bottom."""
    values = list(args)
    operands = []
    for index in primitive.array_indices:
        value = values[index]
        while type(value) is Array:
            value = value.value
        values[index] = value
        operands.append(value)
    settings = {k: backend_array(v) for k, v in settings.items()}
    chosen = common_type(primitive.name, operands)
    for index, value in zip(primitive.array_indices, operands, strict=True):
        values[index] = value
    return _untraced(primitive, kernel_for(primitive, chosen)(*values, **settings))


# ── functions of a list of arrays ─────────────────────────────────────────────────────────────


def apply_variadic(primitive: Primitive, arrays: Any, settings: dict[str, Any]) -> Any:
    """Run a function of a list of arrays and record it on the newest of their tapes.

    Raises
    ------
    MissingRuleError
        If one of them is traced and the function has no rule.
    """
    values = [unwrap_closed(x) for x in arrays]
    open_tapes = [v.tape for v in values if type(v) is Array]
    tape: Any = max(open_tapes, key=lambda t: t.order, default=UNTRACED)
    if CAPTURING and tape is not UNTRACED:
        tape = inner_tape(tape, values)
    if tape is not UNTRACED and tape.capture:
        values = [tape.capture(v) if type(v) is Array and v.tape is not tape else v for v in values]
    level = newest_level(values) if OPEN else None
    if level is not None and level.order > tape.order:
        tape = UNTRACED
    traced_indices, slots = [], []
    for i, value in enumerate(values):
        if type(value) is Array and value.tape is tape:
            traced_indices.append(i)
            slots.append(value.slot)
            values[i] = value.value
        elif tape is not UNTRACED and tape.copies and type(value) not in (*SCALARS, Array):
            values[i] = namespace_of(value).copy(value)
        elif type(value) is Array:
            values[i] = value.__copy__()  # which a later write does not change
    kernel = kernel_for(primitive, common_type(primitive.name, values))
    out = kernel(*values, **settings) if primitive.star else kernel(values, **settings)
    if not traced_indices:
        if isinstance(out, tuple | list):
            return [o if type(o) is Array else result(normalise(o)) for o in out]
        return out if type(out) is Array else result(normalise(out))
    rule = primitive.rules.get(primitive.variadic or "")
    if rule is None:
        raise MissingRuleError(f"{primitive.name}{primitive.text} has no derivative rule")
    out = unwrap_closed(normalise(out))
    if not is_inexact(out.dtype):
        return result(out)
    known = {
        **settings,
        f"{primitive.variadic}_shapes": [v.shape for v in values],
        f"{primitive.variadic}_dtype": [v.dtype for v in values],
        f"{primitive.variadic}_traced": traced_indices,
    }
    if primitive.variadic in parameter_names(rule):
        known[str(primitive.variadic)] = values
    if "out" in parameter_names(rule):
        known["out"] = out
    pull = ListPull(primitive, rule, traced_indices)
    fits = [(values[i].shape, values[i].dtype) for i in traced_indices]
    tape.entries.append((pull, *slots, fits, known))
    return result(out, tape, len(tape.entries) - 1)


class ListPull:
    """The `Pull` of one call of a function of a list: its rule gives a cotangent for each array of the list.

    Its entries keep the shapes and dtypes of the traced arrays, and what the rule may ask for by name.
    """

    __slots__ = ("batched", "inputs", "operation", "parameter", "positions", "rule")
    kept = ("known",)

    def __init__(
        self, primitive: Primitive, rule: Callable[..., Any], positions: list[int]
    ) -> None:
        self.operation, self.parameter = primitive.name, primitive.variadic
        self.rule, self.positions, self.batched = rule, positions, primitive.batched
        self.inputs = len(positions)

    def __call__(self, slot: int, cts: list[Any], entry: Entry) -> None:
        """Add the shares of one call to the cotangents of the arrays of its list, as `Pull` says."""
        ct = cts[slot]
        if ct is None:
            return
        cts[slot] = None
        if type(ct) in DEFERRED:
            ct = ct.materialize()
        _, *slots, fits, known = entry
        if type(ct) is Array:
            known = {
                k: [as_constant(v) for v in known[k]] if k == self.parameter else as_constant(v)
                for k, v in known.items()
            }
        known = {**known, "ct": ct, "xp": namespace_of(ct)}
        shares = self.rule(**{name: known[name] for name in parameter_names(self.rule)})
        for position, target, (shape, dtype) in zip(self.positions, slots, fits, strict=True):
            name = f"{self.operation} for {self.parameter}[{position}]"
            add_share(cts, target, fit(shares[position], shape, dtype, name))
