"""The choice of settings by k-fold cross-validation, which is `pullback tune`."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .... import backend
from ...data.split import Split
from ...errors import InputError, counted, extra
from ...files import make_run_folder, sweep_runs, write_atomic
from ...parallel.task_pool import Pool, task_pool
from ...settings.config import Settings, config_text
from ..prepared import Source
from ..run import folder_name, load_source
from .edge import edges
from .folds import Folds
from .halving import RESOURCES, Results, Rung, halve
from .picture import tuning_png
from .table import TrialTable, table_text
from .trial import Trial
from .values import combinations, drawn, in_words, varied, with_rates

TABLE, PICTURE, BEST = "tune.csv", "tune.png", "best.toml"

# ``progress(done, total)``
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Tuning:
    """The result of a search.

    Attributes
    ----------
    trials : tuple of Trial
        In the order of the grid or the draws; with halving those that went furthest first, the better ones first.
    best : Trial
        That with the lowest mean validation loss; with halving in the last rung.
    folder : Path
        Of the files.
    rungs : tuple of str
        With halving what each rung had, as ``"33 epochs"``.
    remarks : tuple of str
        Of settings whose best value is the smallest or largest that was given.
    """

    trials: tuple[Trial, ...]
    best: Trial
    folder: Path
    rungs: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def tune(
    base: Settings,
    grid: Mapping[str, Any] | None = None,
    *,
    k: int = 5,
    random: int | None = None,
    halving: bool = False,
    resource: str = "epochs",
    runs: str | Path = "runs",
    exact_name: bool = False,
    say: Callable[[str], None] = print,
    client: Any = None,
    progress: Progress | None = None,
    width: int = 80,
) -> Tuning:
    """Cross-validate combinations of settings; write table, picture and the best settings.

    Parameters
    ----------
    base : Settings
        What is not tuned. Its test part is never looked at.
    grid : mapping of str to sequence or distribution, optional
        Values by setting, of `TUNABLE`; with `random` also distributions of `scipy.stats`, as ``loguniform(1e-4, 1)``.
        Without a learning rate in it: five about the optimiser's default, or with `random` the range that they span.
    k : int
        How many folds.
    random : int, optional
        Try so many combinations, drawn by scikit-learn's `ParameterSampler` with the seed of `base`, none twice,
        instead of all.
    halving : bool
        Try all with little of the `resource`, the better third with three times as much, and so forth: scikit-learn's
        `HalvingGridSearchCV`, or `HalvingRandomSearchCV` with `random`. A rung trains anew, so that schedules of the
        learning rate are whole in each.
    resource : {"epochs", "rows"}
        With `halving`: epochs up to those of `base`, or rows of the data up to all that there are.
    runs : path
        The folder for runs; the files go to a folder of their own in it.
    exact_name : bool
        Refuse a name that is taken instead of adding a number.
    say : callable
        Takes the lines of text.
    client : str or distributed.Client, optional
        Where each fold of each combination is a task of its own: ``"local"`` for a process on each core of this
        computer, the address of a Dask scheduler (``"tcp://host:8786"``) or its scheduler file, or a client. None: one
        after another, here. The table, the lines and their order are the same; so are the numbers, bit for bit, where
        the workers' NumPy and BLAS are those of this process (with one thread: more may round large products
        otherwise). The data are read here and sent to the workers.
    progress : callable, optional
        ``progress(done, total)`` after each fold, in the order in which they end. With `halving` a fold counts as much
        as it has epochs or rows, as far as it takes longer so.
    width : int
        Of the terminal for which the table is laid out.

    Returns
    -------
    Tuning

    Raises
    ------
    InputError
        For data and settings that cannot be used, if every combination diverged, and for files that cannot be
        written.
    ClusterError
        For a cluster that cannot be had or is lost; what was finished is in the table.
    MissingExtra
        Without matplotlib, scikit-learn for `random` and `halving`, or with a `client` without `distributed`.
    BackendError
        For a backend that cannot be had.
    """
    # ask now, not after an hour of training
    extra("matplotlib.figure", "tuning")
    if resource not in RESOURCES:
        raise InputError(f"resource: {resource!r}; choose one of {', '.join(RESOURCES)}")
    if base.stream and client is not None:
        raise InputError(
            "stream: with --dask the rows travel to the workers from memory; leave out one of them"
        )
    values = with_rates(base, dict(grid or {}), draw=random is not None)
    trials_of = combinations(base, values) if random is None else drawn(base, values, random)
    chosen: Any = backend.use(base.backend) if base.backend else contextlib.nullcontext()
    with chosen, contextlib.ExitStack() as stack:
        # rows that travel to workers do so from memory
        source = load_source(base if client is None else replace(base, stream=False), Path(runs))
        parts = source.folds(k, base.seed)
        pool = stack.enter_context(task_pool(client))
        sweep_runs(Path(runs), (TABLE, PICTURE, BEST))
        folder = make_run_folder(
            Path(runs), base.name or f"tune-{folder_name(source.name)}", exact=exact_name
        )
        work = _Work(source, tuple(parts), tuple(trials_of), pool, folder, progress, say, width)
        try:
            work.begin(random)
            if halving:
                trials, best, rungs = work.halved(resource, base.seed)
            else:
                trials, rungs = work.all(), ()
                best = min(trials, key=lambda t: t.loss if math.isfinite(t.loss) else math.inf)
            if not math.isfinite(best.loss):
                raise InputError("tune: every combination diverged; give smaller learning rates")
            remarks = edges(best.settings, values)
            picture = tuning_png(
                trials, best=best, title=f"{source.name}, {k} folds",
                grid=random is None, rungs=rungs, remarks=remarks,
            )  # fmt: skip
            write_atomic(folder / PICTURE, picture)
            name = base.name or folder_name(source.name)
            comments = ("The best settings of the table beside this file; to train with them:",
                        f"pullback train --config {BEST}")  # fmt: skip
            write_atomic(folder / BEST, config_text(replace(best.settings, name=name), comments))
        finally:
            with contextlib.suppress(OSError):
                # a folder is removed only if it is empty
                folder.rmdir()
                folder.parent.rmdir()
    say(
        f"best: {in_words(best.settings, varied(trials_of))}; validation loss {best.loss:.4f} ± "
        f"{best.error:.4f}, {source.score_name} {best.score:.4f}"
    )
    for remark in remarks.values():
        say(remark)
    say(f"files in {folder}: {TABLE}, {PICTURE}, {BEST}")
    return Tuning(tuple(trials), best, folder, rungs, tuple(remarks.values()))


@dataclass(frozen=True)
class _Work:
    """A search, whichever way it goes: data, folds, combinations, and where results are told and written."""

    source: Source
    parts: tuple[Split, ...]
    trials_of: tuple[Settings, ...]
    pool: Pool
    folder: Path
    progress: Progress | None
    say: Callable[[str], None]
    width: int

    def begin(self, random: int | None) -> None:
        """Say what there is to be done."""
        number = len(self.trials_of)
        what = counted(number, "combination") + " of settings"
        if random is not None:
            what += ", drawn" if number == random else f", of {random:,} to draw: there are no more"
        first = self.parts[0]
        self.say(
            f"{self.source.name}: {what}, {len(self.parts)} folds of "
            f"{len(first.train):,} to train on and {len(first.validation):,} to validate"
        )
        for line in self.source.told:
            self.say(line)

    def all(self) -> list[Trial]:
        """Every combination with all that there is; the table grows by a row after each."""
        table = TrialTable(self.trials_of, self.source.score_name, width=self.width)
        self._say_lines(table.header())
        work = Folds(self.source, self.parts, self.trials_of, backend.current().name)
        total = len(work.tasks)
        trials: list[Trial] = []
        for settings, results in zip(
            self.trials_of, self._results(work, lambda done: (done, total)), strict=True
        ):
            trials.append(Trial(settings, *results))
            self._write(trials)
            self._say_lines(table.row(trials[-1]))
        return trials

    def halved(self, resource: str, seed: int) -> tuple[list[Trial], Trial, tuple[str, ...]]:
        """The trials, the best first, which one scikit-learn chose, and what the rungs had."""
        rungs: list[str] = []
        # a fold of the whole counts so much
        whole = 10_000 * len(self.parts)

        def run(rung: Rung) -> Sequence[Results]:
            what = counted(rung.amount, resource[:-1])
            self.say(f"rung {rung.number} of {rung.of}: {_counted_of(rung)}, {what} each")
            rungs.append(what if resource == "epochs" else f"{rung.amount:,} rows")
            work = Folds(self.source, rung.parts, rung.settings, backend.current().name)
            before, after = (round(whole * share) for share in rung.share)
            count = len(work.tasks)
            return list(
                self._results(work, lambda done: (before + (after - before) * done // count, whole))
            )

        def after(rung: Rung, trials: Sequence[Trial]) -> None:
            self._write(_best_first(trials), rungs)

        found = halve(
            self.trials_of, self.parts, run,
            resource=resource, labels=self.source.labels, seed=seed, after=after,
        )  # fmt: skip
        trials = _best_first(found.trials)
        table = TrialTable(self.trials_of, self.source.score_name, tuple(rungs), self.width)
        self._say_lines(table.header())
        for trial in trials:
            self._say_lines(table.row(trial))
        return trials, found.trials[found.best], tuple(rungs)

    def _results(self, work: Folds, place: Callable[[int], tuple[int, int]]) -> Iterator[Results]:
        """What came of each combination, in order, each as soon as its folds, and all before them, are done."""

        def done(count: int) -> None:
            if self.progress is not None:
                self.progress(*place(count))

        # closed at once where an error or Ctrl-C ends the loop: it cancels the tasks that are left
        with contextlib.closing(self.pool.run(work, work.tasks, done)) as results:
            for _ in work.trials_of:
                losses, scores, epochs = zip(
                    *itertools.islice(results, len(work.parts)), strict=True
                )
                yield losses, scores, epochs

    def _write(self, trials: Sequence[Trial], rungs: Sequence[str] = ()) -> None:
        write_atomic(self.folder / TABLE, table_text(trials, self.source.score_name, rungs))

    def _say_lines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.say(line)


def _counted_of(rung: Rung) -> str:
    what = counted(len(rung.candidates), "combination")
    if rung.number == 1:
        return what
    return "the best " + (what if len(rung.candidates) > 1 else "combination")


def _best_first(trials: Sequence[Trial]) -> list[Trial]:
    """Those that went furthest, and among these the better ones."""
    return sorted(
        trials,
        key=lambda t: (-len(t.rungs), t.loss if math.isfinite(t.loss) else math.inf),
    )
