"""`while_loop` and `fori_loop`: loops that carry their state, and give the last one."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from ...core.array import Array, backend_array
from ...core.namespaces import namespace_of
from ...core.tracer_like import Unrecorded, active_recorder
from ...core.typing import PyTree
from ...functions.namespace import arange
from ...pytree import tree
from .carry import Carry, Promoted, given_back, home_of, raw_results, recordable
from .scan import scan


def while_loop(
    cond: Callable[[Any], Any],
    body: Callable[[Any], Any],
    init: PyTree,
    *,
    max_steps: int | None = None,
) -> Any:
    """A loop that runs as long as a condition on its state holds, as `jax.lax.while_loop`.

    ``carry = init``; ``while cond(carry): carry = body(carry)``; the result is the last carry.

    Parameters
    ----------
    cond : callable
        ``cond(carry)`` gives one truth value, a 0-d array; it is read on the host once per step.
    body : callable
        ``body(carry)`` gives a carry of the same structure, shapes and dtypes; every array that it gets is a
        `pb.Array`.
    init : pytree of arrays and numbers
        The first carry.
    max_steps : int, optional
        Stop after so many steps, even where the condition still holds.

    Returns
    -------
    carry
        In the structure of `init`; arrays of the library itself, such as NumPy's, if such go in and no `pb.Array`;
        else `pb.Array`s.

    Raises
    ------
    TypeError
        If the structure, a shape or a dtype of the carry changes, if `cond` does not give one truth value, and from
        the backward pass of a compiled loop without `max_steps`.

    Notes
    -----
    The derivative is that of the steps that were taken; the number of steps does not depend smoothly on anything.
    Without `pb.compile` each step is recorded, and every derivative is there. Under `pb.compile` the body is recorded
    once. Then forward derivatives (`pb.jvp`) need nothing more; reverse mode needs the carry of every step, and
    `max_steps` says how much memory that may be. For iterations to convergence `pb.implicit.fixed_point` is exact and
    needs none. On a GPU the condition of each step is copied to the host, which waits for it: where the length is
    known, `scan` is faster.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> def babylonian(a):
    ...     unsettled = lambda x: abs(x * x - a) > 1e-9
    ...     return pb.while_loop(unsettled, lambda x: 0.5 * (x + a / x), 1.0)
    >>> round(pb.grad(babylonian)(4.0), 6)
    0.25
    """
    most = None if max_steps is None else operator.index(max_steps)
    if most is not None and most < 0:
        raise ValueError(f"while_loop: max_steps={max_steps!r} has to be at least 0")
    carry = Carry("while_loop", init, [])
    recorder = active_recorder()
    step, test = Body(body, carry), Condition(cond, carry)
    while True:
        try:
            if recorder is None or not recordable(carry.first):
                last = _run(test, step, carry.first, most)
            else:
                last = recorder.while_loop(test, step, carry.first, most)
            break
        except Unrecorded:
            recorder = None
        except Promoted as promoted:
            carry.promote(promoted)
    raw = raw_results(carry.given)
    return carry.tree([given_back(x, raw=raw) for x in last])


def fori_loop(lower: int, upper: int, body: Callable[[Any, Any], Any], init: PyTree) -> Any:
    """``for i in range(lower, upper): carry = body(i, carry)``, as `jax.lax.fori_loop`; a `scan` over the range.

    Parameters
    ----------
    lower, upper : int
        Where the range begins, and where it ends.
    body : callable
        ``body(i, carry)`` gives the next carry; i is a 0-d array of integers.
    init : pytree of arrays and numbers

    Returns
    -------
    carry
        The last one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.grad(lambda x: pb.fori_loop(1, 4, lambda i, c: c * x + i, 0.0))(2.0)
    6.0
    """
    home = home_of(tree.leaves(init))
    n = max(upper - lower, 0)
    steps = arange(n) if home is None else arange_like(n, home)
    return scan(lambda c, i: (body(i + lower, c), None), init, steps)[0]


def arange_like(n: int, home: Array) -> Any:
    """0 … n − 1 in the library and on the device of an array."""
    value = backend_array(home)
    return namespace_of(value).arange_like(n, value)


class Body:
    """The function of a while loop on the leaves of the carry."""

    def __init__(self, f: Callable[[Any], Any], carry: Carry) -> None:
        self.f, self.carry = f, carry

    def __call__(self, leaves: list[Array]) -> list[Array]:
        """The next carry."""
        return self.carry.leaves(self.f(self.carry.tree(leaves)))


class Condition:
    """The condition of a while loop on the leaves of the carry."""

    def __init__(self, f: Callable[[Any], Any], carry: Carry) -> None:
        self.f, self.carry = f, carry

    def __call__(self, leaves: list[Array]) -> Any:
        """The truth value, a 0-d array of the backend or a bool.

        Raises
        ------
        TypeError
            If it is none.
        """
        out = backend_array(self.f(self.carry.tree([x.__copy__() for x in leaves])))
        if isinstance(out, bool):
            return out
        if tuple(getattr(out, "shape", (1,))) != () or "bool" not in str(out.dtype):
            what = f"{out.dtype}{list(out.shape)}" if hasattr(out, "shape") else type(out).__name__
            raise TypeError(
                f"while_loop: cond has to give one truth value, a bool or a 0-d array of bool, not {what}; reduce it "
                "by pb.xp.any or pb.xp.all"
            )
        return out


def _run(test: Condition, step: Body, leaves: list[Array], most: int | None) -> list[Array]:
    """The loop itself, each operation of which is recorded where the arrays are traced."""
    count = 0
    while (most is None or count < most) and bool(test(leaves)):
        leaves = step(leaves)
        count += 1
    return leaves
