r"""
All data, minibatches, or one sample at a time
==============================================

A step of gradient descent on the mean loss of :math:`N` samples costs :math:`N` gradients. A minibatch of :math:`n`
gives the same direction on average, at :math:`n/N` of the price and with the more noise the smaller it is. The upper
pictures fit a line :math:`w t + b` to 64 points, each with 12 passes over the data and the same rate.

The lower picture compares three orders of minibatches of 4: *drawn* anew from all samples for each step; *shuffled* for
each epoch; or shuffled *once* and then always taken in that order. In the last two every sample comes once in each
epoch, so that an epoch's noise largely cancels, and the loss ends lower than with batches that are drawn
(``pb.train.fit`` has them all as ``batches=``).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
N, RUNS = 64, 200
random = np.random.default_rng(0)
t, noise = random.uniform(-1, 1, N), 0.7 * random.standard_normal(N)
samples, START = pb.asarray(np.stack([t, 0.5 + 1.5 * t + noise], axis=1)), np.asarray([-1.2, -0.8])


def loss(p, batch):  # of the line p = (w, b) on samples (n, 2)
    return xp.mean((p[0] * batch[:, 0] + p[1] - batch[:, 1]) ** 2)


def descend(orders, rate):
    """The lines (steps, runs, 2) of runs side by side, whose batches are the rows ``orders``, (steps, runs, n)."""

    def step(p, rows):
        p = p - rate * pb.vmap(pb.grad(loss))(p, xp.take(samples, rows, axis=0))
        return p, p

    starts = pb.asarray(np.tile(START, (orders.shape[1], 1)))
    return pb.scan(step, starts, pb.asarray(orders))[1]


shuffled = lambda *shape: np.argsort(random.random((*shape, N)), axis=-1)  # permutations

# %%
# Three sizes of batches, and the loss's level curves in the plane of the two parameters.
figure = plt.figure(figsize=(10, 7))
axes = figure.subplot_mosaic([[64, 8, 1], 3 * ["orders"]], height_ratios=[1.2, 1])
w, b = np.linspace(-1.6, 3, 150), np.linspace(-1.7, 2.2, 150)
grid = pb.asarray(np.stack(np.meshgrid(w, b), axis=-1).reshape(-1, 2))
losses = pb.vmap(loss, in_axes=(0, None))
heights = pb.to_numpy(losses(grid, samples)).reshape(150, 150)
best = np.polyfit(*pb.to_numpy(samples).T, 1)
lowest = float(loss(pb.asarray(best), samples))
levels = lowest + np.geomspace(0.03, 6, 9)
for i, size in enumerate((64, 8, 1)):
    path = pb.to_numpy(descend(shuffled(12, 1).reshape(-1, 1, size), 0.15))[:, 0]
    axes[size].contour(w, b, heights, levels, colors="0.8", linewidths=0.8)
    axes[size].plot(*np.vstack([START, path]).T, "o-", color=f"C{i}", markersize=2, linewidth=0.8)
    axes[size].plot(*best, "k+", markersize=9, zorder=3)
    axes[size].set(title=f"batches of {size}: {len(path)} steps", xlabel="w", ylabel="b")

# Three orders: rows (epochs, runs, 64) of which each 4 in turn are a batch.
EPOCHS, SIZE = 60, 4
kinds = {
    "drawn anew": random.integers(0, N, (EPOCHS, RUNS, N)),
    "shuffled each epoch": shuffled(EPOCHS, RUNS),
    "shuffled once": np.broadcast_to(shuffled(1, RUNS), (EPOCHS, RUNS, N)),
}
ends = {}
for i, (name, rows) in enumerate(kinds.items()):
    rows = rows.reshape(EPOCHS, RUNS, -1, SIZE).transpose(0, 2, 1, 3).reshape(-1, RUNS, SIZE)
    lines = descend(rows, 0.03)[N // SIZE - 1 :: N // SIZE]  # at the end of each epoch
    excess = pb.to_numpy(pb.vmap(losses, in_axes=(0, None))(lines, samples)).mean(axis=1) - lowest
    ends[name] = excess[-20:].mean()
    axes["orders"].semilogy(np.arange(1, EPOCHS + 1), excess, color=f"C{i}", label=name)
assert 4 * max(ends["shuffled each epoch"], ends["shuffled once"]) < ends["drawn anew"]
axes["orders"].set(xlabel="epoch", ylabel="loss − lowest, mean of 200 runs")
axes["orders"].legend(title="minibatches of 4")
plt.show()
