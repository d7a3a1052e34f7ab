"""What the parts of `python benchmarks` share: names by processor, the wait for quiet, limits, peers in turns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import pullback as pb

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks"
if not FOLDER.is_dir():
    pytest.skip("the benchmarks are not beside these tests", allow_module_level=True)


CPUINFO = {
    "AMD EPYC": ("AuthenticAMD", 25, 17, "Zen 4", "amd-epyc-zen-4"),
    "AMD EPYC 9B45 128-Core Processor": ("AuthenticAMD", 26, 2, "Zen 5", "amd-epyc-9b45-zen-5"),
    "Intel(R) Xeon(R) Processor @ 2.60GHz": ("GenuineIntel", 6, 143, "Sapphire Rapids", "intel-xeon-sapphire-rapids"),
    "Intel(R) Xeon(R) CPU": ("GenuineIntel", 6, 999, "family 6, model 999", "intel-xeon-family-6-model-999"),
}  # fmt: skip


@pytest.mark.parametrize("cpu", CPUINFO)
def test_files_are_named_by_the_processor(load, cpu):
    machine = load("_machine")
    vendor, family, model, generation, name = CPUINFO[cpu]
    told = {"vendor_id": vendor, "cpu family": str(family), "model": str(model)}
    assert machine.generation_of(told) == generation
    assert machine.slug({"cpu": cpu, "generation": generation}) == name
    assert machine.generation_of({}) == ""
    assert machine.slug({"cpu": "AMD EPYC"}) == "amd-epyc"


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([1e-3] * 9, False),
        ([1e-3] * 4 + [1.3e-3] * 5, False),
        ([1e-3] * 4 + [3.5e-3] * 5, True),  # most are far above the least
        ([8.1e-3] * 9, True),  # two periods of the scheduler
        ([6e-3] * 9, False),  # a slow machine
    ],
)
def test_threads_that_wait_for_each_other_are_noticed(load, taken, expected):
    assert load("_machine").disturbed(taken) is expected


def test_medians_at_multiples_of_the_schedulers_period_are_named(load):
    row = lambda ms: {"seconds": {"median": ms * 1e-3}}
    sizes = {
        "digits": {"products": row(24.0), "jax": row(0.17), "torch": row(0.36)},
        "big": {"products": row(56.0), "jax": row(55.4)},  # no longer than the other
        "mnist": {"autograd": row(21.5), "jax": row(2.1)},  # no multiple
    }
    found = {"sizes": sizes, "rounds": 3, "note": None}
    assert load("_machine").cliffs(found) == ["sizes, digits, products: 24.0 ms"]
    assert load("_machine").cliffs([1.0]) == []


def test_a_part_waits_until_the_machine_is_quiet_and_no_longer_than_it_may(load):
    settle, now = load("_machine").settle, [0.0]
    sleep = lambda seconds: now.__setitem__(0, now[0] + seconds)
    busy, quiet = [8e-3] * 9, [1e-3] * 9
    probes = iter([busy, busy, quiet])
    found = settle(60, lambda: next(probes), lambda: now[0], sleep)
    assert (found["waited s"], found["disturbed"]) == (4.0, False)
    found = settle(10, lambda: busy, lambda: now[0], sleep)
    assert (found["waited s"], found["disturbed"]) == (10.0, True)


def test_every_part_has_a_module_of_one_form(load):
    parts = load("_parts")
    for part in filter(lambda part: part.exists, parts.PARTS.values()):
        text = (FOLDER / f"{part.module}.py").read_text(encoding="utf-8")
        assert "\ndef measure(" in text, part
        assert "\ndef show(" in text, part
    assert parts.minutes(["vmap"]) == "about 20 s"
    assert parts.minutes(["mlp", "fit_large"]) == "about 5 minutes"


def test_limits_of_saved_results_are_checked_and_the_missed_ones_named(load):
    limits, saved = load("_limits"), load("_saved")
    for part in limits.LIMITS:
        for file in saved.saved(FOLDER / "results", part):
            records = limits.checked(part, file.found, file.environment)
            assert len({r["what"] for r in records}) == len(records)
            assert all(isinstance(r["value"], float) for r in records)
            if "note" not in file.environment:
                assert records, file.path.name
    found = {"geometric mean of the ratios": 0.7}
    (record,) = limits.checked("hips", found, {})
    assert limits.missed([record]) == [
        "missed: geometric mean over HIPS autograd: 0.7, at most 0.6"
    ]
    assert limits.missed(limits.checked("hips", {"geometric mean of the ratios": 0.5}, {})) == []
    assert limits.checked("chain", {}, {}) == []
    intel, amd = (
        limits.checked("adjoint", {"solve 500": {"pullback": {"median": 1.0}}}, {"cpu": cpu})
        for cpu in ("Intel(R) Xeon(R)", "AMD EPYC")
    )
    assert (intel[0]["most"], amd[0]["most"]) == (0.75, 1.0)


def test_the_newest_file_of_each_processor_is_taken(load, tmp_path):
    saved = load("_saved").saved
    for name, cpu in (
        ("2026-11-20-mlp", "AMD EPYC"), ("2026-11-21-mlp-amd-epyc", "AMD EPYC"), ("2026-11-19-mlp-x1", "X1"),
        ("2026-11-22-mlp-avx2", "AMD EPYC"),
    ):  # fmt: skip
        content = {"environment": {"cpu": cpu}, "mlp": {}}
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    assert [file.path.stem for file in saved(tmp_path, "mlp")] == [
        "2026-11-21-mlp-amd-epyc",
        "2026-11-19-mlp-x1",
    ]


def test_peers_in_turns_agree_first_and_one_that_is_missing_is_left_out(load):
    calls = []

    def peer(name, result):
        def make():
            return lambda: calls.append(name) or result

        return make

    def missing():
        raise ImportError("no such thing")

    def agree(name, ours, first):
        if ours != first:
            raise RuntimeError(name)

    turns = load("_turns").in_turns
    makers = {"a": peer("a", 1), "torch": peer("torch", 1), "b": missing}
    ticks = iter(range(1000))
    found = turns(makers, rounds=2, block=0.0, agree=agree, clock=lambda: next(ticks))
    assert found["left out"] == {"b": "no such thing"}
    assert found["peers"]["a"]["over_torch"]["median"] == 1.0
    assert calls[-4:] == ["a", "a", "torch", "torch"]
    with pytest.raises(RuntimeError, match="c"):
        turns(makers | {"c": peer("c", 2)}, rounds=1, agree=agree)


def test_a_step_of_a_graph_network_is_the_same_compiled(load, monkeypatch):
    graphs = load("graph_network")
    monkeypatch.setitem(graphs.SIZES, "tiny", (9, 20, 5, 8, 3))
    monkeypatch.setenv("PULLBACK_FAST", "0")
    edges = graphs.data("tiny")[1]
    assert (edges[0] != edges[1]).all()
    with pb.backend.use("numpy"):
        for case in graphs.cases("tiny").values():
            first, second = (case[name]() for name in ("pullback compiled", "pullback"))
            for _ in range(3):
                assert float(first()[0]) == pytest.approx(float(second()[0]), rel=1e-5)


@pytest.mark.parametrize("name", ["pullback, fit", "pullback, MLPClassifier"])
def test_an_epoch_of_fit_ends_at_the_gate(load, monkeypatch, name):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    monkeypatch.setenv("PULLBACK_FAST", "0")
    fit, losses = load("fit_large"), []

    def gate(loss):
        losses.append(loss)
        if len(losses) == 3:
            raise pb.train.StopTraining("enough")

    train, validation = fit.data(300)
    assert [len(a) for a in (*train, *validation)] == [300, 300, 33, 33]
    with pb.backend.use("numpy"):
        if "MLP" in name:
            with pytest.raises(pb.train.StopTraining):
                fit.PEERS[name]("adam", train, validation, gate)
        else:
            fit.PEERS[name]("adam", train, validation, gate)
    # `fit` tells the gate of no epoch 0
    assert losses == sorted(losses, reverse=True)
    row = {
        "seconds": {"median": 2.0, "low": 1.0, "high": 3.0},
        "losses": [2.0, 1.0],
        "over torch": {"median": 0.5},
    }
    assert "0.50" in fit.show({"rows": 300, "cases": {"sgd": {name: row}}})


def test_new_batch_sizes_give_the_losses_of_the_eager_step(load, monkeypatch):
    monkeypatch.setenv("PULLBACK_FAST", "0")
    shapes = load("new_shapes")
    with pb.backend.use("numpy"):
        compiled, eager = (shapes.train(way, (5, 3)) for way in ("NumPy alone", "eager"))
    for key in ("losses", "parameters"):
        np.testing.assert_allclose(compiled[key], eager[key], rtol=1e-4, atol=1e-6)
    row = {"seconds": {"median": 2.0}, "by size": [1.5, 0.5]}
    assert "500" in shapes.show({"sizes": [5, 3], "calls": 3, "limits": {}, "ways": {"cold": row}})
