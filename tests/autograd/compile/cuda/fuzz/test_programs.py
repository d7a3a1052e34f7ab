"""Random programs as programs for a CUDA device, whose steps run in random orders that their waits allow."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cuda import assemble
from pullback.autograd.compile.tracing import tracer_namespace as space
from pullback.backend import backend_of, register

from ....._host import numpy_is_active  # noqa: F401 - a fixture
from .....cuda.emulator import COMPILER, NEEDS, EmulatedRuntime
from .._assemble import (
    runtime,  # noqa: F401 - a fixture
)
from ._moves import MovingProgram
from ._programs import RandomProgram

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)


class AnyOrder(EmulatedRuntime):
    """Each segment in an order that is drawn: a step that does not wait for what it needs reads NaN, or too much."""

    def __init__(self, draw, **options):
        super().__init__(**options)
        self.draw = draw

    def segment(self, steps, block, slots, external, order=None):
        left, drawn = list(range(len(steps))), []
        while left:
            ready = [i for i in left if set(order[i]) <= set(drawn)]
            drawn.append(int(self.draw.choice(ready)))
            left.remove(drawn[-1])
        return super().segment([steps[i] for i in drawn], block, slots, external)


def check(monkeypatch, program, f, seed, *, donated=(), tight=False):
    """Three calls with other numbers each, so that what is left of the last call shows."""
    own = AnyOrder(np.random.default_rng(seed), backward=bool(seed % 2))
    register(np.ndarray, dataclasses.replace(backend_of(np.zeros(1)), programs=own))
    space._CLASSES.clear()
    if tight:  # memory is used again, as in a large program
        monkeypatch.setattr(assemble, "APART", 0)
    compiled = pb.compile(f, donate_argnums=donated)
    for _ in range(3):
        arguments = program.arguments()
        expected = pb.tree.leaves(f(*arguments))
        found = pb.tree.leaves(compiled(*[x.copy() for x in arguments]))
        for ours, eager in zip(found, expected, strict=True):
            a, b = pb.to_numpy(pb.xp.asarray(ours)), pb.to_numpy(pb.xp.asarray(eager))
            assert a.dtype == b.dtype
            largest = np.max(np.abs(b), initial=1.0, where=np.isfinite(b))
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9 * float(largest))
    assert own.steps or not sum(x.size for x in arguments)


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("way", ["values", "update", "donated", "tight"])
@pytest.mark.parametrize("seed", range(8))
def test_random_programs(runtime, monkeypatch, seed, way):  # noqa: F811 - a fixture
    program = RandomProgram(seed)
    f = program.values if way == "values" else program.update
    donated = (0, 1, 2) if way == "donated" else ()
    check(monkeypatch, program, f, seed, donated=donated, tight=way == "tight")


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize(
    ("seed", "way"),
    [*((n, "donated") for n in (3, 6, 18)), *((n, "second") for n in (9, 10))],
)
def test_random_moves(runtime, monkeypatch, seed, way):  # noqa: F811 - a fixture
    program = MovingProgram(seed, operations=7)
    if way == "second":
        check(monkeypatch, program, program.second, seed, tight=True)
    else:
        check(monkeypatch, program, program.update, seed, donated=(0, 1, 2))
