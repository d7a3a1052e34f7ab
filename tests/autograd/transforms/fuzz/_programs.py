"""Random programs of nested transforms, and three ways to run one: as written, by loops, by central differences.

A program is data, so that each way runs the same one. Its blocks compute vectors, matrices and numbers of what the
blocks around them have, and its transforms (`vmap`, `grad`, `scan`, …) map or differentiate a block within. Every
length is N, rows of `vmap` included, unless `size` says otherwise: levels of one size are where rows of one level can
be taken for those of another without an error.
"""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from typing import Any

import numpy as np

import pullback as pb

from ._operations import OPERATIONS, N

xp = pb.xp

LETTERS = {"s": (), "v": (N,), "m": (N, N)}
Pair = namedtuple("Pair", "first second")


@dataclasses.dataclass
class Block:
    """Parameters, statements and the names of the results."""

    parameters: list[str]
    statements: list[tuple[Any, ...]]
    results: list[str]


# ── drawing ───────────────────────────────────────────────────────────────────────────────────

# What maps a block to a block; what is to the right of ":" are the letters of its results.
KINDS = (
    "vmap", "vmap", "vmap", "vmap", "grad", "value_and_grad", "jvp", "vjp", "linearize", "hvp", "jacobian", "hessian",
    "checkpoint", "custom_vjp", "scan", "while_loop", "fori_loop", "compile", "root", "argmin",
)  # fmt: skip
WITHOUT_SOLVERS = tuple(kind for kind in KINDS if kind not in ("root", "argmin"))
DERIVATIVES = {
    "grad": 1, "value_and_grad": 1, "jvp": 1, "vjp": 1, "linearize": 1, "jacobian": 1, "hvp": 2, "hessian": 2,
}  # fmt: skip


