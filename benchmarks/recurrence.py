"""A training step of a recurrent layer: compiled and eager, beside torch eager, JAX's scan within jit, NumPy by hand.

    python benchmarks/recurrence.py [--rounds 3] [--seconds 1.0] [--batch 64] [--time 50] [--json FILE]

The mean square of all outputs of one layer, 32 → 64 units in float32, with its gradients by all parameters: LSTM, GRU
and RNN. Each library runs in a process of its own, in alternation; what is shown is the least and the median of all
its steps in milliseconds, with as many threads as it takes by itself. First the losses are compared.
torch and JAX take part where they can be imported.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # before NumPy loads; see _worker.py

import numpy as np
from _report import environment, save, table, wait_for_kernels

KINDS = {"LSTM": 4, "GRU": 3, "RNN": 1}
INPUTS, HIDDEN = 32, 64
Step = Callable[[], Any]


def data(kind: str, batch: int, times: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Inputs, and the parameters in torch's shapes."""
    rng = np.random.default_rng(0)
    rows, bound = KINDS[kind] * HIDDEN, 1 / np.sqrt(HIDDEN)
    shapes = [(rows, INPUTS), (rows, HIDDEN), (rows,), (rows,)]
    parameters = [rng.uniform(-bound, bound, shape).astype("f") for shape in shapes]
    return rng.standard_normal((batch, times, INPUTS)).astype("f"), parameters


def of_pullback(kind: str, batch: int, times: int, *, compiled: bool) -> Step:
    """``step()`` gives the loss."""
    import pullback as pb

    x, parameters = data(kind, batch, times)
    layer = getattr(pb.models, kind)
    model = layer((getattr(pb.models, f"{kind}Cell")(*parameters),))

    def step(model: Any, x: Any) -> Any:
        return pb.value_and_grad(lambda m: pb.xp.mean(m(x) ** 2))(model)

    run = pb.compile(step) if compiled else step
    return lambda: run(model, x)[0]


def of_torch(kind: str, batch: int, times: int) -> Step:
    """Eager, in its default layout."""
    import torch

    x, parameters = data(kind, batch, times)
    model = getattr(torch.nn, kind)(INPUTS, HIDDEN, batch_first=True)
    with torch.no_grad():
        for p, value in zip(model.parameters(), parameters, strict=True):
            p.copy_(torch.tensor(value))
    inputs = torch.tensor(x)

    def step() -> Any:
        model.zero_grad(set_to_none=True)
        loss = (model(inputs)[0] ** 2).mean()
        loss.backward()
        return loss.detach()

    return step


def of_jax(kind: str, batch: int, times: int) -> Step:
    """The input products of all times in one, then `jax.lax.scan`, all within `jit`."""
    import jax
    import jax.numpy as jnp

    x, parameters = data(kind, batch, times)

    def lstm(carry: Any, a: Any, W: Any, _: Any) -> Any:
        h, c = carry
        i, f, g, o = jnp.split(a + h @ W.T, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    def gru(carry: Any, a: Any, W: Any, b: Any) -> Any:
        (r, z, n), (pr, pz, pn) = jnp.split(a, 3, -1), jnp.split(carry[0] @ W.T + b, 3, -1)
        n = jnp.tanh(n + jax.nn.sigmoid(r + pr) * pn)
        return (n + jax.nn.sigmoid(z + pz) * (carry[0] - n),)

    def rnn(carry: Any, a: Any, W: Any, _: Any) -> Any:
        return (jnp.tanh(a + carry[0] @ W.T),)

    cell = {"LSTM": lstm, "GRU": gru, "RNN": rnn}[kind]

    def loss(parameters: Any, x: Any) -> Any:
        Wi, W, bi, b = parameters
        a = jnp.swapaxes(x, 0, 1) @ Wi.T + (bi if kind == "GRU" else bi + b)
        zeros = jnp.zeros((x.shape[0], HIDDEN), x.dtype)

        def step(carry: Any, row: Any) -> Any:
            carry = cell(carry, row, W, b)
            return carry, carry[0]

        return (jax.lax.scan(step, (zeros,) * (2 if kind == "LSTM" else 1), a)[1] ** 2).mean()

    run = jax.jit(jax.value_and_grad(loss))
    given = [jnp.asarray(p) for p in parameters], jnp.asarray(x)
    return lambda: jax.block_until_ready(run(*given))[0]


def by_hand(kind: str, batch: int, times: int) -> Step:
    """An LSTM in NumPy as one writes it: `None` stands for the other layers."""
    x, (Wi, W, bi, b) = data(kind, batch, times)
    n = HIDDEN

    def sigmoid(a: Any) -> Any:
        return 1 / (1 + np.exp(-a))

    def step() -> Any:
        rows = np.ascontiguousarray(x.transpose(1, 0, 2))
        a = (rows.reshape(-1, INPUTS) @ Wi.T + (bi + b)).reshape(times, batch, -1)
        h = c = np.zeros((batch, n), "f")
        kept, states = [], []
        for t in range(times):
            states.append(h)
            gates = a[t] + h @ W.T
            both, o = sigmoid(gates[:, : 2 * n]), sigmoid(gates[:, 3 * n :])
            g = np.tanh(gates[:, 2 * n : 3 * n])
            new = both[:, n:] * c + both[:, :n] * g
            top = np.tanh(new)
            kept.append((both[:, :n], both[:, n:], g, o, c, top))
            h, c = o * top, new
        ys = np.stack([*states[1:], h])
        loss = np.mean(ys * ys)
        scale = np.float32(2 / ys.size)
        bars, dh, dc = np.empty_like(a), np.zeros_like(h), np.zeros_like(c)
        for t in range(times - 1, -1, -1):
            i, f, g, o, before, top = kept[t]
            dh = dh + scale * ys[t]
            dc = dc + dh * o * (1 - top * top)
            parts = (dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g * g))
            bars[t] = np.concatenate([*parts, dh * top * o * (1 - o)], axis=1)
            dh, dc = bars[t] @ W, dc * f
        flat = bars.reshape(-1, 4 * n)
        _ = flat.T @ rows.reshape(-1, INPUTS), flat.T @ np.concatenate(states), flat.sum(0)
        return loss

    return step


