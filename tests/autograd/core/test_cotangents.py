"""Fan-out: shares of a cotangent are added up, and no two results share a buffer."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.cotangents import AccumulatedCotangent, ScatteredCotangent, accumulate

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


@pytest.mark.parametrize("uses", [2, 3, 10])
def test_fan_out_adds_up(uses):
    x = np.array([0.5, 1.5])
    g = pb.grad(lambda x: xp.sum(sum((k + 1) * x * x for k in range(uses))))(x)
    np.testing.assert_allclose(g, uses * (uses + 1) * x, rtol=1e-14)


@pytest.mark.parametrize("key", [..., None, (..., None), (None, None), ()], ids=str)
@pytest.mark.parametrize("uses", [1, 2, 3])
def test_fan_out_of_a_number_and_its_views(key, uses):
    """A sum of 0-d shares is NumPy's scalar: a share by `key` has to reach it all the same."""
    for order in (1, -1):

        def f(x, order=order):
            terms = [xp.sum(x[key] * 2), *[xp.sin(x)] * uses, xp.sum(x[key] * x)]
            return sum(terms[::order])

        x = np.asarray(0.7)
        expected = 2 + uses * np.cos(x) + 2 * x
        np.testing.assert_allclose(pb.grad(f)(x), expected, rtol=1e-14)
        np.testing.assert_allclose(pb.jacobian(f)(x), expected, rtol=1e-14)
        np.testing.assert_allclose(pb.hessian(f)(x), 2 - uses * np.sin(x), rtol=1e-13)


def test_fan_out_of_slices_and_dense_uses_in_any_order():
    x = np.arange(1.0, 7.0).reshape(3, 2)
    parts = [
        lambda x: xp.sum(x[0] ** 2),
        lambda x: xp.sum(x * 3),
        lambda x: x[1, 1] * x[2, 0],
        lambda x: xp.sum(x[:, 1]),
    ]
    expected = np.zeros((3, 2))
    expected[0] += 2 * x[0]
    expected += 3
    expected[1, 1] += x[2, 0]
    expected[2, 0] += x[1, 1]
    expected[:, 1] += 1
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]):
        np.testing.assert_allclose(
            pb.grad(lambda x, o=order: sum(parts[i](x) for i in o))(x), expected
        )


def test_accumulate_never_writes_into_a_share():
    """The first share may be the rule's incoming cotangent itself, on its way elsewhere."""
    first, second, third = np.ones(2), np.full(2, 2.0), np.full(2, 3.0)
    cts: list = [first]
    accumulate(cts, 0, cts[0], second)
    accumulate(cts, 0, cts[0], third)
    assert type(cts[0]) is AccumulatedCotangent
    np.testing.assert_array_equal(cts[0].materialize(), [6.0, 6.0])
    np.testing.assert_array_equal([first, second, third], [[1, 1], [2, 2], [3, 3]])


def test_accumulate_scatters_into_one_buffer():
    cts: list = [ScatteredCotangent((3,), 0, np.array(5.0))]
    accumulate(cts, 0, cts[0], ScatteredCotangent((3,), slice(0, 2), np.array([1.0, 2.0])))
    total = cts[0].materialize()
    accumulate(cts, 0, cts[0], ScatteredCotangent((3,), 2, np.array(7.0)))
    np.testing.assert_array_equal(cts[0].materialize(), [6.0, 2.0, 7.0])
    assert cts[0].materialize() is total


def test_two_gradients_never_share_one_buffer():
    """The rule of add gives one cotangent to both."""
    shapes = {
        "same": lambda a, b: xp.sum((a + b) ** 2),
        "negated": lambda a, b: xp.sum((a - b) ** 2),
        "alias": lambda a, b: xp.sum(a),
    }
    for f in shapes.values():
        g, h = pb.grad(f, argnums=(0, 1))(np.ones(3), np.ones(3))
        assert not np.shares_memory(g, h)
        g += 1
    _, pull = pb.vjp(lambda a, b: (a + b, a, b), np.ones(3), np.ones(3))
    ct = np.ones(3)
    g, h = pull((ct, np.zeros(3), ct))
    for a, b in ((g, h), (g, ct), (h, ct)):
        assert not np.shares_memory(a, b)


