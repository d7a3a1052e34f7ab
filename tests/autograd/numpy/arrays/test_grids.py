"""Tests of `autograd/numpy/arrays/grids.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pnp = pullback.numpy
SAME = {
    "mgrid": lambda n: n.mgrid[0:2, 0:3],
    "mgrid of points": lambda n: n.mgrid[-1:1:5j],
    "mgrid mixed": lambda n: n.mgrid[0:1:3j, 0:4:2],
    "ogrid": lambda n: n.ogrid[0:2, 0:1:3j],
    "ogrid of one": lambda n: n.ogrid[0:3],
    "r_ numbers": lambda n: n.r_[1.0, 2, 3],
    "r_ range": lambda n: n.r_[0:3, 5],
    "r_ points": lambda n: n.r_[-1:1:5j, 2.0],
    "r_ lists": lambda n: n.r_[[1, 2], 0, [3.5]],
    "r_ axis": lambda n: n.r_["-1", [[1, 2]], [[3, 4]]],
    "r_ axes": lambda n: n.r_["0,2", [1, 2], [3, 4]],
    "r_ columns": lambda n: n.r_["0,2,0", [1, 2], [3, 4]],
    "r_ columns joined": lambda n: n.r_["1,2,0", [1, 2], [3, 4]],
    "c_": lambda n: n.c_[[1, 2], [3, 4]],
    "c_ matrix": lambda n: n.c_[[[1.0, 2.0]], 0, 5],
    "c_ range": lambda n: n.c_[0:3, 3:6],
}


@pytest.mark.parametrize("call", SAME.values(), ids=SAME)
def test_values_are_those_of_numpy(call):
    wanted, got = call(np), call(pnp)
    pairs = zip(got, wanted, strict=True) if isinstance(wanted, tuple) else [(got, wanted)]
    for y, ref in pairs:
        assert type(y) is pb.Array
        assert (y.shape, y.dtype) == (ref.shape, ref.dtype)
        np.testing.assert_allclose(pb.to_numpy(y), ref, rtol=1e-14)


def test_traced_arrays_and_numbers_are_joined():
    def f(n, x):
        return n.sum(n.r_[x, x[0], 1.0, 0:2] ** 2) + n.sum(n.c_[x, 2 * x] ** 3)

    x = np.asarray([0.5, -1.5])
    assert float(f(pnp, pb.xp.asarray(x))) == pytest.approx(f(np, x))
    pb.check_grads(lambda x: f(pnp, x), (x,))
    low = pb.xp.asarray(x.astype("float32"))
    assert pnp.r_[low, 1.0].dtype == np.r_[x.astype("float32"), 1.0].dtype == np.float32


def test_keys_are_numpy_s():
    assert pnp.s_[1:3, ..., None] == np.s_[1:3, ..., None]
    assert pnp.index_exp[2] == (2,)


def test_on_the_active_backend(lib, backend):
    if lib.name == "array_api_strict":
        assert lib.is_raw(pnp.mgrid[0:2].value)
    else:
        for call in SAME.values():
            got = call(pnp)
            for y in got if isinstance(got, tuple) else [got]:
                assert lib.is_raw(y.value)


def test_refusals():
    with pytest.raises(NotImplementedError, match="block"):
        _ = pnp.r_["r", [1, 2]]
    with pytest.raises(ValueError, match="directive"):
        _ = pnp.r_["x", [1, 2]]
    with pytest.raises(ValueError, match="first entry"):
        _ = pnp.r_[[1, 2], "0,2"]
    with pytest.raises(ValueError, match="at least one"):
        _ = pnp.r_[()]
    assert (repr(pnp.r_), repr(pnp.mgrid), len(pnp.c_)) == (
        "<pullback.numpy.r_>",
        "<pullback.numpy.mgrid>",
        0,
    )
