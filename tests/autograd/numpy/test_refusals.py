"""Every public function of NumPy is differentiable here, a constant, or refused with what to use instead."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import pullback as pb
import pullback.numpy
from pullback.autograd.numpy import refusals

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

SECTIONS = {
    "": (np, pullback.numpy),
    "linalg": (np.linalg, pullback.numpy.linalg),
    "fft": (np.fft, pullback.numpy.fft),
}
NAMES = [
    (s, n) for s, (theirs, _) in SECTIONS.items() for n in dir(theirs) if not n.startswith("_")
]


@pytest.mark.filterwarnings("ignore")  # some names of older versions warn when they are looked at
@pytest.mark.parametrize(
    ("section", "name"), NAMES, ids=[".".join(filter(None, pair)) for pair in NAMES]
)
def test_every_name_is_here_or_refused_with_advice(section, name):
    theirs, ours = SECTIONS[section]
    here = name in dir(ours)
    advice = refusals.advice_on(name, section)
    assert here is not bool(advice), "in exactly one of: pullback.numpy, the table of refusals"
    if here:
        found, of_numpy = getattr(ours, name), getattr(theirs, name)
        if callable(of_numpy) and not isinstance(of_numpy, type):
            assert callable(found)
            assert refusals.kind_of(name, section) in ("constant", "differentiable")
            assert inspect.getdoc(found)
    else:
        with pytest.raises(AttributeError) as caught:
            getattr(ours, name)
        assert advice in str(caught.value)
        assert not hasattr(ours, name)


def test_the_tables_name_what_there_is():
    """Constants that are not here, and refusals of names that no version of NumPy from 2.1 on has, are mistakes."""
    for section, names in (
        ("", refusals.CONSTANT), ("linalg", refusals.LINALG_CONSTANT), ("fft", refusals.FFT_CONSTANT),
    ):  # fmt: skip
        theirs, ours = SECTIONS[section]
        assert [n for n in names if n not in dir(ours)] == []
        assert [n for n in names if not hasattr(theirs, n) and n not in refusals.GONE] == []
    for section, table in (
        ("", refusals.REFUSED), ("linalg", refusals.LINALG_REFUSED), ("fft", refusals.FFT_REFUSED),
    ):  # fmt: skip
        assert [
            n for n in table if not hasattr(SECTIONS[section][0], n) and n not in refusals.GONE
        ] == []


def test_nothing_is_here_that_numpy_has_not():
    for section, (theirs, ours) in SECTIONS.items():
        assert [n for n in dir(ours) if not hasattr(theirs, n) and n not in refusals.GONE] == [], (
            section
        )


def test_a_name_of_nobody_s():
    with pytest.raises(AttributeError, match="has no 'sinn', and neither has NumPy"):
        _ = pullback.numpy.sinn
    with pytest.raises(AttributeError):
        _ = pullback.numpy.__wrapped__


X = np.asarray([0.75, 0.5, 0.25])
# Functions that take other arguments than one vector of these numbers.
CALLS = {
    "apply_along_axis": lambda f, x: f(lambda v: v * 2, 0, x),
    "apply_over_axes": lambda f, x: f(pullback.numpy.sum, x, [0]),
    "arange": lambda f, x: f(x[0], 3.0),
    "astype": lambda f, x: f(x, np.float32),
    "bincount": lambda f, x: f([0, 1, 1], weights=x),
    "block": lambda f, x: f([x, x]),
    "broadcast_to": lambda f, x: f(x, (2, 3)),
    "choose": lambda f, x: f([0, 1, 0], [x, x]),
    "clip": lambda f, x: f(x, 0.3, 0.6),
    "compress": lambda f, x: f([True, False, True], x),
    "concat": lambda f, x: f([x, x]),
    "concatenate": lambda f, x: f([x, x]),
    "copyto": None,
    "column_stack": lambda f, x: f([x, x]),
    "delete": lambda f, x: f(x, 0),
    "diagonal": lambda f, x: f(x[None] * x[:, None]),
    "dsplit": lambda f, x: f(x[None, None], 3),
    "dstack": lambda f, x: f([x, x]),
    "einsum": lambda f, x: f("i,j->ij", x, x),
    "expand_dims": lambda f, x: f(x, 0),
    "extract": lambda f, x: f([True, False, True], x),
    "fill_diagonal": None,
    "fliplr": lambda f, x: f(x[None]),
    "fromfunction": lambda f, x: f(lambda i: x * i, (3,)),
    "full": lambda f, x: f(3, x),
    "full_like": lambda f, x: f(np.ones(3), x),
    "histogram": lambda f, x: f([0.1, 0.4, 0.9], 2, weights=x),
    "histogram2d": lambda f, x: f([0.1, 0.4, 0.9], [0.1, 0.4, 0.9], 2, weights=x),
    "histogramdd": lambda f, x: f(np.eye(3), 2, weights=x),
    "hstack": lambda f, x: f([x, x]),
    "insert": lambda f, x: f(x, 1, x[0]),
    "interp": lambda f, x: f(0.3, [0.0, 0.5, 1.0], x),
    "kaiser": lambda f, x: f(4, x[0]),
    "ldexp": lambda f, x: f(x, 2),
    "linspace": lambda f, x: f(x, 1.0, 3),
    "logspace": lambda f, x: f(x, 1.0, 3),
    "geomspace": lambda f, x: f(x, 1.0, 3),
    "matmul": lambda f, x: f(x, x),
    "matrix_transpose": lambda f, x: f(x[None]),
    "matvec": lambda f, x: f(x[None], x),
    "moveaxis": lambda f, x: f(x[None], 0, 1),
    "ndenumerate": lambda f, x: [v for _, v in f(x)],
    "pad": lambda f, x: f(x, 1),
    "partition": lambda f, x: f(x, 1),
    "percentile": lambda f, x: f(x, 30),
    "nanpercentile": lambda f, x: f(x, 30),
    "quantile": lambda f, x: f(x, 0.3),
    "nanquantile": lambda f, x: f(x, 0.3),
    "piecewise": lambda f, x: f(x, [x > 0.4], [lambda v: v**2, 0.0]),
    "place": None,
    "polyfit": lambda f, x: f(x, x, 1),
    "put": None,
    "put_along_axis": None,
    "putmask": None,
    "repeat": lambda f, x: f(x, 2),
    "reshape": lambda f, x: f(x, (3, 1)),
    "resize": lambda f, x: f(x, 5),
    "roll": lambda f, x: f(x, 1),
    "rollaxis": lambda f, x: f(x[None], 1),
    "rot90": lambda f, x: f(x[None]),
    "row_stack": None,
    "select": lambda f, x: f([[True, False, True]], [x]),
    "split": lambda f, x: f(x, 3),
    "array_split": lambda f, x: f(x, 3),
    "hsplit": lambda f, x: f(x, 3),
    "vsplit": lambda f, x: f(x[:, None], 3),
    "stack": lambda f, x: f([x, x]),
    "swapaxes": lambda f, x: f(x[None], 0, 1),
    "take": lambda f, x: f(x, [0]),
    "take_along_axis": lambda f, x: f(x, [0], 0),
    "tensordot": lambda f, x: f(x, x, 1),
    "tile": lambda f, x: f(x, 2),
    "trace": lambda f, x: f(x[None] * x[:, None]),
    "unique_all": lambda f, x: f(x)[0],
    "vdot": lambda f, x: f(x, x),
    "vecdot": lambda f, x: f(x, x),
    "vecmat": lambda f, x: f(x, x[:, None]),
    "vstack": lambda f, x: f([x, x]),
    "where": lambda f, x: f([True, False, True], x, 0.0),
}
ABOVE_ONE = ("arccosh", "acosh")


def _leaves(x):
    return [leaf for v in x for leaf in _leaves(v)] if isinstance(x, tuple | list) else [x]


DIFFERENTIABLE = [
    n
    for n in dir(pullback.numpy)
    if callable(getattr(pullback.numpy, n))
    and not isinstance(getattr(np, n, None), type)
    and refusals.kind_of(n) == "differentiable"
    and CALLS.get(n, True) is not None
]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_what_is_called_differentiable_is_recorded(name):
    """One call each, through `pullback.numpy`: a result is traced, and its gradient is finite."""
    function = getattr(pullback.numpy, name)
    call = CALLS.get(name)
    if call is None:
        try:
            names = inspect.signature(function).parameters.values()
        except ValueError:
            names = ()
        needed = sum(p.default is p.empty and p.kind < p.VAR_POSITIONAL for p in names)
        call = lambda f, x: f(*(x + 0.01 * k for k in range(max(needed, 1))))
    shift = 1.5 if name in ABOVE_ONE else 0.0

    def f(x):
        x = pb.xp.asarray(x) + shift
        outs = [
            y for y in _leaves(call(function, x)) if getattr(y, "dtype", np.dtype(int)).kind in "fc"
        ]
        assert outs
        assert any(y.traced for y in outs)
        return sum(pb.xp.sum(pb.xp.real(y)) for y in outs)

    assert np.isfinite(pb.grad(f)(X)).all()


QUESTIONS = [
    n
    for n in sorted(refusals.CONSTANT)
    if (isinstance(getattr(np, n, None), np.ufunc) and n != "isnat")  # which is of dates
    or n
    in (
        "argmax",
        "argsort",
        "isclose",
        "nonzero",
        "searchsorted",
        "zeros_like",
        "iscomplex",
        "isin",
    )
]


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_called_a_constant_is_none_that_is_traced(name):
    of_numpy = getattr(np, name)
    count = (
        of_numpy.nin
        if isinstance(of_numpy, np.ufunc)
        else 2
        if name in ("isclose", "searchsorted", "isin")
        else 1
    )

    def f(x):
        try:
            out = getattr(pullback.numpy, name)(*(x,) * count)
        except TypeError:  # of integers alone
            out = getattr(pullback.numpy, name)(*([1, 2],) * count)
        assert not any(getattr(y, "traced", False) for y in _leaves(out))
        return pb.xp.sum(x)

    pb.grad(f)(X)
