r"""
Tensor parallelism: each rank holds a part of every matrix
==========================================================

Two linear layers, :math:`y = \tanh(x A + a)\, B + b`, are divided by the hidden units, A by columns and B by rows: rank
r computes :math:`h_r = \tanh(x A_r + a_r)` and sends nothing, and one all-reduce makes :math:`y = \sum_r h_r B_r + b`
(Shoeybi et al., *Megatron-LM*, 2019). The gradient through collectives is that of the *sum* of all P losses, so each
rank takes L/P; the gradients of :math:`A_r, a_r, B_r` stay where they are, and that of b is one all-reduce more. The
picture shows who holds what, and the training on 1, 2 and 4 ranks, which is one training.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp, dist = pb.xp, pb.distributed
AXES = {"A": 1, "a": 0, "B": 0}  # along which the arrays are divided; b is not


def network(sizes, hidden):
    """Dense blocks ``{"A", "a", "B", "b"}``, one for each pair of an input and an output size."""
    normal = np.random.default_rng(0).standard_normal
    shapes = [{"A": (m, hidden), "a": (hidden,), "B": (hidden, n), "b": (n,)} for m, n in sizes]
    return [{k: normal(shape) / np.sqrt(shape[0]) for k, shape in b.items()} for b in shapes]


def part(blocks):
    """What this rank holds of dense blocks: its hidden units, and all of b."""
    mine = lambda k, w: np.array_split(w, dist.size(), AXES[k])[dist.rank()] if k in AXES else w
    return [{k: pb.asarray(mine(k, w)) for k, w in block.items()} for block in blocks]


def loss(blocks, x, y):
    """The mean square error, divided by the number of ranks that compute it."""
    for block in blocks:
        h = xp.tanh(x @ block["A"] + block["a"])  # this rank's hidden units
        x = dist.all_reduce(h @ block["B"]) + block["b"]
    return xp.mean((x - y) ** 2) / dist.size()


def value_and_grad(blocks, x, y):
    """The loss of the dense network, and this rank's part of its gradient."""
    value, gradient = pb.value_and_grad(loss)(blocks, x, y)
    shares = dist.all_reduce([block["b"] for block in gradient])
    return value * dist.size(), [{**g, "b": b} for g, b in zip(gradient, shares, strict=True)]


def train(blocks, x, y, steps):
    """Train the parts of all ranks: the losses, and this rank's part in the end."""
    mine, values, opt = part(blocks), [], pb.optim.Adam(0.01)
    state = opt.init(mine)
    for _ in range(steps):
        value, gradient = value_and_grad(mine, x, y)
        mine, state = opt.step(mine, gradient, state)
        values.append(float(value))
    return values, mine


x, W = np.split(np.random.default_rng(1).standard_normal((131, 8)), [128])
x, y, blocks = pb.asarray(x), pb.asarray(np.sin(x @ W.T)), network([(8, 16), (16, 3)], 32)
one, _ = train(blocks, x, y, 100)  # alone, a process is a world of one rank
two, four = (dist.simulate(train, size, blocks, x, y, 100) for size in (2, 4))
assert all(values == four[0][0] for values, _ in four)  # every rank has the same numbers
assert np.allclose([two[0][0], four[0][0]], one, rtol=1e-8)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=[1.4, 1])
for r in range(4):
    left.bar(8 * r + 4, 8, 7.6, bottom=12, color=f"C{r}")
    left.barh(28 - 8 * r, 16, 7.6, left=42, color=f"C{r}", label=f"rank {r}")
left.text(16, 23, "A: columns, then tanh\nno messages", ha="center")
left.text(50, 33, "B: rows, then a sum\none all-reduce", ha="center")
left.legend(ncols=4, loc="lower left", fontsize="small")
left.set(title="Who holds what of the first block", ylim=(-8, 40))
left.set_axis_off()
right.semilogy(one, "C5", linewidth=9, alpha=0.6, label="one process")
right.semilogy(two[0][0], "C1", label="2 ranks")
right.semilogy(four[0][0], "k--", label="4 ranks")
right.set(title="One training", xlabel="step", ylabel="loss")
right.legend()
plt.show()
