"""Gradient steps and their momenta: frozen dataclasses with two pure methods, `init` and `step`."""

from __future__ import annotations

from dataclasses import dataclass

from ...autograd.core.typing import ArrayLike, PyTree
from ...autograd.pytree import tree
from .leaves import Mask, check_mask, copied, zeros_like
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
class SGD(Elementwise):
    """Stochastic gradient descent, with momentum as torch has it.

    ``g ← g + weight_decay · w``; ``u ← momentum · u + (1 − dampening) g``, the first step with the full
    of g; ``w ← w − lr · u``, or with `nesterov` ``w ← w − lr · (g + momentum · u)``.

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a function of the step count 0, 1, … (see `pullback.optim.first_order.schedules`).
    momentum : float
        In [0, 1).
    nesterov : bool
        Nesterov's look-ahead in the form of Sutskever et al. (2013); needs a momentum and no dampening. For the
        sequence that convex problems want see `Nesterov`.
    weight_decay : float
        L2 penalty ``½ weight_decay ‖w‖²`` of every parameter, as in torch, or of those that `mask` names.
    dampening : float
        In [0, 1): how much less than the full gradient joins the momentum.
    mask : {"matrices"}, callable or pytree of bool, optional
        Which parameters decay: None for all of them; "matrices" for those of two or more dimensions, so that biases
        and scales are left alone; ``mask(p)``; or a bool for each. Running statistics (`pullback.models.state`) are no
        parameters, and decay only where a tree of bools says so.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Notes
    -----
    The state's ``first`` is u. Every method leaves leaves alone that are not floating-point arrays, or whose gradient
    is None. Steps of parameters of 16 bits are computed in float32, and their state is kept in it.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt = pb.optim.SGD(0.1)
    >>> w = np.asarray([1.0])
    >>> opt.step(w, np.asarray([2.0]), opt.init(w))[0]
    array([0.8])
    """

    lr: Schedule
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    dampening: float = 0.0
    mask: Mask = None

    def __post_init__(self) -> None:
        check_rate(self.lr)
        check("momentum", 0, self.momentum, 1)
        check("weight_decay", 0, self.weight_decay)
        check_mask(self.mask)
        check("dampening", 0, self.dampening, 1)
        if self.nesterov and (not self.momentum or self.dampening):
            raise ValueError("nesterov=True needs a momentum > 0 and dampening=0")

    def init(self, params: PyTree) -> Moments:
        """The state before the first step."""
        return Moments(zero_count(params), zeros_like(params) if self.momentum else None)

    def step(
        self, params: PyTree, grads: PyTree, state: Moments, *, lr: ArrayLike = None
    ) -> tuple[PyTree, Moments]:
        """New parameters and state, from gradients in the structure of `params`.

        Parameters
        ----------
        params, grads : pytree
            Of one structure; neither is written to.
        state : Moments
            What `init` or the step before returned.
        lr : float or array, optional
            For this step, instead of the optimiser's own.

        Raises
        ------
        ValueError
            If the structures or the shapes differ.
        TypeError
            If a gradient is no array, or complex for a real parameter.
        """
        done = step_count(state.step)
        # once: a launch on a device
        size, after = learning_rate_at(self.lr if lr is None else lr, done), done + 1
        name = "sgd" if not self.momentum else "lookahead" if self.nesterov else "momentum"
        if self.dampening and self.momentum:
            name = "damped"
        scalars = {"t": after, "lr": size, "momentum": self.momentum, "dampening": self.dampening}
        slots = [state.first] if self.momentum else []
        new, slots = apply_update(
            name, params, grads, slots, scalars, l2=self.weight_decay, mask=self.mask
        )
        return new, Moments(as_count_array(after), *slots)


