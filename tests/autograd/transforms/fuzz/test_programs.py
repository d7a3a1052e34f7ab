"""Random programs of nested transforms against loops over rows and steps, and against central differences.

A program is given by its depth, the number of rows and its seed alone: `DRAWN` has those that run here.
"""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ._operations import PORTABLE
from ._programs import KINDS, WITHOUT_SOLVERS, AsWritten, ByDifferences, ByLoops, Draw, run

xp = pb.xp

# (depth, rows of vmap, seeds): levels of one size, which is that of the arrays too, and as a control of others
DRAWN = [(1, 3, range(30)), (2, 3, range(22)), (2, 2, range(10)), (3, 3, range(4))]
# Neither is what a random program tests: a minimum or a root that has none within reach, and an operation that is
# recorded as a whole, of which the first derivative is known.
REFUSED = ("not converged after", "only its first derivative in reverse mode is known")


def programs():
    return [(depth, size, seed) for depth, size, seeds in DRAWN for seed in seeds]


def drawn(depth, size, seed, asarray, operations=None, kinds=KINDS):
    """A function of a way of running it, and the values it is a function of."""
    rng = np.random.default_rng([seed, depth, size])
    program = Draw(rng, size, kinds, operations).program(depth)
    v, m, s = (asarray(rng.uniform(-1, 1, shape)) for shape in ((3,), (3, 3), ()))
    env = {"k0": asarray(pb.to_numpy(pb.random.key(seed)))}

    def f(way, v, m, s):
        return run(program, {**env, "v0": v, "m0": m, "s0": s}, way)[0]

    return f, (v, m, s)


def outcome(way, f, args, outside):
    """The value, or gradients by the first two arguments."""
    if outside == "grad":
        return way.grad(lambda *a: xp.sum(xp.sin(f(way, *a))), (0, 1))(*args)
    if outside == "compile":
        return (way.compile(lambda *a: f(way, *a))(*args),)
    return (f(way, *args),)


def compared(got, wanted, **tolerances):
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(pb.to_numpy(a), pb.to_numpy(b), **tolerances)


def checked(f, args, size, outside):
    try:
        wanted = outcome(ByLoops(size), f, args, outside)
        got = outcome(AsWritten(size), f, args, outside)
    except (pb.TraceError, pb.linalg.ConvergenceError) as error:
        if not any(words in str(error) for words in REFUSED):
            raise
        return None
    compared(got, wanted, rtol=1e-7, atol=1e-8)
    return got


@pytest.mark.parametrize(("depth", "size", "seed"), programs())
def test_on_numpy(depth, size, seed):
    f, args = drawn(depth, size, seed, xp.asarray)
    checked(f, args, size, ("value", "grad", "compile")[seed % 3])


@pytest.mark.parametrize("seed", range(10))
def test_derivatives_by_differences(seed):
    """Of smooth operations alone; the derivative outermost in the program is that by differences."""
    f, args = drawn(1, 3, seed, xp.asarray, SMOOTH)
    got = checked(f, args, 3, "grad")
    if got is not None:
        compared(got, outcome(ByDifferences(3), f, args, "grad"), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_on_every_library(lib, seed):
    f, args = drawn(2, 3, seed, lambda a: xp.asarray(lib.asarray(a)), PORTABLE, WITHOUT_SOLVERS)
    checked(f, args, 3, "value" if seed % 2 else "grad")


SMOOTH = sorted(
    PORTABLE
    - {"index", "sort", "sort m", "take", "take rows", "take number", "maximum", "maximum s", "max", "where", "where m"}
    - {"clip", "linear_relu", "searchsorted", "ids", "cross_entropy 1", "cross_entropy", "segment_sum", "stop"}
)  # fmt: skip
