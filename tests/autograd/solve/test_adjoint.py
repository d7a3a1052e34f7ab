"""Tests of `autograd/solve/adjoint.py`."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import pullback as pb

from ._mutation import GENERAL, KINDS, TIGHT, B, _agree

BANDS = np.asarray([[0.0, 1.0, 0.5], [4.0, 3.0, 5.0], [1.0, 0.5, 0.0]])


def _solve(assume):
    return lambda A, b: pb.linalg.solve(A, b, assume=assume)


def _factorized(assume):
    return lambda A, b: pb.linalg.factorize(A, assume=assume).solve(b)


SOLVERS = {
    **{f"solve {kind}": (_solve(kind), GENERAL) for kind in KINDS},
    **{f"factorize {kind}": (_factorized(kind), GENERAL) for kind in KINDS},
    "solve refined": (lambda A, b: pb.linalg.solve(A, b, refine=1), GENERAL),
    "solve_triangular": (lambda A, b: pb.linalg.solve_triangular(A, b, lower=True), GENERAL),
    "solve_triangular T": (lambda A, b: pb.linalg.solve_triangular(A, b, trans="T"), GENERAL),
    "solve_banded": (lambda ab, b: pb.linalg.solve_banded((1, 1), ab, b), BANDS),
    "solveh_banded": (lambda ab, b: pb.linalg.solveh_banded(ab, b, lower=True), BANDS[1:]),
    "solve_circulant": (pb.linalg.solve_circulant, GENERAL[0]),
    "lstsq": (pb.linalg.lstsq, GENERAL),
    "ridge": (lambda A, b: pb.linalg.ridge(A, b, 0.1), GENERAL),
    "xp.linalg.solve": (lambda A, b: pb.xp.linalg.solve(A, b), GENERAL),
    **{
        name: (lambda A, b, name=name: getattr(pb.linalg, name)(A, b, **TIGHT)[0], GENERAL)
        for name in ("cg", "minres", "gmres", "bicgstab")
    },
    "cg with M": (lambda A, b: pb.linalg.cg(GENERAL.copy(), b, M=A, **TIGHT)[0], GENERAL),
}


@pytest.mark.parametrize("name", SOLVERS)
def test_a_matrix_changed_before_the_pull(name):
    solve, A = SOLVERS[name]
    want = pb.grad(lambda b: pb.xp.sum(solve(A.copy(), b) ** 2))(B)
    changed = A.copy()
    _, pull = pb.vjp(lambda b: pb.xp.sum(solve(changed, b) ** 2), B)
    changed *= 3.0
    _agree(pull(np.asarray(1.0))[0], want)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_matrix_changed_within_a_tape(name):
    solve, A = SOLVERS[name]
    want = pb.grad(lambda b: pb.xp.sum(solve(A.copy(), b) ** 2))(B)
    changed = A.copy()
    with pb.Tape() as tape:
        b = tape.watch(B)
        loss = pb.xp.sum(solve(changed, b) ** 2)
        changed *= 3.0
        _agree(tape.gradient(loss, [b])[0], want)


class Marker:
    """What the user's function closes over, to see when it is freed."""


SOLUTIONS = {
    "root": lambda p: pb.implicit.root(lambda v: v * v - p, np.ones(2)),
    "root by gmres": lambda p: pb.implicit.root(
        lambda v: v * v - p, np.ones(2), linear_solver="gmres"
    ),
    "fixed point": lambda p: pb.implicit.fixed_point(lambda v: 0.2 * p * pb.xp.cos(v), np.zeros(2)),
    "argmin": lambda p: pb.implicit.argmin(lambda v: pb.xp.sum((v - p) ** 2), np.zeros(2)),
    "cg": lambda p: pb.linalg.cg(lambda v: p * v, np.ones(2))[0],
    "lsmr": lambda p: pb.linalg.lsmr(lambda v: p * v, np.ones(2), np.ones(2))[0],
}


def by_vjp(f, x):
    _, pull = pb.vjp(f, x)
    pull(np.ones(2))
    return pull(np.ones(2))


def by_vjp_alone(f, x):
    return pb.vjp(f, x)[0]


def by_tape(f, x):
    with pb.Tape() as tape:
        p = tape.watch(x)
        y = pb.xp.sum(f(p))
        early = tape.gradient(y, p)
    np.testing.assert_array_equal(tape.gradient(y, p), early)


def by_nested_vjp(f, x):
    return by_vjp(lambda x: pb.vjp(f, x)[1](x)[0], x)


@pytest.mark.parametrize("way", [by_vjp, by_vjp_alone, by_tape, by_nested_vjp])
@pytest.mark.parametrize("name", SOLUTIONS)
@pytest.mark.usefixtures("only_new_objects")
def test_kept_pullbacks_are_freed_without_the_garbage_collector(name, way):
    """The entry of a solution keeps the user's function, which closes over arrays of the very same tape."""
    x = np.asarray([1.0, 2.0])

    def run():
        marker = Marker()

        def f(p):
            def scaled(v):  # kept by the tape, with the marker
                return v * p if marker else v

            return SOLUTIONS[name](pb.linalg.cg(scaled, x)[0])

        way(f, x)
        return weakref.ref(marker)

    run()  # code is generated at the first call
    gc.collect()
    gc.disable()
    try:
        assert run()() is None
        assert gc.collect() == 0
    finally:
        gc.enable()
