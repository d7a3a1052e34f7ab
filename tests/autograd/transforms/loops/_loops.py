"""Functions that loop, as one table for the eager and for the compiled tests: each is one real number of arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import pullback as pb

xp = pb.xp

X = np.random.default_rng(3).uniform(0.4, 1.2, 4)
ROWS = np.random.default_rng(4).uniform(-1.0, 1.0, (4, 3))
W = np.random.default_rng(5).uniform(-1.0, 1.0, (3, 3))


def python_loop(
    f: Any, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> Any:
    """What `pb.scan` is, as one would write it: no library call but `stack`."""
    leaves = pb.tree.leaves(xs)
    n = length if length is not None else leaves[0].shape[0]
    carry, rows = init, []
    for i in reversed(range(n)) if reverse else range(n):
        carry, y = f(carry, pb.tree.map(lambda x, i=i: xp.asarray(x)[i], xs))
        rows.append(y)
    if reverse:
        rows.reverse()
    return carry, pb.tree.map(lambda *ys: xp.stack([xp.asarray(y) for y in ys]), *rows)


@dataclass
class Cell:
    """A recurrent cell, a model as users write one."""

    w: Any
    b: Any

    def __call__(self, h: Any, x: Any) -> Any:
        return xp.tanh(h @ self.w + x + self.b)


def rnn(loop: Callable[..., Any], rows: Any, w: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = xp.tanh(w @ h + x)
        return h, h

    last, states = loop(step, xp.zeros_like(xp.asarray(rows)[0]), rows)
    return xp.sum(states**2) + xp.sum(last)


def cell(loop: Callable[..., Any], rows: Any, w: Any) -> Any:
    model = Cell(w, xp.asarray(rows)[0])
    last, _ = loop(lambda h, x: (model(h, x), None), xp.asarray(rows)[1], rows, reverse=True)
    return xp.sum(last**2)


def linear(loop: Callable[..., Any], x: Any, a: Any) -> Any:
    """c ← a c + x_i, whose derivatives are known: `test_scan.py`."""
    return loop(lambda c, v: (a * c + v, None), xp.zeros_like(xp.sum(x)), x)[0]


def cumulative(loop: Callable[..., Any], x: Any) -> Any:
    sums = loop(lambda c, v: (c + v, c + v), xp.zeros_like(xp.sum(x)), x)[1]
    products = loop(lambda c, v: (c * v, c * v), xp.ones_like(xp.sum(x)), x, reverse=True)[1]
    return xp.sum(sums * products)


def logistic(loop: Callable[..., Any], x: Any) -> Any:
    last, orbit = loop(lambda c, _: (3.2 * c * (1 - c), c), x / 2, None, length=5)
    return xp.sum(last) + xp.sum(orbit**3)


def euler(loop: Callable[..., Any], x: Any) -> Any:
    """The pendulum, by Euler's method; the state is a dict."""

    def step(s: Any, t: Any) -> Any:
        new = {"q": s["q"] + 0.1 * s["p"], "p": s["p"] - 0.1 * xp.sin(s["q"]) * x[1] + 0.01 * t}
        return new, (new["q"], {"energy": new["p"] ** 2})

    last, (q, e) = loop(step, {"q": x[0], "p": x[2]}, x)
    return last["p"] + xp.sum(q * e["energy"])


def swapped(loop: Callable[..., Any], x: Any) -> Any:
    (a, b), ys = loop(lambda c, v: ((c[1], c[0] * v), c[0]), (x, x * 2), x)
    return xp.sum(a * b) + xp.sum(ys**3)


def nested(loop: Callable[..., Any], x: Any) -> Any:
    def outer(c: Any, v: Any) -> Any:
        c, rows = loop(lambda d, w: (xp.sin(d * w + v), d * c), c, x)
        return c, xp.sum(rows)

    last, rows = loop(outer, x[0], x)
    return last + xp.sum(rows**2)


def grad_inside(loop: Callable[..., Any], x: Any) -> Any:
    """A scan in a gradient in a scan."""

    def inner(d: Any, v: Any) -> Any:
        return loop(lambda e, w: (xp.sin(e * w + v), None), d * v, x)[0]

    return loop(lambda c, v: (pb.grad(lambda d: inner(d, v))(c) + x[1], None), x[0], x)[0]


def written(loop: Callable[..., Any], x: Any) -> Any:
    """In-place writes to the carry, to a row and to a new array."""

    def step(c: Any, v: Any) -> Any:
        c = xp.asarray(c, copy=True)
        c[0] = c[1] * v
        c[1:3] += v
        y = c[0] * x[0]
        out = xp.zeros_like(c)
        out[::2] = c[1::2] * y
        return c, out

    last, rows = loop(step, x, x)
    return xp.sum(last**2) + xp.sum(rows)


def noisy(loop: Callable[..., Any], x: Any) -> Any:
    """A key for each step."""
    key = pb.random.key(3)

    def step(c: Any, i: Any) -> Any:
        return c * x + pb.random.normal(pb.random.fold_in(key, i), (4,)), None

    return xp.sum(loop(step, x, xp.arange(3))[0] ** 2)


