"""An optimiser whose state is divided among the ranks, in a training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...distributed import Communicator, world
from ...optim import LossScaling


def is_sharded(opt: Any) -> bool:
    """Whether an optimiser is one of `pb.distributed.sharded`."""
    return hasattr(opt, "gather_state")


def on_ranks(opt: Any, group: Communicator | None, precision: str, checkpoint: Any) -> Any:
    """The optimiser as the ranks of a training step it: what is sharded gets gradients that are added up already.

    Raises
    ------
    ValueError
        For a sharded optimiser where the ranks do not train together.
    NotImplementedError
        For one with a checkpoint, which rank 0 writes, or with a scaled loss.
    """
    if not is_sharded(opt):
        return opt
    if group is None:
        if (opt.group or world()).size > 1:
            raise ValueError(
                "fit: opt is sharded, and would add up the gradients of trainings that know nothing of each other: "
                "give distributed= too"
            )
        return opt
    if checkpoint is not None:
        raise NotImplementedError(
            "fit: a checkpoint with a sharded optimiser: rank 0, which writes it, has a part of the state; train with "
            "the optimiser itself, or save the model in on_epoch"
        )
    if precision == "float16" or isinstance(opt.opt, LossScaling):
        raise NotImplementedError(
            "fit: a scaled loss with a sharded optimiser; take precision='bfloat16', or the optimiser itself"
        )
    return replace(opt, reduced=True, group=group)
