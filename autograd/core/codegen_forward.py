"""Public functions and backward functions as straight-line source, generated when first used.

A dispatcher that loops over arguments costs 4 µs an operation; the code below costs a tenth of that. What
is generated is short, has the standard's names and signatures, shows in tracebacks and in
`inspect.getsource`, and is of three forms: *public functions* (here), *entry builders* (which make what a tape keeps
of one call) and *pulls* (what the sweep runs), both in `codegen_backward.py`. For ``multiply`` with both traced::

    def multiply(x1, x2, /):
        if type(x1) is Array and (tape := x1.tape).open:
            ...
            entries.append((multiply_pull_x1_x2, x1.slot, x2.slot, a1, a2))

    def multiply_pull_x1_x2(slot, cts, entry):
        ct = cts[slot]
        if ct is None:
            return
        cts[slot] = None
        if type(ct) in DEFERRED:
            ct = ct.materialize()
        _, x1_slot, x2_slot, x1, x2 = entry
        x1_bar = x1_rule(ct, x2)
        ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...backend.common.base import LAZY
from . import signatures
from .array import Array, backend_array
from .codegen_backward import compile_source, kept_by, make_pull
from .dispatch import apply, apply_constant, apply_variadic, apply_with_key, normalise
from .dtypes import is_inexact
from .index_keys import BASIC, clean_key, constant_of_trace, hold_key
from .levels.batched import key_level
from .levels.level import OPEN
from .registry import Primitive
from .views import NEVER_NUMBERS, VIEWS, follow

WEAK = frozenset((int, float))  # Python numbers that leave a floating dtype as it is


def call_text(primitive: Primitive, rename: dict[str, str] | None = None) -> str:
    """The arguments of a call that passes every parameter on."""
    rename = rename or {}
    names = [rename.get(p, p) for p in primitive.positional]
    return ", ".join([*names, *(f"{k}={k}" for k in primitive.keyword)])


# ── public functions ──────────────────────────────────────────────────────────────────────────


def make_function(primitive: Primitive) -> Callable[..., Any]:
    """The public function of a differentiable primitive."""
    name = primitive.identifier
    scope: dict[str, Any] = {
        "Array": Array, "new": object.__new__, "WEAK": WEAK, "LAZY": LAZY, "apply": apply,
        "apply_variadic": apply_variadic,
        "is_inexact": is_inexact, "kernels": primitive.kernels, "normalise": normalise,
        "primitive": primitive, "__name__": __name__,
    }  # fmt: skip
    lines = [f"def {name}{primitive.text}:"]
    if "key" in primitive.positional:
        scope |= {
            "clean_key": clean_key, "BASIC": BASIC, "constant_of_trace": constant_of_trace, "OPEN": OPEN,
            "key_level": key_level, "apply_with_key": apply_with_key,
        }  # fmt: skip
        lines += [
            "    key = clean_key(key)",
            "    if type(key) not in BASIC:",
            "        if OPEN and (level := key_level(key)) is not None:",  # an index under `vmap`
            f"            return apply_with_key(primitive, ({', '.join(primitive.positional)},), level)",
        ]
        if primitive.positional[0] == "x":  # a constant indexed by what `compile` records
            lines.append("        x = constant_of_trace(x, key)")
    if "rtol" in primitive.keyword:  # a cut-off may be an array; the result does not vary with it
        scope["backend_array"] = backend_array
        lines.append("    rtol = backend_array(rtol)")
    if primitive.variadic:
        lines.append(
            f"    return apply_variadic(primitive, {primitive.variadic}, {_settings(primitive)})"
        )
    else:
        primitive.kernels.sync_fast_path(scope)
        lines += _fast_lines(primitive, scope)
        args = ", ".join(primitive.positional) + ("," if len(primitive.positional) == 1 else "")
        lines.append(f"    return apply(primitive, ({args}), {_settings(primitive)})")
    function = compile_source("\n".join(lines) + "\n", name, scope)
    function.__doc__ = documentation(primitive)
    function.__module__ = "pullback.autograd.functions.namespace"
    function.__qualname__ = primitive.name
    return function


def refresh_function(primitive: Primitive) -> None:
    """Make a public function anew after a change of its rules; whoever holds it has the new one."""
    old = primitive.function
    new = make_function(primitive)
    if old is not None:
        old.__globals__.update(new.__globals__)
        if "enlist" in new.__globals__:  # as a function of views it hears of the first write
            follow(old.__globals__)
        primitive.kernels.sync_fast_path(old.__globals__)
        old.__code__ = new.__code__
        for renew in vars(old).get("twins", ()):  # operators, which have a fall-back of their own
            renew(new.__code__)


def _settings(primitive: Primitive) -> str:
    return "{" + ", ".join(f'"{k}": {k}' for k in primitive.keyword) + "}"


def _fast_lines(primitive: Primitive, scope: dict[str, Any]) -> Iterable[str]:
    """The branches that bypass `apply` where a call is of a common form."""
    if primitive.outputs or not primitive.rules or not primitive.trusted or primitive.collective:
        return []
    if primitive.name in signatures.FAST_PATHS:
        variants, guard = signatures.FAST_PATHS[primitive.name]
        return [line for variant in variants for line in _variant(primitive, variant, guard, scope)]
    if (
        primitive.arrays == ("x",)
        and primitive.positional[0] == "x"
        and set(primitive.rules) == {"x"}
    ):
        return _one_array(primitive, scope)
    return []


def _one_array(primitive: Primitive, scope: dict[str, Any]) -> list[str]:
    exact = primitive.name in signatures.UNARY
    scope["pull"] = make_pull(primitive, ("x",), checked=not exact)
    view = _view_condition(primitive)
    if view:
        follow(scope)
    kept = "".join(f", {_rename(k)}" for k in kept_by(primitive, ("x",), checked=not exact))
    checks = "" if exact else ", a.shape, a.dtype"
    condition = "out.dtype is a.dtype" if exact else "out.dtype is a.dtype or is_inexact(out.dtype)"
    call = call_text(primitive, {"x": "a"})
    lines = [
        "    if type(x) is Array and (tape := x.tape).open:",
        "        a = x.value",
        "        array_type = type(a)",
        f"        out = (usual_kernel if array_type is usual else kernels[array_type])({call})",
    ]
    if primitive.residuals:
        lines.append(f"        out, {', '.join(primitive.residuals)} = out")
    made = [
        "entries = tape.entries",
        "y = new(Array)",
        "y.value, y.tape, y.slot = out, tape, len(entries)",
        f"entries.append((pull, x.slot{checks}{kept}))",
    ]
    # a look at its base's link is all that a view costs where nothing is written: `views.py`
    if view:
        scope["hold_key"], scope["BASIC"] = hold_key, BASIC
        made.append("y.link = x if (link := x.link) is None or link is False else link")
        lines += [
            f"        if {view}:",
            *(f"            {line}" for line in made),
            "            if enlist is not None:",
            "                enlist(y, x)",
            "            return y",
        ]
        made.pop()
    return [
        *lines,
        "        if type(out) is not array_type:",
        "            out = normalise(out)",
        f"        if {condition}:",
        *(f"            {line}" for line in made),
        f"            y.link = {False if primitive.name in NEVER_NUMBERS else None}",
        "            return y",
    ]


def _view_condition(primitive: Primitive) -> str:
    """The condition under which the result of a function of one array may be a view; "" for the others."""
    if primitive.name not in VIEWS:
        return ""
    return {
        "astype": "type(out) is array_type and not copy and out.dtype == a.dtype",
        "getitem": "(type(key) in BASIC or hold_key(tape, key)) and type(out) is array_type",
        "reshape": "type(out) is array_type and not copy",
    }.get(primitive.name, "type(out) is array_type")


def _rename(kept: str) -> str:
    """The name in the function of one array of a thing that a rule keeps."""
    if kept == "x":
        return "a"
    if kept == "x_device":
        return 'getattr(a, "device", "cpu")'  # Dask's arrays have none
    return f"a.{kept[2:]}" if kept.startswith("x_") else kept


def _variant(primitive: Primitive, variant: str, guard: str, scope: dict[str, Any]) -> list[str]:
    """One branch for one pattern of traced (T), scalar (S) and constant (C) arguments."""
    roles = dict(zip(primitive.arrays, variant, strict=True))
    traced = tuple(p for p, role in roles.items() if role == "T")
    first = traced[0]
    value = {p: f"a_{p}" for p in primitive.arrays}
    pull = f"pull_{'_'.join(traced)}"
    scope[pull] = make_pull(primitive, traced, checked=False)
    conditions = [f"type({first}) is Array and (tape := {first}.tape).open"]
    conditions += [f"type({p}) is Array and {p}.tape is tape" for p in traced[1:]]
    conditions += [f"type({p}) in WEAK" for p, role in roles.items() if role == "S"]
    lines = [
        "    if (",
        *(f"        {'and ' if i else ''}{c}" for i, c in enumerate(conditions)),
        "    ):",
    ]
    lines += [f"        {value[p]} = {p}.value" for p in traced]
    lines += [f"        {value[p]} = {p}" for p in primitive.arrays if p not in traced]
    lines.append(f"        array_type = type({value[first]})")
    others = [p for p in primitive.arrays if roles[p] in "TC" and p != first]
    same_array_type = [f"array_type is type({value[p]})" for p in others]
    inner = [*same_array_type]
    if "C" in variant:
        # a constant of the right class, and one that nobody can change
        inner.append("array_type is not Array")
        inner.append("not tape.copies")
        inner.append("array_type not in LAZY")  # `apply` leaves their empty blocks out
    if "S" not in variant:
        for p, v in value.items():
            guard = _replace_name(guard, p, v)
        inner.append(guard)
    call = ", ".join(
        [*(value[p] for p in primitive.arrays), *(f"{k}={k}" for k in primitive.keyword)]
    )
    body = [f"out = (usual_kernel if array_type is usual else kernels[array_type])({call})"]
    if primitive.residuals:
        body.append(f"out, {', '.join(primitive.residuals)} = out")
    names = kept_by(primitive, traced, checked=False)
    kept = "".join(f", {_kept_value(k, value)}" for k in names)
    slots = ", ".join(f"{p}.slot" for p in traced)
    for p in primitive.arrays:
        if roles[p] == "C" and p in names:
            body += [f"if {value[p]} is not tape.latest:", f"    tape.hold({value[p]})"]
    body += [
        "if type(out) is not array_type:",
        "    out = normalise(out)",
        "entries = tape.entries",
        "y = new(Array)  # a class with an __init__ takes 1.4 times as long",
        "y.value, y.tape, y.slot = out, tape, len(entries)",
        f"y.link = {False if primitive.name in NEVER_NUMBERS else None}",
        f"entries.append(({pull}, {slots}{kept}))",
        "return y",
    ]
    if inner:
        lines.append(f"        if {' and '.join(inner)}:")
        body = ["    " + line for line in body]
    return lines + ["        " + line for line in body]


def _replace_name(text: str, old: str, new: str) -> str:
    return " ".join(
        new + word[len(old) :] if word == old or word.startswith(old + ".") else word
        for word in text.split()
    )


def _kept_value(kept: str, value: dict[str, str]) -> str:
    """The name in a branch of a thing that a rule keeps, given its names of the arrays' values."""
    if kept in value:
        return value[kept]
    parameter, _, what = kept.rpartition("_")
    if parameter not in value:
        return kept
    if what == "device":
        return f'getattr({value[parameter]}, "device", "cpu")'
    return f"{value[parameter]}.{what}"


# ── functions that carry no derivative, and docstrings ────────────────────────────────────────


def make_constant(text: str) -> Callable[..., Any]:
    """The public function of a primitive whose result is boolean, an index, or metadata."""
    primitive = Primitive(text)
    name = primitive.identifier
    args = ", ".join(primitive.positional) + ("," if len(primitive.positional) == 1 else "")
    source = f"def {name}{primitive.text}:\n    return apply_constant(primitive, ({args}), {_settings(primitive)})\n"
    function = compile_source(
        source,
        name,
        {"apply_constant": apply_constant, "primitive": primitive, "__name__": __name__},
    )
    function.__doc__ = f"The function `{primitive.name}`; its result carries no derivative."
    function.__module__ = "pullback.autograd.functions.namespace"
    function.__qualname__ = primitive.name
    return function


def documentation(primitive: Primitive) -> str:
    """A docstring of one line, until `functions/documentation` gives the function its own."""
    return f"The function `{primitive.name}`, differentiable by {', '.join(primitive.rules) or 'nothing'}."
