"""Tests of `models/recurrence/layers.py`; against torch in `test_layers_torch.py`."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
LAYERS = {"lstm": M.LSTM, "gru": M.GRU, "rnn": M.RNN}
every_layer = pytest.mark.parametrize("kind", LAYERS)
X = np.random.default_rng(0).standard_normal((3, 6, 2))


def made(kind, **settings):
    return LAYERS[kind].init(2, 3, dtype="float64", seed=1, **settings)


def host(x):
    return pb.to_numpy(xp.asarray(x))


def states_of(state):
    return list(state) if isinstance(state, tuple) else [state]


def by_cells(model, x, lengths=None):
    """A loop over rows and times with the layer's own cells."""
    rows = []
    for j in range(x.shape[0]):
        count = x.shape[1] if lengths is None else lengths[j]
        outputs = x[j, :count]
        directions = 2 if model.bidirectional else 1
        for i in range(model.layers):
            both = []
            for k in range(directions):
                state, ys = None, []
                for row in outputs[:: -1 if k else 1]:
                    state = model.cells[i * directions + k](row, state)
                    ys.append(host(states_of(state)[0]))
                both.append(np.asarray(ys)[:: -1 if k else 1])
            outputs = np.concatenate(both, axis=-1)
        rows.append(np.pad(outputs, ((0, x.shape[1] - count), (0, 0))))
    return np.asarray(rows)


@every_layer
@pytest.mark.parametrize("lengths", [None, [6, 1, 4]])
def test_a_layer_is_a_loop_of_its_cells(kind, lengths):
    model = made(kind, layers=2, bidirectional=True)
    np.testing.assert_allclose(
        host(model(X, lengths=lengths)), by_cells(model, X, lengths), rtol=1e-12
    )


@every_layer
def test_gradients_of_both_orders(kind):
    model = LAYERS[kind].init(2, 2, layers=2, bidirectional=True, dtype="float64")
    pb.check_grads(lambda m, x: m(x, lengths=[3, 2]), (model, X[:2, :3]), order=2)


@every_layer
def test_forward_derivatives_are_those_of_pullbacks(kind):
    model = made(kind)
    v = np.random.default_rng(1).standard_normal(X.shape)
    _, along = pb.jvp(lambda x: model(x), (X,), (v,))
    J = pb.jacobian(lambda x: model(x))(X)
    np.testing.assert_allclose(host(along), np.tensordot(J, v, 3), rtol=1e-10, atol=1e-12)


