"""The limits that results are held to: of each part, what is limited, its value, and the most that it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Limit = tuple[str, float, float]  # what, value, most

COMPILED = "pullback compiled fast"
_STEPS = {
    "jax": (0.45, 0.75, 0.95, 0.97),
    "torch": (0.20, 0.40, 0.90, 0.97),
    "products": (1.15, 1.10, 1.05, 1.05),
}
_SIZES = ("small", "digits", "mnist", "big")
_SOLVES = {"Intel": (1.25, 0.75, 0.8, 0.7), "AMD": (1.25, 1.0, 1.0, 1.0)}


def _mlp(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    for other, limits in _STEPS.items():
        for size, most in zip(_SIZES, limits, strict=True):
            row = found["sizes"].get(size, {}).get(COMPILED, {})
            if f"over_{other}" in row:
                yield f"{size}: compiled over {other}", row[f"over_{other}"]["median"], most
    for size, most in (("small", 1.75), ("digits", 1.10), ("mnist", 1.05), ("big", 1.05)):
        row = found["sizes"].get(size, {}).get("pullback", {})
        if "over_hand" in row:
            yield f"{size}: eager over hand", row["over_hand"]["median"], most


def _adam(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    row = found["sizes"].get("mnist", {}).get(COMPILED, {})
    if "over_torch" in row:
        yield "mnist: compiled over torch", row["over_torch"]["median"], 0.95


def _fit_large(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    for case, peers in found["cases"].items():
        for name in ("pullback, fit", "pullback, MLPClassifier"):
            for other, most in (("scikit-learn", 0.6), ("torch", 0.9)):
                ratio = peers.get(name, {}).get(f"over {other}")
                if ratio is not None:
                    yield f"{case}: {name} over {other}", ratio["median"], most


def _adjoint(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    limits = _SOLVES["Intel" if "Intel" in str(environment.get("cpu")) else "AMD"]
    for n, most in zip((100, 500, 1000, 2000), limits, strict=True):
        row = found.get(f"solve {n}", {})
        if "pullback" in row:
            yield f"solve {n} with gradients over the solve", row["pullback"]["median"], most
    if "pullback, compiled" in found.get("solve 100", {}):
        yield "solve 100, compiled", found["solve 100"]["pullback, compiled"]["median"], 1.05


def _sparse(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    for key, most in (
        ("gradient beyond the solve, over the factorisation", 0.3),
        ("second right-hand side over the first solve", 0.05),
        ("memory ratio", 1.3),
    ):
        yield key, found[key], most


def _convolution(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    for case, result in found["cases"].items():
        ratio = result["peers"].get("pullback compiled", {}).get("over_torch")
        if ratio is not None and case.endswith("gradients"):
            yield f"{case}: compiled over torch", ratio["median"], 1.25
        elif ratio is not None and "step" in case:
            yield f"{case}: compiled over torch", ratio["median"], 0.95


def _recurrence(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    row = found.get("LSTM", {})
    for other, most in (("torch", 0.95), ("JAX, jit", 0.6)):
        if other in row:
            value = row["pullback, compiled"]["least"] / row[other]["least"]
            yield f"LSTM: compiled over {other}, least", value, most


def _attention(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    for case, result in found["block"].items():
        row = result["peers"]["pullback compiled"]
        if "over_torch" in row:
            yield f"block {case}: compiled over torch, least", row["over_torch"], 0.9
    for case, result in found["alone"].items():
        peers = result["peers"]
        value = peers["pullback compiled"]["least"] / peers["materialised, NumPy"]["least"]
        yield f"attention {case}: compiled over materialised, least", value, 0.5
    for name in ("eager", "compiled"):
        row = found["memory"][name]
        yield f"memory, {name}, MiB", row["peak"] / 2**20, row["limit"] / 2**20


def _graph_network(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    for case, result in found["cases"].items():
        ratio = result["peers"]["pullback compiled"].get("over_torch_geometric")
        if ratio is not None:
            yield f"{case}: compiled over torch_geometric", ratio["median"], 0.9


def _vmap(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    row = found["peers"].get("pullback compiled", {})
    if "over_jax" in row:
        yield "per-example gradients: compiled over JAX", row["over_jax"]["median"], 1.3


def _hips(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    yield "geometric mean over HIPS autograd", found["geometric mean of the ratios"], 0.6


def _overhead(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    for way, most in found["limits"].items():
        yield f"tape, {way}, ns an operation", found["median"][way], most


def _peak_memory(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    rows = found["sizes"].get("big", {})
    ours = rows.get(COMPILED) or rows.get("pullback compiled")
    if ours and "torch" in rows:
        yield "big: training, MiB, at most torch's", ours["training"], rows["torch"]["training"]


def _new_shapes(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    if len(found["sizes"]) == 12:
        for way, most in found["limits"].items():
            yield f"twelve new batch sizes, {way}, s", found["ways"][way]["seconds"]["median"], most


def _solvers(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    tasks = found["cg, sparse"]
    hand, way = tasks["forward"]["by hand"]["median"], "compiled, kernels"
    forward, whole = (tasks[kind][way]["median"] for kind in ("forward", "gradient"))
    yield "cg of 10,000 unknowns, compiled over SciPy's by hand", forward / hand, 1.1
    yield "its gradient, beyond the solve, over SciPy's by hand", (whole - forward) / hand, 1.2


def _memory(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    yield "slope of memory against depth with checkpoints", found["slopes"]["checkpointed"], 0.5


def _import_time(found: Any, environment: Mapping[str, Any]) -> Iterator[Limit]:
    yield "import pullback, s", found["pullback beyond s"]["median"], found["limit s"]


LIMITS: dict[str, Callable[[Any, Mapping[str, Any]], Iterator[Limit]]] = {
    "mlp": _mlp, "adam": _adam, "fit_large": _fit_large, "adjoint": _adjoint, "sparse": _sparse,
    "convolution": _convolution, "recurrence": _recurrence, "attention": _attention,
    "graph_network": _graph_network, "vmap": _vmap, "hips": _hips, "overhead": _overhead,
    "peak_memory": _peak_memory, "import_time": _import_time, "new_shapes": _new_shapes,
    "solvers": _solvers, "memory": _memory,
}  # fmt: skip


def checked(part: str, found: Any, environment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records of the limits of a part; none where it has none."""
    if part not in LIMITS:
        return []
    return [
        {"what": what, "value": value, "most": most, "held": bool(value <= most)}
        for what, value, most in LIMITS[part](found, environment)
    ]


def missed(records: list[dict[str, Any]]) -> list[str]:
    """A line for each limit that is not held."""
    return [
        f"missed: {r['what']}: {r['value']:.3g}, at most {r['most']:g}"
        for r in records
        if not r["held"]
    ]
