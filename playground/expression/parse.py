"""From text to a tree: what one types is read, and never run.

Python's own parser makes a syntax tree of the text, which no code is made of; a walk over it takes the few kinds of
nodes that an expression is made of, and refuses everything else with what is wrong, and where.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass

import numpy as np

from .operations import CONSTANTS, FUNCTIONS, OPERATORS, Operation

MOST_CHARACTERS = 200
MOST_NODES = 40
MOST_DEPTH = 20
MOST_VARIABLES = 8
LARGEST_EXPONENT = 100

_TOKENS = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\*\*|[-+*/@(),])|(?P<space> +)",
    re.ASCII,
)
_SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@",
}  # fmt: skip
# as they are printed in books, to what one types
_PRINTED = str.maketrans("−·×", "-**")


class ParseError(ValueError):
    """A text that is no expression.

    Parameters
    ----------
    message : str
        What is wrong, and what to write instead.
    text : str
        What was typed.
    column : int
        Where in the text, from 0.
    """

    def __init__(self, message: str, text: str, column: int) -> None:
        super().__init__(message, text, column)  # all of them, so that it can be pickled
        self.message, self.text = message, text
        self.column = max(0, min(column, len(text)))

    def __str__(self) -> str:
        return f"{self.message}\n{self.pointed()}"

    def pointed(self) -> str:
        """The text, and a caret under the place.

        Examples
        --------
        >>> print(ParseError("…", "x + ?", 4).pointed())
        x + ?
            ^
        """
        return f"{self.text}\n{' ' * self.column}^"


@dataclass(frozen=True)
class Variable:
    """A name whose value is asked for."""

    name: str


@dataclass(frozen=True)
class Constant:
    """A number, or what only numbers make."""

    value: float
    text: str


@dataclass(frozen=True)
class Applied:
    """An operation on operands."""

    operation: Operation
    operands: tuple[Expression, ...]


Expression = Variable | Constant | Applied


def parse(text: str) -> Expression:
    """The tree of an expression.

    Parameters
    ----------
    text : str
        Names, numbers, ``+ - * / ** @``, parentheses, and calls of the functions of `operations`.

    Returns
    -------
    Expression

    Raises
    ------
    ParseError
        For everything else, and for what is too long, too deep, or a constant power that is too large.

    Examples
    --------
    >>> parse("x")
    Variable(name='x')
    >>> parse("x.__class__")
    Traceback (most recent call last):
    pullback.playground.expression.parse.ParseError: '.' is not part of an expression
    x.__class__
     ^
    """
    printed, text = text, text.translate(_PRINTED)
    reader = _Reader(printed)
    reader.check_characters(text)
    try:
        root = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise reader.syntax(text, error) from None
    except (ValueError, MemoryError, RecursionError):
        raise ParseError("this is nested too deeply", printed, 0) from None
    reader.indent = len(text) - len(text.lstrip())
    found = reader.read(root, 0)
    if isinstance(found, Constant):
        raise ParseError("there is no variable in it: type a name such as x", printed, 0)
    return found


class _Reader:
    """The walk over the syntax tree of one text."""

    def __init__(self, text: str) -> None:
        self.text, self.indent = text, 0
        self.nodes = 0
        self.names: set[str] = set()

    def check_characters(self, text: str) -> None:
        """Refuse what is not part of an expression, before Python's parser sees it."""
        if not text.strip():
            raise ParseError("type an expression, such as sin(x*y)", self.text, 0)
        if len(text) > MOST_CHARACTERS:
            raise ParseError(
                f"{len(text)} characters: at most {MOST_CHARACTERS} can be drawn", self.text, MOST_CHARACTERS
            )  # fmt: skip
        place, before = 0, ""
        while place < len(text):
            token = _TOKENS.match(text, place)
            if token is None:
                sign = self.text[place]
                raise ParseError(
                    f"{sign!r} is not part of an expression{_HINTS.get(sign, '')}", self.text, place
                )
            kind = str(token.lastgroup)
            if before == "number" and kind in ("name", "number"):
                raise ParseError(
                    "an operator is missing before this: write 2*x for 2x", self.text, place
                )
            place, before = token.end(), kind

    def syntax(self, text: str, error: SyntaxError) -> ParseError:
        """What Python's parser stumbled over, in the words of expressions."""
        # at the end of the text it gives no place
        column = error.offset - 1 if error.offset else len(text)
        column += len(text) - len(text.lstrip())
        message = {
            "'(' was never closed": "this parenthesis is never closed",
            "unmatched ')'": "this parenthesis was never opened",
            "too many nested parentheses": "this is nested too deeply",
        }.get(error.msg, "something is missing or out of place here")
        return ParseError(message, self.text, column)

    def refused(self, message: str, node: ast.expr) -> ParseError:
        return ParseError(message, self.text, node.col_offset + self.indent)

    def read(self, node: ast.expr, depth: int) -> Expression:
        """The expression of a syntax tree."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise self.refused(f"more than {MOST_NODES} parts cannot be drawn", node)
        if depth > MOST_DEPTH:
            raise self.refused(f"nested deeper than {MOST_DEPTH}", node)
        match node:
            case ast.Constant(value=int() | float() as value) if type(value) is not bool:
                return self.number(float(value), node)
            case ast.Name(id=name):
                return self.name(name, node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.applied(OPERATORS["neg"], [self.read(operand, depth + 1)], node)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, depth + 1)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _SIGNS:
                operands = [self.read(left, depth + 1), self.read(right, depth + 1)]
                sign = _SIGNS[type(op)]
                if sign == "**":
                    self.check_exponent(operands[1], right)
                return self.applied(OPERATORS[sign], operands, node)
            case ast.Call():
                return self.call(node, depth)
        what = _REFUSED.get(type(node), f"a Python {type(node).__name__}")
        raise self.refused(f"{what} is not part of an expression here", node)

    def number(self, value: float, node: ast.expr) -> Constant:
        if not math.isfinite(value):
            raise self.refused("this number is too large", node)
        return Constant(value, f"{value:.6g}")

    def name(self, name: str, node: ast.expr) -> Expression:
        if name in CONSTANTS:
            return Constant(CONSTANTS[name], "π" if name == "pi" else name)
        if name in FUNCTIONS:
            raise self.refused(f"{name} is a function: write {name}(x)", node)
        if name.startswith("_"):
            raise self.refused(f"the name {name} begins with an underscore: choose a letter", node)
        self.names.add(name)
        if len(self.names) > MOST_VARIABLES:
            raise self.refused(f"more than {MOST_VARIABLES} variables cannot be set", node)
        return Variable(name)

    def call(self, node: ast.Call, depth: int) -> Expression:
        if not isinstance(node.func, ast.Name):
            raise self.refused("only functions with a name can be called", node.func)
        name = node.func.id
        if name not in FUNCTIONS:
            raise self.refused(
                f"there is no function {name}: choose one of {', '.join(FUNCTIONS)}", node.func
            )
        operation = FUNCTIONS[name]
        for given in (*node.args, *(k.value for k in node.keywords)):
            if node.keywords or isinstance(given, ast.Starred):
                raise self.refused(f"{name} takes operands without names or stars", given)
        if len(node.args) != operation.arity:
            raise self.refused(
                f"{name} takes {('one operand', 'two operands')[operation.arity - 1]}, not {len(node.args)}", node
            )  # fmt: skip
        return self.applied(operation, [self.read(x, depth + 1) for x in node.args], node)

    def check_exponent(self, exponent: Expression, node: ast.expr) -> None:
        if isinstance(exponent, Constant) and not abs(exponent.value) <= LARGEST_EXPONENT:
            raise self.refused(
                f"the exponent {exponent.text} is too large: at most {LARGEST_EXPONENT} is taken",
                node,
            )

    def applied(
        self, operation: Operation, operands: list[Expression], node: ast.expr
    ) -> Expression:
        """An operation on operands; a number, where all of them are."""
        numbers = [x for x in operands if isinstance(x, Constant)]
        if len(numbers) < len(operands):
            return Applied(operation, tuple(operands))
        if operation.name in ("@", "softmax"):
            raise self.refused(
                f"{operation.name} takes vectors and matrices, not numbers alone", node
            )
        value = constant(operation, [x.value for x in numbers])
        if not math.isfinite(value):
            raise self.refused(f"this is {value}: it has no finite value", node)
        if operation.name == "neg":
            text = f"−{numbers[0].text}"
        else:
            text = f"{value:.6g}".replace("-", "−")
        return Constant(value, text)


def constant(operation: Operation, operands: list[float]) -> float:
    """What an operation makes of numbers; NaN where it is not defined."""
    with np.errstate(all="ignore"):
        return float(np.asarray(operation.run(*(np.asarray(x) for x in operands))))


_HINTS = {
    "^": ": write ** for a power",
    "[": ": vectors are the values of variables, in the fields below",
    "=": ": the values of variables are set in the fields below",
}
_REFUSED: dict[type[ast.AST], str] = {
    ast.Lambda: "a function of one's own",
    ast.IfExp: "an if",
    ast.Tuple: "a list with commas",
    ast.BoolOp: "and/or",
    ast.Compare: "a comparison",
    ast.Attribute: "an attribute",
    ast.Constant: "True, False or None",
    ast.BinOp: "this operator",
    ast.UnaryOp: "not",
}
