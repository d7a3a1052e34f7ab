"""Tests of `autograd/numpy/namespace.py`: the module as a whole."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import pullback as pb
import pullback.numpy
from pullback.autograd.numpy import arrays, sections

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pnp = pullback.numpy


@pytest.mark.parametrize("package", [arrays, sections], ids=["arrays", "sections"])
def test_every_function_of_every_section_is_here(package):
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for name in getattr(module, "__all__", ()):
            assert getattr(pnp, name) is getattr(module, name), f"{info.name}: {name}"


def test_names_are_those_that_numpy_has_and_constants_are_numpy_s():
    names = dir(pnp)
    assert len(set(names)) == len(names) > 400
    for name in ("pi", "inf", "newaxis", "float32", "int_", "bool", "dtype", "errstate"):
        assert getattr(pnp, name) is getattr(np, name)


# `inspect.signature` finds none for these of NumPy's, or of some of its versions.
_UNKNOWN = {"frombuffer", "fromfile", "fromiter", "fromstring"}
# Deprecated parameters of older versions.
_DROPPED = {"newshape", "interpolation"} if np.lib.NumpyVersion(np.__version__) < "2.4.0" else set()


@pytest.mark.parametrize(
    "name", [n for n in dir(pnp) if inspect.isfunction(getattr(pnp, n)) and n not in _UNKNOWN]
)
def test_signatures_have_numpy_s_parameters_in_numpy_s_order(name):
    """Those of the installed version: what newer ones added may be there besides, with a default."""
    ours = inspect.signature(getattr(pnp, name)).parameters
    try:
        theirs = inspect.signature(getattr(np, name)).parameters
    except ValueError:  # functions in C of older versions have none
        return
    older = np.lib.NumpyVersion(np.__version__) < "2.4.0"
    known = [n for n in theirs if n not in _DROPPED and (n in ours or not older)]
    assert [n for n in ours if n in known] == known
    for n in known:
        assert ours[n].kind == theirs[n].kind
        assert repr(ours[n].default) == repr(theirs[n].default) or older
    for n in set(ours) - set(theirs):
        assert ours[n].default is not inspect.Parameter.empty


def test_a_program_runs_on_either_namespace():
    def f(n, x):
        A = n.array([[x[0], 1.0], [x[1], x[0] * x[1]]])
        w, _ = n.linalg.eigh(A + A.T)
        y = n.zeros(4)
        y[:2] = n.cumsum(w)
        y[2:] = n.abs(n.fft.fft(w))
        return n.percentile(y, 30.0) + n.linalg.norm(A @ n.tril(A)) + n.where(y > 0, y, -y).max()

    x = np.asarray([0.5, -1.5])
    assert float(f(pnp, pb.xp.asarray(x))) == pytest.approx(f(np, x))
    pb.check_grads(lambda x: f(pnp, x), (x,))


def test_functions_of_lists_and_numbers(lib, backend):
    for out in (pnp.sum([1.0, 2.0]), pnp.sin([0.0, 1.0]), pnp.mean((1.0, 3.0)), pnp.concatenate([[1.0], [2.0]]),
                pnp.add(1.0, [2.0]), pnp.where([True], 1.0, 2.0), pnp.max([3.0, 4.0])):  # fmt: skip
        assert lib.is_raw(out.value)
