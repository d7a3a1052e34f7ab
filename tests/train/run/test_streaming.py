"""Trainings whose rows are on disk: the models of those in memory, little memory, when that is, what is refused."""

from __future__ import annotations

import errno
import os
import tempfile
import tomllib
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.train.data import device_data, load, mapped, split
from pullback.train.run import run, streaming, tables
from pullback.train.settings.config import Settings

from ..cli import _cli
from ..cli._cli import files, table
from ._networks_data import graph, images, mixed, text

folder, pullback = _cli.folder, _cli.pullback
SMALL = ["--epochs", 2, "--hidden", 4]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """They take most of the time, and some memory."""
    monkeypatch.setattr(run, "curves_png", lambda *_, **__: b"a picture")
    monkeypatch.setattr(tables, "weights_png", lambda W, **_: W.tobytes())
    monkeypatch.setattr("pullback.train.run.tuning.tune.tuning_png", lambda *_, **__: b"a picture")


def arrays(path="a.npz", n=80):
    random = np.random.default_rng(0)
    y = np.arange(n) % 3
    np.savez(path, X=random.normal(size=(n, 5)) + y[:, None], y=y)
    return path


def columns(path="a.npy"):
    found = np.load(arrays())
    np.save(path, np.column_stack([found["y"], found["X"]]))
    return path


DATA = {
    "built in": lambda: ["diabetes", "--batches", "drawn"],
    "numbers": lambda: [table("t.csv"), "--dtype", "float64"],
    "columns": lambda: [mixed()],
    "another target": lambda: [
        mixed(),
        "--target",
        "age",
        "--missing",
        "drop",
        "--batches",
        "once",
    ],
    "arrays": lambda: [arrays()],
    "columns of an array": lambda: [columns(), "--target", "0"],
    "images": lambda: [images(shape=(6, 7, 3)), "--model", "cnn"],
}


@pytest.mark.parametrize("name", DATA)
def test_the_model_is_that_of_rows_in_memory(pullback, monkeypatch, name):
    # several chunks, windows and blocks, also of these small tables
    monkeypatch.setattr(mapped, "_KEPT", 1 << 10)
    monkeypatch.setattr(device_data, "_READ", 1 << 10)
    data = DATA[name]()
    code, _, err = pullback("train", *data, *SMALL, "--no-stream", "--name", "memory")
    assert (code, err) == (0, [])
    code, out, err = pullback("train", *data, *SMALL, "--stream", "--name", "disk")
    assert (code, err) == (0, [])
    assert "rows on disk, as asked" in out
    for file in ("model.safetensors", "metrics.csv", "weights.png"):
        assert Path("runs/disk", file).read_bytes() == Path("runs/memory", file).read_bytes(), file
    assert files("runs/disk") == _cli.FILES
    assert files("runs") == ["disk", "memory"]


def test_above_a_size_rows_are_on_disk_and_that_is_said(pullback):
    arrays(n=200)
    code, out, _ = pullback("train", "a.npz", *SMALL, "--memory", "5kB")
    assert code == 0
    assert out[1] == (
        "rows on disk: about 9.9 kB of numbers are more than 5.0 kB, --memory (--no-stream keeps them in memory)"
    )
    written = tomllib.loads(Path("runs/a/run.toml").read_text())
    assert written["memory"] == "5kB"
    assert "stream" not in written
    _, out, _ = pullback("train", "a.npz", *SMALL, "--memory", "50kB")
    assert not any("on disk" in line for line in out)


def test_without_a_size_it_is_a_share_of_the_free_memory(monkeypatch, folder):
    arrays(n=200)
    monkeypatch.setattr(streaming, "free_memory", lambda: 30_000)
    assert "more than 7.5 kB, a quarter of the free memory" in streaming.why_streamed(
        Settings(data="a.npz")
    )
    monkeypatch.setattr(streaming, "free_memory", lambda: 50_000)
    assert streaming.why_streamed(Settings(data="a.npz")) == ""
    monkeypatch.setattr(streaming, "free_memory", lambda: None)
    assert streaming.why_streamed(Settings(data="a.npz")) == ""


def test_sizes_of_files_are_those_of_their_numbers(folder):
    size = Path(table("t.csv")).stat().st_size
    assert streaming.table_size("t.csv") == size
    assert streaming.table_size("missing.csv") == 0
    Path("t.csv.gz").write_bytes(bytes(100))
    assert streaming.table_size("t.csv.gz") == 500
    Path("x-idx3-ubyte").write_bytes(bytes(100))
    assert streaming.table_size("x-idx3-ubyte") == 400
    Path("bad.npz").write_bytes(b"no archive")
    assert streaming.table_size("bad.npz") == 0
    pandas = pytest.importorskip("pandas", reason="a Parquet file is written")
    pytest.importorskip("pyarrow", reason="a Parquet file is written")
    pandas.DataFrame(np.ones((10, 3)), columns=list("abc")).to_parquet("t.parquet")
    assert streaming.table_size("t.parquet") == 240
    Path("t.parquet").rename("t.pq")
    assert streaming.table_size("t.pq") == 240


class Killed(BaseException):
    """What no handler catches, as SIGKILL."""


