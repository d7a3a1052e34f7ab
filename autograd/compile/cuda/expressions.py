"""Elementwise functions as CUDA C++ expressions, and the helpers that stand in front of every generated kernel.

In an expression, {0}, {1}, … are the operands, cast to the dtype that NumPy computes in; T is that dtype, U the
unsigned integer of its size, in which sums wrap around as NumPy's do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir.elementwise import compute_dtype, is_elementwise, simple_power
from ..ir.program import ARRAY, Op

PRELUDE = r"""
#define INF __longlong_as_double(0x7ff0000000000000LL)
#define NOT_A_NUMBER __longlong_as_double(0x7ff8000000000000LL)

template <class T> __device__ __forceinline__ T add_up(T a, T b) { return a + b; }
template <class T> __device__ __forceinline__ T larger(T a, T b) { return (b >= a || b != b) ? b : a; }
template <class T> __device__ __forceinline__ T smaller(T a, T b) { return (b <= a || b != b) ? b : a; }

// One value from the 32 threads of a warp; all of them receive it.
#define BY_WARP(NAME, JOIN) \
    template <class T> __device__ __forceinline__ T warp_##NAME(T v) { \
        for (int step = 16; step; step >>= 1) v = JOIN(v, __shfl_xor_sync(0xffffffffu, v, step)); \
        return v; \
    }
BY_WARP(sum, add_up)
BY_WARP(max, larger)
BY_WARP(min, smaller)

// One value from the 256 threads of a block; all of them receive it.
#define BY_BLOCK(NAME, JOIN) \
    template <class T> __device__ __forceinline__ T block_##NAME(T v) { \
        __shared__ T parts[8]; \
        v = warp_##NAME(v); \
        __syncthreads(); \
        if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = v; \
        __syncthreads(); \
        v = parts[0]; \
        for (int i = 1; i < 8; i++) v = JOIN(v, parts[i]); \
        return v; \
    }
BY_BLOCK(sum, add_up)
BY_BLOCK(max, larger)
BY_BLOCK(min, smaller)

// One value for each of 32 columns, from 8 threads each; the first 32 threads receive them.
#define BY_COLUMN(NAME, JOIN) \
    template <class T> __device__ __forceinline__ T column_##NAME(T v) { \
        __shared__ T parts[256]; \
        __syncthreads(); \
        parts[threadIdx.x] = v; \
        __syncthreads(); \
        if (threadIdx.x < 32) \
            for (int i = 1; i < 8; i++) v = JOIN(v, parts[threadIdx.x + 32 * i]); \
        return v; \
    }
BY_COLUMN(sum, add_up)
BY_COLUMN(max, larger)
BY_COLUMN(min, smaller)

// Whether this block is the last of `blocks` to come here; what the others wrote before is visible to it then.
__device__ __forceinline__ bool last_to_arrive(unsigned* arrived, unsigned blocks) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicAdd(arrived, 1u) == blocks - 1;
        if (last) *arrived = 0;
    }
    __syncthreads();
    __threadfence();
    return last;
}

