"""Every rule under `vmap`, in both orders with `grad`, against a loop over the rows."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.registry import REGISTRY
from pullback.autograd.transforms.batching import rows as rows_module

from ..._each import each
from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ...cases._table import collect, inexact_leaves, loss, weights_for

K = 3
# What vmap refuses: results whose shape differs from row to row.
REFUSED = {"unique_all", "unique_counts", "unique_inverse", "unique_values", "arange"}
# The functions of `BY_ROWS` that always run row by row.
ALWAYS_BY_ROWS = {"convolve", "lfilter", "sddmm", "sparse_product", "sylvester"}
CASES = [case for case in collect() if case.makers()]


def copies(case):
    """The row's arrays, three times each: differentiated ones a little smaller each time, constants as they are."""
    indices = case.places()
    return [
        np.stack([x * (1 - 0.02 * i) if j in indices else x for i in range(K)]).astype(x.dtype)
        for j, x in enumerate(case.arrays())
    ]


def on(lib, arrays):
    return [lib.asarray(a) for a in arrays]


def run(case, axes, arrays):
    return pb.vmap(lambda xs: inexact_leaves(case.pullback(list(xs))), in_axes=(axes,))(
        tuple(arrays)
    )


def rows(stacked, i, axes):
    return [x[i, ...] if axis == 0 else x for x, axis in zip(stacked, axes, strict=True)]


def axes_of(case):
    """Differentiated arrays are mapped; constants (indices, masks) are the same for all."""
    places = case.places()
    return tuple(0 if j in places else None for j in range(len(case.makers())))


def unstacked(case, axes):
    arrays = copies(case)
    return [x if axis == 0 else x[0] for x, axis in zip(arrays, axes, strict=True)]


def close(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-11)


def test_every_rule_has_a_row():
    covered = {case.name for case in CASES}
    assert [
        name for name, primitive in REGISTRY.items() if primitive.rules and name not in covered
    ] == []


@pytest.fixture
def by_rows(monkeypatch):
    """The names of the functions that were called for each row."""
    names = set()
    stacked = rows_module.stacked

    def spy(results):
        names.add(sys._getframe(1).f_locals.get("name"))
        return stacked(results)

    monkeypatch.setattr(rows_module, "stacked", spy)
    return names


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@each(CASES)
def test_value(case, by_rows):
    axes = axes_of(case)
    arrays = unstacked(case, axes)
    if case.name in REFUSED:
        with pytest.raises(TypeError, match="row to row"):
            run(case, axes, arrays)
        return
    got = run(case, axes, arrays)
    for i in range(K):
        wanted = inexact_leaves(case.pullback([pb.xp.asarray(x) for x in rows(arrays, i, axes)]))
        assert len(got) == len(wanted)
        for y, w in zip(got, wanted, strict=True):
            assert (y.shape[1:], y.dtype) == (w.shape, w.dtype)
            close(y[i], pb.to_numpy(w))
    assert by_rows - {None} <= ALWAYS_BY_ROWS


def weights_of(case, arrays, axes):
    out = case.pullback([pb.xp.asarray(x) for x in rows(arrays, 0, axes)])
    return weights_for(inexact_leaves(out))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@each(c for c in CASES if c.name not in REFUSED)
def test_gradient(case, by_rows):
    """``vmap(grad(f))``, and the gradient of the sum of ``vmap(f)``."""
    axes, places = axes_of(case), case.places()
    arrays = unstacked(case, axes)
    weights = weights_of(case, arrays, axes)

    def of_row(*xs):
        every = list(xs)
        return loss(case.pullback(every), weights)

    def of_all(*xs):
        return pb.xp.sum(pb.vmap(of_row, in_axes=axes)(*xs))

    gradient = pb.grad(of_row, argnums=tuple(places))
    inside = pb.vmap(gradient, in_axes=axes)(*arrays)
    outside = pb.grad(of_all, argnums=tuple(places))(*arrays)
    for i in range(K):
        wanted = gradient(*rows(arrays, i, axes))
        for a, b, w in zip(inside, outside, wanted, strict=True):
            assert a.dtype == b.dtype == w.dtype
            assert type(a) is type(b) is np.ndarray
            close(a[i], w)
            close(b[i], w)
    assert by_rows - {None} <= ALWAYS_BY_ROWS


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@each(c for c in CASES if c.name not in REFUSED)
def test_on_every_library(case, lib):
    """The values and the gradients of all rows, without leaving the library or its device."""
    if lib.name == "numpy" or lib.name in case.skip:
        pytest.skip(case.skip.get(lib.name, "the other tests are NumPy's"))
    axes, places = axes_of(case), case.places()
    hosts = unstacked(case, axes)
    host_weights = weights_of(case, hosts, axes)
    arrays, weights = on(lib, hosts), on(lib, host_weights)

    def total(weights):
        def of_row(*xs):
            return loss(case.pullback(list(xs)), weights)

        return lambda *xs: pb.xp.sum(pb.vmap(of_row, in_axes=axes)(*xs))

    got = pb.grad(total(weights), argnums=tuple(places))(*arrays)
    wanted = pb.grad(total(host_weights), argnums=tuple(places))(*hosts)
    for g, w in zip(got, wanted, strict=True):
        assert lib.is_raw(g)
        np.testing.assert_allclose(lib.to_numpy(g), w, rtol=1e-9, atol=1e-11)
