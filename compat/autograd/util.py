"""Small functions that programs written for HIPS autograd take from its `util`."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from .test_util import check_grads
from .wrap_util import subval, subvals

__all__ = ["func", "quick_grad_check", "subval", "subvals", "toposort"]


def func(f: Any) -> Any:
    """`f` itself; Python 2 wanted the function of an unbound method."""
    return f


def toposort(
    end_node: Any, parents: Callable[[Any], Any] = operator.attrgetter("parents")
) -> Iterator[Any]:
    """The nodes that `end_node` depends on, each after all that depend on it."""
    child_counts: dict[Any, int] = {}
    stack = [end_node]
    while stack:
        node = stack.pop()
        if node in child_counts:
            child_counts[node] += 1
        else:
            child_counts[node] = 1
            stack.extend(parents(node))
    childless = [end_node]
    while childless:
        node = childless.pop()
        yield node
        for parent in parents(node):
            child_counts[parent] -= 1
            if child_counts[parent] == 0:
                childless.append(parent)


def quick_grad_check(
    fun: Callable[..., Any], arg0: Any, extra_args: tuple[Any, ...] = (), kwargs: Any = None, **_: Any
) -> None:  # fmt: skip
    """`test_util.check_grads` of the first argument, to first order; deprecated by HIPS autograd."""
    warnings.warn("quick_grad_check is deprecated: use test_util.check_grads", stacklevel=2)
    check_grads(lambda x: fun(x, *extra_args, **(kwargs or {})), modes=["rev"], order=1)(arg0)


def __dir__() -> list[str]:
    return sorted(__all__)
