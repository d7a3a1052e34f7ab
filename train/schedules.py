"""Learning rates over a run: the schedules by their names, for so many steps, and the rate that follows the loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from .. import optim
from ..autograd.core.array import backend_array
from ..autograd.core.typing import ArrayLike, PyTree, Value
from ..autograd.pytree import tree

SCHEDULES = (
    "constant",
    "step",
    "inverse",
    "inverse_sqrt",
    "exponential",
    "polynomial",
    "cosine",
    "one_cycle",
    "plateau",
)

# of the steps of a run: how far `inverse` and `inverse_sqrt` are from their pole at the start
_SHARE_OF_INVERSE = 10
# what the rate of `exponential` is at the end of a run, as a factor
_END_OF_EXPONENTIAL = 0.01
_PARTS_OF_STEP = 3
_FEWEST_OF_ONE_CYCLE = 4


@dataclass(frozen=True)
class Shifted:
    """A schedule that begins after `steps` of its steps.

    Examples
    --------
    >>> import pullback as pb
    >>> [Shifted(pb.optim.InverseDecay(4.0), 3)(k) for k in (0, 4)]
    [1.0, 0.5]
    """

    then: Callable[[Any], Any]
    steps: int

    def __call__(self, count: ArrayLike) -> Value:
        """The rate after `count` steps."""
        return self.then(count + self.steps)


def warm_up_steps(warmup: float, steps: int) -> int:
    """The steps of warm-up: `warmup` itself, or where it is below 1 that share of all steps, one at least.

    Examples
    --------
    >>> warm_up_steps(20, 100), warm_up_steps(0.05, 100), warm_up_steps(0.001, 100), warm_up_steps(0, 9)
    (20, 5, 1, 0)
    """
    if warmup == 0 or warmup >= 1:
        return int(warmup)
    return max(1, round(warmup * steps))


def by_all_steps(schedule: str, warmup: float) -> bool:
    """Whether a schedule is another one for another number of steps in all.

    Examples
    --------
    >>> by_all_steps("cosine", 0), by_all_steps("constant", 50), by_all_steps("constant", 0.1)
    (True, False, True)
    """
    return schedule not in ("constant", "plateau") or 0 < warmup < 1


def make_schedule(schedule: str, rate: float, steps: int, warmup: float = 0) -> Any:
    """The learning rate of a run of so many steps: a number, or a function of the step count from `pb.optim`.

    With ``T = steps − warm-up`` and k counted from the end of the warm-up:

    ================  ==========================================================================
    ``constant``      rate
    ``step``          a tenth after each third: ``rate · 0.1^⌊k / ⌈T/3⌉⌋``
    ``inverse``       ``rate · s / (k + s)``, s = T/10: half after a tenth of the run
    ``inverse_sqrt``  ``rate · √(s / (k + s))``
    ``exponential``   ``rate · 0.01^(k/T)``
    ``polynomial``    a straight line to 0: ``rate · (1 − k/T)``
    ``cosine``        ``rate · ½ (1 + cos(π k/T))``, to 0
    ``one_cycle``     from rate/25 up to rate in 0.3 T, then down to rate/250,000, by half cosines
    ``plateau``       rate, until `on_plateau` lowers it
    ================  ==========================================================================

    Parameters
    ----------
    schedule : str
        One of `SCHEDULES`.
    rate : float
        The greatest rate.
    steps : int
        Of the whole run.
    warmup : int or float
        Steps, or where it is below 1 the share of all steps, in which the rate first rises in a straight line.

    Raises
    ------
    ValueError
        For an unknown schedule, a warm-up that leaves no step, or too few steps for one_cycle.

    Examples
    --------
    >>> make_schedule("constant", 0.1, 100), make_schedule("polynomial", 0.1, 100)(75)
    (0.1, 0.025)
    >>> [make_schedule("constant", 0.4, 10, 3)(k) for k in (0, 1, 2, 3, 9)]
    [0.1, 0.2, 0.30000000000000004, 0.4, 0.4]
    """
    rise = warm_up_steps(warmup, steps)
    if rise >= steps:
        raise ValueError(
            f"warmup: {rise:,} steps of warm-up are all of the run's {steps:,}: give fewer, or a share below 1"
        )
    then = _after_warm_up(schedule, rate, steps - rise)
    if not rise:
        return then
    # the first step has a rate too: a straight line from 0 before it
    return optim.WarmUp(then, rise, start=rate / (rise + 1))


def _after_warm_up(schedule: str, rate: float, steps: int) -> Any:
    match schedule:
        case "constant" | "plateau":
            return rate
        case "step":
            return optim.StepDecay(rate, every=math.ceil(steps / _PARTS_OF_STEP))
        case "inverse":
            shift = max(1, steps // _SHARE_OF_INVERSE)
            return Shifted(optim.InverseDecay(rate * shift), shift - 1)
        case "inverse_sqrt":
            shift = max(1, steps // _SHARE_OF_INVERSE)
            return Shifted(optim.InverseSqrtDecay(rate * math.sqrt(shift)), shift - 1)
        case "exponential":
            return optim.ExponentialDecay(rate, _END_OF_EXPONENTIAL, every=steps)
        case "polynomial":
            return optim.PolynomialDecay(rate, steps)
        case "cosine":
            return optim.CosineDecay(rate, steps)
        case "one_cycle":
            if steps < _FEWEST_OF_ONE_CYCLE:
                raise ValueError(
                    f"schedule: one_cycle needs {_FEWEST_OF_ONE_CYCLE} steps or more, and the run has {steps}"
                )
            return optim.OneCycle(rate, steps)
    raise ValueError(f"schedule {schedule!r} is unknown; choose one of {', '.join(SCHEDULES)}")


class PlateauSteps(NamedTuple):
    """The optimiser's state, and that of the rule that lowers its rate."""

    inner: PyTree
    rule: Any


