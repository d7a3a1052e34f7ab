"""Programs made at random, as data: straight-line source that is run on NumPy's arrays while it is drawn.

Two sets of inputs are carried along, so that every operation is well inside its domain for both, and a
compiled program can be called with the second. A step that leaves a domain, a moderate size or NumPy's own
rules is taken back and another drawn.
"""

from __future__ import annotations

import re
import textwrap
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .domains import DOMAINS
from .operations import LARGEST, PURE, Operand, Operation
from .spaces import NUMPY
from .writes import DELETE, WRITES

HIGHEST = 50.0


@dataclass(frozen=True)
class Step:
    """One statement: its source, the names that it makes and those that it takes."""

    operation: str
    text: str
    makes: tuple[str, ...]
    takes: tuple[str, ...]
    several: bool = False

    def source(self) -> str:
        if not self.makes:
            return self.text
        return f"{', '.join(self.makes)}{',' if self.several else ''} = {self.text}"


@dataclass(frozen=True)
class Program:
    """A function of arrays that returns what it holds at its end.

    Attributes
    ----------
    seed
        What it was drawn from.
    inputs, others
        Two sets of arguments, by name.
    constants
        Arrays of NumPy's that it closes over.
    steps, returns
        Its body, and the names that it returns.
    dynamic
        Whether a shape in it depends on values.
    """

    seed: Any
    inputs: dict[str, np.ndarray]
    others: dict[str, np.ndarray]
    constants: dict[str, np.ndarray]
    steps: tuple[Step, ...]
    returns: tuple[str, ...]
    dynamic: bool = False

    def source(self) -> str:
        """Python source that defines `f`; `xp` and `np` are in scope."""
        lines = [f"{name} = {literal(value)}" for name, value in self.constants.items()]
        lines.append(f"def f({', '.join(self.inputs)}):")
        lines += [textwrap.indent(step.source(), "    ") for step in self.steps]
        lines.append(f"    return ({', '.join(self.returns)},)")
        return "\n".join(lines) + "\n"

    def without(self, dropped: Step) -> Program:
        """The program without a step and all that needs what it made."""
        gone, kept = set(dropped.makes), []
        for step in self.steps:
            if step is dropped:
                continue
            if gone & set(step.takes):
                gone |= set(step.makes)
            else:
                kept.append(step)
        returns = tuple(name for name in self.returns if name not in gone)
        return replace(self, steps=tuple(kept), returns=returns)

    def past(self, step: Step) -> Program:
        """The program with the first operand of a step in place of what it made."""
        names = {step.makes[0]: step.takes[0]}
        steps = [_renamed(s, names) for s in self.steps if s is not step]
        returns = tuple(dict.fromkeys(names.get(name, name) for name in self.returns))
        return replace(self, steps=tuple(steps), returns=returns)


def _renamed(step: Step, names: dict[str, str]) -> Step:
    text = re.sub(r"\b[cvx]\d+\b", lambda found: names.get(found[0], found[0]), step.text)
    return replace(step, text=text, takes=tuple(names.get(name, name) for name in step.takes))


def literal(x: np.ndarray) -> str:
    """An array as source."""
    if not x.size:
        return f"np.zeros({x.shape}, dtype={x.dtype.name!r})"
    order = "" if x.flags.c_contiguous else ", order='F'"
    return f"np.array({x.tolist()}, dtype={x.dtype.name!r}{order})"


