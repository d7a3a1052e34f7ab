"""Tests of `autograd/compile/loops/runner.py`."""

from __future__ import annotations

import threading

import numpy as np

import pullback as pb
from pullback.autograd.compile.loops import runner

xp = pb.xp
X = np.linspace(0.5, 1.5, 6).reshape(3, 2)


def sources(f, *args, monkeypatch):
    found = []
    prepare = runner.StepCode.prepare

    def noted(self):
        prepare(self)
        found.append(self.source)

    monkeypatch.setattr(runner.StepCode, "prepare", noted)
    pb.compile(f, fast=False)(*args)
    return found


def test_rows_are_written_where_they_stay_and_sums_in_place(monkeypatch):
    f = lambda x: pb.scan(lambda c, v: (c + v, 2 * v), x[0], x)
    (source,) = sources(f, X, monkeypatch=monkeypatch)
    assert "o0 = x0" in source
    assert "np_add(x0, x1, o0)" in source
    assert "o1 = y1[i]" in source


def test_the_backward_pass_is_one_more_loop(monkeypatch):
    f = lambda x: xp.sum(pb.scan(lambda c, v: (c * v, c), x[0], x)[1])
    found = sources(pb.grad(f), X, monkeypatch=monkeypatch)
    assert len(found) == 2


def test_two_calls_at_once_have_memory_of_their_own():
    step = lambda c, v: (xp.sin(c * v) + v, c)
    f = pb.compile(lambda x: pb.scan(step, x[0], x), fast=False)
    xs = [np.random.default_rng(k).uniform(size=(200, 8)) for k in range(4)]
    expected = [[np.copy(a) for a in f(x)] for x in xs]
    wrong = []

    def work(k):
        for _ in range(20):
            for a, b in zip(f(xs[k]), expected[k], strict=True):
                if not np.array_equal(a, b):
                    wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


def test_the_arguments_of_a_call_are_not_written_to_and_not_kept():
    x = X.copy()
    f = pb.compile(
        pb.grad(lambda x: xp.sum(pb.scan(lambda c, v: (c * v, c), x[0], x)[0])), fast=False
    )
    f(x)
    f(x)
    np.testing.assert_array_equal(x, X)


def test_a_listing_shows_the_step():
    f = pb.compile(
        pb.grad(lambda x: xp.sum(pb.scan(lambda c, v: (c * v, c), x[0], x)[0])), fast=False
    )
    f(X)
    text = f.program()
    assert text.count("3 steps, in a loop of Python:") == 2
    assert "f64[2] = multiply(x0, x1)" in text
