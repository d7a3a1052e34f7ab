"""Wrappers of an optimiser: accumulation, averages of weights, a guard against NaN; clipping is in `clipping.py`.

Each holds an optimiser and is one: ``Clipped(Adam(1e-3), norm=1.0)``. None of them reads a value
from a device unless it says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.tracer_like import host_step
from ...autograd.core.typing import ArrayLike, PyTree, Value
from ...autograd.pytree import tree
from ...backend import backend_of
from .leaves import copied, is_trainable, zeros_like
from .parts import Parts, all_true, check_inside, on_parts
from .update import Optimiser, apply_update, as_array, as_count_array, check, step_count, zero_count


class AccumulatedState(NamedTuple):
    """The optimiser's state, the sum of gradients since its last step, and their number."""

    inner: PyTree
    total: PyTree
    count: Value


@dataclass(frozen=True)
class Accumulated:
    """An optimiser that steps once in `every` calls, by the mean of their gradients: large batches in small memory.

    In between the parameters come back as they went in.

    Parameters
    ----------
    opt : optimiser
        What takes the step; its schedule counts its own steps.
    every : int
        Calls to a step.

    Raises
    ------
    ValueError
        Unless `every` is an integer ≥ 1.

    Notes
    -----
    Where the count may not be read (on a device, under compile), the step is computed in every call and
    taken by a `where` in one of `every`.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, w = pb.optim.Accumulated(pb.optim.SGD(1.0), every=2), np.asarray([0.0])
    >>> state = opt.init(w)
    >>> for g in (1.0, 3.0):
    ...     w, state = opt.step(w, np.asarray([g]), state)
    ...     print(w)
    [0.]
    [-2.]
    """

    opt: Optimiser
    every: int

    def __post_init__(self) -> None:
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise ValueError(f"every={self.every!r}: an integer ≥ 1 is needed")

    def on_parts(self, parts: Parts) -> Accumulated:
        """The same for parts of the parameters."""
        return replace(self, opt=on_parts(self.opt, parts))

    def init(self, params: PyTree) -> AccumulatedState:
        """The state before the first call."""
        return AccumulatedState(self.opt.init(params), zeros_like(params), zero_count(params))

    def step(
        self, params: PyTree, grads: PyTree, state: AccumulatedState, *, lr: ArrayLike = None
    ) -> tuple[PyTree, AccumulatedState]:
        """New parameters and state; the parameters change in one of `every` calls."""
        # the sum by the formula of sgd, p ← p + g: it checks structures and shapes as every step does
        total, _ = apply_update(
            "sgd", state.total, _gradients_of_trainable(params, grads), (), {"t": 1, "lr": -1.0}
        )
        done = step_count(state.count) + 1
        if isinstance(done, int) and done < self.every:
            return params, AccumulatedState(state.inner, total, as_count_array(done))
        mean = tree.map(lambda s: as_array(s / self.every, s), total)
        new, inner = self.opt.step(params, _without(params, mean, grads), state.inner, lr=lr)
        if isinstance(done, int):
            return new, AccumulatedState(inner, zeros_like(params), as_count_array(0))
        ready = done >= self.every
        kept = [tree.map(lambda s: s * 0, total), total]
        return select(ready, new, params), AccumulatedState(
            select(ready, inner, state.inner), select(ready, *kept), select(ready, done * 0, done)
        )


def _gradients_of_trainable(params: PyTree, grads: PyTree) -> PyTree:
    """Gradients with None where `params` has what no step moves."""
    leaves, spec = tree.flatten(params)
    try:
        gs = tree.flatten_as(spec, grads)
    except ValueError as error:
        raise ValueError(
            f"step: gradients do not have the structure of the parameters: {error}"
        ) from None
    return tree.unflatten(
        spec, [g if is_trainable(p) else None for p, g in zip(leaves, gs, strict=True)]
    )


def _without(params: PyTree, mean: PyTree, grads: PyTree) -> PyTree:
    """The mean, with None where there is no gradient now: such leaves do not decay either."""
    _, spec = tree.flatten(params)
    pairs = zip(tree.flatten_as(spec, mean), tree.flatten_as(spec, grads), strict=True)
    return tree.unflatten(spec, [None if g is None else m for m, g in pairs])


def select(condition: Value, new: PyTree, old: PyTree) -> PyTree:
    """`new` or `old`, leaf by leaf, by a condition that is an array."""

    def chosen(x: Value, y: Value) -> Value:
        return x if x is y or not hasattr(x, "dtype") else namespace_of(x).where(condition, x, y)

    return tree.map(chosen, new, old)


class AveragedState(NamedTuple):
    """The optimiser's state, and the average of the parameters."""

    inner: PyTree
    average: PyTree


@dataclass(frozen=True)
class Averaged:
    """An optimiser that keeps an exponential moving average of the weights.

    ``a ← decay · a + (1 − decay) · w`` after each step, a starting at the first parameters. The steps themselves
    are the optimiser's own; evaluate and save ``state.average``.

    Parameters
    ----------
    opt : optimiser
        What takes the step.
    decay : float
        In [0, 1); about 1/(1 − decay) steps are averaged.

    Raises
    ------
    ValueError
        For a decay outside its range.

    References
    ----------
    Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", 1992.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, w = pb.optim.Averaged(pb.optim.SGD(1.0), decay=0.75), np.asarray([4.0])
    >>> w, state = opt.step(w, w, opt.init(w))
    >>> w, state.average
    (array([0.]), array([3.]))
    """

    opt: Optimiser
    decay: float = 0.999

    def __post_init__(self) -> None:
        check("decay", 0, self.decay, 1)

    def on_parts(self, parts: Parts) -> Averaged:
        """The same for parts of the parameters."""
        return replace(self, opt=on_parts(self.opt, parts))

    def init(self, params: PyTree) -> AveragedState:
        """The state before the first step."""
        return AveragedState(self.opt.init(params), tree.map(copied, params))

    def step(
        self, params: PyTree, grads: PyTree, state: AveragedState, *, lr: ArrayLike = None
    ) -> tuple[PyTree, AveragedState]:
        """New parameters, and a state with their average, as in the optimiser's own `step`."""
        new, inner = self.opt.step(params, grads, state.inner, lr=lr)
        scalars = {"t": 1, "lr": 1.0, "decay": self.decay, "share": 1 - self.decay}
        mean, _ = apply_update("average", state.average, new, (), scalars)
        # what no step moves (keys, counters) is the newest
        mean = tree.map(lambda a, p: a if is_trainable(p) else p, mean, new)
        return new, AveragedState(inner, mean)


