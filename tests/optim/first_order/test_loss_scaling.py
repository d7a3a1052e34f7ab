"""Loss scaling: steps that are taken and steps that are not, and the scale that follows from them."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import pullback as pb
from pullback.optim.first_order.loss_scaling import LEAST

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._optimisers import OPTIMISERS

optim = pb.optim
SGD = optim.SGD(0.5)


def host(lib, tree):
    return [lib.to_numpy(x) for x in pb.tree.leaves(tree)]


def same(a, b):
    for x, y in zip(pb.tree.leaves(a), pb.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(pb.to_numpy(x), pb.to_numpy(y))


# settings; for each step whether its gradient is finite; scale and count after each
RULE = {
    "backoff": ({"initial": 8.0}, "-", [(4, 0)]),
    "backoff each time": ({"initial": 8.0, "backoff": 0.25}, "---", [(2, 0), (0.5, 0), (0.125, 0)]),
    "counting": ({"initial": 8.0, "interval": 3}, "++", [(8, 1), (8, 2)]),
    "growth": ({"initial": 8.0, "interval": 2}, "+++++", [(8, 1), (16, 0), (16, 1), (32, 0), (32, 1)]),
    "growth each time": ({"initial": 1.0, "interval": 1, "growth": 4.0}, "+++", [(4, 0), (16, 0), (64, 0)]),
    "in a row": ({"initial": 8.0, "interval": 2}, "+-++-", [(8, 1), (4, 0), (4, 1), (8, 0), (4, 0)]),
    "most": ({"initial": 8.0, "interval": 1, "most": 20.0}, "+++-+", [(16, 0), (20, 0), (20, 0), (10, 0), (20, 0)]),
    "most of float32": (
        {"initial": 2.0**127, "interval": 1, "most": float(np.finfo("float32").max)}, "++",
        [(float(np.finfo("float32").max), 0)] * 2,
    ),
    "least": ({"initial": 2 * LEAST}, "--+", [(LEAST, 0), (LEAST, 0), (LEAST, 1)]),
    "no power of two": ({"initial": 10.0, "growth": 1.5, "interval": 1}, "+-", [(15, 0), (7.5, 0)]),
}  # fmt: skip


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize(("settings", "finite", "expected"), RULE.values(), ids=RULE)
def test_the_scale(lib, settings, finite, expected, compiled):
    if compiled and lib.name == "array_api_strict":
        pytest.skip("replays hand arrays of no dimension to NumPy, which this device refuses")
    opt = optim.LossScaling(SGD, **settings)
    step = pb.compile(opt.step) if compiled else opt.step
    w = lib.asarray([1.0], np.float32)
    state = opt.init(w)
    for sign, (scale, count) in zip(finite, expected, strict=True):
        w, state = step(w, lib.asarray([0.0 if sign == "+" else math.inf], np.float32), state)
        assert float(lib.to_numpy(state.scale)) == scale
        assert int(lib.to_numpy(state.count)) == count
        assert lib.is_raw(state.scale)
        assert lib.is_raw(state.count)
        assert (state.scale.shape, state.count.shape) == ((), ())
        assert lib.to_numpy(state.scale).dtype == np.float32
        assert lib.to_numpy(state.count).dtype == np.int64
    np.testing.assert_array_equal(lib.to_numpy(w), [1.0])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "inner", [SGD, optim.SGD(0.1, momentum=0.9), optim.Adam(), optim.Lion()], ids=lambda o: repr(o)[:30]
)  # fmt: skip
def test_a_step_that_is_not_taken_changes_parameters_and_inner_state_in_nothing(lib, inner, bad):
    opt = optim.LossScaling(inner, initial=4.0)
    params = {"a": lib.asarray([1.0, 2.0]), "b": lib.asarray([3.0]), "n": 3}
    grads = {"a": lib.asarray([4.0, 8.0]), "b": lib.asarray([-4.0]), "n": None}
    params, state = opt.step(params, grads, opt.init(params))
    before = host(lib, (params["a"], params["b"], state.inner))
    spoilt = {**grads, "b": lib.asarray([bad])}
    new, after = opt.step(params, spoilt, state)
    for a, b in zip(host(lib, (new["a"], new["b"], after.inner)), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert new["n"] == 3
    assert float(lib.to_numpy(after.scale)) == 2.0
    # and the next one is the inner optimiser's own: nothing of it was left behind
    plain = {"a": lib.asarray([1.0, 2.0]), "b": lib.asarray([3.0]), "n": 3}
    taken = {"a": lib.asarray([1.0, 2.0]), "b": lib.asarray([-1.0]), "n": None}
    plain, kept = inner.step(plain, taken, inner.init(plain))
    plain, kept = inner.step(plain, taken, kept)
    doubled = {"a": lib.asarray([2.0, 4.0]), "b": lib.asarray([-2.0]), "n": None}
    new, after = opt.step(new, doubled, after)
    plain.pop("n"), new.pop("n")
    for a, b in zip(host(lib, (new, after.inner)), host(lib, (plain, kept)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("inner", OPTIMISERS, ids=lambda o: repr(o)[:40])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_steps_are_those_of_the_optimiser_whatever_the_scale(inner, dtype):
    """Powers of two scale without rounding, so to the last bit; dtypes stay."""
    rng = np.random.default_rng(0)
    turn = 1j if dtype.startswith("complex") else 0.0

    def array(*shape):
        return np.asarray(rng.standard_normal(shape) + turn * rng.standard_normal(shape), dtype)

    params = plain = {"a": array(3, 2), "b": array(2), "s": array()}
    try:
        kept = inner.init(plain)
        inner.step(plain, plain, kept)
    except TypeError:
        pytest.skip("this optimiser does not take complex parameters")
    opt = optim.LossScaling(inner, initial=1024.0, interval=2)
    state = opt.init(params)
    for _ in range(5):
        grads = pb.tree.map(lambda p: np.asarray(p * p + 1), plain)
        scaled = pb.tree.map(lambda g, s=float(state.scale): np.asarray(g * s), grads)
        params, state = opt.step(params, scaled, state)
        plain, kept = inner.step(plain, grads, kept)
        for a, b in zip(pb.tree.leaves(params), pb.tree.leaves(plain), strict=True):
            assert type(a) is np.ndarray
            assert a.dtype == dtype
            np.testing.assert_array_equal(a, b)
    same(state.inner, kept)
    assert float(state.scale) == 4096.0


LOSSES = [("float16", "float32"), ("float32", "float32"), ("float64", "float64")]


@pytest.mark.parametrize(("dtype", "expected"), LOSSES)
def test_the_scaled_loss(lib, dtype, expected):
    """Of 16 bits in float32: 2¹⁶ times anything is infinite in float16."""
    if dtype == "float16" and lib.name == "array_api_strict":
        pytest.skip("the standard has no float16")
    opt = optim.LossScaling(SGD, initial=2.0**16)
    loss = lib.asarray(3.0, dtype)
    state = opt.init(lib.asarray([1.0], np.float32))
    scaled = opt.scale(loss, state)
    assert float(lib.to_numpy(scaled)) == 3 * 2.0**16
    assert lib.to_numpy(scaled).dtype == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_of_the_scaled_loss(lib, dtype):
    opt = optim.LossScaling(SGD, initial=1024.0)
    w = {"w": lib.asarray([1.0, -2.0], dtype)}
    state = opt.init(w)
    loss = lambda w: pb.xp.sum(w["w"] ** 3)
    grads = pb.grad(lambda w: opt.scale(loss(w), state))(w)
    expected = 3 * np.asarray([1.0, 4.0]) * 1024
    np.testing.assert_array_equal(lib.to_numpy(grads["w"]), expected)
    new, state = opt.step(w, grads, state)
    np.testing.assert_array_equal(lib.to_numpy(new["w"]), [1 - 1.5, -2 - 6.0])
    assert lib.is_raw(new["w"])
    assert lib.to_numpy(new["w"]).dtype == dtype
    assert lib.to_numpy(state.scale).dtype == np.float32


def test_a_small_gradient_survives_float16_only_when_scaled():
    """What it is for: g = 2⁻²⁶ is 0 in float16, and 2⁻²⁶ · 2¹⁰ is not; the step is in float32."""
    opt = optim.LossScaling(SGD, initial=1024.0)
    w = np.zeros(1, np.float32)
    small = np.float32(2.0**-26)
    assert np.float16(small) == 0
    grads = (small * opt.init(w).scale).astype(np.float16).reshape(1)
    new, _ = opt.step(w, grads, opt.init(w))
    assert new.dtype == np.float32
    assert new[0] == -0.5 * small


def test_overflow_in_the_division_is_a_step_not_taken():
    """A scale below 1 makes gradients larger: what is finite before may not be after."""
    opt = optim.LossScaling(SGD, initial=2.0**-10)
    w = np.ones(1, np.float32)
    new, state = opt.step(w, np.asarray([1e38], np.float32), opt.init(w))
    assert new[0] == 1
    assert float(state.scale) == 2.0**-11


def mixed(opt):
    """A training step whose gradients overflow in some steps: x is drawn with infinities."""

    def step(model, state, x, y):
        def scaled(m):
            loss = pb.models.cross_entropy(m(x), y)
            return opt.scale(loss, state)

        loss, grads = pb.value_and_grad(scaled)(model)
        model, state = opt.step(model, grads, state)
        return model, state, loss

    return step


INNER = [
    SGD, optim.SGD(optim.CosineDecay(0.1, 20), momentum=0.9), optim.Adam(), optim.Clipped(optim.AdamW(), norm=0.1),
    optim.Accumulated(optim.Adam(), 2), optim.Averaged(optim.Adam(), 0.9), optim.Finite(optim.Adam(), "skip"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the infinities are wanted
@pytest.mark.parametrize("inner", INNER, ids=lambda o: repr(o)[:50])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_compiled_step_is_recorded_once_and_is_the_eager_one(inner, dtype):
    opt = optim.LossScaling(inner, initial=64.0, interval=2)
    rng = np.random.default_rng(0)
    model = kept = pb.models.MLP([4, 5, 3], seed=0, dtype=dtype)
    state = other = opt.init(model)
    recorded = 0

    def counting(*args):
        nonlocal recorded
        recorded += 1
        return mixed(opt)(*args)

    step = pb.compile(counting)
    scales = []
    for k in range(9):
        x, y = rng.standard_normal((12, 4)).astype(dtype), rng.integers(0, 3, 12)
        if k in (2, 3, 6):
            x[0, 0] = math.inf
        model, state, _ = mixed(opt)(model, state, x, y)
        kept, other, _ = step(kept, other, x, y)
        for a, b in zip(pb.tree.leaves(kept), pb.tree.leaves(model), strict=True):
            assert a.dtype == dtype
            rtol, atol = (1e-4, 1e-6) if dtype == "float32" else (1e-9, 1e-13)
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
        assert (float(other.scale), int(other.count)) == (float(state.scale), int(state.count))
        scales.append(float(state.scale))
    assert recorded == 1
    assert scales == [64, 128, 64, 32, 32, 64, 32, 32, 64]
    assert all(np.all(np.isfinite(x)) for x in pb.tree.leaves((model, kept)))


def test_it_trains_as_without_scaling():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    ends = []
    for scaled in (False, True):
        inner = optim.Adam(0.05)
        opt = optim.LossScaling(inner, interval=5) if scaled else inner
        model = pb.models.MLP([4, 8, 2], seed=0, dtype="float32")
        state = opt.init(model)
        for _ in range(30):
            loss = lambda m: pb.models.cross_entropy(m(x), y)
            f = (lambda m: opt.scale(loss(m), state)) if scaled else loss  # noqa: B023 - used at once
            model, state = opt.step(model, pb.grad(f)(model), state)
        ends.append(float(loss(model)))
    assert ends[1] == pytest.approx(ends[0], rel=1e-4)
    assert ends[1] < 0.2


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of what overflows
def test_it_finds_the_scale_that_float16_products_bear():
    """2²⁴ is too much for them: the first step is not taken, the others train, all in one program."""
    opt = optim.LossScaling(optim.Adam(0.01), initial=2.0**24, interval=1000)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((128, 16)).astype(np.float32)
    y = np.argmax(x[:, :10], axis=1)
    loss = lambda m: pb.models.cross_entropy(m(x), y)

    @pb.compile(precision="float16")
    def step(model, state):
        return opt.step(model, pb.grad(lambda m: opt.scale(loss(m), state))(model), state)

    first = model = pb.models.MLP([16, 32, 10], seed=0, dtype="float32")
    state = opt.init(model)
    model, state = step(model, state)
    same(model, first)
    assert float(state.scale) == 2.0**23
    for _ in range(80):
        model, state = step(model, state)
    assert 2.0**12 < float(state.scale) < 2.0**24
    assert float(loss(model)) < 0.2 * float(loss(first))


def test_the_state_is_a_pytree_that_a_checkpoint_holds(tmp_path):
    opt = optim.LossScaling(optim.Adam(0.1), initial=8.0, interval=3)
    w = {"w": np.ones((2, 2), np.float32)}
    state = opt.init(w)
    for _ in range(2):
        w, state = opt.step(w, w, state)
    leaves, spec = pb.tree.flatten(state)
    assert all(type(x) is np.ndarray for x in leaves)
    np.savez(tmp_path / "state.npz", *leaves)
    with np.load(tmp_path / "state.npz") as file:
        again = pb.tree.unflatten(spec, [file[name] for name in file.files])
    assert type(again) is type(state)
    for _ in range(2):
        w_again, again = opt.step(w, w, again)
        w, state = opt.step(w, w, state)
        same((w_again, again), (w, state))
    assert (float(again.scale), int(again.count)) == (16.0, 1)


def test_it_is_a_record():
    opt = optim.LossScaling(SGD)
    assert opt == optim.LossScaling(SGD, 2.0**15, 2.0, 0.5, 2000, 2.0**24)
    assert hash(opt) == hash(optim.LossScaling(SGD))
    with pytest.raises(FrozenInstanceError):
        opt.initial = 1.0


BAD = [
    ({"initial": 0.0}, "initial=0.0"),
    ({"initial": -1.0}, "initial=-1.0"),
    ({"initial": math.nan}, "initial=nan"),
    ({"initial": math.inf}, "initial=inf"),
    ({"initial": 2.0**25}, "≤ most=16777216.0"),
    ({"growth": 1.0}, "growth=1.0"),
    ({"growth": math.inf}, "growth=inf"),
    ({"growth": math.nan}, "growth=nan"),
    ({"backoff": 0.0}, "backoff=0.0"),
    ({"backoff": 1.0}, "backoff=1.0"),
    ({"backoff": math.nan}, "backoff=nan"),
    ({"interval": 0}, "interval=0"),
    ({"interval": 2.0}, "interval=2.0"),
    ({"interval": True}, "interval=True"),
    ({"most": math.inf}, "most=inf"),
    ({"most": 1e39}, "most=1e"),
    ({"most": math.nan}, "most=nan"),
    ({"most": 0.0}, "most=0.0"),
]


@pytest.mark.parametrize(("settings", "message"), BAD)
def test_bad_settings_name_themselves(settings, message):
    with pytest.raises(ValueError, match=message):
        optim.LossScaling(SGD, **settings)


WRONG = {
    "shape": (np.ones(2), ValueError, r"gradient of a has shape \(2,\)"),
    "broadcasts": (np.ones(()), ValueError, r"gradient of a has shape \(\)"),
    "complex": (np.ones(3) + 1j, TypeError, "gradient of a is complex"),
    "number": (1.0, TypeError, "gradient of a is float, not an array"),
    "structure": (None, ValueError, "structure"),
}


@pytest.mark.parametrize(("gradient", "kind", "message"), WRONG.values(), ids=WRONG)
def test_wrong_gradients_are_refused_by_name(gradient, kind, message):
    opt = optim.LossScaling(SGD)
    params = {"a": np.ones(3), "b": np.ones(1)}
    grads = {"b": np.ones(1)} if gradient is None else {"a": gradient, "b": np.ones(1)}
    with pytest.raises(kind, match=message):
        opt.step(params, grads, opt.init(params))


def test_parameters_of_16_bits_are_refused_by_name():
    params = {"a": np.ones(3, np.float32), "b": [np.ones(3, np.float16)]}
    with pytest.raises(TypeError, match=r"b.* is float16, in which small updates are lost"):
        optim.LossScaling(SGD).init(params)
    with pytest.raises(TypeError, match=r"the parameter is float16"):
        optim.LossScaling(SGD).init(np.ones(3, np.float16))


@pytest.mark.parametrize(("loss", "found"), [(1.0, "float"), (np.asarray(1), "an array of int64")])
def test_what_is_no_loss_is_refused(loss, found):
    opt = optim.LossScaling(SGD)
    with pytest.raises(TypeError, match=f"the loss is {found}, not"):
        opt.scale(loss, opt.init(np.ones(1)))


def test_leaves_that_no_step_moves(lib):
    """Keys, counters, and leaves without a gradient come back as they are, whatever is in their gradients."""
    opt = optim.LossScaling(SGD, initial=2.0)
    key, fixed = lib.asarray([1, 2], np.int64), lib.asarray([3.0])
    params = {"w": lib.asarray([1.0]), "key": key, "fixed": fixed, "n": 3}
    grads = {
        "w": lib.asarray([2.0]),
        "key": lib.asarray([0, 0], np.int64),
        "fixed": None,
        "n": None,
    }
    new, state = opt.step(params, grads, opt.init(params))
    assert new["key"] is key
    assert new["n"] == 3
    np.testing.assert_array_equal(lib.to_numpy(new["fixed"]), [3.0])
    np.testing.assert_array_equal(lib.to_numpy(new["w"]), [0.5])
    same_params, state = opt.step(params, pb.tree.map(lambda g: None, grads), state)
    same(same_params, params)
    assert int(lib.to_numpy(state.count)) == 2


def test_parameters_that_are_pullback_s_arrays(lib):
    opt = optim.LossScaling(SGD, initial=2.0)
    w = pb.Array(lib.asarray([1.0]))
    state = opt.init(w)
    for gradient, expected in ((2.0, 0.5), (math.inf, 0.5), (1.0, 0.0)):
        w, state = opt.step(w, pb.Array(lib.asarray([gradient])), state)
        assert type(w) is pb.Array
        np.testing.assert_array_equal(pb.to_numpy(w), [expected])
    assert lib.is_raw(state.scale)


def test_a_rate_for_one_step():
    opt = optim.LossScaling(SGD, initial=4.0)
    w = np.ones(1)
    new, _ = opt.step(w, np.full(1, 4.0), opt.init(w), lr=0.25)
    np.testing.assert_array_equal(new, [0.75])


def test_the_scale_is_torch_s():
    """Against `torch.amp.GradScaler`, which has no `most`, over a sequence of finite and infinite gradients."""
    torch = pytest.importorskip("torch", reason="a check against torch")
    settings = {"growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 3}
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, **settings)
    opt = optim.LossScaling(SGD, initial=1024.0, interval=3)
    theirs = torch.ones(2, requires_grad=True)
    torch_sgd = torch.optim.SGD([theirs], lr=0.5)
    w = np.ones(2, np.float32)
    state = opt.init(w)
    for k in range(20):
        x = np.asarray([2.0**-5, math.inf if k in (2, 9, 10, 17) else 2.0**-6], np.float32)
        torch_sgd.zero_grad()
        scaler.scale((theirs * torch.from_numpy(x)).sum()).backward()
        scaler.step(torch_sgd)
        scaler.update()
        grads = pb.grad(lambda w, x=x, state=state: opt.scale(pb.xp.sum(w * x), state))(w)
        w, state = opt.step(w, grads, state)
        assert float(state.scale) == scaler.get_scale()
        np.testing.assert_array_equal(w, theirs.detach().numpy())
