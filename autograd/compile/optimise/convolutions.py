"""Convolutions take in what stands next to them: relu and the maxima of windows after it, and their cotangents.

A kernel then stores the maxima alone, of which there are few, and the cotangents of a convolution's outputs,
nearly all of them 0, are never stored. Three rewritings, each where nobody else reads what goes:

- ``masked(pool_scatter(y, offsets), r > 0)``, with (m, offsets) the maxima of r, is
  ``pool_scatter(masked(y, m > 0), offsets)``: r is m where the scatter puts anything.
- The sum of a scatter over its windows' axes is that of what it scatters.
- ``max_pool(relu(convolution(x, W, b)))`` is one operation, and so is a cotangent of convolution with a scatter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ir.program import ARRAY, Op, Program, Tuple, Value
from .simplify import without_use

_COTANGENTS = {"convolution_vjp_x": 0, "convolution_vjp_W": 1}


class _Users:
    """Who reads each value of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.of: dict[Value, list[Op]] = {}
        self.maker: dict[Value, Op] = {}
        self.results = {v for v in program.outputs if type(v) is Value}
        for op in program.ops:
            for v in dict.fromkeys(op.inputs()):
                self.of.setdefault(v, []).append(op)
            for v in op.outputs():
                self.maker[v] = op

    def only(self, v: Any) -> Op | None:
        """The one operation that reads a value, if there is one."""
        found = self.of.get(v, ())
        return found[0] if len(found) == 1 and v not in self.results else None

    def made_by(self, v: Any, name: str) -> Op | None:
        """The operation of a name that makes a value."""
        op = self.maker.get(v) if type(v) is Value else None
        return op if op is not None and op.name == name else None


def join_convolutions(program: Program, is_native: Callable[[Op], bool]) -> None:
    """Rewrite a program's convolutions, where kernels compute what comes of it."""
    if not any(is_native(op) for op in program.ops if op.name.startswith("convolution")):
        return
    _mask_before_scatter(program)
    _sum_before_scatter(program)
    without_use(program)
    users = _Users(program)
    for op in list(program.ops):
        if op.name == "convolution" and is_native(op):
            _join_what_follows(program, users, op, is_native)
        elif op.name == "pool_scatter":
            _join_scatter(program, users, op, is_native)
    without_use(program)


# ── cotangents ────────────────────────────────────────────────────────────────────────────────


def _windows(op: Op) -> dict[str, Any]:
    return {k: op.settings[k] for k in ("window", "stride", "padding", "dilation")}


def _mask_before_scatter(program: Program) -> None:
    users = _Users(program)
    for op in list(program.ops):
        if op.name != "masked":
            continue
        scatter = users.made_by(op.args[0], "pool_scatter")
        above = users.made_by(op.args[1], "greater")
        if scatter is None or above is None or users.only(scatter.result) is not op:
            continue
        y, offsets = scatter.args
        pool = users.made_by(offsets, "max_pool")
        r, zero = above.args
        if pool is None or pool.args[0] is not r or type(zero) is Value or zero != 0:
            continue
        m = pool.result.items[0]
        if offsets is not pool.result.items[1] or _windows(pool) != _windows(scatter):
            continue
        if y.shape != m.shape or y.dtype != op.result.dtype:
            continue
        mask = Value(f"{op.result.name}_mask", ARRAY, m.shape, above.result.dtype)
        kept = Value(f"{op.result.name}_kept", ARRAY, y.shape, y.dtype)
        mask.op = Op("greater", above.function, (m, 0), dict(above.settings), mask, op.line)
        kept.op = Op("masked", op.function, (y, mask), dict(op.settings), kept, op.line)
        mask.op.shares = kept.op.shares = frozenset()
        # the scatter's result is that of the mask from now on
        scatter.args, scatter.result = (kept, offsets), op.result
        op.result.op = scatter
        at = program.ops.index(op)
        program.ops[at : at + 1] = [mask.op, kept.op, scatter]
        program.ops.remove(scatter)  # the first: where it stood
        users = _Users(program)


