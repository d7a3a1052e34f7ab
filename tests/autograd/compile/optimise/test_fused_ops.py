"""`FUSED_OPS`: another function in one piece is another record, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import numba_kernels
from pullback.autograd.compile.ir.views import contiguous_view
from pullback.autograd.compile.optimise import fused_ops

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


def running_sum_numpy(op):
    def running_sum(x, target):
        np.add.accumulate(x, out=target)

    return running_sum


def running_sum_numba(writer, op):
    (x,), result = op.args, op.result
    if not writer.is_stored(result):
        return []
    name = writer.kernel.fresh("running")
    return [
        f"    {name} = 0.0",
        f"    for i in range({x.size}):",
        f"        if {writer.element(writer.ref(x), 'i')} < 0:",
        f"            return {writer.refusal(op)}",
        f"        {name} += {writer.element(writer.ref(x), 'i')}",
        f"        {writer.element(contiguous_view(result), 'i')} = {name}",
    ]


def refuse(function, x):
    raise ValueError(f"running sum: {x.min()} is negative")


def running_sum_decomposed(xp, x, /, **settings):
    i = xp.arange_like(x.shape[0], x)
    return xp.sum(xp.where(i[:, None] >= i, x, 0.0), axis=-1)


RUNNING_SUM = fused_ops.FusedOp(
    "cumulative_sum",
    matches=lambda op: len(op.args[0].shape) == 1 and op.args[0].dtype == np.float64,
    decomposition=running_sum_decomposed,
    numpy=running_sum_numpy,
    numba=running_sum_numba,
    refuse=refuse,
)


@pytest.fixture
def second(monkeypatch):
    """A second record."""
    monkeypatch.setitem(fused_ops.FUSED_OPS, "cumulative_sum", RUNNING_SUM)


def needs_numba(fast):
    if fast and not numba_kernels.available():
        pytest.skip("numba is not installed")


@pytest.mark.parametrize("fast", [False, True])
def test_another_record_is_another_function_in_one_piece(second, fast):
    needs_numba(fast)
    f = pb.compile(lambda x: (2 * xp.cumulative_sum(x * x) + 1, xp.cumulative_sum(x)), fast=fast)
    for seed in range(3):
        x = np.random.default_rng(seed).uniform(0, 1, 9)
        ours, plain = f(x)
        np.testing.assert_allclose(ours, 2 * np.cumsum(x * x) + 1)
        np.testing.assert_allclose(plain, np.cumsum(x))
    mine = "            return 1" if fast else "cumulative_sum_v"
    assert mine in f.source()
    assert "kernel" in f.program()
    # what the record is not right for stays a call
    y = np.arange(4, dtype="float32")
    np.testing.assert_allclose(f(y)[1], np.cumsum(y))
    assert mine not in f.source()


def test_a_kernel_says_which_of_its_functions_refused(second):
    needs_numba(True)
    f = pb.compile(lambda x, y: xp.cumulative_sum(x) + xp.cumulative_sum(y), fast=True)
    x, y = np.ones(5), np.full(5, 2.0)
    np.testing.assert_allclose(f(x, y), np.cumsum(x + y))
    with pytest.raises(ValueError, match=r"-1\.0 is negative"):
        f(-x, y)
    with pytest.raises(ValueError, match=r"-2\.0 is negative"):
        f(x, -y)
    np.testing.assert_allclose(f(x, y), np.cumsum(x + y))


@pytest.mark.parametrize("fast", [False, True])
def test_the_second_of_two_losses_names_its_wrong_label(fast):
    """A kernel of two losses took the first one's labels to be wrong, whichever were."""
    needs_numba(fast)

    def f(a, b, u, v):
        return pb.models.cross_entropy(a, u) + pb.models.cross_entropy(b, v)

    compiled = pb.compile(f, fast=fast)
    a, b = np.random.default_rng(0).standard_normal((2, 4, 3))
    good, bad = np.array([0, 1, 2, 0]), np.array([0, 1, 7, 0])
    np.testing.assert_allclose(compiled(a, b, good, good), f(a, b, good, good))
    for labels in ((good, bad), (bad, good)):
        with pytest.raises(IndexError, match="label 7"):
            compiled(a, b, *labels)


def test_decompositions_keep_what_they_replace(second):
    """A tracer's namespace has the decomposition, and the function itself for what it does not fit."""
    namespace = pb.backend.backend_of(np.zeros(1)).xp
    found = fused_ops.decomposed_on_device(namespace)
    assert set(found) == {
        "cumulative_sum", "undecomposed_cumulative_sum",
        "softmax_cross_entropy", "undecomposed_softmax_cross_entropy",
    }  # fmt: skip
    x = np.random.default_rng(0).standard_normal(6)
    np.testing.assert_allclose(found["cumulative_sum"](x), np.cumsum(x))
    assert found["undecomposed_cumulative_sum"] is namespace.cumulative_sum
