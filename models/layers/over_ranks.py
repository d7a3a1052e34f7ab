"""Means over a batch whose rows lie on several ranks: synchronous batch normalisation.

The ranks of a distributed training each have some rows of a batch. Statistics of a rank's own rows would be those of a
smaller batch, and another training for each number of ranks. Here the ranks add up sums and counts, by a differentiable
all-reduce, so that mean and variance, and the gradients through them, are those of all rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ...autograd.core.generated import xp as primitives
from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp


@dataclass(frozen=True)
class OverRanks:
    """The ranks that have the rows of the batch.

    Attributes
    ----------
    group : Communicator
        Of `pb.distributed`; every rank takes the mean at the same place.
    weight : array float64 ()
        What each of this rank's rows counts: 1, or 1/size where all ranks have all rows.
    """

    group: Any
    weight: Value

    def mean(self, x: Value, axes: tuple[int, ...], n: int) -> tuple[Any, Any]:
        """The mean over these axes, of n elements on this rank, and over the ranks; and of how many elements it is.

        ``Σ_r w_r Σ x_r / Σ_r w_r n_r``. Its pullback is the all-reduce's, a sum of the ranks' cotangents.
        """
        weight = xp.astype(xp.asarray(self.weight), x.dtype)
        here = xp.concat([xp.sum(x, axis=axes) * weight, xp.reshape(weight * n, (1,))])
        everywhere = primitives.all_reduce(here, group=self.group, op="sum")
        count = xp.stop_gradient(everywhere[-1])
        return everywhere[:-1] / count, count


_NOW: ContextVar[OverRanks | None] = ContextVar("ranks of a batch", default=None)


def ranks_of_batch() -> OverRanks | None:
    """The ranks among which the batch is divided; None where it is all here."""
    return _NOW.get()


@contextlib.contextmanager
def over_ranks(group: Any, weight: Value) -> Iterator[None]:
    """A part of the program in which layers take their batch to be divided among ranks.

    Parameters
    ----------
    group : Communicator
    weight : array float64 ()
        As `OverRanks` has it.
    """
    token = _NOW.set(OverRanks(group, weight))
    try:
        yield
    finally:
        _NOW.reset(token)
