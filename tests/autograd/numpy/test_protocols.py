"""NumPy's own functions of pullback arrays, as people call them: right, or refused with advice."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy
from pullback.autograd.numpy import protocols, refusals

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
A = np.asarray([0.5, 1.5, 2.5])
B = np.asarray([[1.0, -2.0, 0.5], [2.0, 3.0, -1.5], [0.25, 1.0, 2.0]])
CONSTANT = {name for name in dir(np) if refusals.kind_of(name) == "constant"}


def tapped(f, *xs):
    """`f` of traced arrays, and whether its result is traced."""
    seen = []

    def g(*ys):
        out = f(*ys)
        seen.append(type(out) is pb.Array and out.traced)
        return xp.sum(out)

    return pb.grad(g, argnums=tuple(range(len(xs))))(*xs), seen[0]


def leaves(x):
    return list(x) if isinstance(x, tuple | list) else [x]


# ── ufuncs ────────────────────────────────────────────────────────────────────────────────────────

UFUNCS = sorted({u.__name__ for u in vars(np).values() if isinstance(u, np.ufunc)})
ROUTED = {
    "absolute": "abs", "arccos": "acos", "arctan2": "atan2", "conjugate": "conj", "power": "pow", "rint": "round",
    "sin": "sin", "exp": "exp", "multiply": "multiply", "matmul": "matmul", "maximum": "maximum", "hypot": "hypot",
}  # fmt: skip


def operands(ufunc):
    if ufunc.__name__ in ("matvec", "vecmat"):
        return [B, A] if ufunc.__name__ == "matvec" else [A, B]
    return [A / 3, B.T / 4][: ufunc.nin]


def try_ufunc(ufunc, *xs):
    """What it returns, or None for an error with advice."""
    try:
        return ufunc(*xs)
    except (TypeError, pb.MissingRuleError) as error:
        advice = str(error)
    assert "pb.xp" in advice or "pb.defvjp" in advice
    return None


@pytest.mark.parametrize("name", UFUNCS)
@np.errstate(all="ignore")
def test_every_ufunc_is_right_or_refuses(name):
    """Of a traced array, NumPy's value, traced; or an error with advice. Of a constant, NumPy's value."""
    ufunc = getattr(np, name)
    hosts = operands(ufunc)
    try:
        expected = ufunc(*hosts)
    except TypeError:
        pytest.skip("not for floating point")
    outs = []

    def f(*xs):
        out = try_ufunc(ufunc, *xs)
        outs.append(out)
        total = xp.sum(xs[0])
        for y in leaves(out):
            if np.issubdtype(y.dtype, np.inexact) and name not in CONSTANT:
                assert y.traced
                total = total + xp.sum(y)
        return total

    pb.grad(f, argnums=tuple(range(len(hosts))))(*hosts)
    if name in ROUTED:
        assert outs[0] is not None
    for y, wanted in (
        zip(leaves(outs[0]), leaves(expected), strict=True) if outs[0] is not None else ()
    ):
        np.testing.assert_allclose(pb.to_numpy(pb.stop_gradient(y)), wanted, rtol=1e-13)
    got = ufunc(*(xp.asarray(a) for a in hosts))
    for y, wanted in zip(leaves(got), leaves(expected), strict=True):
        assert type(y) is pb.Array
        np.testing.assert_allclose(np.asarray(y), wanted, rtol=1e-13)


@pytest.mark.parametrize(("name", "ours"), ROUTED.items())
def test_ufuncs_have_the_gradient_of_their_counterpart(name, ours):
    ufunc, function = getattr(np, name), getattr(xp, ours)
    hosts = [np.abs(B) / 4, np.abs(B.T) / 3 + 0.1][: ufunc.nin]
    got, traced = tapped(ufunc, *hosts)
    assert traced
    for g, wanted in zip(got, tapped(function, *hosts)[0], strict=True):
        np.testing.assert_array_equal(g, wanted)
    if ufunc.nin == 2:
        (g,), _ = tapped(lambda y: ufunc(hosts[0], y), hosts[1])
        np.testing.assert_array_equal(g, got[1])


FUNCTIONS = {
    "mean": lambda np, x: np.mean(x, axis=0), "sum": lambda np, x: np.sum(x, axis=1, keepdims=True),
    "var": lambda np, x: np.var(x), "concatenate": lambda np, x: np.concat([x, x], axis=1),
    "stack": lambda np, x: np.stack([x, 2 * x]), "where": lambda np, x: np.where(x > 0, x, 0 * x),
    "reshape": lambda np, x: np.reshape(x, (9,)), "clip": lambda np, x: np.clip(x, 0.0, 1.5),
    "broadcast_to": lambda np, x: np.broadcast_to(x, (2, 3, 3)), "tensordot": lambda np, x: np.tensordot(x, x, axes=1),
    "det": lambda np, x: np.linalg.det(x), "inv": lambda np, x: np.linalg.inv(x),
    "solve": lambda np, x: np.linalg.solve(x, 2 * x + 1), "sort": lambda np, x: np.sort(x, axis=0),
}  # fmt: skip


@pytest.mark.parametrize("call", FUNCTIONS.values(), ids=FUNCTIONS)
def test_numpy_functions_of_the_standard_s_names_and_signatures(call):
    (expected,), _ = tapped(lambda x: call(xp, x), B)
    (got,), traced = tapped(lambda x: call(np, x), B)
    assert traced
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    np.testing.assert_allclose(np.asarray(call(np, xp.asarray(B))), call(np, B), rtol=1e-12)


# ── in NumPy's own forms ──────────────────────────────────────────────────────────────────────────

CALLS = {
    "cumsum": lambda x: np.cumsum(x),
    "norm": lambda x: np.linalg.norm(x),
    "norm axis": lambda x: np.linalg.norm(np.stack([x, x]), axis=1),
    "ddof": lambda x: np.std(x, ddof=1),
    "ufunc.reduce": lambda x: np.add.reduce(x),
    "ufunc.reduce axis": lambda x: np.multiply.reduce(np.stack([x, x]), axis=1, keepdims=True),
    "ufunc.accumulate": lambda x: np.add.accumulate(x),
    "ufunc.outer": lambda x: np.multiply.outer(x, A),
    "ufunc.reduceat": lambda x: np.add.reduceat(x, [0, 2]),
    "ufunc dtype=": lambda x: np.exp(x, dtype=np.float64),
    "ufunc where=": lambda x: np.where(A > 1, np.multiply(x, x, where=A > 1, out=None), 0.0),
    "ufunc out=None": lambda x: np.exp(x, out=None),
    "median": lambda x: np.median(x),
    "percentile": lambda x: np.percentile(x, [25, 60]),
    "positional axis": lambda x: np.sum(x, 0),
    "ptp": lambda x: np.ptp(x),
    "cbrt": lambda x: np.cbrt(x),
    "clip": lambda x: np.clip(x, 1.0, None),
    "diag": lambda x: np.diag(x) + np.diag(np.outer(x, x)),
    "trace": lambda x: np.trace(np.outer(x, x)),
    "append": lambda x: np.append(x, x[0]),
    "cross": lambda x: np.cross(x, A[::-1]),
    "select": lambda x: np.select([A > 1, A > 0], [x**2, x], 0.0),
    "convolve": lambda x: np.convolve(x, A, mode="same"),
    "vander": lambda x: np.vander(x),
    "tile": lambda x: np.tile(x, (2, 1)),
    "roll": lambda x: np.roll(x, 1),
    "diff": lambda x: np.diff(x, prepend=0.0),
    "gradient": lambda x: np.gradient(x),
    "interp": lambda x: np.interp(1.2, A, x),
    "linspace": lambda x: np.linspace(x[0], x[1], 4),
    "full_like": lambda x: np.full_like(x, x[0]),
    "split": lambda x: np.split(x, [1])[1],
    "atleast_2d": lambda x: np.atleast_2d(x),
    "einsum": lambda x: np.einsum("i,j->ij", x, A),
    "tensordot": lambda x: np.tensordot(np.outer(x, x), A, 1),
    "fft": lambda x: np.real(np.fft.fft(x) * np.conj(np.fft.fft(A))),
    "fftshift": lambda x: np.fft.fftshift(x),
    "det": lambda x: np.linalg.det(np.diag(x) + 1.0),
    "solve": lambda x: np.linalg.solve(np.diag(x) + 0.5, A),
    "inv": lambda x: np.linalg.inv(np.diag(x) + 0.5),
    "eigvalsh": lambda x: np.linalg.eigvalsh(np.diag(x) + 0.5),
    "multi_dot": lambda x: np.linalg.multi_dot([np.outer(x, x), np.outer(A, x), A]),
    "vector_norm": lambda x: np.linalg.vector_norm(x, ord=3),
    "take": lambda x: np.take(x, [[0, 2]]),
    "choose": lambda x: np.choose(np.asarray([1, 0, 1]), [x, 2 * x]),
    "extract": lambda x: np.extract(A > 1, x),
    "average": lambda x: np.average(x, weights=A),
    "cov": lambda x: np.cov(x, A),
    "nansum": lambda x: np.nansum(x),
    "trapezoid": lambda x: np.trapezoid(x, dx=0.5),
    "round": lambda x: np.round(x, 1) + x,
    "kron": lambda x: np.kron(x, A),
    "sliding_window_view": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2).prod(axis=1),
    "sliding windows of two axes": lambda x: np.lib.stride_tricks.sliding_window_view(np.outer(x, x), (2, 3)),
    "sliding windows of one axis": lambda x: np.lib.stride_tricks.sliding_window_view(np.outer(x, x), 2, axis=0),
    "unwrap": lambda x: np.unwrap(x),
    "sort": lambda x: np.sort(x)[::-1],
    "unique": lambda x: np.unique(x),
    "rot90": lambda x: np.rot90(np.outer(x, A)),
    "pad": lambda x: np.pad(x, 1, mode="linear_ramp"),
    "insert": lambda x: np.insert(x, 1, 9.0),
    "where": lambda x: np.where(A > 1, x, 0),
    "geomspace": lambda x: np.geomspace(x[0], x[1], 3),
    "meshgrid": lambda x: np.meshgrid(x, A)[0],
    "block": lambda x: np.block([[np.outer(x, x)], [x]]),
    "divmod": lambda x: np.divmod(x, 0.7)[1],
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_calls_as_people_write_them(call):
    """The value and the gradient of the same call on NumPy's arrays."""
    expected = call(A)
    got = call(xp.asarray(A))
    assert type(got) is pb.Array
    np.testing.assert_allclose(pb.to_numpy(got), expected, rtol=1e-12, atol=1e-14)
    weights = np.cos(np.arange(np.size(expected))).reshape(np.shape(expected))

    def f(x):
        return xp.sum(weights * call(x))

    seen = []
    gradient = pb.grad(lambda x: seen.append(call(x).traced) or f(x))(A)
    assert seen == [True]
    steps = 1e-6 * np.eye(3)
    slopes = [(np.sum(weights * call(A + h)) - np.sum(weights * call(A - h))) / 2e-6 for h in steps]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-7)


