"""docs/scaling.md says what its functions give, and these are what the papers and small simulations say."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks"
if not FOLDER.is_dir():
    pytest.skip("the benchmarks are not beside these tests", allow_module_level=True)


@pytest.fixture(scope="module")
def net(load):
    return load("_network")


@pytest.fixture(scope="module")
def step(load):
    return load("_step_model")


def ring(arrays):
    """Chunks around a ring: the sums, and how many messages and elements the first rank sent."""
    size, sent, messages = len(arrays), 0, 0
    chunks = [np.array_split(a.copy(), size) for a in arrays]
    for phase in range(2):
        for turn in range(size - 1):
            moving = [chunks[r][(r - turn + phase) % size].copy() for r in range(size)]
            for r in range(size):
                into = (r - 1 - turn + phase) % size
                chunks[r][into] = moving[r - 1] + (0 if phase else chunks[r][into])
            messages, sent = messages + 1, sent + len(moving[0])
    return [np.concatenate(c) for c in chunks], messages, sent


@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_a_ring_sends_what_the_formula_says(net, size):
    arrays = [np.arange(5.0 * size) ** r for r in range(size)]
    sums, messages, sent = ring(arrays)
    for found in sums:
        np.testing.assert_allclose(found, np.sum(arrays, axis=0))
    said = net.all_reduce(size, 8 * 5 * size)
    assert (said.messages, said.bytes) == (messages, pytest.approx(8 * sent))


@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_the_communicator_counts_by_the_formulas(net, size):
    import pullback as pb

    def program():
        comm = pb.distributed.world()
        x = np.zeros(12 * 7 * size)
        comm.all_reduce(x)
        comm.reduce_scatter(x)
        comm.all_gather(x[: 12 * 7])
        kinds = ("all_reduce", "reduce_scatter", "all_gather")
        return [(comm.traffic[k].messages, comm.traffic[k].bytes) for k in kinds]

    n = 8 * 12 * 7 * size
    said = [net.all_reduce(size, n), *[net.reduce_scatter(size, n)] * 2]
    for counted in pb.distributed.simulate(program, size):
        assert counted == [(t.messages, round(t.bytes)) for t in said]


def test_ways_of_an_all_reduce(net):
    for way, messages, sent in (("ring", 14, 1.75), ("halving", 6, 1.75), ("doubling", 3, 3.0)):
        assert net.all_reduce(8, 100, way) == net.Traffic(messages, 100 * sent)
        assert net.all_reduce(1, 100, way) == net.Traffic(0, 0)
    folded = net.all_reduce(10, 100, "halving")  # eight, and two that fold theirs in
    assert folded == net.Traffic(2 * (3 + 1), 2 * (87.5 + 100))
    slow, quick = net.Network("", 1.0, 1e9), net.Network("", 1e-9, 1.0)
    assert net.all_reduce_seconds(8, 1, net.Cluster("", slow)) == pytest.approx(3)
    assert net.all_reduce_seconds(8, 100, net.Cluster("", quick)) == pytest.approx(175)
    with pytest.raises(ValueError, match="'ring' or 'halving'"):
        net.reduce_scatter(4, 1, "star")


def test_an_all_reduce_in_nodes_sends_each_part_once(net):
    inside, between = net.Network("", 0.0, 100.0), net.Network("", 0.0, 1.0)
    cluster = net.Cluster("", between, inside, devices_per_node=4)
    # 12 devices: 2·¾·n/100 inside, n/4 of each device between three nodes: 2·⅔·(n/4)
    assert net.all_reduce_seconds(12, 600, cluster, "ring") == pytest.approx(9 + 200)
    halves = 2 * net.reduce_scatter_seconds(12, 600, cluster, "ring")
    assert halves == pytest.approx(9 + 200)
    assert net.all_reduce_seconds(4, 600, cluster, "ring") == pytest.approx(9)
    with pytest.raises(ValueError, match="whole nodes"):
        net.all_reduce_seconds(6, 600, cluster)


def test_a_network_is_fitted(net):
    true = net.Network("", 5e-6, 2e9)
    traffic = [net.all_reduce(4, n) for n in (1e3, 1e5, 1e7)]
    found = net.fit("", traffic, [t.seconds(true) for t in traffic])
    assert found.latency_seconds == pytest.approx(5e-6)
    assert found.bytes_per_second == pytest.approx(2e9)
    without = net.fit("", traffic, [1e-6 * t.messages for t in traffic])
    assert without.bytes_per_second > 1e15


@pytest.mark.parametrize(
    ("seconds", "sweep", "buckets"), [*itertools.product((1, 7, 30), (5, 10), (1, 4))]
)
def test_what_overlap_leaves_is_what_buckets_in_turn_leave(net, step, seconds, sweep, buckets):
    free = 0.0
    for k in range(buckets):
        free = max(free, (k + 1) / buckets * sweep) + seconds / buckets
    found = step.exposed(seconds, sweep, buckets, net.Network("", 0, 1))
    assert found == pytest.approx(free - sweep)
    assert step.exposed(seconds, sweep, buckets, net.Network("", 0, 1, offloaded=False)) == seconds


def test_models_have_the_parameters_of_the_papers(step):
    gpt3 = step.transformer("", 96, 12288, 2048, 50257 + 2048)
    assert gpt3.parameters == pytest.approx(175e9, rel=0.01)  # Brown et al., 2020, table 2.1
    small = step.mlp("", (784, 512, 512, 10))
    assert small.parameters == 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10


def test_operations_are_those_of_the_benchmarks(load, step):
    problem = load("_problem")
    for size in problem.SIZES.values():
        assert step.mlp("", size.widths).example_flops * size.batch == problem.flops(size)


@pytest.mark.parametrize(("stage", "gigabytes"), [(0, 120), (1, 31.4), (2, 16.6), (3, 1.88)])
def test_memory_is_that_of_the_zero_paper(step, limits, stage, gigabytes):
    """Rajbhandari et al., 2020, figure 1: 7.5 B parameters, 64 devices."""
    model = step.Model("", 7.5e9, 1, 1, 1, 0, 0, 2, 4)
    assert limits.memory_bytes(model, 0, data=64, stage=stage) / 1e9 == pytest.approx(
        gigabytes, rel=0.01
    )


def test_memory_in_float32_and_of_activations(step, limits):
    model = step.mlp("", (10, 20, 20, 5))
    assert limits.memory_bytes(model, 3) == 16 * model.parameters + 3 * 4 * 55
    gpt = step.transformer("", 2, 64, 128, 0)
    kept = limits.memory_bytes(gpt, 1, tensor=4) - 16 * gpt.parameters / 4
    assert kept == pytest.approx(2 * 64 * 128 * (10 + 24 / 4))


def test_the_latest_of_many(step):
    drawn = np.random.default_rng(0).standard_normal((4000, 64))
    for devices in (1, 2, 4, 64):
        mean = drawn[:, :devices].max(axis=1).mean()
        assert step.latest_of(devices) == pytest.approx(mean, abs=0.06)
    assert step.latest_of(10**6) < math.sqrt(2 * math.log(10**6))


@pytest.fixture(scope="module")
def limits(load):
    return load("_step_limits")


@pytest.fixture
def case(net, step):
    """A model, a compute and a network whose data parallel steps have a least time in between."""
    model = step.mlp("", (784, 512, 512, 10))
    compute = step.Compute(1e-4, 1e-3, 2e-4)
    return model, compute, net.Network("", 1e-4, 1e9)


def test_the_least_time_of_data_parallel_steps(net, step, limits, case):
    model, compute, network = case
    took = lambda p: (
        step.data_parallel(
            model, compute, net.Cluster("", network), p, 10**6, overlap=False, algorithm="ring"
        ).seconds
    )
    best = limits.data_devices_at_least_time(model, compute, network, 10**6)
    found = min(range(1, 4000), key=took)
    assert found == pytest.approx(best, rel=0.03)
    slow = net.Network("", 1e-4, 1.0)
    assert limits.data_devices_at_least_time(model, compute, slow, 128) == 1


def test_half_of_a_data_parallel_step(net, step, limits, case):
    model, compute, network = case
    quick, compute = net.Network("", 0.0, network.bytes_per_second), step.Compute(1e-4, 1e-6, 2e-4)
    half = limits.data_devices_at_half(model, compute, quick, 10**6)
    found = step.data_parallel(
        model, compute, net.Cluster("", quick), round(half), 10**6, overlap=False, algorithm="ring"
    )
    assert found.gradients == pytest.approx(found.exposed, rel=0.01)
    assert limits.data_devices_at_half(model, step.Compute(1.0, 1.0, 0), quick, 8) == math.inf


def test_half_of_a_tensor_parallel_step(net, step, limits):
    network = net.Network("", 0.0, 100e9)
    device = step.Device("", 1e14, 1e12)
    model = step.transformer("", 4, 1024, 1, 0)  # one token: no attention to speak of
    half = limits.tensor_devices_at_half(model, device, network)
    assert half == pytest.approx(1 + 4.5 * 1024 * 100e9 / 1e14, rel=1e-3)
    compute = step.computing(model, device)
    found = step.tensor_parallel(model, compute, net.Cluster("", network), 4, 64, algorithm="ring")
    ratio = found.exposed / found.gradients  # (T − 1)/(half − 1), since both have their T-th
    assert ratio == pytest.approx(3 / (half - 1))


def test_tokens_that_hide_all_communication(net, step, limits):
    model = step.transformer("", 4, 1024, 1, 0)
    device, network = step.Device("", 4e14, 1e12), net.Network("", 0.0, 50e9)
    found = limits.critical_examples(model, device, network)
    assert found == pytest.approx(4e14 / 50e9, rel=1e-3)
    compute = step.computing(model, device)
    own = math.ceil(found)
    one = step.data_parallel(model, compute, net.Cluster("", network), 1024, 1024 * own)
    buckets = round(model.gradient_bytes / step.BUCKET_BYTES)
    whole = 2 * model.gradient_bytes / network.bytes_per_second
    assert one.exposed == pytest.approx(whole / buckets, rel=0.01)


def test_sharding_sends_no_byte_more(net, step, case):
    model, compute, network = case
    cluster = net.Cluster("", network)
    whole, parts = (
        step.data_parallel(
            model, compute, cluster, 8, 128, sharded=s, overlap=False, algorithm="ring"
        )
        for s in (False, True)
    )
    assert (whole.bytes, whole.messages) == (parts.bytes, parts.messages)
    assert whole.exposed == pytest.approx(parts.exposed)
    assert whole.update == 8 * parts.update


def test_ways_meet_where_they_are_one(net, step, case):
    model, compute, network = case
    cluster = net.Cluster("", network, network, devices_per_node=8)
    alone = step.data_parallel(model, compute, cluster, 1, 128).seconds
    assert step.tensor_parallel(model, compute, cluster, 1, 128).seconds == alone
    tensor = step.tensor_parallel(model, compute, cluster, 8, 128)
    both = step.data_and_tensor(model, compute, cluster, 8, 8, 128)
    assert both.seconds == pytest.approx(tensor.seconds)
    assert both.bytes == tensor.bytes
    data = step.data_parallel(model, compute, cluster, 16, 128, sharded=True)
    assert step.data_and_tensor(model, compute, cluster, 16, 1, 128).seconds == pytest.approx(
        data.seconds
    )
    with pytest.raises(ValueError, match="groups of 3"):
        step.data_and_tensor(model, compute, cluster, 9, 3, 128)


def test_an_uneven_pace_waits_where_ranks_meet(net, step, case):
    model, compute, network = case
    cluster = net.Cluster("", network, network, devices_per_node=8)
    uneven = step.replace(compute, sigma=0.1)
    data = step.data_parallel(model, uneven, cluster, 4, 128)
    assert data.straggling == pytest.approx(0.1 * step.latest_of(4) * data.gradients)
    tensor = step.tensor_parallel(model, uneven, cluster, 4, 128)  # meets twice a step, by halves
    halves = 2 * 0.1 / math.sqrt(2) * step.latest_of(4) * tensor.gradients
    assert tensor.straggling == pytest.approx(halves)
    for way in (step.data_parallel, step.tensor_parallel):
        even = way(model, compute, cluster, 4, 128)
        assert even.straggling == 0
        assert way(model, uneven, cluster, 4, 128).seconds > even.seconds


def test_ranks_take_turns_on_cores(step):
    compute = step.Compute(1.0, 2.0, 3.0)
    assert compute.shared(4, 2).gradients(5) == 2 * compute.gradients(5)
    assert compute.shared(2, 4) == compute
    assert compute.gradients(0) == 0


def test_every_way_trains_alike_and_sends_what_the_model_says(load, monkeypatch):
    import pullback as pb

    worker, ranks = load("_ranks_worker"), load("ranks")
    monkeypatch.setattr(worker, "LEARNING_RATE", 0.05)
    size = load("_problem").Size((12, 8, 8, 4), 8)
    monkeypatch.setitem(ranks.SIZES, "tiny", size)
    compute = load("_step_model").Compute(1.0, 1.0, 1.0)

    def program(way):
        comm = pb.distributed.world()
        step = worker.WAYS[way](comm, list(size.widths), size.batch)
        losses = [float(step()) for _ in range(3)]
        before = worker.counted(comm)
        losses.append(float(step()))
        after = worker.counted(comm)
        return losses, sum(int((after[k] - before.get(k, 0))[0]) for k in after)

    with pb.backend.use("numpy"):
        (alone, sent), *_ = pb.distributed.simulate(program, 1, "data")
        assert sent == 0
        assert alone[-1] < 0.9 * alone[0]
        for way in worker.WAYS:
            for count in (2, 4):
                found = pb.distributed.simulate(program, count, way)
                mean = np.mean([losses for losses, _ in found], axis=0)
                np.testing.assert_allclose(mean, alone, rtol=2e-5, err_msg=way)
                _, said = ranks.predicted(way, "tiny", compute, {}, count, 2)
                for _, counted in found:
                    assert 0 <= counted - said < 3, way


def test_rounds_of_measurements_are_put_together(load):
    merged = load("ranks").merged
    old = [{"examples": [4, 2], "gradients": [[1.0], [2.0]], "traffic": {"sum": [8, 1]}}]
    new = [{"examples": [4, 2], "gradients": [[3.0], [4.0]], "traffic": {"sum": [8, 1]}}]
    assert merged(old, new) == [{**new[0], "gradients": [[1.0, 3.0], [2.0, 4.0]]}]


def test_compute_from_measurements(load):
    found = load("ranks").compute_from(
        {
            "examples": [128, 64, 32],
            "gradients": [[9.0, 1.38, 1.38], [0.74] * 3, [0.42] * 3],
            "value": [[0.46] * 3, [0.74 / 3] * 3, [0.14] * 3],
            "step": [9.5, 1.63, 1.63],
            "one by one": list(np.random.default_rng(0).normal(1.0, 0.1, 4000)),
        }
    )
    assert found.fixed_seconds == pytest.approx(0.1)
    assert found.example_seconds == pytest.approx(0.01)
    assert found.update_seconds == pytest.approx(0.25)
    assert found.backward == pytest.approx(2 / 3)
    assert found.sigma == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0999, "99.9 ms"),
        (1.0, "1.00 s"),
        (123.4, "123 s"),
        (14e-6, "14.0 µs"),
        (3e-10, "0.30 ns"),
    ],
)
def test_seconds_in_three_digits(load, value, text):
    assert load("_scaling_tables").seconds(value) == text


def test_the_page_has_the_tables_that_the_functions_give(load):
    made = load("_scaling_tables")
    page = made.PAGE.read_text(encoding="utf-8")
    found, expected = made.shown(page), made.tables(made.newest())
    assert set(found) == set(expected)
    for name, text in expected.items():
        assert found[name] == text, f"{name}: python benchmarks/ranks.py --page"
    assert made.filled(page, expected) == page
