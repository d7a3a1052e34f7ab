"""Programs are found by their keys: what is recorded, laid out and kept for which calls."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile import programs
from pullback.autograd.compile.executable import Executable

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._compiled import close, model_and_step

xp = pb.xp


@pytest.fixture
def prepared(monkeypatch: Any) -> list[Any]:
    """The programs that are laid out, in order."""
    found: list[Any] = []
    prepare = Executable.prepare
    monkeypatch.setattr(Executable, "prepare", lambda self: (found.append(self), prepare(self)))
    return found


def counted(f: Any, **settings: Any) -> tuple[Any, list[int]]:
    """A compiled function, and a list that grows by one at each recording."""
    calls: list[int] = []

    def g(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return f(*args, **kwargs)

    return pb.compile(g, **{"fast": False, **settings}), calls


def test_a_program_that_is_not_run_is_not_laid_out(prepared):
    compiled, calls = counted(lambda x: xp.sum(x * x))
    for n in range(1, 60):
        assert float(compiled(np.ones(n))) == n
    assert (len(calls), prepared) == (59, [])
    for n in (7, 7, 3, 7, 3):
        assert float(compiled(np.ones(n))) == n
    assert (len(calls), len(prepared)) == (59, 2)


def test_cycling_among_programs(prepared, fast):
    model, step = model_and_step(pb.optim.Adam(1e-2))
    opt_state = pb.optim.Adam(1e-2).init(model)
    rng = np.random.default_rng(0)
    compiled, calls = counted(step, fast=fast)
    batches = [(rng.standard_normal((n, 6)), rng.integers(0, 3, n)) for n in (1, 5, 12)]
    ours = theirs = model, opt_state
    for _, (x, y) in itertools.product(range(3), batches):
        ours, theirs = compiled(*ours, x, y)[:2], step(*theirs, x, y)[:2]
        close(ours, theirs, 1e-4)
    assert (len(calls), len(prepared)) == (3, 3)


def test_many_lengths_are_kept_without_a_warning(recwarn):
    compiled, calls = counted(lambda x: xp.sum(xp.exp(x)))
    for _ in range(2):
        for n in range(1, 201):
            np.testing.assert_allclose(float(compiled(np.zeros(n))), n)
    assert len(calls) == 200
    assert [w for w in recwarn if "recorded" in str(w.message)] == []


def test_numbers_that_are_read(prepared):
    compiled, calls = counted(lambda x, n, m: x * m if n > 3 else x + sum([m] * n))
    for _ in range(2):
        for n, m in itertools.product((1, 2, 5), (0.5, 2.0)):
            wanted = np.ones(2) * m if n > 3 else np.ones(2) + n * m
            np.testing.assert_allclose(compiled(np.ones(2), n, m), wanted)
    assert len(calls) == 3  # m is never read


def test_integers_that_kernels_cannot_take():
    compiled, calls = counted(lambda x, n: x * n + 1.0, fast=True)
    x = np.asarray([1.0, 2.0])
    for n in (3, 2**62, -(2**63), 2**63, -(2**70)):
        np.testing.assert_allclose(compiled(x, n), x * n + 1.0)
    assert len(calls) == 3


def test_one_program_reads_a_number_and_another_does_not():
    compiled, calls = counted(lambda x, n, m: x * int(m) if n > 3 else x * m)
    for _ in range(2):
        for n, m in itertools.product((1, 5), (2, 3, 4)):
            np.testing.assert_array_equal(compiled(np.ones(2), n, m), np.full(2, m))
    assert len(calls) == 1 + 3


@pytest.mark.parametrize(
    "wrap", [lambda d: d, lambda d: {0: d}]
)  # keys that are no names are left to optree
def test_the_order_of_a_dict(wrap):
    def first(d):
        d = d.get(0, d)
        return xp.sum(3.0 * next(iter(d.values())))

    compiled = pb.compile(first, fast=False)
    x, y = np.ones(2), 2.0 * np.ones(2)
    for _ in range(3):
        assert compiled(wrap({"a": x, "b": y})) == 6.0
        assert compiled(wrap({"b": y, "a": x})) == 12.0
    assert len(compiled._executables) == 2
    by_name = pb.compile(lambda **named: first(named), fast=False)
    for _ in range(2):
        assert by_name(a=x, b=y) == 6.0
        assert by_name(b=y, a=x) == 12.0


def test_static_values_are_found_again():
    nan = float("nan")

    def f(x: Any, how: Any) -> Any:
        return x * 2.0 if how != how else x + len(str(how))

    values = (nan, 1, True, 1.0, 0.0, -0.0, (1,), (1.0,), [1], {"a": 1}, "text", None)
    compiled, calls = counted(f, static_argnums=1)
    for _ in range(2):
        for how in values:
            np.testing.assert_array_equal(compiled(np.ones(2), how), f(np.ones(2), how))
    assert len(calls) == len(values)


def test_a_static_list_that_is_changed_where_it_is(prepared):
    compiled, calls = counted(lambda x, parts: sum(x * p for p in parts), static_argnums=1)
    parts = [1.0]
    for _ in range(3):
        np.testing.assert_array_equal(compiled(np.ones(2), parts), [1.0, 1.0])
    parts.append(2.0)
    for _ in range(3):
        np.testing.assert_array_equal(compiled(np.ones(2), parts), [3.0, 3.0])
    parts.pop()
    np.testing.assert_array_equal(compiled(np.ones(2), parts), [1.0, 1.0])
    assert (len(calls), len(prepared)) == (2, 2)


def test_a_static_field_that_is_no_number():
    """NaN is not equal to itself; the same object is the same program."""

    @dataclass
    class Scaled:
        W: Any
        scale: float = pb.tree.static(default=float("nan"))

    compiled, calls = counted(lambda m, x: m.W * x)
    for n in (1, 2, 1, 2, 1):
        np.testing.assert_array_equal(compiled(Scaled(2.0), np.ones(n)), np.full(n, 2.0))
    assert len(calls) == 2


def test_the_order_in_memory():
    """A flat iterator's program is right for arrays in order alone; others are recorded, and not kept."""
    compiled, _ = counted(lambda x: x.ravel(order="K") * 2.0)
    a = np.arange(6.0).reshape(2, 3)
    b = np.arange(6.0).reshape(3, 2)
    for x in (a, b.T, a, b, b.T, a, b):
        np.testing.assert_array_equal(compiled(x), x.ravel(order="K") * 2.0)


