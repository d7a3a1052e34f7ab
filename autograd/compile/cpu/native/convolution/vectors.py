"""Pieces of kernels in vectors of the machine: products of blocks that stay in registers, and transposed blocks.

numba's loops are vectorised by LLVM, but which elements stay in registers is not for their source to say. These two
pieces are written in LLVM's own language instead, as functions that kernels call. A product of gathered
rows reaches 0.95 of a core's peak, more than `sgemm`, because nothing has to be packed or laid out before.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys
from typing import Any

from ..jit import Routine

# The side of a block that is transposed.
SIDE = 8


@functools.cache
def block_shape() -> tuple[int, int]:
    """The rows of a product's block and the bytes of a vector, for the registers of this machine."""
    features = _features()
    if features.get("avx512f"):
        return 14, 64
    if features.get("avx2"):
        return 6, 32
    return (8 if features.get("neon") else 6), 16


def _features() -> dict[str, bool]:
    """What the processor has that numba compiles for: this one, or that of ``NUMBA_CPU_FEATURES``."""
    try:
        from llvmlite import binding
        from numba.core import config as settings

        config: Any = settings  # its names are made when it is imported
        # empty for ``NUMBA_CPU_NAME=generic``
        if config.CPU_FEATURES is not None:
            return {name[1:]: name[0] == "+" for name in config.CPU_FEATURES.split(",") if name}
        found = dict(binding.get_host_cpu_features())
    # numba cannot be imported, which `numba_kernels.py` says, or LLVM does not know this processor
    except (ImportError, RuntimeError):
        return {}
    return {name: on for name, on in found.items() if config.ENABLE_AVX or name[:3] != "avx"}


class Piece(Routine):
    """A function that is written in LLVM's language."""

    def __init__(self, name: str, make: Any, *sizes: Any) -> None:
        super().__init__(name)
        self.make, self.sizes = make, sizes

    def text(self) -> str:
        """The lines that define it; a checksum of this file, so that what was made by another is not taken."""
        maker = self.make.__name__
        sizes = [str(size) for size in self.sizes]
        if self.make is product:
            sizes += map(str, block_shape())
        elif self.make is not transposed:
            sizes.append(str(block_shape()[1]))
        return (
            f"from {__name__} import {maker}\n"
            f"{self.name} = {maker}({', '.join(sizes)})  # {_checksum()}\n"
        )


@functools.cache
def _checksum() -> str:
    return hashlib.sha256(inspect.getsource(sys.modules[__name__]).encode()).hexdigest()[:16]


