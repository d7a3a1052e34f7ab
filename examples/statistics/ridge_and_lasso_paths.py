r"""
The paths of ridge regression and of the LASSO
==============================================

Both shrink the coefficients of a linear model, with penalties that differ by one exponent:

.. math:: \min_w \tfrac{1}{2n} \|Xw - y\|^2 + \tfrac{\lambda}{2} \|w\|_2^2 \qquad\text{and}\qquad
   \min_w \tfrac{1}{2n} \|Xw - y\|^2 + \lambda \|w\|_1 .

The first is a linear system. The second has a kink at zero, so each step of FISTA is a gradient step followed by the
proximal operator of the penalty, the soft threshold, which sets coefficients to **exactly** 0. The picture follows ten
coefficients (diabetes data, standardised) as λ falls from right to left: ridge shrinks all, the LASSO lets them in one
after another, the first at :math:`\lambda_{\max} = \|X^\top y\|_\infty / n` (Tibshirani 1996).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

import pullback as pb

xp = pb.xp
data = load_diabetes()
X = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
y = (data.target - data.target.mean()) / data.target.std()
n, d = X.shape
largest = np.max(np.abs(X.T @ y)) / n
X, y = pb.asarray(X), pb.asarray(y)


def error(w):
    return xp.mean((X @ w - y) ** 2) / 2


def ridge(penalty):
    return pb.linalg.solve(X.mT @ X / n + penalty * xp.eye(d), X.mT @ y / n, assume="positive")


def path(solutions):
    return np.stack([pb.to_numpy(w) for w in solutions])


# %%
# Along the LASSO's path each solution starts from the last one.

ridge_penalties, lasso_penalties = np.logspace(3, -3, 49), largest * np.logspace(0.15, -3, 49)
lasso, w = [], xp.zeros(d)
for penalty in lasso_penalties:
    w = pb.optim.minimize(error, w, method="fista", l1=penalty, gtol=1e-7, maxiter=5000).x
    lasso.append(w)
ridge_path, lasso_path = path(map(ridge, ridge_penalties)), path(lasso)

outside = lasso_penalties >= largest
assert np.all(lasso_path[outside] == 0)  # zeros, not small numbers
assert np.all(np.count_nonzero(lasso_path[~outside], axis=1) >= 1)
assert np.count_nonzero(ridge_path) == ridge_path.size
assert float(error(lasso[-1])) < 1.001 * float(error(ridge(0.0)))  # it ends at least squares

# %%
figure, axes = plt.subplots(
    2, 2, figsize=(10, 5.6), sharex="col", sharey="row", height_ratios=[4, 1]
)
both = (("Ridge", ridge_penalties, ridge_path), ("LASSO", lasso_penalties, lasso_path))
for column, (name, penalties, coefficients) in zip(axes.T, both, strict=True):
    top, bottom = column
    for j, feature in enumerate(data.feature_names):
        style = "-" if j < 8 else "--"
        top.semilogx(penalties, coefficients[:, j], f"C{j % 8}{style}", label=feature)
    top.axhline(0, color="gray", linewidth=0.8)
    top.set(title=name)
    bottom.step(penalties, np.count_nonzero(coefficients, axis=1), "k", where="mid")
    bottom.set(xlabel="penalty λ", ylim=(0, 11))
axes[0, 1].axvline(largest, color="gray", linestyle=":")
axes[0, 1].text(largest * 0.9, -0.45, "λ max", color="gray", ha="right")
axes[0, 0].set(ylabel="coefficient")
axes[1, 0].set(ylabel="not zero")
axes[0, 1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()
