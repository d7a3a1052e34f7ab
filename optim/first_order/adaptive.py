"""Steps scaled by the gradients so far: Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

from dataclasses import dataclass

from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import ArrayLike, PyTree
from ...autograd.pytree import tree
from .leaves import Mask, check_mask, zeros_like
from .parts import Elementwise
from .update import (
    Moments,
    Schedule,
    apply_update,
    as_count_array,
    check,
    check_rate,
    learning_rate_at,
    step_count,
    zero_count,
)


@dataclass(frozen=True)
class Adagrad(Elementwise):
    """Adagrad (Duchi, Hazan, Singer, "Adaptive subgradient methods", JMLR 2011).

    ``v ← v + |g|²``; ``w ← w − lr/(1 + (t − 1) lr_decay) · g / (√v + eps)``.

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a function of the step count.
    lr_decay : float
        Decay of the rate besides.
    eps : float
        Added to the root.
    initial : float
        v before the first step.
    weight_decay : float
        L2 penalty, added to the gradients.
    mask
        Which parameters decay, as for `SGD`.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Notes
    -----
    The state's ``first`` is v.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, w = pb.optim.Adagrad(0.1), np.asarray([1.0])
    >>> opt.step(w, np.asarray([2.0]), opt.init(w))[0].round(6)
    array([0.9])
    """

    lr: Schedule = 1e-2
    lr_decay: float = 0.0
    eps: float = 1e-10
    initial: float = 0.0
    weight_decay: float = 0.0
    mask: Mask = None

    def __post_init__(self) -> None:
        check_rate(self.lr)
        for name in ("lr_decay", "eps", "initial", "weight_decay"):
            check(name, 0, getattr(self, name))
        check_mask(self.mask)

    def init(self, params: PyTree) -> Moments:
        """The state before the first step."""
        squares = zeros_like(params, "v")
        if self.initial:
            squares = tree.map(lambda v: namespace_of(v).full_like(v, self.initial), squares)
        return Moments(zero_count(params), squares)

    def step(
        self, params: PyTree, grads: PyTree, state: Moments, *, lr: ArrayLike = None
    ) -> tuple[PyTree, Moments]:
        """New parameters and state, as in `SGD.step`."""
        done = step_count(state.step)
        # once only: it is a launch on a device
        after = done + 1
        scalars = {"t": after, "lr": learning_rate_at(self.lr if lr is None else lr, done)}
        scalars |= {"lr_decay": self.lr_decay, "eps": self.eps}
        new, slots = apply_update(
            "adagrad", params, grads, [state.first], scalars, l2=self.weight_decay, mask=self.mask
        )
        return new, Moments(as_count_array(after), *slots)


@dataclass(frozen=True)
class RMSprop(Elementwise):
    """RMSprop (Tieleman, Hinton, 2012), as torch has it.

    ``v ← alpha v + (1−alpha) |g|²``; ``d = g / (√v + eps)``, with `centered`
    ``d = g / (√(v − |m|²) + eps)``, m the average of g; ``w ← w − lr · d``, with a momentum
    ``u ← momentum · u + d``, ``w ← w − lr · u``.

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a function of the step count.
    alpha : float
        Decay rate of the averages, in [0, 1).
    eps : float
        Added to the root.
    momentum : float
        In [0, 1).
    centered : bool
        Divide by the standard deviation instead of the root of the mean square.
    weight_decay : float
        L2 penalty, added to the gradients.
    mask
        Which parameters decay, as for `SGD`.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Notes
    -----
    The state's ``first`` is v, then come m (if centered) and u (with a momentum), in this order.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, w = pb.optim.RMSprop(0.1), np.asarray([1.0])
    >>> opt.step(w, np.asarray([2.0]), opt.init(w))[0].round(6)
    array([0.])
    """

    lr: Schedule = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0
    centered: bool = False
    weight_decay: float = 0.0
    mask: Mask = None

    def __post_init__(self) -> None:
        check_rate(self.lr)
        check("alpha", 0, self.alpha, 1)
        check("eps", 0, self.eps)
        check("momentum", 0, self.momentum, 1)
        check("weight_decay", 0, self.weight_decay)
        check_mask(self.mask)

    def init(self, params: PyTree) -> Moments:
        """The state before the first step."""
        others = [zeros_like(params) for _ in range(bool(self.centered) + bool(self.momentum))]
        return Moments(zero_count(params), zeros_like(params, "v"), *others)

    def step(
        self, params: PyTree, grads: PyTree, state: Moments, *, lr: ArrayLike = None
    ) -> tuple[PyTree, Moments]:
        """New parameters and state, as in `SGD.step`."""
        done = step_count(state.step)
        # once only: it is a launch on a device
        after = done + 1
        scalars = {"t": after, "lr": learning_rate_at(self.lr if lr is None else lr, done)}
        scalars |= {"b2": self.alpha, "d2": 1 - self.alpha, "eps": self.eps}
        scalars["momentum"] = self.momentum
        name = "rmsprop" + "_centered" * bool(self.centered) + "_momentum" * bool(self.momentum)
        slots = [s for s in state[1:] if s is not None]
        new, slots = apply_update(
            name, params, grads, slots, scalars, l2=self.weight_decay, mask=self.mask
        )
        return new, Moments(as_count_array(after), *slots)


@dataclass(frozen=True)
class Adadelta(Elementwise):
    """Adadelta (Zeiler, "ADADELTA: an adaptive learning rate method", 2012).

    ``v ← rho v + (1−rho) |g|²``; ``d = g √(a + eps) / √(v + eps)``; ``a ← rho a + (1−rho) |d|²``; ``w ← w − lr · d``.

    Parameters
    ----------
    lr : float or callable
        A factor of the step, or a function of the step count.
    rho : float
        Decay rate of the averages, in [0, 1).
    eps : float
        Under the roots; positive, since a starts at 0.
    weight_decay : float
        L2 penalty, added to the gradients.
    mask
        Which parameters decay, as for `SGD`.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Notes
    -----
    The state's ``first`` is v, ``second`` a.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, w = pb.optim.Adadelta(), np.asarray([1.0])
    >>> opt.step(w, w, opt.init(w))[0].round(6)
    array([0.996838])
    """

    lr: Schedule = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0
    mask: Mask = None

    def __post_init__(self) -> None:
        check_rate(self.lr)
        check("rho", 0, self.rho, 1)
        check("eps", 0, self.eps)
        check("weight_decay", 0, self.weight_decay)
        check_mask(self.mask)
        if not self.eps:
            raise ValueError("eps=0: Adadelta never takes a first step without it")

    def init(self, params: PyTree) -> Moments:
        """The state before the first step."""
        return Moments(zero_count(params), zeros_like(params, "v"), zeros_like(params, "a"))

    def step(
        self, params: PyTree, grads: PyTree, state: Moments, *, lr: ArrayLike = None
    ) -> tuple[PyTree, Moments]:
        """New parameters and state, as in `SGD.step`."""
        done = step_count(state.step)
        # once only: it is a launch on a device
        after = done + 1
        scalars = {"t": after, "lr": learning_rate_at(self.lr if lr is None else lr, done)}
        scalars |= {"b2": self.rho, "d2": 1 - self.rho, "eps": self.eps}
        slots = [state.first, state.second]
        new, slots = apply_update(
            "adadelta", params, grads, slots, scalars, l2=self.weight_decay, mask=self.mask
        )
        return new, Moments(as_count_array(after), *slots)
