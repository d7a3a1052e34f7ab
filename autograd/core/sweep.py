"""The reverse sweep.

For v_1 … v_N in the order of the tape: v̄_N = seed, then for i = N … 1 the cotangent v̄_i is complete, and
the operation that made v_i adds its share v̄_i ∂v_i/∂v_j to each of its inputs' v̄_j. This file knows no
function and no array library.

For complex numbers the sweep carries conj(∂L/∂Re z + i ∂L/∂Im z), which makes every rule the plain
transpose of the function's derivative. What a caller gives and gets is conjugated on its way: cotangents given to a
pullback in `transforms/vjp.py`, gradients in `transforms/arguments.py` (the seed of a gradient is real).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from .hooks import HOOKS
from .typing import Cotangent


def empty_cotangents(tape: Any) -> list[Cotangent]:
    """A slot for the cotangent of each entry of a tape, all empty."""
    empty = [None] * len(tape.entries)
    return empty if HOOKS.cotangents is list else HOOKS.cotangents(empty)


def sweep(
    tape: Any,
    cts: list[Cotangent],
    *,
    consume: bool = False,
    keep: Collection[int] = (),
    pull: Callable[[int, list[Any], tuple[Any, ...]], None] | None = None,
) -> dict[int, Cotangent | None]:
    """Carry the cotangents in `cts` (one slot per entry) back to the watched inputs.

    Parameters
    ----------
    tape
        The tape.
    cts
        ``cts[slot]`` is the cotangent of that slot, or None. Left holding those of the inputs.
    consume
        Drop each entry, and what its rule kept, as soon as it has been passed.
    keep
        Slots whose complete cotangents are wanted though operations take them off the list; with `consume`, none.
    pull
        ``pull(slot, cts, entry)`` instead of each entry's own pull, without `consume`.

    Returns
    -------
    dict
        The cotangents of the slots in `keep`.
    """
    entries = tape.entries
    kept: dict[int, Cotangent | None] = {}
    if consume:
        pop = entries.pop
        while entries:
            entry = pop()
            if entry is not None:
                entry[0](len(entries), cts, entry)
        return kept
    for slot in range(len(entries) - 1, -1, -1):
        if slot in keep:
            kept[slot] = cts[slot]
        entry = entries[slot]
        if entry is not None:
            (pull or entry[0])(slot, cts, entry)
    return kept
