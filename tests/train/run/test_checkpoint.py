"""Tests of `train/run/checkpoint.py`."""

from __future__ import annotations

import json
import os
import struct

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._files import FULL, failing
from .._step_training_mode import MODELS, X, Y, fit, leaves, on_device

M = pb.models


SQUARED = M.squared_error


def test_checkpoints_keep_the_statistics(tmp_path):
    pytest.importorskip("safetensors")
    run = fit(MODELS["two"]())
    pb.train.save(tmp_path / "m", run.model)
    back, _ = pb.train.load(tmp_path / "m", like=MODELS["two"]())
    for a, b in zip(leaves(run.model), leaves(back), strict=True):
        np.testing.assert_array_equal(a, b)
    assert pb.train.evaluate(back, SQUARED, on_device(X, Y))[0] == run.best.validation_loss


InputError = pb.train.InputError


WriteError = pb.train.WriteError


METADATA = {"task": "classification", "classes": ["ä", "b"], "numbers": [0.1, 1e-300, 3]}


@pytest.fixture
def saved(tmp_path):
    pytest.importorskip("safetensors")
    model = pb.models.MLP([3, 5, 2], activation="tanh", seed=1, dtype="float64")
    path = tmp_path / "model.safetensors"
    pb.train.save(path, model, METADATA)
    return path, model


