r"""
A filter that learns where edges are
====================================

A noisy image :math:`y` is smoothed by :math:`(I + D^\top \operatorname{diag}(w)\, D)\, u = y`, where :math:`D u` are
the differences of neighbours and :math:`w` says how strongly each pair is held together. The matrix is given only as
a function :math:`u \mapsto u + D^\top (w \odot D u)`, and conjugate gradients solve it, :func:`pullback.linalg.cg`.
The adjoint is again such a solve: :math:`A \lambda = \partial F / \partial u` and
:math:`\partial F / \partial w = -(D \lambda) \odot (D u)`, all 4,512 at once.

With one :math:`w` for all pairs, what removes the noise blurs the edges too. Descent on the error, where the clean
image is known, finds a :math:`w` for each pair, and so the outlines: neighbours on both sides of an edge are let go.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
n, rng = 48, np.random.default_rng(0)
i, j = np.mgrid[:n, :n]
disc, box = (i - 17) ** 2 + (j - 16) ** 2 < 120, (i > 20) & (i < 42) & (j > 26) & (j < 42)
clean = pb.asarray(1.0 * disc + 0.6 * box)
y = clean + 0.25 * pb.asarray(rng.standard_normal((n, n)))


def smooth(down, across, y=y):
    """u for the weights of the vertical and of the horizontal pairs."""

    def A(u):
        d, a = down * (u[1:, :] - u[:-1, :]), across * (u[:, 1:] - u[:, :-1])
        d, a = xp.pad(d, ((1, 1), (0, 0))), xp.pad(a, ((0, 0), (1, 1)))
        return u + d[:-1, :] - d[1:, :] + a[:, :-1] - a[:, 1:]

    return pb.linalg.cg(A, y, rtol=1e-5)[0]


def loss(down, across):
    return xp.mean((smooth(down, across) - clean) ** 2)


def same(level):
    return xp.zeros((n - 1, n), dtype=y.dtype) + level, xp.zeros((n, n - 1), dtype=y.dtype) + level


# %%
# The adjoint solve by hand, for the vertical pairs.

w = same(2.0)
u = smooth(*w)
adjoint = smooth(*w, 2 * (u - clean) / n**2)
by_hand = pb.to_numpy(-(adjoint[1:] - adjoint[:-1]) * (u[1:] - u[:-1]))
slope = pb.to_numpy(pb.grad(loss)(*w))
assert np.abs(slope - by_hand).max() < 1e-3 * np.abs(slope).max()

# %%
# Weights between 0 and 8, by their logits.

weights = lambda logits: [8 / (1 + xp.exp(-t)) for t in logits]
error = lambda logits: loss(*weights(logits))
zero = pb.asarray(np.asarray(0.0))
best = same(pb.optim.minimize(lambda t: error(same(t)), zero, maxiter=20, gtol=1e-4).x)
found = pb.optim.minimize(error, best, maxiter=25, gtol=1e-6)
errors = [float(each) for each in (xp.mean((y - clean) ** 2), error(best), found.fun)]
assert errors[0] > 2 * errors[1] > 8 * errors[2]
down, across = map(pb.to_numpy, found.x)

fig, axes = plt.subplots(1, 4, figsize=(11, 3.2))
titles = ["noisy", "one weight for all", "a weight for each pair"]
images = [pb.to_numpy(u) for u in (y, smooth(*weights(best)), smooth(*weights(found.x)))]
for ax, image, title, value in zip(axes, images, titles, errors, strict=False):
    ax.imshow(image, cmap="gray", vmin=-0.3, vmax=1.3)
    ax.set_title(f"{title}\nerror {value:.4f}")
around = (down[:, :-1] + down[:, 1:] + across[:-1] + across[1:]) / 4
axes[3].imshow(1 / (1 + np.exp(-around)), cmap="viridis")  # of the mean logit
axes[3].set_title("what was learned:\n$w$, dark at edges")
for ax in axes:
    ax.axis("off")
plt.show()
