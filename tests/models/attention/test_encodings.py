"""Positions: sinusoidal, learned, rotary."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(12)


def same(got, wanted):
    np.testing.assert_allclose(pb.to_numpy(xp.asarray(got)), wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("features", [6, 5, 1])
def test_sinusoidal_is_its_formula(features):
    table = M.SinusoidalEncoding.init(9, features, base=100.0, dtype="float64").table
    for t in range(9):
        for j in range(features):
            angle = t / 100.0 ** (2 * (j // 2) / features)
            np.testing.assert_allclose(
                table[t, j], np.cos(angle) if j % 2 else np.sin(angle), atol=1e-14
            )


def test_encodings_add_rows():
    x = RNG.standard_normal((2, 4, 6))
    for encoding in (
        M.SinusoidalEncoding.init(9, 6, dtype="float64"),
        M.LearnedEncoding.init(9, 6, dtype="float64"),
    ):
        (table,) = pb.tree.leaves(encoding)
        same(encoding(x), x + table[:4])
        same(encoding(x, positions=np.arange(3, 7)), x + table[3:7])
        each = np.array([[0, 1, 2, 3], [5, 5, 8, 0]])
        same(encoding(x, positions=each), x + table[each])
        with pytest.raises(ValueError, match=r"\(…, length, 6\)"):
            encoding(x[..., :5])
        with pytest.raises(ValueError, match="10 positions"):
            encoding(np.zeros((10, 6)))
        with pytest.raises(IndexError, match="position 9 is not one of 0 … 8"):
            encoding(x, positions=[0, 1, 2, 9])
        with pytest.raises(TypeError, match="integers"):
            encoding(x, positions=np.arange(4.0))


def test_what_is_a_parameter():
    x = np.zeros((3, 2))
    loss = lambda e: xp.sum(e(x, positions=[0, 0, 1]) * np.arange(1.0, 4.0)[:, None])
    learned = pb.grad(loss)(M.LearnedEncoding.init(4, 2, dtype="float64"))
    same(learned.W, [[3.0, 3.0], [3.0, 3.0], [0.0, 0.0], [0.0, 0.0]])
    fixed = M.SinusoidalEncoding.init(4, 2, dtype="float64")
    assert np.all(pb.grad(loss)(fixed).table == 0)
    assert pb.tree.leaves(M.parameter_mask(fixed)) == [False]


def test_rotary_is_a_product_with_complex_numbers():
    x = RNG.standard_normal((2, 3, 5, 8))
    positions = np.array([0, 3, 1, 10_001, 2])
    frequencies = 500.0 ** (-np.arange(4) / 4)
    turned = (x[..., :4] + 1j * x[..., 4:]) * np.exp(1j * positions[:, None] * frequencies)
    got = M.rotary(x, positions, base=500.0)
    np.testing.assert_allclose(
        pb.to_numpy(got), np.concatenate([turned.real, turned.imag], -1), rtol=1e-9, atol=1e-9
    )
    same(M.rotary(x), pb.to_numpy(M.RotaryEncoding()(x, positions=np.arange(5))))
    pb.check_grads(lambda x: M.rotary(x, positions), (x,))


def test_rotary_products_see_distances():
    q, k = RNG.standard_normal((1, 8)), RNG.standard_normal((1, 8))
    products = [float(xp.sum(M.rotary(q, [t]) * M.rotary(k, [t + 3]))) for t in (0, 1, 50, 10**6)]
    np.testing.assert_allclose(products, products[0], rtol=1e-7)


def test_rotary_on_libraries(lib):
    x = RNG.standard_normal((2, 5, 8)).astype("float32")
    got = M.rotary(lib.asarray(x))
    assert str(got.dtype).endswith("float32")
    np.testing.assert_allclose(
        lib.to_numpy(got.value), pb.to_numpy(M.rotary(x.astype("float64"))), rtol=1e-5, atol=1e-6
    )
    table = pb.tree.map(lib.asarray, M.LearnedEncoding.init(9, 8))
    grads = pb.grad(lambda e: xp.sum(e(lib.asarray(x), positions=lib.asarray(np.arange(5))) ** 2))(
        table
    )
    assert lib.is_raw(grads.W)


def test_refused_settings():
    for make in (M.SinusoidalEncoding.init, M.LearnedEncoding.init):
        with pytest.raises(ValueError, match="length=0"):
            make(0, 4)
    with pytest.raises(ValueError, match="base"):
        M.SinusoidalEncoding.init(4, 4, base=0.0)
    with pytest.raises(ValueError, match="base"):
        M.RotaryEncoding(base=-1.0)
    with pytest.raises(ValueError, match="even"):
        M.rotary(np.ones((3, 5)))
    with pytest.raises(TypeError, match="integers"):
        M.rotary(np.ones((1, 2)), [0.5])


@pytest.mark.parametrize("positions", [[2, 0], (2, 0), range(2, -1, -2), [np.int64(2), 0]])
def test_positions_in_a_list_lie_where_the_inputs_are(positions, lib):
    """Whatever the active backend is."""
    x = np.random.default_rng(0).standard_normal((2, 4))
    expected = pb.to_numpy(pb.models.rotary(x, np.asarray([2, 0])))
    with pb.backend.use("numpy"):
        got = pb.models.rotary(lib.asarray(x), positions)
    np.testing.assert_allclose(lib.to_numpy(got.value), expected, rtol=1e-12)
