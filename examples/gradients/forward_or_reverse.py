r"""
Reverse or forward: a factor of N
=================================

For :math:`F(w) = c \cdot M_1 M_2 \cdots M_L w` with :math:`N \times N` matrices the gradient is a product,

.. math:: \nabla F = M_L^\top \cdots M_2^\top M_1^\top c.

From the right, as error signals go, each factor meets a vector: :math:`L N^2` multiplications. From the left, as the
tangents of all :math:`N` inputs go, each meets a matrix: :math:`(L - 1) N^3 + N^2`. Both give the same gradient; that
is why training goes in reverse. The picture counts and times both: reverse by :func:`pullback.grad`, forward by
carrying the Jacobian of the stages so far.
"""

from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
L, sizes = 4, [64, 128, 256, 512, 1024]
rng = np.random.default_rng(0)


def reverse(matrices, c, w):
    def F(w):
        for M in reversed(matrices):
            w = M @ w
        return c @ w

    return pb.grad(F)(w)


def forward(matrices, c, w):
    J = matrices[-1]
    for M in reversed(matrices[:-1]):
        J = M @ J  # (N, N): the tangents of all inputs
    return c @ J


times = {"reverse": [], "forward": []}
for N in sizes:
    data = (
        [rng.standard_normal((N, N)) / np.sqrt(N) for _ in range(L)],
        *rng.standard_normal((2, N)),
    )
    data = pb.tree.map(pb.asarray, data)
    gradients = [pb.to_numpy(f(*data)) for f in (reverse, forward)]
    assert np.allclose(*gradients, rtol=1e-6, atol=1e-9)
    for f in (reverse, forward):
        timed = repeat(lambda f=f, data=data: pb.to_numpy(f(*data)), number=1, repeat=5)
        times[f.__name__].append(min(timed))

N = np.asarray(sizes, dtype=float)
counts = {"reverse": L * N**2, "forward": (L - 1) * N**3 + N**2}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True)
for ax, table in zip(axes, (counts, times), strict=True):
    for (name, values), power in zip(table.items(), (2, 3), strict=True):
        ax.loglog(N, values, "o-", label=f"{name}, $\\sim N^{power}$" if table is counts else name)
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.set_xlabel("N")
    ax.legend()
ratio = times["forward"][-1] / times["reverse"][-1]
axes[0].set(title=f"A chain of {L} matrices, counted", ylabel="multiplications")
axes[1].set(title="The same, timed", ylabel="seconds")
words = f"{ratio:.0f} times as long  "
axes[1].text(N[-1], times["forward"][-1], words, ha="right", va="center")
plt.show()
