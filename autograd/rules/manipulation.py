"""Shape and order: each pullback is the opposite rearrangement."""

from __future__ import annotations

from typing import Any

from ..primitive import defvjp

defvjp("reshape", x=lambda ct, x_shape, xp: xp.reshape(ct, x_shape))
defvjp("expand_dims", x=lambda ct, x_shape, xp: xp.reshape(ct, x_shape))
defvjp("squeeze", x=lambda ct, x_shape, xp: xp.reshape(ct, x_shape))
defvjp("broadcast_to", x=lambda ct: ct)  # the engine sums over broadcast axes
defvjp("flip", x=lambda ct, axis, xp: xp.flip(ct, axis=axis))
defvjp("moveaxis", x=lambda ct, source, destination, xp: xp.moveaxis(ct, destination, source))


def _permute_dims(ct: Any, axes: tuple[int, ...], xp: Any) -> Any:
    back = [0] * len(axes)
    for new, old in enumerate(axes):
        back[old] = new
    return xp.permute_dims(ct, tuple(back))


defvjp("permute_dims", x=_permute_dims)


def _roll(ct: Any, shift: Any, axis: Any, xp: Any) -> Any:
    back = tuple(-s for s in shift) if isinstance(shift, tuple | list) else -shift
    return xp.roll(ct, back, axis=axis)


defvjp("roll", x=_roll)


def _concat(ct: Any, arrays_shapes: list[tuple[int, ...]], axis: int | None, xp: Any) -> list[Any]:
    """The pieces of ct, cut where the inputs met."""
    shares, start = [], 0
    for shape in arrays_shapes:
        if axis is None:
            size = 1
            for n in shape:
                size *= n
            shares.append(xp.reshape(xp.getitem(ct, slice(start, start + size)), shape))
        else:
            size = shape[axis]
            key = (slice(None),) * (axis % len(shape)) + (slice(start, start + size),)
            shares.append(xp.getitem(ct, key))
        start += size
    return shares


defvjp("concat", arrays=_concat)


def _stack(ct: Any, arrays_shapes: list[tuple[int, ...]], axis: int, xp: Any) -> list[Any]:
    before = (slice(None),) * (axis % (len(arrays_shapes[0]) + 1))
    return [xp.getitem(ct, (*before, i)) for i in range(len(arrays_shapes))]


defvjp("stack", arrays=_stack)
