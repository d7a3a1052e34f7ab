"""The maxima of windows and the places of their cotangents, a vector of channels at once, as pieces of kernels."""

from __future__ import annotations

from typing import Any

from .vectors import Piece, repeated, vector_bytes, vectors


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
            number, vector, address, load = vectors(
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
            own = repeated(builder, builder.sitofp(t, number), vector)
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
            number, vector, address, load = vectors(
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
            own_t = repeated(builder, builder.sitofp(t, number), vector)
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


largest = Piece("largest", maxima, vector_bytes)
place = Piece("place", placed, vector_bytes)