// To the nearest of narrower formats: the 16 bits themselves, or the float that they stand for.
__device__ __forceinline__ unsigned short narrowed_bfloat16(float x) {
    unsigned bits = __float_as_uint(x);
    if (x != x) return (unsigned short)((bits >> 16) | 0x40);
    return (unsigned short)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
__device__ __forceinline__ float rounded_bfloat16(float x) {
    return x != x ? x : __uint_as_float((unsigned)narrowed_bfloat16(x) << 16);
}
__device__ __forceinline__ float rounded_tf32(float x) {
    unsigned bits = __float_as_uint(x);
    return (bits & 0x7f800000u) == 0x7f800000u ? x : __uint_as_float((bits + 0x1000u) & 0xffffe000u);
}
#ifdef PULLBACK_EMULATED
__device__ unsigned short narrowed_float16(float x) { return emulated_to_float16(x); }
__device__ float rounded_float16(float x) { return emulated_from_float16(emulated_to_float16(x)); }
#else
__device__ __forceinline__ unsigned short narrowed_float16(float x) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
__device__ __forceinline__ float rounded_float16(float x) {
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(narrowed_float16(x)));
    return y;
}
#endif
"""

C_NAMES = {
    "float32": "float", "float64": "double", "bool": "bool",
    "int8": "signed char", "int16": "short", "int32": "int", "int64": "long long",
    "uint8": "unsigned char", "uint16": "unsigned short", "uint32": "unsigned int", "uint64": "unsigned long long",
}  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """A text, and the kinds of dtypes, as NumPy names them, that it is right for."""

    text: str
    dtype_kinds: str = "f"


def _call(name: str) -> Expression:
    return Expression(f"{name}({{0}})")


def _sign(sign: str, dtype_kinds: str = "fiub") -> Expression:
    return Expression(f"({{0}} {sign} {{1}})", dtype_kinds)


# NaN in either operand is the result.
_MAXIMUM = "(({0} >= {1} || {0} != {0}) ? {0} : {1})"
_MINIMUM = "(({0} <= {1} || {0} != {0}) ? {0} : {1})"

EXPRESSIONS: dict[str, Expression] = {
    "add": _sign("+", "fiu"), "subtract": _sign("-", "fiu"), "multiply": _sign("*", "fiu"), "divide": _sign("/", "f"),
    "negative": Expression("(-{0})"),
    "abs": _call("fabs"), "sqrt": _call("sqrt"), "cbrt": _call("cbrt"), "exp": _call("exp"), "log": _call("log"),
    "expm1": _call("expm1"),
    "log1p": _call("log1p"), "log2": _call("log2"), "log10": _call("log10"), "tanh": _call("tanh"),
    "sin": _call("sin"), "cos": _call("cos"), "tan": _call("tan"), "sinh": _call("sinh"), "cosh": _call("cosh"),
    "asin": _call("asin"), "acos": _call("acos"), "atan": _call("atan"), "asinh": _call("asinh"),
    "acosh": _call("acosh"), "atanh": _call("atanh"), "floor": _call("floor"), "ceil": _call("ceil"),
    "trunc": _call("trunc"), "round": _call("rint"),
    "atan2": Expression("atan2({0}, {1})"), "hypot": Expression("hypot({0}, {1})"),
    "copysign": Expression("copysign({0}, {1})"), "pow": Expression("pow({0}, {1})"),
    "reciprocal": Expression("((T)1 / {0})"),
    "sigmoid": Expression("((T)1 / ((T)1 + exp(-{0})))"),
    "maximum": Expression(_MAXIMUM, "fiub"), "minimum": Expression(_MINIMUM, "fiub"),
    "clip": Expression(_MINIMUM.format(_MAXIMUM, "{2}")),
    "relu": Expression("({0} <= (T)0 ? (T)0 : {0})"),
    "relu_vjp": Expression("({1} > (T)0 ? {0} : (T)0)"),
    "where": Expression("({0} ? {1} : {2})", "fiub"),
    "masked": Expression("({1} ? {0} : (T)0)"),
    "chosen": Expression("({1} > {2} ? {0} : ({1} == {2} ? {0} * (T)0.5 : (T)0))"),
    "twice": Expression("(({0} * {1}) * (T)2)"),
    "with_sign": Expression("({1} > (T)0 ? {0} : ({1} < (T)0 ? -{0} : {0} * {1}))"),
    "over_root_below": Expression("({0} / sqrt(((T)1 - {1}) * ((T)1 + {1})))"),
    "over_root_above": Expression("({0} / (sqrt({1} - (T)1) * sqrt({1} + (T)1)))"),
    "over_below": Expression("({0} / (((T)1 - {1}) * ((T)1 + {1})))"),
    "over_above": Expression("({0} / ((T)1 + {1} * {1}))"),
    "leg": Expression("({2} != (T)0 ? {0} / {2} : (T)0)"),
    "over_cosh2": Expression("({0} / cosh({1}) / cosh({1}))"),
    "log_nonzero": Expression("({0} != (T)0 ? log({0}) : (T)0)"),
    "sign": Expression("({0} == {0} ? (T)({0} > (T)0) - (T)({0} < (T)0) : {0})"),
    "astype": Expression("((T){0})", "fiub"),
    "copied": Expression("{0}", "fiub"),
    "rounded": Expression("{0}"), "narrowed": Expression("{0}"),
    "isnan": Expression("({0} != {0})"),
    "isfinite": Expression("(fabs({0}) < (T)INF)"),
    "isinf": Expression("(fabs({0}) == (T)INF)"),
    "equal": _sign("=="), "not_equal": _sign("!="), "less": _sign("<"), "less_equal": _sign("<="),
    "greater": _sign(">"), "greater_equal": _sign(">="),
    "logical_and": _sign("&&", "b"), "logical_or": _sign("||", "b"), "logical_not": Expression("(!{0})", "b"),
    "logical_xor": _sign("!=", "b"),
    "special.erf": _call("erf"), "special.erfc": _call("erfc"),
    "sech2": Expression(
        "((T)4 * exp((T)-2 * fabs({0})) / (((T)1 + exp((T)-2 * fabs({0}))) * ((T)1 + exp((T)-2 * fabs({0})))))"
    ),
    # as NumPy has it: equal infinities are no NaN
    "logaddexp": Expression(
        "({0} == {1} ? {0} + (T)0.69314718055994531 : {0} > {1} ? {0} + log1p(exp({1} - {0}))"
        " : {0} < {1} ? {1} + log1p(exp({0} - {1})) : {0} - {1})"
    ),
    # by 0, NumPy's result is 0; the least number by −1 wraps around, which in C++ is undefined
    "floor_divide": Expression(
        "({1} == (T)0 ? (T)0 : (T)-1 < (T)0 && {1} == (T)-1 ? (T)(0ull - (unsigned long long){0})"
        " : (T)({0} / {1} - ({0} % {1} != 0 && ({0} < (T)0) != ({1} < (T)0))))", "iu"
    ),
    "remainder": Expression(
        "({1} == (T)0 || ((T)-1 < (T)0 && {1} == (T)-1) ? (T)0"
        " : (T)({0} % {1} + ({0} % {1} != 0 && ({0} < (T)0) != ({1} < (T)0) ? {1} : (T)0)))", "iu"
    ),
    # by a negative number, or by as many bits as there are: nothing is left but the sign, on the right
    "bitwise_left_shift": Expression(
        "((unsigned long long){1} < 8 * sizeof({0}) ? (T)((unsigned long long){0} << {1}) : (T)0)", "iu"
    ),
    "bitwise_right_shift": Expression(
        "((unsigned long long){1} < 8 * sizeof({0}) ? (T)({0} >> {1}) : (T)({0} < (T)0 ? -1 : 0))", "iu"
    ),
    "bitwise_and": _sign("&", "iub"), "bitwise_or": _sign("|", "iub"), "bitwise_xor": _sign("^", "iub"),
}  # fmt: skip

WRAPPING = frozenset(("add", "subtract", "multiply"))
ROUND = frozenset(("rounded", "narrowed"))
# Operations that `moves.py` makes: the boxes that an index lies in say which operands its element is made of.
BOXED = frozenset(("piecewise", "add_at"))


def loopable(op: Op) -> bool:
    """Whether an elementwise operation can be part of a generated CUDA kernel."""
    found = EXPRESSIONS.get(op.name)
    if op.name in ROUND or op.name in BOXED:
        return bool(op.result.size)
    if found is None or not is_elementwise(op) or not op.result.size:
        return False
    every = [v.dtype for v in (*op.inputs(), op.result) if v.value_type == ARRAY]
    dtype = compute_dtype(op)
    if not all(d.name in C_NAMES for d in (*every, dtype)) or dtype.kind not in found.dtype_kinds:
        return False
    if op.name == "astype":  # NumPy's cast of NaN to integers is its own
        return not (op.args[0].dtype.kind == "f" and op.result.dtype.kind not in "fb")
    return True


def c_name(dtype: Any) -> str:
    """The C++ type of a dtype."""
    return C_NAMES[np.dtype(dtype).name]


def constant(number: Any, dtype: Any) -> str:
    """A number in the source, rounded to a dtype as NumPy rounds it."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return "true" if number else "false"
    if dtype.kind in "iu":
        text = f"{int(number)}ull" if dtype.kind == "u" else f"{int(number)}ll"
        if int(number) == np.iinfo(np.int64).min:
            text = f"({int(number) + 1}ll - 1)"
        return f"(({c_name(dtype)}){text})"
    number = float(number)
    if math.isnan(number):
        return f"(({c_name(dtype)})NOT_A_NUMBER)"
    if math.isinf(number):
        return f"(({c_name(dtype)}){'-' if number < 0 else ''}INF)"
    return f"(({c_name(dtype)}){number!r})"


