"""The pure parts of the benchmarks: environments of workers, fits, tables; and CUDA's on a stand-in."""

import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import pullback as pb

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
if not FOLDER.is_dir():
    pytest.skip("the benchmarks are not beside these tests", allow_module_level=True)


@pytest.mark.parametrize("given", [{}, {"OPENBLAS_THREAD_TIMEOUT": "28"}])
def test_workers_get_what_was_given_else_what_pullback_would_set(load, given):
    before = dict(os.environ)
    expected = {"OPENBLAS_THREAD_TIMEOUT": "20"} | given
    assert load("_kernels").worker_environment(given) == expected
    assert dict(os.environ) == before


def test_recurrence_has_one_loss_by_all(load):
    recurrence = load("recurrence")
    for kind in recurrence.KINDS:
        names = [n for n in ("pullback, eager", "NumPy by hand") if recurrence.there(n, kind)]
        found = [float(recurrence.STEPS[name](kind, 2, 3)()) for name in names]
        np.testing.assert_allclose(found, found[0], rtol=1e-5)
    times = {"least": 1.0, "median": 2.0}
    text = recurrence.show(
        {
            "batch": 2,
            "time": 3,
            "GRU": {"pullback, compiled": times, "torch": {"least": 2.0, "median": 3.0}},
        }
    )
    assert "0.50" in text


@pytest.mark.parametrize(
    ("installed", "machine", "helped"),
    [
        (("clang", "gcc"), "x86_64", False),
        (("gcc",), "x86_64", True),
        (("gcc",), "aarch64", False),
        ((), "x86_64", False),
    ],
)
def test_tinygrad_gets_a_compiler_where_clang_is_missing(
    load, tmp_path, installed, machine, helped
):
    which = lambda name: f"/opt/{name}" if name in installed else None
    env = load("_clang").tinygrad_environment(tmp_path, which, machine)
    assert (env == {}) is not helped
    if helped:
        assert env["DEV"] == "CPU:X86"
        assert os.access(env["CC"], os.X_OK)
        assert "/opt/gcc" in Path(env["CC"]).read_text()


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for clang is a shell script")
def test_the_compilers_stand_in_drops_the_target_and_writes_to_its_output(load, tmp_path):
    compiler = tmp_path / "fake"  # writes its arguments to the last file named after -o
    compiler.write_text('#!/bin/sh\nfor a do last=$a; done\necho "$@" > "$last"\n')
    compiler.chmod(0o700)
    env = load("_clang").tinygrad_environment(tmp_path, {"gcc": str(compiler)}.get, "x86_64")
    said = subprocess.run(
        [env["CC"], "-c", "--target=x86_64-none", "-O2", "-", "-o", "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert said[:-1] == ["-c", "-O2", "-", "-o", "-", "-o"]


def test_dask_logistic_has_one_loss_by_both_and_no_more_tasks_than_by_hand(load):
    sys.path.remove(str(FOLDER))  # Dask looks for a package `sparse`, and a benchmark has that name
    try:
        pytest.importorskip("dask.array", reason="Dask is in the extra `test`")
    finally:
        sys.path.insert(0, str(FOLDER))
    logistic = load("dask_logistic")
    found = [
        logistic.CALLS[way](*logistic.data(60, 3, 20), np.full(3, 0.1)) for way in logistic.WAYS
    ]
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-12)
    ours, hand = (
        logistic.tasks(way, 200, 3, 20) - logistic.tasks(way, 100, 3, 20) for way in logistic.WAYS
    )
    assert ours <= hand


@pytest.mark.parametrize("power", [-1.0, 0.0, 1.0, 2.5])
def test_slopes_are_those_of_powers(load, power):
    x = [2, 8, 64, 100]
    assert load("scaling").slope(x, [3 * v**power for v in x]) == pytest.approx(power, abs=1e-12)


def test_a_sweep_changes_one_thing(load):
    scaling = load("scaling")
    assert scaling.size_at("width", 32).widths == (64, 32, 32, 10)
    assert scaling.size_at("depth", 3).widths == (64, 256, 256, 256, 10)
    assert scaling.size_at("batch", 7).batch == 7


def test_flops_count_every_product_once(load):
    problem = load("_problem")
    # x (2×3) W₁ (3×4) W₂ (4×5): forward 2·3·4 + 2·4·5, weights' gradients the same, h's 2·5·4; two operations each
    assert problem.flops(problem.Size((3, 4, 5), 2)) == 2 * (2 * (24 + 40) + 40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No module named 'x'", "No module named 'x'"),
        ("from 'a.b' (/some/where/b.py)", "from 'a.b' (b.py)"),
        ('File "/some/x.py", line 1', 'File "x.py", line 1'),
        ("1/2 of https://example.org/a/b", "1/2 of https://example.org/a/b"),
    ],
)
def test_messages_lose_their_paths(load, text, expected):
    assert load("_report").without_paths(text) == expected


