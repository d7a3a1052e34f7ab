"""Where gradients go wrong in other libraries: 26 lines, one test or more for each, numbered as there.

A line about functions that have no rule yet is skipped by that reason, and runs once they have one.
"""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.primitive import REGISTRY

from ._cases import look_up

xp = pb.xp
QUIET = {"all": "ignore"}  # where the function itself is singular, NumPy's warning is right


def needs(*names: str) -> pytest.MarkDecorator:
    missing = [n for n in names if n not in REGISTRY or not REGISTRY[n].rules]
    return pytest.mark.skipif(bool(missing), reason=f"no rule yet: {', '.join(missing)}")


def rows(*table: tuple) -> list:
    """``(id, function's name, …)``, each skipped while its function has no rule."""
    return [pytest.param(*rest, id=label, marks=needs(name)) for label, name, *rest in table]


def grads(f, *xs):
    """The gradients of sum(f) with respect to each argument."""
    return pb.grad(lambda *ys: xp.sum(f(*ys)), argnums=tuple(range(len(xs))))(*map(np.asarray, xs))


# ── 1, 2 ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("f", "shapes"),
    rows(
        ("where", "where", lambda a, b: xp.where(np.array([[True], [False]]), a, b), [(3,), (2, 1)]),
        ("multiply", "multiply", lambda a, b: a * b, [(1, 3), (2, 1)]),
        ("batched solve, vector", "linalg.solve", lambda A, b: xp.linalg.solve(A + 9 * np.eye(3), b), [(2, 3, 3), (3,)]),
        ("batched solve", "linalg.solve", lambda A, b: xp.linalg.solve(A + 9 * np.eye(3), b), [(3, 3), (4, 3, 1)]),
        ("linear", "linear", xp.linear, [(4, 2, 3), (3, 5), (5,)]),
        ("clip", "clip", lambda x, lo, hi: xp.clip(x, lo, hi), [(2, 3), (3,), (2, 1)]),
    ),
)
def test_01_broadcasting_gives_exactly_the_input_s_shape_and_dtype(f, shapes):
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.float32):
        xs = [rng.uniform(-1, 1, s).astype(dtype) for s in shapes]
        for g, x in zip(grads(f, *xs), xs, strict=True):
            assert (type(g), g.shape, g.dtype) == (np.ndarray, x.shape, x.dtype)


@pytest.mark.parametrize(
    ("f", "reference"),
    rows(
        ("var", "var", lambda x: xp.var(x, correction=1.0), lambda x: np.var(x, ddof=1)),
        ("std", "std", lambda x: xp.std(x, correction=2), lambda x: np.std(x, ddof=2)),
        ("sum", "sum", lambda x: xp.sum(x, dtype=xp.float32), lambda x: np.sum(x)),
        ("prod", "prod", lambda x: xp.prod(x, dtype=xp.float64), np.prod),
        ("roll", "roll", lambda x: xp.roll(x, 1, axis=-1)[0] ** 2, lambda x: np.roll(x, 1)[0] ** 2),
    ),
)
def test_02_keywords_are_honoured(f, reference):
    x, eps = np.array([1.0, 2.0, 4.0, 5.0]), 1e-5
    numeric = [(reference(x + d) - reference(x - d)) / (2 * eps) for d in eps * np.eye(4)]
    np.testing.assert_allclose(pb.grad(f)(x), numeric, rtol=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: xp.sum(x, ddof=1),
        lambda x: xp.mean(x, dtype=xp.float32),
        lambda x: xp.exp(x, out=x),
        lambda x: xp.add(x1=x, x2=x),
        lambda x: xp.concat((x, x), dim=0),
        lambda x: xp.reshape(x, (2,), order="F"),
    ],
)
def test_02_keywords_that_are_not_the_standard_s_are_refused(call):
    with pytest.raises(TypeError, match="argument"):
        pb.grad(lambda x: xp.sum(call(x)))(np.ones(2))


def test_02_astype_copy():
    x = np.ones(2)
    for copy in (True, False):
        assert pb.grad(lambda x, c=copy: xp.sum(3 * xp.astype(x, xp.float64, copy=c)))(x).tolist() == [3.0, 3.0]
    fresh = pb.to_numpy(xp.astype(x, xp.float64, copy=True))
    assert not np.shares_memory(fresh, x)


# ── 3 ─────────────────────────────────────────────────────────────────────────────────────────


