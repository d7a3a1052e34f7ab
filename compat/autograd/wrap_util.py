"""Operators of functions of one argument as operators of functions of several: `unary_to_nary`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

__all__ = [
    "get_doc",
    "get_name",
    "subval",
    "subvals",
    "unary_to_nary",
    "wraps",
]


def subvals(x: Iterable[Any], ivs: Iterable[tuple[int, Any]]) -> tuple[Any, ...]:
    """The sequence `x` as a tuple, with its elements replaced by the values of the pairs (index, value)."""
    out = list(x)
    for i, v in ivs:
        out[i] = v
    return tuple(out)


def subval(x: Iterable[Any], i: int, v: Any) -> tuple[Any, ...]:
    """The sequence `x` as a tuple, with `v` at index `i`."""
    return subvals(x, ((i, v),))


def get_name(f: Any) -> str:
    """The name of a function."""
    return getattr(f, "__name__", "[unknown name]")


def get_doc(f: Any) -> str:
    """The docstring of a function."""
    return getattr(f, "__doc__", None) or ""


def wraps(
    fun: Any, namestr: str = "{fun}", docstr: str = "{doc}", **names: Any
) -> Callable[[Any], Any]:
    """Give a function the name and the docstring of another, or those that the two templates make of them."""

    def decorate(f: Any) -> Any:
        f.__name__ = namestr.format(fun=get_name(fun), **names)
        f.__doc__ = docstr.format(fun=get_name(fun), doc=get_doc(fun), **names)
        return f

    return decorate


def unary_to_nary(unary_operator: Callable[..., Any]) -> Callable[..., Any]:
    """An operator of functions of any arguments, from one that acts on a function of one argument at a point.

    Parameters
    ----------
    unary_operator : callable
        ``unary_operator(f, x, *options)``, for a function `f` of `x` alone.

    Returns
    -------
    callable
        ``operator(fun, argnum=0, *options)``, which returns a function of the arguments of `fun`. With a tuple or a
        list for `argnum`, `x` is the tuple of those arguments.
    """

    @functools.wraps(unary_operator)
    def nary_operator(fun: Any, argnum: Any = 0, *options: Any, **settings: Any) -> Any:
        single = type(argnum) is int
        if not single and type(argnum) not in (tuple, list):
            raise TypeError(
                f"argnum={argnum!r}: give the index of an argument, or a tuple or list of indices"
            )

        def nary_f(*args: Any, **kwargs: Any) -> Any:
            if single:
                if len(args) == 1 and argnum == 0 and not kwargs:
                    return unary_operator(fun, args[0], *options, **settings)
                x = args[argnum]

                def unary_f(x: Any) -> Any:
                    return fun(*subval(args, argnum, x), **kwargs)

            else:
                x = tuple([args[i] for i in argnum])

                def unary_f(x: Any) -> Any:
                    return fun(*subvals(args, zip(argnum, x, strict=True)), **kwargs)

            unary_f.__name__ = get_name(fun)
            return unary_operator(unary_f, x, *options, **settings)

        name, of = unary_operator.__name__, get_name(fun)
        nary_f.__name__ = f"{name}_of_{of}_wrt_argnum_{argnum}"
        nary_f.__doc__ = (
            f"    {name} of function {of} with respect to argument number {argnum}. It takes the\n"
            f"    arguments of {of} and returns the {name}.\n"
        )
        return nary_f

    del nary_operator.__wrapped__  # set by `wraps`; its signature is another
    return nary_operator


def __dir__() -> list[str]:
    return sorted(__all__)
