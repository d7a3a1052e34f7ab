"""Training compiles its step: the run is the eager one, nothing is read within an epoch, or it says why not."""

from __future__ import annotations

import dataclasses
import signal

import array_api_strict
import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.executable import Executable
from pullback.train import epochs as _epochs
from pullback.train import replay as _replay
from pullback.train.data import device_data as _feeding
from pullback.train.fitting import feeding as _batches

from ..autograd.compile.cuda import test_assemble as test_compile_cuda
from ..conftest import WITHOUT_STANDIN
from ..cuda.emulator import COMPILER, NEEDS
from ._step import EAGER, X, Y, branching
from .cli._cli import QUICK, folder, pullback, table  # noqa: F401 - fixtures

emulated = test_compile_cuda.runtime  # a fixture
M = pb.models
SQUARED = M.squared_error


def on_device(*arrays):
    return tuple(pb.backend.current().asarray(np.asarray(a)) for a in arrays)


def mlp(dtype="float64"):
    return M.MLP([3, 6, 1], activation="tanh", dtype=dtype, seed=0)


def deep(dtype="float64"):
    return M.Sequential(
        M.Linear.init(3, 6, bias=False, dtype=dtype), M.BatchNorm.init(6, dtype=dtype), "relu", M.Dropout(0.25),
        M.Residual(M.Sequential(M.LayerNorm.init(6, dtype=dtype), M.Linear.init(6, 6, seed=1, dtype=dtype))),
        M.Linear.init(6, 1, seed=2, dtype=dtype),
    )  # fmt: skip


def fit(model, opt=None, loss=SQUARED, data=None, **settings):
    data = data or on_device(X, Y)
    settings = {"epochs": 8, "batch_size": 8, "patience": 0, **settings}
    return pb.train.fit(model, loss, data, data, opt or pb.optim.Adam(1e-2), **settings)


def leaves(model):
    return [pb.to_numpy(leaf) for leaf in pb.tree.leaves(model)]


OPTIMISERS = {
    "Adam": pb.optim.Adam(1e-2),
    "AdamW": pb.optim.AdamW(1e-2, weight_decay=0.1),
    "SGD": pb.optim.SGD(1e-2, momentum=0.9, nesterov=True, weight_decay=0.1),
    "a schedule": pb.optim.Adam(lambda step: 1e-2 / (1 + step)),
    "clipped": pb.optim.Clipped(pb.optim.Adam(1e-2), norm=0.5),
    "scaled": pb.optim.LossScaling(pb.optim.Adam(1e-2)),
}


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("network", [mlp, deep])
def test_a_compiled_run_is_the_eager_one(network, name):
    model = network()
    before = leaves(model)
    compiled, eager = (fit(network() if s else model, OPTIMISERS[name], **s) for s in ({}, EAGER))
    assert (compiled.eager, eager.eager) == ("", "compile=False")
    assert compiled.steps == eager.steps == 64
    for a, b in zip(compiled.history, eager.history, strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-9)
    for a, b in zip(leaves(compiled.model), leaves(eager.model), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-10)
    for a, b in zip(
        leaves(model), before, strict=True
    ):  # a step in place does not reach the caller's
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("network", [mlp, deep])
def test_the_same_seed_gives_the_same_bits(network):
    first, again, other = (fit(network("float32"), seed=s) for s in (3, 3, 4))
    assert first.history == again.history
    for a, b in zip(leaves(first.model), leaves(again.model), strict=True):
        assert a.tobytes() == b.tobytes()
    assert first.history != other.history


def test_the_step_runs_in_python_once_for_each_size_of_a_batch():
    traced = []

    def loss(outputs, y):
        if outputs.traced:
            traced.append(tuple(outputs.shape))
        return SQUARED(outputs, y)

    fit(mlp(), loss=loss)
    assert traced == [(8, 1), (5, 1)]


