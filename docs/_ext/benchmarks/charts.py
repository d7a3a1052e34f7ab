"""What each chart takes from its file: ratios or values by group and by peer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import plots
from .results import Found, find_all

Table = dict[str, dict[str, float]]  # group -> peer -> value

# One spelling for a peer, whatever its file calls it, in the order of the legends.
NAMES = {
    "pullback": "pullback", "pullback, eager": "pullback", "pullback, scan": "pullback", "ours": "pullback",
    "pullback compiled": "pullback, compiled", "pullback, compiled": "pullback, compiled",
    "pullback compiled fast": "pullback, compiled", "pullback, scan compiled, kernels": "pullback, compiled",
    "torch": "PyTorch", "jax": "JAX", "JAX, jit": "JAX", "JAX": "JAX",
    "autograd": "HIPS autograd", "HIPS autograd": "HIPS autograd", "mygrad": "MyGrad",
    "hand": "NumPy by hand", "NumPy by hand": "NumPy by hand", "by hand": "NumPy by hand",
    "products": "products alone", "torch channels_last": "PyTorch, channels last",
    "torch_geometric": "PyTorch Geometric", "pullback, fit": "fit", "pullback, MLPClassifier": "MLPClassifier",
    "pullback, fit, losses measured": "fit, losses measured", "scikit-learn": "scikit-learn",
    "a loop over rows": "a loop over rows", "materialised, compiled": "T × T matrix, compiled",
}  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """A chart of one file."""

    part: str
    values: Callable[[dict[str, Any]], Table]
    draw: Callable[..., Any]
    title: str
    label: str

    def table(self, data: dict[str, Any]) -> list[list[str]]:
        """Its numbers, to three digits, a row for each group."""
        values = self.values(data)
        peers = list(dict.fromkeys(peer for row in values.values() for peer in row))
        rows = [["", *peers]]
        for group, row in values.items():
            rows.append([group, *(f"{row[p]:.3g}" if p in row else "" for p in peers)])
        return rows

    def files(self) -> list[Found]:
        """The newest file of each processor that has what it shows."""
        return [found for found in find_all(self.part) if any(self.values(found.data).values())]

    def save(self, found: Found, target: Path) -> None:
        plots.save(self.draw, self.values(found.data), self.title, self.label, target)


def _renamed(row: dict[str, float], left_out: tuple[str, ...] = ()) -> dict[str, float]:
    """Peers by their one spelling, in the order of `NAMES`; the second of two of one spelling counts."""
    found = {
        NAMES[peer]: value for peer, value in row.items() if peer in NAMES and peer not in left_out
    }
    order = list(dict.fromkeys(NAMES.values()))
    return {peer: found[peer] for peer in order if peer in found}


def _steps(
    part: str, over: str, left_out: tuple[str, ...] = ()
) -> Callable[[dict[str, Any]], Table]:
    """Medians of `mlp.py`'s ratios, by size."""

    def values(data: dict[str, Any]) -> Table:
        return {
            size: _renamed({p: v[over]["median"] for p, v in row.items() if over in v}, left_out)
            for size, row in data[part]["sizes"].items()
        }

    return values


def _over(row: dict[str, Any], base: str, key: str = "seconds") -> dict[str, float]:
    """Medians over the median of one of the peers."""
    medians = {p: (v[key]["median"] if key else v["median"]) for p, v in row.items()}
    return {p: v / medians[base] for p, v in medians.items()}


def _convolution(data: dict[str, Any]) -> Table:
    cases = data["convolution"]["cases"]
    return {name: _renamed(_over(case["peers"], "torch")) for name, case in cases.items()}


def _attention(data: dict[str, Any]) -> Table:
    parts = data["attention"]
    rows = {f"alone, {k}": v for k, v in parts["alone"].items()}
    rows |= {f"a block, {k}": v for k, v in parts["block"].items()}
    return {name: _renamed(_over(row["peers"], "torch")) for name, row in rows.items()}


def _graph_network(data: dict[str, Any]) -> Table:
    cases = data["graph_network"]["cases"]
    return {name: _renamed(_over(case["peers"], "torch_geometric")) for name, case in cases.items()}


def _fit_large(data: dict[str, Any]) -> Table:
    cases = data["fit_large"]["cases"]
    return {
        name: _renamed({p: v["seconds"]["median"] for p, v in peers.items()})
        for name, peers in cases.items()
    }


def _new_shapes(data: dict[str, Any]) -> Table:
    ways = data["new_shapes"]["ways"]
    return {way: {"seconds": row["seconds"]["median"]} for way, row in ways.items()}


def _solvers(data: dict[str, Any]) -> Table:
    names = {"by hand": "by hand", "eager": "pullback", "compiled, kernels": "pullback, compiled"}
    return {
        f"{problem}, {kind}": _renamed(
            {
                names[p]: v["median"] / ways["by hand"]["median"]
                for p, v in ways.items()
                if p in names
            }
        )
        for problem, kinds in data["solvers"].items()
        for kind, ways in kinds.items()
    }


def _recurrence(data: dict[str, Any]) -> Table:
    found = data["recurrence"]
    return {cell: _renamed(_over(found[cell], "torch", "")) for cell in ("LSTM", "GRU", "RNN")}


def _loops(data: dict[str, Any]) -> Table:
    rows = data["loops"]["microseconds"]
    return {name: _renamed({p: v["median"] for p, v in row.items()}) for name, row in rows.items()}


def _vmap(data: dict[str, Any]) -> Table:
    peers = data["vmap"]["peers"]
    return {
        "per-example gradients": _renamed({p: v["over_jax"]["median"] for p, v in peers.items()})
    }


