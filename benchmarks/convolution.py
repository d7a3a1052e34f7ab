"""Convolutions alone, and a training step of a convolutional network, as users call them.

    python benchmarks/convolution.py [--device cuda] [--rounds N] [--peers NAME…] [--cpu-time] [--json FILE]

Three convolutions (images, channels, height, width → channels of the output, kernel), without padding: forward, and
forward with the gradients of inputs, weights and bias. The network has two 3×3 convolutions to 32 and 64 channels,
each with relu and 2×2 maxima, a dense layer and cross-entropy; a step is forward, backward and SGD on 128 images of
28×28. All in float32, in one process, in alternation; each timed block ends with one synchronisation. "torch" is
PyTorch in its default layout, "torch channels_last" in the layout that its manual advises for convolutions.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import numpy as np
from _report import (
    environment,
    gpu_environment,
    microseconds,
    quartiles,
    save,
    table,
    wait_for_kernels,
)

BATCH, SIDE, CLASSES, CHANNELS = 128, 28, 10, (1, 32, 64)
LR = 1e-3
NETWORK = "network, training step"
# images, channels, side, channels of the output, side of the kernel
SINGLE = {
    "128×32×13×13 → 64, 3×3": (128, 32, 13, 64, 3),
    "32×64×32×32 → 64, 3×3": (32, 64, 32, 64, 3),
    "64×16×32×32 → 32, 5×5": (64, 16, 32, 32, 5),
}
Peer = tuple[Callable[[], Any], Callable[[], None]]  # a step, and what waits for the device


def start() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Weights (out, in, 3, 3) and biases of two convolutions, (in, out) of the dense layer; images, labels."""
    rng = np.random.default_rng(0)
    params = []
    for a, b in pairwise(CHANNELS):
        params += [rng.standard_normal((b, a, 3, 3)) * (2 / (9 * a)) ** 0.5, np.zeros(b)]
    n = (((SIDE - 2) // 2 - 2) // 2) ** 2 * CHANNELS[-1]
    params += [rng.standard_normal((n, CLASSES)) * n**-0.5 / 2, np.zeros(CLASSES)]
    x = rng.standard_normal((BATCH, 1, SIDE, SIDE))
    y = rng.integers(0, CLASSES, BATCH)
    return [p.astype("float32") for p in params], x.astype("float32"), y


def single(case: str) -> list[np.ndarray]:
    """Inputs, weights, bias and a cotangent of the outputs."""
    n, c, side, out, k = SINGLE[case]
    rng = np.random.default_rng(0)
    shapes = [(n, c, side, side), (out, c, k, k), (out,), (n, out, side - k + 1, side - k + 1)]
    scale = [1.0, (c * k * k) ** -0.5, 1.0, 1.0]
    return [
        (rng.standard_normal(shape) * s).astype("float32")
        for shape, s in zip(shapes, scale, strict=True)
    ]


# ── peers: of each the network's step, and a convolution without and with gradients ───────────


def pullback(device: str, compiled: bool) -> Peer:
    """The network."""
    import pullback as pb

    pb.backend.use("numpy" if device == "cpu" else "cupy")
    backend = pb.backend.current()
    host, x, y = start()
    params, x, y = [backend.asarray(p) for p in host], backend.asarray(x), backend.asarray(y)

    def loss(params: Any, x: Any, y: Any) -> Any:
        W1, b1, W2, b2, W3, b3 = params
        h = pb.models.max_pool(pb.models.relu(pb.models.conv(x, W1, b1)), 2)
        h = pb.models.max_pool(pb.models.relu(pb.models.conv(h, W2, b2)), 2)
        return pb.models.cross_entropy(pb.xp.reshape(h, (x.shape[0], -1)) @ W3 + b3, y)

    def step(params: Any, x: Any, y: Any) -> Any:
        value, grads = pb.value_and_grad(loss)(params, x, y)
        return [p - LR * g for p, g in zip(params, grads, strict=True)], value

    one = pb.compile(step, donate_argnums=0) if compiled else step

    def run() -> Any:
        nonlocal params
        params, value = one(params, x, y)
        return value

    return run, backend.synchronize


def pullback_single(device: str, compiled: bool, case: str, gradients: bool) -> Peer:
    """One convolution."""
    import pullback as pb

    pb.backend.use("numpy" if device == "cpu" else "cupy")
    backend = pb.backend.current()
    x, W, b, ct = map(backend.asarray, single(case))

    def both(x: Any, W: Any, b: Any, ct: Any) -> Any:
        out, pull = pb.vjp(pb.models.conv, x, W, b)
        return out, pull(ct)

    f = both if gradients else lambda x, W, b, ct: pb.models.conv(x, W, b)
    one = pb.compile(f) if compiled else f

    def run() -> Any:
        return one(x, W, b, ct)

    return run, backend.synchronize


def torch(device: str, channels_last: bool) -> Peer:
    """The network."""
    import torch

    host, x, y = start()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    params = [
        torch.tensor(p, device=device).to(memory_format=layout) if p.ndim == 4 else torch.tensor(p, device=device)
        for p in host
    ]  # fmt: skip
    params = [p.requires_grad_() for p in params]
    x = torch.tensor(x, device=device).to(memory_format=layout)
    y = torch.tensor(y, device=device)
    f = torch.nn.functional

    def run() -> Any:
        W1, b1, W2, b2, W3, b3 = params
        h = f.max_pool2d(torch.relu(f.conv2d(x, W1, b1)), 2)
        h = f.max_pool2d(torch.relu(f.conv2d(h, W2, b2)), 2)
        value = f.cross_entropy(h.flatten(1) @ W3 + b3, y)
        grads = torch.autograd.grad(value, params)
        with torch.no_grad():
            torch._foreach_add_(params, grads, alpha=-LR)
        return value.detach()

    return run, torch.cuda.synchronize if device == "cuda" else lambda: None


def torch_single(device: str, channels_last: bool, case: str, gradients: bool) -> Peer:
    """One convolution."""
    import torch

    layout = torch.channels_last if channels_last else torch.contiguous_format
    x, W, b, ct = (torch.tensor(a, device=device) for a in single(case))
    x, W, ct = (a.to(memory_format=layout) for a in (x, W, ct))
    inputs = [a.requires_grad_(gradients) for a in (x, W, b)]
    f = torch.nn.functional

    def run() -> Any:
        out = f.conv2d(*inputs)
        return (out.detach(), torch.autograd.grad(out, inputs, ct)) if gradients else out

    return run, torch.cuda.synchronize if device == "cuda" else lambda: None


def _jax(device: str) -> Any:
    import jax

    if jax.default_backend() != ("gpu" if device == "cuda" else "cpu"):
        raise ImportError(f"JAX runs on {jax.default_backend()} here, not on {device}")
    jax.config.update("jax_default_matmul_precision", "float32")
    return jax


def _jax_conv(x: Any, W: Any, b: Any) -> Any:
    import jax

    numbers = ("NCHW", "OIHW", "NCHW")
    out = jax.lax.conv_general_dilated(x, W, (1, 1), "VALID", dimension_numbers=numbers)
    return out + b[:, None, None]


def jax(device: str) -> Peer:
    """The network, the whole step in one `jit`."""
    jax = _jax(device)
    jnp = jax.numpy
    host, x, y = start()
    params, x, y = [jnp.array(p) for p in host], jnp.array(x), jnp.array(y.astype(np.int32))

    def pooled(h: Any) -> Any:
        ones = (1, 1, 2, 2)
        return jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, ones, ones, "VALID")

    def loss(params: Any, x: Any, y: Any) -> Any:
        W1, b1, W2, b2, W3, b3 = params
        h = pooled(jax.nn.relu(_jax_conv(x, W1, b1)))
        h = pooled(jax.nn.relu(_jax_conv(h, W2, b2)))
        log_p = jax.nn.log_softmax(h.reshape(len(x), -1) @ W3 + b3)
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


def jax_single(device: str, case: str, gradients: bool) -> Peer:
    """One convolution in one `jit`."""
    jax = _jax(device)
    x, W, b, ct = (jax.numpy.array(a) for a in single(case))

    def both(x: Any, W: Any, b: Any, ct: Any) -> Any:
        out, pull = jax.vjp(_jax_conv, x, W, b)
        return out, pull(ct)

    one = jax.jit(both if gradients else lambda x, W, b, ct: _jax_conv(x, W, b))
    last: Any = None

    def run() -> Any:
        nonlocal last
        last = one(x, W, b, ct)
        return last

    return run, lambda: jax.block_until_ready(last)


PEERS: dict[str, tuple[Callable[[str], Peer], Callable[[str, str, bool], Peer]]] = {
    "pullback": (
        lambda device: pullback(device, False),
        lambda device, case, gradients: pullback_single(device, False, case, gradients),
    ),
    "pullback compiled": (
        lambda device: pullback(device, True),
        lambda device, case, gradients: pullback_single(device, True, case, gradients),
    ),
    "torch": (
        lambda device: torch(device, False),
        lambda device, case, gradients: torch_single(device, False, case, gradients),
    ),
    "torch channels_last": (
        lambda device: torch(device, True),
        lambda device, case, gradients: torch_single(device, True, case, gradients),
    ),
    "jax": (jax, jax_single),
}


# ── measuring ─────────────────────────────────────────────────────────────────────────────────


def _host(x: Any) -> list[np.ndarray]:
    """The arrays of a result, on the host."""
    if isinstance(x, tuple | list):
        return [a for part in x for a in _host(part)]
    x = getattr(x, "value", x)
    x = x.detach().cpu().numpy() if hasattr(x, "detach") else x
    return [np.asarray(x.get() if hasattr(x, "get") else x)]


def _agree(name: str, ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        if not np.allclose(a, b, rtol=1e-3, atol=1e-3 * max(float(abs(b).max()), 1e-3)):
            raise RuntimeError(f"{name}: another result than pullback's, by {abs(a - b).max()}")


def _measure_one(
    makers: dict[str, Callable[[], Peer]], rounds: int, block: float, clock: Callable[[], float]
) -> Any:
    """Seconds of each peer, in alternation, after they have agreed."""
    runs: dict[str, Peer] = {}
    found: dict[str, Any] = {"left out": {}, "peers": {}}
    expected: list[np.ndarray] | None = None
    for name, make in makers.items():
        try:
            runs[name] = make()
        except ImportError as error:
            found["left out"][name] = str(error)
            continue
        result = _host(runs[name][0]())
        expected = expected or result
        _agree(name, result, expected)
    counts = {}
    for name, (run, wait) in runs.items():
        for _ in range(3):
            run()
        wait()
        started = clock()
        run()
        wait()
        counts[name] = max(1, round(block / (clock() - started)))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, (run, wait) in runs.items():
            started = clock()
            for _ in range(counts[name]):
                run()
            wait()
            seconds[name].append((clock() - started) / counts[name])
    for name, taken in seconds.items():
        row = found["peers"][name] = {"seconds": quartiles(taken), "least": min(taken)}
        if "torch" in seconds:
            row["over_torch"] = quartiles(np.asarray(taken) / np.asarray(seconds["torch"]))
            row["least_over_torch"] = min(taken) / min(seconds["torch"])
    return found


def measure(
    device: str = "cpu",
    rounds: int = 15,
    block: float = 0.05,
    clock: Callable[[], float] = time.perf_counter,
    peers: list[str] | None = None,
) -> dict[str, Any]:
    """Seconds of each library and their ratios to PyTorch's in its default layout; all have to agree first."""
    jobs: dict[str, dict[str, Callable[[], Peer]]] = {}
    chosen = {name: PEERS[name] for name in peers or PEERS}
    for case in SINGLE:
        for gradients in (False, True):
            label = f"{case}, {'forward and gradients' if gradients else 'forward'}"
            jobs[label] = {
                name: lambda make=make, case=case, gradients=gradients: make(
                    device, case, gradients
                )
                for name, (_, make) in chosen.items()
            }
    jobs[NETWORK] = {name: lambda make=make: make(device) for name, (make, _) in chosen.items()}
    return {
        "device": device,
        "cases": {
            label: _measure_one(makers, rounds, block, clock) for label, makers in jobs.items()
        },
    }


def show(found: dict[str, Any]) -> str:
    """A table for each case."""
    tables = []
    for label, case in found["cases"].items():
        rows = []
        for name, row in case["peers"].items():
            t = row["seconds"]
            spread = f"{microseconds(t['low'])}-{microseconds(t['high'])}"
            ratios = ["", ""]
            if "over_torch" in row:
                ratios = [f"{row['over_torch']['median']:.2f}", f"{row['least_over_torch']:.2f}"]
            rows.append([name, microseconds(row["least"]), microseconds(t["median"]), spread, *ratios])  # fmt: skip
        rows += [[name, "left out", why, "", "", ""] for name, why in case["left out"].items()]
        head = ["peer", "least, µs", "median", "quartiles", "over torch", "least over least"]
        tables.append(table(f"{label}, float32, {found['device']}", head, rows))
    return "\n".join(tables)


def main() -> int:
    """Measure, print, and write JSON where asked."""
    wait_for_kernels()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), help="these alone")
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="count the time of cores, which other processes disturb less; with OMP_NUM_THREADS=1, of one core",
    )
    parser.add_argument("--note", default="", help="what is to be said of the machine")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    gpu: dict[str, str] = {}
    if options.device == "cuda":
        try:
            gpu = gpu_environment()
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 2
    clock = time.process_time if options.cpu_time else time.perf_counter
    found = measure(options.device, options.rounds, clock=clock, peers=options.peers)
    if options.cpu_time:
        found["clock"] = f"CPU time, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', '')}"
    if options.note:
        found["note"] = options.note
    print(show(found))
    if options.json:
        save("convolution", {"environment": environment() | gpu, "convolution": found}, options.json)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
