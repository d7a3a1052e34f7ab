"""The parts that first-order methods share: counts, rates, and the step itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ...autograd.core.array import Array, backend_array, unwrap_closed
from ...autograd.core.cotangents import as_constant
from ...autograd.core.dtypes import as_numpy, is_complex, is_inexact
from ...autograd.core.namespaces import NAMESPACES, namespace_of
from ...autograd.core.typing import XP, ArrayLike, PyTree, Value
from ...autograd.pytree import tree
from ...backend.generic.formulas import (
    NUMBERS,
    Formula,
    functions_of,
    numbers,
    python_functions,
    settings,
)
from .formulas import formula, least_eps
from .leaves import (
    Mask,
    cast,
    cast_gradient,
    check_library,
    decayed_leaves,
    flatten_alike,
    is_trainable,
    widened,
)

Schedule = float | Callable[[Any], Any]


class Optimiser(Protocol):
    """The protocol of an optimiser: two pure functions, `init` and `step`."""

    def init(self, params: PyTree) -> PyTree:
        """The state before the first step."""

    def step(
        self, params: PyTree, grads: PyTree, state: PyTree, *, lr: ArrayLike = None
    ) -> tuple[PyTree, PyTree]:
        """New parameters and state."""


class Moments(NamedTuple):
    """An optimiser's state: the step count, an array of no dimension, and running averages.

    Each average is in the structure of the parameters, with None for leaves that no step moves. It is None
    altogether where a method has no use for it. An optimiser's page says what each of the averages is.
    """

    step: Value
    first: PyTree = None
    second: PyTree = None
    third: PyTree = None


# ── settings ──────────────────────────────────────────────────────────────────────────────────


def check(name: str, low: float, value: float, high: float = math.inf) -> None:
    """Refuse a setting outside its range.

    Raises
    ------
    ValueError
        Unless ``low <= value < high``.
    """
    if not (low <= value < high):
        upper = "" if high == math.inf else f" and < {high}"
        raise ValueError(f"{name}={value!r}: it has to be ≥ {low}{upper}")


def check_rate(lr: Schedule) -> None:
    """Refuse a learning rate that is not positive and finite (a schedule is taken as it is).

    Raises
    ------
    ValueError
        For a number that is not.
    """
    if not callable(lr) and not 0 < lr < math.inf:
        raise ValueError(f"lr={lr!r}: the learning rate has to be positive and finite")


# ── counts and rates ──────────────────────────────────────────────────────────────────────────


def step_count(step: Value) -> Value:
    """The steps taken so far: a Python number where that costs no wait, else the array itself.

    A NumPy array is read. On a device, reading waits for all work queued there, and `pb.compile` cannot read the
    values that it traces: everything that follows from the count is then computed by array functions.
    """
    count_type = type(step)
    if count_type is np.ndarray:
        return step.item()
    return int(step) if count_type is int or isinstance(step, np.integer) else step


def as_count_array(t: Value) -> Value:
    """A count as it is kept in a state: an array."""
    return np.array(t) if type(t) is int else t


def learning_rate_at(lr: Schedule, done: ArrayLike) -> Value:
    """The learning rate after `done` steps: a number, or a function of their count.

    A schedule is called with a Python integer, or with a floating array of no dimension.

    Raises
    ------
    ValueError
        If it is negative, NaN or infinite, where that can be seen without waiting for a device.
    """
    if type(lr) is not float:
        if callable(lr):
            lr = lr(done if isinstance(done, int) else floating(done))
        lr = unwrap_closed(lr)
        if not isinstance(lr, np.floating | np.ndarray | int | float):
            # it is on a device, or traced, and must not be read
            return lr
        lr = float(lr)
    if not 0 <= lr < math.inf:
        raise ValueError(
            f"the learning rate is {lr!r} after {done} steps: it has to be finite and ≥ 0"
        )
    return lr


def floating(x: Value) -> Value:
    """A count as float64."""
    return namespace_of(x).astype(x, np.dtype(np.float64))


def first_leaf(params: PyTree) -> Value:
    """The first array of a tree, which says on which backend a state is made; None without one."""
    return next((x for x in tree.leaves(params) if hasattr(x, "dtype")), None)


def zero_count(params: PyTree) -> Value:
    """The step count 0, on the device of the parameters."""
    leaf = first_leaf(params)
    if leaf is None or type(backend_array(leaf)) is np.ndarray:
        return np.array(0)
    xp = namespace_of(backend_array(leaf))
    zero = xp.zeros_on_device_of((), backend_array(leaf))
    zero = xp.real(zero) if is_complex(zero.dtype) else zero
    return xp.astype(zero, np.dtype(np.int64))


# ── the step ──────────────────────────────────────────────────────────────────────────────────


def apply_update(
    name: str,
    params: PyTree,
    grads: PyTree,
    slots: Sequence[PyTree],
    scalars: dict[str, Any],
    *,
    l2: float = 0.0,
    decay: float = 0.0,
    mask: Mask = None,
) -> tuple[PyTree, list[PyTree]]:
    """New parameters and new slots, after one step of the formula `name` on every leaf.

    Leaves that are not floating-point arrays, or whose gradient is None, stay as they are. Parameters of 16 bits take
    a step that is computed in float32, as their slots are.

    Parameters
    ----------
    name : str
        Of `formulas.FORMULAS`.
    params, grads : pytree
        Of one structure.
    slots : sequence of pytrees
        The arrays that the formula keeps, in its order.
    scalars : dict
        ``t``, ``lr`` and the settings that the formula reads.
    l2, decay : float
        Penalty in the gradient, or decay apart from it, of the leaves that `mask` names.

    Raises
    ------
    TypeError, ValueError
        As `flatten_alike` and `cast_gradient` say; before anything is computed.
    """
    spec, columns = flatten_alike(params, grads, *slots)
    ps, gs = columns[0], columns[1]
    wanted = formula(name, bool(l2), bool(decay))
    if l2 or decay:
        scalars = {**scalars, "l2": l2, "decay": decay}
    # in a model of one dtype there is nothing to sort out
    elif uniform(ps, gs):
        try:
            out = run_formula(wanted, columns, scalars)
        except (TypeError, RuntimeError, ValueError):  # of a mixture each library raises its own
            _check_state(params, columns)
            raise
        return tree.unflatten(spec, out[0]), [tree.unflatten(spec, column) for column in out[1:]]
    shrinks = decayed_leaves(mask, params, spec, ps) if l2 or decay else [False] * len(ps)
    groups: dict[Any, list[int]] = {}
    for i, p in enumerate(ps):
        if gs[i] is not None and is_trainable(p):
            gs[i] = cast_gradient(p, gs[i], params, i)
            array_type = Array if type(gs[i]) is Array else type(p)
            groups.setdefault((array_type, p.dtype, shrinks[i]), []).append(i)
    out = [list(ps), *[list(column) for column in columns[2:]]]
    for (array_type, dtype, shrinking), indices in groups.items():
        found = wanted if shrinking else formula(name)
        taken = [[column[i] for i in indices] for column in columns]
        # libraries differ in what raw · Array is
        if array_type is Array:
            taken = [[as_constant(x) for x in column] for column in taken]
        wide = widened(dtype)
        if wide is not dtype:
            taken = [[cast(x, wide) for x in column] for column in taken]
        try:
            new = run_formula(found, taken, scalars)
        except (TypeError, RuntimeError, ValueError):  # of a mixture each library raises its own
            _check_state(params, columns)
            raise
        if wide is not dtype:
            new[0] = [cast(x, dtype) for x in new[0]]
        for column, values in zip(out, new, strict=True):
            for i, value in zip(indices, values, strict=True):
                column[i] = value
    return tree.unflatten(spec, out[0]), [tree.unflatten(spec, column) for column in out[1:]]


def _check_state(params: PyTree, columns: list[list[Value]]) -> None:
    """Refuse a state of another library than the parameters: an update that failed asks for the cause."""
    for i, (p, _, *state) in enumerate(zip(*columns, strict=True)):
        for x in state:
            if x is not None:
                check_library(params, i, p, x, "state")


def uniform(ps: list[Value], gs: list[Value]) -> bool:
    """Whether parameters and gradients are of one library and one floating dtype, not of 16 bits, shape by shape."""
    dtype = getattr(ps[0], "dtype", None) if ps else None
    if dtype is None or not is_inexact(dtype) or dtype is not widened(dtype):
        return False
    array_type = type(ps[0])
    if array_type is Array:
        return False
    for p, g in zip(ps, gs, strict=True):
        if (
            type(p) is not array_type
            or type(g) is not array_type
            or p.dtype is not dtype
            or g.dtype is not dtype
            or p.shape != g.shape
        ):
            return False
    return True


def run_formula(found: Formula, columns: list[list[Value]], scalars: dict[str, Any]) -> list[Any]:
    """New columns of one formula, by the backend's kernel or by array functions."""
    if type(scalars.get("lr")) is Array:  # libraries differ in what raw · Array is
        columns = [[as_constant(x) for x in column] for column in columns]
    p = columns[0][0]
    xp = namespace_of(p)
    if "eps" in scalars:
        scalars = {**scalars, "eps": max(scalars["eps"], least_eps(found, as_numpy(p.dtype)))}
    fused = getattr(xp, "fused_update", None)
    new = fused(found, columns, scalars) if fused is not None else None
    if new is not None:
        return new
    prelude, body = python_functions(found)
    values = {n: number(scalars[n], p, xp) for n in settings(found)}
    if any(hasattr(v, "dtype") for v in values.values()):
        functions = functions_of(xp)
        values |= {n: as_scalar(values[n], p, xp) for n in ("t", "lr") if n in values}
    else:
        functions = NUMBERS
    constants = prelude(functions, *values.values())
    rows_of = []
    for row in zip(*columns, strict=True):
        results = body(functions_of(xp), *row, *constants)
        rows_of.append(
            [as_array(x, like) for x, like in zip(results, (row[0], *row[2:]), strict=True)]
        )
    assert len(constants) == len(numbers(found))
    return [list(column) for column in zip(*rows_of, strict=True)]


def number(x: Value, p: Value, xp: XP) -> Value:
    """A setting as a Python number, or as an array of no dimension of the precision of `p`."""
    if type(x) is int or type(x) is float:
        return x
    return as_scalar(x, p, xp)


def as_scalar(x: Value, p: Value, xp: XP) -> Value:
    """`x` as a real array of no dimension, on the device of `p`."""
    like = xp.real(p) if is_complex(p.dtype) else p
    if not hasattr(x, "dtype"):
        return xp.zeros_on_device_of((), like) + x
    if type(x) is Array:
        return NAMESPACES[Array].astype(x, like.dtype)
    # a number that `pb.compile` traces has a dtype, but no astype
    return xp.asarray(x, dtype=like.dtype)


def as_array(x: Value, like: ArrayLike) -> Value:
    """`x` as an array of the type of `like`, since NumPy's arithmetic makes scalars of 0-d arrays."""
    return namespace_of(like).asarray(x, dtype=like.dtype) if x.shape == () else x
