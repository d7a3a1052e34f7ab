"""Reads and writes at indices that differ from row to row, by random keys, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

K, SHAPE = 3, (4, 3, 5)


def random_key(rng):
    """A key of NumPy's with at least one array, and which of its parts are arrays of rows."""
    parts, axis = [], 0
    while axis < len(SHAPE):
        what = rng.choice(["slice", "int", "rows", "array", "none", "rows 2-d", "scalar row"])
        if what == "none":
            parts.append((None, False))
            continue
        n = SHAPE[axis]
        axis += 1
        if what == "slice":
            start, stop = sorted(rng.integers(0, n + 1, 2))
            step = rng.choice([1, 2, -1])
            parts.append(
                (
                    slice(None, None, int(step))
                    if step < 0
                    else slice(int(start), int(stop), int(step)),
                    False,
                )
            )
        elif what == "int":
            parts.append((int(rng.integers(-n, n)), False))
        elif what == "array":
            parts.append((rng.integers(-n, n, 2), False))
        elif what == "scalar row":
            parts.append((rng.integers(-n, n, K), True))
        else:
            parts.append((rng.integers(-n, n, (K, 2) if what == "rows" else (K, 3, 2)), True))
    if not any(rows for _, rows in parts):
        return random_key(rng)
    if rng.random() < 0.3:  # an ellipsis for the slices at the end
        while parts and isinstance(parts[-1][0], slice):
            parts.pop()
        if not any(rows for _, rows in parts):
            return random_key(rng)
        parts.append((..., False))
    return parts


def of_row(parts, i):
    return tuple(part[i] if rows else part for part, rows in parts)


def filled(parts, given):
    """The key with the arrays that differ from row to row in their places."""
    left = iter(given)
    arrays = [pb.asarray(part) if isinstance(part, np.ndarray) else part for part, _ in parts]
    return tuple(next(left) if rows else x for x, (_, rows) in zip(arrays, parts, strict=True))


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("mapped", [True, False])
def test_random_keys(seed, mapped):
    rng = np.random.default_rng(seed)
    parts = random_key(rng)
    x = rng.standard_normal((K, *SHAPE) if mapped else SHAPE)
    indices = [part for part, rows in parts if rows]

    def key_of(given):
        return filled(parts, given)

    axes = (0 if mapped else None, *(0 for _ in indices))
    read = pb.vmap(lambda x, *given: pb.xp.asarray(x)[key_of(given)], in_axes=axes)(x, *indices)
    rows = [x[i] if mapped else x for i in range(K)]
    for i in range(K):
        np.testing.assert_array_equal(read[i], rows[i][of_row(parts, i)])

    values = rng.standard_normal(read.shape)
    added = pb.vmap(
        lambda v, *given: pb.xp.scatter_add(SHAPE, key_of(given), v), in_axes=(0, *axes[1:])
    )(values, *indices)
    for i in range(K):
        wanted = np.zeros(SHAPE)
        np.add.at(wanted, of_row(parts, i), values[i])
        np.testing.assert_allclose(added[i], wanted)

    def write(x, v, *given):
        z = pb.xp.asarray(x, copy=True)
        z[key_of(given)] = v[..., :1] if v.ndim else v
        return z

    written = pb.vmap(write, in_axes=(axes[0], 0, *axes[1:]))(x, values, *indices)
    for i in range(K):
        wanted = rows[i].copy()
        wanted[of_row(parts, i)] = values[i][..., :1] if values[i].ndim else values[i]
        np.testing.assert_array_equal(written[i], wanted)


@pytest.mark.parametrize("seed", range(10))
def test_gradients_of_random_keys(seed):
    rng = np.random.default_rng(seed)
    parts = random_key(rng)
    x = rng.standard_normal((K, *SHAPE))
    indices = [part for part, rows in parts if rows]

    def f(x, *given):
        return pb.xp.sum(x[filled(parts, given)] ** 3)

    inside = pb.vmap(pb.grad(f))(x, *indices)
    outside = pb.grad(lambda x: pb.xp.sum(pb.vmap(f)(x, *indices)))(x)
    for i in range(K):
        wanted = pb.grad(f)(x[i], *(index[i] for index in indices))
        np.testing.assert_allclose(inside[i], wanted)
        np.testing.assert_allclose(outside[i], wanted)
