"""Programs made at random: NumPy's values, differences' gradients, second order, and the same compiled.

``pytest tests/fuzz --fuzz-programs=3000 --fuzz-seed=7`` runs more, or others. A fault is shown as the smallest program
that still has it.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture
from . import check, spaces
from .check import STAGES, Fault, Tally, fault_of
from .operations import PURE
from .programs import DOUBLE, MIXED, SINGLE, Program, draw_program, operations_of
from .shrink import listing, shrunk
from .writes import WRITES

TOGETHER = 25  # programs to a test
FAST_EVERY = (
    75  # of them one is compiled to kernels, each kind of function in turn: that takes two seconds
)
LEAST = 118  # operations, beside the writes


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "first" in metafunc.fixturenames:
        count = metafunc.config.getoption("--fuzz-programs")
        metafunc.parametrize("first", range(0, count, TOGETHER))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--fuzz-seed")


@pytest.fixture
def fast_kernels(monkeypatch: pytest.MonkeyPatch, kernels: Any) -> bool:
    """Whether there are compiled kernels; they are kept with those of other tests."""
    monkeypatch.setenv("PULLBACK_CACHE", str(kernels))
    return importlib.util.find_spec("numba") is not None


def drawn(seed: int, number: int) -> Program:
    """One program of a run: three of four in double precision, four of five with writes in place."""
    dtypes = SINGLE if number % 8 == 5 else MIXED if number % 8 == 1 else DOUBLE
    return draw_program((seed, number), views=number % 5 != 4, dtypes=dtypes)


def report(program: Program, fault: Fault, *, fast: bool) -> str:
    """The fault of the smallest program, and that program."""

    def fails(smaller: Program) -> bool:
        return fault.is_like(fault_of(smaller, (fault.stage,), fast=fast))

    program = shrunk(program, fails)
    found = fault_of(program, (fault.stage,), fast=fast) or fault
    return f"seed {program.seed}: {found}\n\n{listing(program)}"


def test_programs(seed, first, fast_kernels, request):
    tally, count = Tally(), request.config.getoption("--fuzz-programs")
    for number in range(first, min(first + TOGETHER, count)):
        program = drawn(seed, number)
        fast = fast_kernels and number % FAST_EVERY == 7
        fault = fault_of(program, STAGES, tally, fast=fast)
        if fault is not None:
            pytest.fail(report(program, fault, fast=fast), pytrace=False)
    # where differences say nothing, or compile refuses a shape that depends on values, little is left out
    assert tally.left_out <= 0.1 * tally.made
    assert tally.refused <= 0.3 * tally.compiled


def test_every_operation_is_drawn(seed, request):
    """Some hundred programs have all of them, and enough there are."""
    used: Counter[str] = Counter()
    count = max(request.config.getoption("--fuzz-programs"), 300)
    for number in range(min(count, 600)):
        used.update(operations_of(drawn(seed, number)))
    assert len({operation.name for operation in PURE}) == len(PURE) >= LEAST
    assert {op.name for op in (*PURE, *WRITES)} <= set(used)


# ── the fuzzer itself ─────────────────────────────────────────────────────────────────────────

xp, still = pb.xp, pb.stop_gradient


def _right_to_first_order(x: Any) -> Any:
    return xp.sin(still(x)) + xp.cos(still(x)) * (x - still(x))


def _from_call_to_call() -> Callable[[Any], Any]:
    calls = itertools.count(1)
    return lambda x: xp.sin(x) * next(calls)


def _copied(x: Any) -> Any:
    return xp.asarray(xp.ravel(x), copy=True)


# stage, the function of `xp` that is wrong, what it is instead, an operation that uses it
PLANTED: dict[str, tuple[str, str, Callable[[Any], Any], str]] = {
    "a value": ("values", "sin", lambda x: xp.sin(x) * (1 + 1e-7), "sin"),
    "a dtype": ("values", "sin", lambda x: xp.astype(xp.sin(x), xp.float32), "sin"),
    "a write that is lost": ("values", "ravel", _copied, "through ravel"),
    "no derivative": ("gradient", "sin", lambda x: still(xp.sin(x)), "sin"),
    "a derivative, a little": (
        "gradient",
        "sin",
        lambda x: xp.sin(x) + 1e-4 * (x - still(x)),
        "sin",
    ),
    "no second derivative": ("second", "sin", _right_to_first_order, "sin"),
    "a state": ("compiled", "sin", _from_call_to_call(), "sin"),
}


@pytest.mark.parametrize(("stage", "name", "wrong", "operation"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found_and_reduced(monkeypatch, stage, name, wrong, operation):
    writes = operation != name
    programs = (draw_program((0, number), views=writes) for number in itertools.count())
    program = next(p for p in programs if operation in operations_of(p) and len(p.steps) > 4)
    monkeypatch.setattr(spaces.PULLBACK, name, wrong, raising=False)
    found = fault_of(program, (stage,))
    assert found is not None
    assert found.stage == stage
    text = report(program, found, fast=False)
    body = text.partition("def f(")[2].partition("return")[0]
    assert f"xp.{name}(" in body
    assert body.count("\n") <= 3  # and what brings its operand into its domain
    monkeypatch.undo()
    exec(compile(text.partition("\n\n")[2], "<listing>", "exec"), {})  # what is shown runs


def test_a_wrong_jvp_is_found(monkeypatch):
    true = pb.jvp
    monkeypatch.setattr(
        check.pb, "jvp", lambda *args: (true(*args)[0], true(*args)[1] * (1 + 1e-6))
    )
    assert fault_of(draw_program((0, 0), views=False)).stage == "jvp"


def test_a_seed_says_all():
    assert draw_program((3, 4)).source() == draw_program((3, 4)).source()
    assert len({draw_program((3, n)).source() for n in range(20)}) == 20
