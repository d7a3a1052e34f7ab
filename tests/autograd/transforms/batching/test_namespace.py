"""Levels of `vmap` in the namespace of `Batched`."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.core.array import Array
from pullback.autograd.core.levels.batched import Batched
from pullback.autograd.core.levels.level import BatchLevel
from pullback.autograd.core.namespaces import NAMESPACES
from pullback.autograd.core.signatures import CONSTANT, DIFFERENTIABLE
from pullback.autograd.core.tape import TapeData
from pullback.autograd.transforms.batching.functions import GROUPS, REARRANGEMENTS
from pullback.autograd.transforms.batching.namespace import BY_NAME
from pullback.autograd.transforms.batching.rows import BY_ROWS
from pullback.backend import backend_of

XP = NAMESPACES[Batched]
# Functions that are written out elsewhere or made of others: `_of_formula`.
OF_FORMULAS = {
    "hidden formulas": "leg over_above over_below over_root_above over_root_below polar ray softmax_cross_entropy "
    "implicit attention self_attention",
}


def test_the_newest_level_runs_and_older_ones_are_the_same_for_all():
    old, new = BatchLevel(2), BatchLevel(3)
    a = Batched(np.asarray([1.0, 2.0]), old)
    b = Batched(np.asarray([10.0, 20.0, 30.0]), new)
    y = XP.add(a, b)
    assert y.level is new
    assert y.value.level is old
    np.testing.assert_array_equal(y.value.value, np.add.outer([1.0, 2.0], [10.0, 20.0, 30.0]))


def test_what_does_not_vary_stays_the_same_for_all():
    level = BatchLevel(3)
    x = Batched(np.ones((3, 2)), level)
    zeros = XP.zeros_like(x)
    assert (zeros.mapped, zeros.shape) == (False, (2,))
    assert not XP.exp(zeros).mapped
    assert XP.add(zeros, x).mapped


def test_values_of_older_tapes_are_recorded_there():
    tape = TapeData()
    level = BatchLevel(2)
    y = XP.multiply(Batched(tape.watch(np.ones((2, 3))), level), 2.0)
    assert type(y.value) is Array
    assert y.value.tape is tape
    tape.close()


def test_a_level_that_is_over_is_refused():
    level = BatchLevel(2)
    level.open = False
    with pytest.raises(TypeError, match="call of vmap that is over"):
        XP.exp(Batched(np.ones(2), level))


def test_the_backend_is_that_of_the_values_and_has_no_values_itself():
    x = Batched(np.ones((2, 3)), BatchLevel(2))
    backend = backend_of(x)
    assert (backend.name, backend.recording) == ("numpy", True)
    assert backend.normalise(x) is x
    assert type(backend.asarray([1.0])) is np.ndarray
    with pytest.raises(TypeError, match="to_numpy"):
        backend.to_numpy(x)


def test_every_function_is_in_a_table_or_named():
    """So that none runs row by row unnoticed."""
    tables = {*BY_NAME, *REARRANGEMENTS, *(name for names, _ in GROUPS for name in names)}
    formulas = {name for text in OF_FORMULAS.values() for name in text.split()}
    lacking = {
        name
        for name in (*DIFFERENTIABLE, *CONSTANT)
        if name not in tables and not name.startswith("special.") and name not in formulas
    }
    assert lacking == set()
    assert set(BY_ROWS) <= {*DIFFERENTIABLE, *CONSTANT}
