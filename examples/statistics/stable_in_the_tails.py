r"""
Logits in: losses that are right in the tails
=============================================

The log loss of a logit z with the label 0 is :math:`-\log(1 - \sigma(z)) = \log(1 + e^z)`. As it is written it fails:
with z = 17 the sigmoid is 1 in float32, and the logarithm of 0 is infinite; with z = 89 the exponential overflows; and
below −17 the sum :math:`1 + e^z` is 1 and the loss 0. The gradient, which is :math:`\sigma(z)`, becomes infinite or NaN
just where a model is most wrong.

Losses of the library take logits, and compute :math:`\max(z, 0) + \log_{1p}(e^{-|z|})`, where no exponential is
large and ``log1p`` keeps what is small; the log-sum-exp of many classes takes out the largest score in the same way.
The picture shows loss and gradient in float32, of both ways, against float64.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
z = np.linspace(-45, 105, 601)
on_device = pb.asarray(z, dtype="float32")
ways = {
    r"$-\log(1 - \sigma(z))$": lambda z: -xp.log(1 - 1 / (1 + xp.exp(-z))),
    r"$\log(1 + e^z)$": lambda z: xp.log(1 + xp.exp(z)),
    "binary_cross_entropy": lambda z: pb.models.binary_cross_entropy(z, xp.zeros_like(z)),
}
values, slopes = {}, {}
with np.errstate(all="ignore"):  # overflow is what is shown
    for name, way in ways.items():
        value, slope = pb.vmap(pb.value_and_grad(way))(on_device)
        values[name], slopes[name] = pb.to_numpy(value), pb.to_numpy(slope)

# %%
# What is right, in float64; and the same for many classes.

loss, sigmoid = np.logaddexp(0, z), 1 / (1 + np.exp(-z))
of_sigmoid, of_exp, ours = values
assert np.allclose(values[ours], loss, rtol=1e-5, atol=1e-37)
assert np.allclose(slopes[ours], sigmoid, rtol=1e-5, atol=1e-37)
assert np.all(np.isinf(values[of_sigmoid][z > 20]))
assert np.all(np.isinf(values[of_exp][z > 90]))
assert np.all(values[of_exp][z < -20] == 0)
assert not np.any(np.isfinite(slopes[of_sigmoid][z > 20]))
assert not np.any(np.isfinite(slopes[of_exp][z > 90]))

scores = pb.asarray([[1000.0, 0.0, -1000.0]])
value, slope = pb.value_and_grad(pb.models.cross_entropy)(scores, pb.asarray([2]))
assert float(value) == 2000  # the exponential of 1000 is not even a float64
assert np.array_equal(pb.to_numpy(slope), [[1, 0, -1]])

figure, axes = plt.subplots(2, 1, figsize=(9, 6.4), sharex=True)
for ax, table, true in zip(axes, (values, slopes), (loss, sigmoid), strict=True):
    ax.semilogy(z, true, color="0.85", linewidth=9, label="float64")
    for name, colour, width in zip(table, ("C1", "C2", "C0"), (3.4, 2.2, 1.2), strict=True):
        found = np.where(np.isfinite(table[name]) & (table[name] > 0), table[name], np.nan)
        ax.semilogy(z, found, color=colour, linewidth=width, label=name)
        if name != ours:
            (lost,) = np.nonzero(np.isfinite(found[:-1]) != np.isfinite(found[1:]))
            ax.plot(z[lost], true[lost], "x", color=colour, markersize=9, markeredgewidth=2)
axes[0].set(title="The loss: beyond a cross the result is 0, infinite or NaN", ylabel="loss")
axes[1].set(title="Its gradient, which is σ(z)", xlabel="logit z, of a sample with the label 0")
axes[1].set_ylabel("gradient")
axes[0].legend(loc="lower right")
plt.show()