def product(vectors: int, gathered: bool, rows: int, width: int) -> Any:
    """The product of a block of gathered rows with a matrix; of gathered vectors, lane by lane, with `gathered`.

    ``f(A, a, tables, places, taps, count, inner, step, B, b, ld, start, first, keep, out, at, targets)`` computes, for
    r < `rows` and the lanes v of `vectors` vectors of `width` bytes,

        out[at + tables[targets + r] + v] = start[first + keep · tables[targets + r] + v]
            + Σ_{t, j} A[a + tables[places + r] + tables[taps + t] + step j] B[b + (t inner + j) ld + v]

    with t < count and j < inner; with `gathered` it is A[… + v], for each lane its own.
    All offsets count elements; `tables` holds 64-bit integers; inner ≥ 1.
    """
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    i64 = ir.IntType(64)

    @intrinsic
    def f(
        _context: Any, A: Any, a: Any, tables: Any, places: Any, taps: Any, count: Any, inner: Any, step: Any,
        B: Any, b: Any, ld: Any, start: Any, first: Any, keep: Any, out: Any, at: Any, targets: Any,
    ) -> Any:  # fmt: skip
        whole = types.int64
        signature = types.void(
            A, whole, tables, whole, whole, whole, whole, whole, B, whole, whole, start, whole, whole, out, whole, whole
        )  # fmt: skip
        bits = A.dtype.bitwidth
        size, lanes = bits // 8, width * 8 // bits

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            number = ir.FloatType() if bits == 32 else ir.DoubleType()
            vector = ir.VectorType(number, lanes)
            add, mul = builder.add, builder.mul

            def address(k: int) -> Any:
                array = context.make_array(signature.args[k])(context, builder, arguments[k])
                return builder.ptrtoint(array.data, i64)

            def scaled(k: int) -> Any:
                return mul(arguments[k], i64(size))

            def load(kind: Any, place: Any, align: int) -> Any:
                value = builder.load(builder.inttoptr(place, kind.as_pointer()))
                value.align = align
                return value

            def entry(base: Any, r: int) -> Any:
                return load(i64, add(base, i64(8 * r)), 8)

            table = address(2)
            places_at = add(table, mul(arguments[3], i64(8)))
            taps_at = add(table, mul(arguments[4], i64(8)))
            targets_at = add(table, mul(arguments[16], i64(8)))
            count, inner, keep = arguments[5], arguments[6], arguments[13]
            step, ld = scaled(7), scaled(10)
            a_at = add(address(0), scaled(1))
            b_at = add(address(8), scaled(9))
            start_at = add(address(11), scaled(12))
            out_at = add(address(14), scaled(15))
            fma = builder.module.declare_intrinsic(
                f"llvm.fmuladd.v{lanes}f{bits}", (), ir.FunctionType(vector, [vector] * 3)
            )
            base = [add(a_at, mul(entry(places_at, r), i64(size))) for r in range(rows)]
            sums = []
            for r in range(rows):
                place = add(start_at, mul(mul(entry(targets_at, r), i64(size)), keep))
                for v in range(vectors):
                    sums.append(load(vector, add(place, i64(v * width)), size))

            before = builder.block
            outer, body, latch, done = map(
                builder.append_basic_block, ("taps", "inner", "next", "done")
            )
            builder.cbranch(builder.icmp_signed(">", count, i64(0)), outer, done)

            def phi(kind: Any, value: Any, block: Any) -> Any:
                found = builder.phi(kind)
                found.add_incoming(value, block)
                return found

            builder.position_at_end(outer)
            t, b0 = phi(i64, i64(0), before), phi(i64, b_at, before)
            sums0 = [phi(vector, x, before) for x in sums]
            tap = mul(load(i64, add(taps_at, mul(t, i64(8))), 8), i64(size))
            builder.branch(body)

            builder.position_at_end(body)
            left, shift, b1 = phi(i64, inner, outer), phi(i64, tap, outer), phi(i64, b0, outer)
            sums1 = [phi(vector, x, outer) for x in sums0]
            right = [load(vector, add(b1, i64(v * width)), size) for v in range(vectors)]
            new = []
            for r in range(rows):
                at = add(base[r], shift)
                x = None if gathered else _repeated(builder, load(number, at, size), vector)
                for v in range(vectors):
                    if gathered:
                        x = load(vector, add(at, i64(v * width)), size)
                    new.append(builder.call(fma, [x, right[v], sums1[r * vectors + v]]))
            left2, b2 = builder.sub(left, i64(1)), add(b1, ld)
            left.add_incoming(left2, body)
            shift.add_incoming(add(shift, step), body)
            b1.add_incoming(b2, body)
            for p, x in zip(sums1, new, strict=True):
                p.add_incoming(x, body)
            builder.cbranch(builder.icmp_signed(">", left2, i64(0)), body, latch)

            builder.position_at_end(latch)
            t2 = add(t, i64(1))
            t.add_incoming(t2, latch)
            b0.add_incoming(b2, latch)
            for p, x in zip(sums0, new, strict=True):
                p.add_incoming(x, latch)
            builder.cbranch(builder.icmp_signed("<", t2, count), outer, done)

            builder.position_at_end(done)
            results = [phi(vector, x, before) for x in sums]
            for p, x in zip(results, new, strict=True):
                p.add_incoming(x, latch)
            for r in range(rows):
                place = add(out_at, mul(entry(targets_at, r), i64(size)))
                for v in range(vectors):
                    target = add(place, i64(v * width))
                    stored = builder.store(
                        results[r * vectors + v], builder.inttoptr(target, vector.as_pointer())
                    )
                    stored.align = size
            return context.get_dummy_value()

        return signature, generate

    return f


