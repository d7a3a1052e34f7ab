"""Pullbacks and directional derivatives of functions of one argument, in HIPS autograd's convention.

For complex numbers it carries ∂L/∂Re z − i ∂L/∂Im z, the conjugate of what `pullback.grad` returns. That is what the
sweep carries by itself, so that nothing is conjugated here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ...autograd.core.array import Array, unwrap_closed
from ...autograd.core.cotangents import DEFERRED, as_constant, fit
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.sweep import empty_cotangents, sweep
from ...autograd.core.tape import TapeData, check_differentiable
from ...autograd.core.tracer_like import TRACERS
from ...autograd.core.transfer import check_library
from ...autograd.core.views import is_number
from ...autograd.pytree import tree
from ...autograd.transforms.arguments import seed_for
from ...backend import backend_of, current
from .values import STAYING, as_leaf, plain
from .vector_spaces import real_size, vspace

Function = Callable[..., Any]

_REAL = (np.dtype(np.float64), np.dtype(np.float32))
_INDEPENDENT = "Output seems independent of input."


# ── arguments ─────────────────────────────────────────────────────────────────────────────────


def _watched(tape: TapeData, x: Any, copies: bool) -> tuple[Any, list[Any], list[Any], Any]:
    """The argument on a tape, its leaves, their values one level down, and its structure (None for one array)."""
    x_type = type(x)
    if x_type is np.ndarray and x.dtype in _REAL:
        value = x.copy() if copies else x
        if not copies and x.flags.writeable:
            tape.hold_all([x], np.ndarray)
        tape.entries.append(None)
        return Array(value, tape, 0), [x], [value], None
    if x_type is float and current().name == "numpy":
        value = np.array(x)
        tape.entries.append(None)
        box = Array(value, tape, 0)
        box.link = None
        return box, [x], [value], None
    if x_type is Array and x.tape.open:
        value = x.__copy__()  # which later writes to `x` do not change
        tape.entries.append(None)
        box = Array(value, tape, 0)
        box.link = None if is_number(x) else False
        return box, [x], [value], None
    leaves, spec = tree.flatten(x)
    given = [as_leaf(leaf) for leaf in leaves]
    values = [_value(leaf, i, given, x) for i, leaf in enumerate(given)]
    if copies:
        values = [v if type(v) is Array else namespace_of(v).copy(v) for v in values]
    else:
        tape.hold_all(values)
    boxes = tape.watch_all(values)
    for box, leaf in zip(boxes, leaves, strict=True):
        if box.shape == () and (
            isinstance(leaf, float | complex | np.generic)
            or (type(leaf) is Array and is_number(leaf))
        ):
            box.link = None
    return tree.unflatten(spec, boxes), leaves, values, spec


def _value(leaf: Any, i: int, leaves: list[Any], x: Any) -> Any:
    try:
        return check_differentiable(leaf, "this argument", leaves)
    except TypeError as error:
        where = "the argument" if len(leaves) == 1 else f"leaf {tree.paths(x)[i]!r} of the argument"
        raise TypeError(str(error).replace("this argument", where)) from None


# ── results ───────────────────────────────────────────────────────────────────────────────────


def _gradient(ct: Any, value: Any, leaf: Any, taken: set[int]) -> Any:
    """The cotangent of one leaf as the caller gets it: in a buffer of its own, a number where the leaf is one."""
    if ct is None:
        ct = namespace_of(value).zeros_like(value)
    elif type(ct) in DEFERRED:
        ct = ct.materialize()
    ct = unwrap_closed(ct)
    if type(ct) is np.ndarray:
        if ct.shape == () and type(leaf) is not np.ndarray:
            return ct[()]
    elif type(ct) is Array:
        return ct.__copy__()
    elif isinstance(ct, np.generic):
        return ct if type(leaf) is not np.ndarray else np.asarray(ct)
    out = backend_of(ct).as_gradient(ct)
    if id(out) in taken:
        out = namespace_of(out).copy(out)
    taken.add(id(out))
    if type(out) in STAYING:
        return Array(out)
    if type(out) in TRACERS and type(leaf) in TRACERS and leaf.is_number:
        return out.as_number()  # a Python number of what `compile` records
    if out.shape == () and isinstance(leaf, float | complex | np.generic):
        return backend_of(out).to_numpy(out)[()]
    return out


def _output(x: Any) -> Any:
    """A result as the caller gets it: no buffer that a rule may keep."""
    if type(x) is not Array:
        return x
    out = plain(x)
    if type(out) is Array:
        return out.__copy__()
    if type(out) is np.ndarray:
        return out.copy()
    return out if isinstance(out, np.generic) else namespace_of(out).copy(out)


def _seed(ct: Any, y: Array) -> Any:
    """The cotangent `ct` of a result, in its shape and dtype.

    Raises
    ------
    ValueError
        If its shape is another.
    """
    value = y.value
    ct = unwrap_closed(ct)
    if (
        type(ct) is np.ndarray is type(value)
        and ct.shape == value.shape
        and ct.dtype is value.dtype
    ):
        return ct
    if isinstance(ct, bool | int | float | complex | np.generic):
        if y.shape != ():
            raise ValueError(f"the cotangent is a number, the output has shape {y.shape}")
        if type(value) is Array:
            ct = unwrap_closed(namespace_of(value).asarray(ct))
        else:
            ct = backend_of(value).asarray(np.asarray(ct))
    if tuple(ct.shape) != tuple(value.shape):
        raise ValueError(f"the cotangent has shape {tuple(ct.shape)}, the output {tuple(value.shape)}")  # fmt: skip
    check_library("the cotangent", ct, y)
    ct = fit(ct, value.shape, value.dtype, "a cotangent")
    inner = value
    while type(inner) is Array:
        inner = inner.value
    if type(inner) in TRACERS and type(ct) is not Array:
        ct = inner.as_tracer(ct)
    return as_constant(ct) if type(value) is Array else ct


# ── the operators ─────────────────────────────────────────────────────────────────────────────


def make_vjp(fun: Function, x: Any) -> tuple[Callable[[Any], Any], Any]:
    """The pullback of a function at `x`, and its value.

    Parameters
    ----------
    fun : callable
        Of one argument; returns an array or a container of arrays.
    x
        An array, a float, or a container of them.

    Returns
    -------
    vjp : callable
        ``vjp(g)``, of the structure of `x`, for `g` of the structure of the value. It may be called any number of
        times.
    value

    Raises
    ------
    TypeError
        If `x` holds something that is no real or complex number or array.

    Warns
    -----
    UserWarning
        If the value does not depend on `x`; the pullback then returns zeros.
    """
    tape = TapeData(copies=True)
    box, leaves, values, spec = _watched(tape, x, copies=True)
    try:
        out = fun(box)
    finally:
        tape.close()
    if type(out) is Array:
        outs, out_spec = [out], None
        end_value = _output(out)
    else:
        outs, out_spec = tree.flatten(out)
        end_value = tree.unflatten(out_spec, [_output(y) for y in outs])
    on_tape = [(i, y) for i, y in enumerate(outs) if type(y) is Array and y.tape is tape]
    if not on_tape:
        warnings.warn(_INDEPENDENT, stacklevel=3)
        return (lambda g: vspace(x).zeros()), end_value
    kept = tape.detached()
    tracked = [(i, Array(y.value, kept, y.slot)) for i, y in on_tape]

    def vjp(g: Any) -> Any:
        cts = empty_cotangents(kept)
        if out_spec is None:
            gs = [g]
        else:
            gs, g_spec = tree.flatten(g)
            if g_spec != out_spec:
                raise ValueError(f"the cotangent has structure {g_spec}, the output {out_spec}")
        taken = {id(ct.value if type(ct) is Array else ct) for ct in gs}
        for i, y in tracked:
            ct = _seed(gs[i], y)
            taken.add(id(ct))
            cts[y.slot] = ct if cts[y.slot] is None else cts[y.slot] + ct
        sweep(kept, cts)
        if spec is None:
            return _gradient(cts[0], values[0], leaves[0], taken)
        found = [
            _gradient(cts[i], value, leaf, taken)
            for i, (value, leaf) in enumerate(zip(values, leaves, strict=True))
        ]
        return tree.unflatten(spec, found)

    return vjp, end_value


def make_jvp(fun: Function, x: Any) -> Callable[[Any], tuple[Any, Any]]:
    """The derivative of a function at `x` along a direction: ``jvp(v)`` returns the value and J v.

    It is the pullback of the pullback, which is linear (Townsend, A new trick for calculating Jacobian vector products,
    2017): every function with a VJP has a JVP.
    """

    def jvp(v: Any) -> tuple[Any, Any]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", _INDEPENDENT)
            vjp, value = make_vjp(fun, x)
            push, _ = make_vjp(vjp, tree.map(_zero, value))
        return value, push(v)

    return jvp


def _zero(y: Any) -> Any:
    """A cotangent of zero for one leaf of a result; what is no vector has none."""
    if type(y) is Array:
        value = y
        while type(value) is Array:
            value = value.value
        return Array(namespace_of(value).zeros_like(value))
    return vspace(y).zeros()


def value_and_gradient(fun: Function, x: Any, refusal: str) -> tuple[Any, Any]:
    """The value of a function that consists of one real number, and its gradient.

    Raises
    ------
    TypeError
        With the text `refusal`, if the value is something else.
    """
    tape = TapeData()
    try:
        box, leaves, values, spec = _watched(tape, x, copies=False)
        out = fun(box)
        if real_size(out) != 1:
            raise TypeError(refusal)
        taken: set[int] = set()
        cts: list[Any] = []
        if type(out) is Array and out.tape is tape:
            cts = empty_cotangents(tape)
            value = out.value
            seed = seed_for(value) if value.shape == () else namespace_of(value).ones_like(value)
            cts[out.slot] = seed
            taken.add(id(seed))  # it may be kept for all sweeps
            sweep(tape, cts, consume=True)
        else:
            warnings.warn(_INDEPENDENT, stacklevel=4)
            cts = [None] * len(values)
    finally:
        tape.close()
    if spec is None:
        gradient = _gradient(cts[0], values[0], leaves[0], taken)
    else:
        gradient = tree.unflatten(
            spec,
            [
                _gradient(ct, value, leaf, taken)
                for ct, value, leaf in zip(cts, values, leaves, strict=False)
            ],
        )
    ans = plain(out)
    if ans is x or any(ans is leaf for leaf in leaves):
        ans = namespace_of(ans).copy(ans) if hasattr(ans, "shape") and ans.shape else ans
    return ans, gradient
