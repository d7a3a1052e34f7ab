"""What the tests of `pb.compile` share: arrays, a comparison, a training step."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import pullback as pb

xp = pb.xp


def close(ours: Any, theirs: Any, rtol: float = 1e-6) -> None:
    a, spec = pb.tree.flatten(ours)
    b, other = pb.tree.flatten(theirs)
    assert spec == other
    for x, y in zip(a, b, strict=True):
        assert type(x) is type(y)
        if not hasattr(x, "shape"):
            assert x == y
            continue
        x, y = pb.to_numpy(x), pb.to_numpy(y)
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-7)


def arrays(*shapes: tuple[int, ...], seed: int = 0, dtype: Any = "float64") -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 2.0, shape).astype(dtype) for shape in shapes]


class Pair(NamedTuple):
    first: Any
    second: Any


def model_and_step(opt: Any) -> tuple[Any, Any]:
    model = pb.models.MLP([6, 16, 12, 3], activation="relu", seed=0)

    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        model, state = opt.step(model, grads, state)
        return model, state, loss

    return model, step


OPTIMISERS = {
    "sgd": pb.optim.SGD(0.1),
    "momentum": pb.optim.SGD(0.1, momentum=0.9, nesterov=True),
    "decayed": pb.optim.SGD(0.1, weight_decay=0.01),
    "adam": pb.optim.Adam(0.01),
    "adamw": pb.optim.AdamW(0.01),
}
