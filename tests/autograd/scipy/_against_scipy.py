"""Rows of functions with SciPy's names: what is asserted of each, on NumPy and on the other libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import pullback as pb


@dataclass(frozen=True, eq=False)
class Row:
    """One call of a function of ours and of SciPy's.

    Attributes
    ----------
    name : str
        For the test's name.
    ours, theirs : callable
        Of the same arguments.
    args : tuple
        NumPy arrays, all differentiated.
    order : int
        To which derivatives are checked; 0 for none.
    libraries : str
        "all", "kernels" (NumPy and CuPy) or "numpy".
    float32 : bool
        Whether single precision stays single.
    """

    name: str
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    args: tuple[Any, ...]
    order: int = 2
    libraries: str = "all"
    float32: bool = True
    rtol: float = 1e-10
    settings: dict[str, Any] = field(default_factory=dict)


def leaves(out: Any) -> list[Any]:
    return pb.tree.leaves(out if isinstance(out, list | tuple) else (out,))


def inexact(out: Any) -> list[Any]:
    return [y for y in leaves(out) if np.dtype(str(y.dtype).rpartition(".")[2]).kind in "fc"]


def check_value(row: Row) -> None:
    """SciPy's values, shapes and dtypes, of arrays and of nested lists."""
    wanted = leaves(row.theirs(*row.args, **row.settings))
    for args in (row.args, [a.tolist() if a.dtype.kind != "c" else a for a in row.args]):
        for got, expected in zip(leaves(row.ours(*args, **row.settings)), wanted, strict=True):
            assert np.shape(got) == np.shape(expected)
            value = pb.to_numpy(got) if hasattr(got, "dtype") else got
            np.testing.assert_allclose(value, expected, rtol=row.rtol, atol=1e-11)


def check_gradients(row: Row) -> None:
    """Against central differences, to the row's order."""
    pb.check_grads(lambda *xs: inexact(row.ours(*xs, **row.settings)), row.args, order=row.order)


def check_float32(row: Row) -> None:
    """Single precision stays single, in values and gradients."""
    args = [a.astype({"f": "float32", "c": "complex64"}[a.dtype.kind]) for a in row.args]

    def total(*xs: Any) -> Any:
        outs = inexact(row.ours(*xs, **row.settings))
        assert all(y.dtype in (np.float32, np.complex64) for y in outs)
        return sum(pb.xp.sum(pb.xp.real(y)) if y.dtype.kind == "c" else pb.xp.sum(y) for y in outs)

    for g, x in zip(pb.grad(total, argnums=tuple(range(len(args))))(*args), args, strict=True):
        assert g.dtype == x.dtype


def check_library(row: Row, lib: Any) -> None:
    """The same values and first gradients on another library, without leaving it."""
    raw = [lib.asarray(a) for a in row.args]

    def total(*xs: Any) -> Any:
        outs = inexact(row.ours(*xs, **row.settings))
        parts = [pb.xp.real(y) + pb.xp.imag(y) if y.dtype.kind == "c" else y for y in outs]
        return sum(pb.xp.sum(part * part) for part in parts)

    places = tuple(range(len(raw)))
    value, grads = pb.value_and_grad(total, argnums=places)(*raw)
    wanted, host_grads = pb.value_and_grad(total, argnums=places)(*row.args)
    np.testing.assert_allclose(
        lib.to_numpy(value) if hasattr(value, "dtype") else value, wanted, rtol=1e-9
    )
    for g, expected in zip(grads, host_grads, strict=True):
        assert lib.is_raw(g)
        np.testing.assert_allclose(lib.to_numpy(g), expected, rtol=1e-7, atol=1e-9)


def check_compiled(row: Row) -> None:
    """The same numbers compiled, at two calls with different inputs."""
    function = pb.compile(lambda *xs: inexact(row.ours(*xs, **row.settings)))
    for factor in (1.0, 1.001):
        args = [a * factor for a in row.args]
        wanted = inexact(row.ours(*args, **row.settings))
        for got, expected in zip(function(*args), wanted, strict=True):
            np.testing.assert_allclose(
                pb.to_numpy(got), pb.to_numpy(expected), rtol=1e-9, atol=1e-12
            )
