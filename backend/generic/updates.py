"""The updates of the first-order methods, each written once, as a few elementwise statements.

A `Formula` names the arrays that a method keeps beside each parameter and says, statement by statement, what
becomes of them. From the same text come the array functions that any library runs (`python_source`), passes over
cache-sized blocks on NumPy (`numpy/updates.py`), and CUDA C (`cuda/updates.py`): one pass over memory, one launch.

How to read them. ``p`` is the parameter, ``g`` its gradient, ``t`` the number of this step (from 1), ``lr`` the
learning rate; a bare name that is neither an array of `slots` nor assigned to is a setting. The ``prelude`` holds for
a whole step and is arithmetic on numbers. ``sq(z)`` is |z|², ``larger`` and ``smaller`` the maximum and minimum of
two. ``1 − bᵗ`` is written ``−expm1(t log b)``, which keeps its digits in float32.
"""

from __future__ import annotations

import ast
import functools
import math
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

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
    """

    name: str
    slots: tuple[str, ...]
    prelude: str
    body: str

    @property
    def outputs(self) -> tuple[str, ...]:
        """What a step returns for each parameter."""
        return ("p", *self.slots)


def _formula(name: str, slots: str, prelude: str, body: str) -> Formula:
    def lines(text: str) -> str:
        return "\n".join(line.strip() for line in text.split(";") if line.strip())

    return Formula(name, tuple(slots.split()), lines(prelude), lines(body))


_SQUARE = "v = b2*v + d2*sq(g)"
_ADAM = f"m = b1*m + d1*g; {_SQUARE}"
# the bias corrections taken out of the arrays: two numbers instead of two passes over memory
_CORRECTED = "r = sqrt(-expm1(t*log_b2)); s = lr*r/(-expm1(t*log_b1)); e = eps*r"

FORMULAS: dict[str, Formula] = {
    f.name: f
    for f in (
        _formula("sgd", "", "", "p = p - lr*g"),
        _formula("momentum", "u", "", "u = momentum*u + g; p = p - lr*u"),
        # torch's first step takes the whole gradient, whatever the dampening
        _formula(
            "damped", "u", "share = 1 - dampening*smaller(t - 1, 1)",
            "u = momentum*u + share*g; p = p - lr*u",
        ),
        _formula("lookahead", "u", "", "u = momentum*u + g; p = p - lr*(g + momentum*u)"),
        _formula(
            "nesterov", "x", "beta = (t - 1)/(t + 2)", "y = p - lr*g; p = y + beta*(y - x); x = y"
        ),
        _formula(
            "adagrad", "v", "s = lr/(1 + (t - 1)*lr_decay)",
            "v = v + sq(g); p = p - s*g/(sqrt(v) + eps)",
        ),
        _formula("rmsprop", "v", "", f"{_SQUARE}; p = p - lr*g/(sqrt(v) + eps)"),
        _formula("rmsprop_momentum", "v u", "",
                 f"{_SQUARE}; u = momentum*u + g/(sqrt(v) + eps); p = p - lr*u"),
        # the variance is never negative but by rounding
        _formula("rmsprop_centered", "v m", "",
                 f"{_SQUARE}; m = b2*m + d2*g; p = p - lr*g/(sqrt(larger(v - sq(m), 0)) + eps)"),
        _formula("rmsprop_centered_momentum", "v m u", "",
                 f"{_SQUARE}; m = b2*m + d2*g; u = momentum*u + g/(sqrt(larger(v - sq(m), 0)) + eps);"
                 "p = p - lr*u"),
        _formula("adadelta", "v a", "",
                 f"{_SQUARE}; d = g*sqrt(a + eps)/sqrt(v + eps); a = b2*a + d2*sq(d); p = p - lr*d"),
        _formula("adam", "m v", _CORRECTED, f"{_ADAM}; p = p - s*m/(sqrt(v) + e)"),
        _formula("amsgrad", "m v w", _CORRECTED,
                 f"{_ADAM}; w = larger(w, v); p = p - s*m/(sqrt(w) + e)"),
        # sg, sm: the shares of the gradient and of the mean, which depend on the product of all momenta so far
        _formula("nadam", "m v", "r = sqrt(-expm1(t*log_b2)); e = eps*r; a = sg*r; b = sm*r",
                 f"{_ADAM}; p = p - (a*g + b*m)/(sqrt(v) + e)"),
        _formula("lion", "m", "", "p = p - lr*sign(b1*m + d1*g); m = b2*m + d2*g"),
        # the exponential average of weights: p is the average, g the weights
        _formula("average", "", "", "p = decay*p + share*g"),
    )
}  # fmt: skip
"""By name."""

REAL = frozenset("vwa")
"""Slots of squares: real for complex parameters too."""


@functools.cache
def formula(name: str, l2: bool = False, decay: bool = False) -> Formula:
    """A formula of `FORMULAS`, with a penalty's gradient added to `g` or with decoupled decay before the step.

    Examples
    --------
    >>> from pullback.backend.generic.updates import formula
    >>> print(formula("sgd", l2=True).body)
    g = g + l2*p
    p = p - lr*g
    """
    found = FORMULAS[name]
    if l2:
        found = replace(found, name=f"{found.name}_l2", body=f"g = g + l2*p\n{found.body}")
    if decay:
        found = replace(
            found,
            name=f"{found.name}_decay",
            prelude=f"keep = 1 - lr*decay\n{found.prelude}".strip(),
            body=f"p = keep*p\n{found.body}",
        )
    return found


def assigned(text: str) -> list[str]:
    """The names that statements assign to, in order, each once."""
    return list(dict.fromkeys(line.partition(" = ")[0] for line in text.splitlines()))


@functools.cache
def settings(found: Formula) -> tuple[str, ...]:
    """The numbers that a formula reads, in order: first those of the prelude, then those of the body alone.

    Examples
    --------
    >>> from pullback.backend.generic.updates import formula, settings
    >>> settings(formula("adam"))
    ('t', 'log_b2', 'lr', 'log_b1', 'eps', 'b1', 'd1', 'b2', 'd2')
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
def functions_of(xp: Any) -> Any:
    """The functions of the formulas in a namespace of arrays."""

    def sq(z: Any) -> Any:
        if xp.isdtype(z.dtype, "complex floating"):
            return xp.real(z) * xp.real(z) + xp.imag(z) * xp.imag(z)
        return z * z

    return types.SimpleNamespace(
        sqrt=xp.sqrt, expm1=xp.expm1, larger=xp.maximum, smaller=xp.minimum, sign=xp.sign, sq=sq
    )


@functools.cache
def least_eps(found: Formula, dtype: np.dtype) -> float:
    """The smallest eps that a formula is given: a smaller one could be 0 in this dtype, and 0/0 is NaN.

    The root of the smallest number: no root of a v above 0 is smaller, so that nothing else changes. In `adadelta`,
    where eps stands under the root, the smallest normal number.
    """
    limits = np.finfo(dtype)
    if found.name.startswith("adadelta"):
        return float(limits.smallest_normal)
    return math.sqrt(float(limits.smallest_subnormal))


def log(b: float) -> float:
    """The logarithm of a decay rate, −∞ for 0."""
    return math.log(b) if b else -math.inf