def test_tables_of_the_streaming_benchmark_are_what_they_say(load, tmp_path):
    streaming = load("streaming")
    for form in streaming.FORMS:
        path = tmp_path / f"t.{form}"
        assert streaming.write_table(path, 30, 4) == 30 * 4 * 8
        data = pb.train.load_dataset(path)
        assert (data.x.shape, len(data.classes)) == ((30, 3), 3)
    row = {"MiB": 10.0, "seconds": 2.0, "of the array": 0.25}
    found = {"rows": 30, "columns": 4, "array MiB": 40.0, "forms": {"npy": {"streamed": row}}}
    assert "0.25" in streaming.show(found)


def test_peak_memory_reads_the_systems_numbers(load):
    read = load("peak_memory").status_mib
    assert read("VmPeak:\t 1 kB\nVmHWM:\t  2048 kB\n", "VmHWM") == 2.0
    with pytest.raises(RuntimeError, match="Linux"):
        read("", "VmHWM")


def test_adam_by_hand_is_the_librarys(load):
    import pullback as pb

    rng = np.random.default_rng(0)
    start = [rng.standard_normal((3, 2)), rng.standard_normal(2)]
    ours, update = [a.copy() for a in start], load("_adam").in_place(np, 0.1)
    init, step = load("_adam").functional(np, 0.1)
    pure = start
    opt = pb.optim.Adam(0.1)
    theirs, state = start, opt.init(start)
    np.int32, kept = (
        np.int32,
        init,
    )  # `init` takes JAX's zeros(shape, dtype), which NumPy has as well
    memory = kept(start)
    for _ in range(5):
        grads = [rng.standard_normal(a.shape) for a in start]
        update(ours, grads)
        pure, memory = step(pure, grads, memory)
        theirs, state = opt.step(theirs, grads, state)
    for a, b, c in zip(ours, pure, theirs, strict=True):
        np.testing.assert_allclose(a, c, rtol=1e-10)
        np.testing.assert_allclose(b, c, rtol=1e-10)


MACHINE = {"date": "2026-11-21 09:00 UTC", "cores": 2, "cpu": "a|b", "python": "3", "numpy": "2"}
STEP = {
    "precision": {"hand": "float32", "torch": "float32"},
    "optimizer": "sgd",
    "sizes": {
        "big": {
            "hand": {"seconds": {"median": 2e-5}, "over_torch": {"median": 0.5}},
            "torch": {"seconds": {"median": 4e-5}, "over_hand": {"median": 2.0}},
        }
    },
    "skipped": {"mygrad": "mygrad: not installed"},
}


def test_markdown_is_of_the_newest_results_alone(load, tmp_path):
    make = load("_markdown")
    old = json.loads(json.dumps(STEP).replace("4e-05", "1.0"))
    for name, step in (
        ("2026-11-20-mlp", old),
        ("2026-11-21-mlp", STEP),
        ("2026-11-22-mlp-other", old),
    ):
        text = json.dumps({"environment": MACHINE, "mlp": step})
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    (tmp_path / "2026-11-23-unknown.json").write_text("{}", encoding="utf-8")
    text = make.markdown(make.newest(tmp_path))
    lines = text.splitlines()
    assert "|  | big |" in lines
    assert "| hand | 20.0 (0.50) |" in lines
    assert "| torch | 40.0 (2.00) |" in lines
    assert "left out: mygrad: not installed" in lines
    assert lines[-1].startswith("2026-11-21 09:00 UTC, 2 cores of a|b")
    assert make.markdown([]) == ""


