"""Tests of `autograd/compile/loops/host_step.py`: solvers inside `pb.compile`, against the same without it."""

from __future__ import annotations

from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse

import pullback as pb
from pullback.autograd.compile.loops.host_step import HostStep
from pullback.autograd.compile.tracing.trace_builder import TraceError
from pullback.autograd.core.array import Array, backend_array
from pullback.autograd.core.tracer_like import Callee, host_step
from pullback.backend import use

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._solvers import IMPLICIT, KRYLOV, OTHER, SCIPY, SPARSE, SPARSE2, SPD, B, Case, P, Q

xp = pb.xp
linalg = pb.linalg


def leaves(out):
    return [np.asarray(pb.to_numpy(x)) for x in pb.tree.leaves(out)]


def assert_same(f, *calls, rtol=1e-7, fast=False):
    """A compiled function gives what it gives uncompiled, in the call that records it and in those that replay it."""
    compiled = pb.compile(f, fast=fast)
    for given in calls:
        args = tuple(given)
        for ours, theirs in zip(leaves(compiled(*args)), leaves(f(*args)), strict=True):
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
            np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-9)


def squares(tree):
    return sum(xp.sum(g * g) for g in pb.tree.leaves(tree))


@pytest.mark.parametrize("case", [*KRYLOV, *IMPLICIT, *SCIPY], ids=repr)
def test_as_uncompiled(case: Case):
    """Values and gradients of all arguments, then second derivatives, with other values and numbers of steps."""
    both = pb.value_and_grad(case.f, argnums=(0, 1))
    assert_same(both, case.args, case.others, case.args)
    second = pb.grad(lambda *args: squares(pb.grad(case.f)(*args)), argnums=1)
    assert_same(second, case.args, case.others, rtol=1e-5)


@pytest.mark.parametrize("case", [c for c in (*KRYLOV, *IMPLICIT) if not c.host], ids=repr)
def test_on_a_device(case: Case, on_device):
    both = pb.value_and_grad(case.f, argnums=1)
    assert_same(both, *(map(on_device, given) for given in (case.args, case.others)), rtol=1e-6)


@pytest.fixture
def on_device():
    """What makes arrays of the stand-in for CuPy of NumPy's."""
    from .... import standin

    def moved(x):
        if not pb.sparse.is_sparse(x):
            return pb.asarray(x)
        parts = (x.data, x.pattern.indices, x.pattern.indptr)
        return pb.sparse.csr_array(tuple(map(pb.asarray, parts)), shape=x.shape)

    undo = standin.activate("cupy")
    with use("cupy"):
        yield moved
    undo()


CHOSEN = [
    c for c in (*KRYLOV, *IMPLICIT) if repr(c) in ("cg-function", "gmres-sparse", "argmin-newton")
]


@pytest.mark.parametrize("case", CHOSEN, ids=repr)
def test_along_tangents_by_rows_and_with_kernels(case: Case, fast: bool):
    along = lambda A, b: pb.jvp(lambda b: case.f(A, b), (b,), (b + 1.0,))
    rows = lambda A, b: pb.vmap(lambda b: case.f(A, b))(xp.stack([b, 2.0 * b]))
    assert_same(along, case.args, case.others, rtol=1e-6)
    assert_same(rows, case.args, case.others)
    assert_same(pb.value_and_grad(case.f, argnums=1), case.args, case.others, fast=fast)


def test_within_a_scan():
    """A solver in the step of a recorded loop, with the loop's carry in its operator."""

    def step(v, d):
        x, _ = linalg.cg(lambda u: SPD @ u + d * v[0] ** 2 * u, v + 1.0, rtol=1e-11)
        return x, xp.sum(x)

    loss = lambda v, ds: xp.sum(pb.scan(step, v, ds)[1] ** 2)
    ds = np.asarray([0.5, 1.0, 2.0])
    assert_same(pb.value_and_grad(loss, argnums=(0, 1)), (B, ds), (2.0 * B, 3.0 * ds))


def test_functions_are_recorded_once_and_called_at_each_step():
    calls = []

    def solve(A, b):
        def matvec(v):
            calls.append(1)
            return A @ v

        return linalg.cg(matvec, b, rtol=1e-11)

    compiled = pb.compile(solve, fast=False)
    compiled(SPD, B)
    recorded = len(calls)
    (_, info), (_, other) = compiled(SPD, B), compiled(OTHER, B)
    assert len(calls) == recorded <= 3  # the residual at the start, and the operator by itself
    assert info.steps > other.steps == 2
    assert (info.converged, info) == (True, 0) == (other.converged, other)


def test_callbacks_see_each_step_of_each_call():
    seen = []
    compiled = pb.compile(lambda A, b: linalg.cg(A, b, callback=seen.append)[0], fast=False)
    for A in (SPD, OTHER):
        seen.clear()
        x = compiled(A, B)
        assert len(seen) == linalg.cg(A, B)[1].steps
        assert len({id(y) for y in seen}) == len(seen)
        np.testing.assert_allclose(seen[-1], pb.to_numpy(x), rtol=1e-12)


