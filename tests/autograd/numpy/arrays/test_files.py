"""Tests of `autograd/numpy/arrays/files.py`: what is read is on the active backend, what is traced is not written."""

from __future__ import annotations

import io

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pnp = pullback.numpy
A = np.asarray([[1.0, 2.0], [3.0, 4.5]])

READ = {
    "frombuffer": lambda n: n.frombuffer(A.tobytes(), dtype=float),
    "fromiter": lambda n: n.fromiter((k * k for k in range(4)), float, count=3),
    "fromstring": lambda n: n.fromstring("1 2 3", sep=" "),
    "loadtxt": lambda n: n.loadtxt(io.StringIO("1 2\n3 4.5")),
    "genfromtxt": lambda n: n.genfromtxt(io.StringIO("1,2\n3,"), delimiter=","),
}


@pytest.mark.parametrize("call", READ.values(), ids=READ)
def test_reading(call, lib, backend):
    got = call(pnp)
    assert lib.is_raw(got.value)
    np.testing.assert_array_equal(lib.to_numpy(got.value), call(np))


def test_files(tmp_path):
    x = pb.xp.asarray(A)
    pnp.save(tmp_path / "a.npy", x)
    pnp.savez(tmp_path / "b.npz", x, other=2 * x)
    pnp.savez_compressed(tmp_path / "c.npz", x=x)
    pnp.savetxt(tmp_path / "d.txt", x, fmt="%.3f")
    A.tofile(tmp_path / "e.bin")
    (tmp_path / "f.txt").write_text("a=1.5 a=2.5")
    for read in (
        lambda n: n.load(tmp_path / "a.npy"),
        lambda n: n.loadtxt(tmp_path / "d.txt"),
        lambda n: n.fromfile(tmp_path / "e.bin"),
    ):
        assert type(read(pnp)) is pb.Array
        np.testing.assert_array_equal(pb.to_numpy(read(pnp)), read(np))
    assert np.load(tmp_path / "b.npz")["other"].tolist() == (2 * A).tolist()
    assert np.load(tmp_path / "c.npz")["x"].tolist() == A.tolist()
    assert pnp.load(tmp_path / "b.npz")["arr_0"].tolist() == A.tolist()
    assert pnp.fromregex(tmp_path / "f.txt", r"a=(\S+)", [("a", float)]).dtype.names == (
        "a",
    )  # NumPy's own


def test_what_is_traced_is_not_written(tmp_path):
    for write in (
        lambda x: pnp.save(tmp_path / "a.npy", x),
        lambda x: pnp.savez(tmp_path / "a.npz", x=x),
        lambda x: pnp.savetxt(tmp_path / "a.txt", x),
        lambda x: np.save(tmp_path / "a.npy", x),
    ):
        with pytest.raises(TypeError, match="stop_gradient"):
            pb.grad(lambda x, write=write: write(x) or pnp.sum(x))(A)
    assert list(tmp_path.iterdir()) == [] or all(p.stat().st_size == 0 for p in tmp_path.iterdir())


def test_the_library_of_another_array_is_not_asked_for():
    with pytest.raises(TypeError, match=r"pb\.backend\.use"):
        pnp.loadtxt(io.StringIO("1"), like=pb.xp.ones(1))
