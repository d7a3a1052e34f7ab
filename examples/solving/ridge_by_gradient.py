r"""
Gradients of a validation error
===============================

A penalty's weight is usually chosen by trying many. But the fitted coefficients are an implicit function of it,

.. math:: v(\lambda) = \operatorname*{argmin}_v\; \lVert X v - y \rVert^2 + \sum_j \lambda_j v_j^2,

and :func:`pullback.implicit.argmin` differentiates it at the minimum by one solve with the inner Hessian, whatever
found the minimum. So the error on other data has a gradient with respect to :math:`\lambda`.

On the left is one :math:`\lambda` for all coefficients: the tangents are what the gradient says, and Newton's method
on the outer level finds the best. On the right, each of 30 coefficients has its own, found by descent: it learns to
penalise most of those that are 0 in truth.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
rng = np.random.default_rng(0)
truth = np.where(np.arange(30) < 8, rng.choice([-1.0, 1.0], 30) * rng.uniform(1, 2, 30), 0.0)
X, X_out = rng.standard_normal((40, 30)), rng.standard_normal((60, 30))
y, y_out = X @ truth + 2 * rng.standard_normal(40), X_out @ truth + 2 * rng.standard_normal(60)
X, X_out, y, y_out = map(pb.asarray, (X, X_out, y, y_out))


def fit(weights):
    """The coefficients for log λ, of each or of all."""

    def penalised(v):
        return xp.sum((X @ v - y) ** 2) + xp.sum(xp.exp(weights) * v**2)

    return pb.implicit.argmin(penalised, xp.zeros(30, dtype=X.dtype))


def error(weights):
    return xp.mean((X_out @ fit(weights) - y_out) ** 2)


# %%
# The gradient is that of the closed form :math:`v = (X^\top X + \lambda I)^{-1} X^\top y`.


def closed(weight):
    H = X.T @ X + xp.exp(weight) * pb.asarray(np.eye(30))
    return xp.mean((X_out @ pb.linalg.solve(H, X.T @ y) - y_out) ** 2)


zero = pb.asarray(np.asarray(0.0))
assert np.isclose(float(pb.grad(error)(zero)), float(pb.grad(closed)(zero)), rtol=1e-6)
best = pb.optim.minimize(error, zero, method="newton").x
each = pb.optim.minimize(error, xp.zeros(30, dtype=X.dtype) + best, maxiter=40, gtol=1e-3).x
assert abs(float(pb.grad(error)(best))) < 1e-4
one, ours = pb.to_numpy(fit(best)), pb.to_numpy(fit(each))
away = [np.linalg.norm(v - truth) for v in (one, ours)]
assert away[1] < 0.9 * away[0]

fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.9))
grid = np.linspace(-6, 8, 57)
left.plot(grid, [float(error(pb.asarray(t))) for t in grid])
for t in np.linspace(-5, 7, 7):
    value, slope = map(float, pb.value_and_grad(error)(pb.asarray(t)))
    left.plot([t - 0.9, t + 0.9], [value - 0.9 * slope, value + 0.9 * slope], color="C1", lw=1.5)
    left.plot(t, value, "o", color="C1", ms=4)
left.plot(float(best), float(error(best)), "*", color="C2", ms=14, label="by Newton's method")
left.plot([], [], color="C1", label="the gradient")
left.set(xlabel=r"$\log\, \lambda$", ylabel="error on other data", title="One weight for all")
left.legend(loc="upper center")
place = np.arange(30)
right.bar(place, truth, color="0.85", label="truth")
right.plot(place, one, "s", ms=4, label=f"one weight: {away[0]:.1f} from the truth")
right.plot(place, ours, "o", ms=4, label=f"one each: {away[1]:.1f} from the truth")
right.set(xlabel="coefficient", title="A weight for each")
right.legend(fontsize=9)
plt.show()
