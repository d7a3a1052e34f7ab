"""The leaves of parameters and gradients: which of them move, which decay, and in what precision a step is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd.core.array import Array, backend_array
from ...autograd.core.dtypes import is_complex, is_inexact
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import DType, PyTree, Value
from ...autograd.pytree import tree
from ...backend import backend_of, is_array
from .formulas import REAL

# None, "matrices", a predicate of a parameter, or a pytree of bools
Mask = Any
_SINGLE = np.dtype(np.float32)
_HALVES = ("float16", "bfloat16")


# ── precision ─────────────────────────────────────────────────────────────────────────────────


def widened(dtype: DType) -> DType:
    """The dtype in which a step is computed and its state kept: float32 for parameters of 16 bits, else their own.

    In float16 the square of a gradient of 1e-4 is 0 and that of 300 is infinite, and ``eps = 1e-8`` is 0.
    """
    if isinstance(dtype, np.dtype):
        return _SINGLE if dtype.itemsize == 2 and is_half(dtype) else dtype
    return _SINGLE if is_half(dtype) else dtype


def is_half(dtype: DType) -> bool:
    """Whether a dtype is a floating one of 16 bits."""
    return str(dtype).endswith(_HALVES)


def cast(x: Value, dtype: DType) -> Value:
    """`x` in a dtype, or `x` itself where it has that dtype already."""
    return x if x.dtype == dtype else namespace_of(x).astype(x, dtype)


def copied(p: Value) -> Value:
    """A copy of a parameter in the precision of its steps, unless nobody can write to it."""
    if not is_trainable(p):
        return p
    wide = widened(p.dtype)
    if wide is not p.dtype:
        return cast(p, wide)
    return namespace_of(p).copy(p) if type(p) is not Array else p


# ── leaves ────────────────────────────────────────────────────────────────────────────────────


def is_trainable(p: Value) -> bool:
    """Whether a step may change a leaf: floating-point arrays; keys and counters stay as they are.

    Raises
    ------
    TypeError
        For a Python float, which would be left behind unseen.
    """
    dtype = getattr(p, "dtype", None)
    if dtype is None and isinstance(p, float | complex):
        raise TypeError(
            f"a parameter is the Python number {p!r}: make it an array, xp.asarray({p!r})"
        )
    return dtype is not None and is_inexact(dtype)


def zeros_like(params: PyTree, slot: str = "m") -> PyTree:
    """Zeros in the structure of `params` and the precision of its steps; None for what no step moves.

    They are real where `slot` holds squares.
    """

    def zeros(p: Value) -> Value:
        if not is_trainable(p):
            return None
        xp = namespace_of(backend_array(p))
        out = cast(xp.zeros_like(backend_array(p)), widened(p.dtype))
        return xp.copy(xp.real(out)) if slot in REAL and is_complex(out.dtype) else out

    leaves, spec = tree.flatten(params)
    return tree.unflatten(spec, [zeros(p) for p in leaves])


def flatten_alike(params: PyTree, *others: PyTree) -> tuple[Any, list[list[Value]]]:
    """The structure of `params`, and the leaves of each tree.

    Raises
    ------
    ValueError
        If another tree has another structure.
    """
    leaves, spec = tree.flatten(params)
    try:
        return spec, [leaves, *[tree.flatten_as(spec, other) for other in others]]
    except ValueError as error:
        raise ValueError(
            f"step: gradients or state do not have the structure of the parameters: {error}"
        ) from None


def cast_gradient(p: Value, g: Value, params: PyTree, i: int) -> Value:
    """The gradient of the i-th leaf, in the dtype of the parameter, or in that of its steps.

    Raises
    ------
    TypeError
        If it is no array of numbers, one of another library, or complex where the parameter is real.
    ValueError
        If its shape is not the parameter's.
    """
    dtype = getattr(g, "dtype", None)
    check_library(params, i, p, g, "gradient")
    if dtype is p.dtype and g.shape == p.shape:
        return g
    name = tree.paths(params)[i] or "the parameter"
    if dtype is None:
        raise TypeError(f"step: the gradient of {name} is {type(g).__name__}, not an array")
    if tuple(g.shape) != tuple(p.shape):
        raise ValueError(
            f"step: the gradient of {name} has shape {tuple(g.shape)}, the parameter {tuple(p.shape)}"
        )
    if is_complex(dtype) and not is_complex(p.dtype):
        raise TypeError(f"step: the gradient of {name} is complex, the parameter real ({p.dtype})")
    return g if dtype == p.dtype else cast(g, widened(p.dtype))


def check_library(params: PyTree, i: int, p: Value, x: Value, what: str) -> None:
    """Refuse a gradient or a state of the i-th leaf that is an array of another library than the parameter.

    Raises
    ------
    TypeError
    """
    given, own = backend_array(x), backend_array(p)
    if type(given) is type(own) or not (is_array(given) and is_array(own)):
        return
    there, here = backend_of(given), backend_of(own)
    # a recording stands for any library, and NumPy's arrays join one whose arrays have no values yet
    if there.array_type is here.array_type or any(
        b.recording or b.fetch is not None for b in (there, here)
    ):
        return
    name = tree.paths(params)[i] or "the parameter"
    line = (
        "grads = pb.tree.map(pb.asarray, grads)"
        if what == "gradient"
        else "state = opt.init(params)"
    )
    raise TypeError(
        f"step: the {what} of {name} is an array of {there.name}, the parameter one of {here.name}: nothing is moved "
        f"silently; {line} "
        + ("takes it to the active backend" if what == "gradient" else "makes it anew")
    )


# ── decay ─────────────────────────────────────────────────────────────────────────────────────


def check_mask(mask: Mask) -> None:
    """Refuse a word that names no mask.

    Raises
    ------
    ValueError
        For any but "matrices".
    """
    if isinstance(mask, str) and mask != "matrices":
        raise ValueError(
            f"mask={mask!r}: None for every parameter, 'matrices' for those of two or more dimensions, a function of a "
            "parameter, or a pytree of bools"
        )


def decayed_leaves(mask: Mask, params: PyTree, spec: Any, ps: Sequence[Value]) -> list[bool]:
    """Whether each leaf decays: all parameters, the matrices, those of a predicate, or those of a tree of bools.

    Running statistics are no parameters: they decay only where a tree of bools says so.

    Raises
    ------
    ValueError
        If the tree has another structure than the parameters.
    """
    check_mask(mask)
    if mask is None or mask == "matrices" or _is_predicate(mask):
        pairs = zip(ps, _parameters(params, spec), strict=True)
        candidates = [counts and is_trainable(p) for p, counts in pairs]
        if mask is None:
            return candidates
        wanted = (lambda p: p.ndim >= 2) if mask == "matrices" else mask
        return [candidate and bool(wanted(p)) for p, candidate in zip(ps, candidates, strict=True)]
    try:
        return [bool(m) for m in tree.flatten_as(spec, mask)]
    except ValueError as error:
        raise ValueError(f"mask: not of the structure of the parameters: {error}") from None


def _is_predicate(mask: Mask) -> bool:
    return callable(mask) and not hasattr(mask, "__dataclass_fields__")


# by structure: to walk a model takes as long as a small step
_known: dict[Any, list[bool]] = {}


def _parameters(params: PyTree, spec: Any) -> list[bool]:
    """Whether each leaf is a parameter, not a running statistic."""
    found = _known.get(spec)
    if found is None:
        if len(_known) > 64:
            _known.clear()
        found = _known[spec] = tree.flatten_as(spec, tree.parameter_mask(params))
    return found
