"""`scan`: a loop with a carry, of a length that is known before it begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.array import Array, backend_array
from ...core.tracer_like import Unrecorded, active_recorder
from ...core.typing import PyTree
from ...functions.creation import zeros_on_device_of
from ...functions.namespace import stack, zeros_like
from ...pytree import tree
from ..checkpoint import checkpoint as checkpointed
from .carry import (
    Carry,
    Layout,
    Promoted,
    as_array,
    given_back,
    length_of,
    own,
    raw_results,
    recordable,
)


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: PyTree,
    xs: PyTree = None,
    length: int | None = None,
    reverse: bool = False,
    *,
    checkpoint: bool = False,
) -> tuple[Any, Any]:
    """A loop that hands a carry from step to step and stacks what each step gives, as `jax.lax.scan`.

    ``carry = init``; for each i, ``carry, ys[i] = f(carry, xs[i])``; the result is ``(carry, ys)``. Derivatives of any
    order go through it, to `init`, to `xs` and to whatever traced arrays `f` closes over.

    Parameters
    ----------
    f : callable
        ``f(carry, x) -> (new carry, y)`` of pytrees; every array that it gets is a `pb.Array`. The new carry has the
        structure of `init`, and the shapes and dtypes of its leaves. y may be any pytree, or None.
    init : pytree of arrays and numbers
        The first carry. A Python number is an array of no dimension, of the dtype that the step gives it.
    xs : pytree of arrays, optional
        Their first axis is the loop's; step i gets ``xs[i]`` in the structure of `xs`. Without, `f` gets None.
    length : int, optional
        The number of steps; needed where `xs` has no leaves.
    reverse : bool
        Take the steps from the last to the first; ``ys[i]`` still belongs to ``xs[i]``.
    checkpoint : bool
        Keep for the backward pass only the carry of each step, and compute the rest again (`pb.checkpoint`, whose
        conditions hold: traced arrays have to be in `init` or `xs`). Compiled, a loop is always kept so, without
        these conditions.

    Returns
    -------
    carry
        The last carry, in the structure of `init`.
    ys
        The pytree of `f`'s second result, each leaf with the steps as first axis; None where that was None.
        Arrays of the library itself, such as NumPy's, if such go in and no `pb.Array`; else `pb.Array`s.

    Raises
    ------
    TypeError
        If the structure, a shape or a dtype of the carry changes, or if a leaf is no array.
    ValueError
        If the lengths of `xs` and `length` do not agree, or none is given.

    Notes
    -----
    With s the step's function, the cotangents go backwards through the same loop:
    ``c̄_i, x̄_i = c̄_{i+1} ∂s/∂(c, x)(c_i, x_i) + ȳ_i ∂y/∂(c, x)(c_i, x_i)``, and what f closes over gets the sum of the
    shares of all steps.

    Without `pb.compile` this is the Python loop itself, and costs as much. Under `pb.compile` the step is recorded
    once, whatever the length: a program of 10,000 steps is compiled in the time of one, and its backward pass is one
    more such loop, which computes each step again from its carry. On NumPy, with numba, a loop whose step is
    elementwise functions, sums and products is one kernel; on a GPU each step is launches of kernels and products. The
    function is called while recording alone, with stand-ins: it may not branch on values. Where the length is 0 it is
    called once on zeros, which shows what `ys` would be.

    Under `vmap` in a compiled function the steps of all rows are recorded one after another, and the program is as long
    as the loop; ``scan`` of a step that calls `vmap` is recorded once.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> def step(total, x):
    ...     total = total + x
    ...     return total, total * total
    >>> pb.scan(step, 0.0, np.asarray([1.0, 2.0, 3.0]))
    (array(6.), array([ 1.,  9., 36.]))

    The derivative of the n-th power with respect to what the step closes over:

    >>> power = lambda a: pb.scan(lambda c, _: (c * a, None), 1.0, length=5)[0]
    >>> pb.grad(power)(2.0)
    80.0
    """
    x_leaves, x_spec = tree.flatten(xs)
    n = length_of("scan", xs, x_leaves, length)
    carry = Carry("scan", init, x_leaves)
    columns = [as_array(x, "scan: xs") for x in x_leaves]
    recorder = active_recorder()
    # a recorded loop keeps only the carries anyway
    body = Step(f, carry, Layout(x_spec, columns), checkpoint=checkpoint and recorder is None)
    while True:
        try:
            if recorder is not None and n > 0 and recordable([*carry.first, *columns]):
                last, ys = recorder.scan(body, carry.first, columns, n, reverse)
            else:
                last, ys = _run(body, carry.first, columns, n, reverse)
            break
        except Unrecorded:
            recorder = None
        except Promoted as promoted:
            carry.promote(promoted)
            body.results = None
    raw = raw_results([*carry.given, *x_leaves])
    last, ys = ([given_back(x, raw=raw) for x in found] for found in (last, ys))
    return carry.tree(last), tree.unflatten(body.y_spec, ys)


class Step:
    """The function of a scan on leaves: of the carry, and of one row of `xs`."""

    def __init__(
        self, f: Callable[..., Any], carry: Carry, rows: Layout, *, checkpoint: bool = False
    ) -> None:
        self.f, self.carry, self.rows = f, carry, rows
        self.call = checkpointed(f) if checkpoint else f
        # the layout of the first step's y
        self.results: Layout | None = None
        self.y_spec: Any = None
        self.y_likes: list[Any] = []

    def __call__(self, leaves: list[Array], row: list[Array]) -> tuple[list[Array], list[Array]]:
        """The new carry and the row of `ys`.

        Raises
        ------
        TypeError
            If `f` does not return what it should.
        """
        return self.finished(self.call(self.carry.tree(leaves), self.rows.build(row)))

    def finished(self, out: Any) -> tuple[list[Array], list[Array]]:
        """The new carry and the row of `ys` in what `f` returned."""
        if type(out) is not tuple or len(out) != 2:
            what = f"a tuple of {len(out)}" if type(out) is tuple else type(out).__name__
            raise TypeError(
                f"scan: the step {getattr(self.f, '__name__', 'f')} has to return (carry, y), not {what}; where there "
                "is nothing to stack, y is None"
            )
        new = self.carry.leaves(out[0])
        quick = None if self.results is None else self.results.taken(out[1])
        return new, self._leaves(out[1]) if quick is None else quick

    def _leaves(self, y: PyTree) -> list[Array]:
        """The leaves of y, which has to be in each step as in the first."""
        found, spec = tree.flatten(y)
        ys = [as_array(y, "scan: y", self.carry.home) for y in found]
        if self.results is None:
            self.y_spec, self.y_likes = spec, [(y.shape, y.dtype) for y in ys]
            self.results = Layout(spec, ys)
        elif spec != self.y_spec:
            raise TypeError(
                f"scan: y has the structure {spec} in one step and {self.y_spec} in another; each step has to give "
                "the same"
            )
        for y, (shape, dtype) in zip(ys, self.y_likes, strict=True):
            if y.shape != shape or y.dtype != dtype:
                raise TypeError(
                    f"scan: y is {y.dtype}{list(y.shape)} in one step and {dtype}{list(shape)} in another; each step "
                    "has to give the same shapes and dtypes"
                )
        return ys


def _run(
    step: Step, leaves: list[Array], columns: list[Array], n: int, reverse: bool
) -> tuple[list[Array], list[Array]]:
    """The loop itself, each operation of which is recorded where the arrays are traced."""
    # NumPy takes `x[i]` for a row; the standard wants the ellipsis
    short_keys = all(x.ndim == 1 or type(backend_array(x)) is np.ndarray for x in columns)
    (column,) = columns if len(columns) == 1 and short_keys else (None,)
    rows: list[list[Array]] = []
    call, results, build = step.call, step.results, step.rows.build
    carry = step.carry.layout
    for i in range(n - 1, -1, -1) if reverse else range(n):
        if column is not None:
            row = [column[i]]
        else:
            row = [x[i] if short_keys or x.ndim == 1 else x[i, ...] for x in columns]
        if results is None:
            leaves, ys = step(leaves, row)
            results = step.results
            rows.append(ys)
            continue
        out = call(carry.build(leaves), build(row))
        pair = type(out) is tuple and len(out) == 2
        new = carry.taken(out[0]) if pair else None
        quick = results.taken(out[1]) if new is not None else None
        # the general way converts the results, or says what is wrong with them
        if new is None or quick is None:
            leaves, ys = step.finished(out)
            rows.append(ys)
        else:
            leaves = [own(x) for x in new]
            rows.append(quick)
    if not rows:
        return leaves, _empty(step, leaves, columns)
    if reverse:
        rows.reverse()
    return leaves, [stack(list(column)) for column in zip(*rows, strict=True)]


def _empty(step: Step, leaves: list[Array], columns: list[Array]) -> list[Array]:
    """The `ys` of no steps, from a call of the function on zeros."""
    given = [zeros_like(x) for x in leaves]
    row = [zeros_on_device_of(tuple(x.shape[1:]), x) for x in columns]
    _, ys = step(given, row)
    return [stack([zeros_like(y)])[:0] for y in ys]
