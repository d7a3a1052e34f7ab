r"""
Derivatives of derivatives
==========================

The gradient of a function is again a function that can be differentiated: :func:`pullback.grad` nests to any order.
On the left are :math:`\tanh` and its first six derivatives, each scaled to the same height. They are polynomials in
:math:`t = \tanh x`, from :math:`P_{n+1}(t) = P_n'(t)\,(1 - t^2)`, to which they are compared. On the right, the
Taylor polynomials

.. math:: \sum_{k=0}^{n} \frac{f^{(k)}(a)}{k!}\, (x - a)^k

at :math:`a = 0.6` come near the function within the circle of convergence, which ends at the poles
:math:`\pm i \pi / 2`, and leave it outside.
"""

import math

import matplotlib.pyplot as plt
import numpy as np
from numpy.polynomial import Polynomial

import pullback as pb

xp = pb.xp
order = 6


def derivative(f):
    """f' at each element."""
    return pb.grad(lambda x: xp.sum(f(x)))


functions = [xp.tanh]
for _ in range(order):
    functions.append(derivative(functions[-1]))

x = np.linspace(-4, 4, 401)
curves = [pb.to_numpy(f(pb.asarray(x))) for f in functions]

# %%
# The same by the polynomials.

P = Polynomial([0.0, 1.0])
for curve in curves:
    assert np.allclose(curve, P(np.tanh(x)), rtol=1e-9, atol=1e-9)
    P = P.deriv() * Polynomial([1.0, 0.0, -1.0])

a = 0.6
at_a = [float(f(pb.asarray(np.asarray(a)))) for f in functions]
taylor = [c / math.factorial(k) for k, c in enumerate(at_a)]

fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2))
for k, curve in enumerate(curves):
    left.plot(x, 0.42 * curve / np.abs(curve).max() - k, color="C0")
    left.axhline(-k, color="0.85", lw=0.8, zorder=0)
names = ["$\\tanh$", *(f"$\\tanh^{{({k})}}$" for k in range(1, order + 1))]
left.set(
    yticks=-np.arange(order + 1),
    yticklabels=names,
    xlabel="$x$",
    title="Derivatives by nested gradients",
)
left.tick_params(axis="y", length=0)
left.spines["left"].set_visible(False)
radius = abs(a - 0.5j * np.pi)
right.axvspan(a - radius, a + radius, color="0.94")
right.plot(x, curves[0], color="black", label=r"$\tanh x$")
for n in (1, 2, 4, 6):
    right.plot(
        x, sum(c * (x - a) ** k for k, c in enumerate(taylor[: n + 1])), lw=1.4, label=f"order {n}"
    )
right.plot(a, np.tanh(a), "o", color="black")
right.set(ylim=(-2.2, 2.2), xlabel="$x$", title="Taylor polynomials at 0.6")
right.legend(loc="upper left")
error = [
    np.abs(sum(c * 0.5**k for k, c in enumerate(taylor[: n + 1])) - np.tanh(a + 0.5))
    for n in (2, 4, 6)
]
assert error[0] > error[1] > error[2]
plt.show()
