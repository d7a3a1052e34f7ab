"""Tests of `backend/generic/formulas.py`."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.backend.generic import formulas as _formulas
from pullback.backend.numpy import backend as _numpy
from pullback.backend.numpy import updates as _updates_numpy
from pullback.optim.first_order.formulas import formula, log

from ..numpy._updates import SCALARS


def test_bias_corrections_keep_their_digits_in_float32():
    """1 − bᵗ at t = 1 and b = 0.999: the subtraction would lose five digits."""
    prelude, _ = _formulas.python_functions(formula("adam"))
    f = _formulas.functions_of(_numpy.XP)
    scalars = SCALARS | {
        "t": np.float32(1),
        "b1": 0.9,
        "b2": 0.999,
        "log_b1": log(0.9),
        "log_b2": log(0.999),
        "eps": 1.0,
    }
    scalars |= {"lr": np.float32(1.0)}
    numbers = dict(
        zip(
            _formulas.numbers(formula("adam")),
            prelude(f, *[scalars[n] for n in _formulas.settings(formula("adam"))]),
            strict=True,
        )
    )
    assert numbers["e"].dtype == np.float32
    np.testing.assert_allclose(numbers["e"] ** 2, 1 - 0.999, rtol=3e-7)


@pytest.mark.parametrize("body", ["p = p ** 2", "p = p - 3", "p = where(p, g, p)"])
def test_what_a_formula_cannot_say_is_refused(body):
    broken = _formulas.Formula("broken", (), "", body)
    with pytest.raises((SyntaxError, KeyError)):
        _updates_numpy.source(broken)
