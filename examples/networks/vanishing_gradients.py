r"""
Error signals shrink, or grow
=============================

On its way back the error signal of layer :math:`l` is :math:`\delta_l = h'(v_l) \odot W_{l+1}^\top \delta_{l+1}`:
each layer multiplies it by the weights and by the slope of the activation. Over 30 layers that is a power: what is a
little below 1 vanishes, what is a little above 1 explodes. The sigmoid, whose slope is at most ¼, loses the signal
with every usual initialisation.

The variance of the weights holds the balance: :math:`1/n` for tanh (Glorot, Bengio, 2010, for layers of :math:`n`
inputs and :math:`n` outputs), :math:`2/n` for ReLU, which passes half of what it gets (He et al., 2015). Here
``pb.grad`` gives the error signals of all layers at once, as the gradient with respect to zeros that are added to the
pre-activations.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

DEPTH, WIDTH, BATCH = 30, 128, 32
rng = np.random.default_rng(0)
x = pb.asarray(rng.normal(size=(BATCH, WIDTH)))
signs = pb.asarray(rng.choice([-1.0, 1.0], size=(BATCH, WIDTH)))  # the error at the outputs
zeros = pb.asarray(np.zeros((DEPTH, BATCH, WIDTH)))
normal = rng.normal(size=(DEPTH, WIDTH, WIDTH)) / np.sqrt(WIDTH)


def loss(added, weights, activation):
    a = x
    for layer in range(DEPTH):
        a = activation(a @ weights[layer] + added[layer])
    return pb.xp.sum(a * signs)


error_signals = pb.grad(loss)  # (DEPTH, BATCH, WIDTH): δ of each layer, example and unit


def sizes(activation, variance):
    """The root mean square of the error signals, by layer."""
    weights = pb.asarray(np.sqrt(variance) * normal)
    delta = pb.to_numpy(error_signals(zeros, weights, pb.models.ACTIVATIONS[activation]))
    return np.sqrt(np.mean(delta**2, axis=(1, 2)))


# %%
# Read from the right: the error signal enters at layer 30 and goes back to layer 1.

layers = np.arange(1, DEPTH + 1)
variances = {0.5: "½ / n", 1.0: "1 / n  (LeCun, Glorot)", 2.0: "2 / n  (He)", 4.0: "4 / n"}
found = {}
figure, axes = plt.subplots(1, 3, figsize=(12, 4), sharey=True)
for ax, activation in zip(axes, ["sigmoid", "tanh", "relu"], strict=True):
    for variance, name in variances.items():
        size = found[activation, variance] = sizes(activation, variance)
        ax.semilogy(layers, size, ".-", label=name)
    ax.axhspan(0.1, 10, color="0.92", zorder=0)
    ax.set(title=activation, xlabel="layer", xlim=(0, DEPTH + 1))
axes[0].set_ylabel("error signal (root mean square)")
axes[0].legend(title="variance of the weights", loc="lower right")
axes[2].annotate("", (2, 1e-18), (29, 1e-18), arrowprops={"arrowstyle": "->", "color": "0.4"})
axes[2].text(15, 3e-18, "backwards", ha="center", color="0.4")

left = {key: size[0] / size[-1] for key, size in found.items()}  # of the signal, in layer 1
assert all(left["sigmoid", variance] < 1e-8 for variance in variances)
assert 0.03 < left["tanh", 1.0] < 3
assert 0.1 < left["relu", 2.0] < 10
assert left["relu", 0.5] < 1e-6 < 1e3 < left["relu", 4.0]

plt.show()
