"""Random programs of loops, `vmap`, derivatives and solvers, compiled for a CUDA device, against eager NumPy.

Arrays are the stand-in's for CuPy, so that what lies between the kernels is asked of CuPy; segments run on the
emulator, their steps in random orders that their waits allow.
"""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .....cuda.emulator import COMPILER, NEEDS
from .....standin import load, programs
from .....standin.array import ndarray
from .....standin.memory import host
from ._loops import RandomLoops
from .test_programs import AnyOrder

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason=NEEDS),
    pytest.mark.filterwarnings("ignore:.*:RuntimeWarning"),
]
WAYS = ("values", "gradients", "along", "second", "update", "compiled vmap", "vmap of compiled")


@pytest.fixture(scope="module")
def device():
    """The stand-in with programs, while the tests of this file run."""
    with programs.running("cupy") as made:
        yield made


def on_host(x):
    """A result as an array of NumPy's."""
    x = x.value if isinstance(x, pb.Array) else x
    return host(x) if isinstance(x, ndarray) else np.asarray(x)


def functions(program, way):
    """The function as it is, and compiled."""
    if way == "compiled vmap":
        mapped = pb.vmap(program.values)
        return mapped, pb.compile(mapped)
    if way == "vmap of compiled":
        return pb.vmap(program.values), pb.vmap(pb.compile(program.values))
    f = getattr(program, way)
    donated = tuple(range(len(program.inputs))) if way == "update" else ()
    return f, pb.compile(f, donate_argnums=donated)


def given(program, way):
    """Arguments: of three rows for `vmap`."""
    if "vmap" in way:
        return [np.stack(x) for x in zip(*[program.arguments() for _ in range(3)], strict=True)]
    return program.arguments()


def check(device, seed, way, operations=2):
    """Four calls with other numbers each; arguments and earlier results stay as they are, but for what is donated."""
    program = RandomLoops(seed, operations, mapped="vmap" in way)
    device.emulated = AnyOrder(np.random.default_rng(seed), epilogues=True, backward=bool(seed % 2))
    f, compiled = functions(program, way)
    kept = []
    for _ in range(4):
        arguments = given(program, way)
        with pb.backend.use("numpy"):
            wanted = [np.array(on_host(x)) for x in pb.tree.leaves(f(*arguments))]
        mine = [load.backend().asarray(x) for x in arguments]
        found = pb.tree.leaves(compiled(*mine))
        kept.append((found, wanted))
        if way == "update":
            kept = kept[-1:]
        else:
            for ours, theirs in zip(mine, arguments, strict=True):
                np.testing.assert_array_equal(on_host(ours), theirs)
        for results, expected in kept:
            for ours, theirs in zip(results, expected, strict=True):
                assert on_host(ours).dtype == theirs.dtype
                scale = float(np.max(np.abs(theirs), initial=1.0))
                np.testing.assert_allclose(on_host(ours), theirs, rtol=1e-7, atol=1e-8 * scale)


# Seeds whose kernels g++ compiles in a second or less; each way is among them.
@pytest.mark.parametrize("seed", [0, 2, 4, 5, 6, 7, 8, 9, 10])
def test_random_loops(device, seed):
    check(device, seed, WAYS[seed % len(WAYS)])


# ── donated arguments in any relation to each other, to other arguments and to earlier results ──

# What becomes of an array of the state, x, and another argument, y.
LEAVES = [
    lambda x, y: x,
    lambda x, y: y,
    lambda x, y: x.mT,
    lambda x, y: x - 0.1 * pb.xp.sin(y),
    lambda x, y: pb.xp.tanh(x[::-1]) + y,
    lambda x, y: 0.5 * pb.xp.matmul(x, y),
]


def related(draw, state, others, last):
    """Arguments some of which are others, views of others, or results of the last call."""
    i, j, k = (int(n) for n in draw.integers(0, [len(state), len(state), len(others)]))
    if last is not None and draw.random() < 0.7:
        state = list(last)
        state[i], state[j] = state[j], state[i]
    relation = int(draw.integers(7))
    if relation == 1:
        state[i] = state[j]
    elif relation == 2:
        state[i] = state[j][::-1]
    elif relation == 3:
        others[k] = state[i]
    elif relation == 4:
        others[k] = state[i][:] if draw.integers(2) else state[i].T
    elif relation == 5:
        state[i] = others[k][:]
    elif relation == 6:
        state[i] = state[i].T
    return state, others


@pytest.mark.parametrize("seed", [0, 1, 2, 7, 10, 14, 25, 43])
def test_donated_arguments(device, seed):
    """Results are those of a function that writes to nothing, and neither other arguments nor old results change."""
    draw = np.random.default_rng(seed)
    device.emulated = AnyOrder(draw, epilogues=True)
    rows = draw.integers(0, [len(LEAVES), 5, 5], (5, 3)).tolist()

    def f(state, others):
        found = [pb.xp.asarray(x) for x in (*state, *others)]
        new = [LEAVES[leaf](found[i], found[j]) for leaf, i, j in rows]
        return new[:3], new[3:]

    compiled = pb.compile(f, donate_argnums=0)
    last, kept = None, []
    for _ in range(6):
        fresh = [load.backend().asarray(x) for x in 0.5 * draw.standard_normal((5, 3, 3))]
        state, others = related(draw, fresh[:3], fresh[3:], last)
        before = [np.array(host(x)) for x in (*state, *others)]
        with pb.backend.use("numpy"):
            wanted = [np.array(on_host(x)) for x in pb.tree.leaves(f(before[:3], before[3:]))]
        found = pb.tree.leaves(compiled(state, others))
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(on_host(ours), theirs, rtol=1e-9, atol=1e-10)
        for x, value in [*zip(others, before[3:], strict=True), *kept]:
            if not any(np.shares_memory(host(x), host(y)) for y in state):
                np.testing.assert_array_equal(host(x), value)
        last = [x.value for x in found[:3]]
        kept = [(x.value, np.array(on_host(x))) for x in found]
