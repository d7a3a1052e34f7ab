r"""
Gradient checking: how small a step
===================================

A gradient is checked against differences of values. With a step :math:`\varepsilon` the formulas

.. math:: \frac{F(x + \varepsilon) - F(x)}{\varepsilon} \quad\text{and}\quad
   \frac{F(x + \varepsilon) - F(x - \varepsilon)}{2 \varepsilon}

are off by :math:`O(\varepsilon)` and :math:`O(\varepsilon^2)`; but the numerator loses digits,
:math:`O(u / \varepsilon)` with the rounding :math:`u \approx 10^{-16}`. The best steps are :math:`u^{1/2}` and
:math:`u^{1/3}`, which leave about 8 and 11 of the 16 digits. A complex step has no difference that could cancel:
:math:`\operatorname{Im} F(x + i \varepsilon) / \varepsilon`, off by :math:`O(\varepsilon^2)`, has all digits for any
step below :math:`10^{-8}`. :func:`pullback.grad` needs no step at all; :func:`pullback.check_grads` compares it with
central differences. (W. Squire and G. Trapp, SIAM Review 40, 1998.)
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb


def F(x):
    """For real and complex numbers, traced or not."""
    return np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)


x = 1.5
exact = float(pb.grad(F)(x))
pb.check_grads(F, (np.asarray(x),))

steps = 10.0 ** np.arange(-16, -0.6, 0.25)
u = np.finfo(float).eps
found = {
    "forward difference": (F(x + steps) - F(x)) / steps,
    "central difference": (F(x + steps) - F(x - steps)) / (2 * steps),
    "complex step": F(x + 1j * steps).imag / steps,
}
errors = {name: np.maximum(abs(d - exact) / exact, u / 4) for name, d in found.items()}

# %%
# At its best step a central difference has lost a third of its digits, a forward difference half of them, the complex
# step none.

assert errors["complex step"][steps < 1e-8].max() < 1e-14
assert 1e-14 < errors["central difference"].min() < 1e-9
assert 1e-11 < errors["forward difference"].min() < 1e-6

fig, ax = plt.subplots(figsize=(7, 4.2))
for (name, error), mark in zip(errors.items(), "s^o", strict=True):
    ax.loglog(steps, error, f"{mark}-", ms=3.5, lw=1, label=name)
ax.loglog(steps, steps, ":", color="0.5", lw=1)
ax.loglog(steps, steps**2, ":", color="0.5", lw=1)
ax.loglog(steps, u / steps, ":", color="0.5", lw=1)
for place, word in (
    ((2e-4, 1.5e-3), r"$\varepsilon$"),
    ((4e-3, 2e-6), r"$\varepsilon^2$"),
    ((1e-11, 1e-4), r"$u/\varepsilon$"),
):
    ax.text(*place, word, color="0.3", size=12)
for best, name in ((u**0.5, "$u^{1/2}$"), (u ** (1 / 3), "$u^{1/3}$")):
    ax.axvline(best, color="0.85", zorder=0)
    ax.text(best, 2e-17, name, ha="center", color="0.4")
ax.set(xlabel=r"step $\varepsilon$", ylabel="relative error", ylim=(1e-17, 10))
ax.set_title("Differences cancel; a complex step does not")
ax.legend(loc="upper left", bbox_to_anchor=(0.0, 0.62))
plt.show()
