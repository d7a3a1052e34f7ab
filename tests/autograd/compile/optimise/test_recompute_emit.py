"""A program written anew: values that are done again get new names, and views are taken of the copies."""

from __future__ import annotations

import pullback as pb
from pullback.autograd.compile.optimise.eviction import NEVER, Eviction
from pullback.autograd.compile.optimise.recompute_emit import emit

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._recompute import Laid, chain, loss


def written(limit):
    laid = Laid(pb.grad(loss), *chain(9))
    graph = laid.graph()
    way = Eviction(graph, limit)
    assert way.run()
    return laid, *emit(laid.program, laid.out, graph, way.done)


def test_each_value_is_made_once_and_before_it_is_read():
    laid, program, source = written(6 * 16 * 8 * 8)
    made = set()
    for op in program.ops:
        assert all(v in made or v.op is None for v in op.inputs())
        assert not made & set(op.outputs())
        made.update(op.outputs())
    assert program.outputs == laid.program.outputs
    assert all(v in made for v in program.outputs)
    names = [v.name for v in made]
    assert len(names) == len(set(names))
    assert set(source.values()) <= set(laid.program.ops)


def test_copies_stay_behind_what_is_before_them():
    _, program, source = written(6 * 16 * 8 * 8)
    copies = [op for op in program.ops if op.result.name.rpartition("_")[2].startswith("r")]
    assert copies
    assert all(source[op].name == op.name for op in copies)
    apart = {op.result for op in program.ops if op.name == "recomputed"}
    products = [op for op in copies if op.name == "matmul"]
    assert products
    assert all(apart & set(op.inputs()) for op in products)


def test_the_program_itself_is_not_changed():
    laid, program, _ = written(NEVER)
    assert [op.name for op in program.ops] == [op.name for op in laid.program.ops]
    assert not set(program.ops) & set(laid.program.ops)
    assert [op.outputs() for op in program.ops] == [op.outputs() for op in laid.program.ops]