STEPS: dict[str, Callable[..., Step]] = {
    "pullback, compiled": lambda *a: of_pullback(*a, compiled=True),
    "torch": of_torch,
    "JAX, jit": of_jax,
    "pullback, eager": lambda *a: of_pullback(*a, compiled=False),
    "NumPy by hand": by_hand,
}


def there(name: str, kind: str) -> bool:
    """Whether a library takes part."""
    module = {"torch": "torch", "JAX, jit": "jax"}.get(name)
    if name == "NumPy by hand":
        return kind == "LSTM"
    return module is None or importlib.util.find_spec(module) is not None


def worker(name: str, kind: str, batch: int, times: int, seconds: float) -> None:
    """Print the loss and the milliseconds of all steps of so many seconds."""
    step = STEPS[name](kind, batch, times)
    for _ in range(5):
        loss = float(step())
    taken, start = [], time.perf_counter()
    while len(taken) < 10 or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        step()
        taken.append((time.perf_counter() - before) * 1e3)
    print(json.dumps({"loss": loss, "ms": taken}))


def measure(
    rounds: int = 3,
    seconds: float = 1.0,
    batch: int = 64,
    times: int = 50,
    kinds: tuple[str, ...] = tuple(KINDS),
) -> dict[str, Any]:
    """The least and the median of each, and the ratios of the compiled step to the others' by rounds."""
    found: dict[str, Any] = {"batch": batch, "time": times, "inputs": INPUTS, "hidden": HIDDEN}
    for kind in kinds:
        names = [name for name in STEPS if there(name, kind)]
        taken: dict[str, list[list[float]]] = {name: [] for name in names}
        losses = {}
        for _ in range(rounds):
            for name in names:
                text = subprocess.run(
                    [sys.executable, __file__, "--worker", name, kind, str(batch), str(times), str(seconds)],
                    capture_output=True, text=True, check=True, env=os.environ,
                ).stdout  # fmt: skip
                result = json.loads(text.splitlines()[-1])
                taken[name].append(result["ms"])
                losses[name] = result["loss"]
        np.testing.assert_allclose(list(losses.values()), next(iter(losses.values())), rtol=1e-5)
        found[kind] = {
            name: {
                "least": min(map(min, runs)),
                "median": float(np.median(np.concatenate(runs))),
                "least of each round": [min(run) for run in runs],
            }
            for name, runs in taken.items()
        }
    return found


def show(found: dict[str, Any]) -> str:
    """A table for each kind."""
    tables = []
    for kind in KINDS:
        if kind not in found:
            continue
        ours = found[kind]["pullback, compiled"]["least"]
        rows = [
            [name, f"{r['least']:.2f}", f"{r['median']:.2f}", f"{ours / r['least']:.2f}"]
            for name, r in found[kind].items()
        ]
        title = f"{kind}, batch {found['batch']}, {found['time']} times, {INPUTS} → {HIDDEN}: a step, float32"
        tables.append(table(title, ["by", "least ms", "median ms", "compiled / this"], rows))
    return "\n".join(tables)


def main() -> None:
    """As the text above says."""
    wait_for_kernels()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--time", type=int, default=50)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        name, kind, batch, times, seconds = options.worker
        worker(name, kind, int(batch), int(times), float(seconds))
        return
    found = measure(
        options.rounds, options.seconds, options.batch, options.time, tuple(options.kinds)
    )
    print(show(found))
    if options.json:
        save("recurrence", {"environment": environment(), "recurrence": found}, options.json)


if __name__ == "__main__":
    main()
