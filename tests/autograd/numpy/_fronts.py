"""Rows for the functions of `pullback.numpy`, and what is asserted of each: one body for each assertion.

A file of tests has ``ROWS``, and ``from .._fronts import *`` gives it the tests. A row is a function of NumPy in one
situation, written with the makers of `cases/_table.py`. The reference is NumPy's function of the same name, so that
signatures and keywords are tested with the values.
"""

from __future__ import annotations

import inspect
import zlib
from typing import Any

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...cases._table import Case, K, P, R, X, Z, inexact_leaves, look_up, loss, weights_for

__all__ = [
    "K",
    "P",
    "R",
    "X",
    "Z",
    "front",
    "pytest_generate_tests",
    "test_compiled",
    "test_float32",
    "test_gradients",
    "test_on_every_library",
    "test_signature",
    "test_value",
]

# A row's `_skip` may name what it cannot be asked, with the reason.
_NEEDS = {"test_gradients": "gradients", "test_float32": "float32", "test_compiled": "compile"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test for every row of the module that imported it; signatures for every name, and for `CONSTANTS`."""
    if metafunc.function.__module__ != __name__:
        return
    rows = metafunc.module.ROWS
    if "name" in metafunc.fixturenames:
        names = {c.name for c in rows} | set(getattr(metafunc.module, "CONSTANTS", ()))
        metafunc.parametrize("name", sorted(names))
    if "case" in metafunc.fixturenames:
        needed = _NEEDS.get(metafunc.function.__name__)
        chosen = [c for c in rows if needed not in c.skip]
        metafunc.parametrize("case", chosen, ids=lambda c: c.id)


def front(
    name: str,
    *args: Any,
    _order: int = 2,
    _rtol: float = 1e-12,
    _skip: dict[str, str] | None = None,
    **settings: Any,
) -> Case:
    """A row; what begins with an underscore is for the tests, the rest for the function."""
    label = ", ".join([*map(_brief, args), *(f"{k}={_brief(v)}" for k, v in settings.items())])
    return Case(
        name,
        label,
        args,
        settings,
        look_up(pullback.numpy, name),
        look_up(np, name),
        _order,
        _skip or {},
        _rtol,
    )


def _brief(x: Any) -> str:
    """An argument in a row's name."""
    shape = getattr(x, "shape", None)
    if hasattr(x, "make"):
        kind = "C" if x.complex else "K" if x.constant else "X" if x.values is not None else "R"
        mark = (
            f"#{zlib.crc32(np.asarray(x.values).tobytes()) % 1000}" if x.values is not None else ""
        )
        return f"{kind}{shape or np.shape(x.values)}{mark}"
    if isinstance(x, list | tuple) and any(hasattr(v, "make") for v in x):
        return f"[{', '.join(map(_brief, x))}]"
    return getattr(x, "__name__", None) or repr(x)


def leaves(out: Any) -> list[Any]:
    """The outputs of a function, whatever sort of tuple it returns them in."""
    if isinstance(out, list | tuple):
        return [leaf for part in out for leaf in leaves(part)]
    return [out]


def test_value(case: Case) -> None:
    """NumPy's values, shapes and dtypes, of arrays and of traced ones."""
    arrays = case.arrays()
    wanted = leaves(case.numpy(arrays))
    plain = leaves(case.pullback([pb.xp.asarray(a) for a in arrays]))
    traced = leaves(pb.vjp(case.of_inputs(arrays), *(arrays[i] for i in case.places()))[0])
    for got in (plain, traced):
        for y, ref in zip(got, wanted, strict=True):
            ref = np.asarray(ref)
            assert y.shape == ref.shape
            assert y.dtype == ref.dtype or {y.dtype.kind, ref.dtype.kind} == {"i"}
            np.testing.assert_allclose(pb.to_numpy(y), ref, rtol=case.rtol, atol=1e-13)


def test_gradients(case: Case) -> None:
    """Gradients against central differences, by `check_grads`, to the row's order."""
    arrays = case.arrays()
    inputs = tuple(arrays[i] for i in case.places())
    pb.check_grads(
        lambda *xs: inexact_leaves(leaves(case.of_inputs(arrays)(*xs))), inputs, order=case.order
    )


def _as_float32(x: np.ndarray) -> np.ndarray:
    return x.astype({"f": np.float32, "c": np.complex64}.get(x.dtype.kind, x.dtype))


def test_float32(case: Case) -> None:
    """Results and gradients of float32 stay in it, and are those of float64 but for rounding."""
    arrays = case.arrays()
    low = [_as_float32(a) for a in arrays]
    out = inexact_leaves(leaves(case.pullback([pb.xp.asarray(a) for a in low])))
    assert [y.dtype for y in out if y.dtype not in (np.float32, np.complex64)] == []
    weights = weights_for(out)
    got = _gradients(case, low, [_as_float32(w) for w in weights])
    for g, wanted, place in zip(got, _gradients(case, arrays, weights), case.places(), strict=True):
        assert g.dtype == low[place].dtype
        np.testing.assert_allclose(g, wanted, rtol=2e-4, atol=2e-3)


def test_compiled(case: Case, lib: Any) -> None:
    """A compiled gradient, called twice with different values, is the eager one, in every library."""
    if lib.name in case.skip:
        pytest.skip(case.skip[lib.name])
    arrays = case.arrays()
    weights = weights_for(inexact_leaves(leaves(case.numpy(arrays))))
    arrays, weights = [lib.asarray(a) for a in arrays], [lib.asarray(w) for w in weights]
    places = case.places()
    value_and_grad = pb.value_and_grad(
        lambda *xs: loss(leaves(case.of_inputs(arrays)(*xs)), weights),
        argnums=tuple(range(len(places))),
    )
    compiled = pb.compile(value_and_grad)
    for scale in (1.0, 0.96875):
        inputs = [arrays[i] * scale for i in places]
        for got, wanted in zip(
            leaves(compiled(*inputs)), leaves(value_and_grad(*inputs)), strict=True
        ):
            np.testing.assert_allclose(pb.to_numpy(got), pb.to_numpy(wanted), rtol=1e-9, atol=1e-11)


def test_on_every_library(case: Case, lib: Any) -> None:
    """The same values and gradients in another library, without leaving it or its device."""
    if lib.name in case.skip:
        pytest.skip(case.skip[lib.name])
    hosts = case.arrays()
    host_weights = weights_for(inexact_leaves(leaves(case.numpy(hosts))))
    arrays, weights = [lib.asarray(a) for a in hosts], [lib.asarray(w) for w in host_weights]
    out = leaves(case.pullback([pb.xp.asarray(a) for a in arrays]))
    for y, wanted in zip(out, leaves(case.numpy(hosts)), strict=True):
        assert y.device == lib.device
        np.testing.assert_allclose(pb.to_numpy(y), wanted, rtol=1e-9, atol=1e-11)
    expected = _gradients(case, hosts, host_weights)
    for g, wanted in zip(_gradients(case, arrays, weights), expected, strict=True):
        assert lib.is_raw(g)
        np.testing.assert_allclose(lib.to_numpy(g), wanted, rtol=1e-8, atol=1e-10)


def _gradients(case: Case, arrays: list, weights: list) -> tuple:
    f, places = case.of_inputs(arrays), case.places()
    return pb.grad(lambda *xs: loss(leaves(f(*xs)), weights), argnums=tuple(range(len(places))))(
        *(arrays[i] for i in places)
    )


def test_signature(name: str) -> None:
    """The parameters' names, order, kinds and defaults are NumPy's."""
    ours = inspect.signature(look_up(pullback.numpy, name)).parameters.values()
    theirs = inspect.signature(look_up(np, name)).parameters.values()
    assert [(p.name, p.kind, repr(p.default)) for p in ours] == [
        (p.name, p.kind, repr(p.default)) for p in theirs
    ]
