"""NumPy's functions beyond the standard, against NumPy; `einsum`, `at` and the matrix exponential beyond the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
KNOTS = np.asarray([0.0, 0.7, 1.5, 3.0])
POINTS = np.asarray([[-1.0, 0.2, 0.9], [2.2, 4.1, 1.4]])


@dataclass(frozen=True, eq=False)
class Row:
    """A function in one situation: pullback's, NumPy's, and arrays by shape or value."""

    label: str
    ours: Callable[..., Any]
    numpys: Callable[..., Any]
    arrays: tuple[Any, ...]
    low: float = -2.0
    double: bool = False  # NumPy computes it in double precision always

    def make(self, dtype: Any = np.float64) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng(len(self.label))
        made = (
            rng.uniform(self.low, 2.0, a) if isinstance(a, tuple) else np.asarray(a)
            for a in self.arrays
        )
        kinds = {"f": dtype, "c": np.result_type(dtype, np.complex64), "i": np.int64}
        return tuple(a.astype(kinds[a.dtype.kind]) for a in made)

    def places(self) -> tuple[int, ...]:
        """Which of the arrays are differentiated."""
        return tuple(i for i, a in enumerate(self.make()) if a.dtype.kind != "i")


def same(name: str, *arrays: Any, low: float = -2.0, **settings: Any) -> Row:
    """A function of one name and signature."""
    label = f"{name} {settings or ''}{[a if isinstance(a, tuple) else np.shape(a) for a in arrays]}"
    ours, numpys = getattr(xp, name), getattr(np, name)
    return Row(
        label, lambda *xs: ours(*xs, **settings), lambda *xs: numpys(*xs, **settings), arrays, low, name in DOUBLE
    )  # fmt: skip


def listed(name: str, *arrays: Any, **settings: Any) -> Row:
    """A function of one list of arrays."""
    ours, numpys = getattr(xp, name), getattr(np, name)
    return Row(
        f"{name} {[a if isinstance(a, tuple) else np.shape(a) for a in arrays]}",
        lambda *xs: ours(xs, **settings), lambda *xs: numpys(xs, **settings), arrays,
    )  # fmt: skip


DOUBLE = {"cov", "corrcoef", "interp"}
Z = np.asarray([[1.0 + 2.0j, 0.3 - 1.0j], [-0.5 + 0.1j, 2.0 - 0.7j]])
W = np.asarray([1.0, 0.5, 2.0, 1.5])
COUNTS = np.asarray([1, 2, 3, 1])

ROWS = [
    same("dot", (3,), (3,)), same("dot", (2, 3), (3,)), same("dot", (2, 3), (2, 3, 2)), same("dot", (), (3,)),
    same("dot", Z, Z),
    same("inner", (3,), (3,)), same("inner", (2, 3), (4, 3)), same("inner", (), (3,)), same("inner", Z, Z),
    same("vdot", (2, 3), (2, 3)), same("vdot", Z, Z), same("outer", (2, 2), (3,)), same("kron", (2,), (3,)),
    same("kron", (2, 3), (2, 2)), same("kron", (2, 3, 1), (2, 2)), same("kron", (), (2,)), same("angle", Z),
    same("angle", Z, deg=True),
    same("angle", [-1.0, 2.0]),
    same("nan_to_num", (3,)), same("nan_to_num", Z), same("trapezoid", (2, 4)),
    same("trapezoid", (4, 2), dx=0.3, axis=0),
    same("trapezoid", (2, 4), KNOTS), same("trapezoid", (4, 2), KNOTS, axis=0), same("trapezoid", (4, 2), (4, 2)),
    same("interp", POINTS, KNOTS, (4,)), same("interp", POINTS, KNOTS, (4,), left=-3.0, right=2.0),
    same("interp", POINTS, KNOTS[:1], (1,)),
    same("interp", POINTS, KNOTS, (4,), period=2.9), same("interp", 0.3, KNOTS, (4,)),
    same("interp", POINTS, KNOTS, Z.reshape(-1)),
    *(same("pad", (2, 3), pad_width=w, mode=m)
      for m in ("constant", "edge", "reflect", "symmetric", "wrap") for w in (1, (2, 1), ((1, 0), (2, 5)), {-1: (1,
      2), 0: 1})),
    *(same("pad", (2, 3), pad_width=((1, 2), (0, 1)), constant_values=c)
      for c in (1.5, (1.0, 2.0), ((1.0, 2.0), (3.0, 4.0)), ((1.0,), (2.0,)))),
    same("pad", Z, pad_width=1),
    listed("hstack", (3,), (2,)), listed("hstack", (3, 1), (3, 2)), listed("hstack", (), (2,)),
    listed("vstack", (3,), (2, 3)),
    listed("column_stack", (3,), (3, 2)), same("ravel", (2, 3)), same("swapaxes", (2, 3, 4), axis1=0, axis2=-1),
    same("transpose", (2, 3, 4)), same("transpose", (2, 3, 4), axes=(1, 2, 0)), same("atleast_1d", ()),
    same("atleast_2d", (3,)),
    same("atleast_2d", (), (3,)),
    *(same("split", (2, 4), indices_or_sections=s, axis=1) for s in (2, [1, 3], [2, 9], [3, 1], [-1])),
    same("array_split", (7, 2), indices_or_sections=3), same("array_split", (2, 3), indices_or_sections=5, axis=-1),
    same("average", (2, 3)), same("average", (2, 3), axis=0, keepdims=True),
    same("average", (2, 3), axis=1, returned=True),
    Row("average along an axis", lambda a, w: xp.average(a, 1, w), lambda a, w: np.average(a, 1, w), ((2, 3), (3,)),
        0.5),
    Row("average along two", lambda a, w: xp.average(a, (2, 0), w), lambda a, w: np.average(a, (2, 0), w), ((2, 3,
        4), (4, 2)), 0.5),
    Row("average of all", lambda a, w: xp.average(a, weights=w, returned=True), lambda a, w: np.average(a, weights=w,
        returned=True), ((2, 3), (2, 3)), 0.5),
    *(same("cov", (3, 4), **k) for k in ({}, {"bias": True}, {"ddof": 2})),
    *(Row(f"cov, weights, {k}", lambda m, f, a, k=k: xp.cov(m, fweights=f, aweights=a, **k),
          lambda m, f, a, k=k: np.cov(m, fweights=f, aweights=a, **k), ((3, 4), COUNTS, W),
          double=True) for k in ({}, {"ddof": 0})),
    Row("cov, counts", lambda m, f: xp.cov(m, fweights=f), lambda m, f: np.cov(m, fweights=f), ((3, 4), COUNTS),
        double=True),
    Row("cov, importances", lambda m, a: xp.cov(m, aweights=a), lambda m, a: np.cov(m, aweights=a), ((3, 4), W),
        double=True),
    same("cov", (4, 3), rowvar=False), same("cov", (1, 4), rowvar=False, bias=True), same("cov", (4,)),
    same("cov", (2, 4), (4,)), same("cov", Z),
    same("cov", (4, 2), (4, 1), rowvar=False), same("corrcoef", (3, 5)), same("corrcoef", (2, 5), (5,)),
    same("corrcoef", (5,)),
    same("partition", (2, 5), kth=2),
    Row("create_diagonal", xp.create_diagonal, np.diag, ((3,),)),
    Row("create_diagonal above", lambda x: xp.create_diagonal(x, offset=2), lambda x: np.diag(x, 2), ((3,),)),
    Row("create_diagonal below, batch", lambda x: xp.create_diagonal(x, offset=-1), lambda x: np.stack([np.diag(y,
        -1) for y in x]), ((2, 3),)),
    Row("create_diagonal of nothing", xp.create_diagonal, np.diag, ((0,),)),
    Row("atleast_nd", lambda x: xp.atleast_nd(x, ndim=3), lambda x: x[None, None], ((2,),)),
    Row("segment_sum", lambda x, i: xp.segment_sum(x, i, 3), lambda x, i: np.stack([x[0], x[3], 0 * x[0]]), ((4, 2),
        [0, 5, -1, 1])),
    Row("segment_sum of numbers", lambda x: xp.segment_sum(x, [1, 1, 0, 1]), lambda x: np.stack([x[2],
        x[0] + x[1] + x[3]]), ((4,),)),
    Row("union1d", xp.union1d, np.union1d, ([3.0, 1.0, 2.0], [0.5, 1.5])),
]  # fmt: skip


def leaves(out: Any) -> list[Any]:
    return list(out) if isinstance(out, tuple | list) else [out]


def total(out: Any, place: Callable[[np.ndarray], Any] = np.asarray) -> Any:
    """A real number that depends on every element of every output; `place` makes an array of their library."""
    terms = []
    for y in leaves(out):
        weights = place(np.cos(np.arange(y.size) + 0.5).reshape(y.shape).astype(y.dtype))
        terms.append(xp.sum(y * weights))
    every = sum(terms[1:], start=terms[0])
    return xp.real(every) if every.dtype.kind == "c" else every


every = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)


def gradients(
    row: Row, arrays: tuple[Any, ...], place: Callable[[np.ndarray], Any] = np.asarray
) -> Any:
    return pb.grad(lambda *xs: total(row.ours(*xs), place), argnums=row.places())(*arrays)


@every
def test_numpy_s_values_and_all_derivatives(row):
    arrays, places = row.make(), row.places()
    for y, wanted in zip(leaves(row.ours(*arrays)), leaves(row.numpys(*arrays)), strict=True):
        assert type(y) is pb.Array
        assert y.shape == np.shape(wanted)
        assert y.dtype == wanted.dtype
        np.testing.assert_allclose(pb.to_numpy(y), wanted, rtol=1e-13, atol=1e-15)

    def f(*xs: Any) -> list[Any]:
        every = list(arrays)
        for place, x in zip(places, xs, strict=True):
            every[place] = x
        return leaves(row.ours(*every))

    pb.check_grads(f, tuple(arrays[i] for i in places), order=2, rtol=1e-5)


@every
def test_single_precision_stays(row):
    arrays = row.make(np.float32)
    for y, wanted in zip(leaves(row.ours(*arrays)), leaves(row.numpys(*arrays)), strict=True):
        assert y.dtype in (np.float32, np.complex64)
        assert row.double or y.dtype == wanted.dtype
    places = row.places()
    for g, wanted, i in zip(
        gradients(row, arrays), gradients(row, row.make()), places, strict=True
    ):
        assert g.dtype == arrays[i].dtype
        np.testing.assert_allclose(g, wanted, rtol=1e-3, atol=1e-3)


@every
def test_every_library(row, lib):
    hosts = row.make()
    arrays = tuple(lib.asarray(a) for a in hosts)
    out = row.ours(*(xp.asarray(a) for a in arrays))
    for y, wanted in zip(leaves(out), leaves(row.numpys(*hosts)), strict=True):
        assert y.device == lib.device
        np.testing.assert_allclose(pb.to_numpy(y), wanted, rtol=1e-10, atol=1e-13)
    got = gradients(row, arrays, lib.asarray)
    for g, wanted in zip(got, gradients(row, hosts), strict=True):
        assert lib.is_raw(g)
        np.testing.assert_allclose(lib.to_numpy(g), wanted, rtol=1e-9, atol=1e-12)


# ── edges and errors ──────────────────────────────────────────────────────────────────────────


def test_what_was_replaced_has_no_derivative():
    x = np.asarray([np.nan, np.inf, -np.inf, 2.0])
    np.testing.assert_array_equal(pb.to_numpy(xp.nan_to_num(x)), np.nan_to_num(x))
    settings = {"nan": 1.0, "posinf": 2.0, "neginf": -3.0}
    np.testing.assert_array_equal(
        pb.to_numpy(xp.nan_to_num(x, **settings)), np.nan_to_num(x, **settings)
    )
    for dtype in (np.float32, np.float64):
        g = pb.grad(lambda x: xp.sum(3.0 * xp.nan_to_num(x, nan=1.0, posinf=1.0, neginf=0.0)))(
            x.astype(dtype)
        )
        np.testing.assert_array_equal(g, np.asarray([0.0, 0.0, 0.0, 3.0], dtype))
    z = np.asarray([complex(np.nan, 1.0), complex(1.0, np.inf)])
    np.testing.assert_array_equal(
        pb.to_numpy(xp.nan_to_num(z, **settings)), np.nan_to_num(z, **settings)
    )
    assert xp.nan_to_num(xp.asarray([1, 2])).dtype == np.int64


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: xp.interp(1.0, KNOTS, KNOTS[:2]), ValueError, r"interp: xp of shape \(4,\) and fp of shape \(2,\)"),
        (lambda: xp.interp(1.0, KNOTS, KNOTS, period=0), ValueError, "period has to be different from 0"),
        (lambda: xp.pad(KNOTS, 1, mode="mean"), NotImplementedError, r"mode='mean'\): pb\.xp has 'constant', 'edge'"),
        (lambda: xp.pad(KNOTS, -1), ValueError, "negative"),
        (lambda: xp.pad(np.ones((0,)), 1, mode="edge"), ValueError, "extend empty axis"),
        (lambda: xp.ravel(KNOTS, order="F"), NotImplementedError, "no memory order"),
        (lambda: xp.split(KNOTS, 3), ValueError, "length 4 does not divide into 3 equal parts"),
        (lambda: xp.array_split(KNOTS, 0), ValueError, "0 sections"),
        (lambda: xp.average(np.ones((2, 3)), weights=np.ones(3)), ValueError, "need an axis"),
        (lambda: xp.average(np.ones((2, 3)), 0, np.ones(3)), ValueError, "do not fit axis 0"),
        (lambda: xp.cov(np.ones((2, 3, 1))), ValueError, "3 dimensions"),
        (lambda: xp.cov(np.ones((2, 3)), aweights=np.ones(2)), ValueError, "for 3 observations"),
        (lambda: xp.create_diagonal(1.0), ValueError, "one dimension"),
        (lambda: xp.segment_sum(KNOTS, [0, 1]), ValueError, "one id for each row"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.dot(x, x), lambda x: np.inner(x, x), lambda x: np.outer(x, x), lambda x: np.kron(x, x),
        lambda x: np.einsum("i,i->i", x, x), lambda x: np.hstack([x, x]), lambda x: np.vstack((x, x)),
        lambda x: np.pad(x, 1), lambda x: np.pad(x, ((1, 2),), mode="edge"), lambda x: np.interp(x, KNOTS, KNOTS**2),
        lambda x: np.trapezoid(x),
        lambda x: np.cov(x), lambda x: np.average(x, weights=KNOTS), lambda x: np.sinc(x),
        lambda x: np.swapaxes(x, 0, 0),
        lambda x: np.nan_to_num(x), lambda x: np.split(x, 2)[1], lambda x: np.atleast_2d(x), lambda x: np.ravel(x),
    ],
)  # fmt: skip
def test_numpy_s_own_functions_find_them(f):
    x = KNOTS + 0.2
    np.testing.assert_allclose(pb.to_numpy(f(xp.asarray(x))), f(x), rtol=1e-14)
    pb.check_grads(lambda x: f(xp.asarray(x)), (x,), order=2, rtol=1e-5)