def test_numbers_of_a_report():
    def f(A, b):
        x, info = linalg.cg(A, b, maxiter=2, check=False)
        return xp.where(info.converged, x, 0.0), info, info.steps, info == 0

    compiled = pb.compile(f, fast=False)
    for A in (SPD, OTHER, SPD):
        x, info, steps, good = compiled(A, B)
        wanted = linalg.cg(A, B, maxiter=2, check=False)
        assert (steps, good) == (wanted[1].steps, wanted[1].converged) == (info.steps, info == 0)
        assert repr(info) == repr(wanted[1])
        np.testing.assert_array_equal(x, wanted[0] if good else np.zeros_like(B))


@pytest.mark.parametrize("read", [bool, int, lambda info: info.why, lambda info: [0, 1][info]])
def test_reports_are_not_read_while_recording(read):
    def f(A, b):
        x, info = linalg.cg(A, b)
        read(info)
        return x

    with pytest.raises(
        TraceError, match=r"Return the report and read it outside, or use its numbers"
    ):
        pb.compile(f)(SPD, B)
    with pytest.raises(AttributeError, match="Info has no attribute 'stepps'"):
        pb.compile(lambda A, b: linalg.cg(A, b)[1].stepps)(SPD, B)


SINGULAR = np.zeros((5, 5))
ERRORS = {
    "used up": (lambda A, b: linalg.cg(A, b, maxiter=2, rtol=1e-12)[0], (OTHER, B), (SPD, B)),
    "NaN": (lambda A, b: linalg.gmres(A, b)[0], (SPD, B), (SPD * np.nan, B)),
    "breakdown": (lambda A, b: linalg.minres(A, b)[0], (SPD, B), (SINGULAR, B)),
    "adjoint": (
        pb.grad(lambda A, b: xp.sum(linalg.cg(A, b, adjoint_maxiter=2, adjoint_rtol=1e-12)[0])),
        (OTHER, B), (SPD, B),
    ),
    "rank": (lambda A, b: linalg.lstsq(A, b), (SPD, B), (SINGULAR + 1.0, B)),
    "singular": (lambda A, b: linalg.spsolve(A, b), (SPARSE, B), (SPARSE._with(0.0 * SPARSE.data), B)),
    "no root": (lambda p, q: pb.implicit.root(lambda v: v * v + p, q), (-P, Q), (P, Q)),
    "no minimum": (
        lambda p, q: pb.implicit.argmin(lambda v: xp.sum(p * v**2), q, maxiter=20), (P, Q), (-P, Q),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors_of_a_replay_are_those_of_the_function(name):
    f, good, bad = ERRORS[name]
    compiled = pb.compile(f, fast=False)
    before = leaves(compiled(*good))
    with pytest.raises(np.linalg.LinAlgError) as wanted:
        f(*bad)
    with pytest.raises(type(wanted.value)) as got:
        compiled(*bad)
    assert str(got.value) == str(wanted.value)
    for x, y in zip(leaves(compiled(*good)), before, strict=True):
        np.testing.assert_array_equal(x, y)  # nothing is left of the error


def test_another_pattern_is_another_program():
    f = pb.value_and_grad(lambda A, b: xp.sum(linalg.cg(A, b, rtol=1e-11)[0] ** 2))
    diagonal = pb.sparse.csr_array(scipy.sparse.csr_array(OTHER))
    compiled = pb.compile(f, fast=False)
    for A in (SPARSE, diagonal, SPARSE2):
        for x, y in zip(leaves(compiled(A, B)), leaves(f(A, B)), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-7)
    assert len(compiled._executables) == 2


def test_results_are_memory_of_their_own():
    """Whether the start is the solution, and comes back, depends on values."""
    solve = pb.compile(lambda b, x0: linalg.cg(lambda v: v, b, x0)[0], fast=False)
    solve(B, 0.0 * B)
    x0 = B.copy()
    x = solve(B, x0)
    assert not np.shares_memory(pb.to_numpy(x), x0)
    again = solve(2.0 * B, x0)
    np.testing.assert_allclose(x, B)
    np.testing.assert_allclose(again, 2.0 * B)


@pytest.mark.parametrize("library", ["numpy", "cupy"])
def test_a_result_that_is_an_operand_or_a_view_of_one_is_copied(library, request):
    Pair = namedtuple("Pair", "a b")
    x = np.arange(4.0)
    if library == "cupy":
        x = backend_array(request.getfixturevalue("on_device")(x))
    step = HostStep(lambda _, xs: Pair(xs[0], [xs[0][1:], xs[0] + 1.0, "told"]), ())
    found = step([x], ())
    assert type(found) is Pair
    x[...] = 9.0
    for part, wanted in zip(
        (found.a, *found.b[:2]), ([0, 1, 2, 3], [1, 2, 3], [1, 2, 3, 4]), strict=True
    ):
        np.testing.assert_array_equal(pb.to_numpy(part), wanted)
    assert found.b[2] == "told"


def test_a_number_of_the_library_is_an_array_in_a_program():
    found = HostStep(lambda _, xs: xs[0][1], ())([np.arange(4.0)], ())
    assert (type(found), found.shape) == (np.ndarray, ())


def test_a_function_that_differs_from_row_to_row_says_so():
    """Its rows are constants of the program, so that only the limits are recorded."""
    from pullback.scipy.integrate import quad

    def f(b):
        return xp.sum(pb.vmap(lambda r: quad(lambda x: xp.exp(-x * r), 0.0, b[0])[0])(P))

    with pytest.raises(TypeError, match=r"^quad of a function of an array .* differs from row to"):
        pb.compile(f, fast=False)(B)


def test_two_threads():
    f = pb.value_and_grad(lambda A, b: xp.sum(linalg.cg(lambda v: A @ v, b, rtol=1e-11)[0] ** 2))
    compiled = pb.compile(f, fast=False)
    compiled(SPD, B)
    given = [(SPD + k * np.eye(5), B + k) for k in range(8)]
    with ThreadPoolExecutor(2) as pool:
        for got, args in zip(pool.map(lambda args: compiled(*args), given), given, strict=True):
            for x, y in zip(leaves(got), leaves(f(*args)), strict=True):
                np.testing.assert_allclose(x, y, rtol=1e-7)


def test_functions_tell_steps_of_the_same_operands_apart():
    """A function is no operand, so that but for their names such steps would be common subexpressions."""

    def f(A, b):
        factors = linalg.ilu(A)
        return factors(b), factors.H(b)

    A = 2.0 * np.eye(5) + np.triu(np.full((5, 5), 0.5), 1)
    compiled = pb.compile(f, fast=False)
    for _ in range(2):
        found = compiled(A, B)
        for ours, theirs in zip(found, f(A, B), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert not np.allclose(*found)


def test_a_function_that_keeps_what_it_writes_is_refused():
    kept = []

    def f(A, b):
        y = b * 1.0

        def matvec(v):
            y[0] = 2.0
            return A @ v + 0.0 * y

        kept.append(y)
        return linalg.cg(matvec, b)[0]

    with pytest.raises(
        TraceError,
        match=r"^cg: a function that it calls writes in place to an array of shape \(5,\) that it clo",
    ):
        pb.compile(f, fast=False)(SPD, B)


def test_operands_are_not_written_to():
    """Neither the start of an iteration nor the right-hand side is used as memory."""
    solve = pb.compile(lambda A, b, x0: linalg.cg(A, b * 1.0, x0 * 1.0)[0] + b + x0, fast=False)
    A, b, x0 = SPD.copy(), B.copy(), np.ones(5)
    for _ in range(3):
        np.testing.assert_allclose(solve(A, b, x0), np.linalg.solve(SPD, B) + B + 1.0, rtol=1e-4)
        for ours, theirs in ((A, SPD), (b, B), (x0, np.ones(5))):
            np.testing.assert_array_equal(ours, theirs)


def test_a_function_that_hangs_on_the_order_in_memory():
    """What `reshape` makes is a view of an array in rows, and a copy of one in columns: the write goes elsewhere.

    Solvers try their functions outside of the step too, which would show the same; this one does not.
    """

    def f(x):
        x = backend_array(x)

        def function(v):
            w = xp.asarray(Array(v) * 1.0)
            xp.reshape(w, (-1,))[0] = 5.0
            return backend_array(w)

        return Array(
            host_step("applied", lambda fs, xs: fs[0](xs[0]), [Callee(function, (x,))], (x,))
        )

    in_rows = np.ones((2, 3))
    in_columns = np.asfortranarray(in_rows)
    compiled = pb.compile(f, fast=False)
    for x, first in ((in_rows, 5.0), (in_columns, 1.0), (in_rows, 5.0), (in_columns, 1.0)):
        found = pb.to_numpy(compiled(x))
        np.testing.assert_array_equal(found, f(x))
        assert found[0, 0] == first
    assert [executable.by_layout for executable in compiled._executables] == [True]


def test_what_no_program_can_hold_says_so():
    from pullback.scipy.integrate import solve_ivp

    with pytest.raises(TypeError, match="give the times in t_eval"):
        pb.compile(lambda y: solve_ivp(lambda t, y: -y, (0.0, 1.0), y).y)(np.ones(2))

    kept = np.zeros(5)

    def writes(A, b):
        def matvec(v):
            kept[0] = 1.0
            mine = A[0]
            return A @ v + 0.0 * mine

        return linalg.cg(matvec, b)[0]

    np.testing.assert_allclose(pb.compile(writes, fast=False)(SPD, B), writes(SPD, B), rtol=1e-6)
