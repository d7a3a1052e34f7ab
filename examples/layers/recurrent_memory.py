"""What an RNN without gates cannot carry: a marked number, to be said at the end of a long sequence of noise.

Each row is a sequence of random numbers, one of whose first ten has a mark beside it; the answer, due at the last
time, is the marked number. On the way back through time the cotangent of an RNN's state is multiplied by a Jacobian at
every step, and soon nothing is left of it (Bengio, Simard and Frasconi, 1994). The cell of an LSTM is multiplied by
its forget gate alone, which learns to stay open (Hochreiter and Schmidhuber, 1997). The picture shows both errors,
and how much the answer depends on the inputs of each time, after training.

    python examples/layers/recurrent_memory.py [picture.png]
"""

import sys

import numpy as np

import pullback as pb

xp = pb.xp
M = pb.models
EARLY = 10


def marked(rng, rows, times):
    """Sequences (rows, times, 2) of numbers and marks, and the marked numbers (rows, 1)."""
    x = np.zeros((rows, times, 2), "float32")
    x[:, :, 0] = rng.uniform(-1, 1, (rows, times))
    at = rng.integers(0, EARLY, rows)
    x[np.arange(rows), at, 1] = 1
    return x, x[np.arange(rows), at, :1]


def initial(kind, hidden):
    """A recurrent layer, and a linear one that reads its last state."""
    layer = {"LSTM": M.LSTM, "RNN": M.RNN}[kind].init(2, hidden, seed=0)
    if kind == "LSTM":  # a forget gate that begins open (Gers, Schmidhuber and Cummins, 2000)
        layer.cells[0].bias_ih[hidden : 2 * hidden] = 4.0
    return layer, M.Linear.init(hidden, 1, seed=0)


def loss_of(model, x, y):
    layer, last = model
    return xp.mean((last(layer(x)[:, -1]) - y) ** 2)


def train(kind, steps, times, hidden, batch):
    """The model after training, and the losses of all steps."""
    opt = pb.optim.Adam(2e-2)
    model = initial(kind, hidden)

    @pb.compile
    def step(model, state, x, y):
        loss, gradients = pb.value_and_grad(loss_of)(model, x, y)
        # once in a while the gradient of a recurrence is huge
        gradients = pb.optim.clip_by_global_norm(gradients, 1.0)
        model, state = opt.step(model, gradients, state)
        return model, state, loss

    rng, state, losses = np.random.default_rng(0), opt.init(model), []
    for count in range(1, steps + 1):
        model, state, loss = step(model, state, *marked(rng, batch, times))
        losses.append(float(loss))
        if count % (steps // 4) == 0:
            print(f"{kind:4}  step {count:4d}  mean squared error {np.mean(losses[-20:]):.4f}")
    return model, np.asarray(losses)


def influence(model, x):
    """The size of the gradient of the answer by the inputs of each time, the mean over the rows."""
    layer, last = model
    gradient = pb.grad(lambda x: xp.sum(last(layer(x)[:, -1])))(x)
    return np.linalg.norm(gradient, axis=2).mean(axis=0)


def main(picture="recurrent_memory.png", steps=400, times=50, hidden=16, batch=64):
    found, x = {}, marked(np.random.default_rng(1), 256, times)[0]
    for kind in ("RNN", "LSTM"):
        model, losses = train(kind, steps, times, hidden, batch)
        found[kind] = losses, influence(model, x)
    draw(picture, found)
    return {kind: float(np.mean(losses[-20:])) for kind, (losses, _) in found.items()}


def draw(picture, found):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    for kind, (losses, sizes) in found.items():
        smooth = np.convolve(losses, np.ones(10) / 10, "valid")
        left.semilogy(np.arange(10, len(losses) + 1), smooth, label=kind)
        right.semilogy(np.arange(len(sizes)), np.maximum(sizes, 1e-12), label=kind)
    left.axhline(1 / 3, color="grey", linewidth=0.8, linestyle=":", label="variance of the answer")
    left.set(xlabel="step", ylabel="mean squared error", title="Learning to remember")
    right.set(xlabel="time", ylabel="|∂ answer / ∂ input|", title="What reaches the inputs")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:2])
