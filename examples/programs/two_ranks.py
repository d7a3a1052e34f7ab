r"""
Two ranks train one model
=========================

In data-parallel training each rank holds the whole model and some rows of the data, and differentiates the loss of
its own rows. The mean of the gradients, weighted by rows, is the gradient of all rows:

.. math:: \nabla L(w) = \frac{n_0}{n} \nabla L_0(w) + \frac{n_1}{n} \nabla L_1(w) .

:func:`pullback.distributed.data_parallel` computes it, and the ranks stay the same in every bit without sending the
model. Here they are two threads (``simulate``); after ``distributed.init("mpi")`` the same program runs on processes
and machines. The rows of each rank know one direction of w well and the other one badly, so that its own loss is a
valley; the picture shows both valleys, where each rank alone would go, and the path of the two, which is that of one
process with all rows, up to rounding.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp, dist = pb.xp, pb.distributed
rng = np.random.default_rng(0)
wide = [[1.0, 0.3], [0.0, 0.25]], [[-0.3, 1.2], [0.25, 0.0]]
parts = np.arange(60), np.arange(60, 100)  # of different sizes
x = np.concatenate([rng.standard_normal((60, 2)) @ wide[0], rng.standard_normal((40, 2)) @ wide[1]])
y = x @ [1.0, 0.5] + 0.3 * rng.standard_normal(100)


def loss(w, x, y):
    return xp.mean((x @ w - y) ** 2) / 2


def descend(value_and_grad, rows, steps=60, rate=0.35):
    """Gradient descent: the path, the losses, and on each point the gradient of these rows alone."""
    mine = pb.asarray(x[rows]), pb.asarray(y[rows])
    w, path, values, own = pb.asarray(np.array([-1.5, -1.2])), [], [], []
    for _ in range(steps):
        value, gradient = value_and_grad(w, *mine)
        path.append(pb.to_numpy(w))
        values.append(float(value))
        own.append(pb.to_numpy(pb.grad(loss)(w, *mine)))
        w = w - rate * gradient
    return np.array(path), np.array(values), np.array(own)


def program():
    """What every rank runs."""
    return descend(dist.data_parallel(loss), parts[dist.rank()])


ranks = dist.simulate(program, 2)
path, values, _ = descend(pb.value_and_grad(loss), np.arange(100))
for first, second in zip(ranks[0][:2], ranks[1][:2], strict=True):
    assert first.tobytes() == second.tobytes()  # the ranks agree in every bit
assert np.allclose(ranks[0][0], path, rtol=1e-12, atol=1e-12)  # with one process, up to rounding

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), width_ratios=[1.4, 1])
line = np.linspace(-2.2, 3, 121), np.linspace(-1.9, 2.1, 121)
plane = pb.asarray(np.stack(np.meshgrid(*line), axis=-1).reshape(-1, 2))
shown = [0, 2, 5, 12]
for rank, rows in enumerate(parts):
    mine, colour = (pb.asarray(x[rows]), pb.asarray(y[rows])), f"C{rank}"
    surface = pb.to_numpy(pb.vmap(loss, in_axes=(0, None, None))(plane, *mine)).reshape(121, 121)
    left.contour(*line, surface, [0.08, 0.2, 0.4, 0.8], colors=colour, alpha=0.5, linewidths=1)
    arrows = -0.6 * ranks[rank][2][shown]
    left.quiver(*path[shown].T, *arrows.T, color=colour, angles="xy", scale_units="xy", scale=1)
    left.plot([], [], colour, label=f"rank {rank}: its {len(rows)} rows, and its −gradient")
left.plot(*path.T, "o", color="0.6", markersize=9, label="one process, all rows")
left.plot(*ranks[0][0].T, "k.-", linewidth=1, label="two ranks")
left.set(title="Two losses, and their mean", xlabel="w₁", ylabel="w₂")
left.legend(fontsize="small", loc="lower right", frameon=True, framealpha=0.9)
right.semilogy(values, "o", color="0.6", markersize=8, label="one process")
right.semilogy(ranks[0][1], "k.-", linewidth=1, label="two ranks")
right.set(title="The loss of all rows", xlabel="step", ylabel="mean squared error / 2")
right.legend()
plt.show()
