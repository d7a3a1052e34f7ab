"""Successive halving of combinations of settings, by scikit-learn's `HalvingGridSearchCV`.

All combinations are tried with few epochs (or few rows); the better third goes on with three times as many, and so
forth. How much each rung gets, which rows it draws, which combinations go on and which is the best is the choice of
scikit-learn's search: it is given a grid of the combinations' numbers, our folds as its `cv`, and an estimator that
scores what the folds of that combination came to. They are trained before the search asks, all of a rung at once,
so that they can be spread over processes and computers, by the pool of every tuning.

`HalvingRandomSearchCV` is the same search over combinations that `ParameterSampler` draws. They are drawn before, as
without halving, and given to the same search: none is drawn twice.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...data.split import Split
from ...errors import InputError, extra
from ...settings.config import Settings
from .trial import Trial

FACTOR = 3
RESOURCES = ("epochs", "rows")


@dataclass(frozen=True)
class Rung:
    """A rung: the combinations that are in it, and what each of them gets.

    Attributes
    ----------
    number, of : int
        Which rung it is, counted from 1, and how many there are.
    candidates : tuple of int
        Numbers of the combinations that are in it.
    settings : tuple of Settings
        Theirs, with the epochs of this rung.
    parts : tuple of Split
        The folds, with the rows of this rung.
    amount : int
        Epochs, or training rows of a fold.
    share : tuple of float
        The parts of the whole work that are done before this rung and after it: a run takes as long as it has epochs
        or rows.
    """

    number: int
    of: int
    candidates: tuple[int, ...]
    settings: tuple[Settings, ...]
    parts: tuple[Split, ...]
    amount: int
    share: tuple[float, float]


# Of a combination: the loss, the score and the best epoch of each fold.
Results = tuple[tuple[float, ...], tuple[float, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Halved:
    """The result of a search.

    Attributes
    ----------
    trials : tuple of Trial
        One a combination, in their order.
    best : int
        Which one scikit-learn chose: the lowest mean loss in the last rung.
    """

    trials: tuple[Trial, ...]
    best: int


def halve(
    candidates: Sequence[Settings],
    parts: Sequence[Split],
    run: Callable[[Rung], Sequence[Results]],
    *,
    resource: str = "epochs",
    labels: np.ndarray | None = None,
    seed: int = 0,
    after: Callable[[Rung, Sequence[Trial]], None] = lambda rung, trials: None,
) -> Halved:
    """Choose among combinations of settings by successive halving.

    Parameters
    ----------
    candidates : sequence of Settings
        What is chosen from. With epochs as the resource, their own number is the most that a run gets; they all have
        the same.
    parts : sequence of Split
        The folds.
    run : callable
        Trains a rung: losses, scores and epochs of each of its candidates.
    resource : {"epochs", "rows"}
        What there is little of in the first rung. Rows are drawn at random from the training and the validation part of
        each fold.
    labels : ndarray, optional
        The class of every row of the data: a rung has at least twice as many rows as folds times classes.
    seed : int
        Of the draws.
    after : callable
        Told after each rung, with the trials as they are then.

    Raises
    ------
    InputError
        For another resource, and too few rows.
    """
    if resource not in RESOURCES:
        raise InputError(f"resource: {resource!r}; choose one of {', '.join(RESOURCES)}")
    extra("sklearn.experimental.enable_halving_search_cv", "tune with halving")
    rows = np.sort(np.concatenate([parts[0].train, parts[0].validation]))
    cv = [(np.searchsorted(rows, p.train), np.searchsorted(rows, p.validation)) for p in parts]
    # by combination the score of each fold, which is known by the first row that validates
    known: dict[int, dict[int, float]] = {}
    trials: dict[int, Trial] = {}

    def train(search: Any, given: Sequence[dict[str, int]], splits: Iterator[Any]) -> None:
        numbers = tuple(g["candidate"] for g in given)
        chosen = [(np.sort(train), np.sort(validation)) for train, validation in splits]
        if min(min(map(len, pair)) for pair in chosen) < 2:
            raise InputError("resource: too few rows for halving; use --resource epochs")
        rung = _rung(search, candidates, numbers, rows, chosen, parts, resource)
        for number, results in zip(numbers, run(rung), strict=True):
            before = trials[number].rungs if number in trials else ()
            trial = Trial(candidates[number], *results)
            trials[number] = replace(trial, rungs=(*before, trial.loss))
            known[number] = {
                int(validation[0]): -loss if math.isfinite(loss) else math.nan
                for (_, validation), loss in zip(chosen, results[0], strict=True)
            }
        after(rung, list(trials.values()))

    search = _search(train, known, classes=labels is not None)(
        param_grid={"candidate": range(len(candidates))},
        factor=FACTOR,
        resource="n_samples" if resource == "rows" else "epochs",
        max_resources="auto" if resource == "rows" else candidates[0].epochs,
        cv=cv,
        refit=False,
        return_train_score=False,
        random_state=seed % 2**32,
    )
    y = None if labels is None else labels[rows]
    with warnings.catch_warnings():
        # scores of runs that diverged are NaN, by which the search puts them last
        warnings.filterwarnings("ignore", "One or more of the test scores", UserWarning)
        try:
            search.fit(np.arange(len(rows))[:, None], y)
        except ValueError as error:
            if resource == "rows" and "is greater than max_resources_" in str(error):
                raise InputError(
                    f"resource: {len(rows):,} rows are too few for halving; use --resource epochs"
                ) from None
            raise
    best = int(search.cv_results_["param_candidate"][search.best_index_])
    return Halved(tuple(trials[number] for number in range(len(candidates))), best)


def _rung(
    search: Any,
    candidates: Sequence[Settings],
    numbers: tuple[int, ...],
    rows: np.ndarray,
    chosen: Sequence[tuple[np.ndarray, np.ndarray]],
    parts: Sequence[Split],
    resource: str,
) -> Rung:
    """The rung at which the search is."""
    plan = schedule(len(candidates), search.min_resources_, search.max_resources_)
    number, amount = len(search.n_resources_), search.n_resources_[-1]
    settings = tuple(candidates[i] for i in numbers)
    if resource == "epochs":
        settings = tuple(replace(s, epochs=int(amount)) for s in settings)
        drawn = tuple(parts)
    else:
        amount = len(chosen[0][0])
        drawn = tuple(
            Split(rows[train], rows[validation], part.test)
            for (train, validation), part in zip(chosen, parts, strict=True)
        )
    work = np.cumsum([0, *(count * each for count, each in plan)], dtype=np.float64)
    share = (float(work[number - 1] / work[-1]), float(work[number] / work[-1]))
    return Rung(number, len(plan), numbers, settings, drawn, int(amount), share)


def schedule(candidates: int, least: int, most: int) -> list[tuple[int, int]]:
    """How many combinations each rung has, and how much of the resource each of them gets there.

    This is what scikit-learn's search goes by, told before it is done.

    Examples
    --------
    >>> schedule(9, 33, 300)
    [(9, 33), (3, 99), (1, 297)]
    """
    needed = 1 + math.floor(math.log(candidates, FACTOR))
    possible = 1 + math.floor(math.log(most // least, FACTOR))
    plan = []
    for rung in range(min(needed, possible)):
        plan.append((candidates, min(FACTOR**rung * least, most)))
        candidates = math.ceil(candidates / FACTOR)
    return plan


def _search(
    train: Callable[..., None], known: dict[int, dict[int, float]], *, classes: bool
) -> Any:
    """Make scikit-learn's search over the numbers of the candidates."""
    base = extra("sklearn.base", "tune with halving")
    selection = extra("sklearn.model_selection", "tune with halving")
    # of rows that have classes the search takes more
    kinds: Any = (base.ClassifierMixin, base.BaseEstimator) if classes else (base.BaseEstimator,)

    class Candidate(*kinds):  # type: ignore[misc]  # scikit-learn is loaded when it is needed
        """One combination of settings, already trained: it knows what its folds came to."""

        def __init__(self, candidate: int = 0, epochs: int = 0):
            self.candidate, self.epochs = candidate, epochs

        def fit(self, X: np.ndarray, y: Any = None) -> Candidate:
            return self

        def score(self, X: np.ndarray, y: Any = None) -> float:
            return known[self.candidate][int(X.min())]

    class Search(selection.HalvingGridSearchCV):  # type: ignore[name-defined]  # as above
        """The search, which has each rung trained at once before it asks for the scores, one by one."""

        def __init__(self, **settings: Any):
            super().__init__(Candidate(), **settings)

        def fit(self, X: np.ndarray, y: Any = None) -> Any:
            self._data = X, y
            return super().fit(X, y)

        # scikit-learn's place for how evaluations are scheduled, which since 1.9 is told of callbacks
        def _run_search(self, evaluate_candidates: Any, callback_ctx: Any = None) -> None:
            def evaluate(given: Any, cv: Any, **more: Any) -> Any:
                train(self, given, cv.split(*self._data))
                return evaluate_candidates(given, cv, **more)

            context = {"callback_ctx": callback_ctx}
            takes = inspect.signature(super()._run_search).parameters
            super()._run_search(evaluate, **{k: v for k, v in context.items() if k in takes})

    return Search