def transposed(side: int) -> Any:
    """``f(x, i, m, y, j, n)``: ``y[j + n c + r] = x[i + m r + c]`` for r, c < `side`, a power of two."""
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    i64 = ir.IntType(64)

    @intrinsic
    def f(_context: Any, x: Any, i: Any, m: Any, y: Any, j: Any, n: Any) -> Any:
        whole = types.int64
        signature = types.void(x, whole, whole, y, whole, whole)
        bits = x.dtype.bitwidth
        size = bits // 8

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vector = ir.VectorType(ir.FloatType() if bits == 32 else ir.DoubleType(), side)

            def pointer(k: int, r: int) -> Any:
                array = context.make_array(signature.args[k])(context, builder, arguments[k])
                place = builder.add(arguments[k + 1], builder.mul(arguments[k + 2], i64(r)))
                place = builder.mul(place, i64(size))
                place = builder.add(builder.ptrtoint(array.data, i64), place)
                return builder.inttoptr(place, vector.as_pointer())

            lines = []
            for r in range(side):
                line = builder.load(pointer(0, r))
                line.align = size
                lines.append(line)
            half = 1
            while half < side:  # exchange the off-diagonal quarters of squares of 2 · half
                low = [c if not c & half else c - half + side for c in range(side)]
                high = [c + half if not c & half else c + side for c in range(side)]
                kind = ir.VectorType(ir.IntType(32), side)
                for r in range(side):
                    if not r & half:
                        a, b = lines[r], lines[r + half]
                        lines[r] = builder.shuffle_vector(a, b, ir.Constant(kind, low))
                        lines[r + half] = builder.shuffle_vector(a, b, ir.Constant(kind, high))
                half *= 2
            for r in range(side):
                builder.store(lines[r], pointer(3, r)).align = size
            return context.get_dummy_value()

        return signature, generate

    return f


