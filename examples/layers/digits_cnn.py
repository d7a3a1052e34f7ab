"""Handwritten digits by convolutions: 8 x 8 pixels, and enlarged to 24 x 24 and shifted about in 28 x 28.

A convolution learns one small kernel for all places of an image, and pooling forgets where exactly something was. Each
copy of a large digit lies somewhere else, and the test images lie at places of their own.

    python examples/layers/digits_cnn.py [picture.png]
"""

import sys

import numpy as np
import scipy.ndimage

import pullback as pb

M = pb.models
BLANK = np.float32(-0.3)  # so that the pixels' mean is about 0


def network(side, channels, hidden=128, *, seed=0):
    """Two convolutions, the first in steps of 3 over large images, and two linear layers."""
    random = np.random.default_rng(seed)
    kernel, stride = (3, 1) if side == 8 else (5, 3)
    one, two = channels
    left = -(-side // stride) // 2  # pixels of a side, halved by pooling
    return M.Sequential(
        M.Conv2d.init(1, one, kernel, stride=stride, padding=kernel // 2, seed=random),
        "relu",
        M.Conv2d.init(one, two, 3, padding=1, seed=random),
        "relu",
        M.MaxPool2d(2),
        M.Flatten(),
        M.Dropout(0.4),
        M.Linear.init(two * left**2, hidden, init="he", seed=random),
        "relu",
        M.Dropout(0.4),
        M.Linear.init(hidden, 10, seed=random),
    )


def enlarged(images, copies, random):
    """Copies of images (n, 8, 8), three times as large, each at a place of its own in 28 x 28 blank pixels."""
    large = scipy.ndimage.zoom(images, (1, 3, 3), order=1, grid_mode=True, mode="nearest")
    out = np.full((copies * len(images), 28, 28), BLANK, images.dtype)
    for i, (down, right) in enumerate(random.integers(0, 5, (len(out), 2))):
        out[i, down : down + 24, right : right + 24] = large[i % len(images)]
    return out


def train(model, parts, *, epochs, batch_size):
    """Learn from the training part, keep what does best on the validation part, and judge on the test part."""
    parts = {name: (pb.asarray(x[:, None]), pb.asarray(y)) for name, (x, y) in parts.items()}
    steps = epochs * -(-len(parts["train"][0]) // batch_size)
    rate = pb.optim.OneCycle(4e-3, steps)  # up, then down to nearly 0, where the weights settle
    run = pb.train.fit(
        model,
        M.cross_entropy,
        parts["train"],
        parts["validation"],
        pb.optim.AdamW(rate, weight_decay=0.1, mask="matrices"),
        score=pb.train.accuracy,
        epochs=epochs,
        batch_size=batch_size,
        patience=0,
    )
    _, accuracy = pb.train.evaluate(run.model, M.cross_entropy, parts["test"], pb.train.accuracy)
    return run, accuracy


def main(picture="digits_cnn.png", *, epochs=(16, 7), copies=(6, 1, 4)):
    digits = pb.train.load_dataset("digits")
    rows = pb.train.split(digits, seed=0)
    images = (digits.images(digits.x)[:, 0] / 16).astype("float32") + BLANK
    random = np.random.default_rng(0)
    small = {name: (images[own], digits.y[own]) for name, own in vars(rows).items()}
    large = {
        name: (enlarged(x, n, random), np.tile(y, n))
        for (name, (x, y)), n in zip(small.items(), copies, strict=True)
    }
    results = {}
    for side, parts, channels, most, batch in (
        (8, small, (16, 32), epochs[0], 32),
        (28, large, (24, 48), epochs[1], 64),
    ):
        run, accuracy = train(network(side, channels), parts, epochs=most, batch_size=batch)
        results[side] = (run, accuracy, parts)
        print(
            f"{side} x {side}: test accuracy {100 * accuracy:.2f} %, of epoch {run.best.epoch}; "
            f"{run.steps} steps in {run.seconds:.1f} s"
        )
    draw(picture, results)
    return {side: accuracy for side, (_, accuracy, _) in results.items()}


def draw(picture, results):
    """Test images of both sets, the first kernels, and how the accuracy rose."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), dpi=110, layout="constrained")
    for axes_row, (side, (run, accuracy, parts)) in zip(
        figure.subplots(2, 3, width_ratios=[2, 1, 2]), results.items(), strict=True
    ):
        samples, kernels, curve = axes_row
        samples.imshow(np.hstack(parts["test"][0][:8]), cmap="gray_r")
        samples.set_title(f"{side} x {side}: {100 * accuracy:.2f} % right", fontsize=10)
        W = pb.to_numpy(run.model.layers[0].W)[:, 0]
        padded = np.pad(W, ((0, 0), (1, 0), (1, 0)), constant_values=np.nan)
        kernels.imshow(
            np.vstack([np.hstack(padded[i : i + 4]) for i in (0, 4, 8, 12)]), cmap="RdBu"
        )
        kernels.set_title("first kernels", fontsize=10)
        for axes in (samples, kernels):
            axes.axis("off")
        curve.plot([row.epoch for row in run.history], [row.score for row in run.history])
        curve.plot(
            [row.epoch for row in run.history], [row.validation_score for row in run.history]
        )
        curve.set_ylim(0.9, 1.002)
        curve.set_xlabel("epoch")
        curve.set_ylabel("accuracy")
        curve.legend(["training", "validation"], frameon=False)
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
