r"""
Hares and lynxes: a differential equation, fitted
=================================================

The equations of Lotka and Volterra for prey :math:`x` and predators :math:`y`,

.. math:: \dot x = \alpha x - \beta x y, \qquad \dot y = -\gamma y + \delta x y,

are fitted to 21 noisy counts of each by the gradient of the misfit. :func:`pullback.scipy.integrate.odeint` has the
derivative of the solution to start and parameters: the adjoint equation
:math:`\dot \lambda = -(\partial f / \partial z)^\top \lambda` is solved backwards once, whatever the number of
parameters.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb
from pullback.scipy.integrate import odeint

xp = pb.xp
rng = np.random.default_rng(2)
names = [r"\alpha", r"\beta", r"\gamma", r"\delta"]
truth, z0 = np.asarray([1.1, 0.4, 0.4, 0.1]), np.asarray([10.0, 5.0])
t = np.linspace(0, 20, 21)


def field(z, t, p):
    x, y = z[0], z[1]
    return xp.stack([p[0] * x - p[1] * x * y, -p[2] * y + p[3] * x * y])


def solve(log_p, times=t):
    """Prey and predators, (times, 2); parameters by their logarithms, since they are positive."""
    p = xp.exp(log_p)
    return odeint(field, pb.asarray(z0), pb.asarray(times), args=(p,), rtol=1e-5, atol=1e-5)


exact = pb.to_numpy(solve(pb.asarray(np.log(truth))))
counts = exact * np.exp(0.15 * rng.standard_normal(exact.shape))  # 15 % of noise
observed = pb.asarray(np.log(counts))


def misfit(log_p):
    return xp.mean((xp.log(solve(log_p)) - observed) ** 2)


start = pb.asarray(np.log(truth * [0.8, 1.3, 1.3, 0.8]))
found = pb.optim.minimize(misfit, start, maxiter=20, gtol=3e-3)
p = np.exp(pb.to_numpy(found.x))
for name, value, true in zip(names, p, truth, strict=True):
    print(f"{name:8s} {value:.3f}, in truth {true}")
assert np.allclose(p, truth, rtol=0.15)
assert float(found.fun) < 0.15 * float(misfit(start))

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), width_ratios=[1.7, 1])
fine = np.linspace(0, 20, 301)
for log_p, look, name in ((start, ":", "at the start"), (found.x, "-", "fitted")):
    z = pb.to_numpy(solve(log_p, fine))
    for i, animal in enumerate(("prey", "predators")):
        left.plot(fine, z[:, i], look, color=f"C{i}", label=f"{animal}, {name}", lw=1.4)
    right.plot(*z.T, look, color="C2", label=name, lw=1.4)
left.plot(t, counts[:, 0], "o", color="C0", ms=4)
left.plot(t, counts[:, 1], "o", color="C1", ms=4)
right.plot(*counts.T, ".", color="0.5", label="counts")
left.set(xlabel="time", ylabel="how many", title="Counts and solutions", ylim=(0, 36))
left.legend(ncols=2, loc="upper center")
right.set(xlabel="prey", ylabel="predators", title="The same without time")
right.legend()
plt.show()