class Draw:
    """Draws one program.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of choices.
    size : int
        The number of rows of `vmap`.
    kinds, operations : sequence of str
        What to choose from.
    """

    def __init__(self, rng: Any, size: int, kinds: Any = KINDS, operations: Any = None) -> None:
        self.rng, self.size, self.kinds = rng, size, kinds
        self.operations = sorted(operations or OPERATIONS)
        self.count = 0

    def program(self, depth: int) -> Block:
        """A block of a vector, a matrix, a number and a key."""
        given = {"v0": "v", "m0": "m", "s0": "s", "k0": "k"}
        return self.block(given, [], depth, 2, ["v"], list(given))

    def choice(self, of: Any) -> Any:
        return of[int(self.rng.integers(len(of)))]

    def new(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def pick(self, env: dict[str, str], letter: str) -> str:
        names = [n for n, found in env.items() if found == letter]
        return self.choice(names[-3:] if self.rng.random() < 0.5 else names)

    def block(self, env, parameters, depth, order, wanted, names=None):
        """`order` bounds how often what is inside is differentiated within itself."""
        env, statements = dict(env), []
        for _ in range(int(self.rng.integers(1, 3))):
            self.operation(env, statements)
        for _ in range(1 + (self.rng.random() < 0.2) if depth else 0):
            self.transform(env, statements, depth, order)
        for _ in range(int(self.rng.integers(0, 2))):
            self.operation(env, statements)
        results = [self.result(env, statements, letter) for letter in wanted]
        return Block(parameters if names is None else names, statements, results)

    def operation(self, env, statements):
        takes, gives = None, None
        while takes is None or not set(takes) <= set(env.values()):
            name = self.choice(self.operations)
            takes, gives = OPERATIONS[name][0].split(">")
        out = self.new(gives)
        statements.append(("op", name, [self.pick(env, x) for x in takes], out))
        env[out] = gives

    def result(self, env, statements, letter):
        """A name for the sum of the last values, so that much of what was computed counts."""
        last = list(env)[-4:]
        for name in [n for n in last if env[n] != "k"]:
            if env[name] != letter and (env[name], letter) in CHANGES:
                out = self.new(letter)
                statements.append(("op", CHANGES[env[name], letter], [name], out))
                env[out] = letter
        parts = [n for n, found in env.items() if found == letter][-3:]
        out = self.new(letter)
        statements.append(("sum", parts, out))
        env[out] = letter
        return out

    def transform(self, env, statements, depth, order):
        kinds = [kind for kind in self.kinds if DERIVATIVES.get(kind, 0) <= order]
        kind = self.choice(kinds)
        if kind == "vmap":
            self.mapped(env, statements, depth, order)
            return
        order -= DERIVATIVES.get(kind, 0)
        letter = (
            self.choice("vvsm")
            if kind in ("grad", "value_and_grad", "jvp", "vjp", "checkpoint", "compile")
            else "v"
        )
        out = {"grad": "s", "value_and_grad": "s", "hvp": "s", "hessian": "s", "argmin": "s"}.get(
            kind
        ) or "v"
        count = (
            2
            if kind in ("grad", "value_and_grad", "checkpoint", "compile", "scan", "custom_vjp")
            else 1
        )
        if kind in ("checkpoint", "compile"):
            out = self.choice("vsm")
        arguments = [self.pick(env, letter), self.pick(env, "v")][:count]
        if kind == "scan":
            arguments[1] = self.pick(env, "m")
        if kind in ("jvp", "vjp", "linearize", "hvp"):
            arguments.append(self.pick(env, letter if kind != "vjp" else "v"))
        parameters = [self.new(letter), self.new("v")][:count]
        inside = {**env, **{p: p[0] for p in parameters}}
        if kind in ("checkpoint", "custom_vjp") or (kind == "compile" and self.rng.random() < 0.5):
            # all that is traced outside is an argument
            more = "ms" if kind == "custom_vjp" or "k" not in env.values() else "msk"
            arguments += [self.pick(env, x) for x in more]
            parameters += [self.new(x) for x in more]
            inside = {p: p[0] for p in parameters}
        body = self.block(inside, parameters, depth - 1, order, [out])
        gives = {
            "grad": letter + "v", "value_and_grad": "s" + letter + "v", "jvp": "v", "vjp": letter, "linearize": "v",
            "hvp": "v", "jacobian": "m", "hessian": "m", "scan": "vm",
        }.get(kind, out)  # fmt: skip
        if kind == "argmin":
            gives = "v"
        outs = [self.new(x) for x in gives]
        statements.append((kind, body, arguments, outs))
        env.update((n, n[0]) for n in outs)

    def mapped(self, env, statements, depth, order):
        arguments, parameters = [], []
        for _ in range(int(self.rng.integers(1, 4))):
            how = self.choice(
                (
                    "spread v",
                    "spread v",
                    "spread m",
                    "spread s",
                    "rows",
                    "elements",
                    "same v",
                    "same m",
                    "keys",
                )
            )
            if how == "keys" and "k" not in env.values():
                how = "spread v"
            if self.size != N and how in ("rows", "elements"):
                how = "spread v"
            takes = {"rows": "m", "elements": "v", "keys": "k"}.get(how) or how[-1]
            gives = {"rows": "v", "elements": "s", "keys": "k"}.get(how) or how[-1]
            ndim = len(LETTERS.get(gives, ())) + 1
            axis = None if how.startswith("same") else int(self.rng.integers(-ndim, ndim))
            if how == "keys":
                axis = 0
            arguments.append((how, self.pick(env, takes), axis))
            parameters.append(self.new(gives))
        if all(axis is None for _, _, axis in arguments):
            arguments[0] = ("spread " + parameters[0][0], arguments[0][1], 0)
        inside = {**env, **{p: p[0] for p in parameters}}
        wanted = [self.choice("vvsm") for _ in range(int(self.rng.integers(1, 3)))]
        body = self.block(inside, parameters, depth - 1, order, wanted)
        outs, axes = [], []
        for letter in wanted:
            ndim = len(LETTERS[letter]) + 1
            axes.append(int(self.rng.integers(-ndim, ndim)))
            gives = letter
            if self.size == N and letter in "sv" and self.rng.random() < 0.6:
                gives = {"s": "v", "v": "m"}[letter]
            outs.append((gives != letter, self.new(gives)))
        tree = self.choice(("flat", "dict", "pair", "list"))
        statements.append(("vmap", body, arguments, outs, axes, tree))
        env.update((n, n[0]) for _, n in outs)


CHANGES = {
    ("m", "v"): "row sums",
    ("v", "m"): "spread",
    ("v", "s"): "total",
    ("m", "s"): "total m",
    ("s", "v"): "fill",
}

# ── running ───────────────────────────────────────────────────────────────────────────────────


class AsWritten:
    """The transforms themselves."""

    vmap = staticmethod(pb.vmap)
    grad = staticmethod(pb.grad)
    checkpoint = staticmethod(pb.checkpoint)
    jacobian = staticmethod(pb.jacobian)
    hessian = staticmethod(pb.hessian)
    hvp = staticmethod(pb.hvp)
    scan = staticmethod(pb.scan)
    while_loop = staticmethod(lambda cond, body, init: pb.while_loop(cond, body, init, max_steps=4))
    fori_loop = staticmethod(pb.fori_loop)
    value_and_grad = staticmethod(pb.value_and_grad)

    def __init__(self, size: int) -> None:
        self.size = size

    def compile(self, f):
        return pb.compile(f, fast=False)

    def jvp(self, f, x, t):
        return pb.jvp(f, (x,), (t,))[1]

    def vjp(self, f, x, ct):
        return pb.vjp(f, x)[1](ct)[0]

    def linearize(self, f, x, t):
        return pb.linearize(f, x)[1](t)

    def custom_vjp(self, f):
        """f with its own derivative, computed by `vjp` within the pullback."""
        g = pb.custom_vjp(lambda *xs: f(*xs))
        g.defvjp(lambda *xs: (f(*xs), xs), lambda xs, ct: pb.vjp(f, *xs)[1](ct))
        return g

    def root(self, f, v):
        return pb.implicit.root(lambda u: u - 0.05 * xp.tanh(f(u)) - v, v * 0)

    def argmin(self, f, v):
        return pb.implicit.argmin(lambda u: xp.sum((u - v) ** 2) + 0.05 * xp.sin(f(u)), v * 0)


class ByLoops(AsWritten):
    """Python loops for rows and steps, and `grad` alone for derivatives."""

    def vmap(self, f, in_axes=0, out_axes=0):
        def mapped(*args):
            rows = [f(*_row(args, in_axes, i)) for i in range(self.size)]
            return _stacked(rows, out_axes)

        return mapped

    def checkpoint(self, f):
        return f

    compile = custom_vjp = checkpoint

    def value_and_grad(self, f, argnums):
        return lambda *xs: (f(*xs), self.grad(f, argnums)(*xs))

    def jacobian(self, f):
        return lambda x: xp.stack([self.grad(_element(f, i))(x) for i in range(N)])

    def hessian(self, f):
        return self.jacobian(self.grad(f))

    def jvp(self, f, x, t):
        return xp.stack([xp.sum(self.grad(_element(f, i))(x) * t) for i in range(N)])

    linearize = jvp

    def vjp(self, f, x, ct):
        return self.grad(lambda x: xp.sum(f(x) * ct))(x)

    def hvp(self, f, x, t):
        return self.grad(lambda x: xp.sum(self.grad(f)(x) * t))(x)

    def scan(self, f, c, xs):
        ys = []
        for i in range(xs.shape[0]):
            c, y = f(c, xs[i, ...])
            ys.append(y)
        return c, xp.stack(ys)

    def while_loop(self, cond, body, c):
        while cond(c):
            c = body(c)
        return c

    def fori_loop(self, lower, upper, body, c):
        for i in range(lower, upper):
            c = body(i, c)
        return c


class ByDifferences(ByLoops):
    """The outermost derivative by central differences of fourth order, those within it by `grad`."""

    STEP = 1e-3

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.inside = False

    def grad(self, f, argnums=0):
        if self.inside:
            return pb.grad(f, argnums)

        def slope(*xs):
            self.inside = True
            try:
                parts = [self.slope(f, xs, i) for i in ((argnums,) if argnums == 0 else argnums)]
            finally:
                self.inside = False
            return parts[0] if argnums == 0 else tuple(parts)

        return slope

    def slope(self, f, xs, which):
        x, h = pb.to_numpy(xs[which]), self.STEP
        out = np.empty(x.shape)
        for i in np.ndindex(*x.shape):
            total = 0.0
            for step, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
                moved = x.copy()
                moved[i] += step * h
                moved = xp.asarray(moved, device=xs[which].device)
                total += weight * float(f(*xs[:which], moved, *xs[which + 1 :]))
            out[i] = total / (12 * h)
        return xp.asarray(out, device=xs[which].device)


def _element(f, i):
    return lambda x: f(x)[i]


def _row(args, axes, i):
    if axes is None:
        return args
    if isinstance(axes, int):
        return pb.tree.map(lambda x: xp.moveaxis(x, axes, 0)[i, ...], args)
    if isinstance(args, dict):
        return {key: _row(value, axes[key], i) for key, value in args.items()}
    parts = [_row(x, axis, i) for x, axis in zip(args, axes, strict=True)]
    return type(args)(*parts) if hasattr(args, "_make") else type(args)(parts)


def _stacked(rows, axes):
    if isinstance(axes, int):
        return xp.stack([xp.asarray(row) for row in rows], axis=axes)
    if isinstance(axes, dict):
        return {key: _stacked([row[key] for row in rows], axes[key]) for key in axes}
    parts = [
        _stacked(list(part), axis) for part, axis in zip(zip(*rows, strict=True), axes, strict=True)
    ]
    return type(axes)(*parts) if hasattr(axes, "_make") else type(axes)(parts)


def run(block: Block, env: dict[str, Any], way: AsWritten) -> list[Any]:
    """The results of a block whose surroundings have these values."""
    env = dict(env)
    for statement in block.statements:
        kind = statement[0]
        if kind == "op":
            _, name, takes, out = statement
            env[out] = OPERATIONS[name][1](*(env[n] for n in takes))
        elif kind == "sum":
            _, parts, out = statement
            env[out] = sum(
                (env[n] * (0.5 + 0.2 * i) for i, n in enumerate(parts[1:])), env[parts[0]]
            )
        elif kind == "vmap":
            _run_mapped(statement, env, way)
        else:
            _run_transform(statement, env, way)
    return [env[n] for n in block.results]


def _run_transform(statement, env, way):
    kind, body, arguments, outs = statement
    given = [env[n] for n in arguments]

    def f(*xs):
        return run(body, {**env, **dict(zip(body.parameters, xs, strict=True))}, way)[0]

    if kind == "grad":
        found = way.grad(f, (0, 1))(*given)
    elif kind == "value_and_grad":
        value, grads = way.value_and_grad(f, (0, 1))(*given)
        found = (value, *grads)
    elif kind in ("jvp", "vjp", "linearize", "hvp"):
        found = [getattr(way, kind)(f, *given)]
    elif kind in ("jacobian", "hessian", "checkpoint", "compile", "custom_vjp"):
        found = [getattr(way, kind)(f)(*given)]
    elif kind == "scan":
        found = way.scan(lambda c, x: (lambda y: (y, y * c))(xp.tanh(f(c, x))), *given)
    elif kind == "fori_loop":
        found = [way.fori_loop(0, 2, lambda i, c: xp.tanh(f(c)) + 0.1, given[0])]
    elif kind == "while_loop":
        found = [
            way.while_loop(
                lambda c: c[0] < 3, lambda c: (c[0] + 1, xp.tanh(f(c[1]))), (1, given[0])
            )[1]
        ]
    else:
        found = [getattr(way, kind)(f, given[0])]
    env.update(zip(outs, found, strict=True))


def _run_mapped(statement, env, way):
    _, body, arguments, outs, axes, tree = statement
    given, in_axes = [], []
    for how, name, axis in arguments:
        x = env[name]
        if how.startswith("spread"):
            rows = [x * (0.6 + 0.3 * i) + 0.1 * i for i in range(way.size)]
            x = xp.stack([xp.asarray(row) for row in rows], axis=axis)
        elif how == "keys":
            x = xp.stack(pb.random.split(x, way.size), axis=0)
        given.append(x)
        in_axes.append(axis)

    def f(*xs):
        flat = xs[0]["a"] + [xs[0]["b"]] if tree == "dict" else list(xs)
        results = run(body, {**env, **dict(zip(body.parameters, flat, strict=True))}, way)
        return pack(results)

    def pack(results):
        if len(results) == 1:
            return results[0]
        if tree == "dict":
            return {"a": results[0], "b": results[1]}
        return Pair(*results) if tree == "pair" else list(results)

    if tree == "dict":
        call = {"a": given[:-1], "b": given[-1]}
        out = way.vmap(f, ({"a": in_axes[:-1], "b": in_axes[-1]},), pack(axes))(call)
    else:
        out = way.vmap(f, tuple(in_axes), pack(axes))(*given)
    results = [out] if len(outs) == 1 else list(out.values()) if tree == "dict" else list(out)
    for (whole, name), axis, y in zip(outs, axes, results, strict=True):
        env[name] = y if whole else _contracted(y, axis, way.size)


def _contracted(y, axis, size):
    rows = xp.moveaxis(y, axis, 0)
    return sum(rows[i, ...] * (0.4 + 0.25 * i) for i in range(size))
