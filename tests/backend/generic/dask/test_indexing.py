"""Keys of every kind on Dask arrays: reading, writing, adding, with their gradients, or an error with advice."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._dask import counted, da, rows, same, tiles

xp = pb.xp
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 5))
PLACES = np.asarray([3, 0, 3, -1])
MASK = X > 0.2

KEYS = {
    "slices": (slice(1, 5), slice(None, None, 2)),
    "backwards": (slice(None, None, -2), slice(3, 0, -1)),
    "number": (2,),
    "numbers": (-1, 3),
    "new axes": (None, slice(1, 3), None),
    "ellipsis": (..., 1),
    "nothing": (slice(3, 3),),
    "line of indices": (PLACES,),
    "indices of columns": (slice(None), PLACES),
    "points": (PLACES, np.asarray([0, 1, 1, 4])),
    "mask of rows": (MASK[:, 0],),
}


@pytest.mark.parametrize("layout", [tiles, rows])
@pytest.mark.parametrize("name", KEYS)
def test_reading_by_numpy_keys(name, layout):
    key = KEYS[name] if len(KEYS[name]) > 1 else KEYS[name][0]
    f = lambda x: xp.sum(xp.asarray(x)[key] ** 3)
    with counted() as count:
        got = pb.value_and_grad(f)(layout(X))
        assert count.computes == 0
    same(got, pb.value_and_grad(f)(X))


@pytest.mark.parametrize("name", ["line of indices", "indices of columns"])
def test_reading_by_dask_keys(name):
    lazy = tuple(da.from_array(k, chunks=2) if isinstance(k, np.ndarray) else k for k in KEYS[name])
    with counted() as count:
        got = pb.grad(lambda x: xp.sum(xp.asarray(x)[lazy] ** 3))(tiles(X))
        assert count.computes == 0
    same(got, pb.grad(lambda x: xp.sum(xp.asarray(x)[KEYS[name]] ** 3))(X))


def test_many_chunks_of_indices_add_up():
    index = RNG.integers(0, 50, 200)
    x = RNG.normal(size=(50, 2))
    f = lambda x, i: xp.sum(xp.take(x, i, axis=0) ** 3)
    with counted() as count:
        got = pb.grad(f)(da.from_array(x, chunks=(25, 1)), da.from_array(index, chunks=50))
        assert count.computes == 0
    same(got, pb.grad(f)(x, index))


WRITES = {
    "slices": ((slice(1, 5), slice(None, None, 2)), X[1:5, ::2]),
    "number": ((2,), X[0]),
    "one value": ((slice(2, 4),), np.asarray(7.0)),
    "mask, one value": (MASK, np.asarray(7.0)),
    "mask of rows": (MASK[:, 0], np.asarray(7.0)),
}


@pytest.mark.parametrize("name", WRITES)
def test_writing(name):
    key, value = WRITES[name]
    f = lambda x, v, key: xp.sum(xp.at(x)[key].set(v) ** 3)
    lazy = rows(key) if isinstance(key, np.ndarray) else key
    with counted() as count:
        got = pb.grad(f, argnums=(0, 1))(rows(X), rows(value), lazy)
        assert count.computes == 0
    same(got, pb.grad(f, argnums=(0, 1))(X, value, key))


def test_masked_values_go_back_to_where_they_came_from():
    def f(x, mask):
        x = xp.asarray(x)
        return xp.sum(xp.at(x * 2)[mask].set(x[mask] ** 2) ** 2)

    with counted() as count:
        got = pb.value_and_grad(f)(rows(X), rows(MASK))
        assert count.computes == 0
    same(got, pb.value_and_grad(f)(X, MASK))


def test_functions_of_places_where_they_are_defined():
    f = lambda x: xp.sum(pb.xp.apply_where(xp.asarray(x) > 0, x, xp.log, fill_value=0.0))
    same(pb.value_and_grad(f)(rows(X)), pb.value_and_grad(f)(X))


@pytest.mark.parametrize(
    ("act", "advice"),
    [
        (lambda x: x[tiles(MASK)], "x.rechunk"),
        (lambda x: x[tiles(PLACES), tiles(np.asarray([0, 1, 1, 4]))], "rechunk"),
        (lambda x: xp.at(x)[rows(MASK)].set(rows(np.ones(int(MASK.sum())))), "y\\[mask\\]"),
    ],
)
def test_what_only_one_chunk_allows(act, advice):
    with counted() as count, pytest.raises(NotImplementedError, match=advice):
        act(xp.asarray(tiles(X)))
    assert count.computes == 0


def test_indices_outside_are_an_error_where_they_are_computed():
    out = pb.xp.take(rows(X), rows(np.asarray([0, 99])), axis=0)
    with pytest.raises(IndexError):
        np.asarray(out.value)


def test_arrays_of_the_user_are_not_written_to():
    x = rows(X)
    name = x.name
    y = xp.asarray(x)
    y[0] = 9.0
    assert x.name == name
    same(x, X)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_lines_of_indices_in_a_dask_array_say_how_many_elements_come(count):
    x, i = np.arange(12.0).reshape(2, 3, 2), np.asarray([2, 0, 2])[:count]
    lazy, index = da.from_array(x, chunks=(1, 2, 2)), da.from_array(i, chunks=1)
    for f in (lambda x, i: xp.take(x, i, axis=1), lambda x, i: xp.asarray(x)[:, i]):
        got = f(lazy, index)
        assert got.shape == (2, count, 2)
        same(got, x[:, i])
        g = pb.grad(lambda x, i: xp.sum(f(x, i) ** 3))  # noqa: B023 - called at once
        same(g(lazy, index), g(x, i))
