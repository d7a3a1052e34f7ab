"""A proximal step after an optimiser's own: penalties with kinks, and constraints, in stochastic training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ...autograd.core.array import Array, backend_array
from ...autograd.core.typing import ArrayLike, PyTree, Value
from ...autograd.pytree import tree
from ..proximal.penalties import FromFunction, Separable, penalty_of
from .leaves import Mask, cast, check_mask, decayed_leaves, is_trainable
from .parts import Parts, mask_of_parts, on_parts
from .update import Optimiser, as_count_array, learning_rate_at, step_count, zero_count


class ProximalState(NamedTuple):
    """The optimiser's state, and the number of steps."""

    inner: PyTree
    count: Value


@dataclass(frozen=True)
class Proximal:
    """An optimiser whose steps end with a proximal step: ``w ← prox_{lr g}(opt's step from w)``.

    Parameters
    ----------
    opt : optimiser
        What takes the step of the smooth loss; its learning rate, that of the call included, is the step of g.
    penalty : penalty, dict, list or callable
        g, as `minimize` takes it: ``pb.optim.proximal.L1(1e-4)``, a constraint such as ``NonNegative()``, or parts in
        the structure of the parameters.
    mask : {"matrices"}, callable or pytree of bool, optional
        Which parameters it is for, as the optimisers' `mask` says which decay: "matrices" leaves biases alone.

    Raises
    ------
    TypeError
        If the optimiser has no learning rate, or the penalty is none.
    ValueError
        For an unknown mask, or one together with a penalty in parts or of a function.

    Notes
    -----
    With `SGD` this is the stochastic proximal gradient method (Duchi, Singer, Efficient online and batch learning using
    forward backward splitting, 2009): weights become exactly 0, which a penalty in the loss does not bring about. With
    methods that scale coordinates (`Adam`) a constraint holds all the same, but a penalty weighs coordinates otherwise
    than in the loss. Leaves that are not floating-point arrays stay as they are.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt = pb.optim.Proximal(pb.optim.SGD(0.1), pb.optim.proximal.L1(1.0))
    >>> w = np.asarray([1.0, 0.05])
    >>> opt.step(w, np.zeros(2), opt.init(w))[0]
    array([0.9, 0. ])
    """

    opt: Optimiser
    penalty: Any
    mask: Mask = None

    def __post_init__(self) -> None:
        penalty = penalty_of(self.penalty)
        if penalty is None:
            raise TypeError("Proximal: the penalty is None; use the optimiser by itself")
        self._rate()
        check_mask(self.mask)
        if self.mask is not None and isinstance(penalty, Separable | FromFunction):
            raise ValueError(
                "Proximal: a mask together with a penalty in parts; leave out parts instead"
            )
        object.__setattr__(self, "penalty", penalty)

    def on_parts(self, parts: Parts) -> Proximal:
        """The same for parts of the parameters, where the penalty is a sum over elements.

        Raises
        ------
        ValueError
            For a penalty of whole arrays, or one in parts or of a function.
        """
        settings = vars(self.penalty).values()
        if not self.penalty.elementwise or any(hasattr(x, "shape") for x in settings):
            raise ValueError(
                f"Proximal: {type(self.penalty).__name__} is of whole arrays, and cannot be applied to parts of them; "
                "take one that is a sum over elements with a number for its weight (L1, ElasticNet, Box, …), or put "
                "Proximal around sharded: Proximal(sharded(opt), penalty)"
            )
        return replace(self, opt=on_parts(self.opt, parts), mask=mask_of_parts(self.mask, parts))

    def _rate(self) -> Any:
        """The learning rate of the optimiser, or of the one that it holds.

        Raises
        ------
        TypeError
            If there is none.
        """
        opt: Any = self.opt
        while not hasattr(opt, "lr"):
            if not hasattr(opt, "opt"):
                raise TypeError(
                    f"Proximal: {type(self.opt).__name__} has no learning rate lr to take as the step of the penalty"
                )
            opt = opt.opt
        return opt.lr

    def init(self, params: PyTree) -> ProximalState:
        """The state before the first step."""
        return ProximalState(self.opt.init(params), zero_count(params))

    def step(
        self, params: PyTree, grads: PyTree, state: ProximalState, *, lr: ArrayLike = None
    ) -> tuple[PyTree, ProximalState]:
        """New parameters and state, as in the optimiser's own `step`; a leaf without a gradient stays."""
        done = step_count(state.count)
        size = learning_rate_at(self._rate() if lr is None else lr, done)
        new, inner = self.opt.step(params, grads, state.inner, lr=lr)
        leaves, spec = tree.flatten(new)
        if isinstance(self.penalty, Separable | FromFunction):
            chosen = [is_trainable(p) for p in leaves]
            moved = tree.flatten_as(spec, self.penalty.prox(new, size))
        else:
            chosen = decayed_leaves(self.mask, new, spec, leaves)
            moved = [
                self.penalty.prox(p, size) if take else p
                for p, take in zip(leaves, chosen, strict=True)
            ]
        given = tree.flatten_as(spec, grads)
        out = [
            _as_it_was(x, p) if take and g is not None else p
            for x, p, g, take in zip(moved, leaves, given, chosen, strict=True)
        ]
        return tree.unflatten(spec, out), ProximalState(inner, as_count_array(done + 1))


def _as_it_was(x: Value, p: Value) -> Value:
    """The new value in the type and the dtype of a parameter."""
    if type(x) is Array and type(p) is not Array and not x.traced:
        x = backend_array(x)
    return cast(x, p.dtype)
