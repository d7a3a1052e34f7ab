"""Runs side by side."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.train.records.cells import places
from pullback.train.records.comparison import chosen, comparison_text, labels, picture

from ._runs import make

pytest.importorskip("safetensors", reason="models need safetensors, of the extra 'train'")
pytest.importorskip("matplotlib")


@pytest.fixture
def folders(tmp_path):
    return [
        make(tmp_path / "iris"),
        make(tmp_path / "iris-2", losses=(0.9, 0.125), learning_rate=0.5, optimizer="sgd"),
    ]


def test_a_table_of_what_differs(folders):
    lines = comparison_text(chosen(folders))
    assert lines[0] == "equal: data iris, network mlp 2-4-3"
    cells = {line[:19].strip(): line[19:].split() for line in lines[2:] if line}
    assert cells["learning rate"] == ["0.002", "0.5"]
    assert cells["optimizer"] == ["adamw", "sgd"]
    assert cells["validation loss"] == ["0.2500", "0.1250"]
    assert cells["test accuracy"] == ["87.50", "%", "87.50", "%"]
    assert not {"data", "network", "dtype", "seed"} & set(cells)
    assert lines[-1] == "lowest validation loss: iris-2, 0.1250"


def test_as_many_tables_as_the_terminal_wants(folders, tmp_path):
    more = [make(tmp_path / f"r{i}", learning_rate=i / 10 + 0.1) for i in range(6)]
    lines = comparison_text(chosen([*folders, *more]), 60)
    assert max(map(places, lines)) <= 60
    heads = [line for line in lines if line.startswith("   ")]
    assert len(heads) > 1
    assert " ".join(heads).split() == ["iris", "iris-2", *(f"r{i}" for i in range(6))]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"data": "wine"}, "the data differ: losses and scores do not compare"),
        ({"target": "petal width (cm)"}, "the tasks differ: losses and scores do not compare"),
        ({"seed": 1}, "the seeds differ, and with them the rows of training"),
        ({"score": "r2"}, "the tasks differ"),
        ({"class_weight": "balanced"}, "weights of classes differ: losses do not compare, scores"),
    ],
)
def test_what_does_not_compare_is_remarked(folders, tmp_path, more, said):
    other = make(tmp_path / "other", **more)
    assert said in "\n".join(comparison_text(chosen([folders[0], other])))
    figure = pb.train.compare(folders[0], other, metric="loss")
    assert ("do not compare" in figure.get_suptitle()) == (
        "do not compare" in said or "task" in said
    )


@pytest.mark.parametrize(
    ("metric", "scales"), [(None, ["log", "linear"]), ("loss", ["log"]), ("score", ["linear"])]
)
def test_a_picture_of_the_curves(folders, metric, scales):
    figure = pb.train.compare(*folders, metric=metric)
    assert [ax.get_yscale() for ax in figure.axes] == scales
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [
        "iris: learning rate 0.002, optimizer adamw",
        "iris-2: learning rate 0.5, optimizer sgd",
        "validation", "training", "best epoch",
    ]  # fmt: skip
    assert (
        pb.train.compare(*pb.train.runs(folders[0].parent), metric=metric).get_suptitle()
        == "iris, mlp 2-4-3"
    )


def test_names_of_folders_in_several_places(tmp_path):
    runs = [make(tmp_path / place / "iris") for place in ("a", "b")]
    assert labels(chosen(runs)) == [str(run) for run in runs]


def test_formats(folders):
    for name, starts in (("p.png", b"\x89PNG"), ("p.SVG", b"<?xml")):
        assert picture(chosen(folders), "loss", name).startswith(starts)


def test_what_cannot_be_compared_is_refused_in_a_line(folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "runs" / "wine")
    make(tmp_path / "new", losses=None, model=False)
    tuned = tmp_path / "tune"
    tuned.mkdir()
    (tuned / "tune.csv").touch()
    (tmp_path / "file").touch()
    (tmp_path / "notes").mkdir()
    for runs, said in (
        ([], "0 runs: give two or more"),
        ([folders[0], folders[0]], "1 run: give two or more"),
        ([folders[0], "wine"], "wine: no such run; there is runs/wine"),
        ([folders[0], "beer"], "beer: no such run"),
        ([folders[0], "file"], "is a file: give the folder"),
        ([folders[0], "notes"], "is no run"),
        ([folders[0], tuned], "is of `pullback tune`, and has no curves"),
        ([folders[0], "new"], "has no metrics.csv: it was ended before its first epoch"),
    ):
        with pytest.raises(pb.train.InputError, match=said):
            pb.train.compare(*runs)
    with pytest.raises(pb.train.InputError, match="metric: unknown value 'f1'; choose one of loss"):
        pb.train.compare(*folders, metric="f1")
    with pytest.raises(pb.train.InputError, match=r"a picture's name ends in \.png, \.pdf, \.svg"):
        picture(chosen(folders), None, "p.jpg")
