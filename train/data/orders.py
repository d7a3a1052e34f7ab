"""The order in which rows make batches: shuffled for every epoch, shuffled once, or drawn anew for each step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .device_data import parts_of

BATCHES = ("shuffled", "once", "drawn")


def check_batches(name: str, batches: str) -> None:
    """Refuse an unknown way of making batches.

    Raises
    ------
    ValueError
        It names those that there are.
    """
    if not isinstance(batches, str) or batches not in BATCHES:
        raise ValueError(f"{name}: batches={batches!r}; there are {', '.join(map(repr, BATCHES))}")


def orders(
    batches: str, n: int, rows: int, least: int, random: np.random.Generator
) -> Callable[[], np.ndarray]:
    """A function that gives the order of the n rows for the epoch that begins; batches are its consecutive parts.

    Parameters
    ----------
    batches : {"shuffled", "once", "drawn"}
        A new order for each epoch; one order for all of them; or for each batch rows drawn from all n, so that an
        epoch is as many steps as with the others, and a row may come in several of its batches or in none. Within a
        batch no row comes twice.
    n, rows, least : int
        As `parts_of` has them.
    random : numpy.random.Generator
        What the orders are drawn from.

    Examples
    --------
    >>> import numpy as np
    >>> order = orders("once", 4, 2, 1, np.random.default_rng(0))
    >>> first = order()
    >>> sorted(first.tolist()), order().tolist() == first.tolist()
    ([0, 1, 2, 3], True)
    """
    check_batches("orders", batches)
    if batches == "shuffled":
        return lambda: random.permutation(n)
    if batches == "once":
        order = random.permutation(n)
        return lambda: order
    sizes = [part.stop - part.start for part in parts_of(n, rows, least)]

    def drawn() -> np.ndarray:
        return np.concatenate([random.choice(n, size, replace=False) for size in sizes])

    return drawn
