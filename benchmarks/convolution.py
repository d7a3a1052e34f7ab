"""A training step of a convolutional network, its convolutions written in array functions.

    python benchmarks/convolution.py [--device cuda] [--json FILE]

Two 3×3 convolutions with relu and 2×2 mean pooling, a dense layer, softmax cross-entropy, gradients, SGD, in float32,
batch 64 of 28×28 images. On pullback a convolution is the sum of nine products, of shifted slices with the weights of
their offset: it has no layer for it yet. PyTorch and JAX have their own. In one process, taken in alternation; each
timed block ends with one synchronisation.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, gpu_environment, microseconds, quartiles, save, table

BATCH, SIDE, CLASSES = 64, 28, 10
CHANNELS = (1, 16, 32)
LR = 1e-3
Peer = tuple[Callable[[], Any], Callable[[], None]]  # a step, and what waits for the device


def start() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Weights (3, 3, in, out) and biases of two convolutions and of the dense layer, images, labels."""
    rng = np.random.default_rng(0)
    params = []
    for a, b in pairwise(CHANNELS):
        params += [rng.standard_normal((3, 3, a, b)) * (2 / (9 * a)) ** 0.5, np.zeros(b)]
    n = (((SIDE - 2) // 2 - 2) // 2) ** 2 * CHANNELS[-1]
    params += [rng.standard_normal((n, CLASSES)) * n**-0.5, np.zeros(CLASSES)]
    x = rng.standard_normal((BATCH, SIDE, SIDE, 1))
    y = rng.integers(0, CLASSES, BATCH)
    return [p.astype("float32") for p in params], x.astype("float32"), y


def pullback(device: str, compiled: bool) -> Peer:
    """Sums of shifted products."""
    import pullback as pb

    xp = pb.xp
    pb.backend.use("numpy" if device == "cpu" else "cupy")
    backend = pb.backend.current()
    host, x, y = start()
    params, x, y = [backend.asarray(p) for p in host], backend.asarray(x), backend.asarray(y)

    def convolved(h: Any, W: Any, b: Any) -> Any:
        m = h.shape[1] - 2
        out = b
        for i in range(3):
            for j in range(3):
                out = out + h[:, i : i + m, j : j + m, :] @ W[i, j]
        return pb.models.relu(out)

    def pooled(h: Any) -> Any:
        n, m, _, c = h.shape
        return xp.mean(xp.reshape(h, (n, m // 2, 2, m // 2, 2, c)), axis=(2, 4))

    def loss(params: Any, x: Any, y: Any) -> Any:
        W1, b1, W2, b2, W3, b3 = params
        h = pooled(convolved(x, W1, b1))
        h = convolved(h, W2, b2)[:, :10, :10, :]
        h = xp.reshape(pooled(h), (x.shape[0], -1))
        return pb.models.cross_entropy(h @ W3 + b3, y)

    def step(params: Any, x: Any, y: Any) -> Any:
        value, grads = pb.value_and_grad(loss)(params, x, y)
        return [p - LR * g for p, g in zip(params, grads, strict=True)], value

    one = pb.compile(step, donate_argnums=0) if compiled else step

    def run() -> Any:
        nonlocal params
        params, value = one(params, x, y)
        return value

    return run, backend.synchronize


def torch(device: str) -> Peer:
    """Its own convolutions, channels first."""
    import torch

    host, x, y = start()
    kinds = {4: (3, 2, 0, 1)}
    params = [
        torch.tensor(p.transpose(kinds[4]).copy() if p.ndim == 4 else p, device=device).requires_grad_()
        for p in host
    ]  # fmt: skip
    x, y = torch.tensor(x.transpose(0, 3, 1, 2).copy(), device=device), torch.tensor(y, device=device)  # fmt: skip
    f = torch.nn.functional

    def run() -> Any:
        W1, b1, W2, b2, W3, b3 = params
        h = f.avg_pool2d(torch.relu(f.conv2d(x, W1, b1)), 2)
        h = torch.relu(f.conv2d(h, W2, b2))[:, :, :10, :10]
        h = f.avg_pool2d(h, 2).permute(0, 2, 3, 1).reshape(len(x), -1)
        value = f.cross_entropy(h @ W3 + b3, y)
        grads = torch.autograd.grad(value, params)
        with torch.no_grad():
            torch._foreach_add_(params, grads, alpha=-LR)
        return value.detach()

    return run, torch.cuda.synchronize if device == "cuda" else lambda: None


def jax(device: str) -> Peer:
    """Its own convolutions, the whole step in one `jit`."""
    import jax
    import jax.numpy as jnp

    if jax.default_backend() != ("gpu" if device == "cuda" else "cpu"):
        raise ImportError(f"JAX runs on {jax.default_backend()} here, not on {device}")
    jax.config.update("jax_default_matmul_precision", "float32")
    host, x, y = start()
    params, x, y = [jnp.array(p) for p in host], jnp.array(x), jnp.array(y.astype(np.int32))

    def convolved(h: Any, W: Any, b: Any) -> Any:
        numbers = ("NHWC", "HWIO", "NHWC")
        out = jax.lax.conv_general_dilated(h, W, (1, 1), "VALID", dimension_numbers=numbers)
        return jax.nn.relu(out + b)

    def pooled(h: Any) -> Any:
        n, m, _, c = h.shape
        return h.reshape(n, m // 2, 2, m // 2, 2, c).mean(axis=(2, 4))

    def loss(params: Any, x: Any, y: Any) -> Any:
        W1, b1, W2, b2, W3, b3 = params
        h = convolved(pooled(convolved(x, W1, b1)), W2, b2)[:, :10, :10, :]
        log_p = jax.nn.log_softmax(pooled(h).reshape(len(x), -1) @ W3 + b3)
        return -jnp.mean(jnp.take_along_axis(log_p, y[:, None], axis=1))

    def step(params: Any, x: Any, y: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, x, y)
        return [p - LR * g for p, g in zip(params, grads, strict=True)], value

    one = jax.jit(step, donate_argnums=0)

    def run() -> Any:
        nonlocal params
        params, value = one(params, x, y)
        return value

    return run, lambda: jax.block_until_ready(params)


PEERS: dict[str, Callable[[str], Peer]] = {
    "pullback": lambda device: pullback(device, False),
    "pullback compiled": lambda device: pullback(device, True),
    "torch": torch,
    "jax": jax,
}


def measure(device: str = "cpu", rounds: int = 7, block: float = 0.05) -> dict[str, Any]:
    """Seconds a step of each library, and their ratios to PyTorch's; the first loss of all has to be the same."""
    runs: dict[str, Peer] = {}
    found: dict[str, Any] = {"device": device, "left out": {}, "peers": {}}
    losses = {}
    for name, make in PEERS.items():
        try:
            runs[name] = make(device)
        except ImportError as error:
            found["left out"][name] = str(error)
            continue
        losses[name] = float(runs[name][0]())
    for name, value in losses.items():
        if not abs(value - losses["pullback"]) <= 1e-4 * abs(value):
            raise RuntimeError(f"{name}: the first loss is {value}, pullback's {losses['pullback']}")  # fmt: skip
    counts = {}
    for name, (run, wait) in runs.items():
        for _ in range(12):
            run()
        wait()
        started = time.perf_counter()
        for _ in range(3):
            run()
        wait()
        counts[name] = max(3, round(block / ((time.perf_counter() - started) / 3)))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, (run, wait) in runs.items():
            started = time.perf_counter()
            for _ in range(counts[name]):
                run()
            wait()
            seconds[name].append((time.perf_counter() - started) / counts[name])
    for name, taken in seconds.items():
        row = found["peers"][name] = {"seconds": quartiles(taken)}
        if "torch" in seconds:
            row["over_torch"] = quartiles(np.asarray(taken) / np.asarray(seconds["torch"]))
    return found


def show(found: dict[str, Any]) -> str:
    """One table."""
    rows = []
    for name, row in found["peers"].items():
        t = row["seconds"]
        ratio = f"{row['over_torch']['median']:.2f}" if "over_torch" in row else ""
        spread = f"{microseconds(t['low'])}-{microseconds(t['high'])}"
        rows.append([name, microseconds(t["median"]), spread, ratio])
    rows += [[name, "left out", why, ""] for name, why in found["left out"].items()]
    title = f"a convolutional network, batch {BATCH}, float32, {found['device']}"
    return table(title, ["peer", "µs a step", "quartiles", "over torch"], rows)


def main() -> int:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    gpu: dict[str, str] = {}
    if options.device == "cuda":
        try:
            gpu = gpu_environment()
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 2
    found = measure(options.device, options.rounds)
    print(show(found))
    if options.json:
        save("convolution", {"environment": environment() | gpu, "convolution": found}, options.json)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
