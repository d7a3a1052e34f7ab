"""Peak memory of a deep network's gradient, with and without checkpoints.

    python benchmarks/memory.py --json FILE --plot FILE

A chain of n equal layers keeps one value a layer for the backward pass. In segments of √n layers under `pb.checkpoint`
it keeps √n segment inputs, and √n values while one segment is computed again: O(√n), for one more forward pass.
Counted in arrays of one layer's size, by tracemalloc, which NumPy reports its buffers to.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
from _report import table

import pullback as pb

DEPTHS = (4, 16, 64, 144, 256)
WIDTH = 256
ROWS = 512


def layers(count: int) -> list[np.ndarray]:
    """The weights of `count` layers, scaled so that no signal dies."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal((WIDTH, WIDTH)) / math.sqrt(WIDTH) for _ in range(count)]


def forward(x: Any, weights: Any) -> Any:
    """``tanh(… tanh(x W₁) … Wₙ)``."""
    for W in weights:
        x = pb.xp.tanh(x @ W)
    return x


segment = pb.checkpoint(forward)


def plain_loss(weights: Any, x: Any) -> Any:
    """Nothing recomputed."""
    return pb.xp.sum(forward(x, weights) ** 2)


def segmented_loss(weights: Any, x: Any) -> Any:
    """In segments of √n layers."""
    step = round(math.sqrt(len(weights)))
    for start in range(0, len(weights), step):
        x = segment(x, weights[start : start + step])
    return pb.xp.sum(x**2)


def peak(
    loss: Any, weights: list[np.ndarray], x: np.ndarray
) -> tuple[float, float, list[np.ndarray]]:
    """Peak memory over what stays (the gradients), in arrays of a layer's output; seconds; the gradient."""
    gradient = pb.grad(loss)
    gradient(weights[:2], x)  # what is made once
    started = time.perf_counter()
    gradient(weights, x)
    seconds = time.perf_counter() - started
    gc.collect()
    tracemalloc.start()
    result = gradient(weights, x)
    high = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (high - sum(g.nbytes for g in result)) / x.nbytes, seconds, result


def measure(depths: tuple[int, ...] = DEPTHS) -> dict[str, Any]:
    """Peaks and times by depth; both ways have to give the same gradient."""
    x = np.random.default_rng(1).standard_normal((ROWS, WIDTH))
    rows = []
    for depth in depths:
        weights = layers(depth)
        plain, plain_seconds, one = peak(plain_loss, weights, x)
        kept, kept_seconds, other = peak(segmented_loss, weights, x)
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        rows.append(
            {
                "depth": depth,
                "plain": plain,
                "checkpointed": kept,
                "time ratio": kept_seconds / plain_seconds,
            }
        )
    logs = np.log([[r["depth"], r["plain"], r["checkpointed"]] for r in rows])
    slopes = {
        name: float(np.polyfit(logs[:, 0], logs[:, i], 1)[0])
        for i, name in ((1, "plain"), (2, "checkpointed"))
    }
    return {"rows": rows, "slopes": slopes}


def show(result: dict[str, Any]) -> str:
    """The result as a table."""
    body = [
        [str(r["depth"]), f"{r['plain']:.1f}", f"{r['checkpointed']:.1f}", f"{r['time ratio']:.2f}"]
        for r in result["rows"]
    ]
    slopes = result["slopes"]
    title = "peak memory of a gradient, in arrays of one layer's output"
    return (
        table(title, ["layers", "plain", "checkpointed by √n", "time over plain"], body)
        + f"\nfitted slope, log-log: plain {slopes['plain']:.2f}, checkpointed {slopes['checkpointed']:.2f}"
    )


def plot(result: dict[str, Any], file: Path) -> None:
    """Peaks against depth, log-log."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    depth = [r["depth"] for r in result["rows"]]
    for name, marker in (("plain", "o"), ("checkpointed", "s")):
        label = f"{name}, slope {result['slopes'][name]:.2f}"
        axes.loglog(depth, [r[name] for r in result["rows"]], marker=marker, label=label)
    axes.set_xlabel("layers")
    axes.set_ylabel("peak memory (arrays of one layer's output)")
    axes.legend()
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main() -> None:
    """Print the table; write it and the plot if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    result = measure()
    print(show(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(result, options.plot)


if __name__ == "__main__":
    main()
