"""The command line: what it refuses, in one line and with exit code 2."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import pullback as pb
from pullback.train import cli

from ...conftest import WITHOUT_STANDIN
from . import _cli
from ._cli import QUICK, files, table

folder, pullback = _cli.folder, _cli.pullback  # fixtures

BAD = {
    "no command": (["trian"], "trian"),
    "no data": (["train"], "nothing to train on"),
    "no such option": (["train", "t.csv", "--epoch", "3"], "--epoch"),
    "no such data": (["train", "digit"], "built in are digits"),
    "no such file": (["train", "nothing.csv"], "no such file: nothing.csv"),
    "no such target": (["train", "t.csv", "--target", "sort"], "it has left, right, kind"),
    "no such backend": (["train", "t.csv", "--backend", "torch"], "unknown backend 'torch'"),
    "no such activation": (["train", "t.csv", "--activation", "x"], "activation: unknown value 'x'; choose one of"),
    "no such optimizer": (["train", "t.csv", "--optimizer", "x"], "optimizer: unknown value"),
    "no such dtype": (["train", "t.csv", "--dtype", "float16"], "dtype: unknown value 'float16'"),
    "no such task": (["train", "t.csv", "--task", "x"], "task: unknown value"),
    "hidden word": (["train", "t.csv", "--hidden", "12,a"], "hidden: '12,a'"),
    "hidden zero": (["train", "t.csv", "--hidden", "12,0"], "hidden: [12, 0]"),
    "hidden huge": (["train", "t.csv", "--hidden", "99999999999999999999"], "hidden: "),
    "negative rate": (["train", "t.csv", "--learning-rate", "-1"], "learning_rate: -1.0"),
    "rate of 0": (["train", "t.csv", "--learning-rate", "0"], "learning_rate: 0.0"),
    "rate nan": (["train", "t.csv", "--learning-rate", "nan"], "learning_rate: nan"),
    "rate word": (["train", "t.csv", "--learning-rate", "fast"], "--learning-rate"),
    "zero epochs": (["train", "t.csv", "--epochs", "0"], "epochs: 0"),
    "epochs word": (["train", "t.csv", "--epochs", "1.5"], "--epochs"),
    "zero batch": (["train", "t.csv", "--batch-size", "0"], "batch_size: 0"),
    "negative patience": (["train", "t.csv", "--patience", "-1"], "patience: -1"),
    "negative seed": (["train", "t.csv", "--seed", "-1"], "seed: -1"),
    "negative l2": (["train", "t.csv", "--l2", "-1"], "l2: -1.0"),
    "infinite l2": (["train", "t.csv", "--l2", "inf"], "l2: inf"),
    "name with a slash": (["train", "t.csv", "--name", "../x"], "name: '../x'"),
    "no such config": (["train", "--config", "nothing.toml"], "no such file: nothing.toml"),
    "unknown key": (["train", "--config", "key.toml"], "key.toml: unknown setting 'lr'"),
    "wrong value": (["train", "--config", "value.toml"], "value.toml: epochs: 'many'"),
    "wrong list": (["train", "--config", "list.toml"], "list.toml: hidden: [1, 'a']"),
    "no TOML": (["train", "--config", "t.csv"], "t.csv is not valid TOML"),
    "rare class": (["train", "rare.csv"], "'once' (1)"),
    "few rows": (["train", "few.csv"], "6 rows"),
    "one class": (["train", "one.csv"], "one class only"),
    "NaN": (["train", "nan.csv", "--missing", "error"], "nan.csv, row 3, column 'right': the cell is empty"),
    "malformed": (["train", "bad.csv"], "bad.csv, row 3, column 'left': 'x' is no number, as most cells"),
    "ragged": (["train", "ragged.csv"], "ragged.csv, row 3: 2 columns"),
    "no such run": (["predict", "runs/none", "t.csv"], "no such run: runs/none"),
    "no run in it": (["predict", ".", "t.csv"], "has no model.safetensors"),
    "no data to predict": (["predict", "runs/t", "nothing.csv"], "no such file"),
    "too many columns": (["predict", "runs/t", "wide.csv"], "wide.csv has 4 columns, the model takes 2: left, right"),
    "too few columns": (["predict", "runs/t", "narrow.csv"], "1 column"),
    "other columns": (["predict", "runs/t", "other.csv"], "has no column 'right'"),
    "word to predict": (["predict", "runs/t", "word.csv"], "word.csv, row 2, column 'right': 'x' is not a number"),
    "far away": (["predict", "runs/t", "far.csv"], "data row 2 gives no finite prediction"),
    "no model": (["predict", "t.csv", "t.csv"], "is not a .safetensors file"),
    "no folder for output": (["predict", "runs/t", "t.csv", "--output", "no/p.csv"], "cannot write no/p.csv"),
    "info backend": (["info", "--backend", "torch"], "unknown backend"),
}  # fmt: skip


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """Files for the table of bad input, and one good run."""
    folder = tmp_path_factory.mktemp("bad")
    before = Path.cwd()
    os.chdir(folder)
    try:
        table("t.csv")
        assert cli.main(["train", "t.csv", *QUICK, "--name", "t"]) == 0
    finally:
        os.chdir(before)
    good = "left,right,kind\n" + "1,2,a\n3,4,b\n" * 10
    contents = {
        "key.toml": 'data = "t.csv"\nlr = 0.1\n',
        "value.toml": 'data = "t.csv"\nepochs = "many"\n',
        "list.toml": 'data = "t.csv"\nhidden = [1, "a"]\n',
        "rare.csv": good + "5,6,once\n",
        "few.csv": "left,right,kind\n" + "1,2,a\n3,4,b\n" * 3,
        "one.csv": "left,right,kind\n" + "1,2,a\n" * 20,
        "nan.csv": good.replace("3,4", "3,nan", 1),
        "bad.csv": good.replace("3,4", "x,4", 1),
        "ragged.csv": good.replace("3,4,b", "3,4", 1),
        "wide.csv": "1,2,3,4\n",
        "narrow.csv": "1\n",
        "other.csv": "left,wrong\n1,2\n",
        "word.csv": "left,right\n1,x\n",
        "far.csv": "left,right\n1,2\n1e308,1\n",
    }
    for name, content in contents.items():
        (folder / name).write_text(content)
    return folder


def snapshot(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_code_2(pullback, workshop, monkeypatch, case):
    arguments, part = BAD[case]
    monkeypatch.chdir(workshop)
    before = snapshot(workshop)
    code, out, err = pullback(*arguments)
    assert code == 2
    assert len(err) == 1, err
    assert err[0].startswith("pullback: ")
    assert part in err[0]
    assert out == []
    assert snapshot(workshop) == before
    assert files(workshop / "runs") == ["t"]


@pytest.mark.parametrize("command", [["train", "t.csv", *QUICK], ["info"]])
def test_an_unknown_backend_in_the_environment(pullback, monkeypatch, command):
    table("t.csv")
    monkeypatch.setenv("PULLBACK_BACKEND", "torch")
    code, _, err = pullback(*command)
    assert (code, len(err)) == (2, 1)
    assert "torch" in err[0]
    assert not Path("runs").exists()


@WITHOUT_STANDIN
def test_cupy_that_is_not_there(pullback, monkeypatch):
    """Not installed, or without a driver or device: whichever it is here, and the other one faked."""
    table("t.csv")
    monkeypatch.setitem(sys.modules, "cupy", None)
    pb.backend.select._resolved.cache_clear()
    monkeypatch.delitem(sys.modules, "pullback.backend.cuda.backend", raising=False)
    monkeypatch.delitem(sys.modules, "pullback.backend.cuda", raising=False)
    try:
        code, _, err = pullback("train", "t.csv", "--backend", "cupy", *QUICK)
    finally:
        pb.backend.select._resolved.cache_clear()
    assert (code, len(err)) == (2, 1), err
    assert "cupy" in err[0].lower()
    assert not Path("runs").exists()


def test_cupy_without_a_device(pullback):
    pytest.importorskip("cupy")
    try:
        pb.backend.resolve("cupy")
    except pb.BackendError:
        pass
    else:
        pytest.skip("there is a CUDA device")
    table("t.csv")
    code, _, err = pullback("train", "t.csv", "--backend", "cupy", *QUICK)
    assert (code, len(err)) == (2, 1)
    assert "CuPy" in err[0]
    assert not Path("runs").exists()


@pytest.mark.parametrize("module", ["typer", "safetensors", "matplotlib", "sklearn"])
def test_a_missing_extra_is_told_before_anything_is_done(pullback, monkeypatch, module):
    for name in [n for n in sys.modules if n == module or n.startswith(module + ".")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    code, _, err = pullback("train", "iris", *QUICK)
    assert (code, len(err)) == (2, 1)
    assert "pip install 'pullback[train]'" in err[0]
    assert not Path("runs").exists()