def test_markdown_of_the_saved_results(load):
    make = load("_markdown")
    found = make.newest(FOLDER / "results")
    assert found
    text = make.markdown(found)
    assert text.count("**") == 2 * len(found)
    for block in text.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1


def test_left_out_peers_stand_under_the_table(load):
    spread = {"median": 2e-5, "low": 1e-5, "high": 3e-5}
    row = {"seconds": spread, "over_hand": {"median": 1.0, "low": 1.0, "high": 1.0}}
    step = STEP | {"sizes": {"big": {"hand": row}}, "device": "cpu", "versions": {}, "settings": {}}
    text = load("mlp").show(step)
    assert "hand    float32       20.0  10.0-30.0  1.00 (1.00-1.00)" in text
    assert text.index("left out: mygrad: not installed") > text.index("20.0")


def test_shares_of_the_devices_product_rate(load):
    gpu, problem = load("gpu"), load("_problem")
    rate = problem.flops(problem.SIZES["big"]) / 1e-5  # the products alone would take 10 µs
    rows = gpu.shares(STEP, {"float32": {"1024×1024×1024": rate}})
    assert rows == [["big", "hand", "float32", "50 %"], ["big", "torch", "float32", "25 %"]]
    assert gpu.shares(STEP, {"tf32": {"1024×1024×1024": rate}}) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA GeForce RTX 4090", "4090"),
        ("Tesla V100-SXM2-16GB", "v100"),
        ("NVIDIA RTX A6000", "a6000"),
        ("Something else", "something-else"),
    ],
)
def test_results_are_named_by_the_card(load, name, expected):
    assert load("gpu").card(name) == expected


def test_ratios_to_the_two_peers_of_the_same_precision(load):
    at = lambda t: {"seconds": {"median": t}}
    peers = {
        "pullback compiled bfloat16": at(2.0),
        "torch bfloat16": at(4.0),
        "jax bfloat16": at(2.5),
    }
    step = {
        "sizes": {"wide": peers, "big": {"pullback": at(1.0)}},
        "precision": dict.fromkeys(peers, "bfloat16") | {"pullback": "float32"},
    }
    assert load("gpu").over_jax(step) == [
        ["wide", "pullback compiled bfloat16", "bfloat16", "0.80", "0.50"],
        ["big", "pullback", "float32", "", ""],
    ]


def test_the_gpu_s_parts_begin_with_what_users_call(load):
    gpu, peers = load("gpu"), load("_peers")
    names = list(gpu.parts(list(peers.ON_CUDA), 1))
    assert names[:3] == ["float32", "tf32", "bfloat16"]
    assert names[-1] == "others-float32"
    assert {"adam-float32", "adjoint-float64", "fit", "convolution-float32"} <= set(names)
    assert set(gpu.MAIN) <= set(peers.ON_CUDA)


