"""Random programs that mostly move data: rolls, copies, writes, ties, batches of products, and loops over them."""

from __future__ import annotations

import pullback as pb

from ._programs import RandomProgram

xp = pb.xp


def masked(x, y):
    """A copy of `x` with a number where it is larger than `y`."""
    x = x + 0.0
    x[x > y] = -0.5
    return x


def elements(x, i, j):
    """A copy of `x` in which elements and rows are made from others of its own."""
    x = x * 1.0
    x[i, j] = x[j, i] * 2.0
    x[i] += x[j]
    return x


def overlapped(x):
    """A copy of `x` whose parts are written over others that they overlap."""
    x = x + 1.0
    x[1:] = x[:-1]
    x[:-1] += x[1:]
    x[1:] = x[:-1] + 0.5
    x[::-1] *= x[:1]
    return x


def repeated(x, y, key):
    """A copy of `x` with `y` added to a part twice, and that part, which is written to after it was read."""
    x = x + 1.0
    x[key] += y
    x[key] += y
    part = x[key]
    x[key] = part
    x[key] = x[key] * 2.0
    part += 1.0
    return xp.concat([xp.reshape(x, (-1,)), xp.reshape(part, (-1,))])


def through_views(x):
    """Views of a copy of `x`, each of which is written to."""
    x = x + 1.0
    rows, flat, turned = x[1:], xp.reshape(x, (-1,)), x.mT
    rows[0] = 3.0
    flat[::2] += 0.5
    turned[0] += 1.5
    return xp.concat([xp.reshape(v, (-1,)) for v in (rows, flat, turned)])


def heads(x, y):
    """Products of a batch with two axes, along which the matrices do not lie evenly apart."""
    z = xp.stack([xp.stack([x, y]), xp.stack([y, x]), xp.stack([x, x])])
    z = xp.moveaxis(z, 0, 1)
    return xp.matmul(z, z.mT)


def scanned(x, y):
    """All states of a loop over the rows of `x`."""

    def step(state, row):
        state = xp.concat([state[1:], row[:1]])
        state = xp.maximum(state, xp.roll(state, 1, axis=0)) * 0.5
        state[:1] += row[-1:]
        return state, xp.stack([state, row])

    last, states = pb.scan(step, xp.broadcast_to(y, x.shape[1:]) + 0.0 * x[0], x)
    return xp.concat([xp.reshape(states, (-1,)), xp.reshape(last, (-1,))])


def mapped(x):
    """Moves of each row of `x`."""

    def moved(row):
        z = xp.roll(xp.maximum(xp.concat([row, row[::-1]]), 0.2), 2, axis=0)
        z[1:] += z[:-1]
        return xp.repeat(xp.tile(z, 2), 2)

    return pb.vmap(moved)(x)


class MovingProgram(RandomProgram):
    """Most of its operations are those of this file."""

    def _operation(self, values):
        draw = self.draw
        if draw.random() < 0.3:
            return super()._operation(values)
        floating = [i for i, v in enumerate(values) if v.dtype.kind == "f"]
        i, j, k = (int(n) for n in draw.choice(floating, 3))
        axes = values[i].ndim
        axis = int(draw.integers(axes)) if axes else None
        shift, times, start = (int(draw.integers(*n)) for n in ((-3, 7), (1, 4), (-2, 3)))
        step = int(draw.choice([-2, -1, 1, 2, 3]))
        repetitions = tuple(draw.integers(1, 3, draw.integers(1, 4)).tolist())
        order = tuple(draw.permutation(axes).tolist())
        turned = bool(draw.integers(2))
        ends = ((None, step), (start, abs(step)), (start, -1))
        slices = [slice(None), 0, *[slice(first, None, each) for first, each in ends]]
        key = tuple(slices[n] for n in draw.integers(len(slices), size=axes))
        choices = [
            ([i], lambda x: xp.roll(x, shift, axis=axis)),
            ([i], lambda x: xp.roll(x, (shift, times))),
            ([i], lambda x: xp.roll(x, (shift, times), axis=(0, -1))),
            ([i], lambda x: xp.repeat(x, times, axis=axis)),
            ([i], lambda x: xp.tile(x, repetitions)),
            ([i, j], lambda x, y: xp.maximum(xp.floor(x), y) - xp.minimum(xp.floor(y), x) * 0.5),
            ([i], lambda x: xp.maximum(x, xp.where(x > 0.5, xp.nan, x)) if turned else xp.minimum(x, x)),
            ([i, j], masked),
            ([i], lambda x: elements(x, start, times - 1)),
            ([i], overlapped),
            ([i, j], lambda x, y: repeated(x, y, key)),
            ([i], through_views),
            ([i, j], lambda x, y: xp.matmul(x, xp.broadcast_to(y.mT, (times, *y.mT.shape)))),
            ([i, j], lambda x, y: xp.matmul(x[::step], y[None, ..., ::2] if turned else y.mT[None])),
            ([i, j], lambda x, y: xp.matmul(xp.stack([x, x * 2.0], axis=-turned), xp.stack([y, y], axis=1))),
            ([i], lambda x: xp.matmul(x.mT[..., ::-1], xp.permute_dims(x, order))),
            ([i, j], heads),
            ([i, j, k], lambda x, y, z: xp.matmul(xp.stack([x, y, x]), z)),
            ([i], lambda x: xp.concat([x[::-1], x, x[1:], x[:1]])),
            ([i], lambda x: xp.stack([x, xp.flip(x, axis=axis)], axis=axis)),
            ([i, j], scanned),
            ([i], mapped),
            ([i], lambda x: x[key]),
            ([i], lambda x: xp.clip(x, 0.0, -0.0) if turned else xp.clip(x, xp.nan, 1.0)),
            ([i], lambda x: pb.checkpoint(lambda x: xp.roll(xp.exp(-x * x), 1, axis=0))(x.mT)),
        ]  # fmt: skip
        return choices[draw.integers(len(choices))]

    def loss(self, *arguments):
        """A number of the floating outputs, whose slopes stay small where the outputs are large."""
        return sum(
            xp.sum(v / (1.0 + v * v)) for v in self.values(*arguments) if v.dtype.kind == "f"
        )

    def second(self, *arguments):
        """The gradient of a sum over the gradient, and the outputs."""

        def slopes(*arguments):
            return sum(
                xp.sum(g / (1.0 + g * g)) for g in pb.grad(self.loss, argnums=(0, 1, 2))(*arguments)
            )

        return pb.grad(slopes, argnums=(0, 1, 2))(*arguments), self.values(*arguments)
