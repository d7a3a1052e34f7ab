"""A frame: all that one redraw of the page shows, as bytes, which `static/training.js` takes apart.

Numbers of four bytes come first, `HEADER` of them and then, as many as the header says: norms of gradients by layer,
weights, biases, and the curves (epochs, training losses, test losses). Bytes follow: the picture of each hidden unit
and of the output at `UNIT_SIDE` points a side, then that of the output at `OUTPUT_SIDE`; 0 is −1 and 254 is 1.
"""

from __future__ import annotations

import numpy as np

from ...autograd import to_numpy
from .network import EVERY, Training

HEADER = (
    "number", "epoch", "train", "test", "train_score", "test_score",
    "layers", "weights", "biases", "curve", "units", "unit_side", "output_side",
)  # fmt: skip


def encoded(training: Training, number: int) -> np.ndarray:
    """The frame of a network, as an array of bytes.

    Parameters
    ----------
    training : Training
    number : int
        How many frames came before it: the page gives it back once it is drawn.
    """
    found = training.measured
    surfaces = pixels(training.surfaces())
    layers = training.params.layers
    weights = [np.ravel(to_numpy(layer.W)) for layer in layers]
    biases = [np.ravel(to_numpy(layer.b)) for layer in layers]
    epochs, losses = training.losses.epochs, training.losses.values
    with np.errstate(over="ignore"):  # as below
        curves = np.asarray([epochs, *zip(*losses, strict=True)], np.float32)
    small = surfaces[:, ::EVERY, ::EVERY]
    header = [
        number, training.epoch, found.train, found.test, found.train_score, found.test_score,
        len(layers), sum(map(len, weights)), sum(map(len, biases)), len(epochs),
        len(small), small.shape[1], surfaces.shape[1],
    ]  # fmt: skip
    assert len(header) == len(HEADER)
    with np.errstate(over="ignore"):  # what is beyond float32 is drawn as infinite
        numbers = np.concatenate([header, found.norms, *weights, *biases, curves.ravel()]).astype(
            np.float32
        )
    return np.concatenate([numbers.view(np.uint8), small.ravel(), surfaces[-1].ravel()])


def pixels(values: np.ndarray) -> np.ndarray:
    """Values between −1 and 1 as bytes: 0 … 254, of which 127 is 0; NaN is 127.

    Examples
    --------
    >>> pixels(np.asarray([-1.0, 0.0, 1.0, 7.0]))
    array([  0, 127, 254, 254], dtype=uint8)
    """
    scaled = np.nan_to_num(np.asarray(values, np.float32), nan=0.0)
    return (np.rint(np.clip(scaled, -1, 1) * 127) + 127).astype(np.uint8)