PASS_THROUGH = {
    "identity": lambda x: x,
    "add": lambda x: x + 0.0,
    "radd": lambda x: 0.0 + x,
    "subtract": lambda x: x - 0.0,
    "positive": lambda x: +x,
    "reshape": lambda x: xp.reshape(x, ()),
    "expand and squeeze": lambda x: xp.squeeze(xp.expand_dims(x, axis=0), 0),
    "astype": lambda x: xp.astype(x, x.dtype),
    "sum of 0-d": lambda x: xp.sum(x),
    "stack": lambda x: xp.stack([x])[0],
}


@pytest.mark.parametrize("f", PASS_THROUGH.values(), ids=PASS_THROUGH)
def test_gradients_are_never_the_cached_seed(f):
    """Rules that pass the cotangent on as it is carry the seed to the input; the caller may write to the result."""
    for make in (np.asarray, lambda x: np.asarray(x, np.float32), lambda x: np.asarray(x + 0j)):
        g = pb.grad(lambda x: xp.real(f(x)) if x.dtype.kind == "c" else f(x))(make(2.0))
        g += 5
        value, again = pb.value_and_grad(lambda x: xp.abs(x * x))(make(3.0))
        assert (value, again) == (9, 6)
        with pb.Tape() as tape:
            x = tape.watch(make(2.0))
            y = xp.real(f(x)) if x.dtype.kind == "c" else f(x)
        for _ in range(2):
            (h,) = tape.gradient(y, [x])
            assert complex(h) == 1
            pb.to_numpy(h)[...] += 5
        _, pull = pb.vjp(f, make(2.0))
        ct = make(1.0)
        (k,) = pull(ct)
        k += 5
        assert ct == 1


def test_the_value_is_never_the_caller_s_own_array():
    x = np.asarray(2.0)
    value, _ = pb.value_and_grad(lambda y: y)(x)
    value += 1
    assert x == 2.0


SOLUTIONS = {
    "cg": lambda x, c: pb.linalg.cg(lambda u: u * (2 + c * c), x, rtol=1e-13)[0],
    "root": lambda x, c: pb.implicit.root(lambda u, p: u - 0.3 * xp.sin(u * p) - c, c * 0, x),
    "argmin": lambda x, c: pb.implicit.argmin(
        lambda u, p: xp.sum((u - p) ** 2 * (1 + c * c)), c * 0, x
    ),
}


@pytest.mark.parametrize("order", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
@pytest.mark.parametrize("name", SOLUTIONS)
def test_fan_out_of_a_solution_s_argument(name, order, lib):
    """The solver's share is an Array and the others are raw, which not every library adds up in either order."""
    x, c = (xp.asarray(lib.asarray(v)) for v in ([0.3, 0.1, 0.9], [0.1, 0.2, 0.3]))
    solution = SOLUTIONS[name]
    parts = [lambda x: xp.sum(xp.sin(solution(x, c))), lambda x: xp.sum(x * x)]

    def total(x):
        return sum((parts[k](x) for k in order[1:]), parts[order[0]](x))

    expected = pb.grad(parts[0])(x) + 4 * x
    found = pb.to_numpy(pb.grad(total)(x))
    np.testing.assert_allclose(found, pb.to_numpy(expected), rtol=1e-12)


def test_a_scattered_share_that_is_an_array_meets_a_raw_buffer(lib):
    cts = [AccumulatedCotangent(lib.asarray([1.0, 2.0, 3.0]))]
    values = pb.xp.asarray(lib.asarray([1.0, 1.0]))
    accumulate(cts, 0, cts[0], ScatteredCotangent((3,), slice(0, 2), values))
    assert pb.to_numpy(cts[0].materialize()).tolist() == [2.0, 3.0, 3.0]
