"""Tests of `autograd/compile/cuda/moves.py`: what only moves data is done by kernels, to the bits of NumPy."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cuda import assemble as cuda_assemble
from pullback.autograd.compile.ir.program import ARRAY, Op, Program, Value
from pullback.backend import backend_of

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


@pytest.mark.parametrize("key", [(0, 1), (-1, 0, ...), (slice(1), 2), 2], ids=str)
def test_elements_are_views(runtime, key):  # noqa: F811 - a fixture
    f = lambda x: xp.exp(x)[key] + x[key]
    compiled = same(f, normal(3, 4))
    assert ": call" not in compiled.program()
    compiled = same(lambda x: pb.grad(lambda x: xp.sum(f(x * x)))(x), normal(3, 4))


# ── concat and stack ──────────────────────────────────────────────────────────────────────────


def _parted(z):
    return xp.concat([z[:, 2:], z[:, :2]], axis=1)


JOINS = {
    "concat": lambda x, y: xp.concat([x, y[:, :2], x]),
    "concat, last axis": lambda x, y: xp.concat([y, x, y[:, :1]], axis=-1),
    "concat of views": lambda x, y: xp.concat([x[::-1, ::-1], y[::2, 1:][:, ::-1]], axis=0)[1:],
    "concat of one": lambda x, y: xp.concat([y.mT], axis=1),
    "concat of empty parts": lambda x, y: xp.concat([x[:0], x, x[2:2], y[:1, :2]]),
    "concat of broadcasts": lambda x, y: xp.concat([xp.broadcast_to(x[:1], (4, 2)), x]),
    "concat of reshapes": lambda x, y: xp.concat([xp.reshape(x.mT, (-1,)), xp.reshape(y.mT, (-1,))]),
    "concat of one's parts": lambda x, y: _parted(xp.reshape(xp.concat([x, x]), (3, 4))),
    "stack": lambda x, y: xp.stack([x, y[:, 1:], x]),
    "stack between": lambda x, y: xp.stack([x.mT, y[:, ::-2].mT], axis=1),
    "stack last": lambda x, y: xp.stack([x, y[:, :2]], axis=-1),
    "stack of one": lambda x, y: xp.stack([y.mT], axis=1),
    "stack of numbers": lambda x, y: xp.stack([x[0, 1], y[2, 2], x[-1, 0]]),
    "tiles": lambda x, y: xp.concat([xp.stack([x, x], axis=1), xp.stack([y, y], axis=1)[:, :, :2]]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", JOINS)
def test_joins(runtime, name, dtype):  # noqa: F811 - a fixture
    moved(JOINS[name], numbers(3, 2, dtype=dtype), numbers(3, 3, dtype=dtype))


@pytest.mark.parametrize("name", JOINS)
def test_gradients_of_joins(runtime, name):  # noqa: F811 - a fixture
    slopes(lambda x, y: JOINS[name](xp.sin(x), y), normal(3, 2), normal(3, 3))


@pytest.mark.parametrize(
    ("one", "other"),
    [("float32", "float64"), ("int32", "int64"), ("int8", "float32"), ("int8", "int16"), ("uint8", "int16")],
)  # fmt: skip
def test_joins_of_several_dtypes(runtime, one, other):  # noqa: F811 - a fixture
    x, y = numbers(3, 2, dtype=one), numbers(3, 2, dtype=other)
    moved(lambda x, y: (xp.concat([x, y]), xp.concat([y, x], axis=1)), x, y)


def test_joins_under_reductions(runtime):  # noqa: F811 - a fixture
    """The index along the axis of the join belongs to the row, or to the threads that share it."""

    def f(x, y):
        z = xp.concat([x, y]) * 2
        return [g(z, axis=a) for g in (xp.sum, xp.max) for a in (0, 1, None)]

    same(f, normal(40, 70), normal(3, 70))
    same(f, normal(2, 3000), normal(3, 3000))
    same(lambda x, y: f(x.mT, y.mT), normal(40, 70), normal(40, 3))
    wide = lambda x, y: xp.concat([xp.broadcast_to(x[:, :1], x.shape), y], axis=1)
    same(lambda x, y: xp.sum(wide(x, y), axis=1), normal(40, 30), normal(40, 70))
    x, y = normal(2, 1100), normal(2, 40000)
    same(lambda x, y: xp.sum(xp.exp(xp.concat([x, y], axis=1)), axis=1), x, y)


def test_joins_that_calls_make(runtime):  # noqa: F811 - a fixture
    """Complex numbers, which no kernel holds, and more arrays than each thread should ask of."""
    x = normal(3, 4) + 1j
    moved(lambda x: xp.concat([x, x]), x, calls=2)  # and the output is a copy
    many = [normal(2) for _ in range(33)]
    moved(lambda *every: xp.concat(list(every)) + 1, *many, calls=1)
    moved(lambda *every: xp.concat(list(every)) + 1, *many[1:])


def test_what_is_joined_is_computed_once(runtime):  # noqa: F811 - a fixture
    """Several readers of a join, and several joins of a value, read what one loop has stored."""

    def f(x, y, W):
        z = xp.concat([xp.exp(x), xp.tanh(y)])
        u = xp.stack([xp.exp(x), xp.exp(x)])
        return z @ W, xp.sum(z, axis=0), xp.sin(z), xp.cos(z[1:]) + z[:-1], u, xp.sum(u[:, 1:])

    text = same(f, normal(5, 4), normal(3, 4), normal(4, 2)).program()
    assert ": call" not in text
    assert [text.count(f"{name}(") for name in ("exp", "tanh", "sin", "cos")] == [1, 1, 1, 1]


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_a_join_is_written_over_no_operand(runtime, backward):  # noqa: F811 - a fixture
    """Nor is it made by the threads that make its operands: its elements lie elsewhere, though views begin at 0."""
    runtime.backward = backward

    def f(x):
        y = xp.concat([x[:2], x[:2]]) * 2
        z = y + 1
        return y, z, xp.concat([z[:2], z[:2]])

    x = numbers(4, 700)
    compiled = pb.compile(f, donate_argnums=0)
    for _ in range(3):
        for ours, eager in zip(compiled(x.copy()), f(x), strict=True):
            np.testing.assert_array_equal(pb.to_numpy(ours), pb.to_numpy(eager))
    assert ": call" not in compiled.program()


def test_indices_of_large_joins(runtime):  # noqa: F811 - a fixture
    """Of as many elements as 32 bits can count, in 32 bits; of more, in 64."""

    def index_type(rows):
        x = Value("x", ARRAY, (rows, 1 << 15), np.dtype("int8"), input_index=0)
        joined = Value("y", ARRAY, (2 * rows, 1 << 15), x.dtype)
        joined.op = Op("concat", xp.concat, ([x, x],), {"axis": 0}, joined)
        backend = dataclasses.replace(backend_of(np.zeros(1)), programs=runtime)
        program = Program([x], [joined.op], [joined])
        out = cuda_assemble.assemble(program, backend, donated=set(), replaced_inputs={})
        (source,) = out.kernels
        return re.search(r"const (.*) o =", source).group(1)

    assert index_type((1 << 15) - 1) == "int"
    assert index_type(1 << 15) == "long long"
