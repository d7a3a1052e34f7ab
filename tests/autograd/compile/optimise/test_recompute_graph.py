"""The graph of a program: values in memory, who makes and reads them, and what may be done again."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.autograd.compile.ir.program import Op, Value
from pullback.autograd.compile.optimise.recompute_graph import is_pure, may_repeat
from pullback.autograd.compile.tracing.opaque import opaque

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._recompute import Laid, chain, loss, xp


def test_values_their_makers_and_their_uses():
    laid = Laid(pb.grad(loss), *chain(3))
    graph = laid.graph()
    for v, value in enumerate(graph.values):
        assert v in graph.steps[graph.maker[v]].makes
        for s in graph.uses[v]:
            assert v in graph.steps[s].reads
            assert s > graph.maker[v]
        assert (graph.size[v] == 0) == (value in laid.plan.outputs)
    first = graph.steps[0]
    assert [op.name for op in first.ops] == ["matmul"]
    assert first.repeatable
    assert not first.reads
    (z,) = first.makes
    assert graph.parents(z) == ()
    assert len(graph.children(z)) == 2


def test_an_operand_that_gives_its_place():
    graph = Laid(lambda x: xp.sum(xp.tanh(x @ x)), np.eye(4)).graph()
    tanh = next(s for s in graph.steps if s.ops[0].name == "tanh")
    assert tanh.heirs == {tanh.makes[0]: tanh.reads}


def test_views_by_calls_lie_over_their_arguments():
    graph = Laid(lambda x: xp.sum(xp.linalg.diagonal(xp.sort(x)) * 2), np.eye(4)).graph()
    (base,) = (v for v in range(len(graph.values)) if graph.over[v])
    (view,) = graph.over[base]
    assert graph.size[base] == 128
    assert graph.size[view] == 0
    reader = graph.steps[graph.uses[view][0]]
    assert {base, view} <= set(reader.reads)


def test_functions_that_keep_no_state_are_done_again_and_no_others():
    assert all(
        map(is_pure, ("matmul", "linalg.inv", "relu_vjp", "softmax", "random_bits", "narrowed"))
    )
    assert not any(
        map(is_pure, ("all_reduce", "agree", "recomputed", "fused_update", "halved", "py.add"))
    )
    x = Value("x", "array", (2,), np.dtype(float))
    factor = Value("f", "opaque", (), None)
    assert may_repeat(Op("sin", np.sin, (x,), {}, x))
    assert not may_repeat(Op("sin", np.sin, (x,), {}, factor))


def test_what_is_recorded_without_a_look_into_it_is_done_once():
    calls = []

    @opaque
    def counted(x):
        calls.append(1)
        return np.sin(x)

    x = np.random.default_rng(0).standard_normal((32, 32))

    def f(x):
        h = counted(x @ x)  # would be worth it
        g = xp.tanh(x @ x.mT)  # is
        big = xp.sum(xp.exp(xp.sort(xp.concat([x, x, x, x]))))
        return xp.sum(h * g * big)

    compiled = pb.compile(f, memory=int(13.1 * x.nbytes), fast=False)
    wanted = pb.compile(f, fast=False)(x)
    compiled(x)
    calls.clear()
    assert compiled(x) == wanted
    assert len(calls) == 1
