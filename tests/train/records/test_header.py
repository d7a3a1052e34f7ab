"""The header of a model's file, whoever wrote it."""

from __future__ import annotations

import json

import pytest

import pullback as pb
from pullback.train.records.header import read_header

pytest.importorskip("safetensors", reason="models need safetensors, of the extra 'train'")


def test_it_says_what_load_says_and_no_tensor_is_read(tmp_path):
    path, model = tmp_path / "m.safetensors", pb.models.MLP([3, 5, 2], dtype="float32")
    pb.train.save(path, model, {"why": "größer", "n": 3})
    architecture, told = read_header(path)
    assert told == pb.train.load(path)[1] == {"why": "größer", "n": 3}
    assert architecture["sizes"] == [3, 5, 2]
    data = path.read_bytes()
    size = 8 + int.from_bytes(data[:8], "little")
    # the tensors are gone, and nobody asked for them
    path.write_bytes(data[:size])
    assert read_header(path)[1] == told


def header(content):
    text = json.dumps(content).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x10",
        b"\xff" * 8 + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (10).to_bytes(8, "little") + b"{}",
        header({"__metadata__": {}}),
        header({"__metadata__": {"pullback": "[1"}}),
        header({"__metadata__": {"pullback": '{"architecture": 3, "metadata": {}}'}}),
        (60_000).to_bytes(8, "little") + b"[" * 60_000,
    ],
)
def test_what_is_no_model_is_refused_in_a_line(tmp_path, data):
    path = tmp_path / "m.safetensors"
    path.write_bytes(data)
    with pytest.raises(pb.train.InputError, match="is no model of `pullback train`, or is damaged"):
        read_header(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(pb.train.InputError, match="no such file"):
        read_header(tmp_path / "m.safetensors")
