"""What calls return is let go of after its last use."""

from __future__ import annotations

import tracemalloc

import numpy as np

import pullback as pb
from pullback.autograd.compile.cpu.assembly import Assembly
from pullback.autograd.compile.cpu.freeing import _delete

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


def test_names_are_deleted_behind_their_last_line():
    out = Assembly(None, None, None)  # its lines and results alone matter here
    out.lines = [
        "a = f(x0)", "t1 = g(a)", "b = t1[0]", "c = t1[1]", "for i in range(3):", "    h(b, i)", "    b2 = 1",
        "if c is None:", "    c = a", "else:", "    k(c)", "d = c",
    ]  # fmt: skip
    out.results = ["d", "o1"]
    _delete(out, {"a", "b", "c"})
    assert out.lines == [
        "a = f(x0)", "t1 = g(a)", "b = t1[0]", "c = t1[1]", "del t1", "for i in range(3):", "    h(b, i)",
        "    b2 = 1", "del b", "if c is None:", "    c = a", "else:", "    k(c)", "del a", "d = c", "del c",
    ]  # fmt: skip


def test_memory_of_calls_does_not_stay():
    def f(x):
        for _ in range(6):
            x = xp.sort(xp.sort(x, axis=0), axis=1)
        return x

    x = np.random.default_rng(0).standard_normal((200, 200))
    compiled = pb.compile(f, fast=False)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(x), f(x))
    tracemalloc.start()
    compiled(x)
    peak = tracemalloc.get_traced_memory()[1] / x.nbytes
    tracemalloc.stop()
    assert peak < 5
