"""One rank of `ranks.py`: mpirun starts it with a task in JSON, and rank 0 prints what came out, in JSON.

mpirun -n 2 python benchmarks/_ranks_worker.py '{"task": "run", "widths": [784, 512, 10], "examples": 128, …}'
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

import pullback as pb

LEARNING_RATE = (
    1e-6  # as in mlp.py: a network that knows its one batch by heart would end in denormal numbers
)
CLASSES = 10

Call = Callable[[], Any]


def blocks(comm: Any, call: Call, rounds: int, block_seconds: float) -> list[float]:
    """Seconds a call, of the rank that was last, in each of several blocks that all ranks begin together."""
    call()
    own = min(_timed(call) for _ in range(2))
    calls = max(1, round(block_seconds / float(comm.all_reduce(np.asarray([own]))[0] / comm.size)))
    took = []
    for _ in range(rounds):
        comm.barrier()
        start = perf_counter()
        for _ in range(calls):
            call()
        took.append((perf_counter() - start) / calls)
    return [float(v) for v in comm.all_gather(np.asarray([took])).max(axis=0)]


def _timed(call: Call) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def problem(widths: list[int], examples: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """The same network and batch on every rank."""
    rng = np.random.default_rng(0)
    model = pb.models.MLP(widths, activation="relu", seed=0)
    x = rng.standard_normal((examples, widths[0])).astype(np.float32)
    return model, x, rng.integers(0, widths[-1], examples)


def loss(model: Any, x: np.ndarray, y: np.ndarray) -> Any:
    return pb.models.cross_entropy(model(x), y)


def compute(
    comm: Any, widths: list[int], examples: list[int], rounds: int, block_seconds: float
) -> dict[str, Any]:
    """Seconds of value and gradient by examples, of the value alone, and of a whole step with Adam's; none sends."""
    found: dict[str, Any] = {"examples": examples, "gradients": [], "value": []}
    model: Any = None
    for rows in examples:
        model, x, y = problem(widths, rows)
        both = pb.value_and_grad(loss)
        call = partial(both, model, x, y)
        found["gradients"].append(blocks(comm, call, rounds, block_seconds))
        found["value"].append(blocks(comm, partial(loss, model, x, y), rounds, block_seconds))
    # how uneven one rank's pace is
    found["one by one"] = [_timed(call) for _ in range(60)]
    model, x, y = problem(widths, examples[0])
    opt = pb.optim.Adam(LEARNING_RATE)
    state = opt.init(model)

    def step() -> None:
        # gradient and update in turn, as in training: each finds the caches full of the other's arrays
        nonlocal model, state
        _, grads = both(model, x, y)
        model, state = opt.step(model, grads, state)

    found["step"] = blocks(comm, step, rounds, block_seconds)
    return found


