"""Sparse matrices at the edges: what a reading against the code, and runs on odd input, brought up."""

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._edge_cases import B, S

xp, sparse = pb.xp, pb.sparse


def test_half_precision_stays_in_products():
    A = sparse.csr_array((S.data.astype("float16"), S.indices, S.indptr), shape=S.shape)
    x = B.astype("float16")
    assert (A @ x).dtype == "float16"
    assert pb.grad(lambda x: xp.sum(A @ x))(x).dtype == "float16"