def keys(loop: Callable[..., Any], x: Any) -> Any:
    """A key in the carry, split in each step."""

    def step(c: Any, _: Any) -> Any:
        key, h = c
        key, part = pb.random.split(key)
        return (key, h * pb.random.normal(part, (4,))), None

    return xp.sum(loop(step, (pb.random.key(1), x), None, length=3)[0][1] ** 2)


def gathered(loop: Callable[..., Any], x: Any) -> Any:
    """Indices of the step into an array that is traced outside of it."""
    table = xp.asarray(x) * 1.5
    order = xp.asarray(np.asarray([1, 3, 3, 0]))
    return xp.sum(loop(lambda c, i: (c + table[i] * c, table[i]), x[0], order)[1] ** 2)


def masked(loop: Callable[..., Any], x: Any) -> Any:
    return xp.sum(loop(lambda c, v: (xp.where(c > v, c * x, x + v**2), None), x, x)[0])


def late(loop: Callable[..., Any], x: Any) -> Any:
    """Python variables that have another value when the backward pass runs."""
    c = x
    for k in range(3):
        c, _ = loop(lambda c, v: (xp.sin(c * (k + 1)) * v, None), c, x)  # noqa: B023 - what is tested
    return xp.sum(c)


def rewritten(loop: Callable[..., Any], x: Any) -> Any:
    """An array that is written to between two loops that close over it."""
    b, total = xp.zeros_like(xp.asarray(x)) * x, 0.0
    for k in range(3):
        c, _ = loop(lambda c, v: (xp.sin(c + b) * v, None), x, x)
        b[k] = c[0] * 2
        total = total + xp.sum(c)
    return total


def invariant(loop: Callable[..., Any], x: Any) -> Any:
    """Work on closures alone, which belongs outside of the loop."""
    w = x * 2
    return xp.sum(loop(lambda c, v: (c * xp.sum(w**2) / 10 + v, xp.cos(w)), x, x)[1] * x)


def directions(loop: Callable[..., Any], x: Any) -> Any:
    """A derivative along a direction in each step, of a function that closes over the argument."""

    def step(c: Any, v: Any) -> Any:
        return pb.jvp(lambda d: xp.sin(d * v) * x, (c,), (x,))[1], None

    return xp.sum(loop(step, x, x)[0] ** 2)


def leapfrog(loop: Callable[..., Any], x: Any) -> Any:
    """Molecular dynamics: gradients of an energy in each step."""
    energy = lambda q: xp.sum(q**4) / 4 + xp.sum(q[1:] * q[:-1])

    def step(s: Any, _: Any) -> Any:
        q, p = s
        p = p - 0.05 * pb.grad(energy)(q)
        q = q + 0.1 * p
        return (q, p - 0.05 * pb.grad(energy)(q)), energy(q)

    (q, p), energies = loop(step, (xp.asarray(x), xp.ones_like(xp.asarray(x))), None, length=4)
    return xp.sum(q * p) + xp.sum(energies)


def trained(loop: Callable[..., Any], x: Any) -> Any:
    """An optimiser in a loop: the gradient through training."""
    opt = pb.optim.SGD(0.1, momentum=0.9)

    def step(c: Any, _: Any) -> Any:
        p, state = c
        loss, g = pb.value_and_grad(lambda p: xp.sum((p - x) ** 2 + xp.sin(p)))(p)
        return opt.step(p, g, state), loss

    start = xp.ones_like(xp.asarray(x))
    return xp.sum(loop(step, (start, opt.init(start)), None, length=3)[1])


_clipped = pb.custom_vjp(lambda x: x)
_clipped.defvjp(lambda x: (x, None), lambda _, ct: (xp.clip(ct, -0.1, 0.1),))
_checkpointed = pb.checkpoint(lambda c, v: xp.sin(xp.sin(c * v)))


def custom(loop: Callable[..., Any], x: Any) -> Any:
    def step(c: Any, v: Any) -> Any:
        return _clipped(_checkpointed(c, v)), None

    return xp.sum(loop(step, x, x)[0] ** 2)


@dataclass(frozen=True)
class Case:
    """A function ``f(loop, *args)`` and its arguments."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    kinks: bool = False  # its derivative is not that of its values

    def __repr__(self) -> str:
        return self.f.__name__


CASES = [
    Case(rnn, (ROWS, W)),
    Case(cell, (ROWS, W)),
    Case(linear, (X, np.float64(0.7))),
    Case(cumulative, (X,)),
    Case(logistic, (X,)),
    Case(euler, (X,)),
    Case(swapped, (X,)),
    Case(nested, (X,)),
    Case(grad_inside, (X,)),
    Case(written, (X,)),
    Case(noisy, (X,)),
    Case(keys, (X,)),
    Case(gathered, (X,)),
    Case(masked, (X,)),
    Case(late, (X,)),
    Case(rewritten, (X,)),
    Case(invariant, (X,)),
    Case(directions, (X,)),
    Case(leapfrog, (X,)),
    Case(trained, (X,)),
    Case(custom, (X,), kinks=True),
]
