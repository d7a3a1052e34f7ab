r"""
Beyond the mean: several targets, quantiles, and noise that varies
==================================================================

A network has as many outputs as one asks for, and the loss decides what they are. Left: squared error with two
targets, the coordinates of a curve. Middle: the negative log-likelihood of a normal distribution,
:math:`\log\sigma(x) + (y - \mu(x))^2 / 2\sigma(x)^2` but for a constant; the two outputs are mean and log standard
deviation, and the network learns where the data are noisy. Right: the quantile loss :math:`\max(q\,e, (q - 1)\,e)` of
:math:`e = y - \hat y`, which is least where a share :math:`q` of the targets lies below :math:`\hat y`; skewed noise
is no trouble.

A loss is any function that ``pb.grad`` can differentiate, and these are two lines each.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

rng = np.random.default_rng(0)
n = 600
t = np.sort(rng.uniform(-1, 1, n))[:, None]
curve = np.concatenate([np.sin(np.pi * t), np.sin(2 * np.pi * t)], axis=1)
wide = 0.05 + 0.35 * (t + 1) / 2  # how wide the noise is
data = {
    "two": curve + 0.06 * rng.normal(size=curve.shape),
    "normal": np.sin(3 * t) + wide * rng.normal(size=t.shape),
    "skewed": np.sin(3 * t) + wide * (rng.exponential(size=t.shape) - 0.5),
}
quantiles = np.array([0.05, 0.5, 0.95])


def gaussian(outputs, y):
    mean, log_sd = outputs[:, :1], outputs[:, 1:]
    return pb.xp.mean(log_sd + 0.5 * ((y - mean) / pb.xp.exp(log_sd)) ** 2)


def pinball(outputs, y):
    e, q = y - outputs, pb.asarray(quantiles)
    return pb.xp.mean(pb.xp.maximum(q * e, (q - 1) * e))


def fitted(loss, outputs, y):
    """The outputs of a network that is trained by L-BFGS."""
    inputs, targets = pb.asarray(2 * t), pb.asarray(y)
    start = pb.models.MLP([1, 20, 20, outputs], activation="tanh", seed=0, dtype="float64")
    found = pb.optim.minimize(lambda model: loss(model(inputs), targets), start, maxiter=200)
    return pb.to_numpy(found.x(inputs))


both = fitted(pb.models.squared_error, 2, data["two"])
mean, log_sd = fitted(gaussian, 2, data["normal"]).T
low, median, high = fitted(pinball, 3, data["skewed"]).T

inside = np.mean((data["skewed"][:, 0] > low) & (data["skewed"][:, 0] < high))
assert np.sqrt(np.mean((both - curve) ** 2)) < 0.05
assert np.corrcoef(np.exp(log_sd), wide[:, 0])[0, 1] > 0.9
assert 0.86 < inside < 0.94

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 4))
drawn = left.scatter(*data["two"].T, c=t[:, 0], s=6, cmap="viridis")
figure.colorbar(drawn, label="$x$")
left.plot(*both.T, color="C1")
left.set(title="Two targets: points of a curve", xlabel="first target", ylabel="second target")
for ax, name, middle_line, band in (
    (middle, "normal", mean, (mean - 2 * np.exp(log_sd), mean + 2 * np.exp(log_sd))),
    (right, "skewed", median, (low, high)),
):
    ax.plot(t, data[name], ".", color="0.6", markersize=3)
    ax.fill_between(t[:, 0], *band, color="C0", alpha=0.2, linewidth=0)
    ax.plot(t, middle_line, color="C0")
    ax.set(xlabel="$x$", ylabel="$y$", ylim=(-2, 2.5))
middle.set_title("Mean and two standard deviations")
right.set_title(f"Quantiles of 5, 50 and 95 %: {100 * inside:.0f} % inside")

plt.show()
