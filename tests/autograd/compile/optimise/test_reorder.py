"""Updates as soon as their gradients are there, and behind all that reads what they are written over."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.autograd.compile.optimise.eviction import NEVER, Eviction
from pullback.autograd.compile.optimise.reorder import _early, early_order, updates_after_reads

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._recompute import Laid, chain, updated


def adam(state, x):
    weights, moments = state
    grads = pb.grad(lambda ws: pb.xp.sum(layers(ws, x)))(weights)
    return pb.optim.Adam(0.1).step(weights, grads, moments)


def layers(ws, x):
    for W in ws:
        x = pb.xp.tanh(x @ W)
    return x


def in_order(graph, order):
    place = {s: k for k, s in enumerate(order)}
    return sorted(order) == list(range(len(graph.steps))) and all(
        place[graph.maker[v]] < place[i] for i, step in enumerate(graph.steps) for v in step.reads
    )


def peak(graph):
    way = Eviction(graph, NEVER)
    assert way.run()
    return way.peak


def test_gradients_do_not_wait_for_each_other():
    weights, x = chain(12, 32)
    x = x[:2]  # so that gradients are what is large
    for laid in (
        Laid(updated, weights, x, donate=(0,)),
        Laid(adam, (weights, pb.optim.Adam(0.1).init(weights)), x, donate=(0,)),
    ):
        graph = laid.graph()
        order = early_order(graph, laid.out, laid.plan)
        assert in_order(graph, order)
        assert peak(laid.graph(order)) < 0.7 * peak(graph)


def test_an_update_waits_for_what_reads_the_old_parameter():
    laid = Laid(updated, *chain(3), donate=(0,))
    graph = laid.graph()
    update = next(
        i
        for i, s in enumerate(graph.steps)
        for w in s.makes
        if graph.values[w] in laid.plan.donated
    )
    index = laid.plan.donated[graph.values[graph.steps[update].makes[0]]]
    reader = next(
        i
        for i, s in enumerate(graph.steps)
        if i != update
        and any(laid.out.root(v).input_index == index for op in s.ops for v in op.inputs())
    )
    early = [(i, None) for i in range(len(graph.steps)) if i != reader]
    early += [(reader, ())]
    late = updates_after_reads(graph, laid.out, laid.plan, early)
    assert sorted(late) == sorted(early)
    assert late.index((update, None)) > late.index((reader, ()))
    plain = [(i, None) for i in range(len(graph.steps))]
    assert updates_after_reads(graph, laid.out, laid.plan, plain) == plain


def test_an_update_comes_early_but_behind_what_read_the_old_parameter():
    def step(w, x):
        total = pb.xp.sum(x)  # all that the update needs
        h = x @ w
        big = pb.xp.sum(pb.xp.sin(h) @ h.mT)
        return w - 0.1 * total, big

    (w,), x = chain(1, 64)
    laid = Laid(step, w, np.tile(x, (4, 1)), donate=(0,))
    graph = laid.graph()
    order = early_order(graph, laid.out, laid.plan)
    assert order != sorted(order)
    seen, early = 0, _early(graph)  # what comes early itself is seen to by `updates_after_reads`
    for i, step in enumerate(graph.steps):
        for index in (laid.plan.donated.get(graph.values[w]) for w in step.makes):
            for j, other in enumerate(graph.steps[:i]):
                read = {laid.out.root(v).input_index for op in other.ops for v in op.inputs()}
                if index in read and not early[j]:
                    seen += 1
                    assert order.index(j) < order.index(i)
    assert seen
