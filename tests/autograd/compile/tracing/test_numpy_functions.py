"""NumPy's own functions of what is recorded: in NumPy's signatures, and beside arrays of pullback's."""

import numpy as np
import pytest

import pullback as pb
import pullback.numpy as pnp
from pullback.autograd.compile import TraceError

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

ONES = np.ones((3, 3))
SIGNATURES = {
    "sum": lambda x: np.sum(x, 0),
    "mean": lambda x: np.mean(x, 1),
    "max": lambda x: np.max(x, 0),
    "prod": lambda x: np.prod(x, 0),
    "argsort": lambda x: np.argsort(x, 0),
    "take": lambda x: np.take(x, [0, 2], 1),
    "std": lambda x: np.std(x, 0),
    "std with ddof": lambda x: np.std(x, ddof=1),
    "var": lambda x: np.var(x, 0, None, None, 1),
    "tensordot": lambda x: np.tensordot(x, x, 1),
    "tensordot of axes": lambda x: np.tensordot(x, x, ([0], [1])),
    "einsum": lambda x: np.einsum("ii->i", x @ x),
    "einsum of lists": lambda x: np.einsum(x, [0, 1], [1, 0]),
    "clip of an element": lambda x: np.clip(np.sum(x), 0, 2),
}
BESIDE = {
    "concatenate": lambda x, a: np.concatenate([x, a]),
    "where": lambda x, a: np.where(x > 0, x, a),
    "einsum": lambda x, a: np.einsum("ij,jk->ik", x, a),
    "kron": lambda x, a: np.kron(x, a),
    "dot": lambda x, a: np.dot(x, a),
    "multiply": lambda x, a: np.multiply(x, a),
    "maximum": lambda x, a: np.maximum(a, x),
    "matmul": lambda x, a: np.matmul(x, a),
    "solve": lambda x, a: np.linalg.solve(x + 9 * np.eye(3), a),
}


def _inputs():
    return [np.random.default_rng(seed).standard_normal((3, 3)) for seed in range(3)]


@pytest.mark.parametrize("name", SIGNATURES)
def test_numpys_signatures(name):
    f = SIGNATURES[name]
    compiled = pb.compile(f, fast=False)
    for x in _inputs():
        found, wanted = pb.to_numpy(compiled(x)), f(x)
        assert found.shape == np.shape(wanted)
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("name", BESIDE)
def test_beside_arrays_of_pullback(name):
    compiled = pb.compile(lambda x: BESIDE[name](x, pb.xp.asarray(ONES)), fast=False)
    for x in _inputs():
        np.testing.assert_allclose(pb.to_numpy(compiled(x)), BESIDE[name](x, ONES), rtol=1e-12)


def test_a_clipped_number():
    compiled = pb.compile(lambda k: np.clip(k, 0, 2), fast=False)
    assert [float(compiled(k)) for k in (3.0, 1.0, -1.0)] == [2.0, 1.0, 0.0]


def test_what_is_not_recorded_is_refused():
    with pytest.raises(TraceError, match=r"numpy\.packbits .* cannot be recorded"):
        pb.compile(lambda x: np.packbits(x > 0))(ONES)
    with pytest.raises(TraceError, match=r"numpy\.add .* cannot be recorded|NumPy array"):
        pb.compile(lambda x: np.add(x, x, out=np.zeros((3, 3))))(ONES)
    with pytest.raises(AttributeError, match="no 'tobytes'; look for a function"):
        pb.compile(lambda x: x.tobytes())(ONES)


FRONTS = {
    "round": lambda x: np.round(x, 1),
    "sum where": lambda x: np.sum(x, where=[True, False, True]),
    "sort": lambda x: np.sort(x, axis=0),
    "append": lambda x: np.append(x, x[0, 0]),
    "add.reduce": lambda x: np.add.reduce(x, axis=1),
    "exp dtype": lambda x: np.exp(x, dtype=np.float32),
    "vander": lambda x: np.vander(x[0]),
    "divmod": lambda x: np.divmod(x, 0.7)[1],
    "split": lambda x: np.split(x, 3)[1],
    "flatten": lambda x: x.flatten(),
    "cumsum": lambda x: x.cumsum(1),
    "std": lambda x: x.std(ddof=1),
    "sum keepdims": lambda x: x.sum(axis=0, keepdims=True),
    "dot": lambda x: x.dot(x),
    "ravel": lambda x: x.T.ravel(),
    "argsort": lambda x: x.argsort(axis=0),
    "clip": lambda x: x.clip(min=0.0),
    "repeat": lambda x: x.repeat(2, axis=0),
}  # fmt: skip