def test_the_best_weights_are_not_overwritten():
    """The best epoch's arrays are apart from those that the steps after it write into."""
    x, y = on_device(X, Y)
    seen = []
    run = pb.train.fit(
        mlp(), SQUARED, (x, y), (x, -y), pb.optim.SGD(0.05), epochs=12, batch_size=8, patience=0,
        on_epoch=lambda now: seen.append((now.best.epoch, leaves(now.model))),
    )  # fmt: skip
    assert run.eager == ""
    assert run.best.epoch < 12
    found = next(weights for epoch, weights in seen if epoch == run.best.epoch)
    for a, b in zip(leaves(run.model), found, strict=True):
        np.testing.assert_array_equal(a, b)
    assert pb.train.evaluate(run.model, SQUARED, (x, -y))[0] == run.best.validation_loss


@pytest.mark.parametrize("row", [0, 17, 60])
def test_a_loss_that_is_no_number_names_its_step(row):
    """One target is NaN: the step is that of the batch in which its row comes first."""
    y = Y.copy()
    y[row] = np.nan
    order = np.random.default_rng([0, 1]).permutation(61)
    step = int(np.flatnonzero(order == row)[0]) // 8 + 1
    good = on_device(X, Y)

    def loss(outputs, t):  # where it is measured, nothing is NaN
        return SQUARED(outputs, t if outputs.traced else 0 * outputs)

    run = pb.train.fit(
        mlp(), loss, on_device(X, y), good, pb.optim.SGD(1e-3), epochs=8, batch_size=8
    )
    assert (run.stopped, run.steps) == ("diverged", step)
    assert run.why == f"the loss became nan at step {step} (epoch 1)"
    assert run.best.epoch == 0
    assert all(np.isfinite(w).all() for w in leaves(run.model))


@pytest.mark.usefixtures("terminal_signals")
def test_ctrl_c_within_an_epoch_ends_it(monkeypatch):
    steps = []
    given = _feeding.batches

    def batches(*args):
        for batch in given(*args):
            steps.append(1)
            if len(steps) == 5:
                signal.raise_signal(signal.SIGINT)
            yield batch

    monkeypatch.setattr(_batches, "batches_of", batches)
    run = fit(mlp())
    assert (run.stopped, run.steps, run.eager) == ("interrupted", 4, "")
    assert [row.steps for row in run.history] == [0, 4]


# ── what cannot be compiled ───────────────────────────────────────────────────────────────────


def test_a_loss_that_branches_runs_eagerly_and_says_why():
    run, eager = fit(mlp(), loss=branching), fit(mlp(), loss=branching, **EAGER)
    assert run.eager.startswith("the step cannot be compiled: TraceError: ")
    assert "_step.py" in run.eager
    assert run.history == eager.history


def test_few_steps_are_not_compiled():
    assert fit(mlp(), epochs=2).eager == "16 steps are too few to be worth compiling"


def test_an_error_of_the_model_is_its_own():
    def wrong(outputs, y):
        raise KeyError("mine") if outputs.traced else ZeroDivisionError
        return outputs

    with pytest.raises((KeyError, ZeroDivisionError)):
        fit(mlp(), loss=wrong)


def test_a_program_that_cannot_be_written_is_told(monkeypatch):
    def broken(self):
        raise OSError("no room for kernels")

    monkeypatch.setattr(Executable, "prepare", broken)
    run, eager = fit(mlp()), fit(mlp(), **EAGER)
    assert run.eager == "the step cannot be compiled: OSError: no room for kernels"
    assert run.steps == 64
    assert run.history[-1].loss == pytest.approx(eager.history[-1].loss, rel=1e-9)


# ── where the data lie ────────────────────────────────────────────────────────────────────────


def test_on_another_device_too(lib):
    home = pb.backend.backend_of(lib.asarray(0.0))
    data = tuple(lib.asarray(a) for a in (X, Y))
    here = fit(mlp(), **EAGER)
    with pb.backend.use("numpy"):
        model = mlp()
    there = fit(pb.tree.map(lambda p: lib.asarray(p), model), data=data)
    assert all(lib.is_raw(p) for p in pb.tree.leaves(there.model))
    assert there.history[-1].loss == pytest.approx(here.history[-1].loss, rel=1e-7)
    assert home.name == pb.backend.backend_of(pb.tree.leaves(there.model)[0]).name


