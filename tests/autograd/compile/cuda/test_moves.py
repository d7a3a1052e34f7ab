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
    nothing = any(not v.size for v in pb.tree.leaves((args, f(*args))))
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

    compiled = same(both, *args, **options)
    # of what has no elements, all is a call
    assert nothing or ": call" not in compiled.program()


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
    "concat of empty parts": lambda x, y: xp.concat([y[:0, :2], x, y[:1, :2]]),
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


# ── roll, repeat and tile ─────────────────────────────────────────────────────────────────────

COPIES = {
    "roll": lambda x: xp.roll(x, 1, axis=0),
    "roll back": lambda x: xp.roll(x.mT, -2, axis=-1),
    "roll by nothing": lambda x: xp.roll(x[::-1], 8, axis=0),
    "roll along all": lambda x: xp.roll(x, (1, -1), axis=(1, 0)),
    "roll along both by one": lambda x: xp.roll(x, 1, axis=(1, 0)),
    "roll one axis twice": lambda x: xp.roll(x, (1, 1), axis=(0, 0)),
    "roll one axis by two": lambda x: xp.roll(x, (1, 1), axis=1),
    "roll all elements": lambda x: xp.roll(x.mT, 3),
    "roll all elements twice": lambda x: xp.roll(x[::-1], (7, -21)),
    "roll a row": lambda x: xp.roll(x[:, 1], -1),
    "roll one element": lambda x: xp.roll(x[1, 2], 3),
    "repeat": lambda x: xp.repeat(x, 3, axis=1),
    "repeat rows": lambda x: xp.repeat(x.mT, 2, axis=0),
    "repeat elements": lambda x: xp.repeat(x.mT, 2),
    "tile": lambda x: xp.tile(x, (2, 3)),
    "tile of more axes": lambda x: xp.tile(x[:, ::-1], (2, 1, 3)),
    "tile of less axes": lambda x: xp.tile(x, (2,)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", COPIES)
def test_copies(runtime, name, dtype):  # noqa: F811 - a fixture
    moved(COPIES[name], numbers(4, 5, dtype=dtype))


@pytest.mark.parametrize("name", COPIES)
def test_gradients_of_copies(runtime, name):  # noqa: F811 - a fixture
    slopes(lambda x: COPIES[name](xp.sin(x)), normal(4, 5))


def test_copies_that_calls_make(runtime):  # noqa: F811 - a fixture
    x = numbers(4, 5)
    moved(lambda x: xp.roll(x, (), axis=()), x, calls=1)
    moved(lambda x: xp.roll(x, 2, axis=()), x, calls=1)
    moved(lambda x: xp.roll(x, (), axis=0), x, calls=1)
    moved(lambda x: xp.repeat(x, np.asarray([1, 0, 2, 1]), axis=0), x, calls=1)
    moved(lambda x: xp.tile(x, (0, 2)), x, calls=2)  # and the output is a copy


# ── writing ───────────────────────────────────────────────────────────────────────────────────

KEYS = {
    "rows": slice(1, 3),
    "element": (2, 1),
    "element under an ellipsis": (-1, ..., 0),
    "row": -2,
    "column": (..., 1),
    "inner": (slice(1, -1), slice(1, -1)),
    "steps": (slice(None, None, 2), slice(1, None, 2)),
    "backwards": (slice(None, None, -1), slice(3, 0, -2)),
    "all": ...,
    "all backwards": (slice(None, None, -1),) * 2,
    "new axes": (None, slice(1, 3), None, slice(0, 4, 3)),
    "one": (slice(2, 3), slice(0, 1, 5)),
    "nothing": (slice(2, 2), slice(None)),
    "nothing but one": (slice(7, 9), 1),
}


def written(x, v, key):
    """A copy of `x` with a part of it set."""
    x = +x if x.dtype != xp.bool else xp.logical_or(x, x)
    x[key] = v
    return x


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", KEYS)
def test_writes(runtime, name, dtype):  # noqa: F811 - a fixture
    key = KEYS[name]
    x = numbers(4, 5, dtype=dtype)
    shape = x[key].shape

    def f(x, v):
        part = v[tuple(slice(0, n) for n in shape)]
        row = part[..., :1] if shape else part
        one = v[(0,) * len(v.shape)]
        more = row[None, None] if shape else row
        return [written(x, each, key) for each in (part, row, more, one, True)]

    moved(f, x, numbers(*(n + 1 for n in shape), dtype=dtype) if shape else numbers(dtype=dtype))


@pytest.mark.parametrize("name", KEYS)
def test_gradients_of_writes_and_reads(runtime, name):  # noqa: F811 - a fixture
    key = KEYS[name]
    x = normal(4, 5)
    v = normal(*x[key].shape)
    slopes(lambda x, v: (written(xp.sin(x), v * 2, key), xp.exp(x)[key] * v), x, v)
    slopes(lambda x, v: (written(x, v[..., :1] if v.ndim else v, key), x[key] ** 2 + x[1, 1]), x, v)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_that_are_written(runtime, dtype):  # noqa: F811 - a fixture
    """Those of the program, and those of a call, which NumPy rounds to the dtype."""

    def f(x, number):
        return written(x, 0.1, (slice(1, 3), 2)), written(x, number, 1), written(x, 3, ...)

    compiled = pb.compile(f)
    for number in (0.3, 0.7, -0.0):
        x = numbers(4, 5, dtype=dtype)
        for ours, eager in zip(compiled(x, number), f(x, number), strict=True):
            assert pb.to_numpy(ours).tobytes() == pb.to_numpy(eager).tobytes()
    assert ": call" not in compiled.program()


def test_casts_of_what_is_written(runtime):  # noqa: F811 - a fixture
    """Integers become floats and other integers; floats that would become integers are NumPy's to cast."""
    for into, given in (
        ("float32", "float64"),
        ("float64", "int64"),
        ("int8", "int64"),
        ("float32", "bool"),
    ):
        x, v = numbers(4, 5, dtype=into), normal(2, 5).astype(given)
        moved(lambda x, v: written(x, v, slice(1, 3)), x, v)
    compiled = same(
        lambda x, v: written(x, v, slice(1, 3)), np.arange(20).reshape(4, 5), normal(2, 5)
    )
    assert compiled.program().count(": call") == 1


def test_writes_one_after_another(runtime):  # noqa: F811 - a fixture
    """Parts that overlap, and parts of what has been written: the last write stays."""

    def f(x):
        y = x * 1.5
        y[1:3] = y[:2] * 2
        y[:, ::2] += x[:, :3]
        y[2:] = y[:2] + x[1:3]
        y[:1] = x[:1] + (y * 2)[:1]
        y[0, 0] = y[1, 1]
        y[::-1] -= y[1:2]
        for i in range(4):
            y[i, i] *= 3.0
        return y

    compiled = same(f, normal(4, 5), rtol=0, atol=0)
    assert ": call" not in compiled.program()
    slopes(f, normal(4, 5))


def test_a_sum_at_a_part_leaves_the_others(runtime):  # noqa: F811 - a fixture
    """−0, which −0 + 0 is not, stays −0 where nothing is added."""

    def f(x, y):
        y = y * -1.0
        y[1:] += x[1:]
        return y

    compiled = moved(f, np.zeros((3, 2)), np.zeros((3, 2)))
    assert "add_at(" in compiled.program()


def test_writes_under_a_mask(runtime):  # noqa: F811 - a fixture
    def f(x):
        y = x * 2.0
        y[y > 0] = -1.5
        return y

    moved(f, numbers(4, 5))
    slopes(f, normal(4, 5))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_that_are_written_under_a_mask(runtime, dtype):  # noqa: F811 - a fixture
    """A number of a call, and an array of another dtype, which NumPy casts to that of the elements."""

    def f(x, number, one):
        return written(x, number, x > 0), written(x, one[0], x < 0)

    compiled = pb.compile(f)
    for number in (0.1, 0.7, -0.0):
        for given in (np.asarray([number]), np.asarray([(1 << 24) + 1])):
            args = numbers(4, 5, dtype=dtype), number, given
            for ours, eager in zip(compiled(*args), f(*args), strict=True):
                assert pb.to_numpy(ours).tobytes() == pb.to_numpy(eager).tobytes()
            assert ": call" not in compiled.program()


def test_numbers_in_half_precision_are_calls(runtime):  # noqa: F811 - a fixture
    moved(lambda number: xp.asarray(number, dtype=np.dtype("float16")), 0.3, calls=2)


def test_complex_numbers_are_written_by_calls(runtime):  # noqa: F811 - a fixture
    moved(lambda x: written(x, x[:1], slice(1, 3)), normal(4, 5) * 1j, calls=2)


def test_windows_of_a_value_do_not_compute_it_again(runtime):  # noqa: F811 - a fixture
    """Each element lies in nine windows, is computed once, and so is its slope."""

    def loss(x):
        y = xp.exp(x)
        return sum(xp.sum(y[i : i + 6, j : j + 6] ** 2) for i in range(3) for j in range(3))

    text = same(lambda x: pb.value_and_grad(loss)(x), normal(8, 8)).program()
    assert ": call" not in text
    assert text.count("exp(") == 1
