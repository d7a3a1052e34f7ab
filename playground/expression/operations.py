"""What an expression may be made of: each operation with the function it is, and its derivative in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...autograd.functions import namespace as xp


@dataclass(frozen=True)
class Operation:
    """An operation of one or two operands.

    Parameters
    ----------
    name : str
        As one types it: a function's name, or an operator.
    run : callable
        On arrays.
    text : str
        How a node is written: ``{0}`` and ``{1}`` are its operands.
    derivatives : tuple of str
        For each operand by what the error signal is multiplied, with ``{0}``, ``{1}`` and ``{out}``; where it starts
        with "→", what is done with it instead.
    about : str
        Where it is not defined, or has no derivative; empty where it has one everywhere.
    """

    name: str
    run: Callable[..., Any]
    text: str
    derivatives: tuple[str, ...]
    about: str = ""

    @property
    def arity(self) -> int:
        """How many operands it takes."""
        return len(self.derivatives)


_POSITIVE = "is defined for numbers above 0"
_ROOT = "is defined for numbers from 0 on, and has no derivative at 0"
_DIVIDES = "divides by 0 where its second operand is 0"
_POWERS = "of a negative number takes an integer exponent, and of 0 a positive one"
_FIT = "takes vectors and matrices whose lengths fit"
_LARGEST = "has a kink where two elements are largest"
_SMALLEST = "has a kink where two elements are smallest"
_EQUAL = "has a kink where both are equal: half goes to each"
_TRANSPOSED = ("→ times {1}, transposed", "→ times {0}, transposed")
_GREATER = (
    "(1 if {0} > {1} else ½ if {0} = {1} else 0)",
    "(1 if {1} > {0} else ½ if {1} = {0} else 0)",
)
_SMALLER = (
    "(1 if {0} < {1} else ½ if {0} = {1} else 0)",
    "(1 if {1} < {0} else ½ if {1} = {0} else 0)",
)
_KINK = "has a kink where its operand is 0: the derivative there is 0"

OPERATORS: dict[str, Operation] = {
    op.name: op
    for op in (
        Operation("+", lambda a, b: a + b, "{0} + {1}", ("1", "1")),
        Operation("-", lambda a, b: a - b, "{0} − {1}", ("1", "(−1)")),
        Operation("*", lambda a, b: a * b, "{0} · {1}", ("{1}", "{0}")),
        Operation("/", lambda a, b: a / b, "{0} / {1}", ("1/{1}", "(−{out}/{1})"), _DIVIDES),
        Operation("**", lambda a, b: a**b, "{0} ^ {1}", ("{1} · {0}^({1} − 1)", "{out} · log {0}"), _POWERS),
        Operation("@", lambda a, b: a @ b, "{0} @ {1}", _TRANSPOSED, _FIT),
        Operation("neg", lambda a: -a, "−{0}", ("(−1)",)),
    )
}  # fmt: skip
"""Operators by their sign; "neg" is the minus in front of one operand."""

FUNCTIONS: dict[str, Operation] = {
    op.name: op
    for op in (
        Operation("sin", xp.sin, "sin {0}", ("cos {0}",)),
        Operation("cos", xp.cos, "cos {0}", ("(−sin {0})",)),
        Operation("tan", xp.tan, "tan {0}", ("(1 + {out}²)",)),
        Operation("atan", xp.atan, "atan {0}", ("1/(1 + {0}²)",)),
        Operation("exp", xp.exp, "exp {0}", ("{out}",)),
        Operation("log", xp.log, "log {0}", ("1/{0}",), _POSITIVE),
        Operation("sqrt", xp.sqrt, "√{0}", ("1/(2 · {out})",), _ROOT),
        Operation("square", xp.square, "{0}²", ("2 · {0}",)),
        Operation("abs", xp.abs, "|{0}|", ("sign {0}",), _KINK),
        Operation("sinh", xp.sinh, "sinh {0}", ("cosh {0}",)),
        Operation("cosh", xp.cosh, "cosh {0}", ("sinh {0}",)),
        Operation("tanh", xp.tanh, "tanh {0}", ("(1 − {out}²)",)),
        Operation("sigmoid", xp.sigmoid, "σ({0})", ("{out} · (1 − {out})",)),
        Operation("softplus", xp.softplus, "softplus {0}", ("σ({0})",)),
        Operation("relu", xp.relu, "relu {0}", ("(1 if {0} > 0 else 0)",), _KINK),
        Operation("max", xp.max, "max {0}", ("→ to the largest elements alone",), _LARGEST),
        Operation("min", xp.min, "min {0}", ("→ to the smallest elements alone",), _SMALLEST),
        Operation("sum", xp.sum, "sum {0}", ("→ to every element",)),
        Operation("mean", xp.mean, "mean {0}", ("→ divided by their number, to every element",)),
        Operation("dot", lambda a, b: xp.sum(a * b), "⟨{0}, {1}⟩", ("{1}", "{0}")),
        Operation("maximum", xp.maximum, "max({0}, {1})", _GREATER, _EQUAL),
        Operation("minimum", xp.minimum, "min({0}, {1})", _SMALLER, _EQUAL),
        Operation("softmax", xp.softmax, "softmax {0}", ("→ as {out} · (e − ⟨e, {out}⟩), e the signal",)),
        Operation("logsumexp", xp.logsumexp, "logsumexp {0}", ("softmax {0}",)),
    )
}  # fmt: skip
"""Functions by their name."""

CONSTANTS = {"pi": 3.141592653589793}
