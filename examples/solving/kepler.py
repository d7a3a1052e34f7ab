r"""
Where a planet is: the derivative of a root
===========================================

Kepler's equation :math:`E - e \sin E = M` says at which angle :math:`E` of its ellipse a planet is when the fraction
:math:`M / 2\pi` of its year has passed. No formula solves it; :func:`pullback.implicit.root` does, by Newton's
method. Its derivative is not that of the iteration but of the equation, by the implicit function theorem:

.. math:: \frac{\partial E}{\partial M} = \frac{1}{1 - e \cos E}, \qquad
   \frac{\partial E}{\partial e} = \frac{\sin E}{1 - e \cos E}.

The place :math:`(\cos E - e,\, \sqrt{1 - e^2} \sin E)` has one too: its velocity, by :func:`pullback.jvp`. Kepler's
second law, that the line to the sun sweeps equal areas in equal times, is what the equation says.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp


def anomaly(M, e):
    return pb.implicit.root(lambda E: E - e * xp.sin(E) - M, M)


def place(M, e):
    E = anomaly(M, e)
    return xp.stack([xp.cos(E) - e, xp.sqrt(1 - e * e) * xp.sin(E)])


e = pb.asarray(np.asarray(0.6))
M = pb.asarray(2 * np.pi * np.arange(24) / 24 + 0.001)
E = pb.to_numpy(anomaly(M, e))
by_M = pb.to_numpy(pb.grad(lambda M: xp.sum(anomaly(M, e)))(M))
by_e = pb.to_numpy(pb.jvp(lambda e: anomaly(M, e), (e,), (xp.ones_like(e),))[1])
assert np.allclose(by_M, 1 / (1 - 0.6 * np.cos(E)))
assert np.allclose(by_e, np.sin(E) / (1 - 0.6 * np.cos(E)))

# %%
# Velocities, and the second law: :math:`x \dot y - y \dot x` is the same everywhere.

points, velocity = map(pb.to_numpy, pb.jvp(lambda M: place(M, e), (M,), (xp.ones_like(M),)))
area = points[0] * velocity[1] - points[1] * velocity[0]
assert np.allclose(area, np.sqrt(1 - 0.36))

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), width_ratios=[1.4, 1])
fine = pb.asarray(np.linspace(0, 2 * np.pi, 481))
orbit = pb.to_numpy(place(fine, e))
left.plot(*orbit, color="0.7", lw=1)
for start in (0, 100, 220, 400):  # a twelfth of a year each
    left.fill(
        *np.column_stack([[0, 0], orbit[:, start : start + 41]]), color="C5", alpha=0.35, lw=0
    )
left.quiver(*points, *velocity, color="C0", angles="xy", scale_units="xy", scale=4, width=0.004)
left.plot(*points, "o", color="C0", ms=4)
left.plot(0, 0, "o", color="C4", ms=14)
left.set(aspect="equal", title="A year in 24 steps, with velocities; shaded areas are equal")
left.axis("off")
for eccentricity in (0.0, 0.3, 0.6, 0.9):
    E = pb.to_numpy(anomaly(fine, pb.asarray(np.asarray(eccentricity))))
    right.plot(pb.to_numpy(fine) / 2 / np.pi, E / np.pi, label=f"e = {eccentricity}")
right.set(xlabel="fraction of the year", ylabel=r"$E / \pi$", title="The root of Kepler's equation")
right.legend()
plt.show()
