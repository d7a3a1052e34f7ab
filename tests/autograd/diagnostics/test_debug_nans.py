"""Tests of `autograd/diagnostics/debug_nans.py`."""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
import threading

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.hooks import HOOKS
from pullback.autograd.diagnostics import debug_nans

from ..._fork import FORKS, exit_code
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


def looks() -> bool:
    """Whether operations are looked at."""
    try:
        pb.grad(sqrt_sum)(np.asarray([0.0]))
    except FloatingPointError:
        return True
    return False


@FORKS
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore::RuntimeWarning")
class TestForks:
    """A child has the blocks of the thread that forked, and none of those that it will never leave."""

    def test_while_another_thread_switches(self, monkeypatch):
        begun, end, switch = threading.Event(), threading.Event(), debug_nans._switch

        def halfway(wrap, cts):
            HOOKS.kernel, HOOKS.cotangents = wrap, cts
            begun.set()
            end.wait(60)
            switch(wrap, cts)

        def use():
            with pb.debug_nans():
                pass

        monkeypatch.setattr(debug_nans, "_switch", halfway)
        thread = threading.Thread(target=use)
        thread.start()
        assert begun.wait(60)
        monkeypatch.setattr(debug_nans, "_switch", switch)

        def child() -> bool:
            before = looks()
            with pb.debug_nans():
                inside = looks()
            return (before, inside, looks()) == (False, True, False)

        code = exit_code(child)
        end.set()
        thread.join()
        assert code == 0
        assert not looks()

    def test_while_another_thread_is_inside(self):
        inside, end = threading.Event(), threading.Event()

        def use():
            with pb.debug_nans():
                inside.set()
                end.wait(60)

        thread = threading.Thread(target=use)
        thread.start()
        assert inside.wait(60)
        assert looks()
        code = exit_code(lambda: not looks())
        end.set()
        thread.join()
        assert code == 0
        assert not looks()

    def test_while_this_thread_is_inside(self):
        block = contextlib.ExitStack()

        def child() -> bool:
            inside = looks()
            block.close()
            return inside and not looks()

        with block:
            block.enter_context(pb.debug_nans())
            assert exit_code(child) == 0
            assert looks()
        assert not looks()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_interrupt_on_the_way_in_leaves_nothing_on(monkeypatch):
    switch = debug_nans._switch

    def interrupted(wrap, cts):
        switch(wrap, cts)
        if wrap is not None:
            raise KeyboardInterrupt

    monkeypatch.setattr(debug_nans, "_switch", interrupted)
    with pytest.raises(KeyboardInterrupt), pb.debug_nans():
        pass
    monkeypatch.undo()
    assert not looks()
    with pb.debug_nans():
        assert looks()
    assert not looks()


def interrupted_at(number, run):
    """Whether Ctrl-C came while `run` ran: at that line, counted in what switches and what clears up after it.

    Not at the line of a lock, which tracing meets again on the way out: Python looks for signals at neither end of it.
    """
    inside = {f.__code__ for f in (debug_nans._settle, debug_nans._switch)}
    met = 0

    def at_a_line(frame, event, _):
        nonlocal met
        met += event == "line"
        if event == "line" and met == number:
            raise KeyboardInterrupt
        return at_a_line

    before = sys.gettrace()
    sys.settrace(lambda frame, *_: at_a_line if frame.f_code in inside else None)
    try:
        run()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("outer", [False, True])
def test_an_interrupt_at_any_line_leaves_no_block_open(monkeypatch, outer):
    def use():
        with pb.debug_nans():
            pass

    few = dict(list(debug_nans.REGISTRY.items())[:2])
    numbers = itertools.count(1)
    with pb.debug_nans() if outer else contextlib.nullcontext():
        with monkeypatch.context() as patched:
            patched.setattr(debug_nans, "REGISTRY", few)
            while interrupted_at(next(numbers), use):
                assert HOOKS.kernel is (debug_nans._checked if outer else None)
        assert looks() is outer
        with pb.debug_nans():
            assert looks()
        assert looks() is outer
    assert not looks()
    assert next(numbers) > (4 if outer else 20)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_block_may_be_left_by_another_thread():
    """As a generator is that another thread closes."""
    block = pb.debug_nans()
    block.__enter__()
    thread = threading.Thread(target=lambda: block.__exit__(None, None, None))
    thread.start()
    thread.join()
    assert not looks()


def test_nans_are_found_under_a_jacobian():
    message = "derivative of sqrt .* called at .*test_debug_nans.py"
    with (
        np.errstate(all="ignore"),
        pb.debug_nans(),
        pytest.raises(FloatingPointError, match=message),
    ):
        pb.jacobian(lambda x: xp.sqrt(x - x))(X)
