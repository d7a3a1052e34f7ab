"""`pb.linalg`'s dense and structured solvers: values, derivatives, shapes and dtypes, by table."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import pullback as pb
from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp, la = pb.xp, pb.linalg


def adjoint(M: Any) -> Any:
    M = xp.matrix_transpose(M)
    return xp.conj(M) if xp.isdtype(M.dtype, "complex floating") else M


def shifted(M: Any, by: float = 4.0) -> Any:
    n = M.shape[-1]
    like = pb.autograd.core.array.backend_array(M)
    return M + pb.backend.backend_of(like).asarray(by * np.eye(n), dtype=_name(M))


def _name(M: Any) -> str:
    return np.dtype(M.dtype).name


@dataclass(frozen=True)
class Kind:
    """A structure: how such a matrix is made of any, and how `solve` is told of it."""

    name: str
    make: Callable[[Any], Any]
    settings: dict[str, Any]


def kind(name: str, make: Callable[[Any], Any], **settings: Any) -> Kind:
    return Kind(name, make, settings)


def _circulant(M: Any) -> Any:
    c = shifted(M)[..., 0]
    return xp.stack([xp.roll(c, k, axis=-1) for k in range(M.shape[-1])], axis=-1)


def _band(M: Any, low: int, up: int) -> Any:
    return xp.tril(xp.triu(shifted(M), k=-low), k=up)


KINDS = [
    kind("general", shifted),
    kind("symmetric", lambda M: shifted(M + xp.matrix_transpose(M))),
    kind("hermitian", lambda M: shifted(M + adjoint(M))),
    kind("positive", lambda M: shifted(M @ adjoint(M))),
    kind("lower", lambda M: xp.tril(shifted(M))),
    kind("upper", lambda M: xp.triu(shifted(M))),
    kind("unit lower", lambda M: shifted(xp.tril(0.3 * M, k=-1), 1.0)),
    kind("unit upper", lambda M: shifted(xp.triu(0.3 * M, k=1), 1.0)),
    kind("diagonal", lambda M: _band(M, 0, 0)),
    kind("tridiagonal", lambda M: _band(M, 1, 1)),
    kind("banded", lambda M: _band(M, 2, 1), bandwidths=(2, 1)),
    kind("circulant", _circulant),
]
by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)

# What A's and b's shapes are: vectors, many right-hand sides, batches on either side, empty.
SHAPES = [
    ((4, 4), (4,)),
    ((4, 4), (4, 2)),
    ((2, 4, 4), (4,)),
    ((2, 4, 4), (4, 1)),
    ((4, 4), (3, 4, 2)),
    ((2, 4, 4), (3, 1, 4, 2)),
    ((4, 4), (4, 0)),
    ((0, 4, 4), (4, 1)),
    ((1, 1), (1,)),
    ((40, 40), (40,)),
    ((2, 40, 40), (40, 2)),
]
MIXES = [("real", "real"), ("real", "complex"), ("complex", "real"), ("complex", "complex")]


def draw(shape: tuple[int, ...], number: str = "real", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    out = rng.uniform(-1, 1, shape)
    return out + 1j * rng.uniform(-1, 1, shape) if number == "complex" else out


def host(x: Any, lib: Any = None) -> np.ndarray:
    x = pb.autograd.core.array.backend_array(x)
    return np.asarray(x) if lib is None else lib.to_numpy(x)


def solve(kind: Kind, M: Any, b: Any, **more: Any) -> Any:
    return la.solve(kind.make(xp.asarray(M)), b, assume=kind.name, **kind.settings, **more)


# ── values ────────────────────────────────────────────────────────────────────────────────────


@by_kind
@pytest.mark.parametrize("numbers", MIXES, ids="-".join)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_values_are_numpys(kind, numbers, shapes):
    M, b = draw(shapes[0], numbers[0]), draw(shapes[1], numbers[1], 1)
    v = solve(kind, M, b)
    wanted = np.linalg.solve(host(kind.make(xp.asarray(M))), b)
    assert v.shape == wanted.shape
    assert v.dtype == wanted.dtype
    np.testing.assert_allclose(host(v), wanted, atol=1e-11)


@by_kind
@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("shapes", SHAPES[:7], ids=str)
def test_values_on_every_library(kind, number, shapes, lib):
    M, b = draw(shapes[0], number), draw(shapes[1], number, 1)
    v = solve(kind, lib.asarray(M), lib.asarray(b))
    assert lib.is_raw(pb.autograd.core.array.backend_array(v))
    np.testing.assert_allclose(host(v, lib), host(solve(kind, M, b)), atol=1e-11)


@pytest.mark.parametrize("kind", KINDS[:8], ids=lambda k: k.name)
def test_what_lies_outside_of_the_structure_is_not_read(kind):
    M, b = draw((4, 4)), draw((4, 2))
    A = host(kind.make(xp.asarray(M)))
    spoiled = A.copy()
    if kind.name != "general":
        upper = kind.name.endswith("upper")
        spoiled[np.tril_indices(4, -1) if upper else np.triu_indices(4, 1)] = np.nan
    if kind.name.startswith("unit"):
        spoiled[range(4), range(4)] = np.nan
    v = la.solve(spoiled, b, assume=kind.name)
    np.testing.assert_allclose(host(v), np.linalg.solve(A, b), atol=1e-12)


@pytest.mark.parametrize("order", ["C", "F", "strided"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_layouts(kind, order):
    A = host(kind.make(xp.asarray(draw((4, 4), "complex"))))
    strided = np.repeat(np.repeat(A, 2, 0), 2, 1)[::2, ::2]
    laid = {"C": A, "F": np.asfortranarray(A), "strided": strided}[order]
    laid.flags.writeable = False
    b = draw((4, 2), "complex")
    settings = {"assume": kind.name, **kind.settings}
    np.testing.assert_allclose(host(la.solve(laid, b, **settings)), np.linalg.solve(A, b))


def test_names_of_scipy_and_unknown_ones():
    A, b = host(KINDS[3].make(xp.asarray(draw((3, 3))))), draw((3,))
    for name in ("gen", "sym", "her", "pos", "positive definite"):
        np.testing.assert_allclose(host(la.solve(A, b, assume=name)), np.linalg.solve(A, b))
    with pytest.raises(ValueError, match="none of general, symmetric"):
        la.solve(A, b, assume="toeplitz")
    with pytest.raises(ValueError, match="none of general"):
        la.factorize(A, assume="toeplitz")


def test_bandwidths_are_found():
    A = host(_band(xp.asarray(draw((6, 6))), 2, 1))
    b = draw((6,))
    np.testing.assert_allclose(host(la.solve(A, b, assume="banded")), np.linalg.solve(A, b))
    zero = la.solve(np.eye(3) * 2, np.ones(3), assume="banded")
    np.testing.assert_allclose(host(zero), 0.5)


@pytest.mark.parametrize(
    ("A", "b", "says"),
    [
        ((3, 2), (3,), "square"),
        ((3,), (3,), "square"),
        ((3, 3), (2,), r"has to be\s+\(3,\)"),
        ((3, 3), (3, 2, 1), "does not fit"),
        ((3, 3), (), "does not fit"),
    ],
)
def test_shapes_that_do_not_fit(A, b, says):
    with pytest.raises(ValueError, match=says):
        la.solve(np.ones(A), np.ones(b))
    with pytest.raises(ValueError, match=r"square|does not fit|has to be"):
        la.factorize(np.ones(A), check=False).solve(np.ones(b))


# ── derivatives ───────────────────────────────────────────────────────────────────────────────


@by_kind
@pytest.mark.parametrize("numbers", MIXES, ids="-".join)
@pytest.mark.parametrize("shapes", SHAPES[:8], ids=str)
def test_first_and_second_derivatives(kind, numbers, shapes):
    M, b = draw(shapes[0], numbers[0]), draw(shapes[1], numbers[1], 1)
    order = 2 if len(shapes[1]) < 3 else 1
    pb.check_grads(functools.partial(solve, kind), (M, b), order=order, rtol=1e-5)


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[3], KINDS[9], KINDS[11]], ids=lambda k: k.name)
def test_third_derivatives(kind):
    pb.check_grads(
        functools.partial(solve, kind), (draw((3, 3)), draw((3,))), order=3, rtol=1e-4, atol=1e-4
    )


@by_kind
@pytest.mark.parametrize("number", ["real", "complex"])
def test_gradients_on_every_library(kind, number, lib):
    M, b = draw((2, 3, 3), number), draw((3, 2), number, 1)

    def loss(M: Any, b: Any) -> Any:
        v = solve(kind, M, b)
        return xp.sum(xp.abs(v) ** 2)

    wanted = pb.grad(loss, argnums=(0, 1))(M, b)
    found = pb.grad(loss, argnums=(0, 1))(lib.asarray(M), lib.asarray(b))
    for mine, theirs in zip(found, wanted, strict=True):
        assert lib.is_raw(mine)
        np.testing.assert_allclose(lib.to_numpy(mine), theirs, atol=1e-11)


@by_kind
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_stays(kind, dtype, lib):
    number = "complex" if dtype == "complex64" else "real"
    M, b = lib.asarray(draw((4, 4), number), dtype), lib.asarray(draw((4,), number, 1), dtype)

    def loss(M: Any, b: Any) -> Any:
        return xp.sum(xp.abs(solve(kind, M, b)) ** 2)

    assert _name(solve(kind, M, b)) == dtype
    grads = pb.grad(loss, argnums=(0, 1))(M, b)
    double = pb.grad(loss, argnums=(0, 1))(
        *(lib.to_numpy(x).astype("complex128" if number == "complex" else "float64") for x in (M, b))
    )  # fmt: skip
    for g, d in zip(grads, double, strict=True):
        assert lib.to_numpy(g).dtype == dtype
        np.testing.assert_allclose(lib.to_numpy(g), d, rtol=2e-4, atol=2e-4)


def test_mixed_precisions():
    A, b = draw((3, 3)).astype("float32"), draw((3,))
    v = la.solve(A, b)
    assert v.dtype == np.float64
    grads = pb.grad(lambda A, b: xp.sum(la.solve(A, b)), argnums=(0, 1))(A, b)
    assert [g.dtype.name for g in grads] == ["float32", "float64"]
    assert la.solve(np.asarray([[2, 0], [0, 4]]), [1, 1]).dtype == np.float64


def test_the_gradient_is_within_the_structure():
    """Of what is not read nothing comes back; of a symmetric matrix a symmetric gradient."""
    M, b = draw((4, 4)), draw((4,))
    for kind in KINDS:
        A = host(kind.make(xp.asarray(M)))
        g = pb.grad(lambda A, kind=kind: xp.sum(la.solve(A, b, assume=kind.name, **kind.settings)))(A)  # fmt: skip
        if kind.name in ("symmetric", "hermitian", "positive"):
            np.testing.assert_allclose(g, g.T, atol=1e-15)
        elif kind.name not in ("general", "circulant"):
            there = A != 0
            if kind.name.startswith("unit"):
                there = there & ~np.eye(4, dtype=bool)
            assert np.all(g[~there] == 0)
            assert np.all(g[there] != 0)


def test_one_factorisation_for_all_orders(monkeypatch):
    from pullback.backend.numpy import lapack as _lapack

    calls = []
    getrf = _lapack.getrf
    monkeypatch.setattr(_lapack, "getrf", lambda a: calls.append(a.shape) or getrf(a))
    A, b = shifted(xp.asarray(draw((5, 5)))), draw((5,))
    A = host(A)

    def penalty(solver: Any) -> Any:
        inner = pb.grad(lambda A: xp.sum(solver(A, b) ** 2))
        return pb.grad(lambda A: xp.sum(inner(A) ** 2))(A)

    for solver in (la.solve, xp.linalg.solve, lambda A, b: la.factorize(A).solve(b)):
        calls.clear()
        penalty(solver)
        assert calls == [(5, 5)]
    calls.clear()
    pb.grad(lambda A: xp.linalg.slogdet(A)[1] * xp.linalg.slogdet(A)[1])(A)
    assert len(calls) == 2


# ── SciPy's solvers ───────────────────────────────────────────────────────────────────────────


def _diagonals(rows: int, number: str, main: int) -> np.ndarray:
    ab = draw((rows, 5), number)
    ab[main] = 4 + (ab[main].real if rows == 3 else ab[main])
    return ab


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("widths", [(0, 0), (1, 1), (2, 1), (0, 2), (4, 4)])
def test_solve_banded(number, widths, lib):
    ab, b = _diagonals(sum(widths) + 1, number, widths[1]), draw((5, 2), number, 1)
    wanted = scipy.linalg.solve_banded(widths, ab, b)
    f = functools.partial(la.solve_banded, widths)
    np.testing.assert_allclose(host(f(lib.asarray(ab), lib.asarray(b)), lib), wanted, atol=1e-12)
    pb.check_grads(f, (ab, b), order=2)
    pb.check_grads(f, (np.stack([ab, 1.5 * ab]), b[:, 0]), order=1)


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("lower", [False, True])
def test_solveh_banded(number, lower, lib):
    ab, b = _diagonals(3, number, 0 if lower else 2), draw((5, 2), number, 1)
    f = functools.partial(la.solveh_banded, lower=lower)
    wanted = scipy.linalg.solveh_banded(ab, b, lower=lower)
    np.testing.assert_allclose(host(f(lib.asarray(ab), lib.asarray(b)), lib), wanted, atol=1e-12)
    pb.check_grads(f, (ab, b), order=2)


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("n", [1, 4, 5])
def test_solve_circulant(number, n, lib):
    c, b = draw((n,), number), draw((n, 2), number, 1)
    c[0] += 4
    wanted = scipy.linalg.solve_circulant(c, b)
    found = la.solve_circulant(lib.asarray(c), lib.asarray(b))
    np.testing.assert_allclose(host(found, lib), wanted, atol=1e-12)
    pb.check_grads(la.solve_circulant, (c, b), order=3)


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_solve_triangular(number, trans, lower, unit, lib):
    a, b = draw((4, 4), number) + 2 * np.eye(4), draw((4,), number, 1)
    settings = {"trans": trans, "lower": lower, "unit_diagonal": unit}
    wanted = scipy.linalg.solve_triangular(a, b, **settings)
    found = la.solve_triangular(lib.asarray(a), lib.asarray(b), **settings)
    np.testing.assert_allclose(host(found, lib), wanted, atol=1e-12)
    pb.check_grads(functools.partial(la.solve_triangular, **settings), (a, b), order=2)


def test_solvers_refuse_what_they_cannot_read():
    with pytest.raises(ValueError, match=r"\(…, 3, n\)"):
        la.solve_banded((1, 1), np.ones((2, 4)), np.ones(4))
    with pytest.raises(ValueError, match="trans=3"):
        la.solve_triangular(np.eye(2), np.ones(2), trans=3)
    with pytest.raises(ValueError, match="refine"):
        la.solve(np.eye(2), np.ones(2), assume="diagonal", refine=1)


# ── the standard's functions ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("shapes", SHAPES[:8], ids=str)
def test_the_standard_s_solve(number, shapes):
    A, b = draw(shapes[0], number), draw(shapes[1], number, 1)
    A = A + 4 * np.eye(A.shape[-1])
    pb.check_grads(xp.linalg.solve, (A, b), order=2 if len(shapes[1]) < 3 else 1)
    np.testing.assert_array_equal(host(xp.linalg.solve(A, b)), np.linalg.solve(A, b))


def test_the_primitive_s_own_rules_agree():
    """`find("linalg.solve")` is what runs without a derivative; its rules say what the factor's do."""
    A, b = draw((3, 3)) + 4 * np.eye(3), draw((3,))
    f = lambda solve: pb.grad(lambda A, b: xp.sum(solve(A, b) ** 2), argnums=(0, 1))(A, b)
    for mine, theirs in zip(f(function_of(find("linalg.solve"))), f(xp.linalg.solve), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    g = lambda slogdet: pb.grad(lambda A: slogdet(A)[1])(A)
    np.testing.assert_allclose(g(function_of(find("linalg.slogdet"))), g(xp.linalg.slogdet))


def test_slogdet_of_singular_matrices(lib):
    ones = lib.asarray(np.ones((2, 3, 3)))
    for A in (ones, ones[0, ...]):
        sign, size = pb.vjp(lambda x: tuple(xp.linalg.slogdet(x)), A)[0]
        assert np.all(lib.to_numpy(sign) == 0)
        assert np.all(lib.to_numpy(size) == -np.inf)


@pytest.mark.parametrize("n", [5, 130, 300])
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("number", ["real", "complex"])
def test_cholesky_in_blocks(n, upper, number):
    """Large real matrices are pulled back in blocks: against the formula with triangular solves."""
    X = draw((n, n), number)
    A = X @ X.conj().T + n * np.eye(n)
    c = draw((n, n), number, 1)
    f = functools.partial(xp.linalg.cholesky, upper=upper)
    np.testing.assert_allclose(
        host(f(A)), np.linalg.cholesky(A, upper=upper), atol=1e-10 * np.sqrt(n)
    )
    _, pull = pb.vjp(f, A)
    L = np.linalg.cholesky(A)
    L_bar = (c.T if upper else c.conj()) if number == "complex" else (c.T if upper else c)
    M = L.T @ L_bar
    left = np.linalg.solve(L.T, 0.5 * (np.tril(M) + np.tril(M, -1)))
    wanted = np.linalg.solve(L.conj().T, left.T).T
    wanted = np.conj(0.5 * (wanted + wanted.conj().T))
    np.testing.assert_allclose(pull(c)[0], wanted, atol=1e-12)
