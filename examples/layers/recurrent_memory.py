r"""
What an RNN without gates cannot carry, and an LSTM does
========================================================

Each row is a sequence of random numbers, one of whose first ten has a mark beside it; the answer, due at the last time,
is the marked number. On the way back through time the cotangent of an RNN's state is multiplied by a Jacobian at every
step, and soon nothing is left of it (Bengio, Simard and Frasconi, 1994). The cell of an LSTM
:math:`c_t = f_t\, c_{t-1} + i_t\, g_t` (Hochreiter and Schmidhuber, 1997) hands its cotangent on through a product
with the forget gate :math:`f_t`, which begins open and can learn to stay so (Gers, Schmidhuber and Cummins, 2000).

The left picture shows both errors in training; the dotted line is the error of always saying 0, the variance of the
answer. The right one shows how much the answer depends on the inputs of each time: the gradient of the trained RNN ends
after a few steps back, that of the LSTM reaches the first ten.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp, M = pb.xp, pb.models
STEPS, TIMES, HIDDEN, BATCH, EARLY = 250, 40, 16, 64, 10


def marked(random, rows):
    """Sequences (rows, TIMES, 2) of numbers and marks, and the marked numbers (rows, 1)."""
    x = np.zeros((rows, TIMES, 2), "float32")
    x[:, :, 0] = random.uniform(-1, 1, (rows, TIMES))
    at = random.integers(0, EARLY, rows)
    x[np.arange(rows), at, 1] = 1
    return pb.asarray(x), pb.asarray(x[np.arange(rows), at, :1])


def answer(model, x):
    layer, last = model  # the linear layer reads the last output of the recurrent one
    return last(layer(x)[:, -1])


def train(layer):
    # once in a while the gradient of a recurrence is huge
    opt = pb.optim.Clipped(pb.optim.Adam(2e-2), norm=1.0)
    model = (layer, M.Linear.init(HIDDEN, 1, seed=0))
    state, losses, random = opt.init(model), [], np.random.default_rng(0)

    @pb.compile
    def step(model, state, x, y):
        loss = lambda model: xp.mean((answer(model, x) - y) ** 2)
        value, gradient = pb.value_and_grad(loss)(model)
        return value, *opt.step(model, gradient, state)

    for _ in range(STEPS):
        value, model, state = step(model, state, *marked(random, BATCH))
        losses.append(float(value))
    return model, np.asarray(losses)


# %%
# A bias of 4 opens the LSTM's forget gate at the start: the sigmoid of 4 is 0.98.
rnn, lstm = M.RNN.init(2, HIDDEN, seed=0), M.LSTM.init(2, HIDDEN, seed=0)
lstm.cells[0].bias_ih[HIDDEN : 2 * HIDDEN] = 4.0
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
found = {}
for name, layer in (("RNN", rnn), ("LSTM", lstm)):
    model, losses = train(layer)
    x, _ = marked(np.random.default_rng(1), 256)
    gradient = pb.to_numpy(pb.grad(lambda x, model=model: xp.sum(answer(model, x)))(x))
    sizes = np.linalg.norm(gradient, axis=2).mean(axis=0)
    found[name] = np.mean(losses[-20:]), sizes[:EARLY].mean()
    left.semilogy(np.convolve(losses, np.ones(10) / 10, "valid"), label=name)
    right.semilogy(np.maximum(sizes, 1e-12), label=name)
assert found["LSTM"][0] < 0.05 < 0.25 < found["RNN"][0]  # the variance of the answer is 1/3
assert found["LSTM"][1] > 100 * found["RNN"][1]

left.axhline(1 / 3, color="0.5", linewidth=1, linestyle=":")
left.set(xlabel="step", title="The mean squared error")
right.axvspan(-0.5, EARLY - 0.5, color="0.92")
right.text(EARLY / 2 - 0.5, 1e-3, "here is\nthe mark", ha="center")
right.set(xlabel="time of the input", title="|∂ answer / ∂ input|")
left.legend()
plt.show()