@pytest.mark.parametrize("gathered", [1, 200, 1 << 28])
def test_rows_are_gathered_on_the_device_by_one_order(monkeypatch, gathered):
    """A take for each array and block of batches, and slices of it; the order is sent once."""
    monkeypatch.setattr(_feeding, "_GATHERED", gathered)
    device = array_api_strict.Device("device1")
    home = pb.backend.backend_of(array_api_strict.zeros(1, device=device))
    x, y = (home.asarray(a) for a in (X, Y))
    order = np.random.default_rng(0).permutation(61)
    parts = list(_feeding.batches((x, y), order, 8, home, 2))
    assert [p[0].shape[0] for p in parts] == [8] * 7 + [5]
    for place, column in enumerate((X, Y)):
        got = np.concatenate([pb.to_numpy(p[place]) for p in parts])
        np.testing.assert_array_equal(got, column[order])


def test_nothing_is_read_within_an_epoch(monkeypatch):
    """Reading waits for the device: `to_numpy`, `float` and `bool` of what steps make are for the epoch's end."""
    device = array_api_strict.Device("device1")
    home = pb.backend.backend_of(array_api_strict.zeros(1, device=device))
    model = pb.tree.map(lambda p: home.asarray(pb.to_numpy(p)), mlp())
    inside, read = [False], []
    epoch = _epochs.run_epoch

    def watched(*args):
        inside[0] = True
        try:
            return epoch(*args)
        finally:
            inside[0] = False

    for name in ("__float__", "__bool__", "__int__", "__index__", "__array__"):
        kind = type(home.asarray(X))
        given = getattr(kind, name, None)
        if given is not None:
            monkeypatch.setattr(
                kind,
                name,
                lambda *a, given=given, name=name: (
                    read.append(name) if inside[0] else None,
                    given(*a),
                )[1],
            )
    monkeypatch.setattr(_epochs, "run_epoch", watched)
    data = tuple(home.asarray(a) for a in (X, Y))
    run = fit(model, data=data, epochs=7)
    assert run.steps == 56
    assert run.eager == ""
    assert read == []


# ── precision ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("precision", ["tf32", "bfloat16", "float16"])
@pytest.mark.parametrize("network", [mlp, deep])
@WITHOUT_STANDIN
def test_products_are_rounded(network, precision):
    run = fit(network("float32"), precision=precision, epochs=3)
    plain = fit(network("float32"), epochs=3, **EAGER)
    assert run.eager == ""
    got, want = run.history[-1].loss, plain.history[-1].loss
    assert got != want
    assert got == pytest.approx(want, rel=0.05)
    assert {leaf.dtype for leaf in leaves(run.model)} == {np.dtype("float32")}


PRECISION_REFUSED = {
    "unknown": ({"precision": "float8"}, "float32", "is none of float32, tf32"),
    "eager": ({"precision": "tf32", **EAGER}, "float32", "is for compiled steps"),
    "float64": ({"precision": "tf32"}, "float64", "this model is float64"),
    "branches": ({"precision": "tf32", "loss": branching}, "float32", "the step cannot be compiled: TraceError"),
}  # fmt: skip


@pytest.mark.parametrize("case", PRECISION_REFUSED)
def test_a_precision_that_cannot_be_had_is_refused(case):
    settings, dtype, message = PRECISION_REFUSED[case]
    with pytest.raises(ValueError, match=message):
        fit(mlp(dtype), **settings)


def test_a_library_whose_arrays_cannot_be_rounded_is_named():
    device = array_api_strict.Device("device1")
    home = pb.backend.backend_of(array_api_strict.zeros(1, device=device))
    model = pb.tree.map(lambda p: home.asarray(pb.to_numpy(p)), mlp("float32"))
    data = tuple(home.asarray(a.astype("f")) for a in (X, Y))
    with pytest.raises(ValueError, match=r"precision='bfloat16'.* cannot be rounded"):
        fit(model, data=data, precision="bfloat16")