def assert_same(a, b):
    for one, other in zip(pb.tree.leaves(a), pb.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(pb.to_numpy(one), pb.to_numpy(other))


def test_a_model_comes_back_as_it_was(saved):
    path, model = saved
    loaded, metadata = pb.train.load(path)
    assert isinstance(loaded, pb.models.MLP)
    assert (loaded.sizes, loaded.activation) == ((3, 5, 2), "tanh")
    assert_same(loaded, model)
    assert metadata == METADATA
    x = pb.backend.current().asarray(np.ones((4, 3)))
    np.testing.assert_array_equal(pb.to_numpy(loaded(x)), pb.to_numpy(model(x)))


def test_the_same_model_gives_the_same_bytes(saved):
    path, model = saved
    first = path.read_bytes()
    pb.train.save(path, model, METADATA)
    assert path.read_bytes() == first


def test_the_tensors_have_readable_names(saved):
    safetensors = pytest.importorskip("safetensors.numpy")
    tensors = safetensors.load_file(saved[0])
    assert sorted(tensors) == ["layers.0.W", "layers.0.b", "layers.1.W", "layers.1.b"]
    assert tensors["layers.0.W"].shape == (3, 5)


def test_any_tree_is_saved_and_loaded_like_another(tmp_path):
    pytest.importorskip("safetensors")
    asarray = pb.backend.current().asarray
    tree = {"a": [asarray(np.arange(3.0)), asarray(np.eye(2))], "b": asarray(np.float32(7))}
    pb.train.save(tmp_path / "tree", tree)
    with pytest.raises(InputError, match="dict, not an MLP"):
        pb.train.load(tmp_path / "tree")
    loaded, _ = pb.train.load(tmp_path / "tree", like=pb.tree.map(lambda leaf: leaf * 0, tree))
    assert_same(loaded, tree)


def header(data):
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def rewritten(data, change):
    """The file with its metadata changed by a function, everything else in place."""
    head, tensors = header(data)
    content = json.loads(head["__metadata__"]["pullback"])
    content = change(content) or content
    head["__metadata__"]["pullback"] = json.dumps(content)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + tensors


def with_architecture(**changes):
    return lambda data: rewritten(data, lambda content: content["architecture"].update(changes))


def with_nan(data):
    return data[:-8] + struct.pack("<d", float("nan"))


def foreign(_):
    numpy_io = pytest.importorskip("safetensors.numpy")
    return numpy_io.save({"weight": np.ones(3)}, {"format": "pt"})


def no_metadata(_):
    numpy_io = pytest.importorskip("safetensors.numpy")
    return numpy_io.save({"weight": np.ones(3)})


DAMAGE = {
    "empty": (lambda data: b"", "is not a .safetensors file"),
    "text": (lambda data: b"hello world, this is no model", "is not a .safetensors file"),
    "truncated by a byte": (lambda data: data[:-1], "is not a .safetensors file, or is damaged"),
    "truncated in the header": (lambda data: data[:100], "or is damaged"),
    "longer": (lambda data: data + b"x", "or is damaged"),
    "pickle": (lambda data: b"\x80\x04\x95" + data, "or is damaged"),
    "NaN": (with_nan, "is damaged: layers.1.b holds NaN"),
    "foreign": (foreign, "does not say what it is"),
    "no metadata": (no_metadata, "does not say what it is"),
    "other sizes": (with_architecture(sizes=[3, 6, 2]), "another architecture: layers.0.W has shape"),
    "more layers": (with_architecture(sizes=[3, 5, 5, 2]), "it lacks layers.2.W, layers.2.b"),
    "fewer layers": (with_architecture(sizes=[3, 2]), "it has layers.1.W, layers.1.b besides"),
    "other numbers": (with_architecture(dtype="float32"), "and float64, not"),
    "other kind": (with_architecture(kind="Forest"), "another architecture: Forest, not an MLP"),
    "no such activation": (with_architecture(activation="wiggle"), "does not say what it is"),
    "no sizes": (with_architecture(sizes="many"), "does not say what it is"),
    "from the future": (lambda d: rewritten(d, lambda c: c | {"version": 99}), "written in format 99"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_or_foreign_checkpoint_is_refused(saved, case):
    damage, message = DAMAGE[case]
    path, _ = saved
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError) as caught:
        pb.train.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no such file: .*nothing\.safetensors"):
        pb.train.load(tmp_path / "nothing.safetensors")


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(saved, monkeypatch):
    path, model = saved
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", failing(FULL))
    with pytest.raises(WriteError, match="No space left"):
        pb.train.save(path, pb.models.MLP([3, 4, 2]), {})
    assert path.read_bytes() == before
    assert_same(pb.train.load(path)[0], model)


# Networks by name and settings ------------------------------------------------------------------

NET = pb.train.Architecture("lstm", {"vocabulary": 5, "hidden": (4,), "dropout": 0.0}, "float32")


def test_what_an_architecture_built_is_built_again(tmp_path):
    pytest.importorskip("safetensors")
    model = NET.build(seed=3)
    pb.train.save(tmp_path / "m", model, METADATA, built_by=NET)
    loaded, metadata = pb.train.load(tmp_path / "m")
    assert metadata == METADATA
    assert pb.tree.flatten(loaded)[1] == pb.tree.flatten(model)[1]
    assert_same(loaded, model)


@pytest.mark.parametrize(
    ("built_by", "said"),
    [
        (
            pb.train.Architecture("lstm", {**NET.settings, "hidden": (1 << 20,)}, "float32"),
            r"another architecture: a lstm of 8,79\d,\d{3},\d{3},\d{3} parameters, and the tensors are 205",
        ),
        (
            pb.train.Architecture("lstm", NET.settings, "float64"),
            r"another architecture: layers.0.W has shape \(5, 4\) and float32",
        ),
        (
            pb.train.Architecture(
                "gcn",
                {"features": 40, "hidden": (), "outputs": 5, "activation": "relu", "dropout": 0.0},
                "float32",
            ),
            r"another architecture: it lacks layers.0.b",
        ),
        (
            pb.train.Architecture(
                "gcn",
                {"features": 40, "hidden": (), "outputs": 5, "activation": "no", "dropout": 0.0},
                "float32",
            ),
            r"does not say what it is",
        ),
    ],
)
def test_tensors_of_another_network_are_refused(tmp_path, built_by, said):
    """Nothing is allocated that the file does not hold: a network of 2**20 units would not fit."""
    pytest.importorskip("safetensors")
    pb.train.save(tmp_path / "m", NET.build(), METADATA, built_by=built_by)
    with pytest.raises(InputError, match=said):
        pb.train.load(tmp_path / "m")