def test_03_where_of_a_singular_branch_is_nan_and_the_double_where_is_right():
    x = np.array([-1.0, 0.0, 2.0])
    with np.errstate(**QUIET):
        composed = pb.grad(lambda x: xp.sum(xp.where(x > 0, xp.log(x), 0.0)))(x)
    assert np.isnan(composed[1]) or composed[1] == 0  # 0/0 by the chain rule; documented
    assert composed[2] == 0.5

    def double(x):
        good = x > 0
        return xp.sum(xp.where(good, xp.log(xp.where(good, x, 1.0)), 0.0))

    np.testing.assert_array_equal(pb.grad(double)(x), [0.0, 0.0, 0.5])


# ── 4, 5 ──────────────────────────────────────────────────────────────────────────────────────

ORDS = [2, 1, 3, 0.5, np.inf, -np.inf, -1, -2, 0]


@needs("linalg.vector_norm")
@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_04_vector_norms_at_zero_have_subgradient_zero(order, dtype):
    x = np.zeros(3, dtype)
    for settings in ({}, {"axis": 0}, {"keepdims": True}):
        g = pb.grad(lambda x, s=settings: xp.sum(xp.linalg.vector_norm(x, ord=order, **s)))(x)
        np.testing.assert_array_equal(g, x)


@needs("linalg.matrix_norm")
@pytest.mark.parametrize("order", ["fro", "nuc", 1, 2, np.inf])
def test_04_matrix_norms_at_zero_have_subgradient_zero(order):
    x = np.zeros((2, 3))
    np.testing.assert_array_equal(pb.grad(lambda x: xp.linalg.matrix_norm(x, ord=order))(x), x)


@pytest.mark.parametrize(
    ("f", "n"),
    rows(
        ("std", "std", lambda x: xp.std(x), 3),
        ("hypot", "hypot", lambda x: xp.hypot(x[0], x[1]), 2),
        ("atan2", "atan2", lambda x: xp.atan2(x[0], x[1]), 2),
    ),
)
def test_04_std_hypot_and_atan2_at_zero_are_finite(f, n):
    np.testing.assert_array_equal(pb.grad(f)(np.zeros(n)), np.zeros(n))


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    rows(
        ("abs at 0", "abs", xp.abs, [0.0, -0.0, -2.0], [0, 0, -1]),
        ("abs at complex 0", "abs", xp.abs, [0j, 3 + 4j], [0, 0.6 + 0.8j]),
        ("relu at 0", "relu", xp.relu, [0.0, -0.0, 1e-300], [0, 0, 1]),
        ("clip", "clip", lambda x: xp.clip(x, 0.0, 1.0), [-1.0, 0.0, 0.5, 1.0, 2.0], [0, 1, 1, 1, 0]),
        ("maximum(x, x)", "maximum", lambda x: xp.maximum(x, x), [1.0, -2.0], [1, 1]),
        ("minimum(x, x)", "minimum", lambda x: xp.minimum(x, x), [1.0, -2.0], [1, 1]),
        ("maximum with an equal number", "maximum", lambda x: xp.maximum(x, 1.0), [1.0, 2.0, 0.0], [0.5, 1, 0]),
        ("max", "max", lambda x: xp.max(x), [3.0, 1.0, 3.0], [0.5, 0, 0.5]),
        ("max by rows", "max", lambda x: xp.max(x, axis=1), [[1.0, 1.0], [0.0, 2.0]], [[0.5, 0.5], [0, 1]]),
        ("min", "min", lambda x: xp.min(x, axis=0), [[1.0, 1.0], [1.0, 2.0]], [[0.5, 1], [0.5, 0]]),
        ("max of infinities", "max", lambda x: xp.max(x), [np.inf, np.inf, 0.0], [0.5, 0.5, 0]),
    ),
)
def test_05_kinks_and_ties(f, x, expected):
    np.testing.assert_allclose(grads(f, x)[0], expected, rtol=1e-15)


def test_05_ties_are_counted_without_overflow():
    """Half precision counts no further than 65504."""
    g = pb.grad(xp.max)(np.ones(70_000, np.float16))
    assert g.dtype == np.float16
    np.testing.assert_allclose(g, 1 / 70_000, rtol=0.05)


# ── 6, 7 ──────────────────────────────────────────────────────────────────────────────────────


