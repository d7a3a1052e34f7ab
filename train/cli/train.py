"""`pullback train`: train a network, or go on with a run."""

from __future__ import annotations

import math
from typing import Any

from ...distributed import Communicator
from ..errors import InputError
from ..fitting.bars import training_bar
from ..fitting.signals import Interrupt, Terminated
from ..parallel.launch import group_of, refuse_several, together
from ..parallel.ranks import of_rank_0
from ..run.resume import resume as resume_training
from ..run.resume import resumed
from ..run.run import train as run_training
from ..settings.config import Settings, merged, read_config
from .command import Command, Option
from .ending import DIVERGED, SIGNALLED, rank, report_error
from .options import QUIET, RUN, options


def _train(**given: Any) -> int:
    config, run, every = given.pop("config"), given.pop("resume"), given.pop("checkpoint_every")
    kind, quiet = given.pop("distributed"), given.pop("quiet")
    if kind is None:
        refuse_several("train")
    group = None if kind is None else _joined(kind)
    if not 0 <= every < math.inf:
        raise InputError(f"checkpoint_every: {every} is not a number of seconds of at least 0")
    chosen = COMMAND.settings(given)
    if run is not None and config is not None:
        raise InputError("config: a run goes on with its own settings: leave out --config")

    def agreed() -> Settings:
        return _new_settings(config, chosen) if run is None else resumed(run, chosen)

    settings = of_rank_0(group, agreed)
    with training_bar(settings.epochs, rank=rank(), quiet=quiet) as bar:
        told: dict[str, Any] = {
            "say": bar.say, "progress": bar.show, "every": every, "distributed": group,
        }  # fmt: skip
        if run is None:
            result = run_training(settings, exact_name="name" in chosen, **told)
        else:
            result = resume_training(run, chosen, **told)
    if result.fit.stopped == "diverged":
        return report_error(
            f"{result.fit.why}; the best weights, of epoch {result.fit.best.epoch}, are kept; "
            "a smaller --learning-rate may help",
            DIVERGED,
        )
    return SIGNALLED + result.fit.signal if result.fit.stopped == "interrupted" else 0


def _joined(kind: str) -> Communicator:
    """The world; a signal to one rank while it comes about ends all when it has."""
    with Interrupt() as interrupt:
        group = group_of(kind)

    def go_on() -> None:
        if interrupt.seen:
            raise Terminated.by(interrupt.number)

    together(group, go_on)
    return group


def _new_settings(config: str | None, chosen: dict[str, Any]) -> Settings:
    from_file = read_config(config) if config is not None else {}
    if "data" not in chosen and "data" not in from_file:
        raise InputError(
            "train: nothing to train on; give a data set, as in: pullback train digits"
        )
    return merged(from_file, chosen)


COMMAND = Command(
    "train",
    "Train a network; writes it to runs/NAME.",
    "Train a network; writes the model, its metrics and pictures to runs/NAME.",
    (
        *options(
            "data", "target", "task", "edges", "test",
            "categorical", "numeric", "drop", "missing", "dates", "target_file", "decimal", "stream", "memory",
            "model", "hidden", "activation", "length", "dropout", "batch_norm",
            "optimizer", "learning_rate", "schedule", "warmup", "momentum", "beta1", "beta2",
            "batch_size", "batches", "epochs", "patience",
            "l2", "l1", "clip", "class_weight",
            "backend", "dtype", "precision", "compile",
            "seed", "name",
        ),
        Option(
            "config",
            "TOML file with these settings, as runs write it; options here win.",
            group=RUN,
            metavar="FILE",
        ),
        Option(
            "resume",
            "A run's folder, as runs/digits, to go on where it was broken off; --epochs may be raised.",
            group=RUN,
            metavar="RUN",
        ),
        Option(
            "checkpoint_every",
            "Seconds between checkpoints for --resume; 0: after every step.",
            group=RUN,
            kind=float,
            value=5.0,
        ),
        QUIET,
        Option(
            "distributed",
            "Train on all ranks that mpirun has started: mpi, or nccl (one GPU a rank).",
            group=RUN,
            metavar="NAME",
            choices=("mpi", "nccl"),
        ),
    ),
    _train,
)  # fmt: skip