def _sum_before_scatter(program: Program) -> None:
    users = _Users(program)
    for op in program.ops:
        if op.name != "sum" or len(op.args) != 1 or op.settings.get("axis") is None:
            continue
        scatter = users.made_by(op.args[0], "pool_scatter")
        if scatter is None or any(map(any, scatter.settings["padding"])):
            continue
        dims, axes = len(op.args[0].shape), op.settings["axis"]
        axes = axes if isinstance(axes, tuple) else (axes,)
        if {a % dims for a in axes} >= set(range(2, dims)) and scatter.args[0].dtype == op.args[
            0
        ].dtype:
            op.args = (scatter.args[0],)


def _join_scatter(
    program: Program, users: _Users, scatter: Op, is_native: Callable[[Op], bool]
) -> None:
    """Let the cotangents of a convolution read what is scattered, if nobody else reads the scatter."""
    readers = users.of.get(scatter.result, [])
    if scatter.result in users.results or not readers:
        return
    y, offsets = scatter.args
    pool = {"spatial": tuple(scatter.settings["spatial"]), **_windows(scatter)}
    joined = []
    for op in readers:
        place = _COTANGENTS.get(op.name, -1)
        if place < 0 or op.args[place] is not scatter.result or op.args.count(scatter.result) != 1:
            return
        args = [*op.args, offsets]
        args[place] = y
        function = _of_scatter(op.function, scatter.function, place)
        new = Op(op.name, function, tuple(args), {**op.settings, "pool": pool}, op.result, op.line)
        new.shares = frozenset()
        if not is_native(op) or not is_native(new):
            return
        joined.append((op, new))
    for op, new in joined:
        op.function, op.args, op.settings = new.function, new.args, new.settings
        op.shares = new.shares
    program.ops.remove(scatter)


def _of_scatter(function: Any, scatter: Any, place: int) -> Callable[..., Any]:
    """The same in two steps, for where no kernel is."""

    def joined(*args: Any, pool: dict[str, Any], **settings: Any) -> Any:
        *rest, offsets = args
        rest[place] = scatter(rest[place], offsets, **pool)
        return function(*rest, **settings)

    return joined


# ── outputs ───────────────────────────────────────────────────────────────────────────────────


def _join_what_follows(
    program: Program, users: _Users, op: Op, is_native: Callable[[Op], bool]
) -> None:
    relu = users.only(op.result)
    last = op
    if (
        relu is not None
        and relu.name == "relu"
        and _join(program, op, relu, {"relu": True}, is_native)
    ):
        last = relu
    pool = users.only(last.result)
    if pool is not None and pool.name == "max_pool" and type(pool.result) is Tuple:
        spatial = tuple(last.result.shape[2:])
        _join(program, last, pool, {"pool": {"spatial": spatial, **_windows(pool)}}, is_native)


def _join(
    program: Program, first: Op, then: Op, settings: dict[str, Any], is_native: Callable[[Op], bool]
) -> bool:
    """Make the second operation do the first's work too; False, and nothing done, where no kernel does that."""
    function = _one_after_another(first.function, then.function)
    new = Op("convolution", function, first.args, {**first.settings, **settings}, then.result)
    if not is_native(new):
        return False
    then.name, then.function, then.args, then.settings = new.name, function, new.args, new.settings
    then.shares = frozenset()
    program.ops.remove(first)
    return True


def _one_after_another(first: Any, then: Any) -> Callable[..., Any]:
    """The same in two steps, for where no kernel is."""

    def joined(
        *args: Any, relu: bool = False, pool: dict[str, Any] | None = None, **settings: Any
    ) -> Any:
        if pool is None:
            return then(first(*args, **settings))
        inner = {"relu": True} if relu else {}
        windows = {k: x for k, x in pool.items() if k != "spatial"}
        return then(first(*args, **settings, **inner), **windows)

    return joined
