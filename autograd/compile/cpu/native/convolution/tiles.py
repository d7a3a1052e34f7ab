"""The transforms of Winograd's tiles (`winograd.py`), a vector of channels at once, as pieces of kernels."""

from __future__ import annotations

from typing import Any

from .vectors import Piece, vector_bytes, vectors


def tile_inputs(width: int) -> Any:
    """``f(s, x, row, step, out, plane)``: Winograd's Bᵀ d B of a tile of 4 × 4 pixels, a vector of channels at once.

    d[i, j] is the vector at ``x + i row + j step``; the result's element (i, j) goes to ``out + (4 i + j) plane``.
    """
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    i64 = ir.IntType(64)

    @intrinsic
    def f(_context: Any, s: Any, x: Any, row: Any, step: Any, out: Any, plane: Any) -> Any:
        whole = types.int64
        signature = types.void(s, whole, whole, whole, whole, whole)
        bits = s.dtype.bitwidth

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            element = _elements(context, builder, signature, arguments, bits, width)
            sub, add, mul = builder.fsub, builder.fadd, builder.mul
            _, x, row, step, out, plane = arguments

            def place(i: int, j: int) -> Any:
                return builder.add(x, builder.add(mul(row, i64(i)), mul(step, i64(j))))

            def transformed(d: list[Any]) -> list[Any]:
                return [sub(d[0], d[2]), add(d[1], d[2]), sub(d[2], d[1]), sub(d[1], d[3])]

            columns = [transformed([element(place(i, j)) for i in range(4)]) for j in range(4)]
            for i in range(4):
                for j, value in enumerate(transformed([columns[j][i] for j in range(4)])):
                    element(builder.add(out, mul(plane, i64(4 * i + j))), value)
            return context.get_dummy_value()

        return signature, generate

    return f


def tile_outputs(width: int) -> Any:
    """``f(s, m, plane, bias, y, row, step)``: Winograd's Aᵀ m A + bias, 2 × 2 pixels, a vector of channels at once.

    m[i, j] is the vector at ``m + (4 i + j) plane``; the result's element (i, j) goes to ``y + i row + j step``.
    """
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    i64 = ir.IntType(64)

    @intrinsic
    def f(_context: Any, s: Any, m: Any, plane: Any, bias: Any, y: Any, row: Any, step: Any) -> Any:
        whole = types.int64
        signature = types.void(s, whole, whole, whole, whole, whole, whole)
        bits = s.dtype.bitwidth

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            element = _elements(context, builder, signature, arguments, bits, width)
            sub, add, mul = builder.fsub, builder.fadd, builder.mul
            _, m, plane, bias, y, row, step = arguments

            def transformed(d: list[Any]) -> list[Any]:
                return [add(add(d[0], d[1]), d[2]), sub(sub(d[1], d[2]), d[3])]

            columns = [
                transformed([element(builder.add(m, mul(plane, i64(4 * i + j)))) for i in range(4)])
                for j in range(4)
            ]
            more = element(bias)
            for i in range(2):
                for j, value in enumerate(transformed([columns[j][i] for j in range(4)])):
                    place = builder.add(y, builder.add(mul(row, i64(i)), mul(step, i64(j))))
                    element(place, add(value, more))
            return context.get_dummy_value()

        return signature, generate

    return f


def _elements(
    context: Any, builder: Any, signature: Any, arguments: Any, bits: int, width: int
) -> Any:
    """What loads the vector at a place in the first array, or stores one there."""
    from llvmlite import ir

    _, vector, address, load = vectors(
        context, builder, signature, arguments, bits, width * 8 // bits
    )
    start = address(0)

    def element(place: Any, value: Any = None) -> Any:
        at = builder.add(start, builder.mul(place, ir.IntType(64)(bits // 8)))
        if value is None:
            return load(at)
        builder.store(value, builder.inttoptr(at, vector.as_pointer())).align = bits // 8
        return value

    return element


tile_in = Piece("tile_in", tile_inputs, vector_bytes)
tile_out = Piece("tile_out", tile_outputs, vector_bytes)
