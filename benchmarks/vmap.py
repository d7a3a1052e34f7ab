"""Per-example gradients of a small network: ``vmap(grad(loss))`` of every row of a batch.

    python benchmarks/vmap.py [--size digits] [--json FILE]

The network and its sizes are those of `mlp.py`; the result is one gradient of all parameters for each row. Peers are
JAX's jitted `vmap(grad)`, torch's `vmap(grad)`, the same by hand in NumPy (forward, backward and one outer product for
each row and layer), and a loop over the rows of our own gradients. In one process, taken in alternation.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import numpy as np
from _problem import SIZES, Problem, problem
from _report import environment, microseconds, quartiles, save, table, wait_for_kernels

Peer = Callable[[], list[Any]]  # one gradient for each row, of all parameters


def _loss(params: list[Any], x: Any, y: Any) -> Any:
    """The cross-entropy of one example on pullback."""
    import pullback as pb

    last = len(params) // 2 - 1
    for i in range(last):
        x = pb.models.relu(x @ params[2 * i] + params[2 * i + 1])
    return pb.models.cross_entropy(x @ params[2 * last] + params[2 * last + 1], y)


def pullback(p: Problem, compiled: bool) -> Peer:
    """`pb.vmap` of `pb.grad`."""
    import pullback as pb

    mapped = pb.vmap(pb.grad(_loss), in_axes=(None, 0, 0))
    call = pb.compile(mapped) if compiled else mapped
    return lambda: call(p.params, p.x, p.y)


def loop(p: Problem) -> Peer:
    """One compiled gradient after the other."""
    import pullback as pb

    gradient = pb.compile(pb.grad(_loss))

    def run() -> list[Any]:
        rows = [gradient(p.params, x, y) for x, y in zip(p.x, p.y, strict=True)]
        return [np.stack(column) for column in zip(*rows, strict=True)]

    return run


def hand(p: Problem) -> Peer:
    """NumPy alone."""
    weights, biases = p.params[::2], p.params[1::2]
    rows = np.arange(len(p.y))

    def run() -> list[Any]:
        acts = [p.x]
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            acts.append(np.maximum(acts[-1] @ W + b, 0))
        z = acts[-1] @ weights[-1] + biases[-1]
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
        z[rows, p.y] -= 1
        out: list[Any] = []
        for i in reversed(range(len(weights))):
            out = [acts[i][:, :, None] * z[:, None, :], z, *out]
            if i:
                z = (z @ weights[i].T) * (acts[i] > 0)
        return out

    return run


def jax(p: Problem) -> Peer:
    """Its `jit` of its `vmap` of its `grad`."""
    import jax
    import jax.numpy as jnp

    def loss(params: Any, x: Any, y: Any) -> Any:
        last = len(params) // 2 - 1
        for i in range(last):
            x = jax.nn.relu(x @ params[2 * i] + params[2 * i + 1])
        return -jax.nn.log_softmax(x @ params[2 * last] + params[2 * last + 1])[y]

    call = jax.jit(jax.vmap(jax.grad(loss), in_axes=(None, 0, 0)))
    params, x, y = [jnp.array(w) for w in p.params], jnp.array(p.x), jnp.array(p.y.astype(np.int32))
    return lambda: jax.block_until_ready(call(params, x, y))


def torch(p: Problem) -> Peer:
    """Its `vmap` of its `grad`."""
    import torch

    def loss(params: Any, x: Any, y: Any) -> Any:
        last = len(params) // 2 - 1
        for i in range(last):
            x = torch.relu(x @ params[2 * i] + params[2 * i + 1])
        logits = x @ params[2 * last] + params[2 * last + 1]
        return torch.nn.functional.cross_entropy(logits, y)

    call = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    params, x, y = [torch.tensor(w) for w in p.params], torch.tensor(p.x), torch.tensor(p.y)
    return lambda: list(call(params, x, y))


PEERS: dict[str, Callable[[Problem], Peer]] = {
    "pullback": lambda p: pullback(p, False),
    "pullback compiled": lambda p: pullback(p, True),
    "hand": hand,
    "jax": jax,
    "torch": torch,
    "a loop over rows": loop,
}


def measure(size: str = "digits", rounds: int = 15, block: float = 0.05) -> dict[str, Any]:
    """Seconds of each peer, and their ratios to JAX's; the gradients of all have to be the same.

    Raises
    ------
    RuntimeError
        If a peer's gradients are not those by hand.
    """
    p = problem(SIZES[size], 0.0)
    reference = hand(p)()
    found: dict[str, Any] = {"size": size, "left out": {}, "peers": {}}
    runs: dict[str, Peer] = {}
    for name, make in PEERS.items():
        try:
            run = make(p)
            got = run()
        except ImportError as error:
            found["left out"][name] = str(error)
            continue
        for a, b in zip(got, reference, strict=True):
            if not np.allclose(np.asarray(a), b, rtol=1e-4, atol=1e-5):
                raise RuntimeError(f"{name}: its gradients are not those by hand")
        runs[name] = run
    counts = {}
    for name, run in runs.items():
        for _ in range(5):
            run()
        started = time.perf_counter()
        for _ in range(3):
            run()
        counts[name] = max(2, round(block / ((time.perf_counter() - started) / 3)))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            run()
            started = time.perf_counter()
            for _ in range(counts[name]):
                run()
            seconds[name].append((time.perf_counter() - started) / counts[name])
    for name, taken in seconds.items():
        row = found["peers"][name] = {"seconds": quartiles(taken)}
        if "jax" in seconds:
            row["over_jax"] = quartiles(np.asarray(taken) / np.asarray(seconds["jax"]))
    return found


def show(found: dict[str, Any]) -> str:
    """One table."""
    rows = []
    for name, row in found["peers"].items():
        t = row["seconds"]
        ratio = f"{row['over_jax']['median']:.2f}" if "over_jax" in row else ""
        spread = f"{microseconds(t['low'])}-{microseconds(t['high'])}"
        rows.append([name, microseconds(t["median"]), spread, ratio])
    rows += [[name, "left out", why, ""] for name, why in found["left out"].items()]
    size = SIZES[found["size"]]
    title = f"per-example gradients, {'-'.join(map(str, size.widths))}, {size.batch} rows, float32"
    return table(title, ["peer", "µs a call", "quartiles", "over jax"], rows)


def main() -> int:
    """Measure, print, and write JSON where asked."""
    wait_for_kernels()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", choices=tuple(SIZES), default="digits")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    found = measure(options.size, options.rounds)
    print(show(found))
    if options.json:
        save("vmap", {"environment": environment(), "vmap": found}, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