@needs("prod")
@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [2.0, 3.0, 4.0], [0.0]])
def test_06_prod_with_zeros(x):
    x = np.array(x)
    exclusive = [np.prod(np.delete(x, i)) for i in range(x.size)]
    np.testing.assert_allclose(pb.grad(xp.prod)(x), exclusive)
    pb.check_grads(xp.prod, (x,), order=2)


@needs("cumulative_prod")
@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0, 5.0], [0.0, 0.0, 3.0], [2.0, 3.0, 4.0]])
def test_06_cumulative_prod_with_zeros(x):
    pb.check_grads(xp.cumulative_prod, (np.array(x),), order=2)


@pytest.mark.parametrize(
    ("x", "y", "by_base", "by_exponent"),
    [
        (0.0, 0.0, 0.0, None),  # 0**0 is 1 whatever the base
        (0.0, 1.0, 1.0, 0.0),
        (0.0, 2.0, 0.0, 0.0),
        (0.0, 3.5, 0.0, 0.0),
        (2.0, 0.0, 0.0, math.log(2)),
        (-2.0, 3.0, 12.0, None),
        (-2.0, 2.0, -4.0, None),
        (-2.0, -1.0, -0.25, None),
    ],
)
def test_06_pow_at_base_zero_and_below(x, y, by_base, by_exponent):
    base, exponent = np.array([x]), np.array([y])
    for number in (exponent, y, int(y) if y == int(y) else y):
        got = pb.grad(lambda b, n=number: xp.sum(b**n))(base)
        np.testing.assert_allclose(got, [by_base], rtol=1e-15)
    second = pb.grad(lambda b: xp.sum(pb.grad(lambda c: xp.sum(c**y))(b)))(base)
    np.testing.assert_allclose(second, [0.0 if y in (0, 1) else y * (y - 1) * x ** (y - 2)], rtol=1e-13)
    if by_exponent is not None:
        np.testing.assert_allclose(pb.grad(lambda n: xp.sum(base**n))(exponent), [by_exponent])
        np.testing.assert_allclose(pb.grad(lambda n: xp.sum(x**n))(exponent), [by_exponent])


@needs("sort")
@pytest.mark.parametrize("descending", [False, True])
def test_07_sort_follows_its_own_permutation(descending):
    x, w = np.array([2.0, 1.0, 2.0, 1.0, 0.0]), np.arange(5.0)
    g = pb.grad(lambda x: xp.sum(xp.sort(x, descending=descending) * w))(x)
    order = np.argsort(-x if descending else x, kind="stable")
    expected = np.zeros(5)
    expected[order] = w
    np.testing.assert_array_equal(g, expected)


@needs("unique_values")
def test_07_unique_scatters_to_first_occurrences():
    x = np.array([3.0, 1.0, 3.0, 2.0])
    g = pb.grad(lambda x: xp.sum(xp.unique_values(x) * np.array([1.0, 10.0, 100.0])))(x)
    np.testing.assert_array_equal(g, [100.0, 1.0, 0.0, 10.0])


@needs("take")
def test_07_duplicates_accumulate():
    g = pb.grad(lambda x: xp.sum(xp.take(x, np.array([1, 1, 0])) * np.array([1.0, 2.0, 4.0])))(np.ones(3))
    np.testing.assert_array_equal(g, [4.0, 3.0, 0.0])


# ── 8, 9, 10, 11: matrices ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("f", "expected"),
    rows(
        ("eigvalsh", "linalg.eigvalsh", lambda x: xp.sum(xp.linalg.eigvalsh(x)), np.eye(3)),
        ("svdvals", "linalg.svdvals", lambda x: xp.sum(xp.linalg.svdvals(x)), np.eye(3)),
        ("nuclear norm", "linalg.matrix_norm", lambda x: xp.linalg.matrix_norm(x, ord="nuc"), np.eye(3)),
        ("eigh's values", "linalg.eigh", lambda x: xp.sum(xp.linalg.eigh(x)[0]), np.eye(3)),
        ("svd's values", "linalg.svd", lambda x: xp.sum(xp.linalg.svd(x, full_matrices=False)[1]), np.eye(3)),
    ),
)
def test_08_values_of_the_identity_have_a_gradient(f, expected):
    np.testing.assert_allclose(pb.grad(f)(np.eye(3)), expected, atol=1e-14)


