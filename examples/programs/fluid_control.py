r"""
A fluid that draws ∇
====================

Smoke is carried by an incompressible flow. In each step velocity and smoke go along with the flow (a cell takes the
value of the place that it came from), and the velocity is projected onto fields without divergence, by :math:`\hat u -
k\, (k \cdot \hat u) / |k|^2` in Fourier space. The code knows nothing of derivatives, and its gradient answers a
question: with which **initial velocity** does a disc of smoke become a ∇? There are 4608 unknowns, and one backward
pass through all steps gives the slope in each. The picture shows the velocity that was found and the smoke on its way
(the idea is that of HIPS autograd's example of fluid control).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp, n, steps = pb.xp, 48, 24
rows, columns = np.indices((n, n)).astype("float64")
grid, k = pb.asarray(np.stack([rows, columns])), np.fft.fftfreq(n)[np.indices((n, n))]
k = pb.asarray(k / np.sqrt(np.maximum((k**2).sum(axis=0), 1e-12)))


def project(u):
    """The part of a velocity field that has no divergence."""
    spectrum = xp.fft.fftn(u, axes=(1, 2))
    return xp.real(xp.fft.ifftn(spectrum - k * xp.sum(k * spectrum, axis=0), axes=(1, 2)))


def carry(fields, u):
    """Fields (m, n, n) along the flow, each cell's from between the four cells at its origin."""
    origin = grid - u
    corner = xp.floor(pb.stop_gradient(origin))
    weight, total = origin - corner, 0.0
    row, column = xp.astype(corner, xp.int64)
    for i, j in np.ndindex(2, 2):
        cells = xp.reshape((row + i) % n * n + (column + j) % n, (-1,))
        values = xp.take(xp.reshape(fields, (-1, n * n)), cells, axis=1)
        share = xp.abs(1 - i - weight[0]) * xp.abs(1 - j - weight[1])
        total = total + share * xp.reshape(values, fields.shape)
    return total


def simulate(u, smoke):
    u, frames = project(u), [smoke]
    for _ in range(steps):
        moved = carry(xp.concat([u, smoke[None]]), u)
        u, smoke = project(moved[:2]), moved[2]
        frames.append(smoke)
    return frames


# %%
# A ∇ is a triangle without a smaller one, and the disc has as much smoke.

soft = lambda depth: 1 / (1 + np.exp(-2 * depth))
right, down = columns - 23.5, rows - 21.0
depth = lambda size: np.minimum(size / 2 - down / 2 - 0.866 * np.abs(right), size / 2 + down)
target = soft(depth(21.0)) - soft(depth(10.0))
disc = soft(np.sqrt(target.sum() / np.pi) - np.hypot(rows - 23.5, right))
start, wanted, losses = pb.asarray(disc), pb.asarray(target), []
loss = lambda u: xp.mean((simulate(u, start)[-1] - wanted) ** 2)
still = pb.asarray(0.05 * np.random.default_rng(0).standard_normal((2, n, n)))
found = pb.optim.minimize(loss, still, maxiter=60, callback=lambda s: losses.append(s.fun))
assert losses[-1] < 0.1 * losses[0]

# %%
frames = [pb.to_numpy(frame) for frame in simulate(found.x, start)]
names = ["step 0, and the velocity that was found", "step 8", "step 16", "step 24", "wanted"]
figure, axes = plt.subplots(2, 3, figsize=(10, 6.4))
for ax, name, picture in zip(axes.flat, names, [*frames[::8], target], strict=False):
    ax.imshow(picture, cmap="Blues", vmin=0, vmax=1)
    ax.set(title=name, xticks=[], yticks=[])
v, u = pb.to_numpy(project(found.x))[:, ::3, ::3]
axes[0, 0].quiver(columns[::3, ::3], rows[::3, ::3], u, v, angles="xy", color="C1")
axes[1, 2].semilogy(losses)
axes[1, 2].set(title="mean squared difference", xlabel="step of L-BFGS")
plt.show()