@dataclass(frozen=True)
class OnPlateau:
    """An optimiser whose learning rate a rule lowers between steps, by `note_loss`; the rate is part of its state.

    Attributes
    ----------
    opt : optimiser
        It takes the step.
    rule : ReduceOnPlateau
    """

    opt: Any
    rule: optim.ReduceOnPlateau

    def init(self, params: PyTree) -> PlateauSteps:
        """The state before the first step, on the device of the parameters."""
        leaves = [leaf for leaf in tree.leaves(params) if hasattr(leaf, "dtype")]
        return PlateauSteps(self.opt.init(params), self.rule.init(leaves[0] if leaves else None))

    def step(
        self, params: PyTree, grads: PyTree, state: PlateauSteps, *, lr: Any = None
    ) -> tuple[PyTree, PlateauSteps]:
        """New parameters and state, as in the optimiser's own `step`."""
        rate = state.rule.lr if lr is None else lr
        params, inner = self.opt.step(params, grads, state.inner, lr=rate)
        return params, PlateauSteps(inner, state.rule)


def on_plateau(opt: Any, rule: optim.ReduceOnPlateau | None) -> Any:
    """An optimiser with the rates of a rule; itself where there is none."""
    if rule is None:
        return opt
    if isinstance(opt, optim.LossScaling):  # which asks for its own state first
        return replace(opt, opt=OnPlateau(opt.opt, rule))
    return OnPlateau(opt, rule)


def note_loss(opt: Any, state: Any, loss: float) -> None:
    """Tell the rule of an optimiser of `on_plateau` a loss: its new state is written into the arrays of the old one.

    A replayed step, and a graph of launches, has the addresses of these arrays in it.
    """
    if isinstance(opt, optim.LossScaling):
        opt, state = opt.opt, state.inner
    for array, value in zip(state.rule, opt.rule.update(loss, state.rule), strict=True):
        backend_array(array)[...] = backend_array(value)