@pytest.mark.parametrize("f", FRONTS.values(), ids=FRONTS)
def test_what_the_library_s_namespace_lacks_is_composed(f):
    compiled = pb.compile(f, fast=False)
    for x in _inputs():
        found, wanted = compiled(x), f(x)
        assert type(found) is np.ndarray
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(
            found, wanted, rtol=1e-6 if wanted.dtype == np.float32 else 1e-12
        )


@pytest.mark.parametrize(
    "write",
    [
        lambda y: y.sort(),
        lambda y: y.fill(3.0),
        lambda y: y.put([0, 4], [1.0, 2.0]),
        lambda y: y[1:].sort(axis=0),
    ],
)
def test_methods_that_write_in_place(write):
    def f(x):
        y = x * 1.0
        part = y[0]
        write(y)
        return np.sum(part) + y

    compiled = pb.compile(f, fast=False)
    for x in _inputs():
        np.testing.assert_allclose(compiled(x), f(x), rtol=1e-12)


# ── what NumPy's functions write into, and methods of other orders ────────────────────────────


def _written(write):
    def f(x):
        y = x * 1
        write(y)
        return y

    return f


WRITES = {
    "put": lambda np_, y: np_.put(y, [0, 1], [5.0, 6.0]),
    "put by name": lambda np_, y: np_.put(a=y, ind=[0, 1], v=[5.0, 6.0]),
    "copyto": lambda np_, y: np_.copyto(y, 2.0, where=y > 0),
    "place": lambda np_, y: np_.place(y, y > 0, [1.0, 2.0]),
    "putmask": lambda np_, y: np_.putmask(y, y > 0, [1.0, 2.0]),
    "put_along_axis": lambda np_, y: np_.put_along_axis(y, np.zeros((1, 3), int), 9.0, 0),
    "fill_diagonal": lambda np_, y: np_.fill_diagonal(y, 2.0),
    "add.at": lambda np_, y: np_.add.at(y, [0, 0], 1.0),
    "into a view": lambda np_, y: np_.put(y[1], [0, 1], [5.0, 6.0]),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("library", [np, pnp], ids=["numpy", "pullback.numpy"])
def test_writes_by_function_are_recorded(name, library):
    """They went into what stood for the recorded array while NumPy's function ran, and were lost."""
    x = np.asarray([[0.3, -0.7, 1.1], [0.4, 2.0, -3.0]])
    compiled = pb.compile(_written(lambda y: WRITES[name](library, y)))
    for given in (x, -x):
        wanted = _written(lambda y: WRITES[name](np, y))(given)
        np.testing.assert_array_equal(compiled(given), wanted)


METHODS = {
    "reshape": lambda x: x.reshape((3, 2), order="F"),
    "reshape of numbers": lambda x: x.reshape(-1, order="F"),
    "copy": lambda x: x.T.copy(order="F"),
    "divmod": lambda x: sum(divmod(x, 0.3)),
    "divmod of a number": lambda x: sum(divmod(2.0, x)),
    "round": lambda x: round(x, 1),
    "nbytes": lambda x: x * x.nbytes / x.itemsize,
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_with_numpys_arguments(name):
    x = np.asarray([[0.3, -0.7, 1.1], [0.4, 2.0, -3.0]])
    compiled = pb.compile(lambda x: METHODS[name](x))
    for given in (x, x + 1):
        wanted = np.round(given, 1) if name == "round" else METHODS[name](given)
        np.testing.assert_allclose(compiled(given), wanted, rtol=1e-12)


@pytest.mark.parametrize("name", ["log", "sqrt", "arccos", "power"])
def test_functions_of_the_same_name_whose_dtype_depends_on_values(name):
    """``np.emath.log`` of a negative number is complex; it was taken for ``np.log``, which gave NaN."""
    x = np.asarray([-1.5, 2.0])
    args = (0.5,) if name == "power" else ()
    with pytest.raises(TraceError, match=f"scimath.{name}"):
        pb.compile(lambda x: getattr(np.emath, name)(x, *args))(x)