def test_donated_arguments_of_two_shapes():
    compiled, calls = counted(lambda w, x: w * 1.0 + x.sum(), donate_argnums=0)
    w = np.zeros(3)
    total = 0.0
    for n in (1, 2, 1, 2, 1):
        w = compiled(w, np.ones(n))
        total += n
        np.testing.assert_array_equal(w, np.full(3, total))
    assert len(calls) == 2


@pytest.mark.filterwarnings("ignore:compile.g.. recorded")
def test_the_least_recently_used_goes():
    compiled, calls = counted(lambda x: x + 1.0, programs=3)
    for n in (1, 2, 3, 1, 4):  # 2 goes
        compiled(np.ones(n))
    assert len(calls) == 4
    assert [e.guards[0].like.shape for e in compiled._executables] == [(4,), (1,), (3,)]
    compiled(np.ones(3))
    assert len(calls) == 4
    compiled(np.ones(2))  # 1 goes
    assert len(calls) == 5
    assert len(compiled._programs._groups) == 3
    compiled(np.ones(1))
    assert len(calls) == 6


def test_memory_is_given_back_and_taken_anew(prepared, monkeypatch):
    size = 1000
    monkeypatch.setattr(programs, "MEMORY", 60_000)
    monkeypatch.setattr(programs, "OPERATION", 0)
    monkeypatch.setattr(programs, "ALWAYS", 2)
    compiled, calls = counted(lambda x: xp.sin(x) + 1.0)
    xs = [np.full(size + n, 0.5) for n in range(6)]
    for _ in range(3):
        for x in xs:
            for _ in range(2):
                np.testing.assert_allclose(compiled(x), np.sin(x) + 1.0)
            held = sum(e.held_bytes() for e in compiled._executables)
            assert 0 < held <= 60_000
    assert (len(calls), len(prepared)) == (6, 6)
    assert sum(bool(e.free) for e in compiled._executables) < 6


def test_programs_go_where_giving_back_is_not_enough(monkeypatch):
    monkeypatch.setattr(programs, "MEMORY", 5 * programs.OPERATION)
    monkeypatch.setattr(programs, "ALWAYS", 2)
    compiled, calls = counted(lambda x: x + 1.0)
    for n in range(1, 10):
        compiled(np.ones(n))
    assert (len(calls), len(compiled._executables)) == (9, 5)
    monkeypatch.setattr(programs, "MEMORY", 0)
    compiled(np.ones(20))
    assert len(compiled._executables) == 2


def test_threads_with_shapes_of_their_own(prepared):
    compiled, calls = counted(lambda x: xp.cumulative_sum(x * x))
    wrong: list[Any] = []
    start = threading.Barrier(4)

    def work(seed: int) -> None:
        start.wait()
        rng = np.random.default_rng(seed)
        for _ in range(60):
            x = rng.standard_normal(int(rng.integers(1, 5)))
            if not np.allclose(compiled(x), np.cumsum(x * x)):
                wrong.append(x)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []
    assert len(compiled._executables) == 4
    before = len(calls)
    for n in range(1, 5):
        compiled(np.ones(n))
    assert len(calls) == before


def test_a_function_that_calls_itself_with_other_shapes():
    def f(x: Any) -> Any:
        return x if x.shape[0] == 1 else xp.concat([x[:1], compiled(x[1:] * 2.0)])

    compiled = pb.compile(f, fast=False)
    for _ in range(3):
        np.testing.assert_array_equal(compiled(np.ones(4)), [1.0, 2.0, 4.0, 8.0])


def test_clear():
    compiled, calls = counted(lambda x: x * 2.0)
    compiled(np.ones(2))
    compiled.clear()
    compiled(np.ones(2))
    assert (len(calls), len(compiled._executables)) == (2, 1)
