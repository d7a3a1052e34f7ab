"""Programs made at random, compiled: loops, sums, products and views in any order agree with eager execution.

What is looked for are mistakes of order and of memory: a buffer that is used again too early, an argument that is
overwritten while something else reads it, a loop that comes before what it needs.
"""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from .cuda._assemble import runtime  # noqa: F401 - a fixture

xp = pb.xp
SIZES = (1, 3, 5, 40)


def recipe(rng: np.random.Generator, length: int) -> list[tuple]:
    """Steps as tuples: a name, which earlier values it takes (as fractions of those there are), and a choice."""
    names = ["unary"] * 3 + ["binary"] * 4 + ["sum"] * 3 + ["view", "product", "product", "set"]
    return [(rng.choice(names), rng.random(), rng.random(), rng.random()) for _ in range(length)]


def _other(values, x, at):
    """An operand that `x` can be broadcast with."""
    fitting = []
    for y in values:
        try:
            shape = np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            continue
        if len(shape) <= 3 and np.prod(shape) <= 4000:
            fitting.append(y)
    return fitting[int(at * len(fitting))] if fitting else x


VIEWS = [
    lambda x: xp.permute_dims(x, tuple(reversed(range(x.ndim)))),
    lambda x: x[..., None] if x.ndim < 3 else x,
    lambda x: xp.reshape(x, (-1,)),
    lambda x: x[::-1] if x.ndim else x,
]


def follow(steps, values):
    """All the values that a recipe makes of those given."""
    values = list(values)
    for name, one, two, choice in steps:
        x = values[int(one * len(values))]
        if name == "unary":
            y = [xp.tanh, xp.sin, xp.abs, lambda x: x * 0.5 + 1, lambda x: x][int(choice * 5)](x)
        elif name == "binary":
            other = _other(values, x, two)
            f = [lambda a, b: a + b, lambda a, b: a - b * 0.5, lambda a, b: a * b, xp.maximum][
                int(choice * 4)
            ]
            y = xp.tanh(f(x, other))
        elif name == "sum":
            axis = None if not x.ndim else [None, *range(x.ndim)][int(two * (x.ndim + 1))]
            f = [xp.sum, xp.max, xp.mean, xp.min][int(choice * 4)]
            y = f(x, axis=axis, keepdims=one * 10 % 1 < 0.5)
        elif name == "view":
            y = VIEWS[int(choice * 4)](x)
        elif name == "product":
            flat = xp.reshape(x, (x.shape[0] if x.ndim else 1, -1))
            y = xp.tanh(flat @ flat.mT if choice < 0.5 else flat.mT @ flat)
        else:
            y = xp.asarray(x, copy=True)
            if y.ndim and y.shape[0] > 1:
                y[0] = 0.25
        values.append(y)
    return values


def program(seed: int):
    """A function of four arrays, two of which may be overwritten, and arguments."""
    rng = np.random.default_rng(seed)
    steps = recipe(rng, 25)
    shapes = [tuple(rng.choice(SIZES, rng.integers(0, 4))) for _ in range(4)]
    args = [rng.standard_normal(shape) for shape in shapes]
    gradient = seed % 3 == 0

    def f(state, others):
        def last(*values):
            made = follow(steps, values)
            return sum(xp.sum(xp.sin(v)) for v in made[-6:]), made

        if gradient:
            (_, made), grads = pb.value_and_grad(last, argnums=(0, 1, 2, 3), has_aux=True)(
                *state, *others
            )
            new = [xp.asarray(s) - 0.1 * g for s, g in zip(state, grads, strict=False)]
        else:
            made = last(*state, *others)[1]
            new = [xp.tanh(xp.sum(made[-1]) * 0.1 + s) for s in state]
        return new, [made[-1], made[-3], made[len(made) // 2]]

    return f, args


def agree(seed: int) -> None:
    """Two calls of the compiled function give what two calls of the function give."""
    f, args = program(seed)
    compiled = pb.compile(f, donate_argnums=0)
    state, mine = [a.copy() for a in args[:2]], [a.copy() for a in args[:2]]
    for _ in range(3):
        state, out = f(state, args[2:])
        mine, ours = compiled(mine, args[2:])
        expected, got = pb.tree.leaves((state, out)), pb.tree.leaves((mine, ours))
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(pb.to_numpy(a), pb.to_numpy(b), rtol=1e-8, atol=1e-9)
        kept = [pb.to_numpy(x).copy() for x in expected[2:]]
        for a, b in zip(pb.tree.leaves(ours), kept, strict=True):
            np.testing.assert_allclose(pb.to_numpy(a), b, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_on_a_device(runtime, seed):  # noqa: F811 - the fixture
    agree(seed)


@pytest.mark.parametrize("seed", range(40, 60))
def test_on_the_cpu(seed):
    agree(seed)
