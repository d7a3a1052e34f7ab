"""Generated source of a call's entry on the tape, and of the pull that the sweep runs; see `codegen_forward.py`."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

from ...backend.common.base import LAZY
from .array import Array
from .cotangents import (
    DEFERRED,
    accumulate,
    as_constant,
    fit,
    in_rows,
    on_tapes_of,
    template_of,
)
from .namespaces import namespace_of
from .registry import MissingRuleError, Primitive, parameter_names


def compile_source(source: str, name: str, scope: dict[str, Any]) -> Callable[..., Any]:
    """Execute generated source so that tracebacks and `inspect.getsource` can show it."""
    filename = f"<pullback {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    exec(compile(source, filename, "exec"), scope)
    return scope[name]


def needed_rules(primitive: Primitive, traced: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    """The rules that a sweep to `traced` runs, in an order in which each finds what it names.

    Raises
    ------
    MissingRuleError
        If a traced argument has no rule.
    """
    for parameter in traced:
        if parameter not in primitive.rules:
            raise MissingRuleError(
                f"{primitive.name}{primitive.text} has no derivative with respect to {parameter!r}: "
                f"write it in functions that have one, stop it by pb.stop_gradient({parameter}), or give it a rule by "
                f"pb.defvjp({primitive.name!r}, {parameter}=lambda ct, …: …)"
            )
    order: dict[str, Callable[..., Any]] = {}

    def visit(key: str) -> None:
        if key in order:
            return
        rule = primitive.shared[key] if key in primitive.shared else primitive.rules[key]
        for name in parameter_names(rule):
            if name in primitive.shared:
                visit(name)
            elif name.endswith("_bar") and name[:-4] in primitive.rules:
                visit(name[:-4])
        order[key] = rule

    for parameter in traced:
        visit(parameter)
    return order


def kept_by(primitive: Primitive, traced: tuple[str, ...], *, checked: bool) -> list[str]:
    """The names of what one call leaves on the tape: what the rules ask for, each once."""
    computed = {"ct", "xp", *primitive.shared, *(f"{o}_bar" for o in primitive.outputs)}
    names: dict[str, None] = {}
    for rule in needed_rules(primitive, traced).values():
        for name in parameter_names(rule):
            is_bar = name.endswith("_bar") and name[:-4] in primitive.rules
            present = checked and any(name in (f"{p}_shape", f"{p}_dtype") for p in traced)
            if name not in computed and not is_bar and not present:
                names[name] = None
    if primitive.collective:
        names["out_template"] = None
    return list(names)


def make_entry_builder(primitive: Primitive, traced: tuple[str, ...]) -> Callable[..., Any]:
    """A function that builds a tape entry from one call's values."""
    name = f"{primitive.identifier}_record_{'_'.join(traced)}"
    parts = ["pull"]
    parts += [f"slots[{i}]" for i in range(len(traced))]
    parts += [f"{parameter}.{what}" for parameter in traced for what in ("shape", "dtype")]
    for kept in kept_by(primitive, traced, checked=True):
        if kept in primitive.residuals:
            parts.append(f"residuals[{primitive.residuals.index(kept)}]")
        elif kept in primitive.outputs:
            parts.append(f"out[{primitive.outputs.index(kept)}]")
        elif kept in primitive.keyword:
            parts.append(f'settings["{kept}"]')
        elif kept in (*primitive.positional, "out"):
            parts.append(kept)
        else:
            parameter, _, what = kept.rpartition("_")
            parts.append(f"{what}_of({parameter})")
    comma = "," if len(primitive.positional) == 1 else ""
    source = (
        f"def {name}(slots, out, residuals, values, settings):\n"
        f"    {', '.join(primitive.positional)}{comma} = values\n"
        f"    return ({', '.join(parts)})\n"
    )
    scope = {
        "pull": make_pull(primitive, traced, checked=True), "__name__": __name__,
        "shape_of": _shape_of, "dtype_of": _dtype_of, "ndim_of": _ndim_of, "device_of": _device_of,
        "template_of": template_of,
    }  # fmt: skip
    build_entry = compile_source(source, name, scope)
    constants = [
        p
        for p in primitive.arrays
        if p not in traced and p in kept_by(primitive, traced, checked=True)
    ]
    vars(build_entry)["held"] = tuple(primitive.positional.index(p) for p in constants)
    return build_entry


def _shape_of(x: Any) -> tuple[int, ...]:
    return getattr(x, "shape", ())


def _device_of(x: Any) -> Any:
    return getattr(x, "device", "cpu")  # Dask's arrays have none


