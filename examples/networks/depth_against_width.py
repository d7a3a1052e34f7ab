r"""
Depth against width
===================

The tent :math:`g(x) = 2\min(x, 1 - x)` is two ReLUs: :math:`2\max(x, 0) - 4\max(x - \tfrac12, 0)`. A network that
applies it :math:`L` times, with two units in each of :math:`L` layers, is a sawtooth of :math:`2^L` linear pieces:
each layer folds the interval once more. One hidden layer of :math:`n` units has :math:`n + 1` pieces at most. So
pieces grow exponentially with depth, and linearly with width (Telgarsky, *Benefits of depth in neural networks*,
2016).

Left, 5 layers of 2 units, 31 numbers in all, are the sawtooth itself; the best of eight trained networks of one layer
with as many numbers, 10 units, cannot follow it. Right, linear pieces by the number of parameters, counted by the
slopes ``pb.vmap(pb.grad(f))``.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

M = pb.models
x = (np.arange(2**12) + 0.5) / 2**12
inputs = pb.asarray(x[:, None])


def linear(W, b):
    return M.Linear(pb.asarray(np.array(W, dtype="float64")), pb.asarray(np.array(b, "float64")))


def folded(depth):
    """The tent of the tent of …: two units in each of so many layers."""
    first = linear([[1, 1]], [0, -0.5])
    again = linear([[2, 2], [-4, -4]], [0, -0.5])  # the tent of the layer below, into both units
    return M.Sequential(first, "relu", *[again, "relu"] * (depth - 1), linear([[2], [-4]], [0]))


def pieces(model):
    value = lambda t: model(pb.xp.reshape(t, (1, 1)))[0, 0]
    slopes = pb.to_numpy(pb.vmap(pb.grad(value))(inputs[:, 0]))
    return 1 + np.count_nonzero(np.abs(np.diff(slopes)) > 1e-6)


parameters = lambda model: sum(leaf.size for leaf in pb.tree.leaves(model))


def wide(n, seed):
    rng = np.random.default_rng(seed)
    signs, places = rng.choice([-1.0, 1.0], n), rng.uniform(0, 1, n)
    last = linear(rng.normal(size=(n, 1)), [0.5])
    return M.Sequential(linear(8 * signs[None], -8 * signs * places), "relu", last)


deep = folded(5)
target = deep(inputs)
points, goals = inputs[::8], target[::8]
loss = lambda model: M.squared_error(model(points), goals)
runs = [pb.optim.minimize(loss, wide(10, seed), maxiter=300, gtol=1e-5) for seed in range(8)]
best = min(runs, key=lambda run: run.fun)
shallow = best.x
assert best.fun > 0.5 * loss(lambda x: 0.5 + 0 * x)  # little better than a constant
assert parameters(deep) == parameters(shallow) == 31
assert pieces(deep) == 32
assert pieces(shallow) <= 11

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), width_ratios=[1.6, 1])
left.plot(x, pb.to_numpy(deep(inputs)), color="C0", linewidth=1.2, label="5 layers of 2 units")
left.plot(x, pb.to_numpy(shallow(inputs)), color="C1", label="1 layer of 10 units, trained")
left.set(xlabel="$x$", ylim=(-0.1, 1.35), title="31 parameters each")
left.legend(ncols=2, loc="upper left")

depths, widths = np.arange(1, 10), np.array([3, 6, 10, 15, 19])
both = {"2 units, 1 to 9 layers": [folded(depth) for depth in depths]}
both["1 layer, 3 to 19 units"] = [wide(n, 0) for n in widths]
for marker, (name, models) in zip("os", both.items(), strict=True):
    right.plot(list(map(parameters, models)), list(map(pieces, models)), marker + "-", label=name)
right.set(xlabel="parameters", ylabel="linear pieces", title="Depth multiplies, width adds")
right.set_yscale("log", base=2)
right.legend()

plt.show()
