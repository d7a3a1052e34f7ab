"""The generated functions of `pb.xp` by name, for the files that the namespace itself is made of."""

from __future__ import annotations

from typing import Any

from .defvjp import function_of
from .dispatch import apply_constant
from .registry import Primitive, find
from .signatures import CONSTANT


class Functions:
    """`pb.xp` without what is written out: ``xp.where``, ``xp.isnan``."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.__dict__[name] = (
            _constant(name) if name in CONSTANT else function_of(find(name))
        )
        return found


def _constant(name: str) -> Any:
    primitive = Primitive(CONSTANT[name])

    def function(*args: Any, **settings: Any) -> Any:
        bound = primitive.signature.bind(*args, **settings)
        bound.apply_defaults()
        return apply_constant(primitive, bound.args, bound.kwargs)

    return function


xp: Any = Functions()
