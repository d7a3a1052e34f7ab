"""`pb.Tape`: gradients of any stretch of a program, without a function around it."""

from __future__ import annotations

import weakref
from typing import Any

from ...backend.common.base import LAZY
from ..core.array import Array
from ..core.cotangents import DEFERRED
from ..core.namespaces import namespace_of
from ..core.sweep import empty_cotangents, sweep
from ..core.tape import TapeData, check_differentiable
from ..pytree import tree
from .arguments import leaf_gradient, scalar_output, seed_for, settled


class Tape:
    """A tape of what is done to watched arrays, without a function around it.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> with pb.Tape() as tape:
    ...     x = tape.watch(np.asarray([1.0, 2.0]))
    ...     y = pb.xp.sum(x * x)
    >>> tape.gradient(y, [x])
    [Array([2., 4.], dtype=float64, device='cpu')]
    """

    def __init__(self) -> None:
        self._tape = TapeData(copies=True)
        self._kept = self._tape  # which has the entries: after the `with` block, another
        self._watched: dict[int, tuple[Any, int]] = {}

    def __enter__(self) -> Tape:
        return self

    def __exit__(self, *_: object) -> None:
        self._tape.close()
        if self._kept is self._tape:
            self._kept = self._tape.detached()

    def watch(self, x: Any) -> Any:
        """A traced copy of an array, float, or pytree of them.

        Raises
        ------
        TypeError
            If it has an integer or boolean dtype.
        RuntimeError
            If the tape is closed.
        """
        if not self._tape.open:
            raise RuntimeError(
                "Tape.watch: this tape is closed; watch inputs inside its `with` block"
            )
        return tree.map(self._watch, x)

    def _watch(self, x: Any) -> Array:
        value = check_differentiable(x, "Tape.watch: x")
        if type(value) is not Array:
            value = namespace_of(value).copy(value)
        watched = self._tape.watch(value)
        # by identity, apart from the wrapper's slot: `x *= 3` gives the wrapper another
        self._watched[id(watched)] = (weakref.ref(watched), watched.slot)
        return watched

    def gradient(self, y: Any, sources: Any) -> Any:
        """The gradient of a 0-d real `y` with respect to a pytree of arrays on this tape.

        Parameters
        ----------
        y : Array
            The output, recorded on this tape.
        sources
            Watched inputs, or anything computed from them.

        Returns
        -------
        The structure of `sources`, zeros where `y` does not depend on one. Where `y` is lazy (Dask's) and a source is
        NumPy's, its gradient is computed, with those of all such sources in one ``dask.compute``.

        Raises
        ------
        TypeError
            If `y` is not one real number, or a source was never on this tape.
        """
        scalar_output(y, "Tape.gradient")
        leaves, spec = tree.flatten(sources)
        slots = [self._slot(x) for x in leaves]
        found: dict[int, Any] = {}
        tape = self._kept
        on_tape = type(y) is Array and y.tape is self._tape
        if on_tape or tape.collective:
            cts = empty_cotangents(tape)
            if on_tape:
                cts[y.slot] = seed_for(y.value)
            found = sweep(tape, cts, keep=set(slots))
        taken: set[int] = {id(seed_for(y.value))} if found and type(y) is Array else set()
        out = []
        for slot, x in zip(slots, leaves, strict=True):
            ct = found.get(slot)
            if type(ct) in DEFERRED:
                ct = ct.materialize()  # type: ignore[union-attr]  # DEFERRED holds the classes that have it
            gradient = leaf_gradient(ct, x.value, taken)
            out.append(gradient if type(gradient) is Array else Array(gradient))
        if LAZY:
            out = settled(out, [x.value for x in leaves])
        return tree.unflatten(spec, out)

    def _slot(self, x: Any) -> int:
        reference, slot = self._watched.get(id(x), (None, -1))
        if reference is not None and reference() is x:
            return slot
        if type(x) is Array and x.tape is self._tape:
            return x.slot
        raise TypeError(
            "Tape.gradient: a source is not on this tape; use the array that tape.watch(x) returned, or what was "
            "computed from it"
        )
