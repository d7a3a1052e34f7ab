"""Tests of `autograd/compile/cpu/native/segments.py`: what NumPy's functions give, from the second call on."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ....._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
M, xp = pb.models, pb.xp
FUNCTIONS = {
    "sum_by_segment": lambda x, s: M.segment_sum(x, s, num_segments=6),
    "max_by_segment": lambda x, s: M.segment_max(x, s, num_segments=6),
    "take": lambda x, s: xp.take(x, s, axis=0),
}


def rows(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.fixture(scope="module")
def programs():
    return {name: pb.compile(f, fast=True) for name, f in FUNCTIONS.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    ("dtype", "shape"), [("float64", (9, 3)), ("float64", (9,)), ("float32", (9, 2, 2))]
)
def test_as_numpy(programs, name, dtype, shape):
    program, x = programs[name], rows(shape, dtype)
    for seed in range(3):
        numbers = np.random.default_rng(seed).integers(0, 6, 9)
        ours = program(x, numbers)
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, pb.to_numpy(FUNCTIONS[name](x, numbers)), rtol=1e-6)
    assert f"{name}" in program.program(x, numbers)
    assert ": kernel" in program.program(x, numbers)
    strided = np.repeat(x, 2, axis=0)[::2]
    strided.flags.writeable = False
    np.testing.assert_array_equal(program(strided, numbers), ours)
    if shape == (9,):
        for _ in range(2):
            np.testing.assert_array_equal(program(x, numbers.astype(np.uint8)), ours)


def test_nan_is_a_maximum_and_negative_numbers_count_from_the_end(programs):
    x, numbers = rows((9, 3), "float64"), np.asarray([0, 1, 2, 3, 0, 1, 2, 3, 0])
    x[4, 1] = np.nan
    for _ in range(3):
        out = programs["max_by_segment"](x, numbers)
    assert np.argwhere(np.isnan(out)).tolist() == [[0, 1]]
    assert (out[4:] == -np.inf).all()
    for _ in range(3):
        out = programs["take"](x[:, ::-1].copy(), numbers - 9)
    np.testing.assert_array_equal(out, x[numbers - 9, ::-1])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("wrong", [-10, 9])
def test_what_is_out_of_range_is_refused(programs, name, wrong):
    x, numbers = rows((9, 3), "float64"), np.zeros(9, int)
    for _ in range(3):
        programs[name](x, numbers)
    numbers[5] = wrong
    with pytest.raises(IndexError, match=f"index {wrong} is"):
        programs[name](x, numbers)
    numbers[5] = 0
    programs[name](x, numbers)


def test_gradients_of_a_layer():
    layer = M.GraphConv.init(3, 2, dtype="float64")
    x, edges = rows((6, 3), "float64"), np.random.default_rng(0).integers(0, 6, (2, 14))
    loss = lambda m, x, edges: xp.sum(m(x, edges) ** 2)
    step = pb.compile(pb.value_and_grad(loss, argnums=(0, 1)), fast=True)
    for _ in range(3):
        value, (slopes, x_bar) = step(layer, x, edges)
        wanted, (others, wanted_x) = pb.value_and_grad(loss, argnums=(0, 1))(layer, x, edges)
        np.testing.assert_allclose(float(value), float(wanted), rtol=1e-12)
        np.testing.assert_allclose(x_bar, wanted_x, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(slopes.W, others.W, rtol=1e-11, atol=1e-13)
        x, edges = -x, edges[:, ::-1].copy()
