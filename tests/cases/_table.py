"""The table of cases: what a row is, and the rows of every table beside this file.

A row is a function of `pb.xp` in one situation: its arguments, with makers where arrays go. What is
asserted of all rows stands in `autograd/rules/test_rules.py`. To add rows, write `tests/cases/<section>.py` with a list
``CASES = [row("exp", "plain", R(3, 2)), …]``; it is found by its name.

Makers (arrays that are differentiated, but for `K`):

* ``R(3, 2)``: real, drawn uniformly from [−2, 2) (``low=``, ``high=``); ``P(3)``: from [0.5, 2.5);
* ``Z(3)``: complex, both parts from [−2, 2) (``low=``, ``high=`` bound the real part);
* ``X([0.0, 1.0])``: these values;
* ``K([0, 2])``: these values, as a constant array (indices, conditions).

Lists and tuples of makers are filled in (``concat``); everything else is passed as it is.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import array_api_compat.numpy
import numpy as np

import pullback as pb
from pullback.autograd.core.registry import REGISTRY, find


@dataclass(frozen=True)
class Maker:
    """An array argument: drawn from a box, or given."""

    shape: tuple[int, ...] = ()
    low: float = -2.0
    high: float = 2.0
    complex: bool = False
    values: Any = None
    constant: bool = False

    def make(self, rng: np.random.Generator) -> np.ndarray:
        if self.values is not None:
            return np.array(self.values)
        out = rng.uniform(self.low, self.high, self.shape)
        return np.asarray(out + 1j * rng.uniform(-2, 2, self.shape) if self.complex else out)


def R(*shape: int, low: float = -2.0, high: float = 2.0) -> Maker:
    return Maker(shape, low, high)


def P(*shape: int) -> Maker:
    return Maker(shape, 0.5, 2.5)


def Z(*shape: int, low: float = -2.0, high: float = 2.0) -> Maker:
    return Maker(shape, low, high, complex=True)


def X(values: Any) -> Maker:
    return Maker(values=np.asarray(values))


def K(values: Any) -> Maker:
    return Maker(values=np.asarray(values), constant=True)


def _fill(x: Any, made: Iterator[Any]) -> Any:
    if isinstance(x, Maker):
        return next(made)
    if type(x) in (list, tuple):
        return type(x)(_fill(part, made) for part in x)
    return x


def _makers(x: Any) -> Iterator[Maker]:
    if isinstance(x, Maker):
        yield x
    elif type(x) in (list, tuple):
        for part in x:
            yield from _makers(part)


def look_up(space: Any, name: str) -> Callable[..., Any]:
    for part in name.split("."):
        space = getattr(space, part)
    return space


@dataclass(frozen=True, eq=False)
class Case:
    """One function in one situation.

    Attributes
    ----------
    name, label : str
        The function, dotted for its extensions, and the situation.
    args, settings
        What it is called with, in the order and under the names of its signature.
    call : callable, optional
        Called instead of ``pb.xp.<name>`` (operators, gauge-invariant functions of several outputs).
    reference : callable, optional
        Called on NumPy arrays instead of the function of that name in array_api_compat.numpy.
    order : int
        Highest order of derivatives to check.
    skip : mapping
        ``{"array_api_strict": reason}`` for a library that cannot run the row; ``{"float32": reason}``.
    rtol : float
        Of gradients against differences.
    """

    name: str
    label: str
    args: tuple[Any, ...]
    settings: dict[str, Any]
    call: Callable[..., Any] | None = None
    reference: Callable[..., Any] | None = None
    order: int = 2
    skip: Mapping[str, str] = field(default_factory=dict)
    rtol: float = 1e-7

    @property
    def id(self) -> str:
        return f"{self.name}-{self.label}"

    def makers(self) -> list[Maker]:
        return list(_makers([*self.args, *self.settings.values()]))

    def arrays(self) -> list[np.ndarray]:
        """All array arguments, on the host, the same at every call."""
        rng = np.random.default_rng(zlib.crc32(self.id.encode()))
        return [maker.make(rng) for maker in self.makers()]

    def places(self) -> list[int]:
        """Which of `arrays` are differentiated."""
        return [i for i, maker in enumerate(self.makers()) if not maker.constant]

    def parameters(self) -> set[str]:
        """The names of the parameters that are differentiated."""
        bound = find(self.name).signature.bind(*self.args, **self.settings).arguments
        return {k for k, v in bound.items() if any(not m.constant for m in _makers([v]))}

    def run(self, function: Callable[..., Any], arrays: list[Any]) -> Any:
        made = iter(arrays)
        args = _fill(self.args, made)
        return function(*args, **{k: _fill(v, made) for k, v in self.settings.items()})

    def pullback(self, arrays: list[Any]) -> Any:
        """The row's function of `pb.xp`, on all its array arguments."""
        return self.run(self.call or look_up(pb.xp, self.name), arrays)

    def numpy(self, arrays: list[np.ndarray]) -> Any:
        """The same by NumPy alone."""
        return self.run(self.reference or look_up(array_api_compat.numpy, self.name), arrays)

    def of_inputs(self, arrays: list[Any]) -> Callable[..., Any]:
        """The row as a function of the differentiated arrays alone, the others fixed."""
        places = self.places()

        def f(*inputs: Any) -> Any:
            every = list(arrays)
            for place, x in zip(places, inputs, strict=True):
                every[place] = x
            return self.pullback(every)

        return f


