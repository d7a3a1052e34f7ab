"""First-order methods: frozen records with two pure methods, `init` and `step`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..autograd import tree
from ..autograd.backward import SPACES
from ..autograd.dtypes import is_complex
from ._base import (
    Moments,
    Schedule,
    as_array,
    check,
    check_rate,
    decays,
    moved,
    rate,
    rows,
    zeros_like,
)


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
            new = moved(ps, gs, -lr)
            return tree.unflatten(spec, new), Moments(state.step + 1, None, None)
        spec, (ps, gs, us) = rows(params, grads, state.first)
        gs = [self._decayed(p, g) for p, g in zip(ps, gs, strict=True)]
        us = [as_array(self.momentum * u + g, p) for p, u, g in zip(ps, us, gs, strict=True)]
        moves = (
            [g + self.momentum * u for g, u in zip(gs, us, strict=True)] if self.nesterov else us
        )
        new = moved(ps, moves, -lr)
        return tree.unflatten(spec, new), Moments(state.step + 1, tree.unflatten(spec, us), None)

    def _decayed(self, p: Any, g: Any) -> Any:
        return g + self.weight_decay * p if self.weight_decay and decays(p) else g


def _adam_step(
    opt: Adam | AdamW, params: Any, grads: Any, state: Moments, decoupled: bool
) -> tuple[Any, Moments]:
    """One step of Adam; weight decay is decoupled, or added to the gradients."""
    lr, t = rate(opt.lr, state.step), state.step + 1
    spec, columns = rows(params, grads, state.first, state.second)
    moved_rows = []
    for p, g, m, v in zip(*columns, strict=True):
        decay = opt.weight_decay if decays(p) else 0.0
        settings: dict[str, Any] = {"t": t, "lr": lr, "b1": opt.b1, "b2": opt.b2, "eps": opt.eps}
        settings |= {"l2": 0.0 if decoupled else decay, "decay": decay if decoupled else 0.0}
        fused = getattr(SPACES.of(p), "adam_update", None)  # one launch on a GPU
        moved_rows.append(
            (fused and fused(p, g, m, v, **settings)) or _adam_update(p, g, m, v, **settings)
        )
    new, first, second = ([row[i] for row in moved_rows] for i in range(3))
    return tree.unflatten(spec, new), Moments(
        t, tree.unflatten(spec, first), tree.unflatten(spec, second)
    )


def _adam_update(
    p: Any,
    g: Any,
    m: Any,
    v: Any,
    *,
    t: int,
    lr: float,
    b1: float,
    b2: float,
    eps: float,
    l2: float,
    decay: float,
) -> tuple[Any, Any, Any]:
    """One array's step; the in-place operations are on arrays made here."""
    if l2:
        g = g + l2 * p
    # the bias corrections taken out of the arrays: two scalars instead of two passes over memory
    correction = math.sqrt(1 - b2**t)
    m = m * b1
    m += g * (1 - b1)
    v = v * b2
    v += abs(g) ** 2 * (1 - b2) if is_complex(g.dtype) else g * g * (1 - b2)
    move = v**0.5
    move += eps * correction
    move = m / move
    move *= -lr * correction / (1 - b1**t)
    move += p * (1 - lr * decay) if decay else p
    return as_array(move, p), as_array(m, p), as_array(v, p)


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
        return _adam_step(self, params, grads, state, decoupled=False)


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
        return _adam_step(self, params, grads, state, decoupled=True)
