"""Adam and its variants: Adam, AdamW, AMSGrad, NAdam."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import ArrayLike, PyTree, Value
from .formulas import log
from .leaves import Mask, check_mask, zeros_like
from .parts import Elementwise
from .update import (
    Moments,
    Schedule,
    apply_update,
    as_count_array,
    check,
    check_rate,
    floating,
    learning_rate_at,
    step_count,
    zero_count,
)


def _check_adam(opt: Any) -> None:
    check_rate(opt.lr)
    check("b1", 0, opt.b1, 1)
    check("b2", 0, opt.b2, 1)
    check("eps", 0, opt.eps)
    check("weight_decay", 0, opt.weight_decay)
    check_mask(opt.mask)


def _scalars(opt: Any, t: Value, lr: ArrayLike) -> dict[str, Any]:
    scalars = {"t": t, "lr": lr, "b1": opt.b1, "b2": opt.b2, "eps": opt.eps}
    scalars |= {"d1": 1 - opt.b1, "d2": 1 - opt.b2}
    return scalars | {"log_b1": log(opt.b1), "log_b2": log(opt.b2)}


def _init(opt: Any, params: PyTree) -> Moments:
    squares = zeros_like(params, "v")
    largest = zeros_like(params, "w") if opt.amsgrad else None
    return Moments(zero_count(params), zeros_like(params), squares, largest)


def _step(
    opt: Any, params: PyTree, grads: PyTree, state: Moments, lr: ArrayLike, **decay: float
) -> tuple[PyTree, Moments]:
    done = step_count(state.step)
    after = done + 1  # once: a launch on a device
    scalars = _scalars(opt, after, learning_rate_at(opt.lr if lr is None else lr, done))
    slots = [state.first, state.second, state.third] if opt.amsgrad else [state.first, state.second]
    name = "amsgrad" if opt.amsgrad else "adam"
    new, slots = apply_update(name, params, grads, slots, scalars, mask=opt.mask, **decay)
    return new, Moments(as_count_array(after), *slots)


@dataclass(frozen=True)
class Adam(Elementwise):
    """Adam (Kingma, Ba, "Adam: a method for stochastic optimization", 2015).

    ``m ← b1 m + (1−b1) g``; ``v ← b2 v + (1−b2) |g|²``; ``w ← w − lr · m̂ / (√v̂ + eps)`` with
    ``m̂ = m/(1−b1ᵗ)``, ``v̂ = v/(1−b2ᵗ)``.

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a function of the step count.
    b1, b2 : float
        Decay rates of the averages, in [0, 1).
    eps : float
        Added to the root, as in torch.
    weight_decay : float
        L2 penalty, added to the gradients; for decoupled decay see `AdamW`.
    amsgrad : bool
        Divide by the largest v so far, as `AMSGrad`.
    mask
        Which parameters decay, as for `SGD`.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Notes
    -----
    The state's ``first`` is m, ``second`` v, ``third`` the largest v (with `amsgrad`). For complex parameters v is the
    average of |g|², real, so that the step has the direction of m (torch takes real and imaginary parts apart).
    Parameters of 16 bits keep m and v in float32, where the step is computed: in float16 ``eps = 1e-8`` and the squares
    of small gradients are 0, and torch's step is NaN where a gradient is 0. An eps of 0 counts as the smallest number
    that keeps such a parameter where it is.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt = pb.optim.Adam(0.1)
    >>> w = np.asarray([1.0])
    >>> opt.step(w, np.asarray([2.0]), opt.init(w))[0].round(6)
    array([0.9])
    """

    lr: Schedule = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool = False
    mask: Mask = None

    def __post_init__(self) -> None:
        _check_adam(self)

    def init(self, params: PyTree) -> Moments:
        """The state before the first step."""
        return _init(self, params)

    def step(
        self, params: PyTree, grads: PyTree, state: Moments, *, lr: ArrayLike = None
    ) -> tuple[PyTree, Moments]:
        """New parameters and state, as in `SGD.step`."""
        return _step(self, params, grads, state, lr, l2=self.weight_decay)


@dataclass(frozen=True)
class AdamW(Elementwise):
    """Adam with decoupled weight decay (Loshchilov, Hutter, 2019): ``w ← (1 − lr · weight_decay) w`` before the step.

    Parameters
    ----------
    lr, b1, b2, eps, amsgrad
        As for `Adam`.
    weight_decay : float
        Of every parameter, as in torch; of matrices and higher with ``mask="matrices"``.
    mask
        Which parameters decay, as for `SGD`.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt = pb.optim.AdamW(0.1, weight_decay=0.5, mask="matrices")
    >>> w = {"W": np.ones((1, 1)), "b": np.ones(1)}
    >>> opt.step(w, pb.tree.map(np.zeros_like, w), opt.init(w))[0]
    {'W': array([[0.95]]), 'b': array([1.])}
    """

    lr: Schedule = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-2
    amsgrad: bool = False
    mask: Mask = None

    def __post_init__(self) -> None:
        _check_adam(self)

    def init(self, params: PyTree) -> Moments:
        """The state before the first step."""
        return _init(self, params)

    def step(
        self, params: PyTree, grads: PyTree, state: Moments, *, lr: ArrayLike = None
    ) -> tuple[PyTree, Moments]:
        """New parameters and state, as in `SGD.step`."""
        return _step(self, params, grads, state, lr, decay=self.weight_decay)


def AMSGrad(
    lr: Schedule = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    mask: Mask = None,
) -> Adam:
    """AMSGrad (Reddi, Kale, Kumar, "On the convergence of Adam and beyond", 2018).

    As `Adam`, with ``w ← w − lr · m̂ / (√v̂_max + eps)``, v_max the largest v so far: the step never grows because a
    large gradient has been forgotten.

    Returns
    -------
    Adam
        With ``amsgrad=True``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.AMSGrad(0.1).amsgrad
    True
    """
    return Adam(lr, b1, b2, eps, weight_decay, True, mask)


class NadamState(NamedTuple):
    """The state of `NAdam`: `Moments`, and the product of all momenta so far, an array of no dimension."""

    step: Value
    first: PyTree
    second: PyTree
    product: Value


@dataclass(frozen=True)
class NAdam(Elementwise):
    """Adam with Nesterov's look-ahead (Dozat, "Incorporating Nesterov momentum into Adam", 2016), as torch has it.

    ``μ_t = b1 (1 − ½ 0.96^{t · momentum_decay})``, ``π_t = μ_1 ⋯ μ_t``; m and v as in `Adam`;
    ``w ← w − lr [(1 − μ_t)/(1 − π_t) g + μ_{t+1}/(1 − π_{t+1}) m] / (√v̂ + eps)``.

    Parameters
    ----------
    lr, b1, b2, eps
        As for `Adam`.
    weight_decay : float
        L2 penalty in the gradients, or with `decoupled` decay as in `AdamW`.
    momentum_decay : float
        How fast the momentum approaches b1.
    decoupled : bool
        Decay apart from the gradients.
    mask
        Which parameters decay, as for `SGD`.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, w = pb.optim.NAdam(0.1), np.asarray([1.0])
    >>> opt.step(w, w, opt.init(w))[0].round(4)
    array([0.8944])
    """

    lr: Schedule = 2e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum_decay: float = 4e-3
    decoupled: bool = False
    mask: Mask = None

    def __post_init__(self) -> None:
        _check_adam(self)
        check("momentum_decay", 0, self.momentum_decay)

    def init(self, params: PyTree) -> NadamState:
        """The state before the first step."""
        step = zero_count(params)
        one = np.array(1.0) if isinstance(step, np.ndarray) else floating(step) + 1.0
        return NadamState(step, zeros_like(params), zeros_like(params, "v"), one)

    def step(
        self, params: PyTree, grads: PyTree, state: NadamState, *, lr: ArrayLike = None
    ) -> tuple[PyTree, NadamState]:
        """New parameters and state, as in `SGD.step`."""
        done = step_count(state.step)
        # once only: it is a launch on a device
        after = done + 1
        size = learning_rate_at(self.lr if lr is None else lr, done)
        product, now, then = self._momenta(state.product, after)
        scalars = _scalars(self, after, size)
        scalars["sg"] = size * (1 - now) / (1 - product)
        scalars["sm"] = size * then / (1 - product * then)
        shrink = {"decay" if self.decoupled else "l2": self.weight_decay}
        new, (m, v) = apply_update(
            "nadam", params, grads, [state.first, state.second], scalars, mask=self.mask, **shrink
        )
        if isinstance(state.product, np.ndarray | float):
            product = np.array(product)
        return new, NadamState(as_count_array(after), m, v, product)

    def _momenta(self, product: Value, t: Value) -> tuple[Value, Value, Value]:
        """π_t, μ_t and μ_{t+1}."""
        slope = self.momentum_decay * math.log(0.96)
        if isinstance(t, int):
            now, then = (self.b1 * (1 - 0.5 * math.exp(k * slope)) for k in (t, t + 1))
            return float(product) * now, now, then
        t = floating(t)
        exp = namespace_of(t).exp
        now, then = (self.b1 * (1 - 0.5 * exp(k * slope)) for k in (t, t + 1))
        return product * now, now, then
