"""Tests of `autograd/compile/cpu/native/recurrence.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu.native import jit, recurrence
from pullback.autograd.compile.cpu.native.table import native_op
from pullback.autograd.compile.ir.program import ARRAY, Op, Tuple, Value
from pullback.backend.numpy.backend import XP

from ....._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
pytestmark = pytest.mark.skipif(
    not jit.has_blas(), reason="NumPy's BLAS is none that kernels can call"
)
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


@pytest.fixture(autouse=True)
def small_ones_too(monkeypatch):
    monkeypatch.setattr(recurrence, "WORTH", 0)


def value_of(x: Any) -> Any:
    if isinstance(x, tuple):
        return Tuple(tuple, tuple(value_of(part) for part in x))
    return Value("v", ARRAY, x.shape, x.dtype) if isinstance(x, np.ndarray) else x


def by_kernel(name: str, *args: Any, unread: tuple[int, ...] = (), **settings: Any) -> Any:
    """What the kernel of an operation writes, and what NumPy's function returns, in flat lists."""
    wanted = getattr(XP, name)(
        *[x.copy() if isinstance(x, np.ndarray) else x for x in args], **settings
    )
    op = Op(name, getattr(XP, name), tuple(value_of(x) for x in args), settings)
    op.result = value_of(wanted)
    record = native_op(op)
    assert record is not None
    run = record.make(op)
    flat = pb.tree.leaves(wanted)
    given = [x.copy() for x in args if x is not None]
    for writeable in (
        True,
        False,
    ):  # scratch memory is used again; a user's arrays may be read only
        for x in given:
            x.flags.writeable = writeable
        targets = [
            None if i in unread else np.full(x.shape, np.nan, x.dtype) for i, x in enumerate(flat)
        ]
        run(*given, *targets)
    return [(y, x) for y, x in zip(targets, flat, strict=True) if y is not None]


def drawn(kind: str, times: int, rows: int, n: int, dtype: Any, lengths: Any) -> Any:
    """``(arguments of the sequence, mask, rng)``."""
    rng = np.random.default_rng(times + rows)
    width = GATES[kind] * n
    shapes = [(times, rows, width), (width, n)]
    shapes += {"lstm": [(rows, n)] * 2, "gru": [(n,), (rows, n)], "rnn": [(rows, n)]}[kind]
    arrays = [rng.uniform(-1, 1, shape).astype(dtype) for shape in shapes]
    mask = None
    if lengths is not None:
        mask = (np.arange(times)[:, None] < np.asarray(lengths))[..., None]
    return arrays, mask, rng


def pulled(kind: str, arrays: Any, outs: Any, ct: Any) -> list[tuple[Any, ...]]:
    """The arguments of the pullback: of an LSTM with either cotangent of the two outputs, and with both."""
    W, h = arrays[1], arrays[-1]
    if kind == "lstm":
        return [(a, b, *outs[2:], W, h) for a, b in ((ct, None), (None, ct[0]), (ct, ct[0]))]
    return [(ct, *outs, W, h)] if kind == "gru" else [(ct, *outs, W)]


ROWS = [
    (5, 4, 3, None, False),
    (4, 3, 5, None, True),
    (1, 1, 2, None, False),
    (5, 3, 4, [5, 0, 2], False),
    (5, 4, 2, [1, 3, 5, 2], True),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh", "relu"])
def test_as_numpy(kind, dtype):
    """Outputs, residuals and pullbacks: times, odd numbers of rows, both directions, padding."""
    settings = {"nonlinearity": kind} if kind in ("tanh", "relu") else {}
    kind = kind if kind in GATES else "rnn"
    close = {"rtol": 2e-5, "atol": 2e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-13}
    for times, rows, n, lengths, reverse in ROWS:
        arrays, mask, rng = drawn(kind, times, rows, n, dtype, lengths)
        settings["reverse"] = reverse
        pairs = by_kernel(f"{kind}_sequence", *arrays, mask, **settings)
        for ours, wanted in pairs:
            np.testing.assert_allclose(ours, wanted, **close)
        ct = rng.uniform(-1, 1, (times, rows, n)).astype(dtype)
        for given in pulled(kind, arrays, [x for _, x in pairs], ct):
            for ours, wanted in by_kernel(f"{kind}_sequence_vjp", *given, mask, **settings):
                np.testing.assert_allclose(ours, wanted, **close)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("times", [1, 5])
def test_products_over_all_times(times, reverse):
    rng = np.random.default_rng(times)
    for dtype in (np.float32, np.float64):
        ct, inner, ys, h = (
            rng.standard_normal(shape).astype(dtype)
            for shape in ((times, 3, 6), (times, 3, 2), (times, 3, 2), (3, 2))
        )
        for name, given in (("recurrent_vjp_W", (ct,)), ("gru_vjp_W", (ct, inner))):
            for ours, wanted in by_kernel(name, *given, ys, h, reverse=reverse):
                np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-6)


def test_results_that_nobody_reads():
    arrays, _, _ = drawn("lstm", 3, 4, 2, np.float32, None)
    for ours, wanted in by_kernel("lstm_sequence", *arrays, unread=(1, 3)):
        np.testing.assert_allclose(ours, wanted, rtol=2e-5)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_not_finite_stays_in_its_row():
    """NaN and infinite inputs: as NumPy's."""
    for kind, settings in (("lstm", {}), ("gru", {}), ("rnn", {"nonlinearity": "relu"})):
        arrays, _, _ = drawn(kind, 3, 4, 2, np.float32, None)
        arrays[0][0, 0, 0], arrays[0][1, 2, 1] = np.nan, np.inf
        for ours, wanted in by_kernel(f"{kind}_sequence", *arrays, **settings)[:1]:
            np.testing.assert_allclose(ours, wanted, rtol=2e-5, atol=1e-6)


def test_a_training_step_runs_the_kernels():
    """A compiled step of a layer, with padding: three kernels, and eager's numbers."""
    model = pb.models.LSTM.init(3, 4, seed=0)
    x = np.random.default_rng(0).standard_normal((3, 5, 3)).astype("f")
    lengths = np.asarray([5, 2, 3])

    def step(model, x, lengths):
        return pb.value_and_grad(lambda m: pb.xp.mean(m(x, lengths=lengths) ** 2))(model)

    compiled = pb.compile(step, fast=True)
    compiled(model, x, pb.xp.asarray(lengths))
    value, grads = compiled(model, x, pb.xp.asarray(lengths))
    assert compiled.program(model, x, pb.xp.asarray(lengths)).count(": kernel") == 3
    wanted_value, wanted = step(model, x, lengths)
    np.testing.assert_allclose(value, wanted_value, rtol=1e-6)
    for a, b in zip(pb.tree.leaves(grads), pb.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)


def test_other_dtypes_are_calls():
    arrays, _, _ = drawn("rnn", 2, 2, 2, np.float16, None)
    op = Op("rnn_sequence", XP.rnn_sequence, tuple(value_of(x) for x in arrays), {})
    op.result = value_of(XP.rnn_sequence(*arrays))
    assert native_op(op) is None
