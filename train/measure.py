"""Outputs, losses and scores of a model over all rows of data, some rows at a time."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..autograd.core.array import backend_array
from ..autograd.core.dtypes import is_inexact
from ..autograd.core.typing import PyTree
from ..autograd.functions.namespace import asarray
from ..autograd.pytree import tree
from ..backend import Backend, is_array
from .data.device_data import (
    backend_of_model,
    by_place,
    check_place,
    needs_transfer,
    parts_of,
    prefetch,
)
from .data.mapped import Reading, plain
from .parallel.ranks import Ranks
from .step import call_model, takes_key

# Of tables.
ROWS_AT_ONCE = 8192
# Of images, sequences and other inputs, whose hidden layers may be many times as large as they are.
_LARGE_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class RowMean:
    """A score that is a mean over rows: measured in parts, it needs no more memory than a part's outputs.

    Attributes
    ----------
    score : callable
        ``score(outputs, y)``, a float.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> model, x, y = pb.models.MLP([2, 3]), np.ones((100, 2), "float32"), np.zeros(100, int)
    >>> score = RowMean(pb.train.accuracy)
    >>> pb.train.evaluate(model, pb.models.cross_entropy, (x, y), score, rows=10)[1] in (0.0, 1.0)
    True
    """

    score: Callable[[Any, Any], float]

    def __call__(self, outputs: PyTree, y: PyTree) -> float:
        """The score of these rows."""
        return self.score(outputs, y)


def rows_at_once(x: PyTree, batch_size: int | None = None) -> int:
    """How many rows of inputs are measured at once: 8192 of tables, else about as many as fit where a batch does."""
    leaves = tree.leaves(x)
    if all(leaf.ndim <= 2 and is_inexact(leaf.dtype) for leaf in leaves):
        return ROWS_AT_ONCE
    return _LARGE_ROWS_AT_ONCE if batch_size is None else min(2 * batch_size, ROWS_AT_ONCE)


def raw_arrays(x: PyTree, what: str) -> Any:
    """A tree of arrays with the backend's own arrays as leaves.

    Raises
    ------
    TypeError
        If there is no leaf, or one is no array.
    """
    leaves, spec = tree.flatten(x)
    if not leaves:
        raise TypeError(f"{what} holds no arrays")
    raw = [plain(backend_array(leaf)) for leaf in leaves]
    for leaf in raw:
        if not is_array(leaf):
            raise TypeError(
                f"{what} holds {_article(leaf)}: it is an array, or a tree of arrays; NumPy makes one of lists by "
                "np.asarray"
            )
    return raw[0] if len(raw) == 1 and x is leaves[0] else tree.unflatten(spec, raw)


def _article(value: Any) -> str:
    kind = type(value).__name__
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def predict(model: PyTree, x: PyTree, *, rows: int | None = None) -> Any:
    """The model's outputs as raw arrays on its device; some rows at a time, for memory's sake.

    Parameters
    ----------
    model : callable pytree
        ``model(x)``, each of whose outputs has a row for each row of its inputs.
    x : array (n, …), or a pytree of them
        A tuple stands for several inputs, ``model(*x)``.
    rows : int, optional
        How many at once; by default 8192 of a table, 256 of images, sequences and others.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.train.predict(pb.models.MLP([2, 3]), np.ones((4, 2), "float32")).shape
    (4, 3)
    """
    x = raw_arrays(x, "predict: x")
    home = backend_of_model(model, x)
    check_place(x, home, "predict: x")
    chunks = [outputs for outputs, *_ in _outputs(model, (x,), rows or rows_at_once(x))]
    return _joined(chunks, home)


def evaluate(
    model: PyTree,
    loss: Callable[..., Any],
    part: PyTree,
    score: Callable[..., float] | None = None,
    *,
    loss_of: str = "outputs",
    rows: int | None = None,
    whole: bool = False,
    call: Callable[[Any, Any], Any] = call_model,
) -> tuple[float, float]:
    """Loss and score of a model over all rows of a part of the data; the score is NaN without a `score`.

    Parameters
    ----------
    model, loss, score, loss_of
        As in `fit`.
    part : tuple or pytree
        ``(x, y)``; with ``loss_of="model"`` what a batch is.
    rows : int, optional
        How many at once, as in `predict`. With ``loss_of="model"``, or a `RowMean` as score, loss and score are then
        means of the parts', weighted by their rows.
    whole : bool
        Take everything at once, as `fit` does with ``batch_size=None``.
    call : callable
        ``call(model, x)``, what gives the outputs.
    """
    if loss_of == "model":
        return _evaluate_model(model, loss, part, score, rows, whole)
    x, y = raw_arrays(part[0], "evaluate: x"), raw_arrays(part[1], "evaluate: y")
    home = backend_of_model(model, x)
    check_place(x, home, "evaluate: x")
    check_place(y, home, "evaluate: y")
    if whole:
        outputs = tree.map(backend_array, call(model, placed(x, home)))
        return _measured(outputs, placed(y, home), loss, score)
    rows = rows or rows_at_once(x)
    if isinstance(score, RowMean):
        parts = (
            (n, *_measured(outputs, own, loss, score))
            for outputs, own, n in _outputs(model, (x, y), rows, call)
        )
        return _weighted(parts)
    chunks = [outputs for outputs, *_ in _outputs(model, (x,), rows, call)]
    return _measured(_joined(chunks, home), placed(y, home), loss, score)


def evaluate_on_ranks(
    ranks: Ranks,
    model: PyTree,
    loss: Callable[..., Any],
    part: PyTree,
    score: Callable[..., float] | None = None,
    *,
    loss_of: str = "outputs",
    rows: int | None = None,
    whole: bool = False,
    call: Callable[[Any, Any], Any] = call_model,
) -> tuple[float, float]:
    """As `evaluate`, each rank with its share of the rows; the same two numbers on all of them.

    Where there is no score, or it is a `RowMean`, and with ``loss_of="model"``, the ranks' means are averaged, weighted
    by their rows; else their outputs are gathered, and loss and score taken of all of them.
    """
    n = tree.leaves(part)[0].shape[0]
    if whole or n < ranks.group.size:
        found = evaluate(
            model, loss, part, score, loss_of=loss_of, rows=rows, whole=whole, call=call
        )
    else:
        chosen = ranks.rows(n)
        own = tree.map(lambda a: a[chosen, ...], part)
        if loss_of == "model" or score is None or isinstance(score, RowMean):
            means = evaluate(model, loss, own, score, loss_of=loss_of, rows=rows, call=call)
            return _weighted(
                (int(k), float(a), float(b))
                for k, a, b in ranks.table((chosen.stop - chosen.start, *means))
            )
        home = backend_of_model(model, own)
        at_once = rows or rows_at_once(own[0])
        chunks = [outputs for outputs, *_ in _outputs(model, (own[0],), at_once, call)]
        outputs = ranks.joined(_joined(chunks, home))
        found = _measured(outputs, placed(part[1], home), loss, score)
    # the same numbers, but for other kernels on another processor: those of rank 0 are everybody's
    loss_found, score_found = ranks.table(found)[0].tolist()
    return loss_found, score_found


def warn_of_other_losses(
    ranks: Ranks, model: PyTree, loss: Callable[..., Any], part: PyTree, loss_of: str
) -> None:
    """Warn, on rank 0, of a loss that is no mean over rows: of shares of a batch it is not what it is of the batch.

    All ranks try it on the first six rows: there may be collectives in it.
    """
    if tree.leaves(part)[0].shape[0] < 6:
        return
    whole, first, rest = (
        evaluate(model, loss, tree.map(lambda a, c=c: a[c, ...], part), loss_of=loss_of)[0]
        for c in (slice(0, 6), slice(0, 2), slice(2, 6))
    )
    mean = (2 * first + 4 * rest) / 6
    other = abs(whole - mean) > 1e-3 * (abs(whole) + abs(mean))
    if ranks.group.rank == 0 and math.isfinite(whole + mean) and other:
        warnings.warn(
            f"fit: the loss is no mean over rows: of six of them it is {whole:.6g}, and the mean of its values of two "
            f"and of four is {mean:.6g}. On ranks it is the mean of its values on each rank's rows, another function "
            "than in one process, and another one for each number of ranks",
            stacklevel=3,
        )


def _evaluate_model(
    model: PyTree,
    loss: Callable[..., Any],
    part: PyTree,
    score: Callable[..., float] | None,
    rows: int | None,
    whole: bool,
) -> tuple[float, float]:
    settings = {"key": None} if takes_key(loss, model) else {}

    def measured(batch: PyTree) -> tuple[float, float]:
        found = loss(model, batch, **settings)
        value = found[0] if isinstance(found, tuple) else found
        return scalar(value), math.nan if score is None else float(score(model, batch))

    home = backend_of_model(model, part)
    check_place(part, home, "evaluate: part")
    if whole:
        return measured(placed(part, home))
    parts = _parts(part, rows or rows_at_once(part), home)
    return _weighted((n, *measured(batch)) for batch, n in parts)


def _measured(
    outputs: PyTree, y: PyTree, loss: Callable[..., Any], score: Callable[..., float] | None
) -> tuple[float, float]:
    # the loss gets `Array`s, as in training
    value = scalar(loss(tree.map(asarray, outputs), y))
    return value, math.nan if score is None else float(score(outputs, y))


def scalar(value: Any) -> float:
    """A loss as a number.

    Raises
    ------
    ValueError
        If it is not one number.
    """
    shape = tuple(getattr(value, "shape", ()))
    if shape != ():
        raise ValueError(
            f"fit: the loss has to be one number, the mean over rows; it has shape {shape}: take pb.xp.mean of it"
        )
    return float(value)


def _weighted(parts: Iterable[tuple[int, float, float]]) -> tuple[float, float]:
    """Means weighted by rows."""
    rows, losses, scores = zip(*parts, strict=True)
    n = sum(rows)
    means = (
        math.fsum(r * v for r, v in zip(rows, values, strict=True)) / n
        if all(map(math.isfinite, values))
        else sum(values)
        for values in (losses, scores)
    )
    return next(means), next(means)


def _outputs(
    model: PyTree, part: tuple[Any, ...], rows: int, call: Callable[[Any, Any], Any] = call_model
) -> Iterator[tuple[Any, ...]]:
    """Outputs of some rows at a time, what of y goes with them, and their number."""
    for (x, *rest), n in _parts(part, rows, backend_of_model(model, part[0])):
        yield tree.map(backend_array, call(model, x)), *rest, n


def _parts(part: PyTree, rows: int, home: Backend) -> Iterator[tuple[Any, int]]:
    """Some rows of a tree at a time, on the device, and their number."""
    leaves, spec = tree.flatten(part)
    chunks = parts_of(leaves[0].shape[0], rows) or [slice(0, 0)]
    batches = by_place(
        tuple(leaves),
        home,
        lambda own: prefetch((tuple(a[c, ...] for a in own) for c in chunks), own[0], home),
    )
    reading = Reading(leaves)
    for batch, chunk in zip(batches, chunks, strict=True):
        yield tree.unflatten(spec, batch), chunk.stop - chunk.start
        reading.rows(chunk.stop - chunk.start)
    reading.end()


def placed(x: PyTree, home: Backend) -> Any:
    """A tree of arrays on the device."""
    return tree.map(lambda leaf: home.asarray(leaf) if needs_transfer(leaf, home) else leaf, x)


def _joined(chunks: list[Any], home: Backend) -> Any:
    """Outputs of parts, one after the other."""
    if len(chunks) == 1:
        return chunks[0]
    flat = [tree.flatten(chunk) for chunk in chunks]
    columns = zip(*(leaves for leaves, _ in flat), strict=True)
    return tree.unflatten(flat[0][1], [home.xp.concat(list(column)) for column in columns])
