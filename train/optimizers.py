"""The one factory of first-order methods, for the command line's settings and the estimators' parameters; L1 for all.

A penalty ``l1 Σ |W|`` has a kink at 0. With `SGD` each step ends with the penalty's proximal step, the soft threshold,
and weights become exactly 0 (Duchi, Singer, Efficient online and batch learning using forward backward splitting,
2009). Methods that scale each coordinate have another proximal step for each; with them the gradient gets the
subgradient ``l1 sign W``, which minimises the same sum and leaves small numbers where zeros would be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from .. import optim
from ..autograd.core.namespaces import namespace_of
from ..autograd.core.typing import PyTree, Value
from ..autograd.pytree import tree
from .parallel.sharding import is_sharded


def make_optimizer(
    method: str,
    learning_rate: float | Callable[[Any], Any],
    weight_decay: float,
    *,
    momentum: float = 0.9,
    b1: float = 0.9,
    b2: float | None = None,
    eps: float = 1e-8,
    clip: float = 0.0,
) -> Any:
    """An optimiser from `pb.optim`, which decays weight matrices and never biases.

    Parameters
    ----------
    method : str
        One of `METHODS`: adamw, adam, amsgrad, nadam, sgd, momentum, nesterov, lion, rmsprop, adagrad, adadelta.
    learning_rate : float or callable
        A number, or a schedule: a function of the step count.
    weight_decay : float
        Decoupled with adamw and lion; with the others the penalty ½ weight_decay ‖W‖² in the loss.
    momentum : float
        Of momentum and nesterov.
    b1 : float
        Of adamw, adam, amsgrad, nadam and lion: the decay rate of the mean of gradients.
    b2 : float, optional
        Of these the decay rate of the mean of their squares (with lion that of the momentum that is kept), of rmsprop
        its alpha, of adadelta its rho. None for 0.999, 0.99 with lion and rmsprop, 0.9 with adadelta.
    eps : float
        Of adamw, adam, amsgrad and nadam.
    clip : float
        Gradients of a greater norm over all parameters are brought to this one; 0 for never.

    Raises
    ------
    ValueError
        For an unknown method, or a number outside its range.

    Notes
    -----
    Clipping sees the gradient of the loss, without the penalty of `weight_decay`; with the subgradient of `with_l1`.

    Examples
    --------
    >>> make_optimizer("nesterov", 0.02, 1e-3).momentum
    0.9
    """
    if method not in METHODS:
        raise ValueError(f"optimizer {method!r} is unknown; choose one of {', '.join(METHODS)}")
    kind = METHODS[method]
    given = {"momentum": momentum, "b1": b1, "b2": b2, "eps": eps}
    chosen = {name: given[key] for key, name in kind.takes.items() if given[key] is not None}
    opt = kind.make(learning_rate, weight_decay=weight_decay, mask="matrices", **chosen)
    return optim.Clipped(opt, norm=clip) if clip else opt


@dataclass(frozen=True)
class Method:
    """A first-order method by its class, and what it takes of `make_optimizer`'s numbers.

    Attributes
    ----------
    make : callable
        The class in `pb.optim`.
    takes : mapping
        The class's own names for momentum, b1, b2 and eps.
    """

    make: Callable[..., Any]
    takes: Mapping[str, str] = field(default_factory=dict)


_ADAM = {"b1": "b1", "b2": "b2", "eps": "eps"}
METHODS: dict[str, Method] = {
    "adamw": Method(optim.AdamW, _ADAM),
    "adam": Method(optim.Adam, _ADAM),
    "amsgrad": Method(optim.AMSGrad, _ADAM),
    "nadam": Method(optim.NAdam, _ADAM),
    "sgd": Method(optim.SGD),
    "momentum": Method(optim.SGD, {"momentum": "momentum"}),
    "nesterov": Method(partial(optim.SGD, nesterov=True), {"momentum": "momentum"}),
    "lion": Method(optim.Lion, {"b1": "b1", "b2": "b2"}),
    "rmsprop": Method(optim.RMSprop, {"b2": "alpha"}),
    "adagrad": Method(optim.Adagrad),
    "adadelta": Method(optim.Adadelta, {"b2": "rho"}),
}


def with_l1(opt: Any, l1: Any, mask: str | None = "matrices") -> Any:
    """An optimiser of the loss plus ``l1 Σ |W|``; `opt` itself where `l1` is 0.

    Parameters
    ----------
    opt : optimiser
        `SGD`, also in `Clipped` or sharded, gets a proximal step; other ones get the penalty's subgradient.
    l1 : float or array
        Strength ≥ 0.
    mask : {"matrices"} or None
        Of which parameters: those of two or more dimensions, or all.

    Raises
    ------
    ValueError
        For a strength that is negative or no finite number.

    Notes
    -----
    Momentum m makes the steps of a constant gradient 1 / (1 − m) times as long, and so the threshold: where the
    weights come to rest, the sum of loss and penalty has its minimum whatever m is.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, W = with_l1(pb.optim.SGD(0.1), 1.0), np.asarray([[1.0, 0.05]])
    >>> opt.step(W, np.zeros((1, 2)), opt.init(W))[0]
    array([[0.9, 0. ]])
    """
    number = isinstance(l1, int | float) and not isinstance(l1, bool)
    if not hasattr(l1, "dtype") and not (number and 0 <= l1 < math.inf):
        raise ValueError(f"l1={l1!r}; it has to be a finite number of at least 0")
    if number and l1 == 0:
        return opt
    if isinstance(opt, optim.LossScaling):  # whose own optimiser gets gradients as they are
        return replace(opt, opt=with_l1(opt.opt, l1, mask))
    base = opt
    while isinstance(base, optim.Clipped) or is_sharded(base):
        base = base.opt
    if isinstance(base, optim.SGD):
        longer = (1 - base.dampening) / (1 - base.momentum) if base.momentum else 1.0
        return optim.Proximal(opt, optim.proximal.L1(l1 * longer), mask=mask)
    return Subgradient(opt, l1, mask)


@dataclass(frozen=True)
class Subgradient:
    """An optimiser of a loss plus ``l1 Σ |W|``, whose gradients get ``l1 sign W`` (0 at 0).

    Attributes
    ----------
    opt : optimiser
        It takes the step.
    l1 : float or array
    mask : {"matrices"} or None
        Of which parameters: those of two or more dimensions, or all.
    """

    opt: Any
    l1: Any
    mask: str | None = "matrices"

    def init(self, params: PyTree) -> Any:
        """The optimiser's own state."""
        return self.opt.init(params)

    def step(self, params: PyTree, grads: PyTree, state: PyTree, *, lr: Any = None) -> Any:
        """New parameters and state, as in the optimiser's own `step`."""
        leaves, spec = tree.flatten(params)
        slopes = [
            self._with_penalty(p, g)
            for p, g in zip(leaves, tree.flatten_as(spec, grads), strict=True)
        ]
        return self.opt.step(params, tree.unflatten(spec, slopes), state, lr=lr)

    def _with_penalty(self, p: Value, g: Value) -> Any:
        # what has no gradient, a running mean, is no parameter
        if g is None or (self.mask == "matrices" and p.ndim < 2):
            return g
        return g + self.l1 * namespace_of(p).sign(p)