def test_without_a_gpu_one_line_says_so(load):
    from ..conftest import NO_CUDA

    if not NO_CUDA:
        pytest.skip("there is a CUDA device here")
    done = subprocess.run(
        [sys.executable, str(FOLDER / "gpu.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_convolution_s_loss_and_gradient_do_not_depend_on_compiling(load):
    conv = load("convolution")
    with pb.backend.use("numpy"):  # which the benchmark makes active for good
        steps = [conv.pullback("cpu", compiled)[0] for compiled in (False, True)]
        for _ in range(3):
            ours, theirs = (float(step()) for step in steps)
            assert ours == pytest.approx(theirs, rel=1e-5)
    assert ours < 2.8


LIVE = """
import pytest
def test_right(): pass
def test_wrong(): assert 1 == 2
@pytest.mark.parametrize("i", range(3))
def test_elsewhere(i): pytest.skip("no such thing here")
@pytest.fixture
def broken(): raise ValueError("no")
def test_error(broken): pass
"""


def test_failures_are_written_as_they_come(tmp_path):
    (tmp_path / "test_live.py").write_text(LIVE)
    env = os.environ | {"PYTHONPATH": str(FOLDER.parent / "tools")}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider"]
    command += ["-p", "live_failures", "--live-failures=out"]
    subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=False)
    counts = json.loads((tmp_path / "out" / "tests.json").read_text())
    expected = {"passed": 1, "failed": 1, "errors": 1, "skipped": 3, "finished": 1}
    assert counts == {"outcomes": expected, "skipped": {"no such thing here": 3}}
    text = (tmp_path / "out" / "failures.txt").read_text()
    assert "test_live.py::test_wrong [call]" in text
    assert "assert 1 == 2" in text
    assert "ValueError: no" in text


ORDERED = """
import pytest
@pytest.mark.parametrize("lib", ["numpy", "cupy"])
def test_by_library(lib): pass
def test_on_the_host(): pass
@pytest.mark.gpu
def test_on_a_device(): pass
"""


@pytest.mark.parametrize("how", [[], ["--live-failures=out"]], ids=["as they stand", "ordered"])
def test_what_needs_a_device_comes_first(tmp_path, how):
    (tmp_path / "test_order.py").write_text(ORDERED)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu: needs a device\n")
    env = os.environ | {"PYTHONPATH": str(FOLDER.parent / "tools")}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "-p",
        "no:cacheprovider",
        "-p",
        "live_failures",
    ]
    done = subprocess.run(
        command + how, cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    order = re.findall(r"::(test_\S+) PASSED", done.stdout)
    stand = [
        "test_by_library[numpy]",
        "test_by_library[cupy]",
        "test_on_the_host",
        "test_on_a_device",
    ]
    assert order == ([stand[3], stand[1], stand[0], stand[2]] if how else stand)


def test_floors_on_a_stand_in_for_cupy(load, monkeypatch):
    floors = load("_floors")
    monkeypatch.setattr(floors, "seconds", lambda cp, call: call() is None or 0.5)
    rng = np.random.default_rng(0)
    random = types.SimpleNamespace(
        standard_normal=lambda shape, dtype: rng.standard_normal(shape).astype(dtype)
    )
    fake = types.SimpleNamespace(random=random, empty=np.empty, matmul=np.matmul)
    assert floors.product_rates(fake, "tf32", ((2, 3, 4),)) == {"2×3×4": 2 * 24 / 0.5}
    text = floors.show(
        {
            "products": {"tf32": {f"{m}×{k}×{n}": 2e12 for m, k, n in floors.SHAPES}},
            "skipped": {"bfloat16": "bfloat16: no ml_dtypes"},
            "copy bytes a second": 3e9,
        }
    )
    assert "3 GB/s" in text
    assert "2.0" in text
    assert "left out: bfloat16: no ml_dtypes" in text


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is told by Linux")
@pytest.mark.parametrize("kind", ["floats", "words"])
def test_a_table_is_read_whole_by_both(load, tmp_path, kind):
    pytest.importorskip("pandas", reason="tables are read by pandas, of the extra `train`")
    load("_report"), load("_worker"), load("peak_memory")
    tables = load("tables")
    path = tmp_path / "table.csv"
    rows, nbytes = tables.write_table(path, kind, 0.3)
    assert nbytes == 8 * rows * tables.COLUMNS
    found = {reader: tables.read(reader, str(path)) for reader in tables.READERS}
    assert {one["numbers"] for one in found.values()} == {rows * tables.COLUMNS}
    assert all(one["MiB"] >= 0 and one["seconds"] > 0 for one in found.values())


def test_the_table_of_tables(load):
    tables = load("tables")
    half = {"median": 0.5, "low": 0.4, "high": 0.6}
    reader = {"seconds": half, "processor seconds": half, "MiB": 30.0, "memory over array": 1.5}
    kind = {
        "file MB": 40.0, "pandas": reader, "pullback": reader, "time over pandas": {"median": 1.25},
        "processor time over pandas": {"median": 1.2},
    }  # fmt: skip
    text = tables.show({"columns": 20, "kinds": {"words": kind}})
    assert "words, 40 MB, pullback" in text
    assert "1.25" in text
