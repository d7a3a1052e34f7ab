"""Functions with a pullback of the user's own: `custom_vjp`.

It puts one entry on the tape for a Python function, as `checkpoint` does. The function sees its
arguments one level down, as constants of this tape, so that nothing inside it is recorded here;
under higher derivatives those constants are traced by older tapes, and what is done to them is
recorded there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from copy import copy
from typing import Any

from ..core.array import UNTRACED, Array, is_traced, unwrap_closed
from ..core.cotangents import DEFERRED, add_share, as_constant, fit
from ..core.dtypes import is_complex, is_inexact
from ..core.levels.batched import Batched, newest_level
from ..core.levels.level import OPEN, BatchLevel, NeedsRows
from ..core.namespaces import namespace_of
from ..core.registry import RAN
from ..core.tape import Entry
from ..core.tracer_like import CAPTURING, inner_tape
from ..core.views import like
from ..pytree import tree
from .batching.opaque import (
    OfRows,
    one_row,
    opened,
    rows_from,
    stacked_shares,
    summed_share,
    with_level,
    without_level,
)
from .transformed import is_global


def _newest(leaves: list[Any]) -> Any:
    tapes = [v.tape for v in leaves if type(v) is Array]
    return max(tapes, key=lambda t: t.order, default=UNTRACED)


def apply_opaque(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    run: Callable[..., Any],
    name: str,
    of_rows: Callable[..., Any],
) -> Any:
    """Run a function one level down and record it as one operation.

    `run` gets the arguments one level down; it returns the output and the function that pulls
    cotangents of the output's leaves back to the traced inputs' leaves. ``of_rows(args, level)`` does all of this for
    arguments that vary from row to row under `vmap`, of arrays that an older tape records.
    """
    given, spec = tree.flatten(args)
    leaves = [unwrap_closed(x) for x in given]
    tape = _newest(leaves)
    level = newest_level(leaves) if OPEN else None
    if level is not None and level.order > tape.order:
        return of_rows(args, level) if any(map(is_traced, leaves)) else f(*args)
    if tape is UNTRACED:
        return f(*args)
    if CAPTURING:
        tape = inner_tape(tape, leaves)
    if tape.capture is not None:
        leaves = [tape.capture(x) if type(x) is Array and x.tape is not tape else x for x in leaves]
    traced = [i for i, x in enumerate(leaves) if type(x) is Array and x.tape is tape]
    slots = [leaves[i].slot for i in traced]
    below = [_own(x, x.value) if i in traced else x for i, x in enumerate(leaves)]
    below = [  # constants as what they were, which raw arrays would not be under a write in place
        _own(x, y) if type(x) is Array and type(y) is not Array else y
        for x, y in zip(given, below, strict=True)
    ]
    before = RAN.collectives
    out, pull = run(tree.unflatten(spec, below), traced)
    collective = RAN.collectives != before
    out_leaves, out_spec = tree.flatten(out)
    entries = tape.entries
    values = [unwrap_closed(y) for y in out_leaves]
    for value in values:
        if type(value) is Array and value.tape is tape:
            raise TypeError(
                f"{name}: the function uses an array that is traced outside of it (from a closure); pass it as an "
                "argument, or stop its gradient by pb.stop_gradient"
            )
        if type(value) is Batched and value.level.order > tape.order:
            raise TypeError(
                f"{name}: the function uses an array that varies from row to row under vmap (from a closure), and its "
                "arguments do not; pass it as an argument"
            )
    fits = [(below[i].value.shape, below[i].value.dtype) for i in traced]
    tracked = [k for k, v in enumerate(values) if hasattr(v, "dtype") and is_inexact(v.dtype)]
    first = len(entries)
    output_slots = {k: first + j for j, k in enumerate(tracked)}
    wrapped = [
        Array(v, tape, output_slots[k])
        if k in output_slots
        else (as_constant(v) if hasattr(v, "dtype") else v)
        for k, v in enumerate(values)
    ]
    if tracked:
        outputs = [values[k] for k in tracked]
        entries.extend([None] * (len(tracked) - 1))
        entries.append((FunctionPull(name, len(slots), pull, collective), *slots, fits, outputs))
        if collective:
            tape.collective = True
    return tree.unflatten(out_spec, wrapped)


def _own(x: Any, value: Any) -> Any:
    """A value one level down as an array that a write in place changes alone."""
    return like(value.__copy__() if type(value) is Array else Array(value), x)


def written_arguments(before: list[Any], after: list[Any]) -> list[int]:
    """The indices of the arguments that a function wrote to in place."""
    pairs = enumerate(zip(before, after, strict=True))
    return [i for i, (x, y) in pairs if type(x) is Array and x.value is not y.value]


class FunctionPull:
    """The `Pull` of one call of a Python function.

    Its entries keep the shapes and dtypes of the traced inputs, and the outputs that are on the tape. Where the
    function has run a collective, all ranks pull it back, those without a cotangent with zeros.
    """

    __slots__ = ("collective", "inputs", "operation", "pull")
    batched = False
    kept = ("outputs",)

    def __init__(
        self,
        operation: str,
        inputs: int,
        pull: Callable[[list[Any]], list[Any]],
        collective: bool = False,
    ) -> None:
        self.operation, self.inputs, self.pull = operation, inputs, pull
        self.collective = collective

    def __call__(self, slot: int, cts: list[Any], entry: Entry) -> None:
        """Add the shares that the function's pullback gives to its inputs' cotangents, as `Pull` says."""
        _, *slots, fits, outputs = entry
        first = slot - len(outputs) + 1
        incoming = cts[first : slot + 1]
        if all(ct is None for ct in incoming) and not self.collective:
            return
        cts[first : slot + 1] = [None] * len(outputs)
        full = [
            namespace_of(y).zeros_like(y)
            if ct is None
            else (ct.materialize() if type(ct) in DEFERRED else ct)
            for ct, y in zip(incoming, outputs, strict=True)
        ]
        # a share that depends on nothing traced is of the level below as well: rules compute with it there
        above = bool(OPEN) or any(type(x) is Array for x in (*full, *outputs))
        for target, share, (shape, dtype) in zip(slots, self.pull(full), fits, strict=True):
            if share is not None:
                share = unwrap_closed(share)
                share = as_constant(share) if above else share
                add_share(cts, target, fit(share, shape, dtype, self.operation))


def _conj(x: Any) -> Any:
    """Convert between the sweep's conjugated cotangents and gradients."""
    return namespace_of(x).conj(x) if hasattr(x, "dtype") and is_complex(x.dtype) else x


