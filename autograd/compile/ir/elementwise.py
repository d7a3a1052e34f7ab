"""Elementwise functions: NumPy's ufunc for each, and its expression in a generated loop.

In an expression, {0}, {1}, … are the operands, cast to the dtype that NumPy computes in; T casts to that dtype. V.exp
and others are functions that are written for loops over vectors (`cpu/native/vectorised.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special

from .program import ARRAY, NUMBER, Op, Value


@dataclass(frozen=True)
class Elementwise:
    """The ways to compute an elementwise function.

    Attributes
    ----------
    ufunc : callable, optional
        Takes the operands and the output by position.
    text : str, optional
        An expression.
    dtype_kinds : str
        The kinds of dtypes, as NumPy names them, that the expression is right for.
    slow : bool
        Whether a generated loop takes longer than NumPy's, which is vectorised (sin and its kin).
    """

    ufunc: Any = None
    text: str = ""
    dtype_kinds: str = "f"
    slow: bool = False


def _compare(name: str, sign: str) -> Elementwise:
    return Elementwise(getattr(np, name), f"({{0}} {sign} {{1}})", "fiub")


# NaN in either operand is the result.
_MAXIMUM = "({0} if {0} >= {1} or {0} != {0} else {1})"
_MINIMUM = "({0} if {0} <= {1} or {0} != {0} else {1})"

TABLE: dict[str, Elementwise] = {
    "add": Elementwise(np.add, "({0} + {1})", "fiu"),
    "subtract": Elementwise(np.subtract, "({0} - {1})", "fiu"),
    "multiply": Elementwise(np.multiply, "({0} * {1})", "fiu"),
    "divide": Elementwise(np.divide, "({0} / {1})"),
    "negative": Elementwise(np.negative, "(-{0})"),
    "abs": Elementwise(np.abs, "abs({0})"),
    "reciprocal": Elementwise(np.reciprocal, "(T(1) / {0})"),
    "sqrt": Elementwise(np.sqrt, "math.sqrt({0})"),
    "maximum": Elementwise(np.maximum, _MAXIMUM),
    "minimum": Elementwise(np.minimum, _MINIMUM),
    # NumPy's, of two numbers: of equal zeros, the sign of the first operand
    "clip": Elementwise(None, _MINIMUM.format(_MAXIMUM, "{2}")),
    "relu": Elementwise(None, "(T(0) if {0} <= T(0) else {0})"),
    "relu_vjp": Elementwise(None, "({0} if {1} > T(0) else T(0))"),
    "where": Elementwise(None, "({1} if {0} else {2})", "fiub"),
    "masked": Elementwise(None, "({0} if {1} else T(0))"),
    "chosen": Elementwise(None, "({0} if {1} > {2} else ({0} * T(0.5) if {1} == {2} else T(0)))"),
    # what rules ask for; as NumPy, a number that is no number stays one
    "twice": Elementwise(None, "(({0} * {1}) * T(2))"),
    "with_sign": Elementwise(None, "({0} if {1} > T(0) else (-{0} if {1} < T(0) else {0} * {1}))"),
    "over_root_below": Elementwise(None, "({0} / math.sqrt((T(1) - {1}) * (T(1) + {1})))"),
    "over_root_above": Elementwise(None, "({0} / (math.sqrt({1} - T(1)) * math.sqrt({1} + T(1))))"),
    "over_below": Elementwise(None, "({0} / ((T(1) - {1}) * (T(1) + {1})))"),
    "over_above": Elementwise(None, "({0} / (T(1) + {1} * {1}))"),
    "leg": Elementwise(None, "({0} / {2} if {2} != T(0) else T(0))"),
    "sech2": Elementwise(None, "V.sech2({0})"),
    "over_cosh2": Elementwise(None, "V.over_cosh2({0}, {1})"),
    "log_nonzero": Elementwise(None, "(math.log({0}) if {0} != T(0) else T(0))", slow=True),
    "floor": Elementwise(np.floor, "np.floor({0})"),
    "ceil": Elementwise(np.ceil, "np.ceil({0})"),
    "sign": Elementwise(np.sign, "(T({0} > T(0)) - T({0} < T(0)) if {0} == {0} else {0})"),
    "astype": Elementwise(None, "T({0})", "fiub"),
    "copied": Elementwise(np.positive, "{0}", "fiu"),
    "isnan": Elementwise(np.isnan, "({0} != {0})"),
    "isfinite": Elementwise(np.isfinite, "(abs({0}) < T(np.inf))"),
    "isinf": Elementwise(np.isinf, "(abs({0}) == T(np.inf))"),
    "equal": _compare("equal", "=="),
    "not_equal": _compare("not_equal", "!="),
    "less": _compare("less", "<"),
    "less_equal": _compare("less_equal", "<="),
    "greater": _compare("greater", ">"),
    "greater_equal": _compare("greater_equal", ">="),
    "logical_and": Elementwise(np.logical_and, "({0} and {1})", "b"),
    "logical_or": Elementwise(np.logical_or, "({0} or {1})", "b"),
    "logical_not": Elementwise(np.logical_not, "(not {0})", "b"),
    "bitwise_and": Elementwise(np.bitwise_and, "({0} & {1})", "iub"),
    "bitwise_or": Elementwise(np.bitwise_or, "({0} | {1})", "iub"),
    "bitwise_xor": Elementwise(np.bitwise_xor, "({0} ^ {1})", "iub"),
    "bitwise_left_shift": Elementwise(np.left_shift, "", "iu"),
    "bitwise_right_shift": Elementwise(np.right_shift, "", "iu"),
    "exp": Elementwise(np.exp, "V.exp({0})"),
    "log": Elementwise(np.log, "V.log({0})"),
    "expm1": Elementwise(np.expm1, "V.expm1({0})"),
    "log1p": Elementwise(np.log1p, "V.log1p({0})"),
    "logaddexp": Elementwise(np.logaddexp, "V.logaddexp({0}, {1})"),
    "tanh": Elementwise(np.tanh, "V.tanh({0})"),
    "sin": Elementwise(np.sin, "math.sin({0})", slow=True),
    "cos": Elementwise(np.cos, "math.cos({0})", slow=True),
    "sigmoid": Elementwise(scipy.special.expit, "V.sigmoid({0})"),
    "special.erf": Elementwise(scipy.special.erf, "V.erf({0})"),
    "special.erfc": Elementwise(scipy.special.erfc, "V.erfc({0})"),
    "pow": Elementwise(np.power, "({0} ** {1})", slow=True),
    **{
        name: Elementwise(getattr(np, {"acos": "arccos", "asin": "arcsin", "atan": "arctan", "acosh": "arccosh",
                                       "asinh": "arcsinh", "atanh": "arctanh", "atan2": "arctan2",
                                       "round": "rint", "conj": "conjugate"}.get(name, name)))
        for name in ("acos", "asin", "atan", "acosh", "asinh", "atanh", "atan2", "cbrt", "cosh", "sinh", "tan", "log2",
                     "log10", "hypot", "floor_divide", "remainder", "round", "trunc", "copysign", "conj",
                     "logical_xor", "signbit", "nextafter")
    },
}  # fmt: skip


# Powers as products, which take a tenth of the time of `pow` and are within 2 units in the last place of it.
_POWERS: dict[float, str] = {
    2: "({0} * {0})",
    3: "({0} * {0} * {0})",
    4: "(({0} * {0}) * ({0} * {0}))",
}


def simple_power(op: Op, sqrt: str = "math.sqrt") -> str:
    """The expression of a power that is products or a square root; empty for every other operation."""
    exponent = op.args[1] if op.name == "pow" else None
    if not isinstance(exponent, int | float):
        return ""
    return f"{sqrt}({{0}})" if exponent == 0.5 else _POWERS.get(exponent, "")


COMPARISONS = frozenset("equal not_equal less less_equal greater greater_equal".split())  # noqa: SIM905 - a table


def operands(op: Op) -> tuple[Any, ...]:
    """The arguments that are arrays or numbers; what follows them is settings."""
    if op.name in ("astype", "with_sign"):
        return op.args[: 1 if op.name == "astype" else 2]
    return op.args


def compute_dtype(op: Op) -> Any:
    """The dtype in which NumPy computes an elementwise operation; `object` where it is none of its operands'."""
    name = op.name
    result = op.result
    given = operands(op)
    if name == "astype":
        return result.dtype
    if name in ("where", "chosen", "masked", "relu_vjp"):
        given = {"where": given[1:], "masked": given[:1], "relu_vjp": given, "chosen": given}[name]
    dtype = np.result_type(*(_scalar_or_dtype(x) for x in given))
    if dtype.kind in "iub" and not all(_fits(x, dtype) for x in given):
        return np.dtype(object)
    if name in COMPARISONS and dtype.kind == "f" and all(_is_integer(x) for x in given):
        return np.dtype(object)  # int64 with uint64: as numbers, not as the nearest float64
    return dtype


