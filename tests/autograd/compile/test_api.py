"""`pb.compile`: what is replayed is what eager computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._compiled import OPTIMISERS, Pair, arrays, close, model_and_step

xp = pb.xp


@dataclass
class Scale:
    factor: Any
    name: str = pb.tree.static(default="scale")


def cubes(x: Any) -> Any:
    return xp.sum(xp.sin(x) ** 3)


def integers(x: Any) -> Any:
    i = xp.astype(x * 100, xp.uint8)
    j = xp.astype(x * 1000, xp.int64)
    small = xp.astype(xp.asarray(i), xp.uint32) * 3 + 7
    return (
        i > 300,
        i < -1,
        j // 7,
        j % 7,
        j / 3,
        j**2,
        (small << 3) ^ (small >> 2),
        -j,
        abs(-j),
        xp.sqrt(j),
        ~j,
        j & 255,
    )


def checkpointed(x: Any) -> Any:
    f = pb.checkpoint(lambda x: xp.tanh(2 * xp.sin(x)))
    return xp.sum(f(f(x)))


@pb.custom_vjp
def square(x: Any) -> Any:
    return x * x


square.defvjp(lambda x: (x * x, x), lambda x, ct: (xp.clip(ct * x, -1.0, 1.0),))


def solved(M: Any, b: Any) -> Any:
    return xp.sum(xp.linalg.solve(M @ M.mT + 3 * xp.eye(3), b) ** 2)


def convolved(x: Any, y: Any) -> Any:
    return xp.sum(xp.fft.irfft(xp.fft.rfft(x) * xp.fft.rfft(y)) ** 2)


A, B = (4, 3), (3,)
TABLE = np.arange(30.0).reshape(10, 3)

FUNCTIONS = {
    "gradient": (pb.grad(cubes), [A]),
    "value and gradient": (pb.value_and_grad(cubes), [A]),
    "second order": (pb.grad(lambda x: xp.sum(pb.grad(cubes)(x) ** 2)), [A]),
    "hessian": (pb.hessian(cubes), [B]),
    "jacobian": (pb.jacobian(lambda x: xp.sin(x) * x[0]), [B]),
    "jvp": (lambda x, v: pb.jvp(cubes, (x,), (v,)), [A, A]),
    "vjp": (lambda x, ct: pb.vjp(lambda x: xp.sin(x) * x, x)[1](ct), [A, A]),
    "hvp": (lambda x, v: pb.grad(lambda x: xp.sum(pb.grad(cubes)(x) * v))(x), [A, A]),
    "checkpoint": (pb.value_and_grad(checkpointed), [A]),
    "custom vjp": (pb.grad(lambda x: xp.sum(square(x) * 3)), [A]),
    "solve": (pb.grad(solved, argnums=(0, 1)), [(3, 3), B]),
    "decomposition": (pb.grad(lambda M: xp.sum(xp.linalg.eigh(M + M.mT).eigenvalues ** 2)), [(3, 3)]),
    "fan-out": (pb.grad(lambda x: xp.sum(x * x * xp.exp(-x) + x)), [A]),
    "rows and columns": (lambda x, y: (x + y, x * y[None, :], x[:, :1] - y, x.mT @ x), [A, B]),
    "softmax": (pb.grad(lambda x: xp.sum(xp.softmax(x, axis=-1)[:, 0] + xp.logsumexp(x, axis=1))), [A]),
    "norms": (lambda x: (x - xp.mean(x, axis=0)) / xp.sqrt(xp.var(x, axis=0) + 1e-5), [A]),
    "views": (lambda x: (x[1:, ::2], x.mT, xp.reshape(x, (2, 6)), xp.flip(x), x[0]), [A]),
    "updates": (pb.grad(lambda x: xp.sum(x.at[1].add(2 * x[0]) ** 2)), [A]),
    "in place": (lambda x: changed_in_place(xp.asarray(x)), [A]),
    "constants": (lambda x: (x, xp.ones((2, 2)), 3.5, "text", None, TABLE), [A]),
    "twice the same": (lambda x: (2 * x, 2 * x, [2 * x]), [A]),
    "trees": (lambda x, y: {"b": Pair(x, Scale(y)), "a": [x * 2, (None, y)]}, [A, B]),
    "masks": (pb.grad(lambda x: xp.sum(xp.where(x > 1.2, x**2, -x) + xp.maximum(x, 1.0) + abs(x - 1.5))), [A]),
    "maxima": (pb.grad(lambda x: xp.sum(xp.max(x, axis=1)) + xp.min(x)), [A]),
    "operators on raw arrays": (lambda x: (x + 1) @ x.T / 2 - x.sum(axis=0)[0], [A]),
    "NumPy's own functions": (lambda x: np.sin(x) + np.mean(x, axis=0) + np.sqrt(x), [A]),
    "special": (pb.grad(lambda x: xp.sum(xp.special.erf(x) + xp.special.gammaln(x))), [A]),
    "integers": (integers, [A]),
    "long sum": (pb.value_and_grad(lambda x: xp.mean(x * x) + xp.sum(x[0])), [(40, 50)]),
    "loop": (pb.grad(lambda x: sum((xp.sum(x[i] * x[i - 1]) for i in range(4)), 0.0)), [A]),
    "convolution": (pb.grad(convolved, argnums=(0, 1)), [(8,), (8,)]),
    "sorted": (pb.grad(lambda x: xp.sum(xp.sort(x, axis=0) * xp.asarray(x))), [A]),
    "einsum": (pb.grad(lambda x: xp.sum(xp.einsum("ij,kj->ik", x, x) ** 2)), [A]),
}  # fmt: skip


def changed_in_place(x: Any) -> Any:
    y = x * 1
    y += x
    y[0] = 7.0
    y *= 2
    return y


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_replay_equals_eager(name, dtype, fast):
    f, shapes = FUNCTIONS[name]
    compiled = pb.compile(f, fast=fast)
    rtol = 1e-9 if dtype == "float64" else 2e-4
    for seed in (0, 1, 2, 0):
        given = arrays(*shapes, seed=seed, dtype=dtype)
        kept = [x.copy() for x in given]
        close(compiled(*given), f(*given), rtol)
        close(given, kept)
    assert len(compiled._executables) == 1


@pytest.mark.parametrize("donate", [(), (0, 1)], ids=["kept", "donated"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_training_equals_eager(name, donate, fast):
    opt = OPTIMISERS[name]
    model, step = model_and_step(opt)
    mine = pb.tree.map(np.copy, model)
    state, my_state = opt.init(model), opt.init(mine)
    compiled = pb.compile(step, fast=fast, donate_argnums=donate)
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.standard_normal((10, 6)).astype("float32"), rng.integers(0, 3, 10)
        model, state, loss = step(model, state, x, y)
        mine, my_state, my_loss = compiled(mine, my_state, x, y)
        np.testing.assert_allclose(my_loss, loss, rtol=2e-5)
    close(mine, model, 2e-4)
    close(my_state, state, 2e-4)
    assert len(compiled._executables) == 1


def test_as_a_method_and_a_decorator(fast):
    class Model:
        def __init__(self, w: Any) -> None:
            self.w = w

        @pb.compile(fast=fast)
        def __call__(self, x: Any) -> Any:
            return x * self.w

    a, b = Model(2.0), Model(3.0)
    for _ in range(2):
        assert [float(m(np.ones(()))) for m in (a, b)] == [2.0, 3.0]
