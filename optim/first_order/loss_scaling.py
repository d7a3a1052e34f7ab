"""Dynamic loss scaling: small gradients survive float16, and a step whose gradients overflow is not taken.

Numbers below 2⁻²⁴ are zero in float16, and gradients are often smaller. A loss times S has gradients times S, which the
optimiser gets divided by S again, in float32. The largest S without overflow changes during training, so it is searched
for: raised now and then, lowered when a gradient is not finite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import is_inexact
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import ArrayLike, PyTree, Value
from ...autograd.pytree import tree
from .leaves import cast_gradient, flatten_alike, is_half, is_trainable
from .parts import Parts, all_true, check_inside, on_parts
from .schedules import check_steps
from .update import Optimiser, as_array, as_scalar, zero_count
from .wrappers import select

LEAST = 2.0**-126
"""The smallest scale: 1/S has to be a float32 number, too."""
_MOST = float(np.finfo(np.float32).max)
_SINGLE = np.dtype(np.float32)


class LossScalingState(NamedTuple):
    """The optimiser's state, the scale (float32), and the number of finite steps since it last changed (int64)."""

    inner: PyTree
    scale: Value
    count: Value


@dataclass(frozen=True)
class LossScaling:
    """An optimiser for gradients of ``S · loss``, S as large as float16 products bear: torch's `GradScaler`.

    A step takes g/S for the gradients g of the scaled loss. Where any of them is NaN or infinite, parameters and the
    optimiser's state stay as they are, and S becomes ``S · backoff``; after `interval` finite steps in a row it becomes
    ``min(S · growth, most)``, and they are counted from 0 again.

    Parameters
    ----------
    opt : optimiser
        The optimiser that takes the step. Clipping belongs in here: ``LossScaling(Clipped(Adam(1e-3), norm=1.0))``.
    initial : float
        The first scale, at most `most`. Powers of two, here and in `growth` and `backoff`, scale without rounding.
    growth : float
        > 1.
    backoff : float
        In (0, 1).
    interval : int
        Finite steps to a growth.
    most : float
        The largest scale, a float32 number.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Notes
    -----
    The state is a `LossScalingState`; S is ``state.scale``, an array of no dimension. Nothing is read from a device,
    and a step compiles: it is computed, and taken by a `where`. Of NumPy's gradients one bool is read, and a step that
    is not taken is not computed. S never falls below 2⁻¹²⁶: where gradients are not finite at any S, no step is taken,
    and ``state.scale`` shows it. torch starts at 2¹⁶ and has no `most`.

    Parameters have to be float32 or wider: small updates would be lost in float16, which is for products,
    ``pb.compile(step, precision="float16")``.

    References
    ----------
    Micikevicius et al., "Mixed precision training", ICLR 2018, sections 3.1 and 3.2: scaling, and float32 master
    weights. `torch.amp.GradScaler`: the rule for S.

    Examples
    --------
    The second gradient overflows: nothing moves, and S is halved.

    >>> import numpy as np, pullback as pb
    >>> opt, w = pb.optim.LossScaling(pb.optim.SGD(1.0), initial=1024.0), np.asarray([1.0], dtype=np.float32)
    >>> state = opt.init(w)
    >>> for x in (0.25, np.inf):
    ...     loss = lambda w: pb.xp.sum(x * w)
    ...     grads = pb.grad(lambda w: opt.scale(loss(w), state))(w)
    ...     w, state = opt.step(w, grads, state)
    ...     print(grads, w, state.scale)
    [256.] [0.75] 1024.0
    [inf] [0.75] 512.0
    """

    opt: Optimiser
    initial: float = 2.0**15
    growth: float = 2.0
    backoff: float = 0.5
    interval: int = 2000
    most: float = 2.0**24

    def __post_init__(self) -> None:
        check_inside("LossScaling", self.opt)
        if not LEAST <= self.most <= _MOST:
            raise ValueError(
                f"most={self.most!r}: the largest scale has to be a float32 number ≥ 2⁻¹²⁶"
            )
        if not LEAST <= self.initial <= self.most:
            raise ValueError(
                f"initial={self.initial!r}: the first scale has to be ≥ 2⁻¹²⁶ and ≤ most={self.most!r}"
            )
        if not 1 < self.growth < math.inf:
            raise ValueError(f"growth={self.growth!r}: it has to be > 1 and finite")
        if not 0 < self.backoff < 1:
            raise ValueError(f"backoff={self.backoff!r}: it has to lie between 0 and 1")
        check_steps("interval", self.interval)

    def init(self, params: PyTree) -> LossScalingState:
        """The state before the first step.

        Raises
        ------
        TypeError
            For parameters of 16 bits.
        """
        for p, name in zip(tree.leaves(params), tree.paths(params), strict=True):
            if is_trainable(p) and is_half(p.dtype):
                raise TypeError(
                    f"LossScaling: {name or 'the parameter'} is {p.dtype}, in which small updates are lost: "
                    "make it float32; products take float16 by pb.compile(…, precision='float16')"
                )
        zero = zero_count(params)
        xp = namespace_of(zero)
        scale = xp.asarray(xp.astype(zero, _SINGLE) + self.initial)
        return LossScalingState(self.opt.init(params), scale, zero)

    def scale(self, loss: Value, state: LossScalingState) -> Value:
        """``S · loss``, the function to differentiate, in the dtype of the loss; in float32 for a loss of 16 bits.

        Raises
        ------
        TypeError
            If the loss is no floating-point array.
        """
        dtype = getattr(loss, "dtype", None)
        if dtype is None or not is_inexact(dtype):
            found = type(loss).__name__ if dtype is None else f"an array of {dtype}"
            raise TypeError(f"LossScaling.scale: the loss is {found}, not a floating-point array")
        xp = namespace_of(loss)
        # the largest float16 number is 65504
        if is_half(dtype):
            loss = xp.astype(loss, _SINGLE)
        return loss * as_scalar(state.scale, loss, xp)

    def step(
        self, params: PyTree, grads: PyTree, state: LossScalingState, *, lr: ArrayLike = None
    ) -> tuple[PyTree, LossScalingState]:
        """New parameters and state, from gradients of the scaled loss, as in the optimiser's own `step`."""
        # a warning would be of values that may be thrown away
        with np.errstate(all="ignore"):
            grads, fine = self._unscaled(params, grads, state.scale)
            fine = self._everywhere(fine)
        if isinstance(fine, bool | np.bool_ | np.ndarray):
            new, inner = params, state.inner
            if fine:
                new, inner = self.opt.step(params, grads, inner, lr=lr)
        else:
            with np.errstate(all="ignore"):
                new, inner = self.opt.step(params, grads, state.inner, lr=lr)
            new, inner = select(fine, new, params), select(fine, inner, state.inner)
        return new, LossScalingState(inner, *self._next(fine, state))

    def _everywhere(self, fine: Value) -> Value:
        return fine

    def on_parts(self, parts: Parts) -> LossScaling:
        """The same for parts of the parameters: all of them step, or none, and the scale is one."""
        settings = {field.name: getattr(self, field.name) for field in fields(self)}
        settings |= {"opt": on_parts(self.opt, parts), "parts": parts}
        return _LossScalingParts(**settings)

    def _unscaled(self, params: PyTree, grads: PyTree, scale: Value) -> tuple[PyTree, Value]:
        """Gradients over the scale, in their parameters' dtypes, and whether all of them are finite."""
        spec, (ps, gs) = flatten_alike(params, grads)
        indices = [i for i, g in enumerate(gs) if g is not None and is_trainable(ps[i])]
        # all gradients are looked at before anything is computed
        for i in indices:
            gs[i] = cast_gradient(ps[i], gs[i], params, i)
        fine: Value = True
        inverse: dict[Any, Any] = {}
        for i in indices:
            g, xp = gs[i], namespace_of(gs[i])
            form = (type(g), g.dtype)
            # in the precision of the gradients, once for each
            if form not in inverse:
                inverse[form] = 1 / as_scalar(scale, g, xp)
            gs[i] = as_array(g * inverse[form], g)
            good = backend_array(xp.all(xp.isfinite(gs[i])))
            fine = good if fine is True else fine & good
        return tree.unflatten(spec, gs), fine

    def _next(self, fine: Value, state: LossScalingState) -> tuple[Value, Value]:
        """The scale and the count after a step."""
        scale, done = state.scale, state.count + 1
        xp = namespace_of(scale)
        grown = done >= self.interval
        # no leaf had a gradient
        if fine is True:
            fine = done > 0
        with np.errstate(over="ignore"):
            up, down = scale * self.growth, scale * self.backoff
        scale = xp.clip(xp.where(fine, xp.where(grown, up, scale), down), LEAST, self.most)
        count = xp.where(fine & ~grown, done, 0 * done)
        return xp.asarray(scale), xp.asarray(count)


@dataclass(frozen=True)
class _LossScalingParts(LossScaling):
    parts: Any = None

    def _everywhere(self, fine: Value) -> Value:
        return all_true(fine, self.parts)
