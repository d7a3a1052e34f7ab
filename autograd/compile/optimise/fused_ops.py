"""Functions that the compiler computes in one piece, though they are many operations: one record each.

A record says which operations it is right for, and gives the text of each back end. The stages of the compiler ask
for the record of an operation and know no such function by name, so another one is another record of `FUSED_OPS`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.typing import XP, RawArray
from ..ir.program import Op, Value
from ..ir.views import contiguous_view


@dataclass(frozen=True)
class FusedOp:
    """A function that is computed in one piece.

    Attributes
    ----------
    name : str
        The function's name in the namespace.
    matches : callable
        ``matches(op)``: whether the emitters can compute this operation, into buffers of the program's own.
    decomposition : callable
        ``decomposition(xp, *args)``: the same in functions of arrays. It is what CUDA devices compute, whose kernels
        join the pieces with their neighbours. Where it does not apply it calls ``xp.undecomposed_NAME``.
    numpy : callable
        ``numpy(op)`` makes a function ``f(*inputs, *targets)`` with scratch memory of its own. It writes each result
        into its target, except where that is None because nobody reads the result.
    numba : callable
        ``numba(writer, op)``: the lines of a kernel, four spaces deep. `writer` (`cpu/kernels.py`) gives the text of
        an element and of a number that depends on shapes, says which results are stored, and numbers what a kernel
        refuses: ``return {writer.refusal(op)}``.
    refuse : callable, optional
        ``refuse(function, *inputs)`` raises what the function raises for inputs that a kernel has refused.
    """

    name: str
    matches: Callable[[Op], bool]
    decomposition: Callable[..., Any]
    numpy: Callable[[Op], Callable[..., None]]
    numba: Callable[[Any, Op], list[str]]
    refuse: Callable[..., None] | None = None


def fused_op(op: Op) -> FusedOp | None:
    """The record that an operation can be computed by, if there is one."""
    found = FUSED_OPS.get(op.name)
    return found if found is not None and found.matches(op) else None


def decomposed_on_device(xp: XP) -> dict[str, Callable[..., Any]]:
    """The decompositions bound to a tracer's namespace, and the functions that they fall back to."""
    found: dict[str, Callable[..., Any]] = {}
    for name, fused in FUSED_OPS.items():
        found[name] = functools.partial(fused.decomposition, xp)
        found[f"undecomposed_{name}"] = getattr(xp, name)
    return found


# Numbers of several rows, which stay in the first cache.
CHUNK = 2048

# ── the softmax cross-entropy ─────────────────────────────────────────────────────────────────


def _entropy_matches(op: Op) -> bool:
    logits, labels = op.args
    if not (type(logits) is Value and type(labels) is Value):
        return False
    return (
        logits.dtype.kind == "f"
        and logits.dtype.itemsize in (4, 8)
        and labels.dtype.kind in "iu"
        and logits.size > 0
        and labels.shape == logits.shape[:-1]
    )


def _entropy_decomposed(xp: XP, logits: Any, labels: Any) -> tuple[Any, Any]:
    """The mean of ``log Σ exp z − z[label]``, and its slope.

    Both are NaN where a label is no class: to raise, the host would have to wait for the device.
    """
    columns = logits.shape[-1] if logits.ndim else 0
    rows = math.prod(logits.shape[:-1])
    if not rows * columns or tuple(labels.shape) != tuple(logits.shape[:-1]):
        return xp.undecomposed_softmax_cross_entropy(logits, labels)
    classes = xp.arange_like(columns, labels)
    # in the dtype of all indices: that of the labels may not hold the number of classes
    label = xp.astype(labels[..., None], classes.dtype)
    hit = xp.equal(label, classes)
    shift = xp.max(logits, axis=-1, keepdims=True)
    known = xp.logical_and(label >= 0, label < columns)
    # NaN in each element, from where it comes into every sum of the row
    e = xp.exp(xp.where(known, logits - shift, math.nan))
    total = xp.sum(e, axis=-1, keepdims=True)
    own = xp.sum(xp.where(hit, e, 0.0), axis=-1, keepdims=True)
    # minus the other classes' share: added to an own 1 it would have no digits left
    others = xp.sum(xp.where(hit, 0.0, -e), axis=-1, keepdims=True)
    picked = xp.sum(xp.where(hit, logits, 0.0), axis=-1, keepdims=True)
    loss = xp.log1p((own - 1) - others) + (shift - picked)
    return xp.mean(loss), xp.where(hit, others, e) / total * (1 / rows)


