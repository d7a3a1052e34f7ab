"""A run that goes on where it was broken off, which is `pullback train --resume`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...distributed import Communicator
from ..errors import InputError, WriteError, one_line, shown
from ..files import locked, read_bytes, sweep_runs, write_atomic
from ..fitting.result import Fit
from ..parallel.launch import together
from ..parallel.ranks import of_rank_0
from ..schedules import by_all_steps
from ..settings.config import Settings, read_config
from .checkpoint import load_described
from .metadata import MODEL
from .prepared import Prepared
from .run import (
    CHECKPOINT,
    CONFIG,
    CURVES,
    FILES,
    WEIGHTS,
    Result,
    Voice,
    made_ready,
    run_config,
    trained,
)

# Of the model's metadata what numbers alone do not tell.
_NAMES = ("task", "target", "classes", "columns", "vocabulary")

# What may be another when a run goes on: none of them changes what a step computes, but for rounding.
FREE = ("epochs", "patience", "backend", "stream", "memory")


def resumed(run: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> Settings:
    """The settings with which a run goes on: its own, and those of `FREE` where they are given.

    Parameters
    ----------
    run : path
        The run's folder.
    options : mapping, optional
        Settings that were given besides. Those that say what the run has anyway are taken.

    Raises
    ------
    InputError
        For a folder that is no run, or cannot go on; for options that would make another run of it.
    """
    folder = _folder(run)
    settings = Settings(**read_config(folder / CONFIG))
    given = dict(options or {})
    for key, value in given.items():
        own = getattr(settings, key)
        if key not in FREE and value != own:
            raise InputError(
                f"{key}: {shown(value)} is not what {folder} has, {shown(own)}: a run goes on with its own settings, "
                f"but for more --epochs, --patience and --backend; leave it out, or start a new run"
            )
    if given.get("epochs", settings.epochs) < settings.epochs:
        raise InputError(
            f"epochs: {given['epochs']} is less than {settings.epochs}, which {folder} has: a run may go on for more"
        )
    if given.get("epochs", settings.epochs) > settings.epochs and by_all_steps(
        settings.schedule, settings.warmup
    ):
        raise InputError(
            f"epochs: the learning rate of {folder} is made for {settings.epochs} epochs (schedule "
            f"{settings.schedule}, warmup {settings.warmup:g}), and cannot go on for more: leave out --epochs, "
            f"or start a new run: pullback train --config {folder / CONFIG} --epochs {given['epochs']}"
        )
    if not (folder / CHECKPOINT).exists() and any((folder / f).exists() for f in (CURVES, WEIGHTS)):
        raise InputError(
            f"{folder} is finished, and has no {CHECKPOINT} to go on from: it was removed, or an earlier "
            f"version wrote none; to repeat the run: pullback train --config {folder / CONFIG}"
        )
    return replace(settings, **{key: given[key] for key in FREE if key in given})


def _folder(run: str | os.PathLike[str]) -> Path:
    """The folder of a run that can go on."""
    folder = Path(run)
    if not folder.is_dir():
        name = one_line(run)
        if folder.exists():
            raise InputError(f"resume: {name} is a file: give the folder of a run, as runs/digits")
        near = Path("runs") / folder
        hint = f"; there is {near}" if (near / CONFIG).is_file() else ""
        raise InputError(f"resume: no such run: {name}{hint}")
    if (folder / CONFIG).is_file():
        return folder
    if (folder / "tune.csv").exists() or (folder / "best.toml").exists():
        raise InputError(
            f"resume: {folder} is of `pullback tune`, which does not go on; start it again"
        )
    raise InputError(
        f"resume: {folder} has no {CONFIG}: it is no run, or one that was ended before it began; start it again"
    )


def _check_names(folder: Path, ready: Prepared) -> None:
    """Refuse data whose names are others than in the model's file: their numbers may be the same all the same.

    Raises
    ------
    InputError
    """
    try:
        _, before, _ = load_described(folder / MODEL)
    # there is none yet, or it is damaged: it is written anew
    except InputError:
        return
    for key in _NAMES:
        was, now = before.get(key), ready.metadata.get(key)
        if key in before and was != now:
            raise InputError(
                f"resume: the data are not those that {folder} was trained on: {key} {shown(was)} then, {shown(now)} "
                "now; start a new run"
            )


def resume(
    run: str | os.PathLike[str],
    options: Mapping[str, Any] | None = None,
    *,
    say: Callable[[str], None] = print,
    progress: Callable[[Fit, Settings], None] | None = None,
    every: float = 5.0,
    distributed: Communicator | None = None,
) -> Result:
    r"""Go on with a run of `train` that was broken off, in its folder; or with one that is finished, for more epochs.

    Its files are, bit for bit, those of a run that was never interrupted, wherever it was: also where it was killed. A
    run that has no checkpoint yet begins anew. A schedule that spans all epochs has none left for more of them: then
    `epochs` may not be raised; with constant (with a warm-up in steps) and plateau it may. On ranks, as many as there
    are now, they are those bits up to rounding.

    Parameters
    ----------
    run : path
        The run's folder.
    options : mapping, optional
        Those of `FREE` that are to be others than the run's own: `epochs`, `patience`, `backend`, `stream`, `memory`.
    say, progress, every, distributed
        As in `train`.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        For a folder that is no run; options that would make another of it; a checkpoint that is damaged, or of other
        data; a run that another process is training; files that cannot be written.
    BackendError
        For a backend that cannot be had.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pullback as pb
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> written = (folder / "t.csv").write_text("a,b,c\n" + "0,0.5,u\n1,1.5,v\n" * 20)
    >>> settings = pb.train.Settings(data=str(folder / "t.csv"), epochs=2)
    >>> first = pb.train.train(settings, runs=folder, say=lambda line: None)
    >>> more = pb.train.resume(first.folder, {"epochs": 5}, say=lambda line: None)
    >>> more.fit.resumed == first.fit.steps, len(more.fit.history)
    (True, 6)
    """
    voice = Voice.of(say, progress, distributed)
    settings = of_rank_0(distributed, lambda: resumed(run, options))
    with contextlib.ExitStack() as stack:
        folder = Path(run)
        of_rank_0(distributed, lambda: stack.enter_context(locked(folder)))

        def made() -> Prepared:
            found = made_ready(settings, stack, distributed, folder)
            _check_names(folder, found)
            return found

        ready = together(distributed, made)
        voice.say_start(ready)

        def renew() -> bytes:
            sweep_runs(folder.parent, FILES)
            before, config = read_bytes(folder / CONFIG), run_config(ready, folder, distributed)
            if before != config.encode():
                write_atomic(folder / CONFIG, config)
            return before

        before = of_rank_0(distributed, renew)
        try:
            return trained(ready, folder, voice, every=every, resume=True)
        except WriteError:
            raise
        except InputError:  # nothing was trained: the run stays as it was
            if distributed is None or distributed.rank == 0:
                write_atomic(folder / CONFIG, before)
            raise
