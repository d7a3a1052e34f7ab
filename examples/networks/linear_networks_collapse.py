r"""
Linear networks collapse
========================

Without activations depth says nothing new: :math:`f(x) = W_4 W_3 W_2 W_1 x` is :math:`W x` with one matrix, the
product, and two inputs and two outputs leave it four numbers, however many weights there are. The same weights with
:math:`\tanh` between them are another matter: straight lines come out bent.

Above, the matrices of a network with identity activations and their product; below, what becomes of a grid: the deep
linear network and the one matrix agree to the last digits, and straight lines stay straight and parallel.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

sizes = [2, 8, 8, 8, 2]
linear = pb.models.MLP(sizes, activation="identity", init="glorot", seed=5, dtype="float64")
bent = pb.models.MLP(sizes, activation="tanh", init="glorot", seed=5, dtype="float64")

# %%
# A layer computes ``x @ W + b``, and biases begin at 0: the network is the product of its matrices from left to
# right.

matrices = [layer.W for layer in linear.layers]
product = matrices[0]
for W in matrices[1:]:
    product = product @ W

line, along = np.linspace(-1.2, 1.2, 9), np.linspace(-1.2, 1.2, 101)
lines = [np.stack([np.full(101, c), along], axis=1) for c in line]  # of constant x₁
lines += [points[:, ::-1] for points in lines]  # and of constant x₂
grid = pb.asarray(np.stack(lines))
images = {
    "the inputs": grid,
    "a linear network of 4 layers": linear(grid),
    "the product, one matrix": grid @ product,
    "the same weights with tanh": bent(grid),
}
images = {name: pb.to_numpy(image) for name, image in images.items()}

deep, one = images["a linear network of 4 layers"], images["the product, one matrix"]
assert np.abs(deep - one).max() < 1e-12
jacobians = pb.vmap(pb.jacobian(linear))(pb.asarray(grid[0]))  # the derivative, at 101 points
assert np.abs(pb.to_numpy(jacobians) - pb.to_numpy(product).T).max() < 1e-12

# %%
# The matrices are drawn as they multiply a column vector, W₄W₃W₂W₁ from left to right: the transposes of ``layer.W``.

figure = plt.figure(figsize=(11, 5.6))
above, below = figure.subfigures(2, 1, height_ratios=[1, 1.25])
factors = [pb.to_numpy(W).T for W in matrices[::-1]] + [pb.to_numpy(product).T]
axes = above.subplots(1, 5, width_ratios=[8, 8, 8, 3, 3])
for ax, W, name in zip(axes, factors, ["$W_4$", "$W_3$", "$W_2$", "$W_1$", "$W$"], strict=True):
    drawn = ax.imshow(W, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.set(title=f"{name}: {W.shape[0]} × {W.shape[1]}", xticks=[], yticks=[])
    ax.spines[["top", "right"]].set_visible(True)
axes[-1].text(-0.9, 0.5, "=", transform=axes[-1].transAxes, fontsize=22, va="center")
above.colorbar(drawn, ax=axes, label="weight", shrink=0.8)

for ax, (name, image) in zip(below.subplots(1, 4), images.items(), strict=True):
    for i, points in enumerate(image):
        colour = "C0" if i < len(line) else "C1"
        ax.plot(*points.T, color=colour, linewidth=2.2 if i % 9 == 4 else 0.9)
    ax.set(title=name, aspect="equal")
    ax.axis("off")

plt.show()
