"""Attention by tiles, alone and in a transformer's block, and the memory that it takes.

    python benchmarks/attention.py [--seconds 5] [--json FILE]

*Alone*: output and gradients by queries, keys and values of given heads, causal or not, float32. *Materialised* has the
weights of all heads in memory: by hand in NumPy, and of `pb.xp` functions, compiled. *Block*: loss and all gradients of
a pre-norm block with a GELU network of four times its width, causal. All in one process, three calls of each in turn;
reported is the least of each (other processes can only add to it), the median, and the least over torch's. On a busy
machine the times of CPUs with ``OMP_NUM_THREADS=1`` say more than those of the clock.
*Memory*: the most that NumPy has allocated in a forward and a backward pass at length 4096, over inputs, outputs and
gradients.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import numpy as np
from _report import environment, quartiles, save, table, wait_for_kernels

# batch, heads, length, width of a head
ALONE = ((16, 4, 128, 32), (4, 4, 512, 32))
# batch, length, width, heads
BLOCKS = ((16, 128, 128, 4), (4, 512, 128, 4))
Run = Callable[[], Any]


def normal(seed: int, *shape: int) -> np.ndarray:
    """Drawn numbers in float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


# ── alone ─────────────────────────────────────────────────────────────────────────────────────


def by_hand(q: Any, k: Any, v: Any, ct: Any, causal: bool) -> Any:
    """Output and gradients by NumPy, with all weights in memory."""
    scale = np.float32(q.shape[-1] ** -0.5)
    s = q @ k.mT
    s *= scale
    if causal:
        s[..., ~np.tri(s.shape[-2], dtype=bool)] = -np.inf
    s -= s.max(-1, keepdims=True)
    p = np.exp(s, s)
    p /= p.sum(-1, keepdims=True)
    out = p @ v
    slope = ct @ v.mT
    slope -= (ct * out).sum(-1, keepdims=True)
    slope *= p
    slope *= scale
    return out, slope @ k, slope.mT @ q, p.mT @ ct


def pullbacks(arrays: Any, causal: bool) -> dict[str, Run]:
    """By tiles, eager and compiled, and materialised."""
    import pullback as pb

    xp = pb.xp
    mask = np.tri(arrays[0].shape[-2], dtype=bool)

    def materialised(q: Any, k: Any, v: Any) -> Any:
        s = xp.matmul(q, xp.matrix_transpose(k)) * q.shape[-1] ** -0.5
        s = xp.where(mask, s, -np.inf) if causal else s
        return xp.matmul(xp.softmax(s, axis=-1), v)

    def step(function: Any) -> Any:
        def run(q: Any, k: Any, v: Any, ct: Any) -> Any:
            out, pull = pb.vjp(function, q, k, v)
            return (out, *pull(ct))

        return run

    tiled = step(lambda q, k, v: pb.models.attention(q, k, v, causal=causal))
    compiled, whole = pb.compile(tiled), pb.compile(step(materialised))
    return {
        "pullback compiled": lambda: compiled(*arrays),
        "pullback": lambda: tiled(*arrays),
        "materialised, compiled": lambda: whole(*arrays),
        "materialised, NumPy": lambda: by_hand(*arrays, causal),
    }


def torch_alone(arrays: Any, causal: bool) -> Run:
    """Its fused function."""
    import torch

    q, k, v, ct = (torch.tensor(x) for x in arrays)
    inputs = [x.requires_grad_() for x in (q, k, v)]

    def run() -> Any:
        out = torch.nn.functional.scaled_dot_product_attention(*inputs, is_causal=causal)
        grads = torch.autograd.grad(out, inputs, ct)
        return [x.detach().numpy() for x in (out, *grads)]

    return run


def jax_alone(arrays: Any, causal: bool) -> Run:
    """Its function, output and gradients in one `jit`."""
    import jax
    import jax.numpy as jnp

    q, k, v, ct = (jnp.asarray(np.swapaxes(x, 1, 2)) for x in arrays)

    @jax.jit
    def step(q: Any, k: Any, v: Any, ct: Any) -> Any:
        f = lambda q, k, v: jax.nn.dot_product_attention(q, k, v, is_causal=causal)
        out, pull = jax.vjp(f, q, k, v)
        return (out, *pull(ct))

    return lambda: [np.swapaxes(x, 1, 2) for x in jax.block_until_ready(step(q, k, v, ct))]