@needs("linalg.det")
def test_09_det_of_a_singular_matrix_is_the_adjugate():
    A = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(pb.grad(xp.linalg.det)(A), [[4.0, -2.0], [-2.0, 1.0]], atol=1e-12)
    B = np.diag([2.0, 3.0, 0.0])
    np.testing.assert_allclose(pb.grad(xp.linalg.det)(B), np.diag([0.0, 0.0, 6.0]), atol=1e-12)


@pytest.mark.parametrize(
    "f",
    rows(
        ("cholesky", "linalg.cholesky", lambda x: xp.linalg.cholesky(x)),
        ("cholesky upper", "linalg.cholesky", lambda x: xp.linalg.cholesky(x, upper=True)),
        ("eigvalsh", "linalg.eigvalsh", lambda x: xp.linalg.eigvalsh(x)),
    ),
)
@pytest.mark.parametrize("complex_too", [False, True])
def test_10_gradients_of_symmetric_functions_are_symmetrised(f, complex_too):
    rng = np.random.default_rng(1)
    M = rng.standard_normal((3, 3)) + (1j * rng.standard_normal((3, 3)) if complex_too else 0)
    A = M @ M.conj().T + 3 * np.eye(3)
    g = pb.grad(lambda x: xp.sum(xp.abs(f(x)) ** 2) + xp.sum(xp.real(f(x)) ** 3))(A)
    np.testing.assert_allclose(g, g.conj().T, rtol=1e-12, atol=1e-14)
    assert np.abs(g).max() > 0.1


def _real_and_complex(name: str, call=None):
    return (name, name, call or (lambda *xs: look_up(xp, name)(*xs)))


@pytest.mark.parametrize(
    "f",
    rows(
        *(_real_and_complex(n) for n in ("multiply", "divide", "add", "subtract", "matmul")),
        _real_and_complex("vecdot"),
        _real_and_complex("linalg.solve", lambda a, b: xp.linalg.solve(a + 5 * np.eye(2), b)),
        _real_and_complex("where", lambda a, b: xp.where(np.array([True, False]), a, b)),
        _real_and_complex("concat", lambda a, b: xp.concat([a, b])),
        _real_and_complex("setitem", lambda a, b: b + xp.astype(a, b.dtype)),
    ),
)
def test_11_a_real_input_has_a_real_cotangent(f):
    rng = np.random.default_rng(2)
    a = rng.standard_normal((2, 2))
    b = rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2))
    g, h = pb.grad(lambda a, b: xp.sum(xp.real(f(a, b)) ** 2) + xp.sum(xp.imag(f(a, b))), argnums=(0, 1))(a, b)
    assert (g.dtype, h.dtype) == (np.float64, np.complex128)
    pb.check_grads(lambda a, b: f(a, b), (a, b), order=2)


def test_11_complex_gradients_descend():
    """∂L/∂Re z + i ∂L/∂Im z: of |z − w|² it is 2 (z − w), and z − s·gradient goes to w."""
    w, z = np.array([1 + 2j, -3j]), np.array([0.5 - 1j, 2.0 + 0j])
    f = lambda z: xp.sum(xp.abs(z - w) ** 2)
    np.testing.assert_allclose(pb.grad(f)(z), 2 * (z - w), rtol=1e-14)
    for _ in range(60):
        z = z - 0.25 * pb.grad(f)(z)
    np.testing.assert_allclose(z, w, atol=1e-12)


# ── 12, 13, 14 ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("low", [np.float32, np.float16])
def test_12_mixed_dtypes_cast_back_where_they_were_promoted(low):
    x, y = np.ones(3, low), np.full(3, 2.0)
    g, h = pb.grad(lambda x, y: xp.sum(x * y), argnums=(0, 1))(x, y)
    assert (g.dtype, h.dtype) == (low, np.float64)
    np.testing.assert_array_equal(g, y.astype(low))


