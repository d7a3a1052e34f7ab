"""NumPy's and SciPy's products: `einsum`, the exponential of a matrix, and the convolution of vectors.

*Einstein sums.* out[o] = Σ Π_k x_k[t_k], the sum over all labels that o lacks. The derivative by one element of x_i is
the product of the others, so x̄_i[u_i] = Σ ct[o] Π_{k≠i} x_k[t_k] over the labels that are not in u_i, the distinct
labels of t_i: again an Einstein sum. A label that x_i alone has was summed over alone, and the result is the same along
it; a label that stands twice in t_i read the diagonal, and the result goes there. (As the sweep carries conjugated
cotangents, no factor is conjugated.)

*Matrix exponential.* e^A = Σ A^k/k!, dL = Σ ct ∘ L(A, dA) with the Fréchet derivative L, whose transpose is L(Aᵀ, ·).
By e^[[A, E], [0, A]] = [[e^A, L(A, E)], [0, e^A]] (Najfeld and Havel, Derivatives of the matrix exponential and their
computation, 1995) the pullback is an exponential itself, and has derivatives of every order.
"""

from __future__ import annotations

from typing import Any

from ..core.defvjp import library_defvjp as defvjp
from ..core.typing import XP, Cotangent, Value

# ── einsum ────────────────────────────────────────────────────────────────────────────────────


def _einsum(
    ct: Cotangent,
    arrays: list[Any],
    arrays_traced: list[int],
    subscripts: str,
    optimize: Any,
    xp: XP,
) -> list[Any]:
    """The cotangents of the operands: Einstein sums of ct and the others, spread over the labels of one alone."""
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    sizes: dict[str, int] = {}
    for x, term in zip(arrays, terms, strict=True):
        sizes.update((c, n) for c, n in zip(term, x.shape, strict=True) if n != 1)
    shares: list[Any] = [None] * len(arrays)
    for i in arrays_traced:
        others = [k for k in range(len(arrays)) if k != i]
        factors = [output, *(terms[k] for k in others)]
        labels = list(dict.fromkeys(terms[i]))
        found = [c for c in labels if any(c in term for term in factors)]
        share = xp.einsum(
            [ct, *(arrays[k] for k in others)],
            subscripts=f"{','.join(factors)}->{''.join(found)}",
            optimize=None if isinstance(optimize, list | tuple) else optimize,
        )
        lengths = iter(share.shape)
        share = xp.reshape(share, tuple(next(lengths) if c in found else 1 for c in labels))
        share = xp.broadcast_to(share, tuple(sizes.get(c, 1) for c in labels))
        shares[i] = _on_diagonals(share, labels, terms[i], arrays[i].shape, xp)
    return shares


def _on_diagonals(
    share: Any, labels: list[str], term: str, shape: tuple[int, ...], xp: XP
) -> Value:
    """`share`, with one axis for each distinct label of `term`, where all axes of a label agree; else 0."""
    if len(labels) == len(term):
        return share  # the engine sums over axes of length 1 that were stretched
    lengths = tuple(shape[term.index(c)] for c in labels)
    share = xp.sum_to_shape(share, lengths)
    first = [i for i, c in enumerate(term) if c not in term[:i]]
    share = xp.reshape(share, tuple(n if i in first else 1 for i, n in enumerate(shape)))
    on: Any = True
    for i, c in enumerate(term):
        if i not in first:
            on = on & (_along(i, shape, share, xp) == _along(term.index(c), shape, share, xp))
    return xp.where(on, share, xp.zeros_like(share))


def _along(axis: int, shape: tuple[int, ...], x: Value, xp: XP) -> Value:
    """The index along one axis of an array of this shape."""
    ones = [1] * len(shape)
    ones[axis] = shape[axis]
    return xp.reshape(xp.arange_like(shape[axis], x), tuple(ones))


defvjp("einsum", arrays=_einsum)

# ── expm ──────────────────────────────────────────────────────────────────────────────────────


def _expm(ct: Cotangent, x: Value, xp: XP) -> Value:
    """The upper right block of e^[[xᵀ, ct], [0, xᵀ]].

    The block is linear in ct, which goes in divided by its largest element and comes out multiplied by it: a large
    cotangent would make the algorithm halve the matrix more often than its accuracy bears.
    """
    n = x.shape[-1]
    if 0 in x.shape:
        return ct
    size = xp.max(xp.abs(xp.stop_gradient(ct)), axis=(-2, -1), keepdims=True)
    size = xp.where((size > 0) & xp.isfinite(size), size, xp.ones_like(size))
    turned = xp.matrix_transpose(x)
    upper = xp.concat([turned, xp.astype(ct / size, x.dtype, copy=False)], axis=-1)
    lower = xp.concat([xp.zeros_like(x), turned], axis=-1)
    block = xp.expm(xp.concat([upper, lower], axis=-2))
    return xp.getitem(block, (..., slice(0, n), slice(n, 2 * n))) * size


defvjp("expm", x=_expm)

# ── convolution of vectors ────────────────────────────────────────────────────────────────────


def _by_reversed(ct: Cotangent, other: Value, other_shape: Any, xp: XP) -> Value:
    """Σ_k ct_k other_{k−j}: the middle of the convolution of ct and the reversed other vector."""
    m = other_shape[0]
    return xp.getitem(xp.convolve(ct, xp.flip(other)), slice(m - 1, ct.shape[0]))


defvjp(
    "convolve",
    x1=lambda ct, x2, x2_shape, xp: _by_reversed(ct, x2, x2_shape, xp),
    x2=lambda ct, x1, x1_shape, xp: _by_reversed(ct, x1, x1_shape, xp),
)
