"""Tests of `models/module.py`."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import pullback as pb
from pullback.models.module import trains_differently

from .._host import numpy_is_active  # noqa: F401 - a fixture
from ..train._step_training_mode import Silent, linear, norm
from .test_module_layers import KEY, X

M = pb.models


def test_a_module_that_would_leave_its_layers_in_inference_mode_is_refused():
    class Block(M.Module):
        parts: list

        def __call__(self, x):
            return self.parts[0](x)

    assert Block([M.Linear.init(4, 4, dtype="float64")]).training(X)[0].shape == (6, 4)
    with pytest.raises(
        NotImplementedError, match=r"Block holds parts.0, a Sequential.*write Block.training"
    ):
        Block([M.Sequential(M.Dropout(0.5))]).training(X, key=KEY)


xp = pb.xp


def test_modules_of_one_s_own():
    class Residual(M.Module):
        inner: M.MLP
        scale: object
        name: str = pb.tree.static(default="r")

        def __call__(self, x):
            return x + self.scale * self.inner(x)

    model = Residual(M.MLP([3, 4, 3], dtype="float64"), np.asarray(0.5))
    x = np.ones((2, 3))
    g = pb.grad(lambda m: xp.sum(m(x) ** 2))(model)
    assert type(g) is Residual
    assert g.name == "r"
    assert g.scale.shape == ()
    pb.check_grads(lambda m: xp.sum(m(x) ** 2), (model,), order=2)
    with pytest.raises(NotImplementedError, match="Bare has no __call__"):
        type("Bare", (M.Module,), {"__annotations__": {}})()(x)


def test_plain_leaves_traced_arrays_alone():
    assert pb.grad(lambda m: xp.sum(M.plain(m)["x"] ** 2))({"x": np.array([3.0])})["x"] == 6


def test_masks_follow_tuples_lists_and_dicts():
    model = {"a": [M.BatchNorm.init(2, affine=False)], "b": (M.Linear.init(2, 2, bias=False), None)}
    mask = M.parameter_mask(model)
    assert pb.tree.leaves(mask) == [False, False, True]
    assert pb.tree.flatten(mask)[1] == pb.tree.flatten(model)[1]


@pytest.mark.parametrize(
    ("model", "different"),
    [
        (M.MLP([2, 3, 1]), False),
        (M.Sequential(linear(1, 1), "relu"), True),  # it has a method that says how
        ({"a": [linear(1, 1)], "b": (M.Dropout(0.1),)}, True),
        (collections.OrderedDict(a=norm(1)), True),
        (Silent([{"x": (linear(1, 1), norm(1))}]), True),
        (Silent([linear(1, 1)]), False),
        (collections.namedtuple("Pair", "a b")(linear(1, 1), norm(1)), True),
    ],
    ids=str,
)
def test_what_trains_differently_is_found_wherever_it_is(model, different):
    assert trains_differently(model) is different
    mask = M.parameter_mask(model)
    assert pb.tree.flatten(mask)[1] == pb.tree.flatten(model)[1]
    assert all(pb.tree.leaves(mask)) is not any(isinstance(p, M.BatchNorm) for p in _modules(model))


def _modules(model):
    from pullback.models.module import children

    return [part for _, part in children(model)]


@pytest.mark.usefixtures("numpy_is_active")
def test_what_init_sets_without_declaring_it_is_refused():
    class Torchlike(M.Module):
        def __init__(self, width):
            self.fc = M.Linear.init(width, width)
            self.width = width

    with pytest.raises(
        TypeError, match=r"sets fc, width, which Torchlike does not.*`fc: Linear`.*static\(\)"
    ):
        Torchlike(3)

    class Declared(M.Module):
        fc: M.Linear

        def __init__(self, width):
            self.fc = M.Linear.init(width, width)

    assert len(pb.tree.leaves(Declared(3))) == 2


@pytest.mark.usefixtures("numpy_is_active")
def test_modules_with_layers_without_dropout_need_no_training_of_their_own():
    class Sentence(M.Module):
        embedding: M.Embedding
        parts: M.Sequential
        lstm: M.LSTM

        def __call__(self, tokens, lengths):
            return self.lstm(self.parts(self.embedding(tokens)), lengths=lengths)

    def model(dropout):
        block = M.TransformerBlock.init(4, 2, dropout=dropout)
        return Sentence(M.Embedding.init(5, 4), M.Sequential(block), M.LSTM.init(4, 3, layers=2))

    inputs = np.asarray([[1, 2, 3], [4, 0, 0]]), np.asarray([3, 1])
    y, after = model(0.0).training(*inputs, key=pb.random.key(0))
    assert bool(xp.all(y == model(0.0)(*inputs)))
    assert isinstance(after, Sentence)
    with pytest.raises(NotImplementedError, match="holds parts, a Sequential"):
        model(0.5).training(*inputs, key=pb.random.key(0))


def test_a_training_of_one_s_own_counts_in_a_class_derived_from_a_layer():
    class Counted(M.LSTM):
        def training(self, x, *, key=None):
            return self(x), self

    class Holder(M.Module):
        lstm: Counted

    with pytest.raises(NotImplementedError, match="holds lstm, a Counted"):
        Holder(Counted(M.LSTM.init(2, 3).cells)).training(np.zeros((1, 2, 2), np.float32))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: M.Linear(3, 16), r"Linear\(3, 16\): .* Linear\.init draws them"),
        (lambda: M.Conv2d(3, 16, 3), r"Conv2d\.init"),
        (lambda: M.BatchNorm2d(16), r"BatchNorm2d\.init"),
        (lambda: M.GroupNorm(4, 16), r"GroupNorm\.init"),
        (lambda: M.LSTM(8, 8), r"LSTM\.init"),
        (lambda: M.MultiHeadAttention(16, 4), r"MultiHeadAttention\.init"),
        (lambda: M.Embedding(16, 4), r"Embedding\.init"),
        (lambda: M.GraphConv(16, 4), r"GraphConv\.init"),
    ],
)
def test_sizes_are_for_init(make, said):
    """What a program for PyTorch would write; the classes take arrays."""
    with pytest.raises(TypeError, match=said):
        make()
