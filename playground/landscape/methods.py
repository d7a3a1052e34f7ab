"""Optimisers that start from one point, and the paths that they take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import optim
from ...autograd import to_numpy, value_and_grad
from ...autograd.core.array import backend_array

FAR = 1e8  # a path that goes further than this from its start is not followed


@dataclass(frozen=True)
class Choice:
    """An optimiser to choose.

    Parameters
    ----------
    title : str
        What it is called.
    method, search : str, optional
        Of `pb.optim.minimize`, where it is one of its methods. The search "fixed" takes the learning rate.
    optimiser : callable, optional
        From a learning rate to a first-order optimiser, where it is one.
    rate : str
        Which learning rate it takes: "gradient", "adaptive", or none.
    """

    title: str
    method: str = ""
    search: str | None = None
    optimiser: Callable[[float], Any] | None = None
    rate: str = ""


CHOICES: dict[str, Choice] = {
    "gd": Choice("gradient descent, constant", "gradient-descent", "fixed", rate="gradient"),
    "gd-halving": Choice("gradient descent, halving", "gradient-descent", "halving"),
    "gd-exact": Choice("gradient descent, exact steps", "gradient-descent", "exact"),
    "gd-backtracking": Choice("gradient descent, backtracking", "gradient-descent", "backtracking"),
    "gd-wolfe": Choice("gradient descent, Wolfe steps", "gradient-descent", "wolfe"),
    "cg": Choice("nonlinear conjugate gradients", "conjugate-gradient"),
    "l-bfgs": Choice("L-BFGS", "l-bfgs"),
    "newton-cg": Choice("Newton-CG", "newton-cg"),
    "momentum": Choice(
        "momentum 0.9", optimiser=lambda r: optim.SGD(r, momentum=0.9), rate="gradient"
    ),
    "nesterov": Choice(
        "Nesterov's momentum 0.9",
        optimiser=lambda r: optim.SGD(r, momentum=0.9, nesterov=True),
        rate="gradient",
    ),
    "adagrad": Choice("Adagrad", optimiser=lambda r: optim.Adagrad(r), rate="adaptive"),
    "rmsprop": Choice("RMSprop", optimiser=lambda r: optim.RMSprop(r), rate="adaptive"),
    "adam": Choice("Adam", optimiser=lambda r: optim.Adam(r), rate="adaptive"),
}
"""Those that the comparison offers, in the order in which it lists them."""


@dataclass(frozen=True)
class Run:
    """The path of one optimiser.

    Parameters
    ----------
    name : str
        Its key in `CHOICES`.
    path : numpy.ndarray (K + 1, P)
        The start, and the point after each of K steps.
    losses : numpy.ndarray (K + 1,)
        The loss at each.
    evaluations : int
        Values and gradients of the loss that it asked for, each counted as one.
    ending : str
        Why it took no further step, in words.
    """

    name: str
    path: np.ndarray
    losses: np.ndarray
    evaluations: int
    ending: str


def run(
    name: str, f: Callable[[Any], Any], start: np.ndarray, *, steps: int, rates: dict[str, float]
) -> Run:
    """The path that an optimiser takes from a start.

    Parameters
    ----------
    name : str
        A key of `CHOICES`.
    f : callable
        Of an array (P,); one real number.
    start : array (P,)
    steps : int
        At most.
    rates : dict
        The learning rates "gradient" and "adaptive".

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        For an unknown name, or where the loss or its gradient is not finite at the start.
    """
    if name not in CHOICES:
        raise ValueError(f"run: optimiser {name!r}: choose one of {', '.join(CHOICES)}")
    choice = CHOICES[name]
    start = np.asarray(start)
    if choice.optimiser is None:
        return _by_minimize(name, choice, f, start, steps, rates)
    return _by_steps(name, choice.optimiser(rates[choice.rate]), f, start, steps)


def _by_minimize(
    name: str, choice: Choice, f: Callable[[Any], Any], start: np.ndarray, steps: int,
    rates: dict[str, float],
) -> Run:  # fmt: skip
    path = [start.copy()]

    def keep(result: Any) -> None:
        path.append(np.asarray(to_numpy(backend_array(result.x))))
        if not _near(path[-1], start):
            raise StopIteration

    search = rates[choice.rate] if choice.search == "fixed" else choice.search
    found = optim.minimize(
        f, start, method=choice.method, line_search=search, maxiter=steps, gtol=1e-6,
        callback=keep, history=True,
    )  # fmt: skip
    endings = {
        0: "converged",
        2: "step limit",
        99: "diverged",
    }
    ending = endings.get(found.status, "no step found")
    if found.status == 3 and choice.search == "fixed":
        ending = endings[99]
    return Run(
        name, np.stack(path), np.asarray(found.history["fun"]), found.nfev + found.njev, ending
    )


def _by_steps(
    name: str, optimiser: Any, f: Callable[[Any], Any], start: np.ndarray, steps: int
) -> Run:
    both = value_and_grad(f)
    x, state = start, optimiser.init(start)
    path, found, ending = [start.copy()], [], "step limit"
    evaluations = 0
    with np.errstate(all="ignore"):  # the result says that a path diverges; no warning is needed
        while True:
            value, gradient = both(x)
            evaluations += 2
            loss, slope = float(to_numpy(value)), np.asarray(to_numpy(gradient))
            if not (np.isfinite(loss) and np.isfinite(slope).all() and _near(x, start)):
                if len(path) == 1:
                    raise ValueError(
                        f"run: the loss or its gradient is not finite at the start, {start}"
                    )
                path, ending = path[:-1], "diverged"
                break
            found.append(loss)
            if np.linalg.norm(slope) <= 1e-6:
                ending = "converged"
                break
            if len(found) > steps:
                break
            x, state = optimiser.step(x, gradient, state)
            x = np.asarray(to_numpy(x))
            path.append(x.copy())
    return Run(name, np.stack(path), np.asarray(found), evaluations, ending)


def _near(x: np.ndarray, start: np.ndarray) -> bool:
    return bool(np.abs(x - start).max(initial=0.0) < FAR)
