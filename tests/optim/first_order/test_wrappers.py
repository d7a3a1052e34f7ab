"""What goes around an optimiser: clipping, accumulation, averages, the guard against NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

optim = pb.optim


def host(lib, tree):
    return [lib.to_numpy(x) for x in pb.tree.leaves(tree)]


def test_complex_gradients():
    g = np.asarray([3 + 4j, 0])
    assert float(optim.global_norm(g)) == 5
    np.testing.assert_allclose(optim.clip_by_global_norm(g, 1.0), g / 5, rtol=1e-5)
    with pytest.raises(TypeError, match="complex"):
        optim.clip_by_value(g, 1.0)


@pytest.mark.parametrize(
    "inner", [optim.SGD(0.1, momentum=0.5), optim.Adam(0.1)], ids=["sgd", "adam"]
)
def test_accumulated_steps_are_those_of_the_mean(lib, inner):
    opt = optim.Accumulated(inner, every=3)
    params = {"w": lib.asarray([1.0, -2.0]), "key": lib.asarray([7], np.int64)}
    state, expected, after = opt.init(params), params, inner.init(params)
    for k in range(12):
        grads = {"w": lib.asarray([k + 1.0, -k]), "key": None}
        params, state = opt.step(params, grads, state)
        if k % 3 == 2:
            mean = {"w": lib.asarray([float(k), 1.0 - k]), "key": None}
            expected, after = inner.step(expected, mean, after)
        np.testing.assert_allclose(
            lib.to_numpy(params["w"]), lib.to_numpy(expected["w"]), rtol=1e-13
        )
        assert int(lib.to_numpy(state.count)) == (k + 1) % 3
        assert int(lib.to_numpy(state.inner.step)) == (k + 1) // 3
        np.testing.assert_array_equal(lib.to_numpy(params["key"]), [7])


def test_averages(lib):
    opt = optim.Averaged(optim.SGD(0.5), decay=0.8)
    params = {"w": lib.asarray([1.0], np.float32), "count": lib.asarray(3, np.int64)}
    state = opt.init(params)
    mean = np.asarray([1.0])
    for _ in range(5):
        params, state = opt.step(params, {"w": params["w"], "count": None}, state)
        mean = 0.8 * mean + 0.2 * lib.to_numpy(params["w"])
    np.testing.assert_allclose(lib.to_numpy(state.average["w"]), mean, rtol=1e-6)
    assert lib.to_numpy(state.average["w"]).dtype == np.float32
    assert state.average["count"] is params["count"]


def test_averages_begin_in_a_buffer_of_their_own():
    w = np.asarray([1.0])
    state = optim.Averaged(optim.SGD(0.1)).init(w)
    w[0] = 5.0
    np.testing.assert_array_equal(state.average, [1.0])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "inner", [optim.SGD(0.1), optim.Adam(), optim.Lion()], ids=["sgd", "adam", "lion"]
)
def test_a_gradient_that_is_not_finite(lib, inner, bad):
    """An error that names the parameter, or a step not taken; nothing is changed either way."""
    params = {"a": lib.asarray([1.0, 2.0]), "b": lib.asarray([3.0])}
    good = {"a": lib.asarray([1.0, 1.0]), "b": lib.asarray([1.0])}
    spoilt = {"a": lib.asarray([1.0, 1.0]), "b": lib.asarray([bad])}
    loud, quiet = optim.Finite(inner), optim.Finite(inner, otherwise="skip")
    state = loud.init(params)
    before = host(lib, (params, state))
    with pytest.raises(FloatingPointError, match=r"gradient of b .* nothing was changed"):
        loud.step(params, spoilt, state)
    for a, b in zip(host(lib, (params, state)), before, strict=True):
        np.testing.assert_array_equal(a, b)
    kept, same = quiet.step(params, spoilt, state)
    for a, b in zip(host(lib, (kept, same)), before, strict=True):
        np.testing.assert_array_equal(a, b)
    plain = inner.step(params, good, state)
    for opt in (loud, quiet):
        for a, b in zip(host(lib, opt.step(params, good, state)), host(lib, plain), strict=True):
            np.testing.assert_array_equal(a, b)


def test_they_hold_each_other():
    """Clip, accumulate, guard and average at once; the state is a pytree that survives a copy."""
    opt = optim.Averaged(
        optim.Finite(
            optim.Accumulated(optim.Clipped(optim.AdamW(optim.CosineDecay(0.1, 9)), norm=1.0), 2),
            "skip",
        )
    )
    w, state = np.ones((2, 2)), opt.init(np.ones((2, 2)))
    for k in range(8):
        w, state = opt.step(w, w * (math.nan if k == 3 else 1.0), state)
    assert np.all(np.isfinite(w))
    assert np.all(w < 1)
    leaves, spec = pb.tree.flatten(state)
    assert all(isinstance(x, np.ndarray) for x in leaves)
    again = pb.tree.unflatten(spec, [x.copy() for x in leaves])
    np.testing.assert_array_equal(opt.step(w, w, state)[0], opt.step(w, w, again)[0])


BAD = [
    (optim.Clipped, {}, "value=, norm="),
    (optim.Clipped, {"norm": 0.0}, "norm"),
    (optim.Clipped, {"value": math.nan}, "value"),
    (optim.Accumulated, {"every": 0}, "every"),
    (optim.Accumulated, {"every": 2.0}, "every"),
    (optim.Averaged, {"decay": 1.0}, "decay"),
    (optim.Averaged, {"decay": math.nan}, "decay"),
    (optim.Finite, {"otherwise": "stop"}, "otherwise"),
]


@pytest.mark.parametrize(("kind", "settings", "name"), BAD)
def test_bad_settings_name_themselves(kind, settings, name):
    with pytest.raises(ValueError, match=name):
        kind(optim.SGD(0.1), **settings)
