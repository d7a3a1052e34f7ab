r"""
What the first layer of digits learns
=====================================

A unit of the first layer computes :math:`h(w \cdot x + b)`: how well the image :math:`x` agrees with a picture of
weights :math:`w`. Drawn as images, red for positive and blue for negative, the weights say what each unit looks for.

Left, before training: noise. Middle, after it: strokes, gaps and corners, while the weights of pixels at the border
that are empty in every image have faded by weight decay. Right, the mean of the 20 images that excite each unit most:
they have more ink where the weights are red than where they are blue.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

# 1797 images of 8 × 8 pixels, in three parts
digits = pb.train.load_dataset("digits")
parts = pb.train.split(digits, seed=0)
x, y = pb.asarray((digits.x / 16).astype("float32")), pb.asarray(digits.y)
train, validation, test = (
    (x[rows], y[rows]) for rows in map(pb.asarray, (parts.train, parts.validation, parts.test))
)

before = pb.models.MLP([64, 16, 10], activation="relu", seed=0)
run = pb.train.fit(
    before,
    pb.models.cross_entropy,
    train,
    validation,
    pb.optim.AdamW(5e-3, weight_decay=0.6, mask="matrices"),
    epochs=100,
)
after = run.model
accuracy = pb.train.accuracy(after(test[0]), test[1])
assert accuracy > 0.9

weights = np.abs(pb.to_numpy(after.layers[0].W)).mean(axis=1)  # of each pixel
empty = digits.x[parts.train].max(axis=0) == 0
assert weights[empty].mean() < 0.2 * weights[~empty].mean()

# %%
# The images that excite a unit most: the mean of its 20 largest outputs in the training part.

excitement = pb.to_numpy(after.layers[0](train[0]))
largest = np.argsort(-excitement, axis=0)[:20]  # (20, units)
means = pb.to_numpy(train[0])[largest].mean(axis=0)  # (units, pixels)
W = pb.to_numpy(after.layers[0].W).T
assert means[W > 0.1].mean() > 1.2 * means[W < -0.1].mean()
tiles = np.pad(means.reshape(4, 4, 8, 8), ((0, 0), (0, 0), (3, 0), (1, 0)), constant_values=np.nan)

figure, axes = plt.subplots(1, 3, figsize=(12, 4), width_ratios=[1.12, 1.12, 1])
for ax, model in zip(axes, (before, after), strict=False):
    pb.train.plots.weights(model, ax=ax)
axes[0].set_title("weights before training")
axes[1].set_title(f"after it: {100 * accuracy:.0f} % of new digits are right")
axes[2].imshow(tiles.transpose(0, 2, 1, 3).reshape(44, 36), cmap="Greys", vmin=0)
axes[2].axis("off")
axes[2].set_title("what excites each unit most")
for unit in range(16):
    place = (9 * (unit % 4) + 4.5, 11 * (unit // 4) + 0.8)
    axes[2].text(*place, str(unit), ha="center", va="center", fontsize="small")

plt.show()
