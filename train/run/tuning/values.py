"""The combinations of settings that `tune` tries: all of a grid, or some drawn at random."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import InputError, extra, shown
from ...settings.config import Settings
from ...settings.defaults import COEFFICIENTS, OF_OPTIMIZER, OPTIMIZERS, rate_and_decay
from ...settings.parsing import parse_hidden, parse_warmup


def _yes_or_no(text: str) -> bool:
    known = {"yes": True, "true": True, "no": False, "false": False}
    return known[text.lower()]


# What can be tuned, and what one value of it is. Not the weights of classes: losses with and without do not compare.
_VALUE_OF: dict[str, Callable[[str], Any]] = {
    "learning_rate": float,
    "l2": float,
    "l1": float,
    "dropout": float,
    "clip": float,
    "batch_size": int,
    "hidden": parse_hidden,
    "activation": str,
    "batch_norm": _yes_or_no,
    "optimizer": str,
    "momentum": float,
    "schedule": str,
    "warmup": parse_warmup,
}
TUNABLE = tuple(_VALUE_OF)
# Of which ranges are taken, their logarithm spread evenly, or they themselves.
LOGARITHMIC, LINEAR = ("learning_rate", "l2", "l1", "clip"), ("dropout", "momentum")
_WORDS = {float: "numbers", int: "whole numbers", _yes_or_no: "yes and no"}

# Learning rates where none are given, as factors of the optimiser's own default: two decades.
_FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)
# Draws of the same settings again in a row before there are taken to be no others.
_TRIES = 100


@dataclass(frozen=True)
class LogUniform:
    """A range from which numbers are drawn whose logarithm is spread evenly, with three digits.

    Parameters
    ----------
    low, high : float
        Positive; from 1e-4 to 1e-1 a draw is as often below 3e-3 as above.

    Raises
    ------
    InputError
        If they are not positive and in order.

    Examples
    --------
    >>> import numpy as np
    >>> LogUniform(1e-4, 1e-1).rvs(random_state=np.random.RandomState(0))
    0.00443
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise InputError(
                f"tune: {self}: a range goes from a number above 0 to a larger one, as 1e-4:1e-1"
            )

    def rvs(self, random_state: Any = None) -> float:
        """Draw a number, as scikit-learn's `ParameterSampler` asks SciPy's distributions to."""
        loguniform = extra("scipy.stats", "tune").loguniform
        return float(f"{loguniform(self.low, self.high).rvs(random_state=random_state):.3g}")

    def place(self, value: float) -> float:
        """Where a number is between the ends, from 0 to 1."""
        return math.log(value / self.low) / math.log(self.high / self.low)

    def wider(self, *, up: bool) -> LogUniform:
        """The range and ten times more to one side."""
        low, high = self.low / (1 if up else 10), self.high * (10 if up else 1)
        return LogUniform(float(f"{low:g}"), float(f"{high:g}"))

    def __str__(self) -> str:
        return f"{self.low:g}:{self.high:g}"


@dataclass(frozen=True)
class Uniform:
    """A range of shares from which numbers are drawn evenly, with three digits.

    Parameters
    ----------
    low, high : float
        From 0 to 1.

    Raises
    ------
    InputError
        If they are not in order there.

    Examples
    --------
    >>> import numpy as np
    >>> Uniform(0.0, 0.5).rvs(random_state=np.random.RandomState(0))
    0.274
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high < 1:
            raise InputError(
                f"tune: {self}: this range goes from a number of at least 0 to a larger one below 1, as 0:0.5"
            )

    def rvs(self, random_state: Any = None) -> float:
        """Draw a number, as scikit-learn's `ParameterSampler` asks SciPy's distributions to."""
        uniform = extra("scipy.stats", "tune").uniform
        drawn = uniform(self.low, self.high - self.low).rvs(random_state=random_state)
        return float(f"{drawn:.3g}")

    def place(self, value: float) -> float:
        """Where a number is between the ends, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)

    def wider(self, *, up: bool) -> Uniform | None:
        """The range to twice as near to 1, or down to 0; None where it begins there."""
        if up:
            return Uniform(self.low, float(f"{(1 + self.high) / 2:.3g}"))
        return Uniform(0.0, self.high) if self.low else None

    def __str__(self) -> str:
        return f"{self.low:g}:{self.high:g}"


