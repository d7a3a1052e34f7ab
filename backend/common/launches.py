"""The records of what a compiled program does on a CUDA device: kernel launches and matrix products, in order.

The compiler writes these records, and `cuda/graph_runtime.py` binds and runs them. They can be read and compared
without a device. An address is a byte offset in one of the arrays of a call, or in the program's own block of memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# The slot of the program's own memory.
BLOCK = -1


@dataclass(frozen=True)
class Address:
    """An address: `offset` bytes into the array that stands in `slot`.

    Attributes
    ----------
    slot : int
        The number of an array of the call, or `BLOCK`.
    offset : int
        In bytes.
    """

    slot: int
    offset: int = 0


@dataclass(frozen=True)
class Launch:
    """One kernel launch.

    Attributes
    ----------
    function : str
        The name of the ``extern "C" __global__`` function.
    source : str
        Complete CUDA C++, which NVRTC compiles as it stands.
    grid, block : tuple of int
        Three numbers each, as CUDA takes them.
    addresses : tuple of Address
        The kernel's arguments: every one is a pointer.
    """

    function: str
    source: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    addresses: tuple[Address, ...]


@dataclass(frozen=True)
class Matrix:
    """A matrix in memory, row by row: ``(i, j)`` lies at ``i · leading + j``, if transposed at ``j · leading + i``.

    Attributes
    ----------
    address : Address
        The address of its first element.
    leading : int
        In elements.
    transposed : bool
        Whether the memory holds the transpose, row by row.
    stride : int
        Elements from one matrix of a batch to the next.
    """

    address: Address
    leading: int
    transposed: bool = False
    stride: int = 0


EPILOGUES = ("", "bias", "relu_bias", "relu_bias_mask", "relu_vjp_bias_vjp")


@dataclass(frozen=True)
class Product:
    """``C = alpha · A B + beta · C``, accumulated in the dtype of C, and what follows it elementwise.

    Attributes
    ----------
    m, n, k : int
        A is ``(m, k)``, B ``(k, n)``, C ``(m, n)``, not transposed.
    a, b, c : Matrix
    dtype : str
        Of C: ``"float32"`` or ``"float64"``.
    operands : str
        Of A and B in memory: the same, or ``"bfloat16"``, ``"float16"``.
    tf32 : bool
        Whether float32 operands may be rounded to 10 bits of mantissa.
    batch : int
    epilogue : str
        One of `EPILOGUES`. ``bias``: ``C = A B + v``, `v` of n elements; ``relu_bias``: ``max(A B + v, 0)``;
        ``relu_bias_mask``: also the bit mask of positive elements into `mask`; ``relu_vjp_bias_vjp``:
        ``C = (A B) · mask`` and ``vector = C.sum(0)``.
    vector, mask : Address, optional
    alpha, beta : float
        Where `beta` is not 0, C is read, and there is no epilogue: ``p ← p − s · A B`` is one product.
    """

    m: int
    n: int
    k: int
    a: Matrix
    b: Matrix
    c: Matrix
    dtype: str
    operands: str
    tf32: bool = False
    batch: int = 1
    epilogue: str = ""
    vector: Address | None = None
    mask: Address | None = None
    alpha: float = 1.0
    beta: float = 0.0


Step = Launch | Product


def mask_bytes(m: int, n: int) -> int:
    """The size of cuBLASLt's bit mask of an ``(m, n)`` matrix: rows of a multiple of 128 bits."""
    return m * (-(-n // 128) * 16)


def lanes(order: Sequence[tuple[int, ...]], most: int) -> list[int]:
    """Divide steps among lanes: the lane of each step.

    A lane is a stream, whose steps run in order; a step that waits for one of another lane needs an event. So a step
    takes the lane whose last step it waits for, the latest of them first; else a new lane; else the one whose last step
    is the oldest.

    Parameters
    ----------
    order : sequence of tuple of int
        The numbers of the earlier steps that each step waits for.
    most : int
        How many lanes there may be, at least 1.

    Examples
    --------
    >>> from pullback.backend.common.launches import lanes
    >>> lanes([(), (0,), (0,), (1, 2)], 2)
    [0, 0, 1, 1]
    """
    last: list[int] = []  # the last step of each lane
    chosen: list[int] = []
    for j, needs in enumerate(order):
        at = next((k for k, i in enumerate(last) if i in needs and i == max(needs)), None)
        if at is None:
            at = next((k for k, i in enumerate(last) if i in needs), None)
        if at is None and len(last) < most:
            last.append(-1)
            at = len(last) - 1
        if at is None:
            at = min(range(len(last)), key=last.__getitem__)
        last[at] = j
        chosen.append(at)
    return chosen
