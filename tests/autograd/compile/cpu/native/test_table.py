"""Tests of `autograd/compile/cpu/native/table.py`, and of the programs that hold native operations."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu.native import table
from pullback.autograd.compile.cpu.native.record import Native

from ....._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
xp = pb.xp


def slogdet_into(op: Any) -> Any:
    """Two results; each run counts in memory of its own."""
    runs = np.zeros(1)

    def run(a: Any, sign: Any, value: Any) -> None:
        runs[0] += 1
        result = np.linalg.slogdet(a)
        if sign is not None:
            sign[...] = result[0]
        if value is not None:
            value[...] = result[1] + 100 * (sign is None) + 1000 * runs[0]

    return run


@pytest.fixture
def native_slogdet(monkeypatch):
    """An operation with two results, of which each replay says how many its runner has made."""
    record = Native(
        "linalg.slogdet", takes=lambda op: op.args[0].dtype == np.float64, make=slogdet_into
    )  # fmt: skip
    monkeypatch.setitem(table.NATIVE, "linalg.slogdet", record)


def stack(dtype: Any = np.float64) -> Any:
    return np.random.default_rng(0).normal(size=(3, 2, 2)).astype(dtype)


def test_several_results_have_buffers(native_slogdet):
    def f(a: Any) -> Any:
        sign, value = xp.linalg.slogdet(a)
        return sign * 2, value

    compiled, a = pb.compile(f, fast=True), stack()
    sign, value = compiled(a)  # while it is recorded
    np.testing.assert_allclose(value, np.linalg.slogdet(a)[1])
    for n in (1, 2):
        ours = compiled(a.transpose(0, 2, 1))  # brought into C order
        np.testing.assert_allclose(ours[0], sign)
        np.testing.assert_allclose(ours[1], value + 1000 * n)
    assert "kernel" in compiled.program(a)


def test_a_result_that_nobody_reads_has_none(native_slogdet):
    compiled, a = pb.compile(lambda a: xp.linalg.slogdet(a)[1] * 1.5, fast=True), stack()
    compiled(a)
    np.testing.assert_allclose(compiled(a), (np.linalg.slogdet(a)[1] + 1100) * 1.5)


def test_what_the_record_refuses_is_a_call(native_slogdet):
    compiled, a = pb.compile(lambda a: xp.linalg.slogdet(a)[1], fast=True), stack(np.float32)
    for _ in range(2):
        np.testing.assert_allclose(compiled(a), np.linalg.slogdet(a)[1], rtol=1e-6)


def test_without_kernels_it_is_a_call(native_slogdet):
    compiled, a = pb.compile(lambda a: xp.linalg.slogdet(a)[1], fast=False), stack()
    for _ in range(2):
        np.testing.assert_allclose(compiled(a), np.linalg.slogdet(a)[1])


def test_in_the_step_of_a_scan(monkeypatch):
    def make(op: Any) -> Any:
        def run(a: Any, out: Any) -> None:
            out[...] = np.linalg.det(a) + 1000

        return run

    def f(a: Any) -> Any:
        return pb.scan(lambda c, a: (c + xp.linalg.det(a), c), xp.zeros(3), a)[0]

    monkeypatch.setitem(table.NATIVE, "linalg.det", Native("linalg.det", lambda op: True, make))
    a = np.stack([stack(), stack() + 1])
    compiled, plain = pb.compile(f, fast=True), np.linalg.det(a).sum(0)
    compiled(a)
    np.testing.assert_allclose(compiled(a), plain + 2000)
    np.testing.assert_allclose(f(a), plain)


def test_an_empty_result_is_a_call(native_slogdet):
    a = np.zeros((0, 2, 2))
    compiled = pb.compile(lambda a: xp.linalg.slogdet(a)[1], fast=True)
    for _ in range(2):
        assert compiled(a).shape == (0,)


def test_each_of_two_calls_at_once_has_scratch_of_its_own(monkeypatch):
    together = threading.Barrier(2)
    made = []

    def make(op: Any) -> Any:
        scratch = np.empty((3, 2, 2))
        made.append(scratch)

        def run(a: Any, out: Any) -> None:
            scratch[...] = a
            together.wait(10)
            out[...] = np.linalg.det(scratch)

        return run

    monkeypatch.setitem(table.NATIVE, "linalg.det", Native("linalg.det", lambda op: True, make))
    compiled = pb.compile(lambda a: xp.linalg.det(a), fast=True)
    compiled(stack())
    inputs, results = [stack(), stack() + 1], {}

    def work(i: int) -> None:
        results[i] = compiled(inputs[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for i in range(2):
        np.testing.assert_allclose(results[i], np.linalg.det(inputs[i]))
    assert len(made) == 3  # one while the program was laid out