@every_layer
def test_padding_has_no_influence(kind):
    """NaN in the padding reaches neither values nor gradients."""
    model, lengths = made(kind, bidirectional=True), [6, 1, 4]
    padded = X.copy()
    for row, n in zip(padded, lengths, strict=True):
        row[n:] = np.nan

    def loss(model, x):
        y, state = model.sequence(x, None, lengths)
        return xp.sum(y**2) + sum(xp.sum(s**3) for s in states_of(state))

    value, grads = pb.value_and_grad(loss, (0, 1))(model, padded)
    clean, wanted = pb.value_and_grad(loss, (0, 1))(model, X)
    np.testing.assert_array_equal(value, clean)
    for a, b in zip(pb.tree.leaves(grads), pb.tree.leaves(wanted), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (grads[1][1, 1:] == 0).all()


@every_layer
def test_lengths_of_zero_leave_the_state(kind):
    model = made(kind, bidirectional=True)
    first = [np.random.default_rng(k).standard_normal((2, 1, 3)) for k in range(2)]
    state = tuple(first) if kind == "lstm" else first[0]
    y, last = model.sequence(X[:1], state, [0])
    assert not host(y).any()
    for a, b in zip(states_of(last), states_of(state), strict=True):
        np.testing.assert_array_equal(host(a), b)


@every_layer
def test_a_sequence_in_parts_is_the_whole_one(kind):
    model = made(kind, layers=2)
    whole, last = model.sequence(X)
    first, state = model.sequence(X[:, :4])
    second, end = model.sequence(X[:, 4:], state)
    np.testing.assert_allclose(
        host(whole), np.concatenate([host(first), host(second)], 1), rtol=1e-13
    )
    for a, b in zip(states_of(end), states_of(last), strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-13)


@every_layer
@pytest.mark.parametrize("both", [False, True])
def test_truncation_cuts_gradients_alone(kind, both):
    """The same values; the gradient is that of parts whose state comes from outside as a constant."""
    model = made(kind, layers=1, bidirectional=both)
    np.testing.assert_array_equal(host(model.sequence(X, truncate=4)[0]), host(model(X)))

    def of_last(x, truncate):
        return xp.sum(model.sequence(x, truncate=truncate)[0][:, -1, :3])

    cut = pb.grad(of_last)(X, 4)
    assert not cut[:, :4].any()
    assert cut[:, 4:].any()

    def in_parts(x):
        _, state = model.sequence(X[:, :4])
        return xp.sum(model.sequence(x[:, 4:], pb.tree.map(pb.stop_gradient, state))[0][:, -1, :3])

    if not both:
        np.testing.assert_allclose(cut, pb.grad(in_parts)(X), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(pb.grad(of_last)(X, 6), pb.grad(of_last)(X, None))


@every_layer
def test_without_a_batch(kind):
    model = made(kind, layers=2, bidirectional=True)
    y, last = model.sequence(X[0])
    wanted, behind = model.sequence(X[:1])
    np.testing.assert_array_equal(host(y), host(wanted)[0])
    again, _ = model.sequence(X[0], last, 4)
    with_batch, _ = model.sequence(X[:1], behind, [4])
    np.testing.assert_array_equal(host(again), host(with_batch)[0])
    for a, b in zip(states_of(last), states_of(behind), strict=True):
        np.testing.assert_array_equal(host(a), host(b)[:, 0])


@every_layer
def test_compiled(kind):
    """A training step with lengths, in float32: eager's numbers, and other lengths without a new program."""
    model = LAYERS[kind].init(2, 3, layers=2, bidirectional=True)
    x = X.astype("f")

    def step(model, x, lengths):
        return pb.value_and_grad(lambda m: xp.mean(m(x, lengths=lengths) ** 2))(model)

    compiled = pb.compile(step, fast=False)
    for lengths in (np.asarray([6, 1, 4]), np.asarray([2, 2, 5])):
        value, grads = compiled(model, x, xp.asarray(lengths))
        wanted_value, wanted = step(model, x, lengths)
        np.testing.assert_allclose(value, wanted_value, rtol=2e-6)
        for a, b in zip(pb.tree.leaves(grads), pb.tree.leaves(wanted), strict=True):
            assert np.asarray(a).dtype == np.float32
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_precision_rounds_products_with_the_inputs():
    """Near the exact numbers, and not equal to them."""
    model = M.LSTM.init(2, 3)
    x = X.astype("f")
    exact = pb.compile(lambda m, x: m(x), fast=False)
    rounded = pb.compile(lambda m, x: m(x), fast=False, precision="bfloat16")
    for _ in range(2):
        a, b = host(exact(model, x)), host(rounded(model, x))
    np.testing.assert_allclose(a, b, rtol=0.1, atol=0.02)
    assert (a != b).any()


@every_layer
def test_on_every_library(kind, lib):
    """Values and gradients with padding, without leaving the library, and float32 stays float32."""
    model = LAYERS[kind].init(2, 3, bidirectional=True)
    ours = pb.tree.map(lib.asarray, model)

    def loss(model, x):
        y, state = model.sequence(x, None, [6, 1, 4])
        return xp.sum(y**2) + sum(xp.sum(s**3) for s in states_of(state))

    x = X.astype("f")
    value, grads = pb.value_and_grad(loss, (0, 1))(ours, lib.asarray(x))
    wanted_value, wanted = pb.value_and_grad(loss, (0, 1))(model, x)
    np.testing.assert_allclose(lib.to_numpy(value), wanted_value, rtol=1e-5)
    for a, b in zip(pb.tree.leaves(grads), pb.tree.leaves(wanted), strict=True):
        assert lib.is_raw(a)
        assert lib.to_numpy(a).dtype == np.float32
        np.testing.assert_allclose(lib.to_numpy(a), b, rtol=2e-4, atol=1e-5)


@every_layer
def test_vmap_over_inputs_and_over_models(kind):
    models = [made(kind), LAYERS[kind].init(2, 3, dtype="float64", seed=2)]
    stacked = pb.tree.map(lambda *leaves: np.stack(leaves), *models)
    xs = np.stack([X, 2 * X])

    def loss(model, x):
        return xp.sum(model(x, lengths=[6, 1, 4]) ** 2)

    for axes, trees, inputs in (
        ((None, 0), models[0], xs),
        ((0, None), stacked, X),
        ((0, 0), stacked, xs),
    ):
        values, grads = pb.vmap(pb.value_and_grad(loss), in_axes=axes)(trees, inputs)
        for i in range(2):
            model = models[i] if axes[0] == 0 else models[0]
            value, wanted = pb.value_and_grad(loss)(model, inputs[i] if axes[1] == 0 else inputs)
            np.testing.assert_allclose(values[i], value, rtol=1e-12)
            for a, b in zip(pb.tree.leaves(grads), pb.tree.leaves(wanted), strict=True):
                np.testing.assert_allclose(a[i], b, rtol=1e-10, atol=1e-12)


@every_layer
def test_checkpoint(kind):
    model = made(kind)

    def loss(run):
        return lambda m, x: xp.sum(run(m, x) ** 2)

    kept = pb.grad(loss(lambda m, x: m(x)), (0, 1))(model, X)
    again = pb.grad(loss(pb.checkpoint(lambda m, x: m(x))), (0, 1))(model, X)
    for a, b in zip(pb.tree.leaves(kept), pb.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(a, b)


def test_dropout_stands_between_layers():
    model = made("lstm", layers=2, dropout=0.5)
    y, same = model.training(X, key=pb.random.key(0))
    assert same is model
    np.testing.assert_array_equal(host(y), host(model.training(X, key=pb.random.key(0))[0]))
    assert not np.allclose(host(y), host(model.training(X, key=pb.random.key(1))[0]))
    # in inference, and with one layer, there is none
    np.testing.assert_allclose(host(model(X)), by_cells(model, X), rtol=1e-12)
    one = made("lstm", dropout=0.5)
    np.testing.assert_array_equal(host(one.training(X)[0]), host(one(X)))
    with pytest.raises(TypeError, match="key"):
        model.training(X)
    # as a layer of its own between two models of one layer
    first, second = M.LSTM(model.cells[:1]), M.LSTM(model.cells[1:])
    between = M.Dropout(1.0).training(first(X), key=pb.random.key(0))[0]
    everything_out = M.LSTM(model.cells, False, 1.0).training(X, key=pb.random.key(0))[0]
    np.testing.assert_allclose(host(everything_out), host(second(between)), rtol=1e-13)


def test_in_sequential_and_saved_by_paths():
    model = M.Sequential(M.Embedding.init(5, 2), M.GRU.init(2, 3), M.Linear.init(3, 5))
    indices = np.asarray([[1, 2, 0]])
    y, new = model.training(indices, key=pb.random.key(0))
    np.testing.assert_array_equal(host(y), host(new(indices)))
    assert "GRUCell" in model.summary((1, 3))
    paths = [str(path) for path in pb.tree.paths(model)]
    assert any(path.endswith("layers.1.cells.0.weight_hh") for path in paths)


def test_an_lstm_keeps_what_its_formulas_need():
    """Over 1,000 steps: inputs, four gates, c and h of each time, counted, and nothing else that grows."""
    model = M.LSTM.init(8, 16)
    x = np.random.default_rng(0).standard_normal((4, 1000, 8)).astype("f")
    pb.vjp(lambda m: xp.sum(m(x[:, :2])), model)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    y, pull = pb.vjp(lambda m: m(x), model)
    shape = y.shape
    del y
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    needed = 4 * 1000 * 4 * (8 + 4 * 16 + 16 + 16)
    assert needed <= held <= needed + 64 * 1024
    (grads,) = pull(np.ones(shape, "f"))
    assert all(np.isfinite(g).all() for g in pb.tree.leaves(grads))


def marked(rng, rows, times):
    """Noise with a mark beside one of the first four numbers of each row, and the number that is marked."""
    x = np.zeros((rows, times, 2), "f")
    x[:, :, 0] = rng.uniform(-1, 1, (rows, times))
    at = rng.integers(0, 4, rows)
    x[np.arange(rows), at, 1] = 1
    return x, x[np.arange(rows), at, :1]


def trained(kind, times=20, steps=130):
    """The mean squared error of the last steps of training to say the marked number at the end."""
    rng = np.random.default_rng(0)
    layer = LAYERS[kind].init(2, 16, seed=0)
    if kind != "rnn":  # gates that begin by keeping what there is (Gers et al., 2000)
        layer.cells[0].bias_ih[16:32] += 2.0
    model = M.Sequential(layer, M.Linear.init(16, 1))
    optimiser = pb.optim.Adam(3e-2)

    @pb.compile(fast=False)
    def step(model, state, x, y):
        loss, grads = pb.value_and_grad(lambda m: xp.mean((m(x)[:, -1, :] - y) ** 2))(model)
        grads = pb.optim.clip_by_global_norm(grads, 1.0)
        return *optimiser.step(model, grads, state), loss

    state, losses = optimiser.init(model), []
    for _ in range(steps):
        model, state, loss = step(model, state, *marked(rng, 32, times))
        losses.append(float(loss))
    return np.mean(losses[-15:])


def test_gates_carry_what_an_rnn_cannot():
    """A number among noise, 16 to 20 times later: the variance is 1/3, and an RNN stays there."""
    assert trained("rnn") > 0.25
    assert trained("gru") < 0.05
    assert trained("lstm") < 0.15


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m(X[..., :1]), ValueError, r"\(batch, time, 2\)"),
        (lambda m: m(X[0, 0]), ValueError, r"\(batch, time, 2\)"),
        (lambda m: m(X[:, :0]), ValueError, "no times"),
        (lambda m: m(X, np.zeros((1, 3, 3))), ValueError, r"pair \(h, c\)"),
        (lambda m: m(X, (np.zeros((3, 3)),) * 2), ValueError, r"\(1, 3, 3\)"),
        (lambda m: m(X, lengths=[7, 1, 1]), ValueError, "0 to the 6 times"),
        (lambda m: m(X, lengths=[-1, 1, 1]), ValueError, "0 to the 6 times"),
        (lambda m: m(X, lengths=[1, 1]), ValueError, "one is needed for each row"),
        (lambda m: m(X, lengths=[1.0, 1.0, 1.0]), TypeError, "integers"),
        (lambda m: m.sequence(X, truncate=0), ValueError, "truncate"),
        (lambda m: m.sequence(X, truncate=2.5), ValueError, "truncate=2.5; .* an integer"),
        (lambda _: M.LSTM.init(0, 3), ValueError, "inputs"),
        (lambda _: M.LSTM.init(2, 3, layers=0), ValueError, "layers"),
        (lambda _: M.LSTM.init(2, 3, dropout=1.5), ValueError, "probability"),
        (lambda _: M.RNN.init(2, 3, nonlinearity="sin"), ValueError, "'tanh' or 'relu'"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call(made("lstm"))
