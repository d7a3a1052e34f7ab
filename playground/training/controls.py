"""The controls of the tab as records, of which the page makes its form: every one has a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .data import KINDS, REGRESSION, draw
from .features import FEATURES
from .settings import (
    ACTIVATIONS,
    FIRST_ORDER,
    FULL_BATCH,
    PROBLEMS,
    RATES,
    REGULARISATIONS,
    SEARCHES,
    STRENGTHS,
)

_COLOURS = ("#d8700a", "#0072b2")


@dataclass(frozen=True)
class Choice:
    """A control with a list of values.

    Attributes
    ----------
    name : str
        Of the field of `Settings`.
    label : str
    groups : dict of {str: list of (value, text)}
        The values under their headings; an empty heading is none.
    hint : str
        What it does, shown when the mouse rests on it.
    """

    name: str
    label: str
    groups: dict[str, list[tuple[Any, str]]]
    hint: str = ""


@dataclass(frozen=True)
class Slide:
    """A control with a number between two others.

    Attributes
    ----------
    name, label : str
    low, high, step : float
    scale : float
        What the number is multiplied by to become the setting.
    unit : str
        What stands behind the number.
    """

    name: str
    label: str
    low: float
    high: float
    step: float = 1
    scale: float = 1
    unit: str = ""


def _plain(values: Any) -> dict[str, list[tuple[Any, str]]]:
    return {"": [(value, str(value).replace("_", " ")) for value in values]}


_METHODS = {
    "gradient-descent": "Gradient descent",
    "conjugate-gradient": "Conjugate gradients",
    "l-bfgs": "L-BFGS",
    "newton-cg": "Newton-CG",
    "newton": "Newton",
}
_SEARCHES = {
    "constant": "constant step",
    "halving": "halving",
    "backtracking": "backtracking",
    "armijo": "Armijo",
    "exact": "exact",
    "wolfe": "strong Wolfe",
}

CHOICES: dict[str, Choice] = {
    choice.name: choice
    for choice in (
        Choice("problem", "Problem", _plain(PROBLEMS)),
        Choice(
            "optimiser",
            "Optimiser",
            {
                "minibatch": [(name, name) for name in FIRST_ORDER],
                "full batch": [(name, _METHODS[name]) for name in FULL_BATCH],
            },
        ),
        Choice(
            "search",
            "Line search",
            {"": [(name, _SEARCHES[name]) for name in SEARCHES]},
            "How a full-batch method chooses the length of each step. The constant step is the learning rate.",
        ),
        Choice("rate", "Learning rate", {"": [(rate, f"{rate:g}") for rate in RATES]}),
        Choice("activation", "Activation", _plain(ACTIVATIONS)),
        Choice(
            "regularisation",
            "Regularisation",
            {"": [(name, name.upper() if name != "none" else name) for name in REGULARISATIONS]},
        ),
        Choice("strength", "Strength", {"": [(value, f"{value:g}") for value in STRENGTHS]}),
    )
}
"""Controls with a list of values, by name."""

SLIDES: dict[str, Slide] = {
    slide.name: slide
    for slide in (
        Slide("share", "Training data", 10, 90, 10, 0.01, " %"),
        Slide("noise", "Noise", 0, 50, 5, 0.01, " %"),
        Slide("batch", "Batch size", 1, 50),
    )
}
"""Controls with a number, by name."""

SYMBOLS = {name: (feature.symbol, feature.words) for name, feature in FEATURES.items()}
"""How a feature is written and said."""


def thumbnail(name: str, points: int = 90) -> str:
    """A small picture of a data set, as SVG."""
    data = draw(name, points=points)
    low = -1.0 if data.problem == REGRESSION else 0.0
    dots = []
    for (a, b), y in zip(data.X, data.y, strict=True):
        part = (float(y) - low) / (1 - low)
        colour = _COLOURS[part > 0.5]
        strong = 0.25 + 0.75 * abs(2 * part - 1)
        dots.append(
            f'<circle cx="{22 + 3.4 * a:.1f}" cy="{22 - 3.4 * b:.1f}" r="1.9" fill="{colour}" opacity="{strong:.2f}"/>'
        )
    return f'<svg viewBox="0 0 44 44" aria-hidden="true">{"".join(dots)}</svg>'


DATASETS = {name: (kind.title, kind.problem, thumbnail(name)) for name, kind in KINDS.items()}
"""Of each data set its title, its problem and its picture."""
