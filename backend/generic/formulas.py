"""Elementwise formulas over the arrays that stand beside each parameter, written once and run by every library.

A `Formula` names the arrays that a method keeps for each parameter and says, statement by statement, what becomes of
them. From the same text come the array functions that any library runs (`python_source`), passes over cache-sized
blocks on NumPy (`numpy/updates.py`), and CUDA C (`cuda/updates.py`): one pass over memory, one launch. Which formulas
there are is the optimisers' affair.

``p`` is the parameter, ``g`` its gradient, ``t`` the number of this step (from 1), ``lr`` the learning rate; a bare
name that is neither an array of `slots` nor assigned to is a setting. The ``prelude`` holds for a whole step and is
arithmetic on numbers. ``sq(z)`` is |z|², ``larger`` and ``smaller`` the maximum and minimum of two.

Examples
--------
>>> sgd = Formula("sgd", slots=(), prelude="", body="p = p - lr*g")
>>> settings(sgd)
('lr',)
"""

from __future__ import annotations

import ast
import functools
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..common.typing import XP

FUNCTIONS = ("sqrt", "sq", "sign", "larger", "smaller", "expm1")


@dataclass(frozen=True, eq=False)  # by identity: the caches below look them up in every step
class Formula:
    """One method's update.

    Attributes
    ----------
    name : str
        For the kernels that are made of it.
    slots : tuple of str
        The arrays kept for each parameter: read and written.
    prelude, body : str
        Statements ``name = expression``, one a line: on numbers, then on the arrays.
    eps_under_root : bool
        Whether the setting ``eps`` stands under a root, next to a square, instead of next to the root.
    """

    name: str
    slots: tuple[str, ...]
    prelude: str
    body: str
    eps_under_root: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the arrays that a step returns for each parameter."""
        return ("p", *self.slots)


def assigned(text: str) -> list[str]:
    """The names that statements assign to, in order, each once."""
    return list(dict.fromkeys(line.partition(" = ")[0] for line in text.splitlines()))


@functools.cache
def settings(found: Formula) -> tuple[str, ...]:
    """The numbers that a formula reads, in order: first those of the prelude, then those of the body alone.

    Examples
    --------
    >>> from pullback.backend.generic.formulas import Formula, settings
    >>> settings(Formula("adagrad", ("v",), "s = lr/(1 + t*lr_decay)", "p = p - s*g/(sqrt(v) + eps)"))
    ('lr', 't', 'lr_decay', 'eps')
    """
    own = {"p", "g", *found.slots, *assigned(found.prelude), *assigned(found.body), *FUNCTIONS}
    return tuple(n for n in _names(f"{found.prelude}\n{found.body}") if n not in own)


@functools.cache
def numbers(found: Formula) -> tuple[str, ...]:
    """The numbers that the body reads: settings, and what the prelude makes of them."""
    own = {"p", "g", *found.slots, *assigned(found.body), *FUNCTIONS}
    return tuple(n for n in _names(found.body) if n not in own)


def _names(text: str) -> list[str]:
    """Names in the order in which they stand."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return list(dict.fromkeys(node.id for node in found))


# ── on numbers, and on arrays of any library ──────────────────────────────────────────────────


def python_source(found: Formula) -> str:
    """``prelude(…)`` and ``body(…)`` as Python, `f` standing for the functions."""

    def function(name: str, arguments: tuple[str, ...], text: str, results: tuple[str, ...]) -> str:
        lines = [f"    {_qualified(line)}" for line in text.splitlines()]
        lines.append(f"    return ({''.join(r + ', ' for r in results)})")
        return "\n".join([f"def {name}({', '.join(('f', *arguments))}):", *lines]) + "\n"

    return function("prelude", settings(found), found.prelude, numbers(found)) + function(
        "body", ("p", "g", *found.slots, *numbers(found)), found.body, found.outputs
    )


def _qualified(line: str) -> str:
    tree = ast.parse(line)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            node.func.id = f"f.{node.func.id}"
    return ast.unparse(tree)


@functools.cache
def python_functions(found: Formula) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`prelude` and `body`, compiled."""
    scope: dict[str, Any] = {}
    exec(compile(python_source(found), f"<pullback update {found.name}>", "exec"), scope)
    return scope["prelude"], scope["body"]


NUMBERS = types.SimpleNamespace(
    sqrt=math.sqrt, expm1=math.expm1, larger=max, smaller=min, sq=lambda x: x * x
)
"""The functions of preludes on Python's numbers."""


@functools.cache
def functions_of(xp: XP) -> Any:
    """The functions of the formulas in a namespace of arrays."""

    def sq(z: Any) -> Any:
        if xp.isdtype(z.dtype, "complex floating"):
            return xp.real(z) * xp.real(z) + xp.imag(z) * xp.imag(z)
        return z * z

    return types.SimpleNamespace(
        sqrt=xp.sqrt, expm1=xp.expm1, larger=xp.maximum, smaller=xp.minimum, sign=xp.sign, sq=sq
    )
