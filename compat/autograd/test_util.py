"""Checks of derivatives against central differences: `check_grads`, `check_vjp`, `check_jvp`, `combo_check`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from .reverse import make_jvp, make_vjp
from .vector_spaces import vspace
from .wrap_util import get_name, unary_to_nary

__all__ = [
    "check_equivalent",
    "check_grads",
    "check_jvp",
    "check_vjp",
    "combo_check",
    "make_numerical_jvp",
    "scalar_close",
]

TOL = 1e-6
RTOL = 1e-6
EPS = 1e-6


def scalar_close(a: Any, b: Any) -> bool:
    """Whether two numbers differ by less than `TOL`, or by less than `RTOL` of their sum."""
    return bool(abs(a - b) < TOL or abs(a - b) / abs(a + b) < RTOL)


def make_numerical_jvp(f: Callable[[Any], Any], x: Any) -> Callable[[Any], Any]:
    """The derivative of a function at `x` along a direction, by central differences of step `EPS`."""
    x_space, y_space = vspace(x), vspace(f(x))

    def jvp(v: Any) -> Any:
        above = f(x_space.add(x, x_space.scalar_mul(v, EPS / 2)))
        below = f(x_space.add(x, x_space.scalar_mul(v, -EPS / 2)))
        difference = y_space.add(above, y_space.scalar_mul(below, -1.0))
        return y_space.scalar_mul(difference, 1.0 / EPS)

    return jvp


def check_vjp(f: Callable[[Any], Any], x: Any) -> None:
    """Compare the pullback of a function at `x` with central differences, along random directions.

    Raises
    ------
    AssertionError
        With both numbers.
    """
    vjp, y = make_vjp(f, x)
    jvp = make_numerical_jvp(f, x)
    x_space, y_space = vspace(x), vspace(y)
    x_v, y_v = x_space.randn(), y_space.randn()
    pulled = x_space.covector(vjp(y_space.covector(y_v)))
    if vspace(pulled) != x_space:
        raise AssertionError(f"the VJP of {get_name(f)} is in {vspace(pulled)}, not in {x_space}")
    exact = x_space.inner_prod(x_v, pulled)
    numeric = y_space.inner_prod(y_v, jvp(x_v))
    if not scalar_close(numeric, exact):
        raise AssertionError(
            f"Derivative (VJP) check of {get_name(f)} failed with arg {x}:\n"
            f"analytic: {exact}\nnumeric:  {numeric}"
        )


def check_jvp(f: Callable[[Any], Any], x: Any) -> None:
    """Compare the forward derivative of a function at `x` with central differences, along a random direction.

    Raises
    ------
    AssertionError
        With both values.
    """
    direction = vspace(x).randn()
    check_equivalent(make_jvp(f, x)(direction)[1], make_numerical_jvp(f, x)(direction))


def check_equivalent(x: Any, y: Any) -> None:
    """Compare two values of one vector space, along a random direction.

    Raises
    ------
    AssertionError
        If they are of different spaces, or differ.
    """
    x_space, y_space = vspace(x), vspace(y)
    if x_space != y_space:
        raise AssertionError(f"VSpace mismatch:\nx: {x_space}\ny: {y_space}")
    v = x_space.randn()
    if not scalar_close(x_space.inner_prod(x, v), x_space.inner_prod(y, v)):
        raise AssertionError(f"Value mismatch:\nx: {x}\ny: {y}")


@unary_to_nary
def check_grads(
    f: Callable[[Any], Any], x: Any, modes: Sequence[str] = ("fwd", "rev"), order: int = 2
) -> None:
    """Check the derivatives of a function up to an order, forwards ("fwd") and backwards ("rev").

    Called as ``check_grads(f, argnum=0, modes=[…], order=2)(*args)``.

    Raises
    ------
    AssertionError
        Where a derivative differs from central differences.
    ValueError
        For a mode of another name.

    Examples
    --------
    >>> import pullback.compat.autograd.numpy as np
    >>> from pullback.compat.autograd.test_util import check_grads
    >>> check_grads(np.sin)(0.5)
    """
    unknown = [m for m in modes if m not in ("fwd", "rev")]
    if unknown:
        raise ValueError(f'check_grads: modes are "fwd" and "rev", not {unknown[0]!r}')
    if "fwd" in modes:
        check_jvp(f, x)
        if order > 1:

            def pushed(x: Any, v: Any) -> Any:
                return make_jvp(f, x)(v)[1]

            pushed.__name__ = f"jvp_{get_name(f)}"
            check_grads(pushed, (0, 1), modes, order=order - 1)(x, vspace(x).randn())
    if "rev" in modes:
        check_vjp(f, x)
        if order > 1:

            def pulled(x: Any, v: Any) -> Any:
                return make_vjp(f, x)[0](v)

            pulled.__name__ = f"vjp_{get_name(f)}"
            check_grads(pulled, (0, 1), modes, order=order - 1)(x, vspace(f(x)).randn())


def combo_check(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., None]:
    """`check_grads` of all combinations of arguments: each is given as a list of values, those by keyword too."""

    def check(*choices: Any, **settings: Any) -> None:
        named = [[(k, x) for x in xs] for k, xs in settings.items()]
        for chosen in product(*choices):
            for setting in product(*named):
                check_grads(fun, *args, **kwargs)(*chosen, **dict(setting))

    return check


def __dir__() -> list[str]:
    return sorted(__all__)
