"""What a program must show: NumPy's values, differences' gradients, and the same compiled, at other inputs too.

Each stage rests on the one before: the values on NumPy's, the gradient on central differences of NumPy's values along
one direction for each input, `jvp` on the gradient, `hvp` on central differences of the gradient, whole
Jacobians and Hessians on `jvp` and `hvp`, and the compiled function on the eager one.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import pullback as pb
from pullback.autograd.compile import TraceError

from .programs import Program
from .spaces import NUMPY, PULLBACK, function_of

STAGES = ("values", "gradient", "jvp", "second", "matrices", "compiled")


class Fault(AssertionError):
    """A program that shows something else than it must.

    Attributes
    ----------
    stage
        Which of `STAGES`.
    kind
        The class of an exception; empty where numbers differ.
    """

    def __init__(self, stage: str, message: str, kind: str = "") -> None:
        super().__init__(f"{stage}: {message}")
        self.stage, self.kind = stage, kind

    def is_like(self, other: Fault | None) -> bool:
        """Whether the other fault is one of the same stage and kind."""
        return other is not None and (self.stage, self.kind) == (other.stage, other.kind)


@dataclass
class Tally:
    """How many comparisons with differences were made and left out, as they say nothing; the same of compile."""

    made: int = 0
    left_out: int = 0
    compiled: int = 0
    refused: int = 0


# ── the loss ──────────────────────────────────────────────────────────────────────────────────


def weights(k: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """What the elements of the k-th value weigh."""
    n = int(np.prod(shape))
    w = np.cos(1.7 * np.arange(n) + k)
    if np.dtype(dtype).kind == "c":
        w = w + 1j * np.sin(0.9 * np.arange(n) + k)
    return np.asarray(np.reshape(w, shape), dtype=dtype)


def loss(xp: Any, values: tuple[Any, ...]) -> Any:
    """A real number that every element of every value has a part in, to first and second order."""
    total: Any = 0.0
    for k, v in enumerate(values):
        w = weights(k, v.shape, v.dtype)
        if v.dtype.kind == "c":
            total = total + xp.real(xp.sum(w * v)) + 0.05 * xp.sum(xp.real(v * xp.conj(v)))
        else:
            total = total + xp.sum(w * v) + 0.05 * xp.sum(v * v)
    return total


# ── comparing ─────────────────────────────────────────────────────────────────────────────────


def _close(got: Any, wanted: Any, rtol: float) -> bool:
    scale = max(1e-3, float(np.max(np.abs(wanted), initial=0.0)))
    return bool(np.all(np.abs(got - wanted) <= rtol * scale))


def _same(stage: str, what: str, got: Any, wanted: Any, rtol: float) -> None:
    got = pb.to_numpy(got)
    wanted = np.asarray(wanted)
    if got.shape != wanted.shape or got.dtype != wanted.dtype:
        raise Fault(stage, f"{what} is {got.dtype} {got.shape}, not {wanted.dtype} {wanted.shape}")
    if not np.all(np.isfinite(got)) or not _close(got, wanted, rtol):
        raise Fault(stage, f"{what} is\n{got!r}, not\n{wanted!r}")


def _inner(g: Any, d: Any) -> float:
    """The derivative along `d` that a gradient says: the real part of gᴴ d."""
    return float(np.sum(np.real(np.conj(g) * d), dtype=np.float64))


@dataclass(frozen=True)
class Difference:
    """A central difference by two steps, and how far to trust it."""

    value: Any
    error: float


def _difference(f: Callable[[float], Any], step: float = 2e-4) -> Difference:
    """The derivative of `f` at 0, extrapolated from two steps; not finite where `f` is not."""
    with np.errstate(all="ignore"):
        wide = (f(step) - f(-step)) / (2 * step)
        narrow = (f(step / 2) - f(-step / 2)) / step
    value = (4 * narrow - wide) / 3
    return Difference(value, float(np.max(np.abs(wide - narrow), initial=0.0)))


# ── one program ───────────────────────────────────────────────────────────────────────────────


class Checked:
    """A program on both kinds of arrays.

    Parameters
    ----------
    program
        What to check. In single precision comparisons are looser, and its gradient is held against differences in
        double precision.
    tally
        What is counted.
    """

    def __init__(self, program: Program, tally: Tally) -> None:
        self.program, self.tally = program, tally
        source = program.source()
        self.numpy = function_of(source, NUMPY)
        self.ours = function_of(source, PULLBACK)
        self.names = list(program.inputs)
        self.number = program.seed[-1] if isinstance(program.seed, tuple) else program.seed
        self.places = tuple(range(len(self.names)))
        self.single = any(x.dtype in (np.float32, np.complex64) for x in program.inputs.values())
        self.rtol = 2e-4 if self.single else 1e-9
        self.slope_rtol = 2e-3 if self.single else 1e-6

    def arguments(self, other: bool = False) -> list[np.ndarray]:
        return [
            np.array(x) for x in (self.program.others if other else self.program.inputs).values()
        ]

    def reference(self, arguments: list[np.ndarray]) -> tuple[Any, ...]:
        with np.errstate(all="ignore"):
            return self.numpy(*(np.array(x) for x in arguments))

    def numpy_loss(self, arguments: list[np.ndarray]) -> float:
        return float(loss(NUMPY, self.reference(arguments)))

    def our_loss(self, *arguments: Any) -> Any:
        return loss(pb.xp, self.ours(*arguments))

    def with_values(self, *arguments: Any) -> Any:
        values = self.ours(*arguments)
        return loss(pb.xp, values), values

    def gradient(self, arguments: list[np.ndarray]) -> list[Any]:
        return list(pb.grad(self.our_loss, argnums=self.places)(*arguments))

    # ── stages ────────────────────────────────────────────────────────────────────────────────

    def values(self) -> None:
        arguments = self.arguments()
        wanted = self.reference(arguments)
        for what, got in (
            ("untraced", self.ours(*(pb.xp.asarray(x) for x in arguments))),
            (
                "traced",
                pb.value_and_grad(self.with_values, self.places, has_aux=True)(*arguments)[0][1],
            ),
        ):
            for name, ours, theirs in zip(self.program.returns, got, wanted, strict=True):
                _same("values", f"{name} ({what})", ours, theirs, self.rtol)
        for name, x, y in zip(self.names, arguments, self.arguments(), strict=True):
            if not np.array_equal(x, y):
                raise Fault("values", f"the caller's {name} was written to")

    def check_gradient(self) -> None:
        arguments = self.arguments()
        found = self.gradient(arguments)
        double = [x.astype(np.result_type(x.dtype, np.float64)) for x in arguments]
        rng = np.random.default_rng(1)
        for i, (name, x, g) in enumerate(zip(self.names, double, found, strict=True)):
            g = pb.to_numpy(g)
            if g.shape != x.shape or g.dtype != arguments[i].dtype:
                raise Fault(
                    "gradient",
                    f"by {name} it is {g.dtype} {g.shape}, not {arguments[i].dtype} {x.shape}",
                )
            d = _direction(rng, x)

            def along(h: float, i: int = i, d: Any = d) -> float:
                return self.numpy_loss(
                    [np.asarray(y + h * d) if j == i else y for j, y in enumerate(double)]
                )

            self.compare(
                "gradient",
                f"by {name} along {d!r}",
                _inner(g, d),
                _difference(along),
                np.sum(np.abs(g * d)),
            )

    def compare(self, stage: str, what: str, got: Any, by: Difference, scale: float) -> None:
        scale = max(1e-2, float(scale))
        self.tally.made += 1
        if not np.all(np.isfinite(by.value)) or by.error > 1e-3 * scale:
            self.tally.left_out += 1
            return
        if (
            not np.all(np.isfinite(got))
            or np.max(np.abs(got - by.value), initial=0.0)
            > self.slope_rtol * scale + 1e-2 * by.error
        ):
            raise Fault(
                stage, f"{what}:\n{got!r}; differences say\n{by.value!r} (to {by.error:.1e})"
            )

    def jvp(self) -> None:
        arguments = self.arguments()
        found = [pb.to_numpy(g) for g in self.gradient(arguments)]
        rng = np.random.default_rng(2)
        directions = [_direction(rng, x) for x in arguments]
        _, slope = pb.jvp(self.our_loss, tuple(arguments), tuple(directions))
        wanted = sum(_inner(g, d) for g, d in zip(found, directions, strict=True))
        scale = max(
            1e-2, sum(float(np.sum(np.abs(g * d))) for g, d in zip(found, directions, strict=True))
        )
        if not abs(float(slope) - wanted) <= self.rtol * 10 * scale:
            raise Fault(
                "jvp", f"{float(slope)!r} along {directions!r}; the gradient says {wanted!r}"
            )

    def second(self) -> None:
        if self.single:
            return
        arguments = self.arguments()
        rng = np.random.default_rng(3)
        directions = [_direction(rng, x) for x in arguments]

        def at(xs: Any) -> Any:
            return self.our_loss(*xs)

        found = pb.hvp(at, tuple(arguments), tuple(directions))

        def along(h: float) -> np.ndarray:
            moved = [np.asarray(x + h * d) for x, d in zip(arguments, directions, strict=True)]
            return np.concatenate(
                [np.ravel(pb.to_numpy(g)).astype(complex) for g in self.gradient(moved)]
            )

        by, at_place = _difference(along), 0
        for name, g in zip(self.names, found, strict=True):
            g = pb.to_numpy(g)
            part = by.value[at_place : at_place + g.size].reshape(g.shape)
            at_place += g.size
            self.compare("second", f"the Hessian's product by {name}", g, Difference(part, by.error),
                         np.max(np.abs(by.value), initial=0.0))  # fmt: skip

    def matrices(self) -> None:
        """The Hessian or the Jacobian, whose rows go through the tape together, times a direction."""
        if self.single or any(x.dtype.kind == "c" for x in self.program.inputs.values()):
            return
        arguments = tuple(self.arguments())
        rng = np.random.default_rng(3)
        directions = tuple(_direction(rng, x) for x in arguments)
        hessian = self.number % 2 == 0
        if hessian:
            blocks = pb.hessian(self.our_loss, argnums=self.places)(*arguments)
            wanted = pb.hvp(lambda xs: self.our_loss(*xs), arguments, directions)
            names = self.names
        else:

            def real(*xs: Any) -> list[Any]:
                return [pb.xp.real(y) for y in self.ours(*xs)]

            blocks = pb.jacobian(real, argnums=self.places)(*arguments)
            wanted = pb.jvp(real, arguments, directions)[1]
            names = list(self.program.returns)
        for name, row, product in zip(names, blocks, wanted, strict=True):
            parts = [_contracted(block, d) for block, d in zip(row, directions, strict=True)]
            product = pb.to_numpy(product)
            scale = max(1e-2, *(float(np.max(np.abs(pb.to_numpy(b)), initial=0.0)) for b in row))
            got = np.sum(parts, axis=0)
            if (
                got.shape != product.shape
                or not np.max(np.abs(got - product), initial=0.0) <= 1e-8 * scale
            ):
                what = "Hessian" if hessian else "Jacobian"
                raise Fault(
                    "matrices",
                    f"the {what} of {name} times a direction is\n{got!r}, not\n{product!r}",
                )

    def compiled(self, fast: bool) -> None:
        """The gradient and the values, the values alone, or a second derivative, compiled, in three calls."""
        kind = ("gradient", "gradient", "values", "second")[self.number % 4]
        gradients = [f"the gradient by {name}" for name in self.names]
        directions = tuple(_direction(np.random.default_rng(3), x) for x in self.arguments())
        if kind == "gradient":
            function: Callable[..., Any] = pb.value_and_grad(
                self.with_values, self.places, has_aux=True
            )
            names = ["the value", *self.program.returns, *gradients]
        elif kind == "values":
            function, names = self.ours, list(self.program.returns)
        elif self.number % 8 == 7 and not any(x.dtype.kind == "c" for x in directions):
            function = pb.hessian(self.our_loss, argnums=self.places)
            names = [f"the Hessian by {one} and {two}" for one in self.names for two in self.names]
        else:
            function, names = (
                lambda *xs: pb.hvp(lambda ys: self.our_loss(*ys), xs, directions),
                gradients,
            )
        compiled = pb.compile(function, fast=fast)
        self.tally.compiled += 1
        for call, other in enumerate((False, True, False), 1):
            arguments = self.arguments(other)
            given = [pb.xp.asarray(x) for x in arguments] if kind == "values" else arguments
            wanted = function(*(copy.copy(x) for x in given))  # a function may write to an Array
            try:
                got = compiled(*given)
            except TraceError as error:
                self.tally.refused += 1
                if self.program.dynamic:
                    return
                raise Fault("compiled", f"{kind} refused: {error}") from None
            for name, ours, eager in zip(
                names, pb.tree.leaves(got), pb.tree.leaves(wanted), strict=True
            ):
                _same(
                    "compiled",
                    f"{kind}: {name} in call {call}",
                    ours,
                    pb.to_numpy(eager),
                    self.rtol,
                )
            for name, x, y in zip(self.names, arguments, self.arguments(other), strict=True):
                if not np.array_equal(x, y):
                    raise Fault("compiled", f"{kind}: the caller's {name} was written to")


def _contracted(block: Any, d: np.ndarray) -> np.ndarray:
    return np.tensordot(pb.to_numpy(block), d, axes=d.ndim)


def _direction(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    d = rng.uniform(0.5, 1, x.shape) * rng.choice([-1, 1], x.shape)
    if x.dtype.kind == "c":
        d = d + 1j * rng.uniform(-1, 1, x.shape)
    order = "C" if x.flags.c_contiguous else "F"  # so that x + h d lies as x does
    return np.asarray(d, dtype=x.dtype, order=order)


def fault_of(
    program: Program,
    stages: tuple[str, ...] = STAGES,
    tally: Tally | None = None,
    *,
    fast: bool = False,
) -> Fault | None:
    """The first fault of a program, None where it has none; an exception of ours is a fault."""
    stage = "values"
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            checked = Checked(program, tally or Tally())
            if not all(np.all(np.isfinite(x)) for x in checked.reference(checked.arguments())):
                return None
            runs: dict[str, Callable[[], None]] = {
                "values": checked.values,
                "gradient": checked.check_gradient,
                "jvp": checked.jvp,
                "second": checked.second,
                "matrices": checked.matrices,
                "compiled": lambda: checked.compiled(fast),
            }
            for stage in stages:
                runs[stage]()
    except Fault as fault:
        return fault
    except Exception as error:  # of any kind: the program runs on NumPy
        return Fault(stage, f"{type(error).__name__}: {error}", type(error).__name__)
    return None
