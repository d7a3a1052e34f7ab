"""The file of a training's state: every leaf comes back as it was, and damage is told."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.array import Array
from pullback.train.errors import InputError
from pullback.train.fitting import snapshot
from pullback.train.fitting.snapshot import Snapshot, read, write

pytest.importorskip("safetensors", reason="checkpoints need safetensors, of the extra 'train'")

HOME = pb.backend.resolve("numpy")
ABOUT = {"seed": "0"}


def back(path, value, home=HOME, like=None):
    write(path, Snapshot(ABOUT, {"epoch": 1}, {"part": value}), home)
    return read(path).tree("part", value if like is None else like, home)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "c.safetensors"


@pytest.mark.parametrize(
    "dtype",
    ["bool", "int8", "uint32", "int64", "float16", "float32", "float64", "complex64", "complex128", ">f4"],
)  # fmt: skip
def test_arrays_keep_their_bits(path, dtype):
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(dtype)
    found = back(path, {"x": x})["x"]
    np.testing.assert_array_equal(found, x)
    assert found.dtype == x.dtype.newbyteorder("=")
    assert found.flags.owndata
    assert found.flags.writeable


@pytest.mark.parametrize(
    "x",
    [
        np.asarray(np.nan),
        np.zeros((0, 3)),
        np.asarray([np.inf, -np.inf, -0.0]),
        np.float32(0.1),
        True,
        7,
        -(2**70),
        math.inf,
        -0.0,
        1e-320,
        complex(1.5, -math.inf),
    ],
)
def test_edges_and_numbers(path, x):
    found = back(path, [x])[0]
    assert type(found) is type(x)
    assert np.asarray(found).shape == np.asarray(x).shape
    assert repr(found) == repr(x)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1)])
def test_the_order_of_axes_in_memory_stays(path, axes):
    """Products of a matrix and of a transposed one round differently."""
    x = np.arange(24.0).reshape(2, 3, 4).transpose(axes)
    found = back(path, x)
    np.testing.assert_array_equal(found, x)
    assert found.strides == x.strides


def test_on_every_library(lib, path):
    home = pb.backend.backend_of(lib.asarray(0.0))
    x = np.random.default_rng(0).normal(size=(3, 4))
    tree = {"raw": lib.asarray(x), "array": Array(lib.asarray(x)), "host": x, "count": 3}
    found = back(path, tree, home)
    assert lib.is_raw(found["raw"])
    assert type(found["array"]) is Array
    assert lib.is_raw(found["array"].value)
    assert type(found["host"]) is np.ndarray
    for name in ("raw", "array", "host"):
        np.testing.assert_array_equal(pb.to_numpy(found[name]), x)


def test_names_with_dots_are_told_apart(path):
    value = {"a.b": np.asarray(1.0), "a": {"b": np.asarray(2.0)}}
    assert back(path, value) == value


@pytest.mark.parametrize("leaf", ["text", object(), np.asarray(["a"], object)])
def test_a_leaf_that_is_no_number_is_named(path, leaf):
    with pytest.raises(TypeError, match=r"a checkpoint.*odd"):
        back(path, {"odd": leaf})
    assert not path.exists()


@pytest.mark.parametrize(
    ("like", "says"),
    [
        ({"x": np.zeros(2)}, "lacks part:x"),
        ({"w": np.zeros(2), "x": np.zeros(2)}, "lacks part:x"),
        ({}, "has part:w besides"),
        ({"w": np.zeros((3, 2))}, r"w was of shape \(2,\) and float64, and is of shape \(3, 2\)"),
    ],
)
def test_another_structure_is_told(path, like, says):
    write(path, Snapshot(ABOUT, {}, {"part": {"w": np.zeros(2)}}), HOME)
    with pytest.raises(InputError, match=f"is of another training: .*{says}"):
        read(path).tree("part", like, HOME)


def test_another_dtype_is_told_where_it_matters(path):
    write(path, Snapshot(ABOUT, {}, {"part": np.zeros(2)}), HOME)
    with pytest.raises(InputError, match=r"float64, and is .*float32; start anew"):
        read(path).tree("part", np.zeros(2, "float32"), HOME, dtypes=True)


def test_other_settings_are_told(path):
    write(path, Snapshot(ABOUT, {}, {}), HOME)
    read(path).check(ABOUT)
    with pytest.raises(InputError, match="seed was '0', and is '1'; start anew"):
        read(path).check({"seed": "1"})


def test_damage_anywhere_is_told(path):
    """Cut off anywhere, or with any byte changed: one line, never other numbers."""
    write(path, Snapshot(ABOUT, {"epoch": 3}, {"part": np.arange(5.0)}), HOME)
    whole = path.read_bytes()
    for n in [*range(12), *range(12, len(whole), 37)]:
        path.write_bytes(whole[:n])
        with pytest.raises(InputError, match="damaged") as error:
            read(path)
        assert "\n" not in str(error.value)
    for i in range(0, len(whole), 3):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        with pytest.raises(InputError) as error:
            assert_same_as_before(read(path))
        assert "\n" not in str(error.value)


def assert_same_as_before(stored):
    """A space of the header may be another: then all it says is what was written."""
    assert (dict(stored.about), dict(stored.progress)) == (ABOUT, {"epoch": 3})
    np.testing.assert_array_equal(stored.tree("part", np.zeros(5), HOME), np.arange(5.0))
    raise InputError("nothing changed")


def test_other_files_are_told(path, monkeypatch):
    with pytest.raises(InputError, match="no such file"):
        read(path)
    pb.train.save(path, pb.models.MLP([2, 1]))
    with pytest.raises(InputError, match="no checkpoint of a training"):
        read(path)
    monkeypatch.setattr(snapshot, "FORMAT", 99)
    write(path, Snapshot(ABOUT, {}, {}), HOME)
    monkeypatch.undo()
    with pytest.raises(InputError, match="format 99 of checkpoints, and this version reads 1"):
        read(path)


def test_the_same_state_has_the_same_bytes(path):
    write(path, Snapshot(ABOUT, {"epoch": 1}, {"part": np.ones(3)}), HOME)
    first = path.read_bytes()
    write(path, Snapshot(ABOUT, {"epoch": 1}, {"part": np.ones(3)}), HOME)
    assert path.read_bytes() == first
    size = int.from_bytes(first[:8], "little")
    assert json.loads(first[8 : 8 + size])["part:"]["dtype"] == "F64"
