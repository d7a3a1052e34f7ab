"""Products of arrays and of matrices that the standard lacks, written in it: `einsum`, `expm` and `convolve`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..common.typing import XP


def einsum(xp: XP, arrays: Any, *, subscripts: str, optimize: Any = None) -> Any:
    """``Σ Π arrays[k][labels of k]`` over the labels that the output lacks; `subscripts` without an ellipsis.

    All operands are laid out along all labels and multiplied, which is the definition, and right for any library;
    those of our own have faster ones.
    """
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    labels = output + "".join(dict.fromkeys(c for c in inputs if c not in output + ","))
    out: Any = 1
    for x, term in zip(arrays, terms, strict=True):
        x, term = _without_repeats(xp, x, term)
        order = [c for c in labels if c in term]
        x = xp.permute_dims(x, tuple(term.index(c) for c in order))
        sizes = iter(x.shape)
        out = out * xp.reshape(x, tuple(next(sizes) if c in term else 1 for c in labels))
    summed = tuple(range(len(output), len(labels)))
    return xp.sum(out, axis=summed, dtype=out.dtype) if summed else out


def _without_repeats(xp: XP, x: Any, term: str) -> tuple[Any, str]:
    """`x` with the diagonal taken wherever a label stands twice, and the labels that are left."""
    for label in dict.fromkeys(term):
        while term.count(label) > 1:
            first, second = term.index(label), term.rindex(label)
            if x.shape[first] != x.shape[second]:
                raise ValueError(
                    f"einsum: label {label!r} stands for axes of lengths {x.shape[first]} and {x.shape[second]} of one "
                    f"operand, of shape {tuple(x.shape)}"
                )
            x = xp.linalg.diagonal(xp.moveaxis(x, (first, second), (-2, -1)))
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + label
    return x, term


def work(arrays: Any, subscripts: str) -> int:
    """The number of products in an `einsum` that is done in one loop over all labels."""
    sizes: dict[str, int] = {}
    for x, term in zip(arrays, subscripts.partition("->")[0].split(","), strict=True):
        sizes.update({c: n for c, n in zip(term, x.shape, strict=True) if n != 1})
    return math.prod(sizes.values())


SMALL = 1 << 14  # below, NumPy's loop is done before a better order is found


def einsum_numpy(arrays: Any, *, subscripts: str, optimize: Any = None) -> Any:
    """NumPy's; by default in its own order where that is soon done, else in the best, by products of matrices."""
    if optimize is None:
        optimize = len(arrays) > 1 and work(arrays, subscripts) > SMALL
    return np.einsum(subscripts, *arrays, optimize=optimize)


# ── the matrix exponential ────────────────────────────────────────────────────────────────────

# The Padé approximants' numerators, and up to which 1-norm they are exact to the precision of the dtype
# (Higham, The scaling and squaring method for the matrix exponential revisited, 2005, tables 2.1 and 2.3).
_PADE: dict[bool, tuple[float, tuple[float, ...]]] = {
    True: (3.925724783138660, (17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1)),
    False: (
        5.371920351148152,
        (
            64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
            670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
        ),
    ),
}  # fmt: skip


def expm(xp: XP, x: Any) -> Any:
    """``Σ xᵏ / k!`` of matrices (…, n, n), by scaling and squaring.

    e^A = (e^(A/2^s))^(2^s), and e^B ≈ (V − U)⁻¹ (V + U) with the even part V and the odd part U of a Padé numerator.
    How often each matrix of a batch is squared depends on its norm, which is read from the device.
    """
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(
            f"expm: square matrices are needed, not an array of shape {tuple(x.shape)}"
        )
    if 0 in x.shape:
        return xp.zeros_like(x)
    single = xp.finfo(x.dtype).bits == 32
    bound, numerator = _PADE[single]
    norm = xp.max(xp.sum(xp.abs(x), axis=-2), axis=-1)
    norm = xp.where(xp.isfinite(norm), norm, xp.zeros_like(norm))
    halvings = xp.ceil(xp.log2(xp.where(norm > bound, norm / bound, xp.ones_like(norm))))
    b = x * _matrices(2.0**-halvings)
    n = x.shape[-1]
    i = xp.arange_like(n, x)
    eye = xp.astype(i[:, None] == i[None, :], x.dtype)
    square = b @ b
    even, odd, power = numerator[0] * eye, numerator[1] * eye, square
    for k in range(2, len(numerator), 2):
        even = even + numerator[k] * power if k < len(numerator) else even
        odd = odd + numerator[k + 1] * power
        power = power @ square
    odd = b @ odd
    out = xp.linalg.solve(even - odd, even + odd)
    for step in range(int(xp.max(halvings))):
        out = xp.where(_matrices(halvings > step), out @ out, out)
    return out


def expm_scipy(x: Any) -> Any:
    """SciPy's, of NumPy arrays."""
    import scipy.linalg  # half of the time that `import pullback` takes

    return scipy.linalg.expm(x)


def convolve(xp: XP, x1: Any, x2: Any) -> Any:
    """``Σ_j x1_j x2_{k−j}`` of two vectors, all of it: windows of x1, the rows of a matrix, times x2 reversed."""
    n, m = x1.shape[0], x2.shape[0]
    zeros = xp.zeros_on_device_of((m - 1,), x1)
    padded = xp.concat([zeros, x1, zeros])
    rows, columns = xp.arange_like(n + m - 1, x1), xp.arange_like(m, x1)
    windows = xp.take(padded, xp.reshape(rows[:, None] + columns[None, :], (-1,)), axis=0)
    return xp.reshape(windows, (n + m - 1, m)) @ xp.flip(x2)


def _matrices(x: Any) -> Any:
    """Numbers (…) as what multiplies matrices (…, n, n)."""
    return x[..., None, None]
