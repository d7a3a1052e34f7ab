r"""
A layer with infinitely many steps
==================================

A deep equilibrium model (Bai, Kolter and Koltun, 2019) puts a fixed point where a stack of layers would be: for each
image :math:`x` the output is the :math:`v` with :math:`v = T(v) = \tanh(W v + U x + b)`. By the implicit function
theorem its gradient is one linear system at that point, with :math:`(I - \partial T / \partial v)^\top`, and nothing
of the way there is kept: :func:`pullback.implicit.fixed_point`. The picture shows the way to the fixed points of 100
images, by plain iteration and by Anderson's method, and the training of digits through them.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import pullback as pb

xp, solve = pb.xp, pb.implicit.fixed_point
start = lambda x: xp.zeros((x.shape[0], 40), dtype=x.dtype)
rng = np.random.default_rng(0)
images, labels = load_digits(return_X_y=True)
order = rng.permutation(len(labels))
x, y = pb.asarray((images[order] - 5) / 6, dtype="float32"), pb.asarray(labels[order])
shapes = {"W": (40, 40), "U": (40, 64), "b": (40, 1), "C": (10, 40)}
p = {name: rng.standard_normal(shape) / np.sqrt(shape[1]) for name, shape in shapes.items()}
p = pb.tree.map(lambda a: pb.asarray(a, dtype="float32"), p)


def T(v, p, x):
    """One row for each image; tanh never stretches, so a W of norm 0.9 makes it a contraction."""
    W = p["W"] * (0.9 / xp.linalg.matrix_norm(p["W"], ord=2))
    return xp.tanh(v @ W.T + x @ p["U"].T + p["b"][:, 0])


def loss(p, x, y, rtol=1e-4):
    v = solve(T, start(x), p, x, rtol=rtol, adjoint_rtol=rtol)
    return pb.models.cross_entropy(v @ p["C"].T, y)


def unrolled(p, x, y):
    v = start(x)
    for _ in range(150):
        v = T(v, p, x)
    return pb.models.cross_entropy(v @ p["C"].T, y)


# %%
# The gradient is that of 150 steps, of which all had to be kept.

some = p, x[:20], y[:20]
of_layer, of_steps = pb.grad(loss)(*some, 1e-6), pb.grad(unrolled)(*some)
for g, h in zip(of_layer.values(), of_steps.values(), strict=True):
    assert np.allclose(pb.to_numpy(g), pb.to_numpy(h), rtol=1e-2, atol=1e-4)

opt, train, losses = pb.optim.Adam(5e-3), 1400, []
state = opt.init(p)
for rows in np.split(np.concatenate([rng.permutation(train) for _ in range(8)]), 112):
    rows = pb.asarray(rows)
    value, gradient = pb.value_and_grad(loss)(p, x[rows], y[rows])
    p, state = opt.step(p, gradient, state)
    losses.append(float(value))
v = solve(T, start(x[train:]), p, x[train:], rtol=1e-4)
share = pb.to_numpy(xp.argmax(v @ p["C"].T, axis=1) == y[train:]).mean()
assert np.mean(losses[-5:]) < 0.2 * losses[0]
assert share > 0.85

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
for method in ("plain", "anderson"):
    residuals = []
    for k in range(1, 13):
        v = solve(T, start(x[:100]), p, x[:100], method=method, maxiter=k, check=False)
        residuals.append(float(xp.linalg.vector_norm(T(v, p, x[:100]) - v)))
    left.semilogy(range(1, 13), residuals, label=method)
left.set(xlabel="evaluations of T", ylabel=r"$\Vert T(v) - v \Vert$", title="To the fixed point")
left.legend()
right.semilogy(np.arange(1, 113) / 14, losses, lw=1)
right.set(xlabel="epoch", ylabel="loss of a batch", title=f"Digits: {share:.1%} of 397 right")
plt.show()
