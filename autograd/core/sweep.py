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


def completion(tape: Any, n: int) -> dict[int, list[int]]:
    """When the cotangents of a function's inputs, the first `n` slots, are complete: by the entry that is last to add.

    Parameters
    ----------
    tape
        The tape, before its sweep.
    n : int
        How many inputs are watched; they are the tape's first slots.

    Returns
    -------
    dict
        ``{index: slots}`` in the order of the sweep: no share is added to these slots once the entry at `index` has
        been pulled. Slots that no operation uses stand at ``len(tape.entries)``, before all others.
    """
    entries = tape.entries
    missing = set(range(n))
    found: dict[int, list[int]] = {}
    for index in range(n, len(entries)):
        entry = entries[index]
        if entry is None:
            continue
        for slot in entry[1 : 1 + entry[0].inputs]:
            if slot in missing:
                missing.remove(slot)
                found.setdefault(index, []).append(slot)
        if not missing:
            break
    if missing:
        found[len(entries)] = sorted(missing)
    return dict(sorted(found.items(), reverse=True))


def sweep_announced(
    tape: Any,
    cts: list[Cotangent],
    complete: dict[int, list[int]],
    announce: Callable[[int], None],
    between: Callable[[], None] | None = None,
) -> None:
    """A sweep with `consume` that says of each input when its cotangent is complete, and then goes on.

    Parameters
    ----------
    tape, cts
        As for `sweep`.
    complete : dict
        Of `completion`.
    announce : callable
        ``announce(slot)``: ``cts[slot]`` is complete, None if no share came; it may be taken off the list.
    between : callable, optional
        Called after each entry: what goes on besides may need the thread now and then.
    """
    entries = tape.entries
    for slot in complete.get(len(entries), ()):
        announce(slot)
    pop = entries.pop
    while entries:
        entry = pop()
        if entry is None:
            continue
        index = len(entries)
        entry[0](index, cts, entry)
        entry = None  # what its rule kept is not needed any more
        if index in complete:
            for slot in complete[index]:
                announce(slot)
        if between is not None:
            between()