def _hips(data: dict[str, Any]) -> Table:
    rows = data["hips"]["median seconds"]
    return {
        name: {"over HIPS autograd": row["ours"] / row["autograd"]} for name, row in rows.items()
    }


def _adjoint(data: dict[str, Any]) -> Table:
    found = {k: v for k, v in data["adjoint"].items() if k.startswith("solve ") and "," not in k}
    return {
        f"n = {name.removeprefix('solve ')}": _renamed(
            {p: v["median"] for p, v in row.items() if isinstance(v, dict)}
        )
        for name, row in found.items()
    }


def _scaling(data: dict[str, Any]) -> Table:
    width = data["scaling"]["sweeps"]["width"]
    sizes = width["hand"]["values"]
    return {
        str(size): _renamed({p: v["seconds"][i]["median"] * 1e3 for p, v in width.items()})
        for i, size in enumerate(sizes)
    }


def _ranks(data: dict[str, Any]) -> Table:
    return {
        f"{run['model']}, {run['way']}, {run['ranks']}": {
            "measured": run["seconds"] * 1e3,
            "predicted": run["predicted"] * 1e3,
        }
        for run in data["ranks"]["runs"]
    }


def _checkpoint(data: dict[str, Any]) -> Table:
    return {
        str(row["depth"]): {"all values kept": row["plain"], "checkpointed": row["checkpointed"]}
        for row in data["memory"]["rows"]
    }


def _estimators(data: dict[str, Any]) -> Table:
    return {row["data"]: {"over scikit-learn": row["ratio"]} for row in data["estimators"]}


def _sparse(data: dict[str, Any]) -> Table:
    seconds = data["sparse"]["seconds"]
    words = {
        "factor": "factorise", "solve": "factorise and solve", "second": "a second solve",
        "gradient": "solve and gradient", "backward": "the gradient beyond the solve",
    }  # fmt: skip
    return {words[name]: {"seconds": value} for name, value in seconds.items()}


SHORTER = "time of a step over that of NumPy written by hand (shorter is better)"
OVER_TORCH = "time over PyTorch's (shorter is better)"

CHARTS: dict[str, Chart] = {
    "mlp": Chart(
        "mlp",
        _steps("mlp", "over_hand", ("pullback compiled", "products")),
        plots.bars,
        "A training step of a perceptron, SGD, on the CPU",
        SHORTER,
    ),
    "adam": Chart(
        "adam",
        _steps("adam", "over_hand", ("pullback compiled",)),
        plots.bars,
        "The same with Adam",
        SHORTER,
    ),
    "gpu": Chart(
        "h100-float32",
        _steps("float32", "over_torch"),
        plots.bars,
        "A training step on an H100, float32",
        OVER_TORCH,
    ),
    "gpu_tf32": Chart(
        "h100-tf32",
        _steps("tf32", "over_torch"),
        plots.bars,
        "A training step on an H100, TF32",
        OVER_TORCH,
    ),
    "convolution": Chart(
        "convolution",
        _convolution,
        plots.bars,
        "Convolutions, and a step of a convolution network",
        OVER_TORCH,
    ),
    "attention": Chart(
        "attention",
        _attention,
        plots.bars,
        "Attention with its gradients: N × heads × length × width",
        OVER_TORCH,
    ),
    "recurrence": Chart(
        "recurrence", _recurrence, plots.bars, "A training step of a recurrent layer", OVER_TORCH
    ),
    "graph_network": Chart(
        "graph_network",
        _graph_network,
        plots.bars,
        "A training step of a graph network",
        "time over PyTorch Geometric's (shorter is better)",
    ),
    "fit_large": Chart(
        "fit_large",
        _fit_large,
        plots.bars,
        "An epoch on 60,000 rows of 784 numbers",
        "seconds (shorter is better)",
    ),
    "vmap": Chart(
        "vmap",
        _vmap,
        plots.bars,
        "The gradient of each of many examples",
        "time over JAX's (shorter is better)",
    ),
    "loops": Chart(
        "loops",
        _loops,
        plots.bars,
        "A recurrent cell, 1000 steps",
        "microseconds a step (shorter is better)",
    ),
    "hips": Chart(
        "hips",
        _hips,
        plots.sorted_bars,
        "pullback.compat.autograd on HIPS autograd's own computations",
        "time over HIPS autograd's (shorter is better)",
    ),
    "adjoint": Chart(
        "adjoint",
        _adjoint,
        plots.bars,
        "A dense linear system: solve and gradient",
        "time of both, over the solve alone",
    ),
    "sparse": Chart(
        "sparse", _sparse, plots.bars, "A sparse system of 250,000 unknowns", "seconds"
    ),
    "solvers": Chart(
        "solvers",
        _solvers,
        plots.bars,
        "Iterative solvers and their gradients",
        "time over SciPy's solvers by hand (shorter is better)",
    ),
    "new_shapes": Chart(
        "new_shapes",
        _new_shapes,
        plots.bars,
        "Twelve batch sizes that a compiled step has not met",
        "seconds of three calls each (shorter is better)",
    ),
    "scaling": Chart(
        "scaling",
        _scaling,
        plots.lines,
        "A training step against the width of its layers",
        "milliseconds|units in a layer",
    ),
    "checkpoint": Chart(
        "memory",
        _checkpoint,
        plots.lines,
        "Memory of a deep network's gradient",
        "arrays of one layer's output|layers",
    ),
    "ranks": Chart(
        "ranks",
        _ranks,
        plots.against,
        "A step on 1, 2 and 4 ranks: measured, and as predicted",
        "milliseconds",
    ),
    "estimators": Chart(
        "estimators",
        _estimators,
        plots.sorted_bars,
        "Fitting a perceptron by the estimators of pullback.train",
        "time over scikit-learn's (shorter is better)",
    ),
}
