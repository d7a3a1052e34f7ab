"""The CUDA C++ of one part of a kernel: which thread does what, then phase after phase."""

from __future__ import annotations

import math
from typing import Any

from ..ir.elementwise import compute_dtype, operands
from ..ir.program import ARRAY, NUMBER, Op, Value
from ..ir.views import Interval, Ref, contiguous_view, intervals
from ..optimise.fuse import REDUCTIONS, Statement
from .expressions import BOXED, boxed_expression, c_name, constant, expression
from .indices import Indices
from .parts import (
    BLOCK,
    BLOCKS,
    COLUMNS,
    FLAT,
    SPLIT,
    THREADS,
    WARP,
    Part,
    reduced_axes,
    result_strides,
)

UNROLLED = 4  # elements that one thread takes of a large array
LARGE = 1 << 18  # elements
ZERO = {"sum": "0.0", "max": "-INF", "min": "INF"}
JOIN = {"sum": "add_up", "max": "larger", "min": "smaller"}


class PartWriter:
    """The writer of one part: which thread does what, then phase after phase."""

    def __init__(self, kernel: Any, part: Part) -> None:
        self.kernel, self.part, self.context = kernel, part, kernel.context
        self.mode = part.mode
        self.names: dict[Value, str] = {}  # what threads hold in registers: sums by row
        self.rows: dict[Any, str] = {}  # loads that are the same for a whole row
        self.head: list[str] = []
        self.lines: list[str] = []
        every, alone = self._every(), self._alone()
        self.chunks = self._chunks()
        self.blocks = self._blocks()
        self.index_type = self._index_type()
        self.indices = Indices(part, every, alone, self.index_type)

    def _every(self) -> list[tuple[int, ...]]:
        """The strides of all accesses."""
        found = []
        for s in self.part.phases:
            for op in s.ops:
                for v in op.inputs():
                    if v.value_type == ARRAY:
                        found.append(self.part.strides(v, self.context.ref(v).strides, s.shape))
                if op.name in REDUCTIONS:
                    found.append(result_strides(self.part, op))
                else:
                    found.append(self.part.own_strides(op.result))
        return found

    def _alone(self) -> frozenset[int]:
        """The axes whose own index says whether an operand has an element there."""
        found: set[int] = set()
        for s in self.part.phases:
            axes = self.part.axes_of(s.shape)
            assert axes is not None
            for op in s.ops:
                boxes = self._boxes(op)
                boxes += [self.context.ref(v).inside for v in op.inputs() if v.value_type == ARRAY]
                found |= {axes[interval.axis] for box in boxes for interval in box}
        return frozenset(found)

    def _boxes(self, op: Op) -> list[tuple[Interval, ...]]:
        """The indices at which each operand but the last is chosen."""
        if op.name not in BOXED:
            return []
        return [intervals(box, op.result.shape) for box in op.settings["boxes"]]

    def _index_type(self) -> str:
        """32 bits where every index into every array fits: 64-bit divisions are slow."""
        values = [
            v for s in self.part.phases for op in s.ops for v in (*op.inputs(), *op.outputs())
        ]
        largest = max(self.context.out.root(v).size for v in values if v.value_type == ARRAY)
        most = max(
            largest, math.prod(self.part.shape) * self.chunks, self.blocks * THREADS * UNROLLED
        )
        return "int" if most < 2**31 else "long long"

    def _chunks(self) -> int:
        """The number of pieces that the sums of a row are cut into, so that all of the device has work."""
        if self.mode == SPLIT:
            return max(1, min(BLOCKS // self.part.rows, self.part.columns // 2048))
        if self.mode == COLUMNS:
            tiles = -(-self.part.rows // 32)
            return max(1, min(-(-BLOCKS // tiles), self.part.columns // 64))
        return 1

    def _blocks(self) -> int:
        rows = self.part.rows
        if self.mode == FLAT:
            return -(-rows // (THREADS * self._unrolled))
        groups = {WARP: -(-rows // 8), BLOCK: rows, SPLIT: rows, COLUMNS: -(-rows // 32)}
        return self.chunks * groups[self.mode]

    @property
    def _unrolled(self) -> int:
        return UNROLLED if self.part.rows >= LARGE else 1

    def write(self) -> list[str]:
        """All lines of the part."""
        for s in self.part.phases:
            if self.part.by_row(s.shape):
                self._row_phase(s)
            else:
                self._phase(s)
        index = self.indices.decomposed("o")
        return getattr(self, f"_{self.mode}")([*index, *self.head, *self.lines])

    # ── which thread does what ────────────────────────────────────────────────────────────────

    def _flat(self, body: list[str]) -> list[str]:
        n, u, index_type = self.part.rows, self._unrolled, self.index_type
        inner = [f"    {line}" for line in body]
        if u == 1:
            return [
                f"const {index_type} o = ({index_type})blk * {THREADS} + tid;",
                f"if (o < {n}) {{",
                *inner,
                "}",
            ]
        return [
            "#pragma unroll",
            f"for (int u = 0; u < {u}; u++) {{",
            f"    const {index_type} o = (({index_type})blk * {u} + u) * {THREADS} + tid;",
            f"    if (o < {n}) {{",
            *[f"    {line}" for line in inner],
            "    }",
            "}",
        ]

    def _warp(self, body: list[str]) -> list[str]:
        index_type = self.index_type
        return [
            f"const {index_type} o = ({index_type})blk * 8 + (tid >> 5);",
            "const int lane = tid & 31, lanes = 32;",
            f"if (o < {self.part.rows}) {{",
            *[f"    {line}" for line in body],
            "}",
        ]

    def _block(self, body: list[str]) -> list[str]:
        return [
            f"const {self.index_type} o = blk;",
            f"const int lane = tid, lanes = {THREADS};",
            *body,
        ]

    def _split(self, body: list[str]) -> list[str]:
        head = [
            f"const {self.index_type} o = blk / {self.chunks}u;",
            f"const int chunk = blk % {self.chunks}u;",
        ]
        return [*head, f"const int lane = tid, lanes = {THREADS};", *body]

    def _columns(self, body: list[str]) -> list[str]:
        index_type, rows = self.index_type, self.part.rows
        return [
            f"const {index_type} tile = blk / {self.chunks}u;",
            f"const int chunk = blk % {self.chunks}u;",
            f"const {index_type} column = tile * 32 + (tid & 31);",
            # threads beyond the last column do the last one's work, and write nothing
            f"const bool mine = column < {rows};",
            f"const {index_type} o = mine ? column : {rows - 1};",
            "const int lane = tid >> 5, lanes = 8;",
            *body,
        ]

    # ── phases ────────────────────────────────────────────────────────────────────────────────

    def _row_phase(self, s: Statement) -> None:
        """Operations on one element for each row: every thread does them, one writes."""
        for op in s.ops:
            name = self._assigned(op, s, {}, self.lines)
            self.names[op.result] = name
            if op.result in self.context.plan.own:
                target = self._element(contiguous_view(op.result), self.part.own_strides(op.result))
                self.lines.append(f"if (lane == 0) {target} = {name};")

    def _phase(self, s: Statement) -> None:
        """Operations on all elements, and the sums over each row."""
        local: dict[Value, str] = {}
        loads: dict[Any, str] = {}
        body: list[str] = []
        totals: list[tuple[Op, str, str]] = []
        copies: list[tuple[Op, str]] = []
        guard = "if (mine) " if self.mode == COLUMNS else ""
        for op in s.ops:
            if op.name in REDUCTIONS:
                element = self._operand(op.args[0], s, local, loads, body)
                if reduced_axes(op):
                    totals.append((op, self.kernel.fresh("s"), element))
                else:  # over axes of length 1: the element itself
                    copies.append((op, element))
                continue
            local[op.result] = self._assigned(op, s, local, body, loads)
        for op in s.ops:
            if op.name not in REDUCTIONS and op.result in self.context.plan.own:
                target = self._element(contiguous_view(op.result), self.part.own_strides(op.result))
                body.append(f"{guard}{target} = {local[op.result]};")
        for op, element in copies:
            if op.result in self.context.plan.own:
                body.append(f"{guard}{self._target(op)} = {element};")
        if self.mode == FLAT:
            self.lines += ["{", *[f"    {line}" for line in body], "}"]
            return
        body += [self._join(op, total, element) for op, total, element in totals]
        self.lines += [self._zero(op, total) for op, total, _ in totals]
        self.lines += self._over_row(body)
        self._totals([(op, total) for op, total, _ in totals])

    def _over_row(self, body: list[str]) -> list[str]:
        """The loop of one group of threads over its row, or its piece of one."""
        n, index_type = self.part.columns, self.index_type
        first, end, before = "lane", str(n), []
        if self.chunks > 1:
            piece = -(-n // self.chunks)
            before = [
                f"const {index_type} begin = ({index_type})chunk * {piece};",
                f"const {index_type} end = begin + {piece} < {n} ? begin + {piece} : {n};",
            ]
            first, end = "begin + lane", "end"
        return [
            *before,
            f"for ({index_type} at = {first}; at < {end}; at += lanes) {{",
            *[f"    {line}" for line in [*self.indices.decomposed("at"), *body]],
            "}",
        ]

    def _zero(self, op: Op, total: str) -> str:
        c_type = c_name(op.result.dtype)
        return f"{c_type} {total} = ({c_type}){ZERO[op.name]};"

    def _join(self, op: Op, total: str, element: str) -> str:
        return f"{total} = {JOIN[op.name]}({total}, {element});"

    def _totals(self, totals: list[tuple[Op, str]]) -> None:
        """Add up the sums of a row's threads, and those of its pieces where it was cut into several."""
        if not totals:
            return
        group = {WARP: "warp", BLOCK: "block", SPLIT: "block", COLUMNS: "column"}[self.mode]
        for op, total in totals:
            self.lines.append(f"{total} = {group}_{op.name}({total});")
        writes = {
            WARP: "lane == 0", BLOCK: "lane == 0", SPLIT: "lane == 0", COLUMNS: "tid < 32 && mine",
        }[self.mode]  # fmt: skip
        if self.chunks > 1:
            self._combined(totals, writes, group)
        for op, total in totals:
            self.names[op.result] = total
            if op.result in self.context.plan.own:
                self.lines.append(f"if ({writes}) {self._target(op)} = {total};")

    def _combined(self, totals: list[tuple[Op, str]], writes: str, group: str) -> None:
        """Let the last block of a row add up what all its blocks have left, always in the same order."""
        kernel, scratch = self.kernel, self.context.scratch
        rows, chunks = self.part.rows, self.chunks
        tiles = rows if self.mode == SPLIT else -(-rows // 32)
        arrived = kernel.own("arrived", "unsigned", scratch.take(4 * tiles, zeroed=True))
        tile = "o" if self.mode == SPLIT else "tile"
        partials = []
        for op, total in totals:
            c_type = c_name(op.result.dtype)
            size = rows * chunks * op.result.dtype.itemsize
            partial = kernel.own("partial", f"volatile {c_type}", scratch.take(size))
            partials.append(partial)
            self.lines.append(
                f"if ({writes}) {partial}[({self.index_type})chunk * {rows} + o] = {total};"
            )
        self.lines.append(f"if (!last_to_arrive({arrived} + {tile}, {chunks}u)) return;")
        for (op, total), partial in zip(totals, partials, strict=True):
            c_type = c_name(op.result.dtype)
            self.lines += [
                f"{total} = ({c_type}){ZERO[op.name]};",
                f"for (int piece = lane; piece < {chunks}; piece += lanes)",
                f"    {total} = {JOIN[op.name]}({total}, ({c_type}){partial}[({self.index_type})piece * {rows} + o]);",
                f"{total} = {group}_{op.name}({total});",
            ]

    # ── operands ──────────────────────────────────────────────────────────────────────────────

    def _assigned(
        self,
        op: Op,
        s: Statement,
        local: dict[Value, str],
        body: list[str],
        loads: dict[Any, str] | None = None,
    ) -> str:
        """The name of an operation's result, computed in `body`."""
        c_type = c_name(op.result.dtype)
        dtype = op.result.dtype if op.name in BOXED else compute_dtype(op)
        parts = []
        for i, x in enumerate(operands(op)):
            if (op.name, i) in (("where", 0), ("masked", 1)):
                parts.append(f"({self._operand(x, s, local, loads, body)} != 0)")
            else:
                parts.append(self._operand(x, s, local, loads, body, dtype))
        name = self.kernel.fresh("t")
        if op.name in BOXED:
            text = boxed_expression(
                op, parts, [self.indices.condition(self._box(b, s)) for b in self._boxes(op)]
            )
        else:
            text = expression(op, parts)
        body.append(f"const {c_type} {name} = {text};")
        return name

    def _operand(
        self,
        x: Any,
        s: Statement,
        local: dict[Value, str],
        loads: dict[Any, str] | None,
        body: list[str],
        dtype: Any = None,
    ) -> str:
        """The name of an operand's element, cast to a dtype."""
        if type(x) is not Value:
            return constant(x, dtype if dtype is not None else type(x))
        if x.constant and x.shape == () and x.value_type in (ARRAY, NUMBER):
            number = x.held.item() if x.value_type == ARRAY else x.held
            return constant(number, dtype if dtype is not None else x.dtype)
        if x.value_type == NUMBER:
            name = self._loaded(("number", x), self.kernel.number(x), c_name(x.dtype), self.head)
            return self._cast(name, x.dtype, dtype)
        if x in local:
            return self._cast(local[x], x.dtype, dtype)
        root = self.context.out.root(x)
        if root in self.names:
            return self._cast(self.names[root], x.dtype, dtype)
        ref = self.context.ref(x)
        strides = self.part.strides(x, ref.strides, s.shape)
        box = self._box(ref.inside, s)
        key = (root, ref.offset, strides, tuple(box.items()))
        by_row = not any(strides[i] or i in box for i in self.part.reduced)
        if by_row and self.mode != FLAT:
            name = self._loaded(key, self._element(ref, strides, box), c_name(x.dtype), self.head)
        else:
            assert loads is not None
            if key not in loads:
                loads[key] = self.kernel.fresh("a")
                body.append(
                    f"const {c_name(x.dtype)} {loads[key]} = {self._element(ref, strides, box)};"
                )
            name = loads[key]
        return self._cast(name, x.dtype, dtype)

    def _loaded(self, key: Any, text: str, c_type: str, where: list[str]) -> str:
        """The name of an element that is the same for all of a row, loaded once before all phases."""
        if key not in self.rows:
            self.rows[key] = self.kernel.fresh("a")
            where.append(f"const {c_type} {self.rows[key]} = {text};")
        return self.rows[key]

    def _cast(self, name: str, dtype: Any, to: Any) -> str:
        return name if to is None or dtype == to else f"(({c_name(to)}){name})"

    # ── elements ──────────────────────────────────────────────────────────────────────────────

    def _box(self, inside: tuple[Interval, ...], s: Statement) -> dict[int, Interval]:
        """The intervals along the part's axes."""
        axes = self.part.axes_of(s.shape)
        assert axes is not None
        return {axes[interval.axis]: interval for interval in inside}

    def _element(
        self, ref: Ref, strides: tuple[int, ...], box: dict[int, Interval] | None = None
    ) -> str:
        """An element of a buffer; 0 at an index outside of the box, where none is read."""
        name = self.kernel.pointer(ref.root)
        index = self.indices.offset(strides, box or {})
        text = " + ".join(p for p in (str(ref.offset) if ref.offset else "", index) if p)
        element = f"{name}[{text or '0'}]"
        if not box:
            return element
        return f"({self.indices.condition(box)} ? {element} : ({c_name(ref.root.dtype)})0)"

    def _target(self, op: Op) -> str:
        return self._element(contiguous_view(op.result), result_strides(self.part, op))
