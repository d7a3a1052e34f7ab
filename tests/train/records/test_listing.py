"""The runs in a folder, as a table and as JSON."""

from __future__ import annotations

import json
import os

import pytest

import pullback as pb
from pullback.train.records import header
from pullback.train.records.cells import places
from pullback.train.records.listing import listing, listing_json, ordered, runs

from ._runs import make

pytest.importorskip("safetensors", reason="models need safetensors, of the extra 'train'")


@pytest.fixture
def folder(tmp_path):
    """Three runs, a damaged one, and what is none."""
    make(tmp_path / "iris")
    make(
        tmp_path / "iris-2",
        losses=(0.9, 0.125),
        learning_rate=0.5,
        epochs=9,
        told={"stopped": None},
    )
    make(tmp_path / "iris-10", losses=(0.9, 0.75), hidden=(8, 8), optimizer="sgd")
    (make(tmp_path / "broken") / "run.toml").write_text("x = ")
    (tmp_path / "notes").mkdir()
    (tmp_path / "a file").touch()
    os.utime(tmp_path / "iris" / "run.toml", (4e9, 4e9))
    return tmp_path


def test_orders(folder):
    found = runs(folder)
    names = {sort: [r.name for r in ordered(found, sort)] for sort in ("name", "score", "time")}
    assert names["name"] == ["broken", "iris", "iris-2", "iris-10"]
    assert names["score"] == ["iris-2", "broken", "iris", "iris-10"]
    assert names["time"][0] == "iris"
    with pytest.raises(pb.train.InputError, match="sort: unknown order 'age'; choose one of score"):
        ordered(found, "age")


def test_a_line_for_each_run_and_what_is_to_be_said(folder):
    lines = listing(folder)
    text = "\n".join(lines)
    assert lines[0] == f"4 runs in {folder}, data iris"
    assert lines[2].split("  ")[0] == "run"
    for word in (
        "state",
        "network",
        "learning rate",
        "optimizer",
        "epochs",
        "loss",
        "accuracy",
        "written",
    ):
        assert word in lines[2]
    row = next(line for line in lines if line.startswith("iris-2 ")).split()
    assert row[1:5] == ["interrupted", "mlp", "128", "0.5"]
    assert "1/9" in row
    assert {"0.1250", "87.50"} <= set(row)
    assert f"to go on: pullback train --resume {folder}/iris-2" in text
    assert "broken: " in text
    assert "is not valid TOML" in text
    assert lines[-1] == "no runs: notes"


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_it_is_whole_at_any_width(folder, width):
    lines = listing(folder, width=width)
    assert max(places(line) for line in lines if "/" not in line) <= width
    for name in ("broken", "iris", "iris-2", "iris-10"):
        assert sum(line.split(" ")[0] == name for line in lines) == 1
    assert any("--json has them" in line or "no room" in line for line in lines) == (width < 200)


def test_what_is_equal_is_said_once(folder):
    for name in ("broken", "iris-2", "iris-10"):
        for path in (folder / name).iterdir():
            path.unlink()
    make(folder / "again")
    lines = listing(folder)
    assert lines[0] == f"2 runs in {folder}, finished, data iris, network mlp 2-4-3"
    assert not {"state", "network", "data"} & set(lines[2].split())


def test_a_name_cannot_obey_or_break_the_terminal(tmp_path):
    make(tmp_path / "a\n\x1b[2J")
    (tmp_path / "b\nc").mkdir()
    text = "\n".join(listing(tmp_path))
    assert "\x1b" not in text
    assert "a \\x1b[2J" in text
    assert "no runs: b c" in text


def test_what_others_wrote_cannot_obey_the_terminal(tmp_path):
    folder = make(tmp_path / "run", model=False, data="\x1b[2Jt.csv")
    content = {"architecture": {"sizes": ["\x1b[2J"]}, "metadata": {"stopped": "epochs"}}
    header_text = json.dumps({"__metadata__": {"pullback": json.dumps(content)}}).encode()
    (folder / "model.safetensors").write_bytes(len(header_text).to_bytes(8, "little") + header_text)
    text = "\n".join(listing(tmp_path))
    assert "\x1b" not in text
    assert "x1b[2Jt.csv" in text
    make(tmp_path / "c\x9b2J\u202e")
    text = listing_json(tmp_path)
    assert not {"\x9b", "\u202e"} & set(text)
    assert json.loads(text)[0]["run"] == "c\x9b2J\u202e"


def test_links_to_nowhere_hide_no_run(tmp_path):
    folder = make(tmp_path / "run")
    (tmp_path / "loop").symlink_to("loop")
    (folder / "gone").symlink_to("nowhere")
    assert [r.name for r in runs(tmp_path)] == ["run"]


def test_json_has_all_and_is_strict(folder):
    def wrong(text):
        raise AssertionError(text)

    found = json.loads(listing_json(folder), parse_constant=wrong)
    assert [run["run"] for run in found] == ["broken", "iris", "iris-2", "iris-10"]
    iris = found[1]
    assert iris["settings"]["hidden"] == [128]
    assert (iris["state"], iris["validation_loss"], iris["test_score"]) == ("finished", 0.25, 0.875)
    assert iris["written"] == "2096-10-02T07:06:40Z"
    assert (found[0]["state"], found[0]["settings"]) == ("damaged", None)


def test_folders_that_are_none_are_empty_or_are_a_run(tmp_path):
    with pytest.raises(
        pb.train.InputError, match="is no folder: give the folder in which runs are"
    ):
        runs(tmp_path / "runs")
    (tmp_path / "file").touch()
    with pytest.raises(pb.train.InputError, match="is a file, not a folder"):
        runs(tmp_path / "file")
    (tmp_path / "runs").mkdir()
    assert listing(tmp_path / "runs")[0].startswith("no runs in ")
    assert json.loads(listing_json(tmp_path / "runs")) == []
    assert [r.name for r in runs(make(tmp_path / "iris"))] == ["iris"]


def test_a_folder_that_cannot_be_read_is_a_line(folder, monkeypatch):
    scan = os.scandir

    def refused(path):
        if str(path).endswith("iris-2"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr("os.scandir", refused)
    assert listing(folder)[-1] == "no runs: iris-2, notes"


def test_many_runs_cost_little_each(tmp_path, monkeypatch):
    """No more than the header of a model is read, and the last kilobyte of its metrics."""
    read = []
    real = header.open_file
    folder = make(tmp_path / "iris", losses=[1 / (i + 1) for i in range(3000)])
    monkeypatch.setattr(header, "open_file", lambda path: read.append(path) or real(path))
    for name in ("history.read_bytes", "record.read_history"):
        monkeypatch.setattr(f"pullback.train.records.{name}", None)
    assert runs(tmp_path)[0].epochs == 2999
    assert read == [folder / "model.safetensors"]
