"""Results of transforms: functions that remember how they were made, so that they pickle and copy.

Python pickles a function by its name, and under the name of `f` another process finds `f`, not its
gradient. So the result is an object that pickles as "`grad` of `f`", with `f` by its name; where
`grad` is the decorator of `f`, so that the name means the gradient, by that name.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from typing import Any


def is_global(x: Any) -> bool:
    """Whether an object is found in its module under its name, as a decorator leaves it."""
    try:
        return operator.attrgetter(x.__qualname__)(sys.modules[x.__module__]) is x
    except (AttributeError, KeyError, TypeError):
        return False


def check_function(name: str, f: Any) -> None:
    """Refuse what is no function, such as the result of one.

    Raises
    ------
    TypeError
    """
    if not callable(f):
        raise TypeError(
            f"{name}: expected a function, got {type(f).__name__}; pass the function itself, as in pb.{name}(f), not "
            "what it returns"
        )


class Transformed(functools.partial):
    """A function made of another one; made by `transformed`.

    A `functools.partial` without arguments: it is called by the interpreter itself, with no further
    Python call.
    """

    _made: tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]
    __qualname__: str  # of the function, by `functools.update_wrapper`

    def __repr__(self) -> str:
        maker, f, _ = self._made
        return f"<{maker.__name__} of {getattr(f, '__qualname__', f)!s}>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __reduce__(self) -> Any:
        if is_global(self):
            return self.__qualname__
        maker, f, settings = self._made
        return _rebuild, (maker, f, settings)


def transformed(
    call: Callable[..., Any], maker: Callable[..., Any], f: Callable[..., Any], **settings: Any
) -> Transformed:
    """`call` as the result of ``maker(f, **settings)``, under the name of `f`."""
    out = Transformed(call)
    functools.update_wrapper(out, f)
    out._made = (maker, f, settings)
    return out


def _rebuild(maker: Callable[..., Any], f: Callable[..., Any], settings: dict[str, Any]) -> Any:
    return maker(f, **settings)
