"""The text of a program, and its graph for `pb.draw`."""

from __future__ import annotations

from typing import Any

from ..diagnostics.graph import Node
from .cpu.assembly import Assembly
from .ir.program import ARRAY, Value, op_text
from .optimise.memory_use import memory_needed


def program_text(executable: Any, out: Assembly) -> str:
    """The program's text: inputs, statements with the buffers that they write, and outputs."""
    program, plan = executable.program, out.plan
    lines = [
        f"program {executable.name}: {len(program.ops)} operations, {len(out.statements.items)} statements"
    ]
    if program.precision != "float32":
        lines.append(
            f"precision: operands of products rounded to {program.precision}, sums in float32"
        )
    counts = ", ".join(f"{n} {what}" for what, n in program.removed.items() if n)
    lines += [f"taken out: {counts}"] if counts else []
    need = memory_needed(program, out.statements, plan)
    lines.append(
        f"memory: {need:,} bytes, {plan.size:,} bytes in one block and {need - plan.size:,} returned by calls; "
        f"{len(out.output_rings)} output buffers, {len(plan.donated)} written in place"
    )
    if executable.pending is not None:
        n = len(executable.pending.sources)
        are, they = ("is", "it is") if n == 1 else ("are", "they are")
        lines.append(
            f"kernels: {n} {are} being compiled by another process; NumPy until {they} there"
        )
    if out.device is not None:
        steps = len(set(out.statements.times))
        lines.append(f"device: {steps} steps, {out.device.runtime.describe()}")
    for guard in executable.guards:
        if guard.value is not None:
            lines.append(f"  {guard.value!r}  ← {guard.path}")
        else:
            lines.append(f"  {guard.path} = {guard.describe()}, fixed")
    for op in out.statements.numbers:
        lines.append(f"  {op_text(op)}")
    for i, s in enumerate(out.statements.items):
        label = {
            "loop": f"loop over {list(s.shape)}",
            "gemm": "product",
            "batch": "product",
            "fused": "kernel",
            "native": "kernel",
        }
        other = "NumPy" if out.device is None else "call"
        lines.append(f"  {out.statements.time(i)}: {label.get(s.method, other)}")
        for op in s.ops:
            lines.append(f"      {op_text(op)}{_storage(op.result, out)}")
            step = getattr(op.function, "step", None)  # of a loop
            lines += [f"          {line}" for line in step()] if step is not None else []
    results = [repr(v) for v in program.outputs]
    lines.append(f"  return {', '.join(results)}")
    return "\n".join(lines)


def _storage(v: Any, out: Assembly) -> str:
    if type(v) is not Value or v.value_type != ARRAY:
        return ""
    if v in out.plan.donated:
        return f"  → in place of x{out.plan.donated[v]}"
    if v in out.plan.outputs:
        return f"  → output {out.plan.outputs[v]}"
    if v in out.plan.offsets:
        return f"  → block + {out.plan.offsets[v]}"
    return ""


def nodes(executable: Any, out: Assembly) -> list[Node]:
    """The statements as nodes of a graph, for `pb.draw`; constants are left out."""
    found: list[Node] = []
    slots: dict[Value, int] = {}

    def add(name: str, v: Value | None, inputs: tuple[int, ...]) -> int:
        shape = v.shape if v is not None else None
        found.append(Node(len(found), name, shape, str(v.dtype) if v is not None else "", inputs))
        return len(found) - 1

    for guard in executable.guards:
        if guard.value is not None and guard.argument_type != "static":
            slots[guard.value] = add(guard.path, guard.value, ())
    steps = [([op], op.outputs()) for op in out.statements.numbers]
    steps += [(s.ops, s.results()) for s in out.statements.items]
    for ops, results in steps:
        roots = [out.statements.root(v) for op in ops for v in op.inputs()]
        inputs = dict.fromkeys(slots[v] for v in roots if v in slots and v not in results)
        kept = [v for v in results if v in out.plan.own] or results
        slot = add(", ".join(op.name for op in ops), kept[-1], tuple(inputs))
        slots |= dict.fromkeys(results, slot)
    return found
