"""The ends of what a system may be: of order 0, without right-hand sides or matrices, of zeros, of other precisions."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

xp, la = pb.xp, pb.linalg
SHAPES = [
    ((0, 0), (0,)), ((0, 0), (0, 2)), ((2, 2), (2, 0)), ((0, 2, 2), (0, 2, 1)), ((3, 0, 0), (3, 0, 2)),
    ((2, 2), (0, 2, 3)),
]  # fmt: skip
KINDS = [
    "general", "symmetric", "hermitian", "positive", "lower", "upper", "unit lower", "diagonal", "tridiagonal",
    "banded", "circulant",
]  # fmt: skip


def matrices(shape):
    return np.zeros(shape) if 0 in shape else np.eye(shape[-1])


def both_gradients(f, A, b):
    """Of the shapes of A and b, and nothing but zeros or nothing at all."""
    for g, x in zip(
        pb.grad(lambda A, b: xp.sum(f(A, b)), argnums=(0, 1))(A, b), (A, b), strict=True
    ):
        assert g.shape == x.shape
        assert not pb.to_numpy(g).any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("A", "b"), SHAPES)
def test_empty_dense_systems(A, b, kind, lib):
    A, b = lib.asarray(matrices(A)), lib.asarray(np.zeros(b))
    f = lambda A, b: la.solve(A, b, assume=kind)
    assert f(A, b).shape == b.shape
    made = la.factorize(A, assume=kind)
    assert made.solve(b).shape == b.shape
    if lib.name == "numpy":
        both_gradients(f, A, b)
        assert made.slogdet()[1].shape == A.shape[:-2]
        assert np.all(pb.to_numpy(made.logdet()) == 0)


@pytest.mark.parametrize("rows", [(0,), (0, 2)])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("width", [0, 1, 2])
def test_empty_bands_and_circulants(width, lower, rows, lib):
    b = lib.asarray(np.zeros(rows))
    calls = [
        (lambda ab, b: la.solveh_banded(ab, b, lower=lower), (width + 1, 0)),
        (lambda ab, b: la.solve_banded((width, 1), ab, b), (width + 2, 0)),
        (la.solve_circulant, (0,)),
        (lambda A, b: la.solve_triangular(A, b, lower=lower), (0, 0)),
    ]
    for f, shape in calls:
        A = lib.asarray(np.zeros(shape))
        assert f(A, b).shape == rows
        both_gradients(f, A, b)


@pytest.mark.parametrize("solver", ["cg", "minres", "gmres", "bicgstab", "lsmr", "lstsq"])
def test_empty_iterations(solver, lib):
    def f(A, b):
        out = getattr(la, solver)(A, b)
        return out[0] if isinstance(out, tuple) else out

    shapes = [((0, 0), (0,)), *([((0, 3), (0,)), ((3, 0), (3,))] if solver[:2] == "ls" else [])]
    for A, b in shapes:
        A, b = lib.asarray(np.zeros(A)), lib.asarray(np.ones(b))
        x = f(A, b)
        assert x.shape == (A.shape[1],)
        assert not pb.to_numpy(x).any()
        both_gradients(f, A, b)
    if solver == "lsmr":
        assert la.lsmr(np.zeros((0, 3)), np.zeros(0), damp=0.1)[1].converged


def test_empty_sparse_systems():
    A = pb.sparse.csr_array((np.zeros(0), np.zeros(0, int), np.zeros(1, int)), shape=(0, 0))
    assert la.spsolve(A, np.zeros(0)).shape == (0,)
    assert la.spsolve(A, np.zeros((0, 2))).shape == (0, 2)


# ── zeros ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (2, 2), (1, 1)])
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_lstsq_of_zeros_is_numpys(shape, dtype, lib):
    """0; as a function of b it is constant, and as a function of A it jumps: no derivative."""
    A, b = np.zeros(shape, dtype), np.ones(shape[0], dtype)
    given, right = lib.asarray(A), lib.asarray(b)
    out = la.lstsq(given, right)
    np.testing.assert_array_equal(lib.to_numpy(out.value), np.linalg.lstsq(A, b)[0])
    loss = lambda A, b: xp.sum(xp.real(la.lstsq(A, b)) if dtype[0] == "c" else la.lstsq(A, b))
    g_A, g_b = pb.grad(loss, argnums=(0, 1))(given, right)
    assert np.isnan(lib.to_numpy(g_A)).all()
    np.testing.assert_array_equal(lib.to_numpy(g_b), 0)


def test_lstsq_of_a_batch_with_zeros():
    tall = np.vander([1.0, 2, 3], 2)
    x = pb.to_numpy(la.lstsq(np.stack([0 * tall, tall]), np.ones((2, 3, 1))))
    np.testing.assert_array_equal(x[0], 0)
    np.testing.assert_allclose(x[1], np.linalg.lstsq(tall, np.ones((3, 1)))[0], atol=1e-12)
    with pytest.raises(la.SingularMatrixError):  # of rank 1 it is refused as before
        la.lstsq(np.ones((3, 2)), np.ones(3))


# ── precisions ────────────────────────────────────────────────────────────────────────────────

BY_LAPACK = {
    **{f"solve {kind}": (lambda A, b, kind=kind: la.solve(A, b, assume=kind)) for kind in KINDS},
    "factorize": lambda A, b: la.factorize(A).solve(b),
    "solve_triangular": la.solve_triangular,
    "solve_banded": lambda A, b: la.solve_banded((1, 1), A, b),
    "solveh_banded": la.solveh_banded,
    "solve_circulant": lambda A, b: la.solve_circulant(b, b),
    "lstsq": la.lstsq,
    "ridge": lambda A, b: la.ridge(A, b, 0.1),
    "the gradient of xp.linalg.solve": lambda A, b: pb.grad(
        lambda b: xp.sum(xp.real(xp.linalg.solve(A, b)))
    )(b),
    "the gradient of slogdet": lambda A, b: pb.grad(lambda A: xp.real(xp.linalg.slogdet(A)[1]))(A),
}  # fmt: skip
PRECISIONS = [
    name for name in ("float16", "longdouble", "clongdouble")
    if np.dtype(name) not in (np.dtype("float64"), np.dtype("complex128"))
]  # fmt: skip


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", BY_LAPACK)
def test_precisions_that_lapack_lacks_are_refused_by_name(name, dtype):
    with pytest.raises(TypeError, match=str(np.dtype(dtype))):
        BY_LAPACK[name](np.eye(3, dtype=dtype), np.ones(3, dtype))
    with pytest.raises(TypeError, match=r'x\.astype\("(float32|float64|complex128)"\)'):
        la.solve(np.eye(3, dtype=dtype), np.ones(3, dtype))


@pytest.mark.parametrize("dtype", [name for name in PRECISIONS if name != "float16"])
@pytest.mark.parametrize("name", ["cg", "minres", "gmres", "bicgstab", "lsmr"])
def test_iterations_run_in_wider_precisions(name, dtype):
    v, info = getattr(la, name)(2 * np.eye(3, dtype=dtype), np.ones(3, dtype))
    assert info.converged
    assert pb.to_numpy(v).dtype == dtype
    np.testing.assert_allclose(pb.to_numpy(v), 0.5)


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda: la.solveh_banded(np.zeros((0, 3)), np.ones(3)), r"ab has to be .* not \(0, 3\)"),
        (lambda: la.solve_banded((0, -1), np.zeros((0, 3)), np.ones(3)), "u = -1"),
        (lambda: la.solve_banded((-1, 1), np.zeros((1, 3)), np.ones(3)), "l = -1"),
    ],
)
def test_bands_without_the_main_diagonal_are_refused(f, said):
    with pytest.raises(ValueError, match=said):
        f()


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint16"])
def test_integers_are_solved_in_double_precision(dtype):
    v = la.solve(np.eye(3, dtype=dtype), np.ones(3, dtype))
    assert v.dtype == "float64"
    np.testing.assert_array_equal(v, 1)
