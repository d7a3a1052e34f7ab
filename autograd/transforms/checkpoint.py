"""`checkpoint`: a function that the backward pass computes again instead of keeping its values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from copy import copy
from typing import Any

from ..core.array import Array, unwrap_closed
from ..core.cotangents import DEFERRED, as_constant
from ..core.dtypes import is_inexact
from ..core.levels.level import BatchLevel
from ..core.namespaces import namespace_of
from ..core.sweep import empty_cotangents, sweep
from ..core.tape import TapeData
from ..core.views import like
from ..functions.writes import Writes, check_writable, write
from ..pytree import tree
from .batching.opaque import OfRows, without_level
from .bindings import bound
from .custom_vjp import apply_opaque, written_arguments
from .transformed import check_function, transformed


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that keeps only its arguments for the backward pass and recomputes the rest.

    Parameters
    ----------
    f : callable
        Of arrays or pytrees of them; returns the same. Traced arrays have to be arguments, not
        closed over.

    Returns
    -------
    callable

    Notes
    -----
    A chain of n functions in √n checkpointed segments keeps O(√n) values instead of n, for one more forward pass
    (Griewank, Walther, Evaluating Derivatives, 2008, chapter 12). Checkpoints nest.

    The recomputation sees the variables of enclosing functions and of the module that `f` had when it was called, such
    as the variable of a loop; objects, lists and arrays that are changed afterwards, it sees changed.

    Raises
    ------
    TypeError
        If the function uses a traced array that is not an argument, or writes to an array that is
        none.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.grad(pb.checkpoint(lambda x: pb.xp.sin(pb.xp.sin(x))))(0.0)
    1.0
    """
    check_function("checkpoint", f)

    def run(
        args: tuple[Any, ...], traced: list[int], f: Callable[..., Any], written: list[int]
    ) -> tuple[Any, Any]:
        leaves, spec = tree.flatten(args)
        given = [copy(x) if type(x) is Array else x for x in leaves]
        with Writes() as writes:
            out = f(*tree.unflatten(spec, given))
        written += written_arguments(leaves, given)
        for x in writes.outlasting(out, given):
            raise TypeError(
                f"checkpoint({getattr(f, '__name__', 'f')}): it writes in place to an array of shape {tuple(x.shape)} "
                "that it closes over, whose derivative would be lost; make that array an argument, or return what is "
                "written"
            )

        def pull(cts: list[Any]) -> list[Any]:
            tape = TapeData()
            watched = list(leaves)
            for i in traced:
                value = unwrap_closed(leaves[i])
                watched[i] = like(tape.watch(namespace_of(value).recomputed(value)), leaves[i])
            given = [copy(x) if type(x) is Array else x for x in watched]
            try:
                recomputed_outputs = tree.leaves(f(*tree.unflatten(spec, given)))
                recomputed_outputs += [given[i] for i in written]
            finally:
                tape.close()
            bars = empty_cotangents(tape)
            tracked = [y for y in recomputed_outputs if hasattr(y, "dtype") and is_inexact(y.dtype)]
            for y, ct in zip(tracked, cts, strict=True):
                if type(y) is Array and y.tape is tape:
                    ct = as_constant(ct) if type(y.value) is Array else ct
                    bars[y.slot] = ct if bars[y.slot] is None else bars[y.slot] + ct
            sweep(tape, bars, consume=True)
            found = bars[: len(traced)]
            return [ct.materialize() if type(ct) in DEFERRED else ct for ct in found]

        return (out, [given[i] for i in written]), pull

    def of_rows(
        args: tuple[Any, ...], level: BatchLevel, f: Callable[..., Any], written: list[int]
    ) -> Any:
        """The call under `vmap`: a checkpoint of the function of all rows."""
        leaves, spec = tree.flatten(args)
        below, flags = without_level(leaves, level)
        rows = OfRows(f, spec, flags, level, [])
        outs = checkpoint(lambda *xs: rows(*xs))(*below)
        out, changed = rows.labelled(outs, level)
        written += [i for i, _ in changed]
        return out, [value for _, value in changed]

    def recomputed(*args: Any) -> Any:
        written: list[int] = []  # arguments, whose new values are further outputs
        now = bound(f)  # the backward pass calls it again, maybe when its variables are others
        out, values = apply_opaque(
            lambda *args: (f(*args), []),
            args,
            functools.partial(run, f=now, written=written),
            f"checkpoint({getattr(f, '__name__', 'f')})",
            functools.partial(of_rows, f=now, written=written),
        )
        leaves = tree.leaves(args) if written else []
        for i, value in zip(written, values, strict=True):
            check_writable(leaves[i])
            write(leaves[i], value)
        return out

    return transformed(recomputed, checkpoint, f)
