"""`STANDARD` is array_api_compat.numpy, name by name, without loading it for what NumPy has itself."""

from __future__ import annotations

import subprocess
import sys

import array_api_compat.numpy as compat
import numpy as np
import pytest

from pullback.backend.numpy import standard
from pullback.backend.numpy.standard import STANDARD

# Called with each of these, with and without each of the settings below.
CREATION = {
    "arange": [(3,), (1, 7), (1.0, 2.0, 0.25), (5, 1, -2), (0,)],
    "asarray": [(1.5,), ([1, 2],), ([],), (True,)],
    "eye": [(3,), (2, 4), (0,)],
    "full": [((), 1), (2, 2.5), ((2, 0), True), ((2, 3), 1j)],
    "linspace": [(0, 1, 5), (1.0, 2.0, 1), (0, 1, 0)],
    "ones": [((),), (3,), ((2, 0, 1),)],
    "zeros": [((),), (3,), ((2, 0, 1),)],
}
LIKE = ("asarray", "full_like", "ones_like", "zeros_like")
SETTINGS = ({}, {"dtype": np.dtype("complex64")}, {"device": "cpu"})
x = np.asarray([[1.5, -0.0, np.nan], [np.inf, 5e-324, 2.0]])


def test_own_names_are_those_that_array_api_compat_takes_from_numpy():
    for own, ours, theirs in (
        (standard._OWN - {*CREATION, *LIKE, "empty", "empty_like"}, STANDARD, compat),
        (standard._OWN_LINALG - {"solve"}, STANDARD.linalg, compat.linalg),
    ):
        assert [name for name in own if getattr(ours, name) is not getattr(theirs, name)] == []


def test_all_other_names_are_array_api_compats():
    others = {name for name in compat.__all__ if not name.startswith("_")} - standard._OWN
    others -= {"linalg", "UniqueAllResult", "UniqueCountsResult", "UniqueInverseResult"}
    assert {"sort", "var", "fft"} <= others
    assert [name for name in others if getattr(STANDARD, name) is not getattr(compat, name)] == []
    assert STANDARD.__array_namespace_info__ is compat.__array_namespace_info__
    for name in ("eigh", "svd", "matrix_norm", "outer", "cholesky"):
        assert getattr(STANDARD.linalg, name) is getattr(compat.linalg, name)


def _assert_alike(name: str, args: tuple, settings: dict) -> None:
    ours, theirs = (getattr(space, name)(*args, **settings) for space in (STANDARD, compat))
    assert type(ours) is type(theirs)
    assert (ours.dtype, ours.shape, ours.strides) == (theirs.dtype, theirs.shape, theirs.strides)
    assert ours.tobytes() == theirs.tobytes()
    assert (ours is args[0]) == (theirs is args[0])
    assert np.may_share_memory(ours, args[0]) == np.may_share_memory(theirs, args[0])


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", CREATION)
def test_creation_functions_give_the_same_arrays(name, settings):
    for args in CREATION[name]:
        _assert_alike(name, args, settings)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", LIKE)
def test_functions_of_an_array_like_which_they_make_one_give_the_same_arrays(name, settings):
    for given in (x, x.T, x[:, ::2], x[::-1], x[:0], np.broadcast_to(x[:1], (4, 3)), np.float32(2)):
        _assert_alike(name, (given, 3) if name == "full_like" else (given,), settings)


def test_their_own_settings_do_the_same():
    for name, args, settings in (
        ("asarray", (x,), {"copy": True}),
        ("asarray", (x,), {"copy": False}),
        ("eye", (3,), {"k": -1}),
        ("linspace", (0, 1, 4), {"endpoint": False}),
    ):
        _assert_alike(name, args, settings)


@pytest.mark.parametrize("args", [("empty", ((2, 0, 3),)), ("empty_like", (x.T,))])
def test_empty_arrays_lie_alike(args):
    name, given = args
    ours, theirs = (getattr(space, name)(*given) for space in (STANDARD, compat))
    assert (ours.dtype, ours.shape, ours.strides) == (theirs.dtype, theirs.shape, theirs.strides)


def test_another_device_is_refused():
    for name, args in (("zeros", (2,)), ("ones_like", (x,)), ("asarray", (x,))):
        with pytest.raises(ValueError, match="cuda"):
            getattr(STANDARD, name)(*args, device="cuda:0")
    with pytest.raises(ValueError, match="copy"):
        STANDARD.asarray([1.0], copy=False)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int64"])
@pytest.mark.parametrize("batch", [(), (2,), (0,)])
@pytest.mark.parametrize("columns", [None, 1, 3, 0])
def test_solve_gives_the_same_bits(dtype, batch, columns):
    rng = np.random.default_rng(0)
    A = (10 * rng.standard_normal((*batch, 4, 4)) + 30 * np.eye(4)).astype(dtype)
    b = rng.standard_normal((4,) if columns is None else (*batch, 4, columns)).astype(dtype)
    ours, theirs = STANDARD.linalg.solve(A, b), compat.linalg.solve(A, b)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def test_a_name_that_is_not_there_loads_nothing():
    code = (
        "import sys\n"
        "from pullback.backend.numpy.standard import STANDARD\n"
        "print(hasattr(STANDARD, 'solve_by'), hasattr(STANDARD, '_aliases'), hasattr(STANDARD.linalg, 'lu'))\n"
        "print('array_api_compat.numpy' in sys.modules)\n"
        "STANDARD.sort\n"
        "print('array_api_compat.numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False", "False", "True"]