def _ndim_of(x: Any) -> int:
    return getattr(x, "ndim", 0)


def _dtype_of(x: Any) -> Any:
    return getattr(x, "dtype", None)


def make_pull(
    primitive: Primitive, traced: tuple[str, ...], *, checked: bool
) -> Callable[..., Any]:
    """The backward function of a primitive whose arguments `traced` are on the tape."""
    rules = needed_rules(primitive, traced)
    kept = kept_by(primitive, traced, checked=checked)
    name = f"{primitive.identifier}_pull_{'_'.join(traced)}"
    scope: dict[str, Any] = {
        "Array": Array, "DEFERRED": DEFERRED, "accumulate": accumulate, "fit": fit, "as_constant": as_constant,
        "namespace_of": namespace_of, "on_tapes_of": on_tapes_of, "LAZY": LAZY, "in_rows": in_rows,
        "__name__": __name__,
    }  # fmt: skip
    unpacked = ["_", *(f"{p}_slot" for p in traced)]
    if checked:
        unpacked += [f"{p}_{what}" for p in traced for what in ("shape", "dtype")]
    lines = [f"def {name}(slot, cts, entry):", *_incoming(primitive)]
    lines.append(f"    {', '.join([*unpacked, *kept])}, = entry")
    if primitive.collective:
        lines.append("    ct = on_tapes_of(out_template, ct)")
    incoming = "seen" if primitive.outputs else "ct"
    arrays = [
        k for k in kept if k in (*primitive.arrays, "out", *primitive.outputs, *primitive.residuals)
    ] + [f"{output}_bar" for output in primitive.outputs]
    if arrays:  # under higher derivatives everything is an `Array`
        lines += [
            f"    if type({incoming}) is Array:",
            *(f"        {k} = as_constant({k})" for k in arrays),
            f"    elif LAZY and type({incoming}) in LAZY:",
            *(f"        {k} = in_rows({k})" for k in arrays),
        ]
    if any("xp" in parameter_names(rule) for rule in rules.values()):
        lines.append(f"    xp = namespace_of({incoming})")
    for key, rule in rules.items():
        arguments = ", ".join(parameter_names(rule))
        target = key if key in primitive.shared else f"{key}_bar"
        scope[f"{key}_rule"] = rule
        lines.append(f"    {target} = {key}_rule({arguments})")
        if key in traced:
            share = target
            if checked:
                share = f"{key}_share"
                label = f'"{primitive.name} for {key}"'
                shape = (
                    f"{share}.shape" if primitive.trusted else f'getattr({share}, "shape", None)'
                )
                lines += [
                    f"    {share} = {target}",
                    f"    if {shape} != {key}_shape or {share}.dtype is not {key}_dtype:",
                    f"        {share} = fit({share}, {key}_shape, {key}_dtype, {label})",
                ]
            lines += [
                f"    prior = cts[{key}_slot]",
                "    if prior is None:",
                f"        cts[{key}_slot] = {share}",
                "    else:",
                f"        accumulate(cts, {key}_slot, prior, {share})",
            ]
    pull = compile_source("\n".join(lines) + "\n", name, scope)
    # the attributes of `tape.Pull`
    vars(pull).update(
        operation=primitive.name, inputs=len(traced), kept=kept, batched=primitive.batched
    )
    return pull


def _incoming(primitive: Primitive) -> list[str]:
    """Take the output's cotangent, or the outputs', off the list; nothing to do where there is none.

    In the pullback of a collective all ranks take part, those without a cotangent too.
    """
    if not primitive.outputs:
        leave = [] if primitive.collective else ["    if ct is None:", "        return"]
        return [
            "    ct = cts[slot]",
            *leave,
            "    cts[slot] = None",
            "    if type(ct) in DEFERRED:",
            "        ct = ct.materialize()",
        ]
    last = len(primitive.outputs) - 1
    lines = ["    seen = None"]
    for i, output in enumerate(primitive.outputs):
        bar = f"{output}_bar"
        entry_slot = "slot" if i == last else f"slot - {last - i}"
        lines += [
            f"    {bar} = cts[{entry_slot}]",
            f"    if {bar} is not None:",
            f"        cts[{entry_slot}] = None",
            f"        if type({bar}) in DEFERRED:",
            f"            {bar} = {bar}.materialize()",
            "        if type(seen) is not Array:",  # one traced cotangent makes all of them so
            f"            seen = {bar}",
        ]
    return [*lines, "    if seen is None:", "        return"]
