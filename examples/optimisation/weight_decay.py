r"""
Weight decay beside Adam, or inside it
======================================

For gradient descent a penalty :math:`\frac{\lambda}{2} \|w\|^2` and a decay :math:`w \leftarrow (1 - s \lambda)\, w` in
each step are one and the same. For Adam they are not: it divides each coordinate of the gradient by the size of that
coordinate's gradients, and with the gradient the penalty's share :math:`\lambda w` in it. The larger the gradients of a
weight are, the less it decays. AdamW lets the weights decay *beside* the step, all of them alike.

Here nothing is to be learned: the gradients are noise of mean 0, small for some weights and large for others, and all
that should happen is the decay (dashed). With the penalty in the gradient the weights with large gradients stay where
they were, up to noise; with AdamW all of them go (Loshchilov and Hutter, *Decoupled weight decay
regularization*, 2019). Lines are means over 1000 weights.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
STEPS, COUNT, RATE, DECAY = 300, 1000, 0.01, 1.0
SIZES = np.asarray([1.0, 10.0, 100.0])  # of the gradients
noise = SIZES[:, None] * np.random.default_rng(0).standard_normal((STEPS, 3, COUNT))
noise = pb.asarray(noise)


def means(opt):
    """The mean weight of each size of gradients after each step: (STEPS + 1, 3)."""
    start = xp.ones((3, COUNT))

    def step(carry, gradient):
        w, state = opt.step(carry[0], gradient, carry[1])
        return (w, state), xp.mean(w, axis=1)

    found = pb.scan(step, (start, opt.init(start)), noise)[1]
    return np.concatenate([[[1, 1, 1]], pb.to_numpy(found)])


inside = means(pb.optim.Adam(RATE, weight_decay=DECAY))
beside = means(pb.optim.AdamW(RATE, weight_decay=DECAY))
exact = (1 - RATE * DECAY) ** np.arange(STEPS + 1)
assert np.max(np.abs(beside - exact[:, None])) < 0.05
assert inside[-1, 0] < 0.3
assert inside[-1, 2] > 0.8

figure, axes = plt.subplots(1, 2, figsize=(9.6, 4), sharey=True)
titles = "Adam: the penalty is in the gradient", "AdamW: the decay is beside the step"
for ax, table, title in zip(axes, (inside, beside), titles, strict=True):
    for i, size in enumerate(SIZES):
        ax.plot(table[:, i], color=f"C{i}", label=f"{size:g}")
    ax.plot(exact, "k--", linewidth=1, label=r"$(1 - s\lambda)^k$")
    ax.set(title=title, xlabel="step k", ylim=(0, 1.1))
axes[0].set_ylabel("mean weight")
axes[0].legend(title="size of gradients", loc="lower left")
plt.show()