def expression(op: Op, parts: list[str]) -> str:
    """An operation on operands that have its dtype."""
    if op.name in ROUND:
        return f"{op.name}_{op.settings['to']}({parts[0]})"
    dtype = compute_dtype(op)
    name = c_name(dtype)
    text = simple_power(op, "sqrt") or EXPRESSIONS[op.name].text
    if dtype.kind == "i" and op.name in WRAPPING:
        wide = C_NAMES[f"uint{8 * max(dtype.itemsize, 4)}"]
        parts = [f"({wide}){part}" for part in parts]
    elif dtype.kind == "u" and dtype.itemsize < 4 and op.name in WRAPPING:
        parts = [f"(unsigned int){part}" for part in parts]
    text = text.replace("(T)", f"({name})").format(*parts)
    if op.name == "astype" and dtype.kind == "b":
        return f"({parts[0]} != 0)"
    if dtype.kind in "iu" and op.result.dtype.kind in "iu":
        return f"(({name}){text})"
    return text


def boxed_expression(op: Op, parts: list[str], conditions: list[str]) -> str:
    """An operation of `BOXED` on operands that have its dtype; a condition is that the index lies in an operand's box.

    ``piecewise`` is the first operand whose condition holds, and the last one where none does. ``add_at`` is the first
    operand, to which the second is added where the condition holds.
    """
    if op.name == "add_at":
        return f"({conditions[0]} ? {parts[0]} + {parts[1]} : {parts[0]})"
    text = parts[-1]
    for part, condition in reversed(list(zip(parts[:-1], conditions, strict=True))):
        text = f"({condition} ? {part} : {text})"
    return text
