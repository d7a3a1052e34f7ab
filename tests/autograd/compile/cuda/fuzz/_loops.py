"""Random programs of whole functions: loops, `vmap`, derivatives, solvers, products of batches, random numbers.

Every value is of one of five shapes, named by a letter, so that nearly all that is drawn fits together; `tanh` keeps
numbers small. A part of a program, which a loop or a transformation calls, is a random program too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as pb

xp = pb.xp

N, K = 3, 4
SHAPES = {"s": (), "v": (N,), "m": (N, N), "r": (K, N), "b": (K, N, N)}
ROW = {"r": "v", "b": "m"}  # what a row of each is

Function = Callable[..., Any]

# what is drawn, and how often
KINDS = {
    "plain": 8, "scan": 3, "while": 2, "fori": 1, "vmap": 2, "grad": 1, "jvp": 1, "solver": 2, "random": 1,
    "checkpoint": 1,
}  # fmt: skip


def _spd(m: Any) -> Any:
    """A positive definite matrix, or a batch of them."""
    return xp.matmul(m, m.mT) + 2 * xp.eye(N, dtype=m.dtype)


def _written(x: Any, y: Any) -> Any:
    """A copy with its first part replaced, and something added to the rest."""
    x = xp.asarray(x, copy=True)
    x[0] = y[-1] * 2
    x[1:] += 0.5
    return x


def _through_view(x: Any) -> Any:
    """A copy that is written to through a view of it."""
    x = xp.asarray(x, copy=True)
    last = x[..., 1:]
    last *= 2
    return x


def _root(m: Any, v: Any) -> Any:
    m, v = 0.2 * xp.tanh(m), xp.tanh(v)
    return pb.implicit.root(
        lambda y, p: y + 0.3 * xp.tanh(p[0] @ y) - p[1], xp.zeros(N, dtype=v.dtype), (m, v)
    )


def _fixed(m: Any, v: Any) -> Any:
    m = 0.2 * xp.tanh(m)
    return pb.implicit.fixed_point(
        lambda y, p: xp.tanh(p[0] @ y + p[1]), xp.zeros(N, dtype=v.dtype), (m, v)
    )


# what it takes, what it gives, the function
PLAIN: list[tuple[str, str, Function]] = [
    *((k, k, f) for k in SHAPES for f in (xp.tanh, xp.sin, lambda x: x * 0.5 + 1, lambda x: x)),
    *((k + k, k, f) for k in SHAPES for f in (xp.add, xp.multiply, xp.maximum)),
    *((a + k, k, xp.multiply) for a, k in ("sv", "vm", "vr", "mb", "rr")),
    *((k, "s", f) for k in "vmr" for f in (xp.sum, xp.max)),
    ("m", "v", lambda x: xp.sum(x, axis=0)),
    ("m", "v", lambda x: xp.max(x, axis=1)),
    ("r", "v", lambda x: xp.mean(x, axis=0)),
    ("b", "r", lambda x: xp.sum(x, axis=2)),
    ("b", "m", lambda x: xp.mean(x, axis=0)),
    ("m", "m", lambda x: x.mT),
    ("b", "b", lambda x: x.mT),
    ("r", "r", lambda x: x[::-1]),
    ("r", "v", lambda x: x[1]),
    ("b", "m", lambda x: x[-1]),
    ("m", "v", lambda x: x[:, 0]),
    ("v", "m", lambda x: x[:, None] - x),
    ("v", "r", lambda x: xp.broadcast_to(x, (K, N))),
    ("rv", "r", lambda x, y: xp.concat([x[1:], y[None]])),
    ("mm", "m", xp.matmul),
    ("mv", "v", xp.matmul),
    ("rm", "r", xp.matmul),
    ("bb", "b", xp.matmul),
    ("bm", "b", xp.matmul),
    ("br", "r", lambda b, r: xp.matmul(b, r[..., None])[..., 0]),
    ("rr", "m", lambda x, y: xp.matmul(x.mT, y)),
    ("rmv", "r", lambda x, W, b: xp.maximum(xp.matmul(x, W) + b, 0.0)),
    ("r", "r", lambda x: xp.softmax(x, axis=1)),
    ("v", "v", lambda x: xp.cumulative_sum(x, axis=0)),
    ("rr", "r", _written),
    ("mm", "m", _written),
    ("m", "m", _through_view),
    ("mm", "m", lambda x, y: xp.where(x > y, x, 0.5)),
]  # fmt: skip
SOLVERS: list[tuple[str, str, Function]] = [
    ("mv", "v", lambda m, v: xp.linalg.solve(_spd(m), v)),
    ("mr", "r", lambda m, r: xp.linalg.solve(_spd(m), r.mT).mT),
    ("m", "m", lambda m: xp.linalg.cholesky(_spd(m))),
    ("b", "b", lambda m: xp.linalg.cholesky(_spd(m))),
    ("m", "m", lambda m: xp.linalg.inv(_spd(m))),
    ("m", "s", lambda m: xp.linalg.slogdet(_spd(m))[1]),
    ("br", "r", lambda b, r: xp.linalg.solve(_spd(b), r[..., None])[..., 0]),
    ("mv", "v", lambda m, v: pb.linalg.solve(_spd(m), v, assume="positive")),
    ("mv", "v", lambda m, v: pb.linalg.solve_triangular(xp.tril(m) + 3 * xp.eye(N, dtype=m.dtype), v, lower=True)),
    ("mv", "v", _root),
    ("mv", "v", _fixed),
]  # fmt: skip


class RandomLoops:
    """A function of arrays and a key, drawn from a seed.

    Parameters
    ----------
    seed
    operations
        How many are at the top.
    dtype
    kinds
        What is drawn, with weights; `PLAIN` is "plain".
    mapped
        Whether `vmap` is to take it.
    """

    def __init__(
        self, seed: Any, operations: int = 8, dtype: str = "float64", kinds: dict[str, int] | None = None,
        *, mapped: bool = False,
    ) -> None:  # fmt: skip
        self.draw = np.random.default_rng(seed)
        self.dtype = dtype
        # how many `vmap`s are around what is drawn: no loop there may end at another step for each row
        self.maps = int(mapped)
        self.weights = dict(KINDS if kinds is None else kinds)
        self.inputs = "vmrb" + str(self.draw.choice(list("svmr")))
        self.log: list[str] = []
        self.part, made = self._part(self.inputs, operations, depth=0, rows=True)
        picked = self.draw.integers(0, len(made), 3).tolist()
        self.outputs = sorted({len(made) - 1, len(made) - 2, *picked})

    # ── drawing ───────────────────────────────────────────────────────────────────────────────

    def _one(self, options: Any) -> Any:
        return options[int(self.draw.integers(len(options)))]

    def _of(self, made: str, kind: str) -> int:
        """The index of a value of that kind, later ones preferred; −1 if there is none."""
        found = [i for i, k in enumerate(made) if k == kind]
        if not found:
            return -1
        return found[-1] if self.draw.random() < 0.5 else int(self._one(found))

    def _part(self, inputs: str, operations: int, depth: int, rows: bool) -> tuple[Function, str]:
        """A function of a key and values that gives them and what it makes of them, and the kinds of all."""
        nodes: list[tuple[list[int], Function]] = []
        made = inputs
        while len(nodes) < operations:
            name = str(self.draw.choice(list(self.weights), p=self._odds(depth)))
            drawn = getattr(self, f"_{name}")(made, depth, rows)
            if drawn is None:
                continue
            indices, given, f = drawn
            self.log.append(
                "  " * depth + f"{name} {''.join(made[i] for i in indices)}->{given} {indices}"
            )
            nodes.append((indices, f))
            made += given

        def run(key: Any, *values: Any) -> list[Any]:
            found = list(values)
            for n, (indices, f) in enumerate(nodes):
                out = f(lambda n=n: pb.random.fold_in(key(), n), *[found[i] for i in indices])
                found += out
            return found

        return run, made

    def _odds(self, depth: int) -> Any:
        odds = np.array(
            [w if name == "plain" or depth < 2 else 0 for name, w in self.weights.items()], float
        )
        return odds / odds.sum()

    def _of_table(self, table: Any, made: str, rows: bool) -> Any:
        takes, gives, f = self._one(table)
        indices = [self._of(made, k) for k in takes]
        if min(indices) < 0:
            return None
        return indices, gives, lambda key, *x: [f(*x)]

    def _plain(self, made: str, depth: int, rows: bool) -> Any:
        return self._of_table(PLAIN, made, rows)

    def _solver(self, made: str, depth: int, rows: bool) -> Any:
        return self._of_table(SOLVERS, made, rows)

    def _some(self, made: str, most: int) -> list[int]:
        return sorted(
            int(i) for i in self.draw.integers(0, len(made), self.draw.integers(1, most + 1))
        )

    def _random(self, made: str, depth: int, rows: bool) -> Any:
        i = int(self.draw.integers(len(made)))
        what = int(self.draw.integers(3))

        def f(key: Any, x: Any) -> list[Any]:
            if what == 0:
                return [x + pb.random.normal(key(), x.shape, dtype=self.dtype)]
            if what == 1:
                return [xp.where(pb.random.bernoulli(key(), 0.7, x.shape), x / 0.7, 0.0)]
            one, two = pb.random.split(key())
            return [x * pb.random.uniform(one, x.shape, dtype=self.dtype) + xp.astype(
                pb.random.randint(two, 0, 3, x.shape), x.dtype)]  # fmt: skip

        return [i], made[i], f

    def _body(self, carry: str, others: str, depth: int) -> tuple[Function, str]:
        """A step, which gives the new carry and the rest of what it made, and the letters of that rest."""
        part, made = self._part(
            carry + others, int(self.draw.integers(1, 5)), depth + 1, rows=False
        )
        after = [self._of(made, k) for k in carry]
        rest = self._some(made, 2)

        def step(key: Any, carry: Any, others: Any) -> tuple[Any, Any]:
            found = part(key, *carry, *others)
            new = [xp.tanh(found[i]) if i >= len(carry) else found[i] for i in after]
            return new, [found[i] for i in rest]

        return step, "".join(made[i] for i in rest)

    def _scan(self, made: str, depth: int, rows: bool) -> Any:
        first, closed = self._some(made, 3), self._some(made, 2)
        columns = [
            i
            for i in (self._of(made, "r"), self._of(made, "b"))
            if i >= 0 and self.draw.random() < 0.6
        ]
        carry = "".join(made[i] for i in first)
        step, others = self._body(
            carry, "".join([ROW[made[i]] for i in columns] + [made[i] for i in closed]), depth
        )
        reverse, checkpoint = (bool(self.draw.integers(2)) for _ in range(2))
        stacks = [n for n, k in enumerate(others) if k in "vm"]
        kinds = "".join({"v": "r", "m": "b"}[others[n]] for n in stacks)
        length = None if columns else K
        a, b = len(first), len(first) + len(columns)

        def f(key: Any, *x: Any) -> list[Any]:
            closed = x[b:]

            def one(carry: Any, row: Any) -> Any:
                new, ys = step(
                    lambda: pb.random.fold_in(key(), carry[1]), carry[0], [*(row or ()), *closed]
                )
                return (new, carry[1] + 1), (ys, carry[0])

            init = (list(x[:a]), 0)
            xs = list(x[a:b]) or None
            last, (ys, before) = pb.scan(
                one, init, xs, length, reverse, checkpoint=checkpoint and not closed
            )
            del before
            return [*last[0], *[ys[n] for n in stacks]]

        return first + columns + closed, carry + kinds, f

    def _while(self, made: str, depth: int, rows: bool) -> Any:
        first, closed = self._some(made, 3), self._some(made, 2)
        carry = "".join(made[i] for i in first)
        step, _ = self._body(carry, "".join(made[i] for i in closed), depth)
        most = int(self.draw.integers(0, 6))
        stop = -1.0 if self.maps else float(self.draw.uniform(0.05, 0.3))

        def f(key: Any, *x: Any) -> list[Any]:
            closed = x[len(first) :]

            def one(c: Any) -> Any:
                new, _ = step(lambda: pb.random.fold_in(key(), c[1]), c[0], closed)
                return new, c[1] + 1

            init = (list(x[: len(first)]), 0)
            goes_on = lambda c: c[1] < 4
            if stop > 0:
                goes_on = lambda c: xp.logical_and(c[1] < 4, xp.sum(xp.abs(c[0][0])) > stop)
            last = pb.while_loop(goes_on, one, init, max_steps=most)
            return list(last[0])

        return first + closed, carry, f

    def _fori(self, made: str, depth: int, rows: bool) -> Any:
        first, closed = self._some(made, 2), self._some(made, 2)
        carry = "".join(made[i] for i in first)
        step, _ = self._body(carry, "".join(made[i] for i in closed), depth)
        n = int(self.draw.integers(0, 4))

        def f(key: Any, *x: Any) -> list[Any]:
            def one(i: Any, c: Any) -> Any:
                return step(lambda: pb.random.fold_in(key(), i), c, x[len(first) :])[0]

            return list(pb.fori_loop(1, 1 + n, one, list(x[: len(first)])))

        return first + closed, carry, f

    def _vmap(self, made: str, depth: int, rows: bool) -> Any:
        over = [i for i in (self._of(made, "r"), self._of(made, "b")) if i >= 0]
        if not over:
            return None
        over = over[: int(self.draw.integers(1, len(over) + 1))]
        closed = self._some(made, 2)
        inside = "".join([ROW[made[i]] for i in over] + [made[i] for i in closed])
        self.maps += 1
        part, inner = self._part(inside, int(self.draw.integers(1, 4)), depth + 1, rows=False)
        self.maps -= 1
        results = [i for i in range(len(inner)) if inner[i] in "vm"][-2:]
        kinds = "".join({"v": "r", "m": "b"}[inner[i]] for i in results)
        turned, given = bool(self.draw.integers(2)), bool(self.draw.integers(2))

        def f(key: Any, *x: Any) -> list[Any]:
            axis = -1 if turned else 0
            mapped = [xp.moveaxis(v, 0, -1) if turned else v for v in x[: len(over)]]
            axes = [axis] * len(over)
            if given:
                axes += [None] * len(closed)
                mapped += x[len(over) :]
            call = lambda *y: tuple(
                part(key, *y, *(() if given else x[len(over) :]))[i] for i in results
            )
            out = pb.vmap(call, in_axes=tuple(axes), out_axes=axis)(*mapped)
            return [xp.moveaxis(y, -1, 0) if turned else y for y in out]

        return over + closed, kinds, f

    def _inner(self, made: str, depth: int) -> Any:
        given = self._some(made, 3)
        kinds = "".join(made[i] for i in given)
        part, inner = self._part(kinds, int(self.draw.integers(1, 4)), depth + 1, rows=False)
        last = range(max(len(given), len(inner) - 2), len(inner))
        return (
            given,
            kinds,
            lambda key, *x: [part(key, *x)[i] for i in last],
            "".join(inner[i] for i in last),
        )

    def _grad(self, made: str, depth: int, rows: bool) -> Any:
        given, kinds, part, _ = self._inner(made, depth)

        def f(key: Any, *x: Any) -> list[Any]:
            loss = lambda *x: sum(xp.sum(xp.sin(y)) for y in part(key, *x))
            return [xp.tanh(g) for g in pb.grad(loss, argnums=tuple(range(len(x))))(*x)]

        return given, kinds, f

    def _jvp(self, made: str, depth: int, rows: bool) -> Any:
        given, _, part, kinds = self._inner(made, depth)

        def f(key: Any, *x: Any) -> list[Any]:
            return list(pb.jvp(lambda *x: tuple(part(key, *x)), x, tuple(xp.sin(v) for v in x))[1])

        return given, kinds, f

    def _checkpoint(self, made: str, depth: int, rows: bool) -> Any:
        given, _, part, kinds = self._inner(made, depth)

        def f(key: Any, *x: Any) -> list[Any]:
            return list(pb.checkpoint(lambda *x: tuple(part(key, *x)))(*x))

        return given, kinds, f

    # ── calling ───────────────────────────────────────────────────────────────────────────────

    def arguments(self) -> list[np.ndarray]:
        """Other numbers at each call; the key is last."""
        floating = [0.8 * self.draw.standard_normal(SHAPES[k]) for k in self.inputs]
        key = self.draw.integers(0, 2**32, 2).astype("uint32")
        return [x.astype(self.dtype) for x in floating] + [key]

    def values(self, *arguments: Any) -> list[Any]:
        """The outputs."""
        *given, key = [xp.asarray(x) for x in arguments]
        found = self.part(lambda: key, *given)
        return [found[i] for i in self.outputs]

    def loss(self, *arguments: Any) -> Any:
        """A number of the outputs."""
        return sum(xp.sum(xp.sin(v)) for v in self.values(*arguments))

    def gradients(self, *arguments: Any) -> Any:
        """The loss, and its gradient with respect to all floating arguments."""
        return pb.value_and_grad(self.loss, argnums=tuple(range(len(self.inputs))))(*arguments)

    def along(self, *arguments: Any) -> Any:
        """The outputs, and their tangents."""
        *given, key = arguments
        return pb.jvp(
            lambda *x: tuple(self.values(*x, key)),
            tuple(given),
            tuple(xp.sin(xp.asarray(x)) for x in given),
        )

    def second(self, *arguments: Any) -> Any:
        """The gradient of a number of the gradient."""

        def first(*x: Any) -> Any:
            return sum(xp.sum(xp.sin(xp.asarray(g))) for g in self.gradients(*x)[1])

        return pb.grad(first, argnums=(0, 1))(*arguments)

    def update(self, *arguments: Any) -> Any:
        """A step down, for donated arguments, the outputs, and an argument as it is."""
        _, slopes = self.gradients(*arguments)
        down = [xp.asarray(x) - 0.01 * xp.tanh(g) for x, g in zip(arguments, slopes, strict=False)]
        return down, self.values(*arguments), arguments[0]
