r"""
Nesterov against gradient descent, with both bounds
===================================================

For a convex function whose gradient has the Lipschitz constant :math:`M`, and steps :math:`s \le 1/M`,

.. math:: \text{gradient descent:}\quad f(x_k) - f^* \le \frac{\|x_0 - x^*\|^2}{2 s k}, \qquad
          \text{Nesterov:}\quad f(x_k) - f^* \le \frac{2\, \|x_0 - x^*\|^2}{s\, (k + 1)^2}.

Nesterov's method takes the gradient at a point ahead. From :math:`y_0 = x_0`, for :math:`k = 1, 2, \dots`, it is
:math:`x_k = y_{k-1} - s \nabla f(y_{k-1})` and :math:`y_k = x_k + \beta_k (x_k - x_{k-1})` with
:math:`\beta_k = (k - 1)/(k + 2)` (Su, Boyd and Candès, 2016, prove the bound in this form).

The function here is quadratic, with curvatures from :math:`10^{-7}` to 1, as many in each decade. Whatever the number
of steps, some direction has only begun to move: both methods run parallel to their bounds, with the slopes −1 and −2.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

N, STEPS = 140, 1000
s = 1.0  # 1/M

random = np.random.default_rng(0)
Q, _ = np.linalg.qr(random.standard_normal((N, N)))
H = pb.asarray((Q * np.geomspace(1e-7, 1, N)) @ Q.T)
start = pb.asarray(Q @ np.ones(N))  # in each direction at the distance 1 from the minimum, x* = 0


def f(x):
    return 0.5 * x @ (H @ x)


# %%
# An optimiser of ``pb.optim`` is two pure functions, ``init`` and ``step``. The points that go in and out of
# ``Nesterov`` are the :math:`y_k`, where gradients are taken; its state holds the :math:`x_k` of the bound.
def gaps(opt):
    """f(x_k) − f* for k = 1, …, STEPS."""

    @pb.compile
    def step(y, state):
        y, state = opt.step(y, pb.grad(f)(y), state)
        return y, state, f(y if state.first is None else state.first)

    y, state, found = start, opt.init(start), []
    for _ in range(STEPS):
        y, state, value = step(y, state)
        found.append(float(value))
    return np.asarray(found)


k = np.arange(1, STEPS + 1)
distance2 = float(pb.xp.sum(start**2))
methods = (
    ("gradient descent", pb.optim.SGD(s), distance2 / (2 * s * k)),
    ("Nesterov", pb.optim.Nesterov(s), 2 * distance2 / (s * (k + 1) ** 2)),
)
formulas = r"$\|x_0 - x^*\|^2\,/\,(2 s k)$", r"$2\,\|x_0 - x^*\|^2\,/\,(s (k + 1)^2)$"
figure, axes = plt.subplots(figsize=(7, 4.8))
for (name, opt, bound), formula, colour in zip(methods, formulas, ("C0", "C1"), strict=True):
    gap = gaps(opt)
    assert np.all(gap <= bound)
    slope = np.polyfit(np.log(k[20:]), np.log(gap[20:]), 1)[0]
    assert abs(slope - {"gradient descent": -1, "Nesterov": -2}[name]) < 0.15
    axes.loglog(k, bound, "--", color=colour, linewidth=1.2, label=f"bound: {formula}")
    axes.loglog(k, gap, color=colour, label=f"{name}: slope {slope:.2f}".replace("-", "−"))
axes.set(xlabel="step k", ylabel="$f(x_k) - f^*$", title="Each method runs below its bound")
axes.legend()
plt.show()
