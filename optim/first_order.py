"""First-order methods: frozen records with two pure methods, `init` and `step`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..autograd import tree
from ._base import Moments, Schedule, check, check_rate, decays, moved, rate, rows, zeros_like


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, with momentum as torch has it.

    ``g ← g + weight_decay · w`` (on weights); ``u ← momentum · u + g``; ``w ← w − lr · u``, or with `nesterov`
    ``w ← w − lr · (g + momentum · u)``.

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a function of the step count 0, 1, ….
    momentum : float
        In [0, 1).
    nesterov : bool
        Nesterov's look-ahead; needs a momentum.
    weight_decay : float
        L2 penalty ``½ weight_decay ‖W‖²`` on arrays of two or more dimensions, never on biases.

    Raises
    ------
    ValueError
        For a setting outside its range.

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

    def __post_init__(self) -> None:
        check_rate(self.lr)
        check("momentum", 0, self.momentum, 1)
        check("weight_decay", 0, self.weight_decay)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov=True needs a momentum > 0")

    def init(self, params: Any) -> Moments:
        """The state before the first step."""
        return Moments(0, zeros_like(params) if self.momentum else None, None)

    def step(self, params: Any, grads: Any, state: Moments) -> tuple[Any, Moments]:
        """New parameters and state, from gradients in the structure of `params`.

        Raises
        ------
        ValueError
            If the structures differ.
        """
        lr = rate(self.lr, state.step)
        if not self.momentum:
            spec, (ps, gs) = rows(params, grads)
            if self.weight_decay:
                gs = [self._decayed(p, g) for p, g in zip(ps, gs, strict=True)]
            new = [moved(p, g, -lr) for p, g in zip(ps, gs, strict=True)]
            return tree.unflatten(spec, new), Moments(state.step + 1, None, None)
        spec, (ps, gs, us) = rows(params, grads, state.first)
        gs = [self._decayed(p, g) for p, g in zip(ps, gs, strict=True)]
        us = [self.momentum * u + g for u, g in zip(us, gs, strict=True)]
        moves = (
            [g + self.momentum * u for g, u in zip(gs, us, strict=True)] if self.nesterov else us
        )
        new = [moved(p, m, -lr) for p, m in zip(ps, moves, strict=True)]
        return tree.unflatten(spec, new), Moments(state.step + 1, tree.unflatten(spec, us), None)

    def _decayed(self, p: Any, g: Any) -> Any:
        return g + self.weight_decay * p if self.weight_decay and decays(p) else g


def _adam_step(
    opt: Adam | AdamW, params: Any, grads: Any, state: Moments, decoupled: float
) -> tuple[Any, Moments]:
    """One step of Adam, with the weights first shrunk by ``lr · decoupled``."""
    lr, t = rate(opt.lr, state.step), state.step + 1
    spec, (ps, gs, ms, vs) = rows(params, grads, state.first, state.second)
    # the bias corrections taken out of the arrays: two scalars instead of two passes over memory
    correction = math.sqrt(1 - opt.b2**t)
    size, eps = lr * correction / (1 - opt.b1**t), opt.eps * correction
    new, firsts, seconds = [], [], []
    for p, g, m, v in zip(ps, gs, ms, vs, strict=True):
        if opt.weight_decay and not decoupled and decays(p):
            g = g + opt.weight_decay * p
        m = opt.b1 * m + (1 - opt.b1) * g
        v = opt.b2 * v + (1 - opt.b2) * abs(g) ** 2
        if decoupled and decays(p):
            p = p * (1 - lr * decoupled)
        new.append(p - size * m / (v**0.5 + eps))
        firsts.append(m)
        seconds.append(v)
    moments = Moments(t, tree.unflatten(spec, firsts), tree.unflatten(spec, seconds))
    return tree.unflatten(spec, new), moments


def _check_adam(opt: Adam | AdamW) -> None:
    check_rate(opt.lr)
    check("b1", 0, opt.b1, 1)
    check("b2", 0, opt.b2, 1)
    check("eps", 0, opt.eps)
    check("weight_decay", 0, opt.weight_decay)


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma, Ba, 2015).

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
        L2 penalty, added to the gradients of weights; for decoupled decay see `AdamW`.

    Raises
    ------
    ValueError
        For a setting outside its range.

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

    def __post_init__(self) -> None:
        _check_adam(self)

    def init(self, params: Any) -> Moments:
        """The state before the first step."""
        return Moments(0, zeros_like(params), zeros_like(params))

    def step(self, params: Any, grads: Any, state: Moments) -> tuple[Any, Moments]:
        """New parameters and state, from gradients in the structure of `params`.

        Raises
        ------
        ValueError
            If the structures differ.
        """
        return _adam_step(self, params, grads, state, 0.0)


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov, Hutter, 2019): ``w ← (1 − lr · weight_decay) w`` before the step.

    Parameters
    ----------
    lr, b1, b2, eps
        As for `Adam`.
    weight_decay : float
        On weights only, never on biases.

    Raises
    ------
    ValueError
        For a setting outside its range.
    """

    lr: Schedule = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        _check_adam(self)

    def init(self, params: Any) -> Moments:
        """The state before the first step."""
        return Moments(0, zeros_like(params), zeros_like(params))

    def step(self, params: Any, grads: Any, state: Moments) -> tuple[Any, Moments]:
        """New parameters and state, from gradients in the structure of `params`.

        Raises
        ------
        ValueError
            If the structures differ.
        """
        return _adam_step(self, params, grads, state, self.weight_decay)
