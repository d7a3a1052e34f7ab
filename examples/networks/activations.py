r"""
Activations and their derivatives
=================================

A layer is :math:`x \mapsto h(Wx + b)`, and its activation :math:`h` decides what error signals become: on the way
back each is multiplied by :math:`h'`. Where :math:`h'` is 0 the unit learns nothing; where it is far below 1, as it
is everywhere for the sigmoid, whose slope is at most ¼, many layers leave little of the signal; the rectifiers hand
it on as it is where they are active.

Each panel shows an activation (line) and its derivative (filled), taken by ``pb.vmap(pb.grad(h))``: the gradient of a
function of one number, for all numbers at once.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

names = ["identity", "threshold", "sigmoid", "tanh", "softsign", "hardtanh"]
names += ["relu", "leaky_relu", "elu", "softplus", "silu", "gelu"]
v = np.linspace(-8.0, 8.0, 3202)  # 0, where some have a kink, lies between two points
on_device = pb.asarray(v)

values, slopes = {}, {}
for name in names:
    h = pb.models.ACTIVATIONS[name]
    values[name] = pb.to_numpy(h(on_device))
    slopes[name] = pb.to_numpy(pb.vmap(pb.grad(h))(on_device))

# %%
# A derivative that jumps is drawn with a gap.


def with_gaps(y):
    jumps = np.abs(np.diff(y, append=y[-1])) > 0.2
    return np.where(jumps, np.nan, y)


figure, axes = plt.subplots(3, 4, figsize=(9.6, 6.6), sharex=True, sharey=True)
for ax, name in zip(axes.flat, names, strict=True):
    ax.axhline(0, color="0.75", linewidth=0.8)
    ax.axvline(0, color="0.75", linewidth=0.8)
    ax.fill_between(v, slopes[name], color="C1", alpha=0.25, linewidth=0)
    ax.plot(v, with_gaps(slopes[name]), color="C1", linewidth=1.2)
    ax.plot(v, with_gaps(values[name]), color="C0", linewidth=2.2)
    ax.set(title=name.replace("_", " "), ylim=(-1.4, 2.4), xlim=(-4, 4))
    steepest = slopes[name].max()
    ax.text(3.8, -1.25, f"steepest {steepest:.2f}", ha="right", color="C1", fontsize="small")
axes[0, 0].text(-3.8, 1.5, "$h'(v)$", color="C1")
axes[0, 0].text(1.0, 2.0, "$h(v)$", color="C0", ha="right")
for ax in axes[-1]:
    ax.set_xlabel("pre-activation $v$")

# %%
# Some of them have derivatives that one knows, and are each other's derivatives.

sigmoid = values["sigmoid"]
assert np.allclose(slopes["sigmoid"], sigmoid * (1 - sigmoid))
assert np.allclose(slopes["tanh"], 1 - values["tanh"] ** 2)
assert np.allclose(slopes["softplus"], sigmoid)
assert np.array_equal(slopes["relu"], values["threshold"])
assert not slopes["threshold"].any()  # a threshold cannot be trained by gradients

plt.show()