# ── what cannot be ────────────────────────────────────────────────────────────────────────────────


def test_in_place_of_numpy_arrays_takes_constants_and_refuses_traced_arrays():
    host = A.copy()
    host += xp.asarray(B[0])
    assert type(host) is np.ndarray
    np.testing.assert_array_equal(host, A + B[0])
    np.add.at(host, [0, 0], xp.ones(2))
    np.testing.assert_array_equal(host, A + B[0] + [2.0, 0.0, 0.0])

    def adds(x):
        total = np.zeros(3)
        total += x
        return xp.sum(total)

    def at(x):
        np.add.at(np.zeros(3), [0, 1, 2], x)
        return xp.sum(x)

    for f in (adds, at):
        with pytest.raises(
            TypeError, match=r"NumPy array cannot record.*y = y \+ x.*pb\.xp\.zeros"
        ):
            pb.grad(f)(A)


STORES = {
    "element": lambda x: np.zeros(3).__setitem__(0, x[0]),
    "slice": lambda x: np.zeros(3).__setitem__(slice(None), x),
    "array of elements": lambda x: np.array([x[0], x[1]]),
    "array": lambda x: np.array(x),
    "asarray": lambda x: np.asarray([x, x]),
}


@pytest.mark.parametrize("store", STORES.values(), ids=STORES)
def test_traced_values_in_numpy_arrays_are_refused_with_the_ways_that_work(store):
    """NumPy says "setting an array element with a sequence" itself, raised from our error."""
    with pytest.raises((TypeError, ValueError)) as caught:
        pb.grad(lambda x: store(x) or xp.sum(x))(A)
    error = caught.value if "pb." in str(caught.value) else caught.value.__cause__
    for way in ("pb.xp.zeros", "pullback.numpy.array([", ".set(x)", "stop_gradient"):
        assert way in str(error)


