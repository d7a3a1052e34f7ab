"""The figures of an evaluation as a table of 80 columns, and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import counted, one_line
from .metrics import (
    ClassificationMetrics,
    ClassMetrics,
    Metrics,
    RegressionMetrics,
    TextMetrics,
)

WIDTH = 80
_MOST_CLASSES = 20
_MOST_CONFUSED = 3
_UNDEFINED = "–"


def as_json(found: Metrics, about: Mapping[str, Any] | None = None) -> str:
    """The figures as strict JSON: what is not defined is null, and there is no NaN.

    Examples
    --------
    >>> from pullback.train.evaluation.metrics import TextMetrics
    >>> print(as_json(TextMetrics(2, 0.5, 1.0, None, 1.44), {"data": "t.txt"}))
    {
      "data": "t.txt",
      "task": "text",
      "rows": 2,
      "accuracy": 0.5,
      "log_loss": 1.0,
      "perplexity": null,
      "bits_per_character": 1.44,
      "notes": []
    }
    <BLANKLINE>
    """
    content = {**(about or {}), "task": found.task, **dataclasses.asdict(found)}
    return json.dumps(_strict(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def as_table(found: Metrics) -> str:
    """The figures as lines of at most 80 columns.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback.train.evaluation.metrics import regression_metrics
    >>> print(as_table(regression_metrics(np.asarray([[1.0], [3.0]]), np.ones((2, 1)), ["price"])))
    target        R2        MAE       RMSE
    price    -1.0000          1      1.414
    """
    if isinstance(found, ClassificationMetrics):
        lines = _classification(found)
    elif isinstance(found, RegressionMetrics):
        lines = _regression(found)
    else:
        lines = _text(found)
    notes = [textwrap.wrap(one_line(f"note: {note}"), WIDTH) for note in found.notes]
    return "\n".join([*lines, *(line for note in notes for line in note)])


def _classification(found: ClassificationMetrics) -> list[str]:
    auc = "ROC AUC" if len(found.classes) == 2 else "ROC AUC, one against the rest"
    left = [
        ("accuracy", _percent(found.accuracy)),
        ("balanced accuracy", _percent(found.balanced_accuracy)),
        (auc, _four(found.roc_auc)),
    ]
    right = [
        ("log loss", _four(found.log_loss)),
        ("Brier score", _four(found.brier_score)),
        ("expected calibration error", _four(found.expected_calibration_error)),
    ]
    lines = _pairs(left, right)
    shown = list(found.per_class)
    if len(shown) > _MOST_CLASSES:
        shown = sorted(shown, key=lambda row: 2.0 if row.f1 is None else row.f1)[:_MOST_CLASSES]
    averages = (found.macro_average, found.weighted_average)
    head = ("class", "precision", "recall", "F1", "ROC AUC", "rows")
    body = [_class_row(row) for row in (*shown, *averages)]
    table = _aligned(head, body)
    lines += ["", table[0], *table[1 : len(shown) + 1]]
    if len(shown) < len(found.per_class):
        rest = len(found.per_class) - len(shown)
        lines.append(f"… and {rest:,} more classes, of a higher F1 (all of them: --json FILE)")
    lines += table[len(shown) + 1 :]
    confused = _confused(found)
    return [*lines, "", *confused] if confused else lines


def _class_row(row: ClassMetrics) -> tuple[str, ...]:
    figures = (row.precision, row.recall, row.f1, row.roc_auc)
    return (row.name, *map(_four, figures), f"{row.rows:,}")


def _confused(found: ClassificationMetrics) -> list[str]:
    """The commonest errors, in a few lines."""
    errors = [
        (count, i, j)
        for i, row in enumerate(found.confusion_matrix)
        for j, count in enumerate(row)
        if i != j and count
    ]
    errors.sort(key=lambda error: (-error[0], error[1:]))
    lines = [
        f"{_cut(found.classes[i], 24)} taken for {_cut(found.classes[j], 24)}: {counted(count, 'row')}"
        for count, i, j in errors[:_MOST_CONFUSED]
    ]
    if len(errors) > _MOST_CONFUSED and sum(count for count, *_ in errors) > 0:
        rest = sum(count for count, *_ in errors[_MOST_CONFUSED:])
        lines.append(f"other errors: {counted(rest, 'row')}")
    return lines


def _regression(found: RegressionMetrics) -> list[str]:
    rows = [
        (t.name, _four(t.r2), _short(t.mean_absolute_error), _short(t.root_mean_squared_error))
        for t in found.per_target
    ]
    if len(rows) > 1:
        mean = (found.r2, found.mean_absolute_error, found.root_mean_squared_error)
        rows.append(("mean", _four(mean[0]), _short(mean[1]), _short(mean[2])))
    return _aligned(("target", "R2", "MAE", "RMSE"), rows)


def _text(found: TextMetrics) -> list[str]:
    return _pairs(
        [("accuracy", _percent(found.accuracy)), ("perplexity", _short(found.perplexity))],
        [
            ("log loss", _four(found.log_loss)),
            ("bits per character", _four(found.bits_per_character)),
        ],
    )


def _pairs(left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]) -> list[str]:
    """Names and figures, in two columns of them."""
    halves = []
    for half in (left, right):
        name = max(len(label) for label, _ in half)
        figure = max(len(value) for _, value in half)
        halves.append([f"{label:<{name}}  {value:>{figure}}" for label, value in half])
    return [f"{a}    {b}" for a, b in zip(*halves, strict=True)]


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table whose first column takes what the others leave of 80 columns."""
    widths = [max(10, *(len(row[i]) for row in (head, *rows))) for i in range(1, len(head))]
    widths = [w if len(head) < 6 else max(9, w - 1) for w in widths]
    room = WIDTH - sum(widths) - len(widths)
    names = [_cut(row[0], room) for row in rows]
    first = max(len(head[0]), *(map(len, names)))
    return [
        f"{name:<{first}}"
        + "".join(f" {cell:>{w}}" for cell, w in zip(row[1:], widths, strict=True))
        for name, row in zip([head[0], *names], [head, *rows], strict=True)
    ]


def _cut(name: str, most: int) -> str:
    text = one_line(name)
    return text if len(text) <= most else text[: most - 1] + "…"


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _four(value: float | None) -> str:
    return _UNDEFINED if value is None else f"{value:.4f}" if abs(value) < 1e5 else f"{value:.3e}"


def _short(value: float | None) -> str:
    return _UNDEFINED if value is None else f"{value:.4g}"
