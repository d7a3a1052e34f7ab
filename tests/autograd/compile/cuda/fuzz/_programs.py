"""Random programs: elementwise functions, reductions, views, products and gathers of arrays of a few lengths."""

from __future__ import annotations

import numpy as np

import pullback as pb

xp = pb.xp

UNARY = "exp tanh sin negative abs floor expm1 isfinite".split()  # noqa: SIM905 - a table
BINARY = "add subtract multiply maximum minimum atan2 hypot less equal".split()  # noqa: SIM905 - a table
INTEGERS = "add multiply floor_divide remainder bitwise_xor maximum".split()  # noqa: SIM905 - a table
REDUCTIONS = "sum mean max min std".split()  # noqa: SIM905 - a table


def written(x, y, key):
    """A copy of `x`, with `y` added to a part, and the part's first element at another place."""
    x = x + 0.5
    x[key] += y
    x[-1:] = x[key][:1]
    return x


class RandomProgram:
    """A function of arrays, drawn from a seed; operations that the shapes do not allow are drawn again."""

    def __init__(self, seed, operations=14):
        self.draw = np.random.default_rng(seed)
        self.lengths = self.draw.choice(
            [0, 1, 2, 3, 5, 40], 3, p=[0.03, 0.17, 0.2, 0.3, 0.25, 0.05]
        )
        self.shapes = [self._shape() for _ in range(4)]
        self.operations, values = [], [xp.asarray(x) for x in self.arguments()]
        for _ in range(20 * operations):
            if len(self.operations) == operations:
                break
            places, f = self._operation(values)
            try:
                made = f(*[values[i] for i in places])
            except (ValueError, IndexError, TypeError):
                continue
            host = pb.to_numpy(made)
            if made.size < 20000 and np.all(np.abs(host.astype(float)) < 1e4):
                self.operations.append((places, f))
                values.append(made)
        self.outputs = sorted({len(values) - 1, *self.draw.integers(0, len(values), 4).tolist()})

    def _shape(self):
        dimensions = self.draw.choice([0, 1, 2, 3], p=[0.1, 0.2, 0.5, 0.2])
        return tuple(int(n) for n in self.draw.choice([*self.lengths, 1], dimensions))

    def arguments(self):
        """Other numbers at each call: three floating arrays and one of integers."""
        *floating, last = self.shapes
        return [self.draw.standard_normal(s) for s in floating] + [self.draw.integers(0, 3, last)]

    def _operation(self, values):
        draw = self.draw
        floating = [i for i, v in enumerate(values) if v.dtype.kind == "f"]
        i, j, k = (int(n) for n in draw.choice(floating, 3))
        whole = [int(n) for n in draw.choice([m for m, v in enumerate(values) if v.dtype.kind == "i"], 2)]  # fmt: skip
        axes = values[i].ndim
        axis = int(draw.integers(axes)) if axes else None
        name = {kind: str(draw.choice(names)) for kind, names in
                {1: UNARY, 2: BINARY, 3: INTEGERS, 4: REDUCTIONS}.items()}  # fmt: skip
        order = tuple(draw.permutation(axes).tolist())
        step, start = int(draw.choice([-1, 1, 2])), int(draw.integers(2))
        keepdims, turned = bool(draw.integers(2)), bool(draw.integers(2))
        choices = [
            ([i], getattr(xp, name[1])),
            ([i, j], getattr(xp, name[2])),
            (whole, getattr(xp, name[3])),
            ([i], lambda x: getattr(xp, name[4])(x, axis=axis, keepdims=keepdims)),
            ([i], lambda x: getattr(xp, name[4])(x, axis=None, keepdims=keepdims)),
            ([i], lambda x: xp.permute_dims(x, order)),
            ([i], lambda x: x[start::step]),
            ([i], lambda x: x[..., ::-1] * 2),
            ([i], lambda x: xp.reshape(x, (-1,))),
            ([i, j, k], lambda x, y, z: xp.where(x > y, z, 0.5)),
            ([i, j], lambda x, y: xp.matmul(x.mT if turned else x, y)),
            ([i, j, k], lambda x, W, b: xp.maximum(xp.matmul(x, W.mT if turned else W) + b, 0.0)),
            ([i], lambda x: xp.softmax(x, axis=axis)),
            ([i], lambda x: x - xp.mean(x, axis=axis, keepdims=True)),
            ([i, whole[0]], lambda x, n: x[xp.remainder(n, x.shape[0])]),
            ([i, j], lambda x, y: xp.concat([x, y[start:]], axis=axis)),
            ([i, j], lambda x, y: xp.stack([x, y, x], axis=-1 if turned else 0)),
            ([i, j], lambda x, y: written(x, y, (..., slice(start, None, step)))),
            ([i, j], lambda x, y: written(x, y[start:], slice(start, None))),
            ([i], lambda x: written(x, x[..., :1] * 2.0, (slice(None, None, step), start - 1))),
            ([i], lambda x: xp.reshape(x.mT[start:], (-1,))),
            ([i], lambda x: xp.clip(x, -0.5, 0.7)),
        ]
        return choices[draw.integers(len(choices))]

    def values(self, *arguments):
        """The outputs."""
        found = [xp.asarray(x) for x in arguments]
        for places, f in self.operations:
            found.append(f(*[found[i] for i in places]))
        return [found[i] for i in self.outputs]

    def loss(self, *arguments):
        """A number of the floating outputs."""
        return sum(xp.sum(v * v) for v in self.values(*arguments) if v.dtype.kind == "f")

    def update(self, *arguments):
        """A step down, for donated arguments, and the outputs."""
        slopes = pb.grad(self.loss, argnums=(0, 1, 2))(*arguments)
        down = [x - 0.01 * slope for x, slope in zip(arguments, slopes, strict=False)]
        return down, self.values(*arguments)