def alone(shape: tuple[int, ...], causal: bool, seconds: float) -> dict[str, Any]:
    """Times of output and gradients of one shape."""
    arrays = [normal(i, *shape) for i in range(4)]
    runs = pullbacks(arrays, causal)
    left_out = {}
    for name, make in (("torch", torch_alone), ("jax", jax_alone)):
        try:
            runs[name] = make(arrays, causal)
        except ImportError as error:
            left_out[name] = str(error)
    expected = by_hand(*arrays, causal)
    for name, run in runs.items():
        for a, b in zip(run(), expected, strict=True):
            if not np.allclose(a, b, rtol=1e-3, atol=1e-3):
                raise RuntimeError(f"{name} has other numbers than the formulas")
    return {**times(runs, seconds), "left out": left_out}


# ── a block ───────────────────────────────────────────────────────────────────────────────────


def our_block(x: Any, y: Any, heads: int) -> tuple[dict[str, Run], Any]:
    """Eager and compiled; and the block."""
    import pullback as pb

    block = pb.models.TransformerBlock.init(x.shape[-1], heads, causal=True)
    step = pb.value_and_grad(lambda block, x, y: pb.models.squared_error(block(x), y))
    compiled = pb.compile(step)
    return {
        "pullback compiled": lambda: compiled(block, x, y)[0],
        "pullback": lambda: step(block, x, y)[0],
    }, block