def values_of(key: str, text: str) -> tuple[Any, ...] | LogUniform | Uniform:
    """The values of one setting as the command line has them: a list, or a range to draw from.

    Raises
    ------
    InputError
        If one is not of the setting's type.

    Examples
    --------
    >>> values_of("learning_rate", "1e-3, 1e-2"), values_of("hidden", "64; 128,64; none")
    ((0.001, 0.01), ((64,), (128, 64), ()))
    >>> values_of("l2", "1e-5:1e-1")
    LogUniform(low=1e-05, high=0.1)
    """
    convert = _VALUE_OF[key]
    if ":" in text and convert in (float, int, parse_warmup):
        return _range(key, text)
    try:
        return tuple(convert(part.strip()) for part in text.split(";" if key == "hidden" else ","))
    except InputError as error:
        raise InputError(f"tune: {error}") from None
    except (ValueError, KeyError):
        raise InputError(
            f"tune: {key}: {shown(text)} is no list of {_WORDS[convert]}; write them with commas"
        ) from None


def _range(key: str, text: str) -> LogUniform | Uniform:
    if key not in (*LOGARITHMIC, *LINEAR):
        raise InputError(
            f"tune: {key}: {shown(text)}: ranges are for {', '.join((*LOGARITHMIC, *LINEAR))}; "
            "write values with commas"
        )
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        raise InputError(
            f"tune: {key}: {shown(text)} is no range; write two numbers, as 1e-4:1e-1"
        ) from None
    try:
        return LogUniform(low, high) if key in LOGARITHMIC else Uniform(low, high)
    except InputError as error:
        raise InputError(str(error).replace("tune:", f"tune: {key}:", 1)) from None


def checked(grid: Mapping[str, Any]) -> dict[str, Any]:
    """The values by setting: lists without repetition, and what numbers are drawn from.

    Raises
    ------
    InputError
        For a setting that cannot be tuned, and one without values.
    """
    out: dict[str, Any] = {}
    for key, values in grid.items():
        if key not in TUNABLE:
            raise InputError(f"tune: {key!r} is no setting to tune; there are {', '.join(TUNABLE)}")
        if hasattr(values, "rvs"):
            out[key] = values
            continue
        out[key] = tuple(dict.fromkeys(values))
        if not out[key]:
            raise InputError(f"tune: no values for {key}")
    return out


def with_rates(base: Settings, grid: Mapping[str, Any], *, draw: bool = False) -> dict[str, Any]:
    """The grid, with learning rates where it has none and one optimiser: five, or a range to draw from.

    Examples
    --------
    >>> with_rates(Settings(), {})
    {'learning_rate': (0.0002, 0.0006, 0.002, 0.006, 0.02)}
    >>> with_rates(Settings(), {}, draw=True)
    {'learning_rate': LogUniform(low=0.0002, high=0.02)}
    """
    if "learning_rate" in grid or _several(grid):
        return dict(grid)
    optimizer = grid["optimizer"][0] if "optimizer" in grid else base.optimizer
    if optimizer not in OPTIMIZERS:
        # `Settings` says what is wrong
        return dict(grid)
    rate, _ = rate_and_decay(base.model, optimizer)
    rates = tuple(float(f"{rate * factor:.3g}") for factor in _FACTORS)
    return {"learning_rate": LogUniform(rates[0], rates[-1]) if draw else rates, **grid}


