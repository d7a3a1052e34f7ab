"""What the compiler knows of an operation that hand-written kernels compute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...ir.program import Op


@dataclass(frozen=True)
class Native:
    """An operation that hand-written kernels compute.

    Attributes
    ----------
    name : str
        The operation's name in the namespace.
    takes : callable
        ``takes(op)``: whether the kernels can compute this operation.
    make : callable
        ``make(op)`` makes ``run(*inputs, *targets)`` with scratch memory of its own. Each target is a buffer for
        a result, or None because nobody reads it.
    contiguous : bool
        Whether inputs are brought into C order first. Otherwise they come as they lie.
    """

    name: str
    takes: Callable[[Op], bool]
    make: Callable[[Op], Callable[..., None]]
    contiguous: bool = True
