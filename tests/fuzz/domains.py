"""Where an operation is smooth and well-conditioned: what its operands must be, and how a value is moved there.

A domain is a predicate on a NumPy array and an expression that maps any moderate value into it; the
predicate decides, before the operation and after the map. Margins are wide beside the steps that
differences take, and narrow beside what lies outside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ArrayTest = Callable[[np.ndarray], bool]


@dataclass(frozen=True)
class Domain:
    """Where an operand may lie.

    Attributes
    ----------
    holds
        Whether an array lies there.
    real, complex
        Expressions of ``{x}`` (and of ``{ramp}``, distinct numbers in its shape, and ``{n}``, its last length) that lie
        there; empty where there is none.
    """

    holds: ArrayTest
    real: str = ""
    complex: str = ""


SQUASHED = "{x} / (1.0 + xp.real({x} * xp.conj({x})))"  # within the disk of radius 1/2, smooth


def _largest(x: np.ndarray) -> float:
    return float(np.max(np.abs(x), initial=0.0))


def _smallest(x: np.ndarray) -> float:
    return float(np.min(np.abs(x), initial=np.inf))


def _between(low: float, high: float) -> ArrayTest:
    return lambda x: (
        bool(np.all((np.real(x) > low) & (np.real(x) < high)))
        and (x.dtype.kind != "c" or _largest(np.imag(x)) < high)
    )


def _distinct(x: np.ndarray) -> bool:
    return x.dtype.kind == "f" and x.size <= 24 and _gap(x.ravel()) > 0.03


def _gap(x: np.ndarray) -> float:
    return float(np.min(np.diff(np.sort(x)), initial=np.inf))


def _apart_in_rows(x: np.ndarray) -> bool:
    return x.dtype.kind == "f" and all(_gap(row) > 0.03 for row in x.reshape(-1, x.shape[-1]))


def _off_steps(x: np.ndarray) -> bool:
    """Away from whole numbers and halves, where rounding jumps."""
    return bool(np.all(np.abs(2 * x - np.round(2 * x)) > 0.05)) and _largest(x) < 50


def _square(x: np.ndarray) -> bool:
    return x.ndim >= 2 and x.shape[-1] == x.shape[-2] and x.size > 0


def _regular(x: np.ndarray) -> bool:
    return _square(x) and _largest(x) < 50 and float(np.max(np.linalg.cond(x))) < 30


def _full_rank(x: np.ndarray) -> bool:
    if x.ndim < 2 or not x.size or _largest(x) > 50:
        return False
    s = np.linalg.svd(x, compute_uv=False)
    return bool(np.all(s > 0.2)) and all(_gap(row) > 0.1 for row in s.reshape(-1, s.shape[-1]))


def _hermitian(x: np.ndarray) -> bool:
    return _square(x) and bool(np.all(np.abs(x - np.conj(np.swapaxes(x, -1, -2))) < 1e-12))


def _definite(x: np.ndarray) -> bool:
    return _hermitian(x) and _largest(x) < 50 and float(np.min(np.linalg.eigvalsh(x))) > 0.3


def _separated(x: np.ndarray) -> bool:
    if not _hermitian(x) or _largest(x) > 50:
        return False
    w = np.linalg.eigvalsh(x)
    return all(_gap(row) > 0.2 for row in w.reshape(-1, w.shape[-1]))


def _general(x: np.ndarray) -> bool:
    """Square, with eigenvalues far apart: a diagonal and little else."""
    if not _square(x) or x.shape[-1] < 2:
        return False
    d = np.real(np.diagonal(x, axis1=-2, axis2=-1))
    rest = np.abs(x) - np.abs(np.diagonal(x, axis1=-2, axis2=-1))[..., None] * np.eye(x.shape[-1])
    return bool(np.all(np.diff(d) > 0.8)) and _largest(rest) < 0.25 and _largest(x) < 50


DOMAINS = {
    "any": Domain(lambda x: _largest(x) < 50, "4.0 * xp.tanh({x})", SQUASHED),
    "small": Domain(lambda x: _largest(x) < 3, "2.0 * xp.tanh({x})", SQUASHED),
    "inside": Domain(lambda x: _largest(x) < 0.8, "0.7 * xp.tanh({x})", SQUASHED),
    "unit": Domain(_between(0.1, 0.9), "0.5 + 0.35 * xp.tanh({x})"),
    "positive": Domain(_between(0.3, 20), "1.5 + xp.tanh({x})", f"1.5 + {SQUASHED}"),
    "above": Domain(_between(1.3, 20), "2.5 + xp.tanh({x})", f"2.5 + {SQUASHED}"),
    "nonzero": Domain(
        lambda x: _smallest(x) > 0.15 and _largest(x) < 50,
        "1.5 + xp.tanh({x})",
        f"1.5 - {SQUASHED}",
    ),
    "off steps": Domain(_off_steps, "1.25 + 0.2 * xp.tanh({x})"),
    "distinct": Domain(_distinct, "0.3 * xp.tanh({x}) + xp.asarray({ramp}, dtype={x}.dtype)"),
    "distinct rows": Domain(
        _apart_in_rows, "0.3 * xp.tanh({x}) + xp.asarray({ramp}, dtype={x}.dtype)"
    ),
    "regular": Domain(
        _regular,
        "0.3 * xp.tanh({x}) + 2.0 * xp.eye({n}, dtype={x}.dtype)",
        f"0.5 * {SQUASHED} + 2.0 * xp.eye({{n}}, dtype={{x}}.dtype)",
    ),
    "full rank": Domain(_full_rank),
    "definite": Domain(
        _definite,
        "xp.tanh({x}) @ xp.matrix_transpose(xp.tanh({x})) + xp.eye({n}, dtype={x}.dtype)",
        "{x} @ xp.conj(xp.matrix_transpose({x})) + xp.eye({n}, dtype={x}.dtype)",
    ),
    "separated": Domain(
        _separated,
        "0.2 * xp.tanh({x} + xp.matrix_transpose({x})) + xp.asarray(np.diag(np.arange({n}) * 1.7), dtype={x}.dtype)",
        "0.05 * ({x} + xp.conj(xp.matrix_transpose({x}))) + xp.asarray(np.diag(np.arange({n}) * 3.0), dtype={x}.dtype)",
    ),
    "general": Domain(
        _general,
        "0.2 * xp.tanh({x}) + xp.asarray(np.diag(np.arange({n}) * 1.7), dtype={x}.dtype)",
        f"0.2 * {SQUASHED} + xp.asarray(np.diag(np.arange({{n}}) * 1.7), dtype={{x}}.dtype)",
    ),
}
