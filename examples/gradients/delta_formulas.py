r"""
The δ formulas, checked
=======================

For :math:`f(x) = h_L(W_L h_{L-1}(\dots h_1(W_1 x + b_1)))` the error signals
:math:`\delta_l = \partial F/\partial z_l` of the layers run back by

.. math:: \delta_L = \bar a_L \odot h_L'(z_L), \quad \delta_l = (W_{l+1}^\top \delta_{l+1}) \odot h_l'(z_l), \quad
   \frac{\partial F}{\partial W_l} = \delta_l\, a_{l-1}^\top, \quad \frac{\partial F}{\partial b_l} = \delta_l.

Each parameter's gradient by these formulas is compared with :func:`pullback.grad`, and so are central differences. A
slip that is easily made, and is found in lecture notes, forgets a bar: :math:`a_l \odot h_l'(z_l)`, the value where
:math:`\bar a_l`, the signal, has to be. The check finds it: it is wrong in the first digit.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
rng = np.random.default_rng(0)
shapes = [(8, 6), (7, 8), (5, 7), (3, 5)]
weights = [rng.standard_normal((m, n)) / np.sqrt(n) for m, n in shapes]
biases = [0.1 * rng.standard_normal(m) for m, _ in shapes]
x, y = rng.standard_normal(6), rng.standard_normal(3)


def loss(parameters, x, y):
    weights, biases = parameters
    for W, b in zip(weights, biases, strict=True):
        x = xp.tanh(W @ x + b)
    return 0.5 * xp.sum((x - y) ** 2)


def formulas(slip=False):
    """∂F/∂W_l and ∂F/∂b_l for all layers, in NumPy; with the slip, the value a_l stands where its signal belongs."""
    values = [x]
    for W, b in zip(weights, biases, strict=True):
        values.append(np.tanh(W @ values[-1] + b))
    signal, found = values[-1] - y, []
    for W, a, before in zip(weights[::-1], values[:0:-1], values[-2::-1], strict=True):
        delta = (a if slip else signal) * (1 - a**2)  # tanh' = 1 − tanh²
        found = [np.outer(delta, before), delta, *found]
        signal = W.T @ delta
    return found


def differences(step=1e-5):
    found = []
    for p in sum(zip(weights, biases, strict=True), ()):
        g = np.empty_like(p)
        for i in np.ndindex(p.shape):
            p[i] += step
            above = loss((weights, biases), x, y)
            p[i] -= 2 * step
            g[i] = (above - loss((weights, biases), x, y)) / (2 * step)
            p[i] += step
        found.append(g)
    return found


gradient = pb.grad(loss)(*pb.tree.map(pb.asarray, ((weights, biases), x, y)))
of_weights, of_biases = pb.tree.map(pb.to_numpy, gradient)
exact = sum(zip(of_weights, of_biases, strict=True), ())
size = np.linalg.norm
error = lambda found: [size(a - b) / size(b) for a, b in zip(found, exact, strict=True)]
right, rough, wrong = error(formulas()), error(differences()), error(formulas(slip=True))
assert max(right) < 1e-13 < max(rough) < 1e-6 < 0.1 < min(wrong)

fig, ax = plt.subplots(figsize=(6.8, 4.0))
names = [f"${p}_{layer}$" for layer in range(1, len(shapes) + 1) for p in "Wb"]
ax.semilogy(names, wrong, "s", color="C1", label="the bar forgotten")
ax.semilogy(names, rough, "^", color="C2", label="central differences, ε = 10⁻⁵")
ax.semilogy(names, right, "o", color="C0", label="the δ formulas")
ax.axhline(np.finfo(float).eps, color="0.6", lw=1, ls=":")
ax.text(-0.25, 6e-16, "rounding of float64", color="0.4", va="bottom")
ax.set(ylim=(3e-17, 1e5), ylabel="relative distance to pb.grad", title="Three gradients checked")
ax.legend(loc="upper right", ncols=3, columnspacing=1, handletextpad=0)
plt.show()
