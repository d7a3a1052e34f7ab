"""Tests of `autograd/compile/cuda/moves.py`: what only moves data is done by kernels, to the bits of NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS
from ._assemble import (
    RNG,
    normal,
    runtime,  # noqa: F401 - a fixture
    same,
)

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)
xp = pb.xp

DTYPES = ["float32", "float64", "bool", "int8", "int32", "int64", "uint16"]


def numbers(*shape, dtype="float64"):
    """Numbers of any dtype; of the floating ones some are −0, infinite or NaN."""
    x = (4 * RNG.standard_normal(shape)).astype(dtype)
    if x.dtype.kind == "f" and x.size > 3:
        x.reshape(-1)[:4] = -0.0, np.inf, np.nan, -np.inf
    return x


def moved(f, *args, calls=0):
    """The compiled function, whose results are those of NumPy to the bit, with so many calls between its kernels."""
    compiled = pb.compile(f)
    for _ in range(2):
        found, expected = pb.tree.leaves(compiled(*args)), pb.tree.leaves(f(*args))
        for ours, eager in zip(found, expected, strict=True):
            a, b = pb.to_numpy(xp.asarray(ours)), pb.to_numpy(xp.asarray(eager))
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            assert a.tobytes() == b.tobytes()
    assert compiled.program().count(": call") == calls
    return compiled


def slopes(f, *args, **options):
    """The gradient of a sum of squares of what `f` returns, and the gradient of a sum of that: equal to eager."""
    weights = [normal(*v.shape) for v in pb.tree.leaves(f(*args))]

    def loss(*args):
        return sum(
            xp.sum(v * v * w) for v, w in zip(pb.tree.leaves(f(*args)), weights, strict=True)
        )

    places = tuple(range(len(args)))

    def both(*args):
        first = pb.grad(loss, argnums=places)(*args)
        second = pb.grad(
            lambda *x: sum(xp.sum(g * g) for g in pb.grad(loss, argnums=places)(*x)),
            argnums=places,
        )(*args)
        return first, second

    return same(both, *args, **options)


# ── copying reshapes ──────────────────────────────────────────────────────────────────────────

RESHAPES = {
    "transposed": lambda x: xp.reshape(x.mT, (-1,)),
    "backwards": lambda x: xp.reshape(x[::-1, :, ::-2], (-1, 2)),
    "part": lambda x: xp.reshape(x[:, 1:, :], (3, -1)),
    "heads": lambda x: xp.reshape(xp.permute_dims(x, (1, 0, 2)), (4, 15)),
    "broadcast": lambda x: xp.reshape(xp.broadcast_to(x, (2, 3, 4, 5)), (6, 20)),
    "one row": lambda x: xp.reshape(xp.broadcast_to(x[:1, :1], (3, 4, 5)), (60,)),
    "two": lambda x: xp.reshape(xp.reshape(x.mT, (15, 4)).mT, (-1,)),
    "ones": lambda x: xp.reshape(x.mT, (3, 1, 20, 1)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RESHAPES)
def test_reshapes_that_copy(runtime, name, dtype):  # noqa: F811 - a fixture
    moved(RESHAPES[name], numbers(3, 4, 5, dtype=dtype))


@pytest.mark.parametrize("name", RESHAPES)
def test_gradients_of_reshapes(runtime, name):  # noqa: F811 - a fixture
    slopes(lambda x: RESHAPES[name](xp.sin(x)), normal(3, 4, 5))


def test_what_no_kernel_can_hold_is_reshaped_by_calls(runtime):  # noqa: F811 - a fixture
    x = normal(3, 4) + 1j * normal(3, 4)
    moved(lambda x: xp.reshape(x.mT, (-1,)), x, calls=2)  # and the output is a copy
    moved(lambda x: xp.reshape(x.mT, (-1,)), numbers(0, 4), calls=3)


def test_a_reshape_of_what_is_computed_again(runtime):  # noqa: F811 - a fixture
    """A checkpoint's input is its own under another name, and may lie as a transpose does."""

    def f(x):
        inner = pb.checkpoint(lambda y: xp.sin(xp.reshape(y, (-1,))))
        return pb.grad(lambda x: xp.sum(inner(xp.exp(x).mT) ** 2))(x)

    compiled = same(f, normal(3, 4))
    assert ": call" not in compiled.program()


def test_a_value_is_reshaped_once_for_all_that_read_it(runtime):  # noqa: F811 - a fixture
    def f(x, W):
        y = xp.reshape(xp.exp(x).mT, (6, 10))
        return y @ W, xp.sum(y, axis=0), xp.sin(y)

    compiled = same(f, normal(3, 4, 5), normal(10, 2))
    assert compiled.program().count("exp(") == compiled.program().count("astype(") == 1
    assert ": call" not in compiled.program()
