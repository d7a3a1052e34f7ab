"""Krylov solvers against dense solves, and their gradients against central differences, at first and second order."""

from __future__ import annotations

import functools
import gc

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import pullback as pb

xp, linalg = pb.xp, pb.linalg
N = 6
KINDS = {"real": np.float64, "complex": np.complex128, "float32": np.float32}
HERMITIAN = ("cg", "minres")
SOLVERS = ("cg", "minres", "gmres", "bicgstab")
TIGHT = {"rtol": 1e-12}


def random(*shape, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.normal(size=shape)
    return x.astype(dtype)


def matrix(solver, dtype):
    """Positive definite for cg, indefinite for minres, nonsymmetric for the rest."""
    G = random(N, N, dtype=dtype)
    if solver == "cg":
        return G @ G.conj().T / N + 2 * np.eye(N, dtype=dtype)
    if solver == "minres":
        return (G + G.conj().T) / 2 + np.diag([4, -4] * (N // 2)).astype(dtype)
    return G + 4 * np.eye(N, dtype=dtype)


def preconditioner(solver, A):
    """Some matrix near A's inverse; positive definite where the method wants that."""
    if solver in HERMITIAN:
        B = A @ A.conj().T
        return np.linalg.inv(B / np.linalg.norm(B) + 0.5 * np.eye(N)).astype(A.dtype)
    return np.linalg.inv(A + 0.3 * random(N, N, dtype=A.dtype, seed=3)).astype(A.dtype)


def kept(solver, A):
    """The Hermitian part where the solver presumes it, so that differences stay within what it is for."""
    return (A + xp.conj(xp.matrix_transpose(A))) / 2 if solver in HERMITIAN else A


OPERATORS = {
    "array": lambda A: A,
    "sparse": scipy.sparse.csr_array,
    "sparse matrix": scipy.sparse.csc_matrix,
    "scipy's operator": scipy.sparse.linalg.aslinearoperator,
    "callable": lambda A: lambda v: A @ v,
    "with adjoint": lambda A: linalg.LinearOperator(lambda v: A @ v, lambda w: A.conj().T @ w),
}
PRECONDITIONERS = {
    "none": lambda M: None,
    "array": lambda M: M,
    "callable": lambda M: lambda r: M @ r,
    "with adjoint": lambda M: linalg.LinearOperator(lambda r: M @ r, lambda r: M.conj().T @ r),
    "scipy's operator": scipy.sparse.linalg.aslinearoperator,
}


# ── values ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", OPERATORS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_solution(solver, form, kind):
    A = matrix(solver, KINDS[kind])
    b = random(N, dtype=A.dtype, seed=1)
    rtol = 1e-5 if kind == "float32" else 1e-11
    x, info = getattr(linalg, solver)(OPERATORS[form](A), b, rtol=rtol)
    assert x.dtype == A.dtype
    assert info == 0
    assert info.converged
    assert 0 < info.steps <= 3 * N
    assert info.residual <= info.tolerance == pytest.approx(rtol * np.linalg.norm(b), rel=1e-3)
    np.testing.assert_allclose(x, np.linalg.solve(A, b), rtol=30 * rtol, atol=30 * rtol)


@pytest.mark.parametrize("solver", SOLVERS)
def test_as_scipys(solver):
    A, b, x0 = matrix(solver, np.float64), random(N, seed=1), random(N, seed=2)
    theirs, code = getattr(scipy.sparse.linalg, solver)(A, b, x0, rtol=1e-10, maxiter=100)
    ours, info = getattr(linalg, solver)(A, b, x0, rtol=1e-10, maxiter=100)
    assert info == code == 0
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
def test_on_other_devices(solver, lib):
    """Nothing goes to the host but the checks; and the steps between them do no harm after convergence."""
    A, b = matrix(solver, np.float64), random(N, seed=1)
    M = preconditioner(solver, A)
    on = {k: lib.asarray(v) for k, v in {"A": A, "b": b, "M": M}.items()}
    for every in (None, 1, 7):
        x, info = getattr(linalg, solver)(
            on["A"], on["b"], M=on["M"], rtol=1e-10, check_every=every
        )
        assert info.steps <= 2 * N
        np.testing.assert_allclose(pb.to_numpy(x), np.linalg.solve(A, b), rtol=1e-8)
        g = pb.grad(
            lambda A, b, s=solver, e=every: xp.sum(
                getattr(linalg, s)(lambda v: A @ v, b, M=on["M"], rtol=1e-10, check_every=e)[0] ** 2
            ),
            argnums=(0, 1),
        )(on["A"], on["b"])
        assert all(lib.is_raw(d) for d in g)
        x = np.linalg.solve(A, b)
        lam = np.linalg.solve(A.T, 2 * x)
        np.testing.assert_allclose(lib.to_numpy(g[1]), lam, rtol=1e-7)
        np.testing.assert_allclose(lib.to_numpy(g[0]), -np.outer(lam, x), rtol=1e-7, atol=1e-9)


def test_looks_are_rare(monkeypatch):
    """Between two checks nothing is read: 40 steps with a look each 16 read five times, beside start and end."""
    from pullback.autograd.solve import krylov, krylov_run

    looks = []
    real = krylov_run.numbers

    def counted(space, *scalars):
        looks.append(len(scalars))
        return real(space, *scalars)

    monkeypatch.setattr(krylov_run, "numbers", counted)
    monkeypatch.setattr(krylov, "numbers", counted)
    d = np.linspace(1, 40, 40)
    _, info = linalg.cg(lambda v: d * v, np.ones(40), rtol=1e-10, check_every=16)
    assert 33 <= info.steps <= 48
    assert len(looks) == 5


def test_any_shape_of_b():
    k = np.linspace(1, 2, 12).reshape(3, 4)
    b = random(3, 4)
    for solver in SOLVERS:
        x, _ = getattr(linalg, solver)(lambda v: k * v, b, **TIGHT)
        np.testing.assert_allclose(x, b / k, rtol=1e-10)
    A, B = matrix("gmres", np.float64), random(N, 3)
    np.testing.assert_allclose(linalg.gmres(A, B, **TIGHT)[0], np.linalg.solve(A, B), rtol=1e-9)
    x, info = linalg.cg(np.ones((0, 0)), np.ones(0))
    assert (x.shape, info) == ((0,), 0)


def test_real_b_with_complex_A():
    A, b = matrix("gmres", np.complex128), random(N)
    pb.check_grads(lambda b: linalg.gmres(A, b, **TIGHT)[0], (b,), order=2)
    np.testing.assert_allclose(linalg.gmres(A, b, **TIGHT)[0], np.linalg.solve(A, b), rtol=1e-9)


def test_starts_and_zeros():
    A, b = matrix("cg", np.float64), random(N)
    exact = np.linalg.solve(A, b)
    for solver in SOLVERS:
        f = getattr(linalg, solver)
        assert f(A, b, exact, rtol=1e-8)[1].steps == 0
        x, info = f(A, np.zeros(N), exact)
        assert (info.steps, info) == (0, 0)
        np.testing.assert_array_equal(x, np.zeros(N))
        g = pb.grad(lambda x0, f=f: xp.sum(f(A, b, x0, **TIGHT)[0]))(np.ones(N))
        np.testing.assert_array_equal(g, np.zeros(N))
        seen = []
        f(A, b, rtol=1e-10, callback=seen.append)
        np.testing.assert_allclose(seen[-1], exact, rtol=1e-6)


def test_restarts_and_breakdowns():
    A, b = matrix("gmres", np.float64), random(N)
    x, info = linalg.gmres(A, b, restart=2, maxiter=200, rtol=1e-10)
    assert info.steps > N
    np.testing.assert_allclose(x, np.linalg.solve(A, b), rtol=1e-8)
    # an eigenvector spans an invariant space: one step is exact
    for every in (1, 5):
        x, info = linalg.gmres(np.diag([2.0, 3.0, 4.0]), np.asarray([1.0, 0, 0]), check_every=every)
        assert info.steps == 1
        np.testing.assert_array_equal(x, [0.5, 0, 0])
    # r̂ᴴ A r = 0 at the first step of bicgstab
    x, _ = linalg.bicgstab(
        np.asarray([[0.0, 1.0], [-1.0, 0.1]]), np.asarray([1.0, 0.0]), rtol=1e-10
    )
    np.testing.assert_allclose(x, [0.1, 1.0], atol=1e-9)


# ── derivatives ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("form", PRECONDITIONERS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_gradients_of_arrays(solver, form, kind):
    A = matrix(solver, KINDS[kind])
    b, M = random(N, dtype=A.dtype, seed=1), preconditioner(solver, A)

    def f(A, b):
        return getattr(linalg, solver)(kept(solver, A), b, M=PRECONDITIONERS[form](M), **TIGHT)[0]

    np.testing.assert_allclose(f(A, b), np.linalg.solve(A, b), rtol=1e-8)
    pb.check_grads(f, (A, b), order=2)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("form", OPERATORS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_gradients_of_b_for_each_operator(solver, form, kind):
    A = matrix(solver, KINDS[kind])
    b = random(N, dtype=A.dtype, seed=1)
    op = OPERATORS[form](A)
    pb.check_grads(lambda b: getattr(linalg, solver)(op, b, **TIGHT)[0] ** 2, (b,), order=2)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_gradients_of_closures(solver, kind):
    A = matrix(solver, KINDS[kind])
    b, p = random(N, dtype=A.dtype, seed=1), np.linspace(0.1, 1, N)

    def f(p, b):
        return getattr(linalg, solver)(lambda v: A @ v + xp.sin(p) * v, b, **TIGHT)[0]

    pb.check_grads(f, (p, b), order=2)

    def dense(p, b):
        return xp.linalg.solve(A + xp.sin(p) * np.eye(N), b)

    def loss(f):
        return lambda p: xp.sum(xp.abs(f(p, b)) ** 2)

    for order in (pb.grad, lambda f: pb.hessian(f)):
        np.testing.assert_allclose(order(loss(f))(p), order(loss(dense))(p), rtol=1e-7, atol=1e-9)


class Elements:
    """A sparse matrix whose elements are traced, by the least that is asked of one: `@`, `T` and `shape`."""

    def __init__(self, data, rows, columns, shape):
        self.data, self.rows, self.columns, self.shape = data, rows, columns, shape

    @property
    def T(self):
        return Elements(self.data, self.columns, self.rows, self.shape[::-1])

    def __matmul__(self, v):
        return xp.zeros_like(v).at[self.rows].add(self.data * v[self.columns])


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_gradients_of_a_sparse_matrix_s_elements(kind):
    A = matrix("gmres", KINDS[kind]) * (np.abs(random(N, N)) > 0.5) + 4 * np.eye(N)
    rows, columns = np.nonzero(A)
    b = random(N, dtype=A.dtype, seed=1)
    for solver in ("gmres", "bicgstab"):
        pb.check_grads(
            lambda data, b, s=solver: getattr(linalg, s)(
                Elements(data, rows, columns, A.shape), b, M=linalg.jacobi(A), **TIGHT
            )[0],
            (A[rows, columns], b),
            order=2,
        )


def test_nothing_is_left_to_the_garbage_collector():
    gradient = pb.grad(lambda b: xp.sum(linalg.cg(lambda v: 2 * v + b * v, b)[0]))
    gradient(np.ones(3))
    gc.collect()
    gc.disable()
    try:
        gradient(np.ones(3))
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_forward_mode_and_checkpoints():
    A, b = matrix("gmres", np.float64), random(N)

    def f(b):
        return linalg.gmres(lambda v: A @ v + b * v, b, **TIGHT)[0]

    h = 1e-6
    expected = (np.asarray(f(b + h * b)) - np.asarray(f(b - h * b))) / (2 * h)
    np.testing.assert_allclose(pb.jvp(f, (b,), (b,))[1], expected, rtol=1e-6, atol=1e-9)
    plain = pb.grad(lambda b: xp.sum(f(b) ** 2))(b)
    np.testing.assert_allclose(
        pb.grad(lambda b: xp.sum(pb.checkpoint(f)(b) ** 2))(b), plain, rtol=1e-9
    )


def test_third_order():
    b = np.asarray([1.0, 2.0])

    def f(k):
        return xp.sum(linalg.gmres(lambda v: k * v, b, **TIGHT)[0])

    assert pb.grad(pb.grad(pb.grad(f)))(2.0) == pytest.approx(-6 * 3 / 2**4, rel=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_stays(solver):
    A = matrix(solver, np.float32)
    b = random(N, dtype=np.float32, seed=1)
    f = getattr(linalg, solver)
    g = pb.grad(lambda A, b: xp.sum(f(kept(solver, A), b, rtol=1e-6)[0]), argnums=(0, 1))(A, b)
    assert [d.dtype for d in g] == [np.float32, np.float32]
    np.testing.assert_allclose(g[1], np.linalg.solve(A.T, np.ones(N)), rtol=1e-3, atol=1e-4)


def tiny_cotangents():
    """Trap 18: in float32 the square of a cotangent of norm 1e-13 underflows to nothing on the way of a dot product."""
    for solver in SOLVERS:
        A = matrix(solver, np.float32)
        b = random(N, dtype=np.float32, seed=1)
        M = preconditioner(solver, A)
        for small in (1e-13, 1e-25, 1e-36):
            f = getattr(linalg, solver)
            g = pb.grad(lambda b, f=f, A=A, M=M, c=small: xp.sum(f(A, b, rtol=1e-5, M=M)[0]) * c)(b)
            expected = np.linalg.solve(A.astype(float).T, np.ones(N)) * small
            np.testing.assert_allclose(g, expected, rtol=1e-3, atol=1e-4 * small)


def transposed_preconditioners():
    """Trap 18: the adjoint's preconditioner is Mᴴ; with M in its place the adjoint would not converge in N steps."""
    n = 60
    A = scipy.sparse.diags_array(
        [np.linspace(1, 300, n), np.full(n - 1, 25.0), np.full(n - 2, -9.0)], offsets=[0, 1, 2]
    ).tocsr()
    turned = scipy.sparse.csr_array(np.fliplr(np.diag(np.linspace(5, 60, n))))
    A = (A + turned + 80 * scipy.sparse.eye_array(n)).tocsr()
    dense, b = A.toarray(), random(n)
    M = np.linalg.inv(dense)
    few = {"gmres": {"restart": 5, "maxiter": 1}, "bicgstab": {"maxiter": 5}}
    for solver, settings in few.items():
        f = functools.partial(getattr(linalg, solver), A, rtol=1e-8, **settings)
        for form in (M, lambda r: M @ r, linalg.ilu(A)):
            g = pb.grad(lambda b, f=f, form=form: xp.sum(f(b, M=form)[0]))(b)
            np.testing.assert_allclose(
                g, np.linalg.solve(dense.T, np.ones(n)), rtol=1e-5, atol=1e-8
            )
    # cg: Hermitian by its values, but written as two triangular factors one after the other
    H = dense @ dense.T
    L = np.linalg.cholesky(H)
    inv = np.linalg.inv(L)
    M2 = linalg.LinearOperator(lambda r: inv.T @ (inv @ r))
    pb.check_grads(
        lambda s: linalg.cg(lambda v: H @ v + s * v, b, M=M2, rtol=1e-12)[0],
        (np.asarray(0.3),),
        order=2,
    )


def test_tiny_cotangents():
    tiny_cotangents()


def test_transposed_preconditioners():
    transposed_preconditioners()


def test_the_adjoint_s_own_settings():
    A, b = matrix("cg", np.float64), random(N)
    x = np.linalg.solve(A, b)
    lam = np.linalg.solve(A, np.ones(N))

    def g(**settings):
        return pb.grad(lambda b: xp.sum(linalg.cg(A, b, rtol=1e-3, **settings)[0]))(b)

    loose, tight = np.abs(g() - lam).max(), np.abs(g(adjoint_rtol=1e-13) - lam).max()
    assert tight < 1e-11 < loose
    with pytest.raises(linalg.ConvergenceError, match="cg: not converged after 1 steps"):
        g(adjoint_rtol=1e-13, adjoint_maxiter=1)
    # a warm start makes the one step enough
    np.testing.assert_allclose(
        g(adjoint_rtol=1e-10, adjoint_maxiter=1, adjoint_x0=lam), lam, rtol=1e-9
    )
    assert np.abs(x).max() > 0


# ── preconditioners ───────────────────────────────────────────────────────────────────────────


def test_preconditioners_save_steps():
    n = 200
    d = np.linspace(1, 1e4, n)
    A = scipy.sparse.diags_array([d, np.ones(n - 1), np.ones(n - 1)], offsets=[0, 1, -1]).tocsr()
    b = random(n)
    plain = linalg.cg(A, b, maxiter=5000)[1].steps
    assert linalg.cg(A, b, M=linalg.jacobi(A))[1].steps < plain / 5
    assert linalg.gmres(A, b, M=linalg.ilu(A))[1].steps <= 3
    np.testing.assert_allclose(linalg.jacobi(A.toarray())(b), b / d)
    assert linalg.jacobi(scipy.sparse.csr_array(np.zeros((2, 2)))).matvec(np.ones(2)).tolist() == [
        1,
        1,
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_ilu_has_its_adjoint(kind):
    A = matrix("gmres", KINDS[kind])
    M = linalg.ilu(A)
    z, w = random(N, dtype=np.complex128), random(N, dtype=np.complex128, seed=5)
    assert np.vdot(w, M.matvec(z)) == pytest.approx(np.vdot(M.rmatvec(w), z), rel=1e-5)
    r = random(N, dtype=KINDS[kind])
    assert M.matvec(r).dtype == KINDS[kind]
    np.testing.assert_allclose(A @ M.matvec(r), r, rtol=1e-3, atol=1e-4)


# ── least squares ─────────────────────────────────────────────────────────────────────────────

SHAPES = {"tall": (8, 5), "square": (6, 6), "wide": (5, 8)}
LSMR = {"atol": 1e-13, "btol": 1e-13}


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("damp", [0.0, 0.7])
@pytest.mark.parametrize("form", ["array", "callable", "sparse"])
@pytest.mark.parametrize("shape", SHAPES)
def test_lsmr(shape, form, damp, kind):
    m, n = SHAPES[shape]
    A, b = random(m, n, dtype=KINDS[kind]), random(m, dtype=KINDS[kind], seed=1)

    def f(A, b):
        if form == "callable":
            A = linalg.LinearOperator(lambda v, A=A: A @ v, shape=(m, n))
        x, info = linalg.lsmr(A, b, damp=damp, **LSMR)
        assert info == 0
        return x

    def expected(A, b):
        AH = A.conj().T
        return (
            np.linalg.pinv(A) @ b
            if not damp
            else np.linalg.solve(AH @ A + damp**2 * np.eye(n), AH @ b)
        )

    np.testing.assert_allclose(f(A, b), expected(A, b), rtol=1e-8, atol=1e-10)
    if form == "sparse":
        S = scipy.sparse.csr_array(A)
        np.testing.assert_allclose(f(S, b), expected(A, b), rtol=1e-8, atol=1e-10)
        pb.check_grads(lambda b: f(S, b), (b,), order=1)
    else:
        pb.check_grads(f, (A, b), order=2)


def test_lsmr_s_rest(lib):
    A, b = random(8, 3), random(8, seed=1)
    exact = np.linalg.lstsq(A, b, rcond=None)[0]
    x, info = linalg.lsmr(lib.asarray(A), lib.asarray(b), **LSMR)
    assert info.steps <= 6
    np.testing.assert_allclose(pb.to_numpy(x), exact, rtol=1e-9)
    if lib.name == "numpy":
        x, info = linalg.lsmr(lambda v: A @ v, b, exact + 1e-3, **LSMR)
        np.testing.assert_allclose(x, exact, rtol=1e-9)
        np.testing.assert_array_equal(linalg.lsmr(A, 0 * b)[0], np.zeros(3))
        g = pb.grad(lambda b: xp.sum(linalg.lsmr(A.astype("f"), b)[0]))(b.astype("f"))
        assert g.dtype == np.float32
        with pytest.raises(ValueError, match=r"shape of x.*shape=\(m, n\)"):
            linalg.lsmr(lambda v: A @ v, b)
        with pytest.raises(linalg.ConvergenceError, match="lsmr"):
            linalg.lsmr(A, b, maxiter=1, **LSMR)
        with pytest.raises(linalg.ConvergenceError, match="b holds NaN"):
            linalg.lsmr(A, b * np.nan)


# ── failures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("solver", SOLVERS)
def test_failures_are_loud(solver):
    A, b = matrix(solver, np.float64), random(N)
    f = getattr(linalg, solver)
    few = {"maxiter": 2} if solver != "gmres" else {"maxiter": 1, "restart": 2}
    with pytest.raises(
        linalg.ConvergenceError, match=f"{solver}: not converged after 2 steps"
    ) as e:
        f(A, b, rtol=1e-12, **few)
    assert e.value.steps == 2
    assert e.value.tolerance == pytest.approx(1e-12 * np.linalg.norm(b))
    x, info = f(A, b, rtol=1e-12, check=False, **few)
    assert (info, info.converged) == (2, False)
    assert "not converged after 2" in repr(info)
    assert info.residual == pytest.approx(e.value.residual)
    assert info.residual == pytest.approx(np.linalg.norm(A @ np.asarray(x) - b), rel=1e-6)
    for bad in (np.nan, np.inf):
        with pytest.raises(linalg.ConvergenceError, match="b holds NaN or infinity"):
            f(A, np.where(np.arange(N) == 2, bad, b))
        message = r"A v .* holds NaN or infinity"
        with pytest.raises(linalg.ConvergenceError, match=message), np.errstate(invalid="ignore"):
            f(np.where(np.eye(N) == 1, bad, A), b)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linalg.cg(np.ones((3, 2)), np.ones(3)), ValueError, r"A has shape \(3, 2\)"),
        (lambda: linalg.cg(np.ones(3), np.ones(3)), ValueError, "a matrix"),
        (lambda: linalg.cg(np.eye(3), np.ones(2)), ValueError, r"b \(2,\)"),
        (lambda: linalg.cg(np.eye(3), np.ones(3), np.ones(2)), ValueError, "x0 has shape"),
        (lambda: linalg.cg(3, np.ones(3)), TypeError, "A is a int"),
        (lambda: linalg.cg(lambda v: v[:2], np.ones(3)), ValueError, "A v has shape|broadcast"),
        (lambda: linalg.gmres(np.eye(3), np.ones(3), restart=0), ValueError, "restart=0"),
        (lambda: linalg.cg(np.eye(3), np.ones(3), check_every=0), ValueError, "check_every=0"),
        (lambda: linalg.ilu(object()), TypeError, "incomplete factors"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_preconditioner_that_cannot_be_transposed_says_so():
    A, b = matrix("gmres", np.float64), random(N)
    lu = scipy.sparse.linalg.splu(scipy.sparse.csc_array(A))
    g = pb.grad(lambda b, M: xp.sum(linalg.gmres(A, b, M=M)[0]))
    with pytest.raises(TypeError) as e:
        g(b, lu.solve)
    assert any("LinearOperator(matvec, rmatvec)" in note for note in e.value.__notes__)
    M = linalg.LinearOperator(lu.solve, lambda r: lu.solve(r, "H"))
    np.testing.assert_allclose(g(b, M), np.linalg.solve(A.T, np.ones(N)), rtol=1e-4)


# ── peers ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("solver", ["cg", "gmres", "bicgstab"])
def test_against_lineax(solver):
    jax = pytest.importorskip("jax", reason="a peer to compare with")
    lineax = pytest.importorskip("lineax", reason="a peer to compare with")
    jax.config.update("jax_enable_x64", True)
    A, b = matrix(solver, np.float64), random(N)
    theirs_solver = {"cg": "CG", "gmres": "GMRES", "bicgstab": "BiCGStab"}[solver]
    tags = lineax.positive_semidefinite_tag if solver == "cg" else ()

    def theirs(s, b):
        op = lineax.MatrixLinearOperator(A + s * jax.numpy.eye(N), tags)
        x = lineax.linear_solve(op, b, getattr(lineax, theirs_solver)(rtol=1e-12, atol=1e-12)).value
        return jax.numpy.sum(jax.numpy.sin(x))

    def ours(s, b):
        return xp.sum(xp.sin(getattr(linalg, solver)(lambda v: A @ v + s * v, b, **TIGHT)[0]))

    expected = jax.grad(theirs, argnums=(0, 1))(0.5, b)
    for mine, other in zip(pb.grad(ours, argnums=(0, 1))(0.5, b), expected, strict=True):
        np.testing.assert_allclose(mine, np.asarray(other), rtol=1e-7, atol=1e-9)
