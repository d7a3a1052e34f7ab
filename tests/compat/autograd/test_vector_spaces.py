"""Tests of `compat/autograd/vector_spaces.py`: the axioms of a vector space with a real inner product."""

from collections import namedtuple
from functools import reduce

import numpy as np
import pytest

from pullback.compat.autograd.test_util import check_grads, scalar_close
from pullback.compat.autograd.vector_spaces import (
    ArrayVSpace,
    ComplexArrayVSpace,
    SparseObject,
    VSpace,
    real_size,
    vspace,
)

Pair = namedtuple("Pair", "a b")
VALUES = [
    0.0,
    1j,
    np.float32(1.0),
    np.zeros((3, 2)),
    np.zeros((2, 1), dtype=complex),
    [1.0, np.zeros((2, 1))],
    (1.0, 1j),
    {"x": [0.0, np.zeros((3, 1))], "y": ({"a": 0.0}, [0.0])},
    Pair(1.0, np.zeros(2)),
]


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(0)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_it_is_a_vector_space(value):
    space = vspace(value)
    x, y = space.randn(), space.randn()

    def same(a, b):
        z = space.randn()
        return scalar_close(space.inner_prod(z, a), space.inner_prod(z, b))

    assert all(vspace(v) == space for v in (x, space.zeros(), space.ones(), space.add(x, y)))
    assert same(space.add(x, y), space.add(y, x))
    assert same(space.add(x, space.scalar_mul(x, -1.0)), space.zeros())
    assert same(space.mut_add(None, x), x)
    assert same(space.covector(space.covector(x)), x)
    assert scalar_close(space.inner_prod(x, y), space.inner_prod(y, x))
    assert space.inner_prod(x, x) > 0
    basis = list(space.standard_basis())
    assert len(basis) == space.size
    assert same(reduce(space.add, basis), space.ones())
    gram = [[float(space.inner_prod(a, b)) for a in basis] for b in basis]
    assert np.array_equal(gram, np.eye(len(basis)))


@pytest.mark.parametrize("value", VALUES[:2] + VALUES[3:], ids=repr)
def test_its_functions_are_differentiable(value):
    space = vspace(value)
    check_grads(space.add, (0, 1))(space.randn(), space.randn())
    check_grads(space.scalar_mul, (0, 1))(space.randn(), 0.7)
    check_grads(space.inner_prod, (0, 1))(space.randn(), space.randn())


def test_spaces_differ_by_type_shape_and_dtype():
    assert vspace(np.zeros(2)) == vspace(np.ones(2))
    assert vspace(np.zeros(2)) != vspace(np.zeros(3))
    assert vspace(np.zeros(2)) != vspace(np.zeros(2, dtype=np.float32))
    assert vspace([1.0]) != vspace((1.0,))
    assert isinstance(vspace(1j), ComplexArrayVSpace)
    assert not isinstance(vspace(1.0), ComplexArrayVSpace)


@pytest.mark.parametrize("value", [1, True, "text", np.int64(1)])
def test_what_is_no_vector_is_refused(value):
    with pytest.raises(TypeError, match="no vector space"):
        vspace(value)


def test_vectors_lie_where_the_value_does(lib):
    x = lib.asarray([1.0, 2.0], dtype="float32")
    space = vspace(x)
    assert isinstance(space, ArrayVSpace)
    for y in (space.zeros(), space.ones(), next(space.standard_basis())):
        assert lib.is_raw(y)
        assert lib.to_numpy(y).dtype == np.float32
    assert float(lib.to_numpy(space.inner_prod(x, x))) == 5.0


def test_types_are_registered():
    class Money(float):
        pass

    ArrayVSpace.register(Money)
    try:
        assert vspace(Money(1.0)) == vspace(1.0)
    finally:
        del VSpace.mappings[Money]


def test_a_sparse_cotangent_is_laid_out():
    def add_first(x):
        x[0] += 2.0
        return x

    sparse = SparseObject(vspace(np.zeros(2)), add_first)
    assert vspace(sparse) == vspace(np.zeros(2))
    assert np.array_equal(sparse.dense(), [2.0, 0.0])


def test_real_dimensions():
    assert [real_size(x) for x in (1.0, 1j, np.zeros((2, 3)), [1.0, 2.0])] == [1, 2, 6, 2]
