r"""
A convolution network's filters and feature maps
================================================

A convolution learns one small kernel for all places of an image: each of its feature maps,
:math:`y_k(i, j) = \sum_{a, b} W_k(a, b)\, x(i + a, j + b) + b_k`, says where in the image the pattern :math:`W_k` is.
Pooling keeps the largest value of each 2 × 2 places and forgets where exactly it was; the linear layers that follow
decide by what was found.

Two convolutions of 3 × 3 learn scikit-learn's handwritten digits, 8 × 8 pixels each. The first row has the 16 kernels
of the first one (red positive, blue negative), and each column what its kernel finds in four digits: edges of one
direction, line ends, dark or light strokes; black is nothing. The idea is that of LeCun et al., *Gradient-based
learning applied to document recognition*, 1998.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

M = pb.models
EPOCHS, BATCH = 10, 32

digits = pb.train.load_dataset("digits")
images = (digits.images(digits.x) / 16 - 0.3).astype("float32")  # (1797, 1, 8, 8), of the mean 0
rows = pb.train.split(digits, seed=0)
train, validation, test = (
    (pb.asarray(images[own]), pb.asarray(digits.y[own]))
    for own in (rows.train, rows.validation, rows.test)
)

random = np.random.default_rng(0)
model = M.Sequential(
    M.Conv2d.init(1, 16, 3, padding=1, seed=random),
    "relu",
    M.Conv2d.init(16, 32, 3, padding=1, seed=random),
    "relu",
    M.MaxPool2d(2),
    M.Flatten(),
    M.Dropout(0.4),
    M.Linear.init(32 * 4 * 4, 128, init="he", seed=random),
    "relu",
    M.Dropout(0.4),
    M.Linear.init(128, 10, seed=random),
)
rate = pb.optim.OneCycle(4e-3, EPOCHS * -(-len(rows.train) // BATCH))
opt = pb.optim.AdamW(rate, weight_decay=0.1, mask="matrices")
run = pb.train.fit(
    model, M.cross_entropy, train, validation, opt,
    epochs=EPOCHS, batch_size=BATCH, patience=0,
)  # fmt: skip
_, accuracy = pb.train.evaluate(run.model, M.cross_entropy, test, pb.train.accuracy)
print(f"test accuracy {100 * accuracy:.2f} %, of epoch {run.best.epoch}")
assert accuracy > 0.98

# %%
# A layer is a function: the first two of the model give the feature maps of images.
kernels = pb.to_numpy(run.model.layers[0].W)[:, 0]
convolution, relu = run.model.layers[:2]
chosen = test[0][np.asarray([int(np.argmax(digits.y[rows.test] == d)) for d in (0, 3, 4, 7)])]
maps = pb.to_numpy(relu(convolution(chosen)))
figure, grid = plt.subplots(1 + len(maps), 1 + len(kernels), figsize=(13, 4.2))
limit = np.abs(kernels).max()
for axes, kernel in zip(grid[0, 1:], kernels, strict=True):
    axes.imshow(kernel, cmap="RdBu_r", vmin=-limit, vmax=limit)
for (first, *others), image, found in zip(grid[1:], pb.to_numpy(chosen), maps, strict=True):
    first.imshow(image[0], cmap="gray_r")
    for axes, feature in zip(others, found, strict=True):
        axes.imshow(feature, cmap="magma", vmin=0, vmax=maps.max())
for axes in grid.flat:
    axes.axis("off")
grid[0, 0].text(0.5, 0.5, "kernels", ha="center", va="center")
figure.suptitle("Each column is a kernel, and below it what it finds in the digits on the left")
plt.show()
