r"""
Fan-out: error signals add up
=============================

Where a quantity is used twice, its error signal is the sum of what both uses send back, by the chain rule of several
variables. Here :math:`F = v \sin x` with :math:`v = x^2`: the input :math:`x` is used by the sine and by the square,

.. math:: \bar x = \underbrace{v \cos x}_{\text{through the sine}} + \underbrace{2 x \sin x}_{\text{through } v}.

The first picture is the graph at :math:`x = 1.2`, with each share on its dashed arrow; the second shows both shares
and their sum, which is what :func:`pullback.grad` finds, over a range of :math:`x`.
"""

import shutil

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp


def F(x):
    v = x**2
    return v * xp.sin(x)


x = pb.asarray(np.asarray(1.2))
picture = "fan_out.svg" if shutil.which("dot") else None  # Graphviz draws it
print(pb.draw(F, x, signals=True, direction="right", file=picture))

# %%
# A share is the gradient with the other use held constant, which is what :func:`pullback.stop_gradient` does.

held = pb.stop_gradient
points = pb.asarray(np.linspace(-4, 4, 201))
through_sine = pb.to_numpy(pb.grad(lambda x: xp.sum(held(x) ** 2 * xp.sin(x)))(points))
through_v = pb.to_numpy(pb.grad(lambda x: xp.sum(x**2 * xp.sin(held(x))))(points))
gradient = pb.to_numpy(pb.grad(lambda x: xp.sum(F(x)))(points))
assert np.allclose(through_sine + through_v, gradient)

t = pb.to_numpy(points)
assert np.allclose(through_sine, t**2 * np.cos(t))
assert np.allclose(through_v, 2 * t * np.sin(t))

fig, ax = plt.subplots()
ax.axhline(0, color="0.8", lw=1)
ax.plot(t, through_sine, "--", label=r"through the sine: $v\,\cos x$")
ax.plot(t, through_v, "--", label=r"through $v$: $2x\,\sin x$")
ax.plot(t, through_sine + through_v, color="black", label="the sum of both")
ax.plot(t[::8], gradient[::8], "o", ms=5, mfc="none", color="C2", label="pb.grad")
ax.axvline(1.2, color="0.8", lw=1, zorder=0)
ax.text(1.3, 4.3, "the graph's point", color="0.4")
ax.set_ylim(-17.5, 5.2)
ax.set(xlabel="x", ylabel=r"error signal of $x$", title=r"Two shares of the error signal of $x$")
ax.legend(loc="lower center")
plt.show()