def torch_block(block: Any, x: Any, y: Any, heads: int) -> Run:
    """Its encoder layer with our parameters, eager."""
    import torch

    width = x.shape[-1]
    layer = torch.nn.TransformerEncoderLayer(
        width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    a = block.attention
    state = {
        "self_attn.in_proj_weight": a.W.T, "self_attn.in_proj_bias": a.b,
        "self_attn.out_proj.weight": a.output.W.T, "self_attn.out_proj.bias": a.output.b,
    }  # fmt: skip
    for name in ("linear1", "linear2"):
        state |= {
            f"{name}.weight": getattr(block, name).W.T,
            f"{name}.bias": getattr(block, name).b,
        }
    for name in ("norm1", "norm2"):
        state |= {
            f"{name}.weight": getattr(block, name).scale,
            f"{name}.bias": getattr(block, name).shift,
        }
    layer.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    mask = torch.nn.Transformer.generate_square_subsequent_mask(x.shape[1])
    inputs, targets = torch.tensor(x), torch.tensor(y)
    parameters = list(layer.parameters())

    def run() -> Any:
        out = layer(inputs, src_mask=mask, is_causal=True)
        loss = torch.nn.functional.mse_loss(out, targets)
        torch.autograd.grad(loss, parameters)
        return loss.detach()

    return run


def jax_block(block: Any, x: Any, y: Any, heads: int) -> Run:
    """The same formulas in one `jit`."""
    import jax
    import jax.numpy as jnp

    a = block.attention
    params = {
        "W": a.W, "b": a.b, "Wo": a.output.W, "bo": a.output.b, "W1": block.linear1.W, "b1": block.linear1.b,
        "W2": block.linear2.W, "b2": block.linear2.b, "n1": (block.norm1.scale, block.norm1.shift),
        "n2": (block.norm2.scale, block.norm2.shift),
    }  # fmt: skip
    params = jax.tree.map(jnp.asarray, params)
    x, y = jnp.asarray(x), jnp.asarray(y)

    def norm(x: Any, p: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * p[0] + p[1]

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = norm(x, p["n1"]) @ p["W"] + p["b"]
        q, k, v = jnp.moveaxis(h.reshape(*h.shape[:2], 3, heads, -1), 2, 0)
        h = jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(x.shape)
        x = x + h @ p["Wo"] + p["bo"]
        h = jax.nn.gelu(norm(x, p["n2"]) @ p["W1"] + p["b1"], approximate=False)
        return ((x + h @ p["W2"] + p["b2"] - y) ** 2).mean()

    step = jax.jit(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(step(params, x, y))[0]


def block(shape: tuple[int, ...], seconds: float) -> dict[str, Any]:
    """Times of loss and gradients of one shape."""
    *sizes, heads = shape
    x, y = normal(0, *sizes), normal(1, *sizes)
    runs, ours = our_block(x, y, heads)
    left_out = {}
    for name, make in (("torch", torch_block), ("jax", jax_block)):
        try:
            runs[name] = make(ours, x, y, heads)
        except ImportError as error:
            left_out[name] = str(error)
    losses = {name: float(run()) for name, run in runs.items()}
    for name, value in losses.items():
        if not abs(value - losses["pullback"]) <= 1e-4 * abs(value):
            raise RuntimeError(f"{name}: the loss is {value}, pullback's {losses['pullback']}")
    return {**times(runs, seconds), "left out": left_out}


def times(runs: dict[str, Run], seconds: float) -> dict[str, Any]:
    """Least and median seconds of each, taken in turns of a few calls."""
    for _ in range(3):
        for run in runs.values():
            run()
    taken: dict[str, list[float]] = {name: [] for name in runs}
    # of all threads, where other processes take cores away
    used: dict[str, list[float]] = {name: [] for name in runs}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(taken.values()))) < 5:
        for name, run in runs.items():
            run()  # not counted: the threads of the one before still spin
            for _ in range(3):
                started, cpu = time.perf_counter(), time.process_time()
                run()
                taken[name].append(time.perf_counter() - started)
                used[name].append(time.process_time() - cpu)
    found: dict[str, Any] = {}
    for name in runs:
        least = min(taken[name])
        row = found[name] = {"least": least, "seconds": quartiles(taken[name]), "cpu": min(used[name])}  # fmt: skip
        if "torch" in taken:
            row["over_torch"] = least / min(taken["torch"])
    return {"peers": found, "rounds": len(next(iter(taken.values())))}


# ── memory ────────────────────────────────────────────────────────────────────────────────────


def memory(length: int = 4096, heads: int = 4, width: int = 64) -> dict[str, Any]:
    """Bytes of inputs, outputs and gradients, and the peak, eager and compiled."""
    import pullback as pb

    arrays = [normal(i, heads, length, width) for i in range(4)]

    def step(q: Any, k: Any, v: Any, ct: Any) -> Any:
        out, pull = pb.vjp(pb.models.attention, q, k, v)
        return (out, *pull(ct))

    found: dict[str, Any] = {"length": length, "heads": heads, "width": width}
    for name, run in (("eager", step), ("compiled", pb.compile(step))):
        for _ in range(2):  # what is imported and compiled is no memory of the arrays
            run(*(x[:, :8] for x in arrays))
        gc.collect()
        tracemalloc.start()
        results: Any = ()
        for _ in range(3):
            del results
            tracemalloc.reset_peak()  # the first call of a compiled function records
            results = run(*arrays)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        needed = sum(x.nbytes for x in (*arrays, *results))
        given = sum(x.nbytes for x in arrays)
        found[name] = {"needed": needed, "peak": given + peak, "limit": 1.15 * needed + (16 << 20)}
    found["weights"] = 4 * heads * length * length
    return found


# ── report ────────────────────────────────────────────────────────────────────────────────────


def measure(seconds: float = 5.0) -> dict[str, Any]:
    """All of it."""
    threads = os.environ.get("OMP_NUM_THREADS", "all cores")
    found: dict[str, Any] = {"threads": threads, "alone": {}, "block": {}, "memory": memory()}
    for shape in BLOCKS:
        found["block"]["×".join(map(str, shape))] = block(shape, seconds)
    for shape in ALONE:
        for causal in (True, False):
            name = f"{'×'.join(map(str, shape))}{', causal' if causal else ''}"
            found["alone"][name] = alone(shape, causal, seconds)
    return found


def show(found: dict[str, Any]) -> str:
    """All tables."""
    tables = [show_memory(found["memory"])]
    for title, part in (("block, step", "block"), ("attention, forward and backward", "alone")):
        tables += [show_times(f"{title}, {name}", row) for name, row in found[part].items()]
    return "\n".join(tables)


def show_times(title: str, found: dict[str, Any]) -> str:
    """One table of times."""
    rows = [
        [
            name,
            f"{1e3 * row['least']:.2f}",
            f"{1e3 * row['seconds']['median']:.2f}",
            f"{1e3 * row['cpu']:.2f}",
            f"{row['over_torch']:.2f}" if "over_torch" in row else "",
        ]
        for name, row in found["peers"].items()
    ]
    rows += [[name, "left out", why, "", ""] for name, why in found["left out"].items()]
    head = ["peer", "least ms", "median ms", "CPU ms", "least over torch"]
    return table(f"{title}, float32, {found['rounds']} rounds", head, rows)


def show_memory(found: dict[str, Any]) -> str:
    """The table of memory."""
    rows = [
        [name, *(f"{found[name][key] / 2**20:.1f}" for key in ("needed", "peak", "limit"))]
        for name in ("eager", "compiled")
    ]
    title = (
        f"memory at length {found['length']}, MiB; the weights are {found['weights'] / 2**20:.0f}"
    )
    return table(title, ["", "inputs, outputs, gradients", "peak", "limit"], rows)


def main() -> int:
    """Measure, print, and write JSON where asked."""
    wait_for_kernels()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="for each table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    found = measure(options.seconds)
    print(show(found))
    if options.json:
        save("attention", {"environment": environment(), "attention": found}, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