def network(
    comm: Any, sizes: list[int], rounds: int, block_seconds: float
) -> dict[str, dict[str, list[float]]]:
    """Seconds of each collective by bytes."""
    found: dict[str, Any] = {"bytes": sizes}
    for name in ("all_reduce", "reduce_scatter", "all_gather"):
        found[name] = []
        for size in sizes:
            length = size // 4
            x = np.zeros(length // comm.size if name == "all_gather" else length, np.float32)
            call = partial(getattr(comm, name), x)
            found[name].append(blocks(comm, call, rounds, block_seconds))
    return found


def ping_pong(comm: Any, sizes: list[int], rounds: int, block_seconds: float) -> dict[str, Any]:
    """Seconds of one message between two ranks by bytes, by mpi4py alone: half of there and back."""
    from mpi4py import MPI

    world, found = MPI.COMM_WORLD, []
    for size in sizes:
        out, back = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        took = []
        for _ in range(10 * rounds):
            world.Barrier()
            start = perf_counter()
            for _ in range(4):
                if world.rank == 0:
                    world.Send(out, 1)
                    world.Recv(back, 1)
                elif world.rank == 1:
                    world.Recv(back, 0)
                    world.Send(out, 0)
            took.append((perf_counter() - start) / 8)
        found.append(took)
    return {"bytes": sizes, "seconds": found}


def part(comm: Any, examples: int) -> slice:
    """The rows of the batch that are this rank's."""
    own = -(-examples // comm.size)
    return slice(comm.rank * own, min(examples, (comm.rank + 1) * own))


def run(
    comm: Any, way: str, widths: list[int], examples: int, rounds: int, block_seconds: float
) -> dict[str, Any]:
    """Training steps by one of `WAYS`: seconds a step, and the bytes and messages that this rank sent in one."""
    step = WAYS[way](comm, widths, examples)
    took = blocks(comm, step, rounds, block_seconds)
    before = counted(comm)
    step()
    after = counted(comm)
    return {
        "seconds": took,
        "traffic": {k: [int(v) for v in after[k] - before.get(k, 0)] for k in after},
    }


def counted(comm: Any) -> dict[str, np.ndarray]:
    """Bytes and messages that this rank has sent, by collective; those of `agree` are not of the model."""
    counts = comm.traffic.counts
    return {k: np.asarray([c.bytes, c.messages]) for k, c in counts.items() if k != "agree"}


def data(comm: Any, widths: list[int], examples: int) -> Call:
    """Data parallel: buckets of gradients travel while the sweep goes on."""
    model, x, y = problem(widths, examples)
    own = part(comm, examples)
    x, y = x[own], y[own]
    opt = pb.optim.Adam(LEARNING_RATE)
    state = opt.init(model)
    both = pb.distributed.data_parallel(loss)

    def step() -> Any:
        nonlocal model, state
        value, grads = both(model, x, y)
        model, state = opt.step(model, grads, state)
        return value

    return step


def buffer(comm: Any, widths: list[int], examples: int) -> Call:
    """Data parallel as one writes it first: after the sweep, one all-reduce of all gradients in one buffer."""
    model, x, y = problem(widths, examples)
    own = part(comm, examples)
    x, y = x[own], y[own]
    opt = pb.optim.Adam(LEARNING_RATE)
    state = opt.init(model)
    both = pb.value_and_grad(loss)

    def step() -> Any:
        nonlocal model, state
        value, grads = both(model, x, y)
        leaves, spec = pb.tree.flatten(grads)
        flat = np.concatenate([pb.to_numpy(g).ravel() for g in leaves])
        total = comm.all_reduce(flat, "mean")
        ends = np.cumsum([g.size for g in leaves])[:-1]
        parts = zip(np.split(total, ends), leaves, strict=True)
        grads = pb.tree.unflatten(spec, [p.reshape(g.shape) for p, g in parts])
        model, state = opt.step(model, grads, state)
        return value

    return step


def sharded(comm: Any, widths: list[int], examples: int) -> Call:
    """ZeRO-1: gradients are reduce-scattered, each rank updates its part, the parameters are gathered."""
    model, x, y = problem(widths, examples)
    own = part(comm, examples)
    x, y = x[own], y[own]
    opt = pb.distributed.sharded(pb.optim.Adam(LEARNING_RATE))
    state = opt.init(model)
    both = pb.distributed.data_parallel(loss, reduce=False)

    def step() -> Any:
        nonlocal model, state
        value, grads = both(model, x, y)
        model, state = opt.step(model, grads, state)
        return value

    return step


def tensor(comm: Any, widths: list[int], examples: int) -> Call:
    """Tensor parallel: the first layer by columns, the second by rows, the last one whole on every rank.

    The losses are summed over ranks, so that each gives its P-th; the gradient of what is whole is P times its own.
    """
    model, x, y = problem(widths, examples)
    W1, b1, W2, b2, W3, b3 = pb.tree.leaves(model)
    k = W1.shape[1] // comm.size
    own = slice(comm.rank * k, (comm.rank + 1) * k)
    copy = lambda a: np.ascontiguousarray(pb.to_numpy(a))
    params = {"own": [copy(W1[:, own]), copy(b1[own]), copy(W2[own])], "whole": [b2, W3, b3]}
    opt = pb.optim.Adam(LEARNING_RATE)
    state = opt.init(params)

    def shared(p: Any) -> Any:
        (W1, b1, W2), (b2, W3, b3) = p["own"], p["whole"]
        h = pb.xp.maximum(x @ W1 + b1, 0)
        h = pb.xp.maximum(pb.distributed.all_reduce(h @ W2) + b2, 0)
        return pb.models.cross_entropy(h @ W3 + b3, y) / comm.size

    both = pb.value_and_grad(shared)

    def step() -> Any:
        nonlocal params, state
        value, grads = both(params)
        grads["whole"] = [comm.size * g for g in grads["whole"]]
        params, state = opt.step(params, grads, state)
        return comm.size * value

    return step


WAYS = {"buffer": buffer, "data": data, "sharded": sharded, "tensor": tensor}
TASKS = {"compute": compute, "network": network, "ping_pong": ping_pong, "run": run}


def main() -> None:
    comm = pb.distributed.init("mpi")
    found = []
    for task in json.loads(sys.argv[1]):
        found.append(TASKS[task.pop("task")](comm, **task))
    if comm.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
