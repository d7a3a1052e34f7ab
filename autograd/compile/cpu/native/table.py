"""The operations that have kernels written by hand."""

from __future__ import annotations

from ...ir.program import ARRAY, Op, Value
from .attention import ATTENTION
from .convolution.operations import CONVOLUTION, CONVOLUTION_VJP_W, CONVOLUTION_VJP_X
from .convolution.pooling import AVG_POOL, AVG_POOL_VJP, MAX_POOL, POOL_SCATTER
from .cross_entropy import SOFTMAX_CROSS_ENTROPY
from .matmul import MATMUL
from .random import RANDOM_BITS
from .record import Native
from .recurrence import RECURRENCE
from .segments import MAX_BY_SEGMENT, SUM_BY_SEGMENT, TAKE

_ALL = (
    *ATTENTION, CONVOLUTION, CONVOLUTION_VJP_X, CONVOLUTION_VJP_W, MAX_POOL, POOL_SCATTER, AVG_POOL, AVG_POOL_VJP,
    MATMUL, *RECURRENCE, MAX_BY_SEGMENT, SUM_BY_SEGMENT, TAKE, RANDOM_BITS,
    SOFTMAX_CROSS_ENTROPY,
)  # fmt: skip
NATIVE: dict[str, Native] = {each.name: each for each in _ALL}


def native_op(op: Op) -> Native | None:
    """The record that an operation of NumPy arrays is computed by, if there is one."""
    found = NATIVE.get(op.name)
    if found is None or not _has_plain_results(op):
        return None
    return found if found.takes(op) else None


def is_native(op: Op) -> bool:
    """Whether an operation has a record that takes it."""
    return native_op(op) is not None


def _has_plain_results(op: Op) -> bool:
    """Whether all results are arrays with elements, which can have buffers."""
    results = op.outputs()
    return bool(results) and all(
        type(v) is Value and v.value_type == ARRAY and v.size > 0 for v in results
    )
