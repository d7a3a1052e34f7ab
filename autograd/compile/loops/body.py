"""The step of a loop as operations on library arrays, with all that it uses among its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..ir.program import ARRAY, NUMBER, Op, Program, Tuple, Value, replace, values_in
from .adjoint import Adjoint, derived


@dataclass(eq=False)
class Body:
    """A step: ``(carry, rows, constants) -> (new carry, new rows)``.

    Attributes
    ----------
    carry, rows : int
        How many of the inputs are the carry, and how many the rows.
    ops : list of Op
    results : list
        A tracer for each output: the new carry, and this step's rows of results.
    tracers : list
        A tracer for each input, with the value that it had when the step was recorded: the carry, the rows of this
        step, and the constants of the loop. A sweep may find that it needs more constants.
    outside : list
        What the constants stand for, where the step is a function of the user's.
    precision : str
        Of products.
    fast : bool or None
        Whether kernels are compiled, as `pb.compile` was asked.
    sweep : callable
        ``sweep(body)`` gives the `Adjoint`; called once, when a derivative is asked for.
    """

    carry: int
    rows: int
    ops: list[Op]
    results: list[Any]
    tracers: list[Any]
    precision: str
    fast: bool | None
    sweep: Callable[[Body], Adjoint]
    outside: list[Any] = field(default_factory=list)
    _adjoint: Adjoint | None = None
    _backward: dict[Any, Backward] = field(default_factory=dict)
    _saving: dict[Any, Body] = field(default_factory=dict)
    _tangent: dict[Any, Tangent] = field(default_factory=dict)
    # the `StepCode` that runs it, made by `runner.py`
    code: Any = None

    def backward(self, wanted: frozenset[int]) -> Backward:
        """The step of the backward pass that gives the cotangents of the carry and of these other inputs."""
        found = self._backward.get(wanted)
        if found is None:
            if self._adjoint is None:
                self._adjoint = self.sweep(self)
            found = self._backward[wanted] = _backward(self, self._adjoint, wanted)
        return found

    def release(self) -> None:
        """Free everything but the code."""
        parts: list[Any] = [*self._backward.values(), *self._tangent.values()]
        found = [*(x.body for x in parts), *self._saving.values()]
        self._backward, self._saving, self._tangent = {}, {}, {}
        self._adjoint, self.sweep = None, derived
        self.ops, self.results, self.tracers, self.outside = [], [], [], []
        for body in found:
            body.release()

    def tangent(self, wanted: frozenset[int]) -> Tangent:
        """The step that carries tangents along, of the carry and of these constants."""
        found = self._tangent.get(wanted)
        if found is None:
            found = self._tangent[wanted] = _tangent(self, self.backward(wanted))
        return found

    def saving(self, which: tuple[int, ...]) -> Body:
        """A copy of the step whose rows of results include these leaves of the carry that it was given."""
        found = self._saving.get(which)
        if found is None:
            found = self._saving[which] = Body(
                self.carry, self.rows, self.ops,
                [*self.results, *(self.tracers[i] for i in which)], self.tracers, self.precision, self.fast, derived,
                self.outside,
            )  # fmt: skip
        return found

    @property
    def inputs(self) -> list[Value]:
        """The values of the inputs."""
        return [x.of for x in self.tracers]

    @property
    def outputs(self) -> list[Value]:
        """The values of the results."""
        return [x.of for x in self.results]

    def program(self, name: str) -> Program:
        """A program of its own, whose operations may be changed."""
        program = cloned(self.inputs, self.ops, self.outputs)
        program.name, program.precision = name, self.precision
        return program


@dataclass(eq=False)
class Backward:
    """The step of a backward pass, and where its operands come from.

    Attributes
    ----------
    body : Body
    carry, rows, constants : list
        ``("ct", i)``: the cotangent of leaf i of the carry; ``("sum", i)``: the sum of the shares of constant i;
        ``("saved", i)``: leaf i of the carries; ``("row", i)``: input i; ``("seed", k)``: the cotangent of output k.
    gives : list of int
        The inputs whose cotangents its rows of results are.
    saved : tuple of int
        The leaves of the carry that have to be saved.
    zeros : list
        What the sums begin with.
    """

    body: Body
    carry: list[tuple[str, int]]
    rows: list[tuple[str, int]]
    constants: list[int]
    gives: list[int]
    saved: tuple[int, ...]
    zeros: list[Any]


def _backward(body: Body, adjoint: Adjoint, wanted: frozenset[int]) -> Backward:
    first_row, first_constant = body.carry, body.carry + body.rows
    inexact = [i for i in range(body.carry) if i in adjoint.seeds]
    sums = [i for i in sorted(wanted) if i >= first_constant and i in adjoint.shares]
    gives = [i for i in sorted(wanted) if first_row <= i < first_constant and i in adjoint.shares]
    carry = [("ct", i) for i in inexact] + [("sum", i) for i in sums]
    tracers: list[Any] = [adjoint.seeds[i] for i in inexact]
    ops = list(adjoint.ops)
    results: list[Any] = []
    for i in inexact:
        share = adjoint.shares.get(i)
        results.append(share if share is not None else _zeros(body.tracers[i]))
    zeros = []
    for i in sums:
        share = adjoint.shares[i]
        zeros.append(share.xp.base.zeros_like(share.real_value))
        before = share.moved(
            share.recorder, Value(f"s{i}", ARRAY, share.shape, share.of.dtype, input_index=i)
        )
        total = Value(f"t{i}", ARRAY, share.shape, share.of.dtype)
        op = Op("add", share.xp.base.add, (before.of, share.of), {}, total, shares=frozenset())
        total.op = op
        ops.append(op)
        tracers.append(before)
        results.append(share.moved(share.recorder, total))
    results += [adjoint.shares[i] for i in gives]
    used = _used(ops, [x.of for x in results])
    ops = [op for op in ops if any(v in used for v in op.outputs())]
    saved = tuple(i for i in range(body.carry) if body.inputs[i] in used)
    rows: list[tuple[str, int]] = [("saved", i) for i in saved]
    rows += [("row", i) for i in range(first_row, first_constant) if body.inputs[i] in used]
    rows += [("seed", k) for k, ct in adjoint.seeds.items() if k >= body.carry and ct.of in used]
    constants = [i for i in range(first_constant, len(body.inputs)) if body.inputs[i] in used]
    tracers += [adjoint.seeds[i] if what == "seed" else body.tracers[i] for what, i in rows]
    tracers += [body.tracers[i] for i in constants]
    step = Body(
        len(carry), len(rows), ops, results, tracers, body.precision, body.fast,
        derived,
    )  # fmt: skip
    return Backward(step, carry, rows, constants, gives, saved, zeros)


@dataclass(eq=False)
class Tangent:
    """A step with tangents: ``(carry, tangents, constants, their tangents) -> (new carry, new tangents), rows``.

    Attributes
    ----------
    body : Body
    of : list of int
        The inputs whose tangents go in: those of `leaves`, then constants.
    leaves : list of int
        The leaves of the carry that have a tangent.
    """

    body: Body
    of: list[int]
    leaves: list[int]


def _tangent(body: Body, backward: Backward) -> Tangent:
    """The pullback is linear in its cotangents, and its transpose is the derivative along tangents."""
    adjoint = derived(backward.body)
    leaves = [i for what, i in backward.carry if what == "ct"]
    constants = [i for what, i in backward.carry if what == "sum"]
    shares = adjoint.shares
    results = [shares[k] if k in shares else _zeros(body.tracers[i]) for k, i in enumerate(leaves)]
    seeds = [adjoint.seeds[k] for k in range(len(backward.carry))]
    n, carry = len(leaves), body.carry
    results = [*body.results[:carry], *results, *body.results[carry:]]
    ops = [*body.ops, *adjoint.ops]
    used = _used(ops, [x.of for x in results])
    ops = [op for op in ops if any(v in used for v in op.outputs())]
    step = Body(
        carry + n, body.rows, ops, results,
        [*body.tracers[:carry], *seeds[:n], *body.tracers[carry:], *seeds[n:]], body.precision, body.fast, derived,
    )  # fmt: skip
    return Tangent(step, leaves + constants, leaves)


def _zeros(tracer: Any) -> Any:
    zeros = tracer.xp.base.zeros_like(tracer.real_value)
    of = Value("zeros", ARRAY, tracer.shape, tracer.of.dtype, held=zeros)
    return type(tracer)(tracer.recorder, of, zeros)


def _used(ops: list[Op], outputs: Iterable[Value]) -> set[Value]:
    """All values that the outputs depend on."""
    needed = set(outputs)
    for op in reversed(ops):
        if any(v in needed for v in op.outputs()):
            needed.update(op.inputs())
    return needed


def cloned(inputs: list[Value], ops: list[Op], outputs: list[Value]) -> Program:
    """A program of new values and operations; the inputs are numbered."""
    used = _used(ops, outputs)
    new: dict[Value, Value] = {}
    for i, v in enumerate(inputs):
        new[v] = Value(f"x{i}", v.value_type, v.shape, v.dtype, input_index=i)
        if v.value_type == NUMBER:
            new[v].numbers = frozenset((i,))

    def of(x: Any) -> Any:
        if type(x) is Tuple:
            return Tuple(x.make, tuple(of(part) for part in x.items))
        if type(x) is not Value:
            return x
        if x not in new:
            # constants too: kernels tell values apart by their names
            new[x] = Value(f"v{len(new)}", x.value_type, x.shape, x.dtype)
            if x.constant:
                new[x].held, new[x].numbers = x.held, x.numbers
        return new[x]

    kept = []
    for op in ops:
        if not any(v in used for v in op.outputs()):
            continue
        copy = Op(
            op.name, op.function, replace(op.args, of), replace(op.settings, of), line=op.line
        )
        copy.result, copy.shares = of(op.result), op.shares
        for old in values_in(op.result):
            new[old].op = copy
            if old.numbers is not None:
                new[old].numbers = frozenset()
        kept.append(copy)
    return Program([new[v] for v in inputs], kept, [of(v) for v in outputs])