def test_12_python_numbers_are_weak():
    x = np.ones(3, np.float32)
    f = lambda x: xp.sum(1 / (2.5 * x + 1) ** 3 - 0.5 * x / 3 + 2**x)
    assert pb.xp.asarray(f(xp.asarray(x))).dtype == np.float32
    value, g = pb.value_and_grad(f)(x)
    assert (value.dtype, g.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize(
    ("x", "message"),
    [(np.arange(3), "int64"), (np.array([True]), "bool"), (3, "pass a float"), (True, "pass a float"),
     (np.int32(3), "int32"), ({"a": np.ones(2), "b": np.arange(2)}, r"leaf '(0\.)?b'")],
    ids=["integers", "booleans", "int", "bool", "NumPy int", "a leaf"],
)  # fmt: skip
@pytest.mark.parametrize("transform", ["grad", "value_and_grad", "vjp"])
def test_13_integers_and_booleans_are_refused(x, message, transform):
    f = lambda x: xp.sum(xp.asarray(1.0))
    call = (lambda: pb.vjp(f, x)) if transform == "vjp" else (lambda: getattr(pb, transform)(f)(x))
    with pytest.raises(TypeError, match=message):
        call()


def test_13_non_scalar_output_names_vjp_and_jacobian():
    with pytest.raises(TypeError, match=r"shape \(3,\).*pb\.vjp.*pb\.jacobian"):
        pb.grad(lambda x: x * 2)(np.ones(3))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: xp.asarray(3.0),
        lambda x: 3.0,
        lambda x: xp.sum(pb.stop_gradient(x)),
        lambda x: xp.sum(xp.floor(x)),
        lambda x: xp.sum(xp.astype(x > 0, xp.float64)),
        lambda x: xp.sum(xp.astype(xp.argmax(x), xp.float64)),
        lambda x: xp.sum(xp.zeros_like(x)),
    ],
)
def test_13_independent_output_has_zero_gradient(f):
    for x in (np.ones(3), np.ones((0, 2)), np.ones(2, np.float32)):
        if x.size == 0 and "argmax" in f.__code__.co_names:
            continue  # has no argmax
        g = pb.grad(f)(x)
        np.testing.assert_array_equal(g, np.zeros_like(x))
        assert g.dtype == x.dtype


@pytest.mark.parametrize(
    ("f", "shape"),
    [
        (lambda x: xp.sum(x), (0,)),
        (lambda x: xp.sum(xp.sum(x, axis=0)), (0, 3)),
        (lambda x: xp.sum(xp.max(x, axis=1)), (0, 3)),
        (lambda x: xp.sum(x @ x.mT), (2, 0)),
        (lambda x: xp.sum(x.mT @ x), (2, 0)),
        (lambda x: xp.sum(xp.reshape(x, (0, 4))), (2, 0)),
        (lambda x: xp.sum(xp.concat([x, x])), (0, 2)),
        (lambda x: xp.sum(x[:, 0]), (0, 2)),
        (lambda x: xp.sum(xp.mean(x, axis=1)), (0, 2)),
        (lambda x: xp.sum(xp.linear(x, np.ones((2, 3)), np.ones(3))), (0, 2)),
        (lambda x: xp.sum(xp.log_softmax(x)), (0, 2)),
        (lambda x: xp.sum(xp.exp(x)), ()),
        (lambda x: xp.max(x) * xp.min(x) + xp.mean(x), ()),
        (lambda x: xp.reshape(x, ()) + xp.sum(xp.reshape(x, (1, 1))), ()),
        (lambda x: xp.sum(xp.squeeze(x, 0) + x), (1,)),
        (lambda x: x @ x, (0,)),
    ],
)  # fmt: skip
def test_14_empty_and_0d(f, shape):
    x = np.full(shape, 0.5)
    g = pb.grad(f)(x)
    assert g.shape == shape
    if x.size:
        pb.check_grads(f, (x,), order=2)


# ── 15, 16 ────────────────────────────────────────────────────────────────────────────────────


def test_15_mutation_between_forward_and_backward_is_never_a_wrong_number():
    x, w = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    _, pull = pb.vjp(lambda x: x * x * w + x @ w, x)
    expected = pull(np.ones(2))[0]
    x *= 7
    w *= 7
    np.testing.assert_array_equal(pull(np.ones(2))[0], expected)

    def f(y):
        out = y * y
        x[0] = 100.0
        return xp.sum(out)

    with pytest.raises(ValueError, match="read-only"):
        pb.grad(f)(x)
    assert x.flags.writeable


def test_15_the_caller_s_list_of_arrays_may_change():
    xs = [np.ones(2), np.ones(3)]

    def f(xs_):
        xs.pop()
        return xp.sum(xs_[0]) + 2 * xp.sum(xs_[1])

    g = pb.grad(f)(xs)
    assert [v.tolist() for v in g] == [[1.0, 1.0], [2.0, 2.0, 2.0]]


