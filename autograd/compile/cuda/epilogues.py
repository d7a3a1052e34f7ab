"""Epilogues: elementwise operations after a product, which the library that multiplies does as well.

Forward: the bias, and relu, which leaves a bit mask of its positive elements. Backward: the mask, and the sum over the
rows, which is the bias's gradient. So a layer is one call each way. A launch is saved, but the product itself takes
longer: the runtime says for each product whether that pays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from ....backend.common.launches import Address, Matrix, Product
from ..ir.program import Op, Program, Value
from ..ir.views import contiguous_view
from ..optimise.fuse import Statement, Statements, leading
from .parts import reduced_axes

DTYPE = "float32"  # of the only products that get an epilogue here
NOWHERE = Address(0)


@dataclass(frozen=True)
class Epilogue:
    """The operations that a product does besides.

    Attributes
    ----------
    name : str
        One of `launches.EPILOGUES`.
    result : Value
        What is stored in place of the product.
    vector : Value
        The bias, or its gradient; as long as a row of the product.
    masked : Value, optional
        The output of the relu whose mask is written or read.
    """

    name: str
    result: Value
    vector: Value
    masked: Value | None = None


def take_in(
    program: Program, out: Statements, pays: Callable[[Product], bool], tf32: Collection[Op] = ()
) -> dict[Statement, Epilogue]:
    """Merge loops into the products before them; `out.items` becomes shorter.

    Parameters
    ----------
    program : Program
    out : Statements
    pays : callable
        Whether an epilogue saves time; asked of a product with it, whose addresses mean nothing.
    tf32 : collection of Op
        The products whose operands may be rounded to TF32.
    """
    readers = _readers(program, out)
    masked = {op.args[1] for op in program.ops if op.name == "relu_vjp"}
    products = {s.op.result: s for s in out.items if s.method == "gemm"}
    found: dict[Statement, Epilogue] = {}
    relus: dict[Value, Statement] = {}
    for loop in list(out.items):
        epilogue = _forward(loop, out, products, readers) or _backward(
            loop, products, readers, relus
        )
        if epilogue is None:
            continue
        product = products[loop.op.args[0] if loop.op.args[0] in products else loop.op.args[1]]
        if not _ready(out, product, epilogue):
            continue
        # the mask is written only if a gradient is merged later, but what that saves has to pay for it
        name = "relu_bias_mask" if epilogue.result in masked else epilogue.name
        if not pays(_as_product(program, out, product.op, name, product.op in tf32)):
            continue
        merged = Statement("gemm", [product.op, *loop.ops])
        merged.made = {v for op in merged.ops for v in op.outputs()} - {epilogue.result}
        if epilogue.name == "relu_vjp_bias_vjp":
            merged.made.discard(epilogue.vector)
            assert epilogue.masked is not None
            maker = relus[epilogue.masked]
            first = found[maker]
            found[maker] = Epilogue("relu_bias_mask", first.result, first.vector, epilogue.masked)
        elif epilogue.name == "relu_bias":
            relus[epilogue.result] = merged
        out.items[out.items.index(product)] = merged
        out.items.remove(loop)
        found[merged] = epilogue
    if found:
        out.floors.clear()
    return found


def _as_product(program: Program, out: Statements, op: Op, epilogue: str, tf32: bool) -> Product:
    """A product with an epilogue, whose addresses mean nothing."""

    def matrix(v: Value) -> Matrix:
        found = leading(out.refs.get(v) or contiguous_view(v), v.shape)
        assert found is not None  # else it would be no product
        transposed, step = found
        return Matrix(NOWHERE, step, transposed)

    a, b, c = *op.args, op.result
    (m, k), n = a.shape, b.shape[1]
    return Product(
        m, n, k, matrix(a), matrix(b), matrix(c),
        dtype=c.dtype.name, tf32=tf32, epilogue=epilogue, vector=NOWHERE,
        operands=program.precision if a.dtype == np.uint16 else a.dtype.name,
        mask=NOWHERE if epilogue in ("relu_bias_mask", "relu_vjp_bias_vjp") else None,
    )  # fmt: skip


def _readers(program: Program, out: Statements) -> dict[Value, int]:
    """The number of operations that read each buffer."""
    count: dict[Value, int] = {}
    for op in program.ops:
        for v in op.inputs():
            count[out.root(v)] = count.get(out.root(v), 0) + 1
    for v in program.outputs:
        if type(v) is Value:
            count[out.root(v)] = count.get(out.root(v), 0) + 1
    return count


def _forward(
    loop: Statement, out: Statements, products: dict[Value, Statement], readers: dict[Value, int]
) -> Epilogue | None:
    """``A B + v``, and its relu."""
    names = [op.name for op in loop.ops]
    if loop.method != "loop" or names not in (["add"], ["add", "relu"]):
        return None
    add = loop.ops[0]
    for z, v in (add.args, add.args[::-1]):
        if z not in products or type(v) is not Value or readers.get(z) != 1:
            continue
        # of a stack of matrices, what is added to each may be a matrix too
        if len(z.shape) != 2 or v.shape != z.shape[1:]:
            continue
        if str(z.dtype) != DTYPE or v.dtype != z.dtype:
            continue
        if out.refs.get(v) is not None:
            continue
        if names == ["add"]:
            return Epilogue("bias", add.result, v)
        if loop.ops[1].args[0] is add.result and readers.get(add.result) == 1:
            return Epilogue("relu_bias", loop.ops[1].result, v)
    return None


def _backward(
    loop: Statement,
    products: dict[Value, Statement],
    readers: dict[Value, int],
    relus: dict[Value, Statement],
) -> Epilogue | None:
    """``(A B) · mask``, and its sum over the rows."""
    if loop.method != "loop" or [op.name for op in loop.ops] != ["relu_vjp", "sum"]:
        return None
    masking, adding = loop.ops
    z, h = masking.args
    if (
        z not in products
        or h not in relus
        or readers.get(z) != 1
        or not _over_rows(adding, masking)
    ):
        return None
    return Epilogue("relu_vjp_bias_vjp", masking.result, adding.result, h)


def _over_rows(adding: Op, masking: Op) -> bool:
    return (
        adding.args[0] is masking.result
        and reduced_axes(adding) == {0}
        and adding.args[0].shape[1] > 1
    )


def _ready(out: Statements, product: Statement, epilogue: Epilogue) -> bool:
    """Whether what the epilogue reads is there before the product."""
    if epilogue.name == "relu_vjp_bias_vjp":
        return True
    root = out.root(epilogue.vector)
    before = out.items[: out.items.index(product)]
    return root.op is None or any(root in s.results() for s in before)
