"""Helpers of `test_assemble_functions.py` and the test files split from it."""

from __future__ import annotations

import pullback as pb

xp = pb.xp


def trained(layer, x, key):
    """The output of inference, and the loss, gradient and new state of training."""

    def squares(model):
        y, new = model.training(x, key=key)
        return xp.sum(y * y), new

    inference = layer(xp.asarray(x))
    if not pb.tree.leaves(layer):
        return inference, layer.training(x, key=key)
    return inference, pb.value_and_grad(squares, has_aux=True)(layer)