def row(
    name: str,
    label: str,
    *args: Any,
    _call: Callable[..., Any] | None = None,
    _ref: Callable[..., Any] | None = None,
    _order: int = 2,
    _skip: Mapping[str, str] | None = None,
    _rtol: float = 1e-7,
    **settings: Any,
) -> Case:
    """A row of the table; what begins with an underscore is for the tests, the rest for the function."""
    return Case(name, label, args, settings, _call, _ref, _order, _skip or {}, _rtol)


def inexact_leaves(out: Any) -> list[Any]:
    """The floating outputs, in order: those that a derivative can pass through."""
    leaves = pb.tree.leaves(tuple(out) if isinstance(out, tuple) else out)
    return [y for y in leaves if np.dtype(str(y.dtype).rpartition(".")[2]).kind in "fc"]


def weights_for(outs: list[Any]) -> list[np.ndarray]:
    """A random weight for each element of each output, complex where the output is."""
    rng = np.random.default_rng(7)
    weights = []
    for y in outs:
        w = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape)
        if np.dtype(str(y.dtype).rpartition(".")[2]).kind == "c":
            w = w + 1j * rng.uniform(0.5, 1.5, y.shape)
        weights.append(np.asarray(w))
    return weights


def loss(out: Any, weights: list[Any]) -> Any:
    """Re Σ w · y over all floating outputs, as a pullback array."""
    total: Any = 0.0
    for y, w in zip(inexact_leaves(out), weights, strict=True):
        term = pb.xp.sum(y * w)
        total = total + (
            pb.xp.real(term) if pb.xp.isdtype(term.dtype, "complex floating") else term
        )
    return total


def numpy_loss(out: Any, weights: list[np.ndarray]) -> float:
    return float(
        sum(np.real(np.sum(y * w)) for y, w in zip(inexact_leaves(out), weights, strict=True))
    )


def collect() -> list[Case]:
    """The rows of all tables in this folder, and in those in it."""
    here = Path(__file__).parent
    cases: list[Case] = []
    for path in sorted(here.rglob("[!_]*.py")):
        name = ".".join(path.relative_to(here).with_suffix("").parts)
        cases += importlib.import_module(f".{name}", __package__).CASES
    return cases


def rules_without_rows(cases: list[Case]) -> list[str]:
    """The differentiable parameters, as ``"add(x1)"``, that no row differentiates."""
    covered: dict[str, set[str]] = {}
    for case in cases:
        covered.setdefault(case.name, set()).update(case.parameters())
    return [
        f"{name}({parameter})"
        for name, primitive in sorted(REGISTRY.items())
        for parameter in primitive.rules
        if parameter not in covered.get(name, ())
    ]
