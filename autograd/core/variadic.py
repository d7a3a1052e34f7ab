"""Functions of a list of arrays, such as `concat`: one rule that returns a list of cotangents."""

from __future__ import annotations

from typing import Any

from .array import UNTRACED, Array, result, unwrap_closed
from .dtypes import is_inexact
from .registry import (
    SCALARS,
    MissingRuleError,
    Primitive,
    common_type,
    kernel_for,
    normalise,
    parameter_names,
)
from .sweep import DEFERRED, accumulate, as_constant, fit, namespace_of


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
    places, slots = [], []
    for i, value in enumerate(values):
        if type(value) is Array and value.tape is tape:
            places.append(i)
            slots.append(value.slot)
            values[i] = value.value
        elif tape is not UNTRACED and tape.copies and type(value) not in (*SCALARS, Array):
            values[i] = namespace_of(value).copy(value)
        elif type(value) is Array:
            values[i] = value.__copy__()  # which a later write does not change
    kernel = kernel_for(primitive, common_type(primitive.name, values))
    out = kernel(*values, **settings) if primitive.star else kernel(values, **settings)
    if not places:
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
        f"{primitive.variadic}_traced": places,
    }
    if primitive.variadic in parameter_names(rule):
        known[str(primitive.variadic)] = values
    if "out" in parameter_names(rule):
        known["out"] = out
    kept = [(values[i].shape, values[i].dtype) for i in places]
    tape.entries.append((_pull, primitive, rule, places, slots, kept, known))
    return result(out, tape, len(tape.entries) - 1)


def _pull(slot: int, cts: list[Any], entry: tuple[Any, ...]) -> None:
    ct = cts[slot]
    if ct is None:
        return
    cts[slot] = None
    if type(ct) in DEFERRED:
        ct = ct.materialize()
    _, primitive, rule, places, slots, kept, known = entry
    if type(ct) is Array:
        known = {
            k: [as_constant(v) for v in known[k]] if k == primitive.variadic else as_constant(v)
            for k, v in known.items()
        }
    known = {**known, "ct": ct, "xp": namespace_of(ct)}
    shares = rule(**{name: known[name] for name in parameter_names(rule)})
    for place, target, (shape, dtype) in zip(places, slots, kept, strict=True):
        share = fit(
            shares[place], shape, dtype, f"{primitive.name} for {primitive.variadic}[{place}]"
        )
        prior = cts[target]
        if prior is None:
            cts[target] = share
        else:
            accumulate(cts, target, prior, share)


vars(_pull).update(slots_place=4)  # where in an entry the slots stand, for `codegen.traced_slots`
