"""Tests of `compat/autograd/wrap_util.py`."""

import pytest

from pullback.compat.autograd import wrap_util


def test_values_are_put_into_tuples():
    assert wrap_util.subval([1, 2, 3], 1, "b") == (1, "b", 3)
    assert wrap_util.subvals((1, 2, 3), [(0, "a"), (2, "c")]) == ("a", 2, "c")


@wrap_util.unary_to_nary
def at(fun, x, scale=1):
    """Call a function."""
    return scale * fun(x), x


def test_an_operator_takes_arguments_by_number_and_passes_its_options_on():
    def f(a, b, c=0):
        return 100 * a + 10 * b + c

    assert at(f)(1, 2) == (120, 1)
    assert at(f, 1)(1, 2, c=3) == (123, 2)
    assert at(f, -1)(1, 2) == (120, 2)
    assert at(f, (1, 0))(1, 2) == (120, (2, 1))
    assert at(f, [0], scale=2)(1, 2) == (240, (1,))


def test_names_and_docstrings_say_what_of_what():
    def foo(x):
        return x

    assert at(foo, 1).__name__ == "at_of_foo_wrt_argnum_1"
    assert at(foo, 1).__doc__.strip().startswith("at of function foo with respect to")
    assert at.__name__ == "at"


@pytest.mark.parametrize("argnum", [1.0, "0", None])
def test_other_argnums_are_refused(argnum):
    with pytest.raises(TypeError, match="argnum"):
        at(lambda x: x, argnum)