def _store(x):
    room = np.zeros(2)
    room[0] = x[0]
    return room[0]


ADVICE = r"pb\.stop_gradient|pb\.xp"


@pytest.mark.parametrize(
    "f",
    [
        _store,
        lambda x: math.sin(x[0]),
        lambda x: float(x[0]),
        lambda x: complex(x[0]),
        lambda x: x[0].item(),
        lambda x: np.asarray(x),
        lambda x: np.array([x[0], x[1]]),
        lambda x: np.linalg.norm(x),
        lambda x: np.add.reduce(x),
        lambda x: np.add(x, x, out=np.zeros(2)),
        lambda x: np.zeros(2).__iadd__(x),
        lambda x: np.from_dlpack(x),
        lambda x: pb.to_numpy(x),
        lambda x: np.histogram(x),
    ],
    ids=["ndarray[0] =", "math.sin", "float", "complex", "item", "asarray", "array of list", "norm", "reduce", "out=", "+=",
         "dlpack", "to_numpy", "histogram"],
)  # fmt: skip
def test_16_a_gradient_is_never_cut_silently(f):
    """Each of these would take the number and lose its derivative."""
    with pytest.raises((TypeError, ValueError)) as caught:
        pb.grad(lambda x: xp.sum(f(x)))(np.ones(2))
    texts = [str(caught.value), str(caught.value.__cause__)]
    assert any("pb.stop_gradient" in t or "pb.xp" in t for t in texts), texts


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (np.sin, np.cos([0.3, 0.4])),
        (lambda x: np.exp(x) + np.absolute(x), np.exp([0.3, 0.4]) + 1),
        (lambda x: np.array([2.0, 3.0]) * x, [2.0, 3.0]),
        (lambda x: np.array([2.0, 3.0]) @ x, [2.0, 3.0]),
        (lambda x: np.float64(2) * x + np.float32(1), [2.0, 2.0]),
        (lambda x: np.float64(1) - x, [-1.0, -1.0]),
        (lambda x: np.maximum(x, 0.35), [0.0, 1.0]),
    ],
    ids=["sin", "exp and absolute", "ndarray *", "ndarray @", "NumPy scalars", "scalar on the left", "maximum"],
)
def test_16_numpy_s_own_functions_give_the_right_answer(f, expected):
    np.testing.assert_allclose(pb.grad(lambda x: xp.sum(f(x)))(np.array([0.3, 0.4])), expected, rtol=1e-14)


# ── 17, 18 ────────────────────────────────────────────────────────────────────────────────────

_POSITIVE = lambda x: x @ x.mT + 3 * np.eye(3)


@pytest.mark.parametrize(
    "f",
    rows(
        ("solve", "linalg.solve", lambda x: xp.linalg.solve(_POSITIVE(x), x)),
        ("cholesky", "linalg.cholesky", lambda x: xp.linalg.cholesky(_POSITIVE(x))),
        ("inv", "linalg.inv", lambda x: xp.linalg.inv(_POSITIVE(x))),
        ("det", "linalg.det", lambda x: xp.linalg.det(_POSITIVE(x)) / 100),
        ("slogdet", "linalg.slogdet", lambda x: xp.linalg.slogdet(_POSITIVE(x))[1]),
        ("eigh", "linalg.eigh", lambda x: xp.linalg.eigh(_POSITIVE(x))[0]),
        ("eigvalsh", "linalg.eigvalsh", lambda x: xp.linalg.eigvalsh(_POSITIVE(x))),
        ("svdvals", "linalg.svdvals", lambda x: xp.linalg.svdvals(_POSITIVE(x))),
        ("qr", "linalg.qr", lambda x: xp.linalg.qr(_POSITIVE(x))[1]),
    ),
)
def test_17_third_order_through_factorisations(f):
    """No factor is a constant of the higher derivatives."""
    x = np.random.default_rng(3).uniform(-1, 1, (3, 3))
    pb.check_grads(f, (x,), order=3, rtol=1e-5)


@pytest.mark.skipif(not hasattr(pb, "linalg"), reason="pb.linalg.cg comes with the adjoint solve")
def test_18_krylov_solvers_report_failure():
    A = np.diag(np.linspace(1e-12, 1.0, 50))
    with pytest.raises(Exception, match=r"residual"):
        pb.linalg.cg(A, np.ones(50), maxiter=3)


