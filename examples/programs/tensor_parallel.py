"""Tensor parallelism: each rank holds a part of every matrix, and all work on the same rows.

A block of two linear layers, h = tanh(x A + a), y = h B + b, is divided among P ranks by the hidden units
(Shoeybi et al., "Megatron-LM", 2019, section 3):

    A by columns:  h_r = tanh(x A_r + a_r)         each rank has its own hidden units, and sends nothing
    B by rows:     y   = Σ_r h_r B_r + b           one all-reduce of the outputs

Its gradient needs no other function. The gradient through collectives is that of the *sum* of all ranks' losses, and
every rank computes the same loss L here; so each takes L/P, and the sum is L. Then

* the gradients of A_r, a_r and B_r are those parts of the dense network's gradient, and stay where they are;
* the all-reduce's adjoint is an all-reduce: it adds up what the ranks know of the cotangent of y, L/P each behind the
  last block, and within the network the share of each rank's hidden units. (Megatron-LM writes the same sums as a pair
  of functions: g, an all-reduce whose adjoint is the identity, behind a block, and f, the identity whose adjoint is an
  all-reduce, in front of the next one. A loss that is not divided by P would make every gradient P times as large);
* b is on all ranks, and each has a share of its gradient: one all-reduce of the shares.

    python examples/programs/tensor_parallel.py            # ranks are threads of one process
    mpirun -n 4 python examples/programs/tensor_parallel.py
"""

import itertools
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread for each rank

import numpy as np

import pullback as pb

xp, dist = pb.xp, pb.distributed


def network(widths, hidden, seed=0):
    """Dense blocks ``{"A", "a", "B", "b"}``, from each width to the next."""
    rng = np.random.default_rng(seed)
    blocks = []
    for n_in, n_out in itertools.pairwise(widths):
        blocks.append(
            {
                "A": rng.standard_normal((n_in, hidden)) / np.sqrt(n_in),
                "a": 0.1 * rng.standard_normal(hidden),
                "B": rng.standard_normal((hidden, n_out)) / np.sqrt(hidden),
                "b": 0.1 * rng.standard_normal(n_out),
            }
        )
    return blocks


def part(blocks):
    """What this rank holds of dense blocks: its hidden units, and all of b."""
    axes = {"A": 1, "a": 0, "B": 0}

    def mine(name, w):
        if name not in axes:
            return w.copy()
        return np.array_split(w, dist.size(), axes[name])[dist.rank()].copy()

    return [{name: mine(name, w) for name, w in block.items()} for block in blocks]


def whole(blocks):
    """Dense blocks from the parts of all ranks."""
    return [
        {
            "A": dist.all_gather(block["A"], axis=1),
            "a": dist.all_gather(block["a"]),
            "B": dist.all_gather(block["B"]),
            "b": block["b"],
        }
        for block in blocks
    ]


def forward(blocks, x):
    for block in blocks:
        h = xp.tanh(x @ block["A"] + block["a"])
        x = dist.all_reduce(h @ block["B"]) + block["b"]
    return x


def loss(blocks, x, y):
    """The mean square error, divided by the number of ranks that compute it."""
    return xp.mean((forward(blocks, x) - y) ** 2) / dist.size()


def value_and_grad(blocks, x, y):
    """The loss of the dense network, and this rank's part of its gradient."""
    value, gradient = pb.value_and_grad(loss)(blocks, x, y)
    shares = dist.all_reduce([block["b"] for block in gradient])
    gradient = [{**block, "b": b} for block, b in zip(gradient, shares, strict=True)]
    return value * dist.size(), gradient


def train(blocks, x, y, steps, opt=None):
    """Train the parts of all ranks; the values of the loss, and the whole network."""
    opt = pb.optim.Adam(0.01) if opt is None else opt

    def step(blocks, state, x, y):
        value, gradient = value_and_grad(blocks, x, y)
        return *opt.step(blocks, gradient, state), value

    step = pb.compile(step, donate_argnums=(0, 1), fast=False)
    mine, values = part(blocks), []
    state = opt.init(mine)
    for _ in range(steps):
        mine, state, value = step(mine, state, x, y)
        values.append(float(value))
    return values, whole(mine)


def data(rows, n_in, n_out, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, n_in))
    return x, np.sin(x @ rng.standard_normal((n_in, n_out)))


def main(steps=200, hidden=64, rows=128):
    blocks, (x, y) = network((8, 16, 3), hidden), data(rows, 8, 3)
    values, _ = train(blocks, x, y, steps)
    if dist.rank() == 0:
        numbers = sum(p.size for p in pb.tree.leaves(part(blocks)))
        of = sum(p.size for p in pb.tree.leaves(blocks))
        print(f"{dist.size()} ranks, each with {numbers} of {of} parameters")
        print(f"loss {values[0]:.4f} → {values[-1]:.4f} in {steps} steps")
    return values


if __name__ == "__main__":
    if "OMPI_COMM_WORLD_SIZE" in os.environ or "PMI_SIZE" in os.environ:
        dist.init("mpi")
        main()
    else:
        dist.simulate(main, int(sys.argv[1]) if len(sys.argv) > 1 else 2)
