"""A layer with infinitely many steps: digits through the fixed point of v = tanh(W v + U x + b).

The layer's output is where the iteration ends, found by Anderson's method and kept as one value. Its gradient is one
linear system at that point (`pb.implicit.fixed_point`), so that memory does not grow with the steps: a network of
any depth for the price of one layer (Bai, Kolter and Koltun, Deep equilibrium models, 2019).

    python examples/solving/deep_equilibrium.py [picture.png]
"""

import sys

import numpy as np

import pullback as pb

xp = pb.xp


def initial(rng, inputs, hidden, classes):
    def normal(*shape):
        return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype("float32")

    return {
        "W": normal(hidden, hidden),
        "U": normal(hidden, inputs),
        "b": np.zeros(hidden, "float32"),
        "C": normal(classes, hidden),
        "c": np.zeros(classes, "float32"),
    }


def equilibrium(p, x):
    """The fixed point for each row of x: (n, inputs) -> (n, hidden)."""
    # tanh never stretches, so a W of spectral norm 0.9 makes a contraction: there is one fixed point
    W = p["W"] * (0.9 / xp.linalg.matrix_norm(p["W"], ord=2))
    drive = x @ p["U"].T + p["b"]
    start = np.zeros(drive.shape, "float32")
    return pb.implicit.fixed_point(
        lambda v: xp.tanh(v @ W.T + drive), start, rtol=1e-4, adjoint_rtol=1e-4
    )


def loss_of(p, x, y):
    return pb.models.cross_entropy(equilibrium(p, x) @ p["C"].T + p["c"], y)


def accuracy(p, x, y):
    scores = pb.to_numpy(equilibrium(p, x) @ p["C"].T + p["c"])
    return float(np.mean(np.argmax(scores, axis=1) == y))


def main(picture="deep_equilibrium.png", epochs=20, hidden=48, batch=64, rows=None):
    digits = pb.train.load_dataset("digits")
    parts = pb.train.split(digits, seed=0)
    pixels = pb.train.Standardizer.fit(digits.x[parts.train], one_scale=True)
    x, y = pixels.transform(digits.x, "float32"), digits.y
    train, test = parts.train[:rows], parts.test

    rng = np.random.default_rng(0)
    p = initial(rng, x.shape[1], hidden, 10)
    opt = pb.optim.Adam(3e-3)
    state = opt.init(p)
    step_of = pb.value_and_grad(loss_of)
    losses = []
    for epoch in range(1, epochs + 1):
        order = rng.permutation(train)
        for start in range(0, len(order), batch):
            some = order[start : start + batch]
            loss, gradient = step_of(p, x[some], y[some])
            p, state = opt.step(p, gradient, state)
            losses.append(float(loss))
        print(
            f"epoch {epoch:2d}  loss {losses[-1]:.4f}  test accuracy {accuracy(p, x[test], y[test]):.3f}"
        )
    draw(picture, losses, len(losses) // epochs)
    return losses, accuracy(p, x[test], y[test])


def draw(picture, losses, per_epoch):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.semilogy(np.arange(1, len(losses) + 1) / per_epoch, losses, linewidth=0.8)
    axes.set(xlabel="epoch", ylabel="loss of a batch", title="Digits by an implicit layer")
    axes.grid(alpha=0.3)
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:2])
