"""Matrices laid out from vectors and blocks: Toeplitz, Hankel, circulant and companion matrices, blocks, products.

All are indexing and products, so that a gradient is the sum over the places where an element stands.
"""

from __future__ import annotations

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ...functions.creation import asarray
from ...functions.data_type import result_type
from ...functions.linear_algebra import create_diagonal


def _vector(x: ArrayLike) -> Array:
    return generated.reshape(asarray(x), (-1,))


def _picked(values: Array, index: np.ndarray) -> Array:
    """values[index], of a vector and a matrix of indices made on the host."""
    flat = Array(backend_of(backend_array(values)).asarray(index.reshape(-1)))
    return generated.reshape(generated.take(values, flat, axis=0), index.shape)


def _joined(*parts: Array) -> Array:
    dtype = result_type(*parts)
    return generated.concat([generated.astype(p, dtype, copy=False) for p in parts])


def toeplitz(c: ArrayLike, r: ArrayLike = None) -> Array:
    """T with ``T[i, j] = c[i − j]`` below and on the diagonal, ``r[j − i]`` above; r is conj(c) by default.

    Examples
    --------
    >>> from pullback.scipy.linalg import toeplitz
    >>> toeplitz([1.0, 2.0, 3.0], [1.0, 4.0])
    Array([[1., 4.],
           [2., 1.],
           [3., 2.]], dtype=float64, device='cpu')
    """
    c = _vector(c)
    r = generated.conj(c) if r is None and c.dtype.kind == "c" else c if r is None else _vector(r)
    values = _joined(generated.flip(r[1:]), c)
    n, m = c.shape[0], r.shape[0]
    index = np.arange(n)[:, None] - np.arange(m)[None, :] + m - 1
    return _picked(values, index)


def hankel(c: ArrayLike, r: ArrayLike = None) -> Array:
    """H with ``H[i, j] = c[i + j]``, continued by r[1:], which is 0 by default."""
    c = _vector(c)
    r = c * 0 if r is None else _vector(r)
    index = np.arange(c.shape[0])[:, None] + np.arange(r.shape[0])[None, :]
    return _picked(_joined(c, r[1:]), index)


def circulant(c: ArrayLike) -> Array:
    """C with ``C[i, j] = c[(i − j) mod n]``."""
    c = _vector(c)
    i = np.arange(c.shape[0])
    return _picked(c, (i[:, None] - i[None, :]) % max(c.shape[0], 1))


def companion(a: ArrayLike) -> Array:
    """The companion matrix of the polynomial with coefficients a, the highest first."""
    a = _vector(a)
    first = generated.expand_dims(-a[1:] / a[0], axis=0)
    below = create_diagonal(a[2:] * 0 + 1)
    n = a.shape[0] - 1
    pad = generated.reshape(a[1:2] * 0, (1, 1))
    column = generated.broadcast_to(pad, (n - 1, 1))
    return generated.concat([first, generated.concat([below, column], axis=1)], axis=0)


def convolution_matrix(a: ArrayLike, n: int, mode: str = "full") -> Array:
    """The matrix A with ``A @ v = convolve(a, v, mode)`` for v of length n."""
    a = _vector(a)
    if n <= 0 or not a.shape[0]:
        raise ValueError("convolution_matrix: a must not be empty, and n is a positive integer")
    m = a.shape[0]
    full = toeplitz(
        _joined(a, generated.broadcast_to(a[:1] * 0, (n - 1,))),
        _joined(a[:1], generated.broadcast_to(a[:1] * 0, (n - 1,))),
    )
    if mode == "full":
        return full
    if mode == "same":
        cut = min(n, m) - 1
        first = cut // 2
        return full[first : first + max(n, m), ...]
    if mode == "valid":
        cut = min(n, m) - 1
        return full[cut : full.shape[0] - cut, ...]
    raise ValueError(f"convolution_matrix: mode={mode!r}; 'full', 'same' or 'valid'")


def block_diag(*arrs: ArrayLike) -> Array:
    """The arrays in blocks along the diagonal, zeros elsewhere; vectors are rows, numbers are 1 × 1.

    Examples
    --------
    >>> from pullback.scipy.linalg import block_diag
    >>> block_diag([[1.0, 2.0]], 3.0)
    Array([[1., 2., 0.],
           [0., 0., 3.]], dtype=float64, device='cpu')
    """
    blocks = [asarray(a) for a in arrs]
    if not blocks:
        return asarray(np.zeros((1, 0)))
    blocks = [generated.reshape(b, (1,) * (2 - b.ndim) + b.shape) for b in blocks]
    if any(b.ndim > 2 for b in blocks):
        raise ValueError("block_diag: arrays of at most two dimensions")
    dtype = result_type(*blocks)
    columns = sum(b.shape[1] for b in blocks)
    rows, before = [], 0
    for b in blocks:
        b = generated.astype(b, dtype, copy=False)
        behind = columns - before - b.shape[1]
        rows.append(generated.concat([_nothing(b, before), b, _nothing(b, behind)], axis=1))
        before += b.shape[1]
    return generated.concat(rows, axis=0)


def _nothing(b: Array, columns: int) -> Array:
    """Zeros with the rows of b."""
    value = backend_array(b)
    return Array(backend_of(value).xp.zeros_on_device_of((b.shape[0], columns), value))


def khatri_rao(a: ArrayLike, b: ArrayLike) -> Array:
    """The Khatri-Rao product of matrices (n, k) and (m, k): Kronecker products of columns, (n m, k)."""
    a, b = asarray(a), asarray(b)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(
            f"khatri_rao: matrices with as many columns each, not {a.shape} and {b.shape}"
        )
    out = generated.expand_dims(a, axis=1) * generated.expand_dims(b, axis=0)
    return generated.reshape(out, (a.shape[0] * b.shape[0], a.shape[1]))


def diagsvd(s: ArrayLike, M: int, N: int) -> Array:
    """The M × N matrix with the singular values s on its diagonal."""
    s = _vector(s)
    out = create_diagonal(s)
    k = s.shape[0]
    if k == M:
        return generated.concat([out, _nothing(out, N - M)], axis=1)
    if k == N:
        below = generated.matrix_transpose(_nothing(out, M - N))
        return generated.concat([out, below], axis=0)
    raise ValueError(f"diagsvd: {k} singular values; M = {M} or N = {N} of them are wanted")
