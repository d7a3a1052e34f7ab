"""Functions, layers and losses as programs for a CUDA device: equal to eager when emulated, taken by NVRTC."""

from __future__ import annotations

import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cases._table import inexact_leaves, loss, weights_for
from ....models.test_losses_options import LOSSES, ROWS, Z
from ....models.test_module_layers import KEY, LAYERS
from ..test_api_rules import CASES, _check, _moved
from ._assemble import (
    runtime,  # noqa: F401 - a mark and a fixture
    same,
)
from ._assemble_functions import trained
from .test_assemble import pytestmark  # noqa: F401 - a mark and a fixture

xp = pb.xp


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("case", CASES[::9], ids=lambda case: case.id)
def test_functions(runtime, case):  # noqa: F811 - the fixture
    """A ninth of the table of functions, all sections among them: the whole takes minutes of g++."""
    arrays = case.arrays()
    weights = weights_for(inexact_leaves(case.pullback([xp.asarray(x) for x in arrays])))

    def gradient(*every):
        f = lambda *x: loss(case.pullback(list(x)), weights)
        return pb.grad(f, argnums=tuple(case.places()))(*every)

    _check(gradient, [arrays, _moved(case), case.arrays()], fast=None)


@pytest.mark.parametrize("name", LAYERS)
def test_layers(runtime, name):  # noqa: F811 - the fixture
    layer, x = LAYERS[name]
    same(trained, layer, x, KEY)


@pytest.mark.parametrize("name", LOSSES)
def test_losses(runtime, name):  # noqa: F811 - the fixture
    def f(z, w):
        return pb.value_and_grad(lambda z: LOSSES[name][0](z, sample_weight=w))(z)

    same(f, Z, ROWS)