def combinations(base: Settings, grid: Mapping[str, Any]) -> list[Settings]:
    """All combinations of the grid's values, over the settings `base`.

    Raises
    ------
    InputError
        For a setting that cannot be tuned, one without values, a range, or a value that is wrong.

    Examples
    --------
    >>> [s.learning_rate for s in combinations(Settings(), {"learning_rate": [1e-3, 1e-2]})]
    [0.001, 0.01]
    """
    grid = checked(grid)
    for key, values in grid.items():
        if hasattr(values, "rvs"):
            raise InputError(
                f"tune: {key}: {values} is a range, of which no grid is made: "
                "give how many settings to draw, as --random 20, or a list"
            )
    chosen = (dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values()))
    return list(dict.fromkeys(_over(base, values, _several(grid)) for values in chosen))


def drawn(base: Settings, grid: Mapping[str, Any], number: int) -> list[Settings]:
    """Different combinations that scikit-learn's `ParameterSampler` draws, over the settings `base`.

    Of lists alone it draws without repetition, and there are no more than their grid has; with a range among them each
    value is drawn on its own, and what comes twice is drawn anew.

    Parameters
    ----------
    base : Settings
        Its seed is that of the draws.
    grid : mapping of str to sequence or distribution
        Lists of values; a `LogUniform`, or a distribution of `scipy.stats`.
    number : int
        How many; fewer come if there are no more.

    Raises
    ------
    InputError
        As `combinations`; for a number below 1.

    Examples
    --------
    >>> found = drawn(Settings(), {"learning_rate": LogUniform(1e-4, 1e-1), "l2": [0.0, 0.1]}, 30)
    >>> len(set(found)), all(1e-4 <= s.learning_rate <= 1e-1 for s in found), {s.l2 for s in found}
    (30, True, {0.0, 0.1})
    """
    if type(number) is not int or number < 1:
        raise InputError(f"random: {shown(number)} is no number of settings to draw, of at least 1")
    grid = checked(grid)
    sampler = extra("sklearn.model_selection", "tune with random settings").ParameterSampler
    # its seeds are below 2**32, those of a run are not
    bits = np.random.MT19937(np.random.SeedSequence([base.seed, 3]))
    random = np.random.RandomState(bits)
    lists = [len(values) for values in grid.values() if not hasattr(values, "rvs")]
    if len(lists) == len(grid):
        number = min(number, math.prod(lists))
    found: dict[Settings, None] = {}
    idle = 0
    while len(found) < number and idle < _TRIES:
        before = len(found)
        for values in sampler(grid, number - before, random_state=random):
            found[_over(base, values, _several(grid))] = None
        idle = idle + 1 if len(found) == before else 0
    return list(found)


def _over(base: Settings, values: Mapping[str, Any], several: bool) -> Settings:
    """The settings `base` with other values; of `several` optimisers each takes what it has, as sgd its momentum."""
    optimizer = values.get("optimizer", base.optimizer)
    if several:
        has = {"learning_rate", "l2", *COEFFICIENTS.get(optimizer, OF_OPTIMIZER)}
        values = {key: v for key, v in values.items() if key not in OF_OPTIMIZER or key in has}
    if optimizer != base.optimizer:
        # rate, decay and momentum of `base` belong to its own optimiser: another brings its defaults
        values = {**dict.fromkeys(OF_OPTIMIZER), **values}
    return replace(base, **values)


def _several(grid: Mapping[str, Any]) -> bool:
    return len(grid.get("optimizer", ())) > 1


def varied(settings: Sequence[Settings]) -> list[str]:
    """The settings in which some of these differ; the learning rate if none does."""
    return [key for key in TUNABLE if len({getattr(s, key) for s in settings}) > 1] or [
        "learning_rate"
    ]


def value_text(value: Any) -> str:
    """A value of a setting in a table.

    Examples
    --------
    >>> value_text((128, 64)), value_text(()), value_text(1e-05), value_text(True), value_text(None)
    ('128,64', 'none', '1e-05', 'yes', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def in_words(settings: Settings, keys: Sequence[str]) -> str:
    """Some settings and their values, in a line; without those that the network or the optimiser does not have."""
    found = ((key, getattr(settings, key)) for key in keys)
    return ", ".join(f"{key} {value_text(value)}" for key, value in found if value is not None)
