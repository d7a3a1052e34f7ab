"""Tests of `compat/autograd/numpy/wrap.py`."""

import numpy as np
import pytest

import pullback as pb
from pullback.compat.autograd import grad, value_and_grad
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.numpy.wrap import wrap_namespace, wrapped


@pytest.mark.skipif(pb.backend.current().name != "numpy", reason="what NumPy's functions return")
def test_what_is_not_traced_is_numpys_own():
    out = anp.zeros(3)
    out[1] = 2.0
    assert type(out) is np.ndarray
    assert type(anp.sin(1.0)) is np.float64
    assert type(anp.array([1, 2])) is np.ndarray
    assert anp.array([1, 2]).dtype == np.int64
    assert anp.unique([3, 1, 3]).tolist() == [1, 3]
    out = anp.add(np.ones(2), 1.0, out=np.zeros(2))
    assert out.tolist() == [2.0, 2.0]


def test_what_is_traced_is_an_array_and_constants_of_it_are_plain():
    def f(x):
        assert type(anp.sin(x)) is pb.Array
        assert type(anp.sort(x)) is pb.Array
        for constant in (anp.argmax(x), anp.shape(x), anp.isnan(x), anp.greater(x, 0.0)):
            assert type(constant) is not pb.Array
        assert anp.ndim(x) == 1
        assert anp.result_type(x) == np.float64
        counts = np.zeros(2)
        counts[anp.argmax(x)] += 1.0
        return anp.sum(anp.where(anp.greater(x, 1.5), x, 0.0) * counts)

    assert np.array_equal(grad(f)(np.asarray([1.0, 2.0])), [0.0, 1.0])


def test_traced_arrays_are_found_in_containers_and_by_keyword():
    assert grad(lambda x: anp.sum(anp.array([[x, 1.0], [x**2, x]])))(3.0) == 8.0
    assert grad(lambda x: anp.sum(anp.clip(np.asarray([0.0, 5.0]), x, a_max=4.0)))(3.0) == 1.0
    assert grad(lambda x: anp.sum(anp.add(1.0, x)))(3.0) == 1.0
    assert grad(lambda x: anp.dot(2.0, x))(3.0) == 2.0


def test_what_leaks_from_a_gradient_is_plain_again():
    kept = []

    def f(x):
        kept.append(x)
        return anp.sum(x * x)

    value, _ = value_and_grad(f)(np.ones(2))
    assert type(value) is np.float64
    assert type(anp.sin(kept[0])) is np.ndarray
    assert type(anp.reshape(kept[0], (2, 1))) is np.ndarray


def test_arrays_of_other_libraries_stay_where_they_are(lib, backend):
    x = lib.asarray([0.5, 1.0])
    for out in (
        anp.sin(x),
        anp.add(x, 1.0),
        anp.sum(x),
        anp.dot(x, x),
        anp.reshape(x, (2, 1)),
        anp.concatenate([x, x]),
    ):
        assert lib.is_raw(out) or (lib.name == "numpy" and isinstance(out, np.generic))
    made = anp.zeros(2)
    assert lib.is_raw(made)


def test_a_function_that_we_do_not_have_says_so_when_it_is_traced():
    with pytest.raises((TypeError, AttributeError, NotImplementedError)):
        grad(lambda x: anp.sum(anp.busday_count(x, x)))(np.ones(2))


def test_names_of_one_object_are_one_object():
    new = {}
    names = wrap_namespace(np, new, lambda name: None)
    assert new["conj"] is new["conjugate"]
    assert new["pi"] is np.pi
    assert new["float32"] is np.float32
    assert set(names) <= set(dir(np))
    assert not [n for n in names if n.startswith("_")]


def test_ours_is_asked_for_once_and_when_it_is_needed():
    asked = []

    def find(name):
        asked.append(name)
        return pb.xp.cumulative_sum

    f = wrapped("cumulative", np.cumsum, find)
    f(np.ones(2))
    assert asked == []
    for _ in range(2):
        assert np.array_equal(grad(lambda x: anp.sum(f(x)))(np.ones(2)), [2.0, 1.0])
    assert asked == ["cumulative"]
    assert f.fun is np.cumsum
    assert f.__name__ == "cumulative"


def test_every_name_of_numpy_is_there():
    public = {n for n in dir(np) if not n.startswith("_")} - {"test"}
    modules = {n for n in public if type(getattr(np, n)).__name__ == "module"}
    assert public - modules <= set(dir(anp)) | {"test"}
    assert anp.__version__ == np.__version__
