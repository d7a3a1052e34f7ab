"""Where the elements of a convolution lie in scratch memory: offsets by shapes alone, as tables for kernels.

Inside, images lie with their channels last and with the padding around them. A pixel of the output reads, for each tap
of the kernel, C successive elements at ``pixel + tap``: with both offsets in tables the kernels need to know nothing
of dimensions, strides, padding or dilation.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....ir.program import Op
from .vectors import block_shape

Lengths = tuple[int, ...]

# Bytes of scratch memory for images, of which a chunk holds so many as fit: half of a second cache.
CHUNK = 1 << 18
# The most images in one, and the pixels after which another brings nothing.
MOST_IMAGES, PIXELS = 16, 512


def rounded(n: int, to: int) -> int:
    """The next multiple."""
    return -(-n // to) * to


@dataclass
class Tables:
    """Tables of offsets, one after another in one array."""

    parts: list[Any] = field(default_factory=list)
    size: int = 0

    def add(self, numbers: Any) -> int:
        """Put numbers in; the place where they begin."""
        part = np.asarray(numbers, np.int64).reshape(-1)
        place = self.size
        self.parts.append(part)
        self.size += part.size
        return place

    def array(self) -> Any:
        """All of them."""
        return np.concatenate(self.parts) if self.parts else np.zeros(1, np.int64)


@dataclass(frozen=True)
class Pool:
    """Windows over the outputs of a convolution, without padding."""

    lengths: Lengths
    window: Lengths
    stride: Lengths
    dilation: Lengths

    @property
    def count(self) -> int:
        """The number of windows."""
        return math.prod(self.lengths)

    @property
    def apart(self) -> bool:
        """Whether no two windows meet."""
        return all(
            d * (k - 1) < s for k, s, d in zip(self.window, self.stride, self.dilation, strict=True)
        )

    def tables(self, tables: Tables, steps: Lengths, start: int = 0) -> list[int]:
        """Where windows begin in an image with neighbours so far apart, and the elements of one; their numbers."""
        strided = tuple(s * n for s, n in zip(self.stride, steps, strict=True))
        spread = tuple(d * n for d, n in zip(self.dilation, steps, strict=True))
        return [
            tables.add(grid(self.lengths, strided) + start), self.count,
            tables.add(grid(self.window, spread)), math.prod(self.window), self.apart,
        ]  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """The sizes of a convolution."""

    images: int
    channels: int
    outputs: int
    spatial: Lengths
    lengths: Lengths
    kernel: Lengths
    stride: Lengths
    low: Lengths
    high: Lengths
    dilation: Lengths
    groups: int
    dtype: Any
    pool: Pool | None = None

    @classmethod
    def of(cls, op: Op, x: Lengths, W: Lengths, y: Lengths, pooled: Lengths = ()) -> Shape:
        """Of an operation on arrays of these shapes: inputs, weights, outputs; the lengths of pooled outputs."""
        settings = op.settings
        padding, pool = settings["padding"], settings.get("pool")
        return cls(
            x[0], x[1], W[0], x[2:], y[2:], W[2:], tuple(settings["stride"]),
            tuple(low for low, _ in padding), tuple(high for _, high in padding),
            tuple(settings["dilation"]), settings["groups"], np.dtype(op.outputs()[0].dtype),
            None if pool is None else Pool(pooled, *(tuple(pool[k]) for k in ("window", "stride", "dilation"))),
        )  # fmt: skip

    @property
    def apart(self) -> bool:
        """Whether each channel is a group of its own: kernels then multiply lane by lane."""
        return 1 < self.groups == self.channels == self.outputs

    @property
    def inner_groups(self) -> int:
        """The groups as kernels have them: lanes that are kept apart need none."""
        return 1 if self.apart else self.groups

    @property
    def pitch(self) -> int:
        """How far apart pixels of the inputs lie: lanes are whole vectors."""
        return rounded(self.channels, self.lanes) if self.apart else self.channels

    @property
    def taps(self) -> int:
        """The elements of the kernel, of one channel."""
        return math.prod(self.kernel)

    @property
    def pixels(self) -> int:
        """The pixels of an output."""
        return math.prod(self.lengths)

    @property
    def lanes(self) -> int:
        """Elements in a vector."""
        return block_shape()[1] // self.dtype.itemsize

    @property
    def macs(self) -> int:
        """Multiplications."""
        return self.images * self.pixels * self.taps * self.outputs * (self.channels // self.groups)


def grid(lengths: Lengths, steps: Lengths) -> Any:
    """The offsets of a grid of so many points along each axis, in order."""
    out = np.zeros(1, np.int64)
    for n, step in zip(lengths, steps, strict=True):
        out = (out[:, None] + np.arange(n) * step).reshape(-1)
    return out


def steps_of(lengths: Lengths, inner: int) -> Lengths:
    """How far apart the neighbours along each axis lie, with `inner` elements at each point."""
    return tuple(inner * math.prod(lengths[i + 1 :]) for i in range(len(lengths)))


def images_in_chunk(of_one: int, pixels: int, images: int) -> int:
    """How many images are done at once: what stays in cache, and enough to fill blocks of pixels."""
    fitting = CHUNK // max(of_one, 1)
    return max(1, min(fitting, MOST_IMAGES, -(-PIXELS // max(pixels, 1)), -(-images // 2)))


def runs(spatial: Lengths, steps: Lengths, start: int) -> tuple[Any, int]:
    """The offsets of runs of pixels in a padded image, and their length: one run where nothing is between."""
    dims = len(spatial)
    joined = dims - 1
    while joined and steps[joined - 1] == steps[joined] * spatial[joined]:
        joined -= 1
    return grid(spatial[:joined], steps[:joined]) + start, math.prod(spatial[joined:])


def blocks(table: Any, rows: int, filling: int) -> Any:
    """A table with entries added until blocks of `rows` are full."""
    return np.concatenate([table, np.full(-len(table) % rows, filling, np.int64)])


def for_images(table: Any, count: int, size: int) -> Any:
    """A table for so many images, which lie `size` apart."""
    return (np.arange(count)[:, None] * size + table).reshape(-1)


def phases(shape: Shape) -> list[tuple[Lengths, Lengths]]:
    """For the gradient of the inputs: remainders of padded positions by the stride, and the first position of each.

    With a stride s, positions with different remainders read different taps. Each phase is a grid of its own.
    """
    found = []
    for remainder in itertools.product(*map(range, shape.stride)):
        first = tuple(
            low + (r - low) % s
            for r, low, s in zip(remainder, shape.low, shape.stride, strict=True)
        )
        found.append((remainder, first))
    return found