def _is_integer(x: Any) -> bool:
    return x.dtype.kind in "iu" if type(x) is Value else isinstance(x, int)


def _fits(x: Any, dtype: Any) -> bool:
    """Whether an integer is one of a dtype's: NumPy compares others, too, and refuses to compute with them."""
    if type(x) is Value and x.value_type == NUMBER and not x.constant:
        return False  # it may be another one at each call
    if dtype.kind == "b":
        return True
    limits = np.iinfo(dtype)
    return type(x) is not int or limits.min <= x <= limits.max


def _scalar_or_dtype(x: Any) -> Any:
    if type(x) is Value:
        if x.value_type == NUMBER:
            return x.held if x.constant else {"b": True, "i": 1, "f": 1.0, "c": 1j}[x.dtype.kind]
        return x.dtype
    return x


def is_elementwise(op: Op) -> bool:
    """Whether an operation has one array result, of the shape that its operands broadcast to."""
    if op.name not in TABLE or type(op.result) is not Value or op.result.value_type != ARRAY:
        return False
    if op.settings and any(v is not None and v is not True for v in op.settings.values()):
        return False
    shape = op.result.shape
    shapes = set()
    for x in operands(op):
        if type(x) is Value:
            if x.value_type not in (ARRAY, NUMBER):
                return False
            shapes.add(x.shape)
        elif not isinstance(x, bool | int | float | complex):
            return False
    shapes.discard(())
    # most often all are of one shape, and NumPy takes 3 µs to say so
    return (shape in shapes and len(shapes) == 1) or np.broadcast_shapes(*shapes) == shape
