"""`einsum` and the matrix exponential beyond the table's rows."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.backend.generic import products as _products
from pullback.backend.numpy import backend as _numpy

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
RNG = np.random.default_rng(0)
A, B, C = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 2)), RNG.standard_normal((2, 3))

# ── einsum ────────────────────────────────────────────────────────────────────────────────────


def equal(got, wanted):
    assert got.shape == np.shape(wanted)
    np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-13, atol=1e-14)


def test_every_way_to_write_it():
    equal(xp.einsum("ij,jk", A, B), np.einsum("ij,jk", A, B))
    equal(xp.einsum(" i j , j k -> k i ", A, B), np.einsum("ij,jk->ki", A, B))
    equal(xp.einsum("ba", A), A.T)
    equal(xp.einsum("bA", A), np.einsum("bA", A))
    equal(xp.einsum(A, [0, 1], B, [1, 2], [2, 0]), np.einsum(A, [0, 1], B, [1, 2], [2, 0]))
    equal(xp.einsum(A, [0, 1], B, [1, 2]), A @ B)
    equal(xp.einsum(A, [1, 0]), A.T)
    equal(xp.einsum(A, [..., 30], B, [30, 2], [..., 2]), A @ B)
    equal(xp.einsum("...j,j...->...", A, B[:, :1]), np.einsum("...j,j...->...", A, B[:, :1]))
    equal(xp.einsum("...,...->...", 2.0, A), 2 * A)
    equal(xp.einsum("i...->...i", A), A.T)
    equal(xp.einsum("i->...i", A[0]), A[0])
    equal(xp.einsum(",", 2.0, 3.0), 6.0)
    equal(xp.einsum("i,i", [1, 2], [3, 4]), 11)
    equal(xp.einsum("ij->", A > 0), np.einsum("ij->", A > 0))


@pytest.mark.parametrize(
    "optimize", [None, False, True, "greedy", "optimal", ["einsum_path", (0, 1), (0, 1)]]
)
def test_the_order_of_the_products_may_be_given(optimize):
    equal(xp.einsum("ij,jk,kl->il", A, B, C, optimize=optimize), A @ B @ C)
    pb.check_grads(
        lambda *xs: xp.einsum("ij,jk,kl->il", *xs, optimize=optimize), (A, B, C), order=2
    )


@pytest.mark.parametrize(
    ("operands", "message"),
    [
        (("ij,jk->ii", A, B), "has the label 'i' twice"),
        (("ij->k", A), "label 'k' of no operand"),
        (("ij,jk", A), "names 2 operands, 1 are given"),
        (("i", A), "gives 'i' to an array of 2 dimensions"),
        (("ijk", A), "gives 'ijk' to an array of 2 dimensions"),
        (("...ij->ij", np.ones((2, 2, 2))), "needs the '...' of its operands"),
        (("i1", A), "has '1' where a letter"),
        (("i.j", A), r"has '\.' where a letter"),
        ((), "give subscripts"),
        (("ij,jk", A, A), "(mismatch|broadcast|match)"),
        (("ii", A), "match"),
    ],
)
def test_what_numpy_refuses(operands, message):
    with pytest.raises(ValueError, match=message):
        xp.einsum(*operands)
    with pytest.raises(ValueError):
        np.einsum(*operands)


def test_more_axes_than_letters():
    with pytest.raises(ValueError, match="more than 52 letters"):
        _ = pb.autograd.namespace.einsum(
            "...abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW", np.ones((1,) * 60)
        )


LARGE = [
    "bij,bjk->bik", "ijb,kjb->bik", "ij,jk->ki", "aibj,cjbk->aick", "ij,ij->", "ijk,jki->", "bi,bi->b", "ij,j->i",
    "ib,ibj->bj", "ii,ij->j",
]  # fmt: skip


@pytest.mark.parametrize("subscripts", LARGE)
def test_large_products(subscripts):
    """What is large is done in another order than NumPy's loop; the results are the loop's."""
    first, second = subscripts.partition("->")[0].split(",")
    n = 150 if len(set(first + second)) < 3 else 30 if len(set(first + second)) == 3 else 14
    x = RNG.standard_normal([n] * len(first))
    y = RNG.standard_normal([n] * len(second))
    assert _products.work((x, y), subscripts) > _products.SMALL
    got = _numpy.XP.einsum((x, y), subscripts=subscripts)
    np.testing.assert_allclose(got, np.einsum(subscripts, x, y), rtol=1e-10, atol=1e-11)


def test_mixed_dtypes():
    a, b = A.astype(np.float32), B + 1j * B
    ga, gb = pb.grad(lambda a, b: xp.real(xp.sum(xp.einsum("ij,jk->ik", a, b))), argnums=(0, 1))(
        a, b
    )
    assert (ga.dtype, gb.dtype) == (np.float32, np.complex128)
    ints = np.asarray([[1, 2], [3, 4]])
    pb.check_grads(lambda x: xp.einsum("ij,j->i", ints, x), (A[0, :2],))


# ── the matrix exponential ────────────────────────────────────────────────────────────────────
