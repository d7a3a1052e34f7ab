"""The softmax cross-entropy of many classes, row by row: each row stays in the first cache until its slope is there.

Of few classes it is a part of a generated kernel (`optimise/fused_ops.py`), where no call is to be paid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.program import Op
from ...optimise.fused_ops import FUSED_OPS
from .attention_kernels import decay, number, ordered
from .jit import T, kernel
from .record import Native
from .scratch import borrowed
from .threads import halves

# Classes from which a row is long enough for loops over vectors.
MANY = 24
# Elements from which the helper thread is worth its time.
WORTH = 1 << 15


@kernel("reassoc")
def rows(
    logits: Any, labels: Any, slope: Any, step: int, losses: Any, count: float, start: int, stop: int, part: int
) -> None:  # fmt: skip
    """The rows from `start` to `stop`: their losses are added up in ``losses[part]``.

    Row i of the slope is written to ``slope[i * step]``; a step of 0 is a row of scratch.
    """
    classes = logits.shape[1]
    total_loss = 0.0
    for i in range(start, stop):
        row, target = logits[i], slope[i * step]
        best = ordered(row[0])
        for j in range(1, classes):
            order = ordered(row[j])
            best = order if order > best else best
        top = number(best)
        for j in range(classes):
            target[j] = decay(row[j] - top)
        label = labels[i]
        own, picked = target[label], row[label] - top
        target[label] = T(0.0)  # next to an own 1 the others would have no digits left
        others = T(0.0)
        for j in range(classes):
            others += target[j]
        share = T(1.0) / ((others + own) * T(count))
        for j in range(classes):
            target[j] *= share
        target[label] = -others * share
        total_loss += math.log1p(others + (own - T(1.0))) - picked
    losses[part] = total_loss


def _takes(op: Op) -> bool:
    return FUSED_OPS["softmax_cross_entropy"].matches(op) and op.args[0].shape[-1] >= MANY


def _make(op: Op) -> Callable[..., None]:
    logits, dtype = op.args[0], np.dtype(op.args[0].dtype)
    classes = logits.shape[-1]
    count = logits.size // classes
    run = rows.compiled(
        (dtype, 2, "C", "read"), (np.int64, 1, "C", "read"), (dtype, 2), int, (np.float64, 1), float, *[int] * 3
    )  # fmt: skip
    losses = np.zeros(2)
    parallel = logits.size >= WORTH

    def entropy(logits: Any, labels: Any, loss: Any, slope: Any) -> None:
        if labels.min() < 0 or labels.max() >= classes:
            op.function(np.zeros(logits.shape, dtype), labels)  # raises, and names the label
        z, y = logits.reshape(count, classes), labels.reshape(-1).astype(np.int64, copy=False)
        losses[:] = 0
        with borrowed(classes, dtype) as scratch:

            def half(start: int, stop: int, part: int) -> None:
                if slope is None:
                    run(
                        z, y, scratch[part].reshape(1, classes), 0, losses, count, start, stop, part
                    )
                else:
                    run(z, y, slope.reshape(count, classes), 1, losses, count, start, stop, part)

            halves(half, count, parallel=parallel)
        if loss is not None:
            loss[...] = (losses[0] + losses[1]) / count

    return entropy


SOFTMAX_CROSS_ENTROPY = Native("softmax_cross_entropy", takes=_takes, make=_make)