OUT = {
    "ufunc": lambda x: np.add(x, 1.0, out=np.zeros(3)),
    "method": lambda x: np.add.reduce(x, out=np.zeros(())),
    "function": lambda x: np.cumsum(x, out=np.zeros(3)),
    "ours": lambda x: np.add(x, 1.0, out=xp.zeros(3)),
    "constants into ours": lambda x: np.add(A, A, out=xp.zeros(3)),
    "function into ours": lambda x: np.cumsum(A, out=xp.zeros(3)),
}


@pytest.mark.parametrize("call", OUT.values(), ids=OUT)
def test_outputs_are_refused_with_the_way_that_works(call):
    with pytest.raises(TypeError, match=r"write y = numpy\."):
        pb.grad(lambda x: xp.sum(call(x)))(A)


def test_outputs_of_constants_are_numpy_s():
    out = np.zeros(3)
    assert np.add(xp.asarray(A), 1.0, out=out) is out
    np.testing.assert_array_equal(out, A + 1.0)
    np.cumsum(xp.asarray(A), out=out)
    np.testing.assert_array_equal(out, np.cumsum(A))


REFUSED = {
    "packbits": lambda x: np.packbits(x),
    "datetime_as_string": lambda x: np.datetime_as_string(x),
    "another library's ufunc": lambda x: np.frompyfunc(lambda a: a, 1, 1)(x),
    "polynomial module": lambda x: np.lib.scimath.sqrt(x),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_recorded_says_what_to_use(call):
    with pytest.raises(
        TypeError, match=r"cannot be recorded; .*pb\.to_numpy\(pb\.stop_gradient\(x\)\)"
    ):
        pb.grad(lambda x: call(x) or xp.sum(x))(A)


def test_functions_without_a_front_are_numpy_s_on_constants():
    bits = np.packbits(xp.asarray(np.asarray([True, False, True])))
    np.testing.assert_array_equal(bits, np.packbits([True, False, True]))


def test_windows_that_do_not_fit():
    windows = np.lib.stride_tricks.sliding_window_view
    for arguments in ((4,), ((2, 2),)):
        with pytest.raises(ValueError, match="window"):
            windows(xp.asarray(A), *arguments)
    with pytest.raises(ValueError, match="copies"):
        windows(xp.asarray(A), 2, writeable=True)


def test_scipy_s_ufuncs_are_those_of_pb_special():
    special = pytest.importorskip("scipy.special")
    (got,), traced = tapped(special.erf, A)
    assert traced
    np.testing.assert_array_equal(got, tapped(pb.special.erf, A)[0][0])
    with pytest.raises(TypeError, match="cannot be recorded"):
        pb.grad(lambda x: xp.sum(special.airy(x)[0]))(A)


def test_fronts_are_looked_up_once():
    np.sin(xp.asarray(A))
    np.mean(xp.asarray(A))
    assert protocols._UFUNCS[np.sin] is pullback.numpy.sin
    assert protocols._FUNCTIONS[np.mean] is pullback.numpy.mean


def test_nested_derivatives_and_compiled_programs():
    f = lambda x: np.sum(np.cumsum(np.sort(x)) ** 2) + np.linalg.norm(x) + np.median(x)
    pb.check_grads(f, (A,), order=2)
    compiled = pb.compile(pb.grad(lambda x: f(xp.asarray(x))))
    for x in (A, 2 * A):
        np.testing.assert_allclose(compiled(x), pb.grad(f)(x), rtol=1e-12)


def test_questions_of_shape_and_dtype_cut_nothing():
    def f(x):
        assert (np.shape(x), np.ndim(x), np.size(x)) == ((3, 3), 2, 9)
        assert np.isrealobj(x)
        assert not np.iscomplexobj(x)
        assert np.result_type(x, np.float32) == np.float64
        assert np.zeros_like(x).shape == (3, 3)
        assert np.can_cast(x.dtype, float)
        assert np.array_equal(x, B)
        assert np.allclose(x, B)
        return xp.sum(x)

    pb.grad(f)(B)
