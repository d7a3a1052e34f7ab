r"""
Gradients of complex numbers
============================

For a real loss of a complex number :func:`pullback.grad` returns
:math:`\partial L / \partial \operatorname{Re} z + i\, \partial L / \partial \operatorname{Im} z`, the direction of
steepest ascent in the plane, so that ``z - s * gradient`` descends. Of :math:`L = |f(z)|^2` with a holomorphic
:math:`f` it is :math:`2 f \overline{f'}`. The derivative :math:`f'(z)` itself is a directional derivative along 1:
:func:`pullback.jvp`.

Both lead to the roots of :math:`f(z) = z^3 - 1`. On the left are the arrows of steepest descent on :math:`|f|^2`; on
the right Newton's method :math:`z \leftarrow z - f(z) / f'(z)`: to which root it goes from where, and how fast.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp


def f(z):
    return z**3 - 1


def plane(n):
    """n × n numbers around 0."""
    side = np.linspace(-1.6, 1.6, n)
    return side[None, :] + 1j * side[:, None]


def derivative(z):
    return pb.jvp(f, (z,), (xp.ones_like(z),))[1]


coarse = pb.asarray(plane(17))
slope = pb.to_numpy(pb.grad(lambda z: xp.sum(xp.abs(f(z)) ** 2))(coarse))
z = pb.to_numpy(coarse)
assert np.allclose(slope, 2 * f(z) * np.conj(3 * z**2))
assert np.allclose(pb.to_numpy(derivative(coarse)), 3 * z**2)

# %%
# Newton's method from all points of the plane at once.

roots = np.exp(2j * np.pi * np.arange(3) / 3)
z, steps = pb.asarray(plane(400)), np.zeros((400, 400))
for _ in range(40):
    z = z - f(z) / derivative(z)
    steps += np.abs(f(pb.to_numpy(z))) > 1e-6
nearest = np.argmin(np.abs(pb.to_numpy(z)[..., None] - roots), axis=-1)
assert (steps < 40).mean() > 0.999

fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4.6), sharex=True, sharey=True)
fine = plane(200)
extent = (-1.6, 1.6, -1.6, 1.6)
left.contourf(fine.real, fine.imag, np.log10(np.abs(f(fine)) ** 2 + 1e-3), levels=20, cmap="Greys")
w = plane(17)
arrows = -slope / np.abs(slope).clip(1e-9)
left.quiver(w.real, w.imag, arrows.real, arrows.imag, color="C0", scale=26, pivot="mid")
left.plot(roots.real, roots.imag, "o", color="C1", ms=8)
left.set(
    title=r"Steepest descent on $|z^3 - 1|^2$", xlabel="Re $z$", ylabel="Im $z$", aspect="equal"
)
colors = np.asarray([plt.matplotlib.colors.to_rgb(f"C{k}") for k in range(3)])
shade = np.exp(-steps / 12)[..., None]
right.imshow(colors[nearest] * shade, origin="lower", extent=extent)
right.plot(roots.real, roots.imag, "o", color="white", ms=8)
right.set(title="Newton's method: the root it goes to", xlabel="Re $z$")
plt.show()
