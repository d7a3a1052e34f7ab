"""The tables of `docs/scaling.md`: the model's numbers for three networks, from 1 to 10,000 devices."""

from __future__ import annotations

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
    INFINIBAND_200,
    INFINIBAND_400,
    NVLINK_4,
    Cluster,
    Network,
)
from _report import RESULTS
from _step_model import (
    Compute,
    Device,
    Model,
    computing,
    critical_examples,
    data_and_tensor,
    data_devices_at_half,
    data_devices_at_least_time,
    data_parallel,
    latest_of,
    memory_bytes,
    mlp,
    tensor_devices_at_half,
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
BATCH = {MNIST.name: 128, GPT_125M.name: 256, GPT_7B.name: 1024}
WEAK = {MNIST.name: 128, GPT_125M.name: 4, GPT_7B.name: 2}


def newest(folder: Path = RESULTS) -> dict[str, Any]:
    """What `ranks.py` measured last: the content of the newest ``<date>-ranks.json``."""
    files = sorted(folder.glob("????-??-??-ranks.json"))
    if not files:
        raise FileNotFoundError("no results of ranks.py: python benchmarks/ranks.py measures them")
    return json.loads(files[-1].read_text(encoding="utf-8"))


def network_of(found: dict[str, Any]) -> Network:
    """A measured network, as it is stored."""
    return Network(**found)


def compute_of(found: dict[str, Any]) -> Compute:
    """Measured compute, as it is stored."""
    return Compute(**found)


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


def networks_table(results: dict[str, Any]) -> str:
    """Latency and bandwidth of each network, and whose numbers they are."""
    measured = [network_of(n) for n in results["ranks"]["networks"].values()]
    rows = [
        [n.name, seconds(n.latency_seconds), f"{_bytes(n.bytes_per_second)}/s", n.source]
        for n in (*measured, *GIVEN)
    ]
    return markdown(["network", "latency α", "bandwidth β", "from"], rows)


def runs_table(results: dict[str, Any]) -> str:
    """Each run beside its prediction."""
    rows = []
    for run in results["ranks"]["runs"]:
        rows.append(
            [
                run["model"],
                run["way"],
                str(run["ranks"]),
                seconds(run["seconds"]),
                seconds(run["predicted"]),
                f"{run['predicted'] / run['seconds']:.2f}",
                _bytes(run["bytes"]),
                "=" if run["bytes"] == run["predicted bytes"] else _bytes(run["predicted bytes"]),
            ]
        )
    head = ["network", "way", "ranks", "measured", "predicted", "ratio", "bytes counted", "formula"]
    return markdown(head, rows)


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
            uneven = replace(compute, sigma_seconds=sigma * compute.gradients(own))
            alone = data_parallel(model, compute, cluster, 1, own).seconds
            for pace in (compute, uneven):
                step = data_parallel(model, pace, cluster, p, p * own)
                row.append(_percent(alone / step.seconds))
        rows.append(row)
    head = ["devices"]
    for model, *_ in cases:
        head += [f"{model.name}, {WEAK[model.name]} a device", f"σ = {_percent(sigma)}"]
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
    for network in (ETHERNET_10, INFINIBAND_100, INFINIBAND_200, INFINIBAND_400, NVLINK_4):
        row = [network.name]
        for model in (GPT_125M, GPT_7B):
            compute, batch = computing(model, H100), BATCH[model.name]
            hidden = critical_examples(model, H100, network)
            row += [
                f"{hidden * model.tokens:,.0f}",
                f"{batch / hidden:,.0f}",
                f"{data_devices_at_half(model, compute, network, batch):,.0f}",
                f"{tensor_devices_at_half(model, H100, network):.1f}",
            ]
        rows.append(row)
    head = ["network"]
    for short in ("125 M", "6.7 B"):
        head += [
            f"{short}: tokens a device that hide all",
            "devices of the batch",
            "data at half",
            "tensor at half",
        ]
    return markdown(head, rows)


def mnist_table(results: dict[str, Any]) -> str:
    """The MLP on processors like this one, over two networks: a given batch, and where it is quickest."""
    compute = compute_of(results["ranks"]["compute"]["mnist, 1 at work"])
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
    mnist = compute_of(results["ranks"]["compute"]["mnist, 1 at work"])
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


_TABLE = re.compile(r"(<!-- table: ([\w-]+) -->\n)(.*?)(\n<!-- end -->)", re.DOTALL)


def shown(page: str) -> dict[str, str]:
    """The tables that a page has, by their names."""
    return {name: text for _, name, text, _ in _TABLE.findall(page)}


def filled(page: str, made: dict[str, str]) -> str:
    """The page with every table in its place."""
    return _TABLE.sub(lambda m: m[1] + made[m[2]] + m[4], page)
