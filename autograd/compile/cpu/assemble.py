"""A program for the CPU: statements, memory, and the lines of its body in order."""

from __future__ import annotations

from typing import Any

from ..ir.program import Program, Value
from ..optimise.convolutions import join_convolutions
from ..optimise.fuse import Statement, Statements, build
from ..optimise.gemm_updates import accumulate
from ..optimise.logarithms import leave_logarithms
from ..optimise.memory_plan import Plan, make_plan
from ..optimise.rematerialise import rematerialise
from ..optimise.rows import group_rows
from . import blas, blas_choice, numba_kernels
from .assembly import Assembly
from .families import Met
from .freeing import free_early
from .native.table import is_native

# Operations after which a new kernel begins: the time to compile one grows faster than its length.
KERNEL = 200


def _as_it_is(x: Any) -> Any:
    return x


def assemble(
    program: Program,
    *,
    kernels: bool,
    is_generic_library: bool,
    donated: set[int],
    replaced_inputs: dict[int, int],
    memory: int | None = None,
    met: Met | None = None,
) -> Assembly:
    """Lay a program out and write its body; with `memory`, so that it takes at most that many bytes.

    `met` is what earlier programs of the function used (`families.py`).
    """
    if kernels:
        join_convolutions(program, is_native)

    def laid_out(program: Program) -> tuple[Statements, Plan]:
        return lay_out(
            program,
            kernels=kernels,
            is_generic_library=is_generic_library,
            donated=donated,
            replaced_inputs=replaced_inputs,
            tight=memory is not None,
        )

    if memory is not None:
        rematerialise(program, memory, laid_out)
    statements, plan = laid_out(program)
    if not kernels:
        for s in statements.items:
            if s.method == "gemm" and s.start is None:
                s.method = "into"
    choice = blas_choice.NO_BLAS
    if kernels:
        gemms = [s for s in statements.items if s.method == "gemm"]
        choice = blas_choice.choose([blas_choice.product(statements, s) for s in gemms])
    out = Assembly(program, statements, plan, choice=choice, met=met or {})
    if is_generic_library:
        out.asarray = _as_it_is  # libraries that follow the standard return arrays
    with blas.used(choice.library):
        _body(out, kernels=kernels)
    _outputs(out)
    free_early(out)
    return out


def _body(out: Assembly, *, kernels: bool) -> None:
    """Write the lines of all statements."""
    for op in out.statements.numbers:
        out.number(op)
    pending: list[Statement] = []
    steps: list[Statement | None] = [*out.statements.items, None]
    for step in steps:
        if kernels and step is not None and step.method in ("loop", "gemm", "fused"):
            if sum(len(p.ops) for p in pending) > KERNEL:
                out.kernel(pending)
                pending = []
            pending.append(step)
            continue
        if pending:
            out.kernel(pending)
            pending = []
        if step is not None:
            {
                "call": out.call,
                "into": out.into,
                "fused": out.fused,
                "blocks": out.block_loop,
                "gemm": out.product,
                "native": out.native,
            }[step.method](step)


def lay_out(
    program: Program,
    *,
    kernels: bool,
    is_generic_library: bool,
    donated: set[int],
    replaced_inputs: dict[int, int],
    tight: bool = False,
) -> tuple[Statements, Plan]:
    """The statements of a program, and where their values lie."""
    products = not is_generic_library and numba_kernels.products(kernels=kernels)
    statements = build(
        program,
        kernels=kernels,
        products=products,
        is_generic_library=is_generic_library,
        is_native=is_native if kernels else None,
    )
    if kernels:
        leave_logarithms(statements)
    plan = make_plan(program, statements, donated, replaced_inputs, tight=tight)
    if products and accumulate(program, statements, plan):
        plan = make_plan(program, statements, donated, replaced_inputs, tight=tight)
        merged = [s for s in statements.items if s.start is not None]
        if any(
            plan.donated.get(s.ops[-1].result) != s.start[0].input_index for s in merged if s.start
        ):
            raise AssertionError("an update taken into its product has to be in place")
    if kernels and not is_generic_library and group_rows(statements):
        plan = make_plan(program, statements, donated, replaced_inputs, tight=tight)
    return statements, plan


def _outputs(out: Assembly) -> None:
    for v in out.program.outputs:
        if type(v) is not Value:
            out.results.append(out.literal(v))
            continue
        text = out.value(v)
        if v in out.plan.outputs and v not in out.plan.donated:
            out.output_rings.setdefault(out.plan.outputs[v], (v.shape, v.dtype))
        out.results.append(text)