@dataclass(frozen=True)
class Nesterov(Elementwise):
    """Nesterov's accelerated gradient for convex problems.

    ``x_k = y_{k−1} − lr · ∇f(y_{k−1})``; ``y_k = x_k + β_k (x_k − x_{k−1})`` with ``β_k = (k − 1)/(k + 2)``,
    k = 1, 2, …. For convex f with an M-Lipschitz gradient and ``lr ≤ 1/M``:
    ``f(x_k) − f* ≤ 2 ‖x_0 − x*‖² / (lr (k + 1)²)``, where gradient descent has 1/k.

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a function of the step count.

    Raises
    ------
    ValueError
        For a learning rate that is not positive and finite.

    Notes
    -----
    The parameters that go in and out are the points y, where gradients are taken; the state's ``first`` is x, the
    sequence that the bound is about.

    References
    ----------
    Nesterov, "A method for solving the convex programming problem with convergence rate O(1/k²)", 1983; in this form
    Su, Boyd, Candès, "A differential equation for modeling Nesterov's accelerated gradient method", JMLR 2016, eq. 1.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, y = pb.optim.Nesterov(0.5), np.asarray([1.0])
    >>> state = opt.init(y)
    >>> for _ in range(3):
    ...     y, state = opt.step(y, y, state)  # the gradient of ½ y²
    >>> state.first
    array([0.09375])
    """

    lr: Schedule

    def __post_init__(self) -> None:
        check_rate(self.lr)

    def init(self, params: PyTree) -> Moments:
        """The state before the first step: x is where y is."""
        return Moments(zero_count(params), tree.map(copied, params))

    def step(
        self, params: PyTree, grads: PyTree, state: Moments, *, lr: ArrayLike = None
    ) -> tuple[PyTree, Moments]:
        """The next y and state, from the gradient at y, as in `SGD.step`."""
        done = step_count(state.step)
        # once only: it is a launch on a device
        after = done + 1
        scalars = {"t": after, "lr": learning_rate_at(self.lr if lr is None else lr, done)}
        new, (x,) = apply_update("nesterov", params, grads, [state.first], scalars)
        return new, Moments(as_count_array(after), x)


@dataclass(frozen=True)
class Lion(Elementwise):
    """Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023): steps of one size, by signs alone.

    ``w ← w − lr · (sign(b1 m + (1 − b1) g) + weight_decay · w)``; ``m ← b2 m + (1 − b2) g``.

    Parameters
    ----------
    lr : float or callable
        A third to a tenth of what suits AdamW.
    b1, b2 : float
        Decay rates, in [0, 1).
    weight_decay : float
        Decoupled, of every parameter; optax's default.
    mask
        Which parameters decay, as for `SGD`.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Notes
    -----
    The state's ``first`` is m.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, w = pb.optim.Lion(0.1, weight_decay=0.0), np.asarray([1.0, -1.0, 0.0])
    >>> opt.step(w, w, opt.init(w))[0]
    array([ 0.9, -0.9,  0. ])
    """

    lr: Schedule = 1e-4
    b1: float = 0.9
    b2: float = 0.99
    weight_decay: float = 1e-3
    mask: Mask = None

    def __post_init__(self) -> None:
        check_rate(self.lr)
        check("b1", 0, self.b1, 1)
        check("b2", 0, self.b2, 1)
        check("weight_decay", 0, self.weight_decay)
        check_mask(self.mask)

    def init(self, params: PyTree) -> Moments:
        """The state before the first step."""
        return Moments(zero_count(params), zeros_like(params))

    def step(
        self, params: PyTree, grads: PyTree, state: Moments, *, lr: ArrayLike = None
    ) -> tuple[PyTree, Moments]:
        """New parameters and state, as in `SGD.step`."""
        done = step_count(state.step)
        # once only: it is a launch on a device
        after = done + 1
        scalars = {"t": after, "lr": learning_rate_at(self.lr if lr is None else lr, done)}
        scalars |= {"b1": self.b1, "b2": self.b2, "d1": 1 - self.b1, "d2": 1 - self.b2}
        new, (m,) = apply_update(
            "lion", params, grads, [state.first], scalars, decay=self.weight_decay, mask=self.mask
        )
        return new, Moments(as_count_array(after), m)
