"""Tests of `autograd/compile/cuda/kernels.py`."""

from __future__ import annotations

import re

import numpy as np
import pytest

import pullback as pb
from pullback.backend.common.launches import Launch

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....backend.cuda.test_kernels import _compile
from ....models.test_module_layers import KEY, LAYERS
from ._assemble import (
    normal,
    runtime,  # noqa: F401 - a mark and a fixture
    step_of,
)
from ._assemble_functions import trained
from .test_assemble import pytestmark  # noqa: F401 - a mark and a fixture

xp = pb.xp


def reductions(x):
    """Sums of every kind: by warp, by block, cut into pieces, by columns."""
    y = x * 2
    return [xp.sum(y, axis=1), xp.max(y), xp.min(y, axis=0), xp.sum(y)]


def step_and_arguments():
    """A training step with Adam."""
    model, opt = pb.models.MLP([12, 40, 10], activation="gelu", seed=3), pb.optim.Adam(1e-2)
    return step_of(opt), (model, opt.init(model), normal(50, 12, dtype="float32"), RNG.integers(0, 10, 50))  # fmt: skip


RNG = np.random.default_rng(5)


def moves(x, v):
    """Reshapes, joins and writes, read by reductions."""
    y = xp.stack([x, xp.reshape(xp.concat([x.mT[1:], x.mT[:1]]), x.shape)], axis=1)
    y[::-2, :, 1:-1] += v
    y[0, 0, 0] = 1.5
    return [y, xp.sum(y * y, axis=1), xp.max(y, axis=0), xp.sum(y)]


PROGRAMS = {
    "moves": lambda: (moves, (normal(50, 12, dtype="float32"), normal(10, dtype="float32"))),
    "step": step_and_arguments,
    "rows": lambda: (reductions, (normal(40, 70, dtype="float32"),)),
    "long rows": lambda: (reductions, (normal(80, 1100),)),
    "pieces": lambda: (reductions, (normal(2, 40000, dtype="float32"),)),
    "columns": lambda: (reductions, (normal(3000, 5),)),
    "normalisation": lambda: (trained, (*LAYERS["layer norm"], KEY)),
    "draws": lambda: (lambda key: pb.random.normal(key, (50,)), (pb.random.key(3),)),
    "integers": lambda: (lambda x: (x + 1, x * x, xp.astype(x, xp.float64)), (np.arange(5, dtype=np.int16),)),
}  # fmt: skip


@pytest.mark.cupy
@pytest.mark.parametrize("name", PROGRAMS)
def test_kernels_compile_for_the_device(runtime, name):  # noqa: F811 - the fixture
    f, args = PROGRAMS[name]()
    compiled = pb.compile(f)
    compiled(*args)
    compiled(*args)
    launches = [step for step in runtime.steps if isinstance(step, Launch)]
    assert launches
    for launch in launches:
        ptx, binary = _compile(launch.source)
        assert binary[:4] == b"\x7fELF"
        assert re.search(rf"\.entry {launch.function}\b", ptx)
        if (
            name == "step"
        ):  # a double constant would make the whole expression double, 64 times slower
            assert not re.findall(r"\b(?:add|sub|mul|fma|div)\S*\.f64\S*", ptx)