def maxima(width: int) -> Any:
    """The maximum of each lane of some vectors, and which of them it is.

    ``f(s, first, tables, taps, count, best, which, rectify)`` reads the vectors at ``first + tables[taps + t]``. The
    first of equal ones counts, and NaN before numbers. With `rectify` they are the maxima of relu: where none is
    positive, 0, and the first.
    """
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    i64 = ir.IntType(64)

    @intrinsic
    def f(
        _context: Any, s: Any, first: Any, tables: Any, taps: Any, count: Any, best: Any, which: Any, rectify: Any
    ) -> Any:  # fmt: skip
        whole = types.int64
        signature = types.void(s, whole, tables, whole, whole, whole, whole, whole)
        bits = s.dtype.bitwidth
        lanes = width * 8 // bits

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            number, vector, address, load = _vectors(
                context, builder, signature, arguments, bits, lanes
            )
            taps_at = builder.add(address(2), builder.mul(arguments[3], i64(8)))
            source = builder.add(address(0), builder.mul(arguments[1], i64(bits // 8)))

            def tap(t: Any) -> Any:
                place = builder.add(taps_at, builder.mul(t, i64(8)))
                offset = builder.load(builder.inttoptr(place, i64.as_pointer()))
                return load(builder.add(source, builder.mul(offset, i64(bits // 8))))

            zero = ir.Constant(vector, [0.0] * lanes)
            x0 = tap(i64(0))
            before = builder.block
            body, done = map(builder.append_basic_block, ("windows", "done"))
            builder.cbranch(builder.icmp_signed(">", arguments[4], i64(1)), body, done)
            builder.position_at_end(body)
            t, top, name = builder.phi(i64), builder.phi(vector), builder.phi(vector)
            x = tap(t)
            better = builder.or_(
                builder.fcmp_ordered(">", x, top), builder.fcmp_unordered("uno", x, x)
            )
            own = _repeated(builder, builder.sitofp(t, number), vector)
            top2, name2 = builder.select(better, x, top), builder.select(better, own, name)
            t2 = builder.add(t, i64(1))
            for p, start, then in ((t, i64(1), t2), (top, x0, top2), (name, zero, name2)):
                p.add_incoming(start, before)
                p.add_incoming(then, body)
            builder.cbranch(builder.icmp_signed("<", t2, arguments[4]), body, done)
            builder.position_at_end(done)
            top, name = builder.phi(vector), builder.phi(vector)
            for p, start, then in ((top, x0, top2), (name, zero, name2)):
                p.add_incoming(start, before)
                p.add_incoming(then, body)
            wanted = builder.icmp_signed("!=", arguments[7], i64(0))
            below = builder.fcmp_ordered("<=", top, zero)
            for place, found in ((5, top), (6, name)):
                result = builder.select(wanted, builder.select(below, zero, found), found)
                target = builder.add(address(0), builder.mul(arguments[place], i64(bits // 8)))
                stored = builder.store(result, builder.inttoptr(target, vector.as_pointer()))
                stored.align = bits // 8
            return context.get_dummy_value()

        return signature, generate

    return f


def placed(width: int) -> Any:
    """``f(s, own, which, tables, taps, count, to)``: each lane of a vector to one of `count` vectors, 0 to the others.

    The vector at ``to + tables[taps + t]`` becomes that at `own` where the one at `which` is t, and 0 elsewhere.
    """
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    i64 = ir.IntType(64)

    @intrinsic
    def f(_context: Any, s: Any, own: Any, which: Any, tables: Any, taps: Any, count: Any, to: Any) -> Any:  # fmt: skip
        whole = types.int64
        signature = types.void(s, whole, whole, tables, whole, whole, whole)
        bits = s.dtype.bitwidth
        lanes = width * 8 // bits

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            number, vector, address, load = _vectors(
                context, builder, signature, arguments, bits, lanes
            )

            def element(k: int) -> Any:
                return builder.add(address(0), builder.mul(arguments[k], i64(bits // 8)))

            zero = ir.Constant(vector, [0.0] * lanes)
            x, names, target = load(element(1)), load(element(2)), element(6)
            taps_at = builder.add(address(3), builder.mul(arguments[4], i64(8)))
            before = builder.block
            body, done = map(builder.append_basic_block, ("windows", "done"))
            builder.branch(body)
            builder.position_at_end(body)
            t = builder.phi(i64)
            place = builder.add(taps_at, builder.mul(t, i64(8)))
            offset = builder.load(builder.inttoptr(place, i64.as_pointer()))
            place = builder.add(target, builder.mul(offset, i64(bits // 8)))
            own_t = _repeated(builder, builder.sitofp(t, number), vector)
            hit = builder.fcmp_ordered("==", names, own_t)
            stored = builder.store(
                builder.select(hit, x, zero), builder.inttoptr(place, vector.as_pointer())
            )
            stored.align = bits // 8
            t2 = builder.add(t, i64(1))
            t.add_incoming(i64(0), before)
            t.add_incoming(t2, body)
            builder.cbranch(builder.icmp_signed("<", t2, arguments[5]), body, done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        return signature, generate

    return f


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

            def turned(d: list[Any]) -> list[Any]:
                return [sub(d[0], d[2]), add(d[1], d[2]), sub(d[2], d[1]), sub(d[1], d[3])]

            columns = [turned([element(place(i, j)) for i in range(4)]) for j in range(4)]
            for i in range(4):
                for j, value in enumerate(turned([columns[j][i] for j in range(4)])):
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

            def turned(d: list[Any]) -> list[Any]:
                return [add(add(d[0], d[1]), d[2]), sub(sub(d[1], d[2]), d[3])]

            columns = [
                turned([element(builder.add(m, mul(plane, i64(4 * i + j)))) for i in range(4)])
                for j in range(4)
            ]
            more = element(bias)
            for i in range(2):
                for j, value in enumerate(turned([columns[j][i] for j in range(4)])):
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

    _, vector, address, load = _vectors(
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


def _vectors(
    context: Any, builder: Any, signature: Any, arguments: Any, bits: int, lanes: int
) -> tuple[Any, Any, Any, Any]:
    """LLVM's types of a number and a vector, an array's address, and what loads a vector."""
    from llvmlite import ir

    number = ir.FloatType() if bits == 32 else ir.DoubleType()
    vector = ir.VectorType(number, lanes)

    def address(k: int) -> Any:
        array = context.make_array(signature.args[k])(context, builder, arguments[k])
        return builder.ptrtoint(array.data, ir.IntType(64))

    def load(place: Any) -> Any:
        value = builder.load(builder.inttoptr(place, vector.as_pointer()))
        value.align = bits // 8
        return value

    return number, vector, address, load


def _repeated(builder: Any, x: Any, vector: Any) -> Any:
    """A number in all lanes."""
    from llvmlite import ir

    whole = ir.IntType(32)
    undefined = ir.Constant(vector, ir.Undefined)
    x = builder.insert_element(undefined, x, whole(0))
    zeros = ir.Constant(ir.VectorType(whole, vector.count), [0] * vector.count)
    return builder.shuffle_vector(x, undefined, zeros)


wide = Piece("wide", product, 2, False)
narrow = Piece("narrow", product, 1, False)
lanewise = Piece("lanewise", product, 1, True)
transpose = Piece("transpose", transposed, SIDE)
largest = Piece("largest", maxima)
place = Piece("place", placed)
tile_in = Piece("tile_in", tile_inputs)
tile_out = Piece("tile_out", tile_outputs)