@dataclass(frozen=True)
class Finite:
    """An optimiser that does not step where a gradient holds NaN or infinity.

    Parameters
    ----------
    opt : optimiser
        What takes the step.
    otherwise : {"raise", "skip"}
        Raise an error that names the parameter (reads one bool from the arrays' device, within a compiled step too),
        or leave parameters and state as they are (reads nothing).

    Raises
    ------
    ValueError
        For another word.

    Notes
    -----
    Optimisers do not look at values by themselves: on a GPU every step would wait for the device, and on a CPU it is
    one more pass over memory.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, w = pb.optim.Finite(pb.optim.SGD(1.0)), {"w": np.asarray([1.0])}
    >>> opt.step(w, {"w": np.asarray([np.nan])}, opt.init(w))
    Traceback (most recent call last):
    FloatingPointError: step: the gradient of w holds NaN or infinity; nothing was changed
    """

    opt: Optimiser
    otherwise: str = "raise"

    def __post_init__(self) -> None:
        check_inside("Finite", self.opt)
        if self.otherwise not in ("raise", "skip"):
            raise ValueError(f'otherwise={self.otherwise!r}: choose "raise" or "skip"')

    def init(self, params: PyTree) -> PyTree:
        """The optimiser's own state."""
        return self.opt.init(params)

    def step(
        self, params: PyTree, grads: PyTree, state: PyTree, *, lr: ArrayLike = None
    ) -> tuple[PyTree, PyTree]:
        """New parameters and state.

        Raises
        ------
        FloatingPointError
            With ``otherwise="raise"``, for a gradient that is not finite.
        """
        leaves = [(i, g) for i, g in enumerate(tree.leaves(grads)) if is_trainable(g)]
        good = [namespace_of(g).all(namespace_of(g).isfinite(g)) for _, g in leaves]
        if self.otherwise == "raise" and self._is_recorded(good):
            return self.opt.step(params, self._checked(grads, leaves, good), state, lr=lr)
        if self.otherwise == "raise" or all(type(g) is np.ndarray for _, g in leaves):
            bad = [i for (i, _), fine in zip(leaves, good, strict=True) if not fine]
            fine = self._everywhere(not bad)
            if isinstance(fine, bool):
                if fine:
                    return self.opt.step(params, grads, state, lr=lr)
                if self.otherwise == "skip":
                    return params, state
                raise self._not_finite(tree.paths(grads), bad)
        else:
            fine = good[0]
            for more in good[1:]:
                fine = fine & more
            fine = self._everywhere(fine)
        # a warning would be of a step that may be thrown away
        with np.errstate(all="ignore"):
            new, after = self.opt.step(params, grads, state, lr=lr)
        return select(fine, new, params), select(fine, after, state)

    def _is_recorded(self, good: list[Value]) -> bool:
        """Whether the step is being recorded, where no value can be read."""
        return any(backend_of(backend_array(fine)).recording for fine in good)

    def _checked(self, grads: PyTree, leaves: list[tuple[int, Value]], good: list[Value]) -> PyTree:
        """The gradients, times 1 from a step of the program that looks at them and raises: no update comes before."""

        def look(_: Any, good: Any) -> Any:
            bad = [i for (i, _), fine in zip(leaves, good, strict=True) if not fine]
            if bad:
                raise self._not_finite(names, bad)
            return good

        names = tree.paths(grads)
        ones = host_step("finite", look, (), tuple(backend_array(fine) for fine in good))
        found, spec = tree.flatten(grads)
        for (i, g), one in zip(leaves, ones, strict=True):
            found[i] = as_array(g * namespace_of(one).astype(one, backend_array(g).dtype), g)
        return tree.unflatten(spec, found)

    def _everywhere(self, fine: Value) -> Value:
        return fine

    def _not_finite(self, names: list[str], bad: list[int]) -> FloatingPointError:
        return FloatingPointError(
            f"step: the gradient of {self._named(names, bad)} holds NaN or infinity; nothing was changed"
        )

    def _named(self, names: list[str], bad: list[int]) -> str:
        return ", ".join(names[i] or "the parameter" for i in bad)

    def on_parts(self, parts: Parts) -> Finite:
        """The same for parts of the parameters: all of them step, or none."""
        return _FiniteParts(on_parts(self.opt, parts), self.otherwise, parts)


@dataclass(frozen=True)
class _FiniteParts(Finite):
    parts: Any = None

    def _is_recorded(self, good: list[Value]) -> bool:
        return False  # whether all ranks step is read from all of them

    def _everywhere(self, fine: Value) -> Value:
        return all_true(fine, self.parts)

    def _named(self, names: list[str], bad: list[int]) -> str:
        own = dict.fromkeys(self.parts.names[i] or "the parameter" for i in bad)
        return ", ".join(own) or "a parameter on another rank"