def test_small_gradients_survive_float16():
    """Gradients of 1e-9 are 0 in float16, unless the loss is scaled."""
    small = lambda outputs, y: 1e-7 * SQUARED(outputs, y)
    run = fit(
        mlp("float32"), pb.optim.Adam(1e-2, eps=1e-16), loss=small, precision="float16", epochs=20
    )
    plain = fit(mlp("float32"), pb.optim.Adam(1e-2, eps=1e-16), loss=small, epochs=20)
    assert run.history[-1].loss < 0.5 * run.history[0].loss
    assert run.history[-1].loss == pytest.approx(plain.history[-1].loss, rel=0.05)


# ── the command line and the estimators ───────────────────────────────────────────────────────


REFUSED = {
    "unknown": (["--precision", "float8"], "precision: unknown value 'float8'"),
    "eager": (["--precision", "tf32", "--no-compile"], "leave out --no-compile"),
    "float64": (["--precision", "tf32", "--dtype", "float64"], "the dtype is float64"),
}


@pytest.mark.parametrize("command", ["train", "tune"])
@pytest.mark.parametrize("case", REFUSED)
def test_the_command_line_refuses_in_one_line(pullback, command, case):  # noqa: F811 - a fixture
    table("t.csv")
    code, out, err = pullback(command, "t.csv", *QUICK[:2], *REFUSED[case][0])
    assert (code, out, len(err)) == (2, [], 1)
    assert REFUSED[case][1] in err[0]


def test_a_run_that_could_not_compile_says_so(pullback, monkeypatch):  # noqa: F811 - a fixture
    table("n.csv", "numbers")
    task = pb.train.run.tables.task_for
    monkeypatch.setattr(
        pb.train.run.tables,
        "task_for",
        lambda data: dataclasses.replace(task(data), loss=branching),
    )
    code, out, err = pullback("train", "n.csv", "--epochs", "60")
    assert (code, err) == (0, [])
    assert out[2].startswith("not compiled: the step cannot be compiled: TraceError")


def test_batches_of_all_sizes_are_programs_of_one_compiled_function():
    """So that they share kernels, and a last short batch compiles none of its own."""

    def step(parameters, state, tally, x):
        return parameters - pb.xp.sum(x), state, tally

    replayed = _replay.Replayed(step, 3, pb.backend.backend_of(np.zeros(1)), "float32")
    parameters, wanted = pb.xp.negative(np.zeros(2)), 0.0
    for n in (4, 4, 3, 4, 3, 4, 3):
        parameters, _, _ = replayed(parameters, np.zeros(1), np.zeros(1), np.ones(n))
        wanted -= n
    np.testing.assert_array_equal(pb.to_numpy(parameters), [wanted, wanted])
    assert replayed.calls == [((4,), 2), ((3,), 2)]
    assert len(replayed._program._executables) == 2


# ── on a CUDA device, emulated ────────────────────────────────────────────────────────────────


@pytest.mark.skipif(COMPILER is None, reason=NEEDS)
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
@pytest.mark.usefixtures("on_numpy")
def test_a_device_takes_the_whole_step_at_once(emulated, monkeypatch, precision):
    """One segment, which is one graph: no call of an array function cuts it, the tally of steps included."""
    steps = []
    given = _replay.Replayed.__init__

    def noted(self, *args):
        given(self, *args)
        steps.append(self)

    monkeypatch.setattr(_replay.Replayed, "__init__", noted)
    labels = np.arange(61) % 4
    x = X.astype("f")
    settings = {"epochs": 8, "batch_size": 8, "patience": 0}
    opt = pb.optim.AdamW(1e-2, weight_decay=0.1)
    runs = [
        pb.train.fit(
            M.MLP([3, 16, 4], seed=0), M.cross_entropy, (x, labels), (x, labels), opt, **settings, **more
        )
        for more in ({"precision": precision}, EAGER)
    ]  # fmt: skip
    assert [run.eager for run in runs] == ["", "compile=False"]
    tolerance = 1e-5 if precision == "float32" else 1e-2
    assert runs[0].history[-1].loss == pytest.approx(runs[1].history[-1].loss, rel=tolerance)
    assert sorted(steps[0].calls) == [((5, 3), 2), ((8, 3), 2)]
    programs = steps[0]._program._executables
    assert len(programs) == 2
    for entry in programs:
        assert [line.partition("_")[0] for line in entry.assembly.lines] == ["segment"]