class _Draft:
    """A program in the making, and the values of its names for both sets of inputs."""

    def __init__(self, rng: np.random.Generator, dtypes: dict[str, tuple[str, ...]]) -> None:
        self.rng, self.dtypes = rng, dtypes
        self.scopes: list[dict[str, Any]] = [{"np": np, "xp": NUMPY} for _ in range(2)]
        self.inputs: list[dict[str, np.ndarray]] = [{}, {}]
        self.constants: dict[str, np.ndarray] = {}
        self.steps: list[Step] = []
        self.alive: list[str] = []
        self.scalars: set[str] = (
            set()
        )  # NumPy's scalars, and what is made of one alone: nothing to write to
        self.count = 0
        self.dynamic = False

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count - 1}"

    def values(self, name: str) -> list[Any]:
        return [scope[name] for scope in self.scopes]

    def dtype(self, kind: str) -> str:
        dtypes = self.dtypes[kind]
        return dtypes[self.rng.integers(len(dtypes))]

    def draw_array(self, shape: tuple[int, ...], kind: str, dtype: str) -> np.ndarray:
        x = self.rng.uniform(0.2, 1.8, shape) * self.rng.choice([-1, 1], shape)
        if kind == "c":
            x = x + 1j * self.rng.uniform(-1.5, 1.5, shape)
        return np.asarray(np.round(x, 3), dtype=dtype)

    def add_input(self, shape: tuple[int, ...], kind: str) -> None:
        name, dtype = self.name("x"), self.dtype(kind)
        order = "F" if self.rng.random() < 0.2 else "C"
        for scope, given in zip(self.scopes, self.inputs, strict=True):
            given[name] = np.asarray(self.draw_array(shape, kind, dtype), order=order)
            scope[name] = np.array(given[name])  # which keeps the order
        self.alive.append(name)

    def add_constant(self, shape: tuple[int, ...], kind: str) -> str:
        name = self.name("c")
        self.constants[name] = self.draw_array(shape, kind, self.dtype(kind))
        for scope in self.scopes:
            scope[name] = self.constants[name]
        return name

    # ── steps ─────────────────────────────────────────────────────────────────────────────────

    def attempt(self, operation: Operation) -> bool:
        """Draw operands and settings for an operation and append it; false where that did not work."""
        names: list[str] = []
        before = len(self.steps), list(self.alive), self.count, dict(self.constants)
        for i, operand in enumerate(operation.operands):
            name = self.operand(operand, names, target=operation.writes and i == 0)
            if name is None:
                return self.back(before)
            names.append(name)
        both = [[self.values(name)[i] for name in names] for i in range(2)]
        with np.errstate(all="ignore"):
            if not all(operation.pairs(*arrays) for arrays in both):
                return self.back(before)
        settings = operation.settings(self.rng, [np.asarray(x) for x in both[0]])
        if settings is None:
            return self.back(before)
        text = operation.text.format(*names, **settings)
        if not (self.write if operation.writes else self.make)(operation, text, tuple(names)):
            return self.back(before)
        self.dynamic = self.dynamic or operation.dynamic
        return True

    def back(self, before: tuple[int, list[str], int, dict[str, np.ndarray]]) -> bool:
        steps, self.alive, self.count, self.constants = before
        del self.steps[steps:]
        return False

    def operand(self, operand: Operand, names: list[str], *, target: bool) -> str | None:
        taken = [np.asarray(self.values(name)[0]) for name in names]
        domain = DOMAINS[operand.domain]

        def fits(name: str) -> bool:
            x = self.values(name)[0]
            if x.dtype.kind not in operand.kinds or not operand.fits(np.asarray(x), taken):
                return False
            if not target:
                return True
            return self.writable(name) and all(
                domain.holds(np.asarray(y)) for y in self.values(name)
            )

        if names and not target and self.rng.random() < 0.08 and operand.domain == "any":
            kind = str(self.rng.choice(list(operand.kinds))) if taken[0].dtype.kind == "c" else "f"
            name = self.add_constant(taken[0].shape, kind)
            if fits(name):
                return name
        found = [name for name in self.alive if fits(name)]
        if not found:
            return None
        later = self.rng.random() < 0.6 and len(found) > 3
        name = str(self.rng.choice(found[-3:] if later else found))
        if target or all(domain.holds(np.asarray(x)) for x in self.values(name)):
            return name
        return self.mended(name, operand)

    def writable(self, name: str) -> bool:
        x = self.values(name)[0]
        return name not in self.scalars and isinstance(x, np.ndarray) and x.flags.writeable

    def mended(self, name: str, operand: Operand) -> str | None:
        """A new value in the operand's domain, made of a value that lies outside."""
        domain, x = DOMAINS[operand.domain], np.asarray(self.values(name)[0])
        text = domain.complex if x.dtype.kind == "c" else domain.real
        if not text or (operand.domain.startswith("distinct") and x.size > 24):
            return None
        ramp = f"np.array({self.rng.permutation(x.size).reshape(x.shape).tolist()})"
        text = text.format(x=name, n=x.shape[-1] if x.ndim else 1, ramp=ramp)
        if not self.make(Operation(f"into {operand.domain}", text, ()), text, (name,)):
            return None
        made = self.steps[-1].makes[0]
        return made if all(domain.holds(np.asarray(v)) for v in self.values(made)) else None

    def make(self, operation: Operation, text: str, names: tuple[str, ...]) -> bool:
        outs = [self.evaluate(text, scope) for scope in self.scopes]
        if any(out is None for out in outs):
            return False
        parts = [list(out) if operation.several else [out] for out in outs]
        if not parts[0] or not all(_moderate(x) for part in parts for x in part):
            return False
        if [x.shape for x in parts[0]] != [x.shape for x in parts[1]]:
            return False
        makes = tuple(self.name("v") for _ in parts[0])
        for scope, part in zip(self.scopes, parts, strict=True):
            scope.update(zip(makes, part, strict=True))
        for made, x in zip(makes, parts[0], strict=True):
            if not isinstance(x, np.ndarray) or (len(names) == 1 and names[0] in self.scalars):
                self.scalars.add(made)
            else:
                self.scalars.discard(made)
        self.steps.append(Step(operation.name, text, makes, names, operation.several))
        self.alive += makes
        return True

    def evaluate(self, text: str, scope: dict[str, Any]) -> Any:
        with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
            warnings.simplefilter("error")
            try:
                return eval(text, scope)
            except (
                ValueError,
                TypeError,
                IndexError,
                ArithmeticError,
                Warning,
                np.linalg.LinAlgError,
            ):
                return None

    def write(self, operation: Operation, text: str, names: tuple[str, ...]) -> bool:
        if any(name in self.constants for name in names[:1]):
            return False
        if operation is DELETE:
            self.steps.append(Step(operation.name, text, (), names))
            self.alive.remove(names[0])
            return True
        saved = [_buffers(scope) for scope in self.scopes]
        done = all(self.execute(text, scope) for scope in self.scopes)
        if done and all(_moderate(x) for name in self.alive for x in self.values(name)):
            self.steps.append(Step(operation.name, text, (), names))
            return True
        for buffers in saved:
            for root, values in buffers:
                root[...] = values
        return False

    def execute(self, text: str, scope: dict[str, Any]) -> bool:
        with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
            warnings.simplefilter("error")
            try:
                exec(text, scope)
            except (
                ValueError,
                TypeError,
                IndexError,
                ArithmeticError,
                Warning,
                np.linalg.LinAlgError,
            ):
                return False
        return True


