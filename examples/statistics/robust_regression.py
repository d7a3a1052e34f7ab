r"""
Robust regression: a loss is known by its slope
===============================================

The slope of a loss, :math:`\psi(r) = \partial \ell / \partial r`, is the *influence* of a residual r on the fit: where
the sum of all influences is zero, the fit rests. The squared error lets one bad measurement pull without bound; the
absolute error and Huber's loss bound its pull; Tukey's biweight lets go of it altogether,

.. math:: \ell_\text{Tukey}(r) = \tfrac{c^2}{6} \bigl(1 - (1 - \min(|r| / c, 1)^2)^3\bigr) .

The influences are :func:`pullback.grad` of the losses. A line is fitted with each to data of which some are wrong
(Huber 1964; Hastie, Tibshirani and Friedman, section 10.6).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp


def tukey(r, c=3.0):
    return c**2 / 6 * (1 - (1 - xp.minimum(xp.abs(r) / c, 1.0) ** 2) ** 3)


losses = {
    "squared": lambda r: r**2 / 2,
    "absolute": xp.abs,
    "Huber, δ = 1": lambda r: pb.models.huber(r, xp.zeros_like(r), reduction="none"),
    "Tukey, c = 3": tukey,
}
residual = pb.asarray(np.linspace(-6, 6, 601))
values = {name: pb.to_numpy(loss(residual)) for name, loss in losses.items()}
slopes = {name: pb.vmap(pb.grad(loss))(residual) for name, loss in losses.items()}
influence = {name: pb.to_numpy(slope) for name, slope in slopes.items()}
assert np.max(influence["squared"]) == 6
assert np.max(np.abs(influence["Huber, δ = 1"])) == np.max(np.abs(influence["absolute"])) == 1
assert influence["Tukey, c = 3"][-1] == 0  # far away, no pull at all
# %%
# The line 1 + 2 x with noise of 0.4, and wrong measurements. Tukey's loss is not convex: it starts from Huber's fit.

rng = np.random.default_rng(0)
x = np.linspace(0, 3, 40)
y = 1 + 2 * x + 0.4 * rng.standard_normal(40)
wrong = (np.arange(40) % 5 == 4) & (x > 1)
wrong[[0, 2]] = True
y = np.where(wrong, y - np.where(x > 1, 5.0, -4.0), y)
inputs, targets = pb.asarray(x), pb.asarray(y)

lines, start = {}, xp.zeros(2)
for name, loss in losses.items():
    error = lambda p, loss=loss: xp.mean(loss(targets - p[0] - p[1] * inputs))
    found = pb.optim.minimize(error, start, maxiter=300)
    lines[name] = pb.to_numpy(found.x)
    start = found.x if "Huber" in name else start
slope = {name: line[1] for name, line in lines.items()}
assert abs(slope["squared"] - 2) > 0.5
assert max(abs(slope["Huber, δ = 1"] - 2), abs(slope["absolute"] - 2)) < 0.6
assert abs(slope["Tukey, c = 3"] - 2) < 0.15

# %%
figure = plt.figure(figsize=(10.5, 5.2))
axes = figure.subplot_mosaic([["loss", "fit"], ["slope", "fit"]], width_ratios=[1, 1.4])
for name in losses:
    axes["loss"].plot(pb.to_numpy(residual), values[name], label=name)
    axes["slope"].plot(pb.to_numpy(residual), influence[name])
    line = lines[name][0] + lines[name][1] * x
    axes["fit"].plot(x, line, label=f"{name}: slope {slope[name]:.2f}")
axes["loss"].set(title="Losses", ylabel="ℓ(r)", ylim=(0, 6), xlabel="residual r")
axes["slope"].set(title="Their slopes: the influence", ylabel="ψ(r)", xlabel="residual r")
axes["slope"].set_ylim(-3.2, 3.2)
axes["loss"].legend(fontsize="small", loc="upper center")
axes["fit"].plot(x, 1 + 2 * x, "k--", linewidth=1, label="truth: slope 2")
axes["fit"].plot(x[~wrong], y[~wrong], "o", color="0.4", markersize=4)
axes["fit"].plot(x[wrong], y[wrong], "kx", markersize=8, label="wrong measurements")
axes["fit"].set(title="Four lines through the same data", xlabel="x", ylabel="y")
axes["fit"].legend(fontsize="small")
plt.show()
