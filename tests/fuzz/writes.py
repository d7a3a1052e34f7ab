"""The table of writes in place: statements that change their first operand, through whatever view it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .operations import (
    ANY,
    AXES,
    FLAT,
    SOME,
    Arrays,
    Operand,
    Operation,
    _apart,
    _broadcasts,
    _ndim,
    _off,
    draw_axis,
    draw_key,
    on,
)

FACTORS = ("1.25", "-0.5", "0.75")


def _goes_into(x: np.ndarray, before: Arrays) -> bool:
    """Whether `x` can be broadcast to the first operand."""
    shape = before[0].shape
    return _broadcasts(x, before) and np.broadcast_shapes(shape, x.shape) == shape


INTO = Operand(fits=_goes_into)


def _key(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"key": draw_key(rng, arrays[0]), "c": FACTORS[rng.integers(3)]}


def _key_for_value(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any] | None:
    """A key whose selection the second operand can be broadcast to."""
    target, value = arrays
    for _ in range(20):
        key = draw_key(rng, target)
        try:
            np.broadcast_to(value, _selected(target, key).shape)
        except (ValueError, IndexError):
            continue
        return {"key": key}
    return None


def _selected(x: np.ndarray, key: str) -> np.ndarray:
    return np.asarray(eval(f"x[{key}]", {"x": x, "np": np}))


def _axis_and_key(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    parts = [":", "::-1", "1:", "0", "-1"]
    return {
        "a": draw_axis(rng, arrays[0]),
        "key": parts[rng.integers(5)],
        "c": FACTORS[rng.integers(3)],
    }


def _factor(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"c": FACTORS[rng.integers(3)]}


def _write(
    name: str, text: str, *operands: Operand, settings: Any = _factor, **more: Any
) -> Operation:
    return Operation(name, text, operands, settings, writes=True, **more)


def _writes() -> Iterator[Operation]:
    two = Operand(
        fits=lambda x, before: x.ndim == 2 and min(x.shape, default=0) > 1, starts=((2, 3), (3, 3))
    )
    long = Operand(fits=lambda x, before: x.ndim > 0 and x.shape[0] > 1, starts=SOME)
    square = Operand(
        fits=lambda x, before: x.ndim == 2 and x.shape[0] == x.shape[1], starts=((3, 3), (2, 2))
    )
    yield _write("set to a number", "{0}[{key}] = {c}", ANY, settings=_key)
    yield _write("set", "{0}[{key}] = {1}", AXES, ANY, settings=_key_for_value)
    yield _write("scale a part", "{0}[{key}] *= {c}", ANY, settings=_key)
    yield _write("add to a part", "{0}[{key}] += {1}", AXES, ANY, settings=_key_for_value)
    yield _write("take from a part", "{0}[{key}] -= {1}", AXES, ANY, settings=_key_for_value)
    yield _write("part times", "{0}[{key}] *= {1}", AXES, ANY, settings=_key_for_value)
    yield _write(
        "part over", "{0}[{key}] /= {1}", AXES, on("fc", "nonzero"), settings=_key_for_value
    )
    yield _write("scale", "{0} *= {c}", ANY)
    yield _write("shift", "{0} += {c}", ANY)
    yield _write("add to", "{0} += {1}", ANY, INTO)
    yield _write("take from", "{0} -= {1}", ANY, INTO)
    yield _write("times", "{0} *= {1}", ANY, INTO)
    yield _write("over", "{0} /= {1}", ANY, on("fc", "nonzero", INTO))
    yield _write("to the square", "{0} **= 2", on("fc", "small"))
    yield _write("to a power", "{0} **= {c}", on("fc", "positive"))
    yield _write(
        "matmul in place", "{0} @= {1}", square, Operand(fits=lambda x, b: x.shape == b[0].shape)
    )
    yield _write("fill", "{0}[...] = {1}", ANY, INTO)
    yield _write("fill itself", "{0}[...] = xp.sin({0})", on("fc", "small"))
    yield _write("by its own view", "{0}[1:] += {0}[:-1]", long)
    yield _write("reversed into itself", "{0}[:] = {0}[::-1]", long)
    yield _write("by its transpose", "{0} += {0}.T", square)
    yield _write("swap rows", "{0}[0], {0}[1] = {0}[1], {0}[0]", long)
    yield _write("swap rows by a list", "{0}[np.array([0, 1])] = {0}[np.array([1, 0])]", long)
    yield _write("through ravel", "xp.ravel({0})[1:] *= {c}", AXES)
    yield _write("through reshape", "xp.reshape({0}, (-1,))[::2] = {c}", AXES)
    yield _write("through reshape, several", "xp.reshape({0}, (1, -1))[0, -1] += {c}", AXES)
    yield _write("through transpose", "{0}.T[{key}] *= {c}", FLAT, settings=_axis_and_key)
    yield _write("through mT", "{0}.mT[..., {key}, :] += {c}", FLAT, settings=_axis_and_key)
    yield _write(
        "through swapaxes", "xp.swapaxes({0}, {a}, 0)[{key}] -= {c}", AXES, settings=_axis_and_key
    )
    yield _write(
        "through moveaxis",
        "xp.moveaxis({0}, {a}, -1)[..., {key}] -= {c}",
        AXES,
        settings=_axis_and_key,
    )
    yield _write("through flip", "xp.flip({0})[{key}] *= {c}", AXES, settings=_axis_and_key)
    yield _write(
        "through squeeze",
        "xp.squeeze({0}[:1], 0)[...] *= {c}",
        Operand(fits=_ndim(2), starts=((2, 3),)),
    )
    yield _write(
        "through expand_dims",
        "xp.expand_dims({0}, axis=0)[0, {key}] *= {c}",
        AXES,
        settings=_axis_and_key,
    )
    yield _write(
        "through permute_dims",
        "xp.permute_dims({0}, (1, 0))[{key}] *= {c}",
        FLAT,
        settings=_axis_and_key,
    )
    yield _write(
        "through the real part", "xp.real({0})[{key}] *= {c}", AXES, settings=_axis_and_key
    )
    yield _write(
        "through the imaginary part",
        "xp.imag({0})[{key}] += {c}",
        on("c", "any", AXES),
        settings=_axis_and_key,
    )
    yield _write(
        "through a view of a view", "{0}[{key}][..., ::-1][...] *= {c}", two, settings=_key
    )
    yield _write(
        "through unstack",
        "xp.unstack({0})[-1][...] = {c}",
        Operand(fits=_ndim(2), starts=((2, 3),)),
    )
    yield _write("through split", "xp.split({0}, [1])[1][...] *= {c}", AXES)
    yield _write("rows scaled", "for row in {0}:\n    row *= {c}", AXES)
    yield _write(
        "rows normalised",
        "for row in {0}:\n    row /= 2.0 + xp.sum(row * row)",
        on("f", "any", two),
    )
    yield _write("rows set", "for row in {0}:\n    row[0] = row[-1] * {c}", two)
    yield _write("rows of a view", "for row in {0}[::-1]:\n    row[1:] += row[:1]", two)
    yield _write("columns", "for column in {0}.T:\n    column -= {c} * xp.sum(column)", FLAT)
    yield _write("elements met", "for element in {0}:\n    element = element * {c}", AXES)
    yield _write(
        "a recurrence",
        "for i in range(1, {0}.shape[0]):\n    {0}[i] = {0}[i] + {c} * {0}[i - 1]",
        long,
    )
    yield _write("where large", "{0}[{0} > 0.1] = {c}", on("f", "any", AXES), pairs=_off(0.1))
    yield _write("where larger", "{0}[{0} > {1}] *= {c}", on("f", "any", AXES), on("f", "any", Operand(fits=_same)),
                 pairs=_apart, dynamic=True)  # fmt: skip
    yield _write("where larger, by where", "{0}[...] = xp.where({0} > {1}, {c} * {0}, {0})", on("f", "any", AXES),
                 on("f", "any", Operand(fits=_same)), pairs=_apart)  # fmt: skip
    yield _write(
        "read before and after", "{0}[...] = {0} * xp.sum({0}[{key}])", AXES, settings=_axis_and_key
    )


def _same(x: np.ndarray, before: Arrays) -> bool:
    return x.shape == before[0].shape


WRITES = list(_writes())
# Whose first operand goes out of scope: a statement too, though it writes nothing.
DELETE = Operation("del", "del {0}", (ANY,), writes=True)
