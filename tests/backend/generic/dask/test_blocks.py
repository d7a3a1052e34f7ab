"""Blocks are computed by their own library, on any scheduler: threads, processes, a cluster; and CuPy's blocks."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.backend.generic.dask import blocks

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ....cases._table import look_up
from ._dask import counted, da, same

xp = pb.xp
RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(12, 3)), RNG.normal(size=3)


def loss(w: Any, x: Any) -> Any:
    """With functions that run in blocks, along lines, over segments and as products."""
    z = x * w
    e = xp.sort(z, axis=1) + xp.special.gammaln(xp.abs(z) + 1) + xp.softmax(z, axis=1)
    return xp.mean(xp.softplus(x @ w)) + xp.sum(xp.take(e, xp.asarray([0, 2, 2]), axis=0) ** 2)


def results(x: Any, w: Any) -> Any:
    return pb.value_and_grad(loss)(w, x)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a cluster of two worker processes on this machine."""
    distributed = pytest.importorskip("distributed", reason="Dask's cluster is in the extra `test`")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster.scheduler_address


def lazy() -> Any:
    return da.from_array(X, chunks=(4, 3))


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_local_schedulers(scheduler):
    import dask

    wanted = results(X, W)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        same(results(lazy(), W), wanted)


def test_a_cluster_at_an_address(address):
    distributed = pytest.importorskip("distributed")
    wanted = results(X, W)
    with distributed.Client(address) as client:
        same(results(lazy(), W), wanted)
        value, gradient = results(lazy(), da.from_array(W))
        future = client.compute(gradient)
        assert future.result().shape == (3,)
        same((value, future.result()), wanted)
        assert os.getpid() not in client.run(os.getpid).values()


def test_graphs_are_pickled():
    value, gradient = results(lazy(), da.from_array(W))
    same(pickle.loads(pickle.dumps((value, gradient))), results(X, W))


@pytest.fixture
def standin(monkeypatch: Any) -> Iterator[Any]:
    """The stand-in for CuPy, as the library of blocks."""
    from .... import standin

    undo = standin.activate("cupy")
    yield standin
    undo()


ON_DEVICE = {
    "loss": lambda w, x: (
        xp.mean(xp.softplus(x @ w)) + xp.sum(xp.softmax(x * w, axis=1) * xp.sort(x, axis=1))
    ),
    "statistics": lambda w, x: xp.sum(xp.mean(x * w, axis=0)) + xp.max(x * w),
    "writes": lambda w, x: xp.sum(xp.at(x * w)[:, 0].set(1.0) ** 2) + xp.sum((x * w)[1:, ::2] ** 3),
    "transforms": lambda w, x: xp.sum(xp.abs(xp.fft.fft(x * w)) ** 2),
    "masks": lambda w, x: xp.sum(xp.where(x > 0, x * w, 0.0)) + xp.sum(xp.concat([x * w, x]) ** 2),
    "products": lambda w, x: (
        xp.sum(xp.matrix_transpose(x * w) @ x) + xp.sum(xp.linear(x, x[:3, :] * w, w))
    ),
}


@pytest.mark.parametrize(
    "name", ["loss", "statistics", "writes", "transforms", "masks", "products"]
)
def test_blocks_of_cupy_arrays_stay_theirs(name, standin):
    space, device = standin.namespace(), standin.Device()
    there = lambda x: da.from_array(
        space.asarray(x, device=device), chunks=(4, 3)[: x.ndim], asarray=False
    )
    f = ON_DEVICE[name]
    if name == "loss":
        f = lambda w, x: (
            xp.mean(xp.softplus(x @ w)) + xp.sum(xp.softmax(x * w, axis=1) * xp.sort(x, axis=1))
        )
    kind = type(space.asarray(0.0))
    with counted() as count:
        value, gradients = pb.value_and_grad(f, argnums=(0, 1))(there(W), there(X))
        assert count.computes == 0
        blocks_of = [y.compute() for y in (value, *gradients)]
    assert all(type(block) is kind for block in blocks_of)
    same(
        [block.get() for block in blocks_of],
        pb.tree.leaves(pb.value_and_grad(f, argnums=(0, 1))(W, X)),
    )


def test_values_on_a_device_do_not_become_numpy_s_silently(standin):
    space, device = standin.namespace(), standin.Device()
    x = da.from_array(space.asarray(X, device=device), chunks=(4, 3), asarray=False)
    with pytest.raises(TypeError, match="nothing is moved silently"):
        pb.backend.backend_of(x).fetch([x])


def test_functions_of_whole_lines_say_which_axis_to_put_into_one_chunk():
    x = da.ones((4, 6), chunks=(2, 3))
    with pytest.raises(NotImplementedError, match=r"fft\.fft.*axis 1.*x\.rechunk\(\{1: -1\}\)"):
        xp.fft.fft(x)


def test_several_results_are_computed_once():
    calls = []
    x = da.from_array(X[:3, :], chunks=-1).map_blocks(
        lambda b: calls.append(1) or b, dtype=X.dtype, meta=X
    )
    del calls[:]
    u, s, vh = xp.linalg.svd(x)
    with counted():
        da.compute(u.value, s.value, vh.value)
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["gammaln", "airy", "polygamma"])
def test_special_functions_of_blocks(name):
    function = look_up(pb.xp, f"special.{name}")
    args = (2,) if name == "polygamma" else ()
    got, wanted = (function(*args, xp.abs(x) + 1.0) for x in (lazy(), X))
    same([y.value for y in pb.tree.leaves(got)], [y.value for y in pb.tree.leaves(wanted)])


def test_elementwise_functions_without_arrays_of_one_shape():
    x, y = da.ones((4, 1), chunks=2), da.ones((1, 6), chunks=3)
    out = blocks.elementwise("logaddexp", x, y)
    assert out.shape == (4, 6)
    same(out, np.full((4, 6), np.logaddexp(1.0, 1.0)))
