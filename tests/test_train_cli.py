"""The command line: what it writes, what it refuses and how, how it ends when it is broken off."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.train import cli

pytest.importorskip("typer")
pytest.importorskip("rich")
pytest.importorskip("safetensors")
pytest.importorskip("matplotlib")

FILES = ["curves.png", "metrics.csv", "model.safetensors", "run.toml", "weights.png"]
QUICK = ["--epochs", "2", "--hidden", "4"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Each test in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pullback(capsys):
    """Run the command line in this process: exit code, lines on stdout, lines on stderr."""

    def run(*arguments):
        capsys.readouterr()
        code = cli.main([str(a) for a in arguments])
        told = capsys.readouterr()
        return code, told.out.splitlines(), told.err.splitlines()

    return run


def table(path, kind="classes", n=60):
    """A small CSV: two columns that tell the target."""
    random = np.random.default_rng(0)
    lines = ["left,right,kind"]
    for i in range(n):
        a, b = random.normal(size=2).round(4)
        label = {"classes": ("low", "mid", "high")[i % 3], "two": i % 2, "numbers": a + 2 * b}[kind]
        shift = {"classes": 3 * (i % 3), "two": 3 * (i % 2), "numbers": 0}[kind]
        lines.append(f"{a + shift},{b - shift},{label}")
    Path(path).write_text("\n".join(lines) + "\n")
    return path


def files(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def records(text):
    return list(csv.reader(io.StringIO(text)))


def child(*arguments, **options):
    """The command line in a process of its own."""

    def ready():
        # A shell that starts tests in the background ignores Ctrl-C, and so would its children.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pullback", *map(str, arguments)],
        **{"stdout": subprocess.PIPE, "preexec_fn": ready, **options},
        stderr=subprocess.PIPE,
        text=True,
    )


# What train writes ------------------------------------------------------------------------------


def test_training_writes_its_files_and_says_so_last(pullback):
    code, out, err = pullback("train", table("t.csv"), "--epochs", 3, "--name", "first")
    assert (code, err) == (0, [])
    assert out[-2].startswith("test accuracy ")
    assert " test loss " in out[-2]
    assert out[-1].startswith(f"files in {Path('runs/first')}: ")
    assert files("runs/first") == FILES
    for name in FILES:
        assert name in out[-1]
    assert Path("runs/first/curves.png").read_bytes()[:4] == b"\x89PNG"

    metrics = records(Path("runs/first/metrics.csv").read_text())
    assert metrics[0] == ["epoch", "steps", "loss", "accuracy", "validation_loss", "validation_accuracy"]  # fmt: skip
    assert [row[0] for row in metrics[1:]] == ["0", "1", "2", "3"]
    assert all(np.isfinite(float(cell)) for row in metrics[1:] for cell in row)

    model, told = pb.train.load("runs/first/model.safetensors")
    assert model.sizes == (2, 128, 3)
    assert told["classes"] == ["high", "low", "mid"]
    assert told["columns"] == ["left", "right"]
    assert f"test accuracy {100 * told['test_accuracy']:.2f} %" in out[-2]


def test_the_settings_file_repeats_the_run_bit_for_bit(pullback):
    table("t.csv")
    settings = ["--hidden", "7,5", "--optimizer", "nesterov", "--learning-rate", "0.03", "--l2", 0.01,
                "--batch-size", 9, "--epochs", 4, "--patience", 2, "--seed", 11, "--dtype", "float64",
                "--activation", "tanh", "--target", "kind"]  # fmt: skip
    assert pullback("train", "t.csv", *settings)[0] == 0
    written = tomllib.loads(Path("runs/t/run.toml").read_text())
    assert written == {
        "data": "t.csv", "target": "kind", "task": "classification", "hidden": [7, 5],
        "activation": "tanh", "optimizer": "nesterov", "learning_rate": 0.03, "batch_size": 9,
        "epochs": 4, "patience": 2, "seed": 11, "backend": pb.backend.current().name,
        "dtype": "float64", "l2": 0.01, "name": "t",
    }  # fmt: skip
    code, out, _ = pullback("train", "--config", "runs/t/run.toml")
    assert code == 0
    assert out[-1].startswith(f"files in {Path('runs/t-2')}: ")
    for name in FILES:
        first, second = (Path("runs", run, name).read_text("latin1") for run in ("t", "t-2"))
        assert first.replace("runs/t;", "") == second.replace("t-2;", "t;") or name == "run.toml"
    assert tomllib.loads(Path("runs/t-2/run.toml").read_text()) == written


def test_options_beat_the_settings_file(pullback):
    table("t.csv")
    Path("c.toml").write_text(
        'data = "t.csv"\nepochs = 1\nhidden = [3]\noptimizer = "sgd"\nlearning_rate = 0.5\n'
    )
    code, out, _ = pullback("train", "--config", "c.toml", "--epochs", 2, "--optimizer", "adam")
    assert code == 0
    assert "2-3-3" in out[1]
    written = tomllib.loads(Path("runs/t/run.toml").read_text())
    assert (written["epochs"], written["hidden"], written["optimizer"]) == (2, [3], "adam")
    assert written["learning_rate"] == 0.001  # 0.5 was for sgd
    pullback("train", "--config", "c.toml", "--name", "again")
    assert tomllib.loads(Path("runs/again/run.toml").read_text())["learning_rate"] == 0.5


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", "momentum", "nesterov"])
def test_every_optimizer_learns_and_every_layer_decays(optimizer):
    settings = pb.train.Settings(
        data=str(table("t.csv")),
        optimizer=optimizer,
        epochs=100,
        hidden=(8,),
        task="classification",
    )
    said = []
    result = pb.train.train(settings, say=said.append)
    assert result.fit.best.validation_loss < 0.5 * result.fit.history[0].validation_loss
    assert result.test_score > 0.8
    assert len(said) == 5


def test_two_classes_have_one_logit_and_regression_tells_r2(pullback):
    code, out, _ = pullback("train", table("two.csv", "two"), "--epochs", 20, "--hidden", "none")
    assert code == 0
    assert "network 2-1, 3 parameters" in out[1]
    assert "test accuracy 100.00 %" in out[-2]
    code, out, _ = pullback("train", table("n.csv", "numbers", 200), "--activation", "identity")
    assert code == 0
    assert "regression on 'kind'" in out[0]
    assert float(out[-2].split()[2].rstrip(",")) > 0.98
    assert "root mean squared error" in out[-2]
    assert records(Path("runs/n/metrics.csv").read_text())[0][3] == "r2"


def test_built_in_data_and_image_files_are_trained_on(pullback):
    pytest.importorskip("sklearn")
    for name in ("digits", "breast_cancer", "wine", "iris", "diabetes"):
        assert pullback("train", name, "--epochs", 1)[0] == 0, name
        assert files(f"runs/{name}") == FILES
    digits = pb.train.load_dataset("digits")
    np.savez("d.npz", X=digits.x.reshape(-1, 8, 8), y=digits.y)
    assert pullback("train", "d.npz", "--epochs", 1)[0] == 0
    by_name, by_file = (records(Path(f"runs/{r}/metrics.csv").read_text()) for r in ("digits", "d"))
    assert by_name == by_file


def test_runs_are_numbered_but_a_name_asked_for_must_be_free(pullback):
    table("t.csv")
    for expected in ("t", "t-2", "t-3"):
        code, out, _ = pullback("train", "t.csv", *QUICK)
        assert code == 0
        assert f"{Path('runs', expected)}:" in out[-1]
    before = Path("runs/t-2/metrics.csv").read_bytes()
    code, _, err = pullback("train", "t.csv", "--name", "t-2", *QUICK)
    assert code == 2
    assert "t-2 exists already: choose another --name" in err[0]
    assert Path("runs/t-2/metrics.csv").read_bytes() == before
    assert files("runs/t-2") == FILES


# Predictions ------------------------------------------------------------------------------------


def test_predictions_are_classes_and_probabilities(pullback):
    table("t.csv")
    assert pullback("train", "t.csv", "--epochs", 40)[0] == 0
    code, out, err = pullback("predict", "runs/t", "t.csv")
    assert (code, err) == (0, [])
    told = records("\n".join(out))
    assert told[0] == ["class", "p(high)", "p(low)", "p(mid)"]
    p = np.asarray([row[1:] for row in told[1:]], dtype=float)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    truth = [line.split(",")[2] for line in Path("t.csv").read_text().splitlines()[1:]]
    predicted = [row[0] for row in told[1:]]
    assert predicted == [("high", "low", "mid")[i] for i in p.argmax(axis=1)]
    assert np.mean([a == b for a, b in zip(predicted, truth, strict=True)]) > 0.9


def test_predictions_find_columns_by_name_or_place_and_go_to_a_file(pullback):
    table("t.csv")
    pullback("train", "t.csv", *QUICK)
    lines = [line.split(",") for line in Path("t.csv").read_text().splitlines()]
    Path("swapped.csv").write_text("\n".join(f"{c},{b},{a}" for a, b, c in lines) + "\n")
    Path("bare.csv").write_text("\n".join(f"{a},{b}" for a, b, _ in lines[1:]) + "\n")
    Path("features.csv").write_text("\n".join(f"{a},{b}" for a, b, _ in lines) + "\n")
    _, expected, _ = pullback("predict", "runs/t", "features.csv")
    for name in ("t.csv", "swapped.csv", "bare.csv"):
        code, out, err = pullback("predict", "runs/t", name, "--output", "p.csv")
        assert (code, out, err) == (0, [], []), name
        assert Path("p.csv").read_text().splitlines() == expected
    assert pullback("predict", "runs/t/model.safetensors", "bare.csv")[1] == expected


def test_regression_predicts_in_the_targets_own_units(pullback):
    table("n.csv", "numbers", 200)
    pullback("train", "n.csv", "--activation", "identity", "--epochs", 100)
    code, out, _ = pullback("predict", "runs/n", "n.csv")
    assert code == 0
    assert out[0] == "predicted kind"
    truth = [float(line.split(",")[2]) for line in Path("n.csv").read_text().splitlines()[1:]]
    np.testing.assert_allclose(np.asarray(out[1:], float), truth, atol=0.3)


def test_a_reader_that_has_enough_is_no_error(pullback):
    pullback("train", table("t.csv"), *QUICK)
    process = child("predict", "runs/t", table("long.csv", n=5000))
    assert process.stdout.readline().startswith("class,")
    process.stdout.close()  # with far more to come than a pipe holds
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 0
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_the_output_is_told(pullback):
    pullback("train", table("t.csv"), *QUICK)
    with open("/dev/full", "w") as full:
        process = child("predict", "runs/t", "t.csv", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == "pullback: cannot write the output: No space left on device\n"


def test_an_encoding_that_lacks_a_letter_is_told(pullback):
    Path("t.csv").write_text("a,k\n" + "1,größer\n0,b\n" * 20)
    pullback("train", "t.csv", *QUICK)
    process = child("predict", "runs/t", "t.csv", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.count("\n") == 1
    assert "--output" in err


# What is refused --------------------------------------------------------------------------------

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
    "NaN": (["train", "nan.csv"], "nan.csv, row 3, column 'right': nan is not finite"),
    "malformed": (["train", "bad.csv"], "bad.csv, row 3, column 'left': 'x' is not a number"),
    "ragged": (["train", "ragged.csv"], "ragged.csv, row 3: 2 columns"),
    "no such run": (["predict", "runs/none", "t.csv"], "no such run: runs/none"),
    "no run in it": (["predict", ".", "t.csv"], "has no model.safetensors"),
    "no data to predict": (["predict", "runs/t", "nothing.csv"], "no such file"),
    "too many columns": (["predict", "runs/t", "wide.csv"], "wide.csv has 3 columns, the model takes 2: left, right"),
    "too few columns": (["predict", "runs/t", "narrow.csv"], "1 column"),
    "a column more": (["predict", "runs/t", "more.csv"], "more.csv has 4 columns, the model takes 2"),
    "other columns": (["predict", "runs/t", "other.csv"], "has no column 'right'"),
    "NaN to predict": (["predict", "runs/t", "naninput.csv"], "row 2"),
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
        "wide.csv": "1,2,3\n",
        "narrow.csv": "1\n",
        "more.csv": "left,right,kind,other\n1,2,a,3\n",
        "other.csv": "left,wrong\n1,2\n",
        "naninput.csv": "left,right\n1,nan\n",
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


def test_cupy_that_is_not_there(pullback, monkeypatch):
    """Not installed, or without a driver or device: whichever it is here, and the other one faked."""
    table("t.csv")
    monkeypatch.setitem(sys.modules, "cupy", None)
    pb.backend._select._resolved.cache_clear()
    monkeypatch.delitem(sys.modules, "pullback.backend._cupy", raising=False)
    monkeypatch.delattr(pb.backend, "_cupy", raising=False)
    try:
        code, _, err = pullback("train", "t.csv", "--backend", "cupy", *QUICK)
    finally:
        pb.backend._select._resolved.cache_clear()
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


FULL, READ_ONLY = errno.ENOSPC, errno.EROFS


@pytest.mark.parametrize(("code", "reason"), [(FULL, "No space left"), (READ_ONLY, "Read-only")])
@pytest.mark.parametrize("after", [0, 1, 3, 5])
def test_a_disk_that_fails_leaves_nothing_half_written(pullback, monkeypatch, code, reason, after):
    """The disk takes so many files and then no more."""
    table("t.csv")
    fsync, count = os.fsync, []

    def failing(descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            count.append(1)
            if len(count) > after:
                raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    exit_code, _, err = pullback("train", "t.csv", "--epochs", "3")
    assert (exit_code, len(err)) == (2, 1)
    assert "cannot write" in err[0]
    assert reason in err[0]
    if after == 0:
        assert not Path("runs").exists()
        return
    assert set(files("runs/t")) <= set(FILES)
    monkeypatch.setattr(os, "fsync", fsync)
    tomllib.loads(Path("runs/t/run.toml").read_text())
    if after >= 3:
        assert pullback("predict", "runs/t", "t.csv")[0] == 0


def test_a_file_that_grows_too_large_for_the_disk():
    """The system itself breaks off the writing in the middle of a file, by a limit on its size."""
    resource = pytest.importorskip("resource")
    table("t.csv")
    limit = 1500
    process = child(
        "train", "t.csv", *QUICK, "--hidden", "64", "--backend", "numpy",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert err.count("\n") == 1
    assert "cannot write" in err
    assert "model.safetensors" in err
    assert files("runs/t") == ["metrics.csv", "run.toml"]


# How it ends ------------------------------------------------------------------------------------

ENDLESS = ["--epochs", "1000000", "--patience", "0", "--name", "run"]


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def epochs_written():
    path = Path("runs/run/metrics.csv")
    return len(path.read_text().splitlines()) - 2 if path.exists() else 0


def test_ctrl_c_ends_a_run_with_what_it_has(pullback):
    table("t.csv")
    process = child("train", "t.csv", *ENDLESS)
    wait_for(lambda: epochs_written() > 2, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert "interrupted in epoch" in out
    assert "test accuracy" in out.splitlines()[-2]
    assert files("runs/run") == FILES
    assert pullback("predict", "runs/run", "t.csv")[0] == 0


def test_sigkill_leaves_readable_files(pullback):
    table("t.csv")
    process = child("train", "t.csv", *ENDLESS, "--hidden", "512,512")
    wait_for(lambda: epochs_written() > 2, process)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    kept = [name for name in files("runs/run") if not name.startswith(".")]
    assert kept == ["metrics.csv", "model.safetensors", "run.toml"]
    rows = records(Path("runs/run/metrics.csv").read_text())
    assert {len(row) for row in rows} == {6}
    assert tomllib.loads(Path("runs/run/run.toml").read_text())["hidden"] == [512, 512]
    code, out, _ = pullback("predict", "runs/run", "t.csv")
    assert code == 0
    assert len(out) == 61


def test_ctrl_c_before_the_training_writes_nothing(pullback, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pullback.train._run.load_dataset", interrupted)
    code, out, err = pullback("train", "t.csv")
    assert (code, out, len(err)) == (130, [], 1)
    assert not Path("runs").exists()


def test_a_loss_that_overflows_keeps_the_best_weights_and_exits_with_1(pullback):
    table("n.csv", "numbers")
    code, out, err = pullback(
        "train", "n.csv", "--optimizer", "sgd", "--learning-rate", "1e6", "--epochs", 50
    )
    assert (code, len(err)) == (1, 1)
    assert "at step" in err[0]
    assert "are kept" in err[0]
    assert out[-2].startswith("test R2")
    assert files("runs/n") == FILES
    assert pullback("predict", "runs/n", "n.csv")[0] == 0


# The rest ---------------------------------------------------------------------------------------


def test_info_tells_backend_device_memory_versions_and_threads(pullback):
    code, out, err = pullback("info")
    assert (code, err) == (0, [])
    told = dict(line.split(None, 1) for line in out if len(line.split(None, 1)) == 2)
    active = pb.backend.current()
    assert told["pullback"] == pb.__version__
    assert told["backend"] == active.name
    assert told["why"] == active.reason
    assert told["numpy"] == np.__version__
    assert {"Python", "device", "memory", "scipy", "optree", "cupy", "BLAS"} <= set(told)
    assert "thread" in "\n".join(out)


def test_why_auto_chose_is_told(pullback):
    code, out, _ = pullback("info", "--backend", "auto")
    assert code == 0
    assert any(line.startswith("why") and "auto" in line for line in out)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["train", "--help"], ["predict", "--help"]])
def test_help_is_given(pullback, arguments):
    code, out, err = pullback(*arguments)
    assert (code, err) == (0, [])
    text = "\n".join(out)
    if arguments[:1] == ["train"]:
        for option in ("target", "hidden", "activation", "optimizer", "learning-rate", "batch-size",
                       "epochs", "patience", "seed", "backend", "dtype", "l2", "name", "config"):  # fmt: skip
            assert f"--{option}" in text
    else:
        assert "predict" in text


def test_the_module_is_the_command():
    run = subprocess.run(
        [sys.executable, "-P", "-m", "pullback", "train", "nothing.csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "pullback: no such file: nothing.csv\n"


def test_a_progress_bar_is_shown_on_a_terminal_only():
    pty = pytest.importorskip("pty")
    table("t.csv")
    parent, end = pty.openpty()
    run = subprocess.run(
        [sys.executable, "-P", "-m", "pullback", "train", "t.csv", "--epochs", "50"],
        stdout=subprocess.PIPE,
        stderr=end,
        text=True,
        check=False,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(end)
    shown = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(parent)
    assert run.returncode == 0
    assert b"epoch" in shown
    assert b"validation" in shown
    assert run.stdout.splitlines()[-2].startswith("test accuracy")
    assert "\x1b" not in run.stdout


def test_settings_survive_a_settings_file(tmp_path):
    odd = pb.train.Settings(
        data='a "quoted"\\path\u00e4\x7f.csv',
        hidden=(),
        learning_rate=1e-05,
        l2=0,
        name="x y",
        seed=2**70,
    )
    path = tmp_path / "c.toml"
    path.write_text(pb.train.config_text(odd, ("a comment",)))
    assert pb.train.Settings(**pb.train.read_config(path)) == odd


def test_the_metadata_are_json_under_one_key(pullback):
    pullback("train", table("t.csv"), *QUICK)
    data = Path("runs/t/model.safetensors").read_bytes()
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    content = json.loads(head["__metadata__"]["pullback"])
    assert content["architecture"] == {
        "kind": "MLP", "sizes": [2, 4, 3], "activation": "relu", "dtype": "float32"
    }  # fmt: skip
    told = content["metadata"]
    assert (told["task"], told["target"]) == ("classification", "kind")
    assert len(told["standardize"]["mean"]) == 2