# ── 19, 20: memory and depth (more in test_tape.py) ───────────────────────────────────────────


def test_19_four_iterations_without_gc_grow_by_nothing():
    import gc

    x = np.ones((10, 10))
    step = lambda: pb.grad(lambda x: xp.sum(xp.tanh(x @ x)))(x)
    step()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(4):
            step()
        assert len(gc.get_objects()) == before
    finally:
        gc.enable()


def test_20_depth_beyond_the_recursion_limit():
    import sys

    n = 3 * sys.getrecursionlimit()

    def f(x):
        for _ in range(n):
            x = xp.sin(x) + x
        return x

    assert np.isfinite(pb.grad(lambda x: f(x) * 0.0 + x)(0.0))


# ── 21 ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    rows(
        ("tanh", "tanh", xp.tanh, [20.0, -20.0, 300.0, 0.0], [4 * math.exp(-40), 4 * math.exp(-40), 4 * math.exp(-600), 1]),
        ("sigmoid", "sigmoid", xp.sigmoid, [-40.0, 40.0, -700.0, 0.0], [math.exp(-40), math.exp(-40), math.exp(-700), 0.25]),
        ("softplus", "softplus", xp.softplus, [-40.0, 40.0, -700.0, 0.0], [math.exp(-40), 1, math.exp(-700), 0.5]),
        ("log1p", "log1p", xp.log1p, [1e-20, 1e300], [1, 1e-300]),
        ("expm1", "expm1", xp.expm1, [1e-20, -50.0], [1, math.exp(-50)]),
        ("abs of large complex", "abs", xp.abs, [1e200 + 1e200j], [(1 + 1j) / math.sqrt(2)]),
        ("abs of tiny complex", "abs", xp.abs, [1e-300 + 1e-300j], [(1 + 1j) / math.sqrt(2)]),
        ("sqrt of tiny", "sqrt", xp.sqrt, [1e-300], [0.5e150]),
        ("divide large", "divide", lambda x: 1.0 / x, [1e200], [-0.0]),
    ),
)
def test_21_no_digits_are_cancelled(f, x, expected):
    with np.errstate(under="ignore"):
        np.testing.assert_allclose(grads(f, x)[0], expected, rtol=1e-13)


def test_21_second_derivatives_in_the_tails():
    """tanh'' = −2 tanh sech², σ'' = σ' (1 − 2σ)."""
    second = lambda f: pb.grad(lambda x: xp.sum(pb.grad(lambda y: xp.sum(f(y)))(x)))
    x = np.array([20.0, -20.0, 0.5])
    sech2 = 1 / np.cosh(x) ** 2
    np.testing.assert_allclose(second(xp.tanh)(x), -2 * np.tanh(x) * sech2, rtol=1e-12)
    s = 1 / (1 + np.exp(-x))
    slope = 0.25 / np.cosh(x / 2) ** 2
    np.testing.assert_allclose(second(xp.sigmoid)(x), slope * (1 - 2 * s), rtol=1e-12)
    np.testing.assert_allclose(second(xp.softplus)(x), slope, rtol=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "by_a", "by_b"),
    [
        (-np.inf, -np.inf, 0.0, 0.0),
        (-np.inf, 1.0, 0.0, 1.0),
        (np.inf, 1.0, None, None),
        (1000.0, 1000.0, 0.5, 0.5),
        (-1000.0, 1000.0, 0.0, 1.0),
        (0.0, -40.0, 1.0, math.exp(-40)),
    ],
)
def test_21_logaddexp_at_the_ends(a, b, by_a, by_b):
    g, h = grads(xp.logaddexp, [a], [b])
    assert not np.isnan([*g, *h]).any()
    if by_a is not None:
        np.testing.assert_allclose([*g, *h], [by_a, by_b], rtol=1e-13)


@pytest.mark.parametrize(
    ("x", "value", "weights"),
    [
        ([-np.inf, -np.inf], -np.inf, [0.0, 0.0]),
        ([-np.inf, 2.0], 2.0, [0.0, 1.0]),
        ([1e4, 1e4], 1e4 + math.log(2), [0.5, 0.5]),
        ([-1e4, 1e4], 1e4, [0.0, 1.0]),
        ([-1e308, -1e308], -1e308, [0.5, 0.5]),
    ],
)
def test_21_logsumexp_at_the_ends(x, value, weights):
    with np.errstate(divide="ignore"):  # log 0 is −inf, and that is the answer
        got, g = pb.value_and_grad(xp.logsumexp)(np.array(x))
    assert got == value
    np.testing.assert_allclose(g, weights, rtol=1e-12)