def _moderate(x: Any) -> bool:
    return (
        isinstance(x, np.ndarray | np.generic)
        and x.dtype.kind in "fc"
        and x.ndim <= 3
        and x.size <= LARGEST
        and bool(np.all(np.isfinite(x)))
        and float(np.max(np.abs(x), initial=0.0)) < HIGHEST
    )


def _buffers(scope: dict[str, Any]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The arrays that own the memory of all values, and copies of them."""
    roots: dict[int, np.ndarray] = {}
    for x in scope.values():
        if isinstance(x, np.ndarray):
            while isinstance(x.base, np.ndarray):
                x = x.base
            if x.flags.writeable:
                roots[id(x)] = x
    return [(x, x.copy()) for x in roots.values()]


# The dtypes of inputs and constants, by kind.
DOUBLE = {"f": ("float64",), "c": ("complex128",)}
SINGLE = {"f": ("float32",), "c": ("complex64",)}
MIXED = {"f": ("float64", "float32"), "c": ("complex128", "complex64")}


def draw_program(
    seed: Any, *, views: bool = True, dtypes: dict[str, tuple[str, ...]] = DOUBLE
) -> Program:
    """The program of a seed, a whole number or a tuple of them.

    Parameters
    ----------
    seed
        Its last number chooses the operations that the program has for certain, so that some hundred programs use all.
    views
        Whether there are writes in place.
    dtypes
        `DOUBLE`, `SINGLE` or `MIXED`.
    """
    rng = np.random.default_rng(seed)
    number = seed[-1] if isinstance(seed, tuple) else seed
    wanted = [PURE[(2 * number + i) % len(PURE)] for i in range(2)]
    if views:
        wanted.append(WRITES[number % len(WRITES)])
    draft = _Draft(rng, dtypes)
    complex_at_all = rng.random() < 0.4
    for operation in wanted:
        first = operation.operands[0]
        kind = (
            first.kinds
            if len(first.kinds) == 1
            else "c"
            if complex_at_all and rng.random() < 0.7
            else "f"
        )
        draft.add_input(first.starts[rng.integers(len(first.starts))], kind)
    if rng.random() < 0.06:
        draft.add_input([(0,), (0, 3), (2, 0)][rng.integers(3)], "f")
    length = len(wanted) + int(rng.integers(3, 9))
    places = {int(at): op for at, op in zip(rng.permutation(length), wanted, strict=False)}
    for i in range(length):
        if i in places and any(draft.attempt(places[i]) for _ in range(12)):
            continue
        for _ in range(6):
            draws = WRITES if views and rng.random() < 0.4 else PURE
            operation = draws[rng.integers(len(draws))]
            if views and rng.random() < 0.04 and len(draft.alive) > 3:
                operation = DELETE
            if draft.attempt(operation):
                break
    return Program(
        seed, draft.inputs[0], draft.inputs[1], draft.constants, tuple(draft.steps), tuple(draft.alive), draft.dynamic
    )  # fmt: skip


def operations_of(program: Program) -> set[str]:
    return {step.operation for step in program.steps}