class custom_vjp:
    """Give a Python function a pullback of its own.

    Parameters
    ----------
    f : callable
        Of arrays or pytrees; returns the same.

    Raises
    ------
    TypeError
        When it is differentiated before `defvjp` was called, or if the pullback does not return one
        cotangent per argument.

    Examples
    --------
    A gradient clipped on its way back:

    >>> import numpy as np, pullback as pb
    >>> @pb.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, ct: (pb.xp.clip(ct, -1.0, 1.0),))
    >>> pb.grad(lambda x: 10 * clipped(x))(2.0)
    1.0
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        functools.update_wrapper(self, f)
        self.f = f
        self.name = getattr(f, "__name__", "f")
        self.forward: Callable[..., Any] | None = None
        self.backward: Callable[..., Any] | None = None

    def __reduce__(self) -> Any:
        """Pickle by name where that name means this object, else by `f` and its two halves."""
        if is_global(self):
            return self.__qualname__  # type: ignore[attr-defined]  # of `f`, by update_wrapper
        return _rebuild, (self.f, self.forward, self.backward)

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Set the two halves.

        Parameters
        ----------
        forward : callable
            ``forward(*args) -> (out, residuals)``.
        backward : callable
            ``backward(residuals, ct) -> tuple`` of cotangents, one per argument, None for zero.
        """
        self.forward, self.backward = forward, backward

    def __call__(self, *args: Any) -> Any:
        """``f(*args)``, recorded as one operation."""
        return apply_opaque(self.f, args, self._run, self.name, self._of_rows)

    def _run(self, args: tuple[Any, ...], traced: list[int]) -> tuple[Any, Any]:
        if self.forward is None or self.backward is None:
            raise TypeError(
                f"custom_vjp {self.name}: call {self.name}.defvjp(forward, backward) first"
            )
        out, residuals = self._forward(args)
        _, out_spec = tree.flatten(out)
        backward = self.backward

        def pull(cts: list[Any]) -> list[Any]:
            ct = tree.unflatten(out_spec, [as_constant(_conj(c)) for c in cts])
            flat = self._flat_shares(backward(residuals, ct), args)
            return [None if flat[i] is None else _conj(unwrap_closed(flat[i])) for i in traced]

        return out, pull

    def _forward(self, args: tuple[Any, ...]) -> tuple[Any, Any]:
        """The output and the residuals of the user's forward half."""
        assert self.forward is not None
        leaves, spec = tree.flatten(args)
        given = [copy(x) if type(x) is Array else x for x in leaves]
        result = self.forward(*tree.unflatten(spec, given))
        if written_arguments(leaves, given):
            raise TypeError(
                f"custom_vjp {self.name}: its forward writes to an argument in place, of which its pullback knows "
                "nothing; write to a copy, pb.xp.asarray(x, copy=True)"
            )
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"custom_vjp {self.name}: forward has to return (out, residuals)")
        return result

    def _flat_shares(self, shares: Any, args: tuple[Any, ...]) -> list[Any]:
        """The cotangents of all leaves of the arguments, as the user's backward half returned them."""
        if not isinstance(shares, tuple) or len(shares) != len(args):
            raise TypeError(
                f"custom_vjp: the pullback has to return a tuple of {len(args)} cotangents, one per argument"
            )
        flat: list[Any] = []
        for share, argument in zip(shares, args, strict=True):
            n = len(tree.leaves(argument))
            flat += [None] * n if share is None else tree.leaves(share)
        return flat

    def _of_rows(self, args: tuple[Any, ...], level: BatchLevel) -> Any:
        """The call under `vmap`: one operation of all rows, by both halves of all rows."""
        leaves, spec = tree.flatten(args)
        below, flags = without_level(leaves, level)
        found: list[Any] = []

        def forward(*xs: Any) -> Any:
            with rows_from(level), opened(BatchLevel(level.size)) as inner:
                given = tree.unflatten(spec, with_level(list(xs), flags, inner))
                out, residuals = self._forward(given)
                outs, out_spec = tree.flatten(out)
                kept, kept_spec = tree.flatten(residuals)
                outs, out_flags = without_level(outs, inner)
                kept, kept_flags = without_level(kept, inner)
            found[:] = [out_spec, out_flags]
            return outs, (kept, kept_spec, kept_flags, out_spec, out_flags)

        def backward(residuals: Any, cts: list[Any]) -> Any:
            kept, kept_spec, kept_flags, out_spec, out_flags = residuals

            def shares_of(kept: list[Any], cts: list[Any]) -> list[Any]:
                assert self.backward is not None
                ct = tree.unflatten(out_spec, cts)
                return self._flat_shares(self.backward(tree.unflatten(kept_spec, kept), ct), args)

            try:
                with opened(BatchLevel(level.size)) as inner:
                    shares = shares_of(
                        with_level(kept, kept_flags, inner), with_level(cts, out_flags, inner)
                    )
                    pairs = zip(shares, flags, strict=True)
                    return tuple(
                        None
                        if share is None
                        else summed_share(share, varies, inner, any(out_flags))
                        for share, varies in pairs
                    )
            except NeedsRows as request:
                if request.level is not inner:
                    raise
            rows = [
                shares_of(one_row(kept, kept_flags, i), one_row(cts, out_flags, i))
                for i in range(level.size)
            ]
            return tuple(
                None if column[0] is None else stacked_shares(list(column), varies)
                for column, varies in zip(zip(*rows, strict=True), flags, strict=True)
            )

        rows = custom_vjp(OfRows(self.f, spec, flags, level, []))
        rows.name = self.name
        if self.forward is not None and self.backward is not None:
            rows.defvjp(forward, backward)
        outs = rows(*below)
        out_spec, out_flags = found
        return tree.unflatten(out_spec, with_level(outs, out_flags, level))


def _rebuild(f: Callable[..., Any], forward: Any, backward: Any) -> custom_vjp:
    out = custom_vjp(f)
    out.forward, out.backward = forward, backward
    return out