# ── 22 to 26 ──────────────────────────────────────────────────────────────────────────────────


def test_22_repeated_indices_accumulate_in_reading_and_only_the_last_write_counts():
    x, key = np.array([1.0, 2.0, 3.0]), np.array([0, 0, 2, 0])
    np.testing.assert_array_equal(pb.grad(lambda x: xp.sum(x[key] * np.array([1.0, 10.0, 100.0, 1000.0])))(x), [1011, 0, 100])

    def write(x, v):
        x[key] = v
        return xp.sum(x * np.array([1.0, 10.0, 100.0]))

    by_x, by_v = pb.grad(write, argnums=(0, 1))(x, np.array([5.0, 6.0, 7.0, 8.0]))
    np.testing.assert_array_equal(by_x, [0.0, 10.0, 0.0])
    np.testing.assert_array_equal(by_v, [0.0, 0.0, 100.0, 1.0])


@pytest.mark.skipif(not hasattr(xp, "einsum"), reason="the standard has no einsum, nor has pb.xp yet")
def test_22_einsum_with_a_repeated_index_scatters_to_the_diagonal():
    np.testing.assert_array_equal(pb.grad(lambda A: xp.sum(xp.einsum("ii->i", A)))(np.ones((3, 3))), np.eye(3))


@needs("fft.rfft", "fft.irfft")
@pytest.mark.parametrize("n", [4, 5, 6, 7, 8, 11])
@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("length", [5, 6])
def test_23_real_fft(n, norm, length):
    rng = np.random.default_rng(n)
    x = rng.standard_normal((2, length))
    z = x + 1j * rng.standard_normal((2, length))
    pb.check_grads(lambda x: xp.fft.rfft(x, n=n, norm=norm), (x,))
    pb.check_grads(lambda z: xp.fft.irfft(z, n=n, norm=norm), (z,))
    pb.check_grads(lambda x: xp.fft.irfft(xp.fft.rfft(x, norm=norm), n=length, norm=norm), (x,))


def test_24_two_gradients_never_share_a_buffer_and_come_back_usable():
    x = np.asfortranarray(np.ones((3, 4)))
    g, h, k = pb.grad(lambda a, b, c: xp.sum(a + b) + xp.sum((c.T @ np.ones((3, 2))).T), argnums=(0, 1, 2))(x, x, x)
    for one in (g, h, k):
        assert one.flags.c_contiguous
        assert one.flags.writeable
        assert one.flags.owndata
    for one, other in ((g, h), (g, k), (h, k), (g, x)):
        assert not np.shares_memory(one, other)


@pytest.mark.skipif(not hasattr(pb, "random"), reason="pullback has no random functions yet")
def test_25_random_functions_draw_the_same_in_recomputation():
    key = pb.random.key(0)
    f = lambda x: xp.sum(x * pb.random.normal(key, x.shape))
    np.testing.assert_array_equal(pb.grad(pb.checkpoint(f))(np.ones(3)), pb.grad(f)(np.ones(3)))


def test_26_threads_do_not_see_each_other_s_tapes():
    """Each thread's leaf is a constant in the other's gradient."""
    shared, ready, results = {}, threading.Barrier(2), {}

    def work(me: str, other: str):
        def f(x):
            shared[me] = x
            ready.wait(timeout=10)
            y = xp.sum(x * x)
            ready.wait(timeout=10)
            return y + 0 * len(shared[other].shape)

        results[me] = pb.grad(f)(np.full(2, 1.0 if me == "a" else 10.0))

    threads = [threading.Thread(target=work, args=names) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(results["a"], [2.0, 2.0])
    np.testing.assert_array_equal(results["b"], [20.0, 20.0])


def test_26_exceptions_leave_no_tape_open():
    seen = []

    def f(x):
        seen.append(x)
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        pb.grad(f)(np.ones(2))
    assert not seen[0].traced
    assert not (seen[0] * 2).traced
    np.testing.assert_array_equal(pb.grad(lambda x: xp.sum(x * seen[0]))(np.ones(2)), [1.0, 1.0])
