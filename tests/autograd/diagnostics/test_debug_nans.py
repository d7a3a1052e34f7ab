"""Tests of `autograd/diagnostics/debug_nans.py`."""

from __future__ import annotations

import re
import threading

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ..transforms._jacobian import X

xp = pb.xp


def test_debug_nans_looks_into_compiled_functions():
    compiled = pb.compile(lambda x: xp.log(x), fast=False)
    with np.errstate(all="ignore"):
        compiled(np.ones(2))
        compiled(np.ones(2))
    with pb.debug_nans(), pytest.raises(FloatingPointError, match="log"):
        compiled(np.asarray([1.0, -1.0]))


def sqrt_sum(x):
    return xp.sum(xp.sqrt(x) * 2)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the divisions inside rules
class TestDebugNans:
    def test_backward_names_the_operation_and_the_line(self):
        with pb.debug_nans(), pytest.raises(FloatingPointError) as caught:
            pb.grad(sqrt_sum)(np.asarray([0.0, 1.0]))
        assert re.search(
            r"derivative of sqrt .*test_debug_nans\.py:\d+ in sqrt_sum", str(caught.value)
        )

    def test_backward_names_functions_of_lists_and_of_the_user(self):
        @pb.custom_vjp
        def broken(x):
            return x

        broken.defvjp(lambda x: (x, None), lambda _, ct: (np.full(ct.shape, np.inf),))
        with pb.debug_nans(), pytest.raises(FloatingPointError, match="derivative of broken "):
            pb.grad(lambda x: xp.sum(broken(x)))(np.asarray([0.0]))
        large = np.asarray([1e200])
        with pb.debug_nans(), pytest.raises(FloatingPointError, match="derivative of einsum "):
            pb.grad(lambda x: xp.einsum("i,i->", x * 0.0, large) * 1e200)(np.asarray([0.0]))

    def test_forward(self):
        with (
            pb.debug_nans(),
            pytest.raises(FloatingPointError, match=r"log .*test_debug_nans\.py:\d+"),
        ):
            pb.grad(lambda x: xp.sum(xp.log(x)))(np.asarray([-1.0]))

    def test_untraced(self):
        with pb.debug_nans(), pytest.raises(FloatingPointError, match="divide"):
            xp.asarray([1.0]) / xp.asarray([0.0])

    def test_an_operation_is_not_blamed_for_its_input(self):
        with pb.debug_nans():
            assert np.isnan(pb.to_numpy(xp.asarray(np.asarray([np.nan])) * 2.0))

    def test_off_afterwards_and_nested(self):
        with pb.debug_nans():
            with pb.debug_nans():
                pass
            with pytest.raises(FloatingPointError):
                pb.grad(sqrt_sum)(np.asarray([0.0]))
        assert np.isinf(pb.grad(sqrt_sum)(np.asarray([0.0])))[0]

    def test_right_gradients_while_on(self):
        with pb.debug_nans():
            pb.check_grads(lambda x: xp.sum(xp.exp(x) * x), (np.asarray([0.5, 1.0]),), order=2)

    def test_left_by_an_exception_in_a_thread(self):
        def work():
            with pytest.raises(ZeroDivisionError), pb.debug_nans():
                1 / 0  # noqa: B018 - raised on purpose

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert np.isinf(pb.grad(sqrt_sum)(np.asarray([0.0])))[0]


def test_nans_are_found_under_a_jacobian():
    message = "derivative of sqrt .* called at .*test_debug_nans.py"
    with (
        np.errstate(all="ignore"),
        pb.debug_nans(),
        pytest.raises(FloatingPointError, match=message),
    ):
        pb.jacobian(lambda x: xp.sqrt(x - x))(X)