def _entropy_numpy(op: Op) -> Callable[..., None]:
    """``entropy(logits, labels, loss, slope)``, on a transposed copy in memory of its own.

    NumPy reduces a short last axis slowly; along the rows of the transposed copy all reductions are vectorised.
    """
    shape, dtype, function = op.args[0].shape, op.args[0].dtype, op.function
    classes = shape[-1]
    rows = math.prod(shape[:-1])
    z = np.empty((classes, rows), dtype)
    top, total, picked, own = (np.empty(rows, dtype) for _ in range(4))
    weights = np.full(rows, 1 / rows, dtype)
    flat, by_rows, starts = z.reshape(-1), z.T, np.arange(rows)
    is_matrix = len(shape) == 2
    indices = np.empty(rows, np.intp)
    unsigned, end = indices.view(np.uintp), classes * rows
    count, one, across = np.array(rows, dtype), np.array(1, dtype), np.array(rows)
    max_reduce: Any = np.maximum.reduce
    add_reduce: Any = np.add.reduce
    copyto, subtract, exp, log1p, divide, multiply, add, dot = (
        np.copyto, np.subtract, np.exp, np.log1p, np.divide, np.multiply, np.add, np.dot,
    )  # fmt: skip

    def entropy(logits: RawArray, labels: RawArray, loss: RawArray, slope: RawArray) -> None:
        if labels.ndim > 1:
            labels = labels.reshape(-1)
        multiply(labels, across, indices, casting="unsafe")
        add(indices, starts, indices)
        if unsigned.item(unsigned.argmax()) >= end:  # a label that is negative, or too large
            function(logits, labels)  # raises, and names the label
        copyto(z, logits.T if is_matrix else logits.reshape(rows, classes).T)
        max_reduce(z, 0, None, top)
        subtract(z, top, z)
        flat.take(indices, None, picked, "clip")
        exp(z, z)
        flat.take(indices, None, own, "clip")
        flat[indices] = 0
        add_reduce(z, 0, None, total)  # of the other classes, as in `backend/numpy/fused.py`
        if slope is not None:
            add(total, own, top)
            multiply(top, count, top)
            divide(z, top, z)
            flat[indices] = total / -top
            copyto(slope if is_matrix else slope.reshape(rows, classes), by_rows)
        if loss is not None:
            subtract(own, one, own)
            add(total, own, total)
            log1p(total, total)
            subtract(total, picked, total)
            dot(total, weights, loss)

    return entropy


def _entropy_numba(writer: Any, op: Op) -> list[str]:
    """Row by row: the maximum, the exponentials, their sum; the loss, and its slope."""
    logits, labels = op.args
    loss, slope = op.outputs()
    classes = writer.number(logits.shape[-1])
    rows = writer.number(math.prod(logits.shape[:-1]))
    T = f"np.{logits.dtype.name}"
    z, y = writer.ref(logits), writer.ref(labels)
    target = contiguous_view(slope) if writer.is_stored(slope) else None
    exp, log1p = (f"{name}_{logits.dtype.name}" for name in ("exp", "log1p"))
    e, picked, others = (f"{name}_{logits.dtype.name}" for name in ("e", "picked", "others"))
    writer.kernel.functions |= {(name, logits.dtype.name): None for name in ("exp", "log1p")}
    lines = [
        f"    for i in range({rows}):",
        f"        if {writer.element(y, 'i')} < 0 or {writer.element(y, 'i')} >= {classes}:",
        f"            return {writer.refusal(op)}",
        "    loss = 0.0",
        # as many rows at once as stay in the first cache, so that functions run over vectors
        f"    several = max(1, {CHUNK} // {classes})",
        f"    {e} = np.empty(several * {classes}, {T})",
        f"    {picked}, {others} = np.empty(several, {T}), np.empty(several, {T})",
        f"    for first in range(0, {rows}, several):",
        f"        n = min(several, {rows} - first)",
        "        for r in range(n):",
        f"            at = (first + r) * {classes}",
        f"            top = {writer.element(z, 'at')}",
        f"            for j in range(1, {classes}):",
        f"                x = {writer.element(z, 'at + j')}",
        "                top = x if x >= top or x != x else top",
        f"            for j in range({classes}):",
        f"                {e}[r * {classes} + j] = {writer.element(z, 'at + j')} - top",
        f"            {picked}[r] = {e}[r * {classes} + np.int64({writer.element(y, 'first + r')})]",
        f"        for k in range(n * {classes}):",
        f"            {e}[k] = {exp}({e}[k])",
        "        for r in range(n):",
        f"            label = r * {classes} + np.int64({writer.element(y, 'first + r')})",
        f"            own = {e}[label]",
        # the label's own 1 would swallow the others
        f"            {e}[label] = {T}(0.0)",
        f"            total = {T}(0.0)",
        f"            for j in range({classes}):",
        f"                total += {e}[r * {classes} + j]",
        f"            {others}[r] = total + (own - {T}(1.0))",
    ]
    if target is not None:
        lines += [
            f"            share = {T}(1.0) / ((total + own) * {T}({rows}))",
            f"            {e}[label] = -total",
            f"            at = (first + r) * {classes}",
            f"            for j in range({classes}):",
            f"                {writer.element(target, 'at + j')} = {e}[r * {classes} + j] * share",
        ]
    lines += [
        "        for r in range(n):",
        f"            {others}[r] = {log1p}({others}[r])",
        "        for r in range(n):",
        f"            loss += {others}[r] - {picked}[r]",
    ]
    if writer.is_stored(loss):
        lines.append(f"    {writer.element(contiguous_view(loss), '')} = {T}(loss / {rows})")
    return lines


def _entropy_refuse(function: Callable[..., Any], logits: RawArray, labels: RawArray) -> None:
    """Raise what the function raises for its labels: a kernel found one that is no class."""
    function(np.zeros(logits.shape, logits.dtype), labels)
    raise AssertionError("softmax_cross_entropy: the kernel refused labels that NumPy takes")


FUSED_OPS: dict[str, FusedOp] = {
    fused.name: fused
    for fused in (
        FusedOp(
            "softmax_cross_entropy",
            matches=_entropy_matches,
            decomposition=_entropy_decomposed,
            numpy=_entropy_numpy,
            numba=_entropy_numba,
            refuse=_entropy_refuse,
        ),
    )
}
