"""A program written anew from its steps, some of which are done more than once."""

from __future__ import annotations

import dataclasses
from typing import Any

from ....backend import backend_of
from ..ir.program import ARRAY, Op, Program, Tuple, Value, replace
from .eviction import Done
from .fuse import Statements
from .recompute_graph import Graph
from .simplify import without_use


def emit(
    program: Program, out: Statements, graph: Graph, done: list[Done]
) -> tuple[Program, dict[Op, Op]]:
    """The program that does these steps, and what each operation is a copy of; `program` itself stays as it is."""
    writer = _Writer(program, out)
    for index, again in done:
        step = graph.steps[index]
        if again is None:
            writer.first(step.ops)
        else:
            writer.again(step.ops, {graph.values[v] for v in again})
    new = dataclasses.replace(program, ops=writer.ops)
    without_use(new)  # what was forgotten before it was read
    return new, writer.source


def _recomputed(x: Any) -> Any:
    return backend_of(x).xp.recomputed(x)


class _Writer:
    """The operations so far, and the newest copy of each value."""

    def __init__(self, program: Program, out: Statements) -> None:
        self.out = out
        self.ops: list[Op] = []
        self.source: dict[Op, Op] = {}
        self.current: dict[Value, Value] = {}
        # the views that were taken, by the value and what it was taken of
        self.views: dict[tuple[Value, Value], Value] = {}
        self.count = 0
        self.first(out.numbers)

    def _copy(self, op: Op, args: Any, settings: Any) -> Op:
        new = dataclasses.replace(op, args=args, settings=settings)
        self.source[new] = op
        return new

    def first(self, ops: list[Op]) -> None:
        """The operations of a step."""
        for op in ops:
            args, settings = replace(op.args, self.now), replace(op.settings, self.now)
            self.ops.append(self._copy(op, args, settings))

    def again(self, ops: list[Op], wanted: set[Value]) -> None:
        """Copies of the operations of a step, as far as these values need them."""
        needed = set(wanted)
        kept: list[Op] = []
        for op in reversed(ops):
            if any(v in needed for v in op.outputs()):
                needed.update(self.out.root(v) for v in op.inputs())
                kept.append(op)
        inside: dict[Value, Value] = {}

        def now(x: Any) -> Any:
            return inside[x] if type(x) is Value and x in inside else self.now(x)

        for op in reversed(kept):
            args, settings = replace(op.args, now), replace(op.settings, now)
            if not any(v in inside for v in op.inputs()):
                args = self._apart(args)
            copy = self._copy(op, args, settings)
            copy.result = self._renamed(op.result, copy, inside)
            self.ops.append(copy)
        self.current |= {v: inside[v] for v in wanted}

    def now(self, x: Any) -> Any:
        """What stands for a value at this point."""
        if type(x) is not Value:
            return x
        op = self.out.views.get(x)
        if op is None:
            return self.current.get(x, x)
        base = self.now(op.args[0])
        known = self.views.get((x, base))
        if known is None:
            view = self._copy(op, (base, *op.args[1:]), op.settings)
            if base is not op.args[0]:
                view.result = self._renamed(x, view, {})
            self.ops.append(view)
            known = self.views[x, base] = view.result
        return known

    def _apart(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, with one of them under another name: so nothing of it goes into an earlier statement."""
        changed = False

        def apart(x: Any) -> Any:
            nonlocal changed
            if changed or type(x) is not Value or x.value_type != ARRAY or x.constant:
                return x
            changed = True
            self.count += 1
            named = Value(f"{x.name}_a{self.count}", ARRAY, x.shape, x.dtype)
            named.op = Op("recomputed", _recomputed, (x,), {}, named)
            named.op.shares = frozenset((0,))
            self.ops.append(named.op)
            return named

        return replace(args, apart)

    def _renamed(self, result: Any, op: Op, names: dict[Value, Value]) -> Any:
        """New values in place of those of a result."""
        if type(result) is Tuple:
            return Tuple(result.make, tuple(self._renamed(x, op, names) for x in result.items))
        if type(result) is not Value:
            return result
        self.count += 1
        new = Value(
            f"{result.name}_r{self.count}", result.value_type, result.shape, result.dtype, op=op
        )
        names[result] = new
        return new
