"""Tests of `backend/cuda/networks/recurrence.py`: CUDA C on the emulator, functions on the stand-in for CuPy."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.backend.cuda import kernels
from pullback.backend.cuda.networks import recurrence
from pullback.backend.generic.networks import recurrence as formulas
from pullback.backend.numpy.networks.recurrence import PLAIN

from ....cuda._emulator import (
    backward,  # noqa: F401 - a fixture
    dtype,  # noqa: F401 - a fixture
    pointer,
)
from ....cuda.emulator import MISSING, run_kernel
from ....standin.recurrence import STEPS

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
ROWS, N = 5, 3
# Of each kernel's arrays: their columns, in units; what it writes follows after the bar.
ARRAYS = {
    "lstm_step": "4 4 1 1 mask | 4 1 1",
    "lstm_step_vjp": "1 4 1 1 mask 1 | 1 1 4",
    "gru_step": "3 3 b 1 mask | 3 1 1",
    "gru_step_vjp": "1 3 1 1 mask 1 | 1 3 3 1",
    "rnn_step": "1 1 1 mask | 1",
    "rnn_step_vjp": "1 1 mask 1 | 1 1",
}


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "g++ is here")
@pytest.mark.parametrize("numbers", [(0, 0), (1, 1)])
@pytest.mark.parametrize("name", ARRAYS)
def test_kernels_as_the_stand_in_has_them(name, numbers, dtype, backward):  # noqa: F811 - fixtures
    rng = np.random.default_rng(0)
    padded, further = numbers
    arrays, written = [], []
    for word in ARRAYS[name].split():
        if word == "|":
            written = [len(arrays)]
        elif word == "mask":
            arrays.append(rng.integers(0, 2, ROWS).astype(bool))
        else:
            shape = (N,) if word == "b" else (ROWS, int(word) * N)
            arrays.append(rng.uniform(0.1, 0.9, shape).astype(dtype))
    settings = [ROWS, N, padded]
    if name.startswith("rnn") or name == "lstm_step_vjp":
        settings.append(further)
    wanted = [a.copy() for a in arrays]
    STEPS[name](*wanted, *settings)
    grid, block = (2, 1, 1), (4, 1, 1)  # threads take several elements
    values = [pointer(a) for a in arrays] + [np.int64(s) for s in settings]
    run_kernel(recurrence.source(dtype), name, grid, block, values, backward=backward)
    tolerance = 2e-6 if dtype == "float32" else 1e-14
    for i, (a, b) in enumerate(zip(arrays, wanted, strict=True)):
        if i < written[0]:
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, rtol=10 * tolerance, atol=tolerance)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("kind", GATES)
def test_sequences_as_the_formulas(kind, padded, reverse, lib):
    """On the stand-in, and on CuPy where there is a device: values, pullbacks, and two launches a step."""
    if lib.says != "cupy":
        pytest.skip("the functions are CuPy's")
    rng = np.random.default_rng(1)
    count, rows, n, width = 4, 5, 3, 3 * GATES[kind]
    shapes = [(count, rows, width), (width, n)]
    shapes += {"lstm": [(rows, n)] * 2, "gru": [(n,), (rows, n)], "rnn": [(rows, n)]}[kind]
    hosts = [rng.standard_normal(s) for s in shapes]
    mask = (np.arange(count)[:, None] < np.asarray([4, 0, 1, 3, 2]))[..., None] if padded else None
    xp = pb.backend.backend_of(lib.asarray(0.0)).xp

    def both(name, *args):
        ours = getattr(xp, name)(
            *(lib.asarray(a) if isinstance(a, np.ndarray) else a for a in args), reverse=reverse
        )
        wanted = pb.tree.leaves(getattr(formulas, name)(PLAIN, *args, reverse=reverse))
        for a, b in zip(pb.tree.leaves(ours), wanted, strict=True):
            np.testing.assert_allclose(lib.to_numpy(a), b, rtol=1e-10, atol=1e-12)
        return wanted

    outs = both(f"{kind}_sequence", *hosts, mask)
    ct = rng.standard_normal((count, rows, n))
    W, h = hosts[1], hosts[-1]
    if kind == "lstm":
        for a, b in ((ct, None), (None, ct[0]), (ct, ct[0])):
            both("lstm_sequence_vjp", a, b, *outs[2:], W, h, mask)
    elif kind == "gru":
        both("gru_sequence_vjp", ct, *outs, W, h, mask)
    else:
        both("rnn_sequence_vjp", ct, *outs, W, mask)


def test_sources_are_complete():
    for name in kernels.DTYPES:
        assert all(f"void {kernel}(" in recurrence.source(name) for kernel in STEPS)