@pytest.mark.parametrize("then", ["--stream", "--no-stream"])
def test_a_run_goes_on_with_the_same_bits(pullback, monkeypatch, then):
    whole = ["train", mixed(), "--epochs", 3, "--hidden", 4]
    assert pullback(*whole, "--no-stream", "--name", "whole")[0] == 0
    from pullback.train import loop

    write, left = loop.write, [4]

    def counted(*args):
        if not left[0]:
            raise Killed
        write(*args)
        left[0] -= 1

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write", counted)
        with pytest.raises(Killed):
            pullback(*whole, "--stream", "--name", "run", "--checkpoint-every", 0)
    assert pullback("train", "--resume", "runs/run", then)[0] == 0
    for file in ("model.safetensors", "metrics.csv", "weights.png"):
        assert Path("runs/run", file).read_bytes() == Path("runs/whole", file).read_bytes(), file


def test_tuning_with_rows_on_disk_gives_the_same_table(pullback):
    grid = [mixed(), "--learning-rate", "1e-3,1e-2", "--folds", 2, *SMALL]
    assert pullback("tune", *grid, "--no-stream", "--name", "memory")[0] == 0
    assert pullback("tune", *grid, "--stream", "--name", "disk")[0] == 0
    assert Path("runs/disk/tune.csv").read_bytes() == Path("runs/memory/tune.csv").read_bytes()
    code, _, err = pullback("tune", *grid, "--stream", "--dask", "local")
    assert code == 2
    assert err == [
        "pullback: stream: with --dask the rows travel to the workers from memory; leave out one of them"
    ]


def test_what_has_no_rows_is_refused(pullback):
    for data in ([text()], [*graph()]):
        code, out, err = pullback("train", *data, "--stream")
        assert (code, out, len(err)) == (2, [], 1)
        assert "takes its data from memory" in err[0]
    assert "memory: 'much' is no size" in pullback("train", "iris", "--memory", "much")[2][0]
    assert not Path("runs").exists()
    with pytest.raises(pb.train.InputError, match="stream: 1 is neither true nor false"):
        Settings(stream=1)


@pytest.mark.parametrize("failing", [1, 2, 5])
def test_a_full_disk_is_a_line_and_leaves_nothing(pullback, monkeypatch, failing):
    """The sheet, its numbers, and three parts are files."""
    make, count = tempfile.TemporaryFile, [0]

    def full(**settings):
        count[0] += 1
        if count[0] == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return make(**settings)

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    code, out, err = pullback("train", mixed(), *SMALL, "--stream")
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith("pullback: cannot keep rows in a file in ")
    assert err[0].endswith(
        "No space left on device; make room, or start it in a folder of another disk"
    )
    assert files(".") == ["mixed.csv"]


# Memory -----------------------------------------------------------------------------------------


@pytest.fixture
def smaller(monkeypatch):
    """What is looked at at once is as much smaller as the arrays here are."""
    for module, name in ((mapped, "_KEPT"), (device_data, "_READ")):
        monkeypatch.setattr(module, name, 1 << 18)
    monkeypatch.setattr(split, "_CHUNK", 256)
    monkeypatch.setattr(split, "_NUMBERS", 1 << 14)
    monkeypatch.setattr(load, "_NUMBERS", 1 << 14)
    monkeypatch.setattr("pullback.train.measure.ROWS_AT_ONCE", 256)


def peak(function):
    """The most memory that Python and NumPy had at any time."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("on_numpy")
def test_memory_is_a_fraction_of_the_table(folder, smaller):
    random = np.random.default_rng(0)
    X = random.normal(size=(8000, 150))
    np.savez("big.npz", X=X, y=np.arange(8000) % 2)
    size = X.nbytes
    del X
    most = {}
    for stream in (False, True):
        settings = Settings(data="big.npz", stream=stream, epochs=1, hidden=(4,), batch_size=256)
        # imports, and what is made once
        pb.train.train(Settings(data="iris", epochs=1), say=lambda line: None)
        most[stream] = peak(lambda s=settings: pb.train.train(s, say=lambda line: None)) / size
    assert most[True] < 0.35
    assert most[False] < 1.8


@pytest.mark.usefixtures("on_numpy")
def test_fit_takes_memory_maps_without_copies(folder, smaller):
    n, d = 40_000, 64
    x = np.lib.format.open_memmap("x.npy", "w+", np.float32, (n, d))
    x[:] = np.random.default_rng(0).normal(size=(n, d))
    np.save("y.npy", (x[:, 0] > 0).astype(np.int64))
    del x
    x, y = np.load("x.npy", mmap_mode="r"), np.load("y.npy")
    model = pb.models.MLP([d, 2])
    settings = {"epochs": 1, "batch_size": 500, "patience": 0}
    found = []

    def train(x):
        parts = (x[: n // 2], y[: n // 2]), (x[n // 2 :], y[n // 2 :])
        found.append(
            pb.train.fit(model, pb.models.cross_entropy, *parts, pb.optim.Adam(0.01), **settings)
        )

    train(np.array(x))
    assert peak(lambda: train(x)) < 0.35 * x.nbytes
    first, second = (pb.tree.leaves(run.model) for run in found)
    assert all(
        np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first, second, strict=True)
    )
