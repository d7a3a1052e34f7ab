"""The tables of `docs/scaling.md`: the model's numbers for three networks, from 1 to 10,000 devices."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from _network import (
    ETHERNET_10,
    GIVEN,
    INFINIBAND_100,
    INFINIBAND_400,
    NVLINK_4,
    Cluster,
    Network,
)
from _report import RESULTS
from _step_limits import (
    critical_examples,
    data_devices_at_half,
    data_devices_at_least_time,
    memory_bytes,
    tensor_devices_at_half,
)
from _step_model import (
    Compute,
    Device,
    Model,
    computing,
    data_and_tensor,
    data_parallel,
    latest_of,
    mlp,
    tensor_parallel,
    transformer,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scaling.md"
DEVICES = (1, 2, 4, 8, 16, 64, 256, 1024, 4096, 10000)

H100 = Device(
    "H100 SXM",
    0.4 * 989e12,
    3.35e12,
    80e9,
    source="data sheet: 989 TFLOP/s in bfloat16, 3.35 TB/s, 80 GB; 40 % of the peak assumed",
)
POD = Cluster("nodes of 8 H100", INFINIBAND_400, NVLINK_4, devices_per_node=8)
MNIST = mlp("MLP 784-512-512-10", (784, 512, 512, 10))
GPT_125M = transformer(
    "transformer of 125 M parameters", 12, 768, tokens=2048, vocabulary=50257 + 2048
)
GPT_7B = transformer("transformer of 6.7 B parameters", 32, 4096, tokens=4096, vocabulary=2 * 32000)
BATCH = {MNIST.name: 128, GPT_125M.name: 256, GPT_7B.name: 4096}
SHORT = {MNIST.name: "MLP", GPT_125M.name: "125 M", GPT_7B.name: "6.7 B"}
WEAK = {MNIST.name: 128, GPT_125M.name: 4, GPT_7B.name: 2}


def newest(folder: Path = RESULTS) -> dict[str, Any]:
    """What `ranks.py` measured last: the content of the newest ``<date>-ranks.json``."""
    files = sorted(folder.glob("????-??-??-ranks.json"))
    if not files:
        raise FileNotFoundError("no results of ranks.py: python benchmarks/ranks.py measures them")
    return json.loads(files[-1].read_text(encoding="utf-8"))


def compute_of(results: dict[str, Any], name: str) -> Compute:
    """Measured compute of one rank alone, which keeps its pace."""
    return replace(Compute(**results["ranks"]["compute"][f"{name}, 1 at work"]), sigma=0.0)


def seconds(value: float) -> str:
    """Three digits with their unit."""
    for unit, scale in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{_three(value / scale)} {unit}"
    return f"{_three(value / 1e-9)} ns"


def _three(value: float) -> str:
    """Three significant digits, without an exponent."""
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:,.{digits}f}"


def _bytes(value: float) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{_three(value / scale)} {unit}"
    return f"{value:.0f} B"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left."""
    cells = [list(head), ["---", *["---:"] * (len(head) - 1)], *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def _same(counted: float, formula: float) -> str:
    """Whether the two agree, but for a byte that each collective rounds up."""
    return "=" if 0 <= counted - formula < 2 else f"{formula:,.0f}"


def networks_table(results: dict[str, Any]) -> str:
    """Latency and bandwidth of each network, and whose numbers they are."""
    measured = [Network(**n) for n in results["ranks"]["networks"]]
    rows = [
        [n.name, seconds(n.latency_seconds), f"{_bytes(n.bytes_per_second)}/s", n.source]
        for n in (*measured, *GIVEN)
    ]
    return markdown(["network", "latency α", "bandwidth β", "from"], rows)


def runs_table(results: dict[str, Any]) -> str:
    """Each run's seconds, and predicted over measured in brackets; the bytes that a rank sent, and the formula's."""
    by_way: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run in results["ranks"]["runs"]:
        by_way.setdefault((run["model"], run["way"]), []).append(run)
    rows = []
    for name, runs in by_way.items():
        times = [f"{seconds(r['seconds'])} ({r['predicted'] / r['seconds']:.2f})" for r in runs]
        several = [r for r in runs if r["ranks"] > 1]
        counted = " and ".join(f"{r['bytes']:,.0f}" for r in several)
        said = [_same(r["bytes"], r["predicted bytes"]) for r in several]
        formula = "=" if set(said) == {"="} else " and ".join(said)
        rows.append([*name, *times, counted, formula])
    ranks = sorted({run["ranks"] for run in results["ranks"]["runs"]})
    times = [f"{p} rank{'s' * (p > 1)}" for p in ranks]
    several = " and ".join(str(p) for p in ranks if p > 1)
    head = ["network", "way", *times, f"bytes counted, {several} ranks", "formula"]
    ratios = sorted(run["predicted"] / run["seconds"] for run in results["ranks"]["runs"])
    near = sum(0.75 <= r <= 1.25 for r in ratios)
    told = (
        f"Predicted over measured is from {ratios[0]:.2f} to {ratios[-1]:.2f}, with the median "
        f"{ratios[len(ratios) // 2]:.2f}; {near} of {len(ratios)} steps are predicted to within 25 %."
    )
    machine = results["environment"]
    where = f"Measured {machine['date']} on {machine['cores']} cores of {machine['cpu']}"
    load = results["ranks"]["settings"][
        "load before"
    ]  # of other programs: a sweep of ours begins with what is left
    if load > machine["cores"]:
        where += f", on which other programs ran at the same time (load {load:.1f})"
    return f"{markdown(head, rows)}\n\n{told}\n{where}."


def strong_table(model: Model, compute: Compute, cluster: Cluster, tensor: int, widest: int) -> str:
    """A given batch on more and more devices, by each way; tensor parallel on `widest` devices at most."""
    batch = BATCH[model.name]
    alone = data_parallel(model, compute, cluster, 1, batch).seconds
    cell = lambda devices, step: (
        f"{seconds(step.seconds)} ({_percent(alone / devices / step.seconds)})"
    )
    rows = []
    for p in DEVICES:
        row = [f"{p:,}", "", "", "", ""]
        if p <= batch:
            row[1] = cell(p, data_parallel(model, compute, cluster, p, batch))
            row[2] = cell(p, data_parallel(model, compute, cluster, p, batch, sharded=True))
        if p <= widest:
            row[3] = cell(p, tensor_parallel(model, compute, cluster, p, batch))
        if p % tensor == 0 and p // tensor <= batch:
            row[4] = cell(p, data_and_tensor(model, compute, cluster, p, tensor, batch))
        if any(row[1:]):
            rows.append(row)
    mixed = f"{tensor} tensor × data, ZeRO-1"
    return markdown(["devices", "data", "data, ZeRO-1", "tensor", mixed], rows)


def weak_table(cases: Sequence[tuple[Model, Compute, Cluster]], sigma: float) -> str:
    """A given part on each device: efficiency of data parallel training, and with an uneven pace."""
    rows = []
    for p in DEVICES:
        row = [f"{p:,}"]
        for model, compute, cluster in cases:
            own = WEAK[model.name]
            uneven = replace(compute, sigma=sigma)
            alone = data_parallel(model, compute, cluster, 1, own).seconds
            for pace in (compute, uneven):
                step = data_parallel(model, pace, cluster, p, p * own)
                row.append(_percent(alone / step.seconds))
        rows.append(row)
    head = ["devices"]
    for model, *_ in cases:
        head += [f"{SHORT[model.name]}, {WEAK[model.name]} a device", f"σ = {_percent(sigma)}"]
    return markdown(head, rows)


def memory_table(model: Model) -> str:
    """Bytes of a device by way and devices, with the activations of one example."""
    rows = []
    for p in (1, 8, 64, 1024):
        cells = [
            memory_bytes(model, 1),
            memory_bytes(model, 1, data=p, stage=1),
            memory_bytes(model, 1, data=p, stage=2),
            memory_bytes(model, 1, data=p, stage=3),
            memory_bytes(model, 1, tensor=min(8, p)),
            memory_bytes(model, 1, tensor=min(8, p), data=max(1, p // 8), stage=1),
        ]
        rows.append([f"{p:,}", *map(_bytes, cells)])
    head = ["devices", "data", "ZeRO-1", "ZeRO-2", "ZeRO-3", "8 tensor", "8 tensor × ZeRO-1"]
    return markdown(head, rows)


def stops_table() -> str:
    """The closed forms for H100s, by network."""
    rows = []
    for model, network in itertools.product((GPT_125M, GPT_7B), GIVEN):
        hidden = critical_examples(model, H100, network)
        half = data_devices_at_half(model, computing(model, H100), network, BATCH[model.name])
        rows.append(
            [
                SHORT[model.name],
                network.name,
                f"{hidden * model.tokens:,.0f}",
                f"{BATCH[model.name] / hidden:,.0f}",
                f"{half:,.0f}",
                f"{tensor_devices_at_half(model, H100, network):.1f}",
            ]
        )
    head = ["parameters", "network", "tokens a device that hide all communication"]
    head += ["data: devices with so many", "data: half of a step at", "tensor: half of a step at"]
    return markdown(head, rows)


def mnist_table(results: dict[str, Any]) -> str:
    """The MLP on processors like this one, over two networks: a given batch, and where it is quickest."""
    compute = compute_of(results, "mnist")
    batch = BATCH[MNIST.name]
    clusters = [Cluster(n.name, n) for n in (ETHERNET_10, INFINIBAND_100)]
    alone = data_parallel(MNIST, compute, clusters[0], 1, batch).seconds
    rows = []
    for p in (1, 2, 4, 8, 16, 32, 64, 128):
        row = [f"{p:,}"]
        for cluster in clusters:
            for way in (data_parallel, tensor_parallel):
                took = way(MNIST, compute, cluster, p, batch).seconds
                row.append(f"{seconds(took)} ({_percent(alone / p / took)})")
        rows.append(row)
    head = ["devices"]
    for cluster in clusters:
        head += [f"{cluster.name}: data", "tensor"]
    least = [data_devices_at_least_time(MNIST, compute, c.between, batch) for c in clusters]
    told = "; ".join(f"{c.name}: {p:,.0f}" for c, p in zip(clusters, least, strict=True))
    return markdown(head, rows) + f"\n\nDevices at the least time by the closed form: {told}."


def straggler_table() -> str:
    """How far the latest device lies behind the mean, in standard deviations."""
    return markdown(
        ["devices", *(f"{p:,}" for p in DEVICES)],
        [["σ", *(f"{latest_of(p):.2f}" for p in DEVICES)]],
    )


def tables(results: dict[str, Any]) -> dict[str, str]:
    """Every table of the page by its name."""
    small, large = computing(GPT_125M, H100), computing(GPT_7B, H100)
    mnist = compute_of(results, "mnist")
    ethernet = Cluster(ETHERNET_10.name, ETHERNET_10)
    weak = [(MNIST, mnist, ethernet), (GPT_125M, small, POD), (GPT_7B, large, POD)]
    return {
        "networks": networks_table(results),
        "runs": runs_table(results),
        "mnist": mnist_table(results),
        "125M": strong_table(GPT_125M, small, POD, 8, widest=8),
        "7B": strong_table(GPT_7B, large, POD, 8, widest=16),
        "weak": weak_table(weak, 0.02),
        "stragglers": straggler_table(),
        "memory": memory_table(GPT_7B),
        "stops": stops_table(),
    }


def plot(file: Path) -> Path | None:
    """Seconds of a step by devices for the two transformers, on logarithmic axes; None without matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        return None
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for axis, model in zip(axes, (GPT_125M, GPT_7B), strict=True):
        compute, batch = computing(model, H100), BATCH[model.name]
        given = (model, compute, POD)
        ways = {
            "data": (1, batch, data_parallel),
            "data, ZeRO-1": (1, batch, lambda *a: data_parallel(*a, sharded=True)),
            "tensor": (1, 16, tensor_parallel),
            "8 tensor × data, ZeRO-1": (
                8,
                8 * batch,
                lambda m, c, k, p, b: data_and_tensor(m, c, k, p, 8, b),
            ),
        }
        devices = [p for p in (2**k for k in range(14)) if p < DEVICES[-1]] + [DEVICES[-1]]
        for name, (least, most, way) in ways.items():
            at = [p for p in devices if least <= p <= most]
            axis.loglog(
                at, [way(*given, p, batch).seconds for p in at], marker="o", ms=3, label=name
            )
        alone = data_parallel(*given, 1, batch).seconds
        axis.loglog(devices, [alone / p for p in devices], color="gray", lw=0.8, label="ideal")
        axis.set_title(f"{model.name}, {batch} sequences of {model.tokens}", fontsize="medium")
        axis.set_xlabel("H100s, in nodes of eight")
        axis.set_ylabel("seconds a step")
        axis.legend(fontsize="small")
    figure.savefig(file, dpi=110)
    plt.close(figure)
    return file


_TABLE = re.compile(r"(<!-- table: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def shown(page: str) -> dict[str, str]:
    """The tables that a page has, by their names."""
    return {name: text.rstrip("\n") for _, name, text, _ in _TABLE.findall(page)}


def filled(page: str, made: dict[str, str]) -> str:
    """The page with every table in its place."""
    return _TABLE.sub(lambda m: f"{m[1]}{made[m[2]]}\n{m[4]}", page)
