"""Operations as the compiler has them, run by their kernels and by NumPy's functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.autograd.compile.cpu.native.table import NATIVE
from pullback.autograd.compile.ir.program import ARRAY, Op, Tuple, Value
from pullback.backend.numpy.networks import convolution, pooling

_NUMPY = {f.__name__: f for module in (convolution, pooling) for f in module.FUNCTIONS}


def by_numpy(name: str, *arrays: Any, **settings: Any) -> Any:
    """What NumPy's function gives."""
    return _NUMPY[name](*arrays, **settings)


def operation(name: str, arrays: Any, results: Any, settings: dict[str, Any]) -> Op:
    """An operation on arrays like these, with results like those."""
    values = [Value(f"v{i}", ARRAY, a.shape, a.dtype) for i, a in enumerate((*arrays, *results))]
    given, made = values[: len(arrays)], values[len(arrays) :]
    result = made[0] if len(made) == 1 else Tuple(tuple, tuple(made))
    return Op(name, _NUMPY[name], tuple(given), settings, result)


def by_kernel(name: str, arrays: Any, results: Any, **settings: Any) -> Any:
    """What the kernel writes into buffers like these results, which are full of NaN before."""
    results = results if isinstance(results, tuple) else (results,)
    op = operation(name, arrays, results, settings)
    assert NATIVE[name].takes(op)
    targets = [np.full(a.shape, np.nan if a.dtype.kind == "f" else 99, a.dtype) for a in results]
    run = NATIVE[name].make(op)
    run(*arrays, *targets)
    run(*arrays, *targets)  # whatever the first call left in scratch memory
    return targets[0] if len(targets) == 1 else tuple(targets)


def taken(name: str, arrays: Any, results: Any, **settings: Any) -> bool:
    """Whether a kernel takes an operation."""
    results = results if isinstance(results, tuple) else (results,)
    return NATIVE[name].takes(operation(name, arrays, results, settings))


def normal(*shape: int, dtype: Any = np.float64, seed: int = 0) -> Any:
    """Numbers from the normal distribution."""
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)
