"""Tests of `autograd/compile/ir/aliasing.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from .._compiled import arrays, close
from ._views import HOSTILE, _flat, recorded

xp = pb.xp


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("name", HOSTILE)
def test_views_are_found_by_their_memory(name, layout, fast):
    """Whether an argument lies the same way while recording and at replay, or not."""

    def f(x: Any) -> Any:
        buffer = (x.T if layout == "F" else x) * 2.0 + 1.0
        parts = _flat(recorded(HOSTILE[name], buffer))
        again = _flat(recorded(HOSTILE[name], parts[0])) if parts[0].shape == (4, 4) else []
        new = x - parts[0][0, 0]
        other = new * parts[0][1, 1]
        return [*parts, *again], recorded(np.copy, new) + recorded(np.copy, other)

    compiled = pb.compile(f, fast=fast)
    for seed in range(4):
        (x,) = arrays((4, 4), seed=seed)
        for given in (x, np.asfortranarray(x), x[::-1]):
            kept = given.copy()
            mine, eager = compiled(given), f(given)
            for a, b in zip(_flat(mine), _flat(eager), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12)
            np.testing.assert_array_equal(given, kept)
    assert len(compiled._executables) == 1


OWNED = {
    "plus": lambda x: +x,
    "positive": lambda x: xp.positive(x),
    "times one": lambda x: x * 1,
    "over one": lambda x: x / 1,
    "copy": lambda x: x.copy(),
    "asarray with a copy": lambda x: xp.asarray(x, copy=True),
    "astype": lambda x: xp.astype(x, x.dtype),
    "conj": lambda x: xp.conj(x),
    "sum over no axis": lambda x: xp.sum(x, axis=()),
    "clip without bounds": lambda x: xp.clip(x),
    "two names": lambda x: [+x, x * 1],
    # views of the argument in eager mode, which nobody may rely on: its own memory is safer
    "transpose": lambda x: x.T,
    "everything": lambda x: x[...],
    "same shape": lambda x: xp.reshape(x, x.shape),
    "raveled": lambda x: xp.reshape(x, (-1,)),
    "real": lambda x: xp.real(x),
    "no axis squeezed": lambda x: xp.squeeze(x, axis=()),
    "broadcast": lambda x: xp.broadcast_to(x, x.shape),
    "broadcast together": lambda x: xp.broadcast_arrays(x, x),
    "same dtype": lambda x: xp.astype(x, x.dtype, copy=False),
    "no axis moved": lambda x: xp.moveaxis(x, 0, 0),
    "first power": lambda x: xp.linalg.matrix_power(x, 1),
    "one operand": lambda x: xp.einsum("ij->ij", x),
    "diagonal": lambda x: xp.linalg.diagonal(x),
    "asarray": lambda x: xp.asarray(x),
}


@pytest.mark.parametrize("dtype", ["float64", "complex128", "int64"])
@pytest.mark.parametrize("name", OWNED)
def test_results_are_new_arrays(name, dtype, fast):
    f = OWNED[name]
    compiled = pb.compile(lambda x: (f(x), x), fast=fast)
    kept = []
    for seed in range(4):
        (x,) = arrays((3, 3), seed=seed)
        x = np.asarray(10 * x + (1j * x.T if dtype == "complex128" else 0)).astype(dtype)
        found, same = compiled(x)
        assert same is x
        leaves = [pb.to_numpy(y) for y in pb.tree.leaves(found)]
        others = [x, *kept]
        for y in leaves:
            assert not any(np.may_share_memory(y, z) for z in others)
            others.append(y)
        close(found, f(x))
        kept += leaves
        x[...] = 0  # the caller's own, which results do not see
    for seed, y in zip(range(4), kept[:: len(kept) // 4], strict=True):
        (x,) = arrays((3, 3), seed=seed)
        x = np.asarray(10 * x + (1j * x.T if dtype == "complex128" else 0)).astype(dtype)
        np.testing.assert_allclose(y, pb.to_numpy(pb.tree.leaves(f(x))[0]))


@pytest.mark.parametrize(
    "name", ["plus", "times one", "astype", "transpose", "same shape", "asarray", "same dtype"]
)
def test_results_of_other_libraries_are_new(name):
    strict = pytest.importorskip("array_api_strict", reason="the standard's own implementation")
    compiled = pb.compile(OWNED[name])
    for seed in range(3):
        (x,) = arrays((3, 3), seed=seed)
        given = strict.asarray(x)
        found = pb.tree.map(lambda y: y.value if type(y) is pb.Array else y, compiled(given))
        assert not np.may_share_memory(found._array, given._array)
        np.testing.assert_array_equal(found._array, pb.to_numpy(OWNED[name](given)))
