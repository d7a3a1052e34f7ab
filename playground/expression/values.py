"""Values of variables: typed as numbers, vectors and matrices; printed in few characters."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from .parse import ParseError

MOST_ELEMENTS = 16
MOST_CHARACTERS = 200

_ALLOWED = re.compile(r"[0-9eE.,+\-\[\] ]*", re.ASCII)


def parse_value(text: str) -> np.ndarray:
    """The array that a text stands for: a number, a vector ``[1, 2]`` or a matrix ``[[1, 2], [3, 4]]``.

    Raises
    ------
    ParseError
        For everything else, for rows of different lengths, and for more than `MOST_ELEMENTS` elements.

    Examples
    --------
    >>> parse_value("[1, -2.5]")
    array([ 1. , -2.5])
    """
    printed, text = text, text.replace("−", "-")
    if len(text) > MOST_CHARACTERS:
        raise ParseError(
            f"at most {MOST_CHARACTERS} characters are taken", printed, MOST_CHARACTERS
        )
    allowed = _ALLOWED.match(text)
    stop = allowed.end() if allowed else 0
    if stop < len(text):
        raise ParseError(
            f"{printed[stop]!r} is not part of a value: type a number, or a vector such as [1, 2]", printed, stop
        )  # fmt: skip
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ParseError("type a number, or a vector such as [1, 2]", printed, 0) from None
    found = _read(body, printed, len(text) - len(text.lstrip()))
    try:
        value = np.asarray(found, float)
    except ValueError:
        raise ParseError("the rows are of different lengths", printed, 0) from None
    if value.size == 0 or value.size > MOST_ELEMENTS or value.ndim > 2:
        raise ParseError(
            f"a value has 1 to {MOST_ELEMENTS} elements, in rows of a matrix at most", printed, 0
        )
    if not np.isfinite(value).all():
        raise ParseError("this number is too large", printed, 0)
    return value


def _read(node: ast.expr, text: str, indent: int) -> Any:
    match node:
        case ast.Constant(value=int() | float() as value) if type(value) is not bool:
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -float(value)
        case ast.List(elts=elements):
            return [_read(x, text, indent) for x in elements]
    raise ParseError("type a number, or a vector such as [1, 2]", text, node.col_offset + indent)


def number(x: float, digits: int = 4) -> str:
    """A number in at most so many digits, with the minus sign of print.

    Examples
    --------
    >>> number(-0.123456), number(2.0), number(float("nan"))
    ('−0.1235', '2', 'not a number')
    """
    if np.isnan(x):
        return "not a number"
    if np.isinf(x):
        return "∞" if x > 0 else "−∞"
    return f"{x + 0.0:.{digits}g}".replace("-", "−")


def printed(value: Any, digits: int = 4) -> str:
    """A number, or all elements of an array.

    Examples
    --------
    >>> printed(np.asarray([[1.0, 2.0], [3.0, -4.0]]))
    '[[1, 2], [3, −4]]'
    """
    array = np.asarray(value, float)
    if array.ndim == 0:
        return number(float(array), digits)
    return f"[{', '.join(printed(x, digits) for x in array)}]"


def short(value: Any, most: int = 16, digits: int = 4) -> str:
    """The same in so many characters: the first elements, or the shape where not even they fit.

    Examples
    --------
    >>> short(np.arange(9.0)), short(np.ones((3, 3)))
    ('[0, 1, 2, 3, …]', '3 × 3 matrix')
    """
    text = printed(value, digits)
    if len(text) <= most:
        return text
    array = np.asarray(value, float)
    if array.ndim == 0:
        return text
    if array.ndim == 2:
        return f"{array.shape[0]} × {array.shape[1]} matrix"
    kept: list[str] = []
    for x in array:
        if len(", ".join([*kept, number(float(x), digits), "…"])) > most - 2:
            break
        kept.append(number(float(x), digits))
    return f"[{', '.join([*kept, '…'])}]"
