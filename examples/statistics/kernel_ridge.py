r"""
Kernel ridge regression: six kernels, six ideas of what a function is
=====================================================================

With a kernel k, the fit :math:`f(x) = \sum_i a_i\, k(x, x_i)` that minimises
:math:`\sum_i (y_i - f(x_i))^2 + \alpha \|f\|_k^2` is one linear system,

.. math:: (K + \alpha I)\, a = y, \qquad K_{ij} = k(x_i, x_j),

and all that is known of the function stands in the kernel. The same 40 points, with a gap, are fitted with six of them:
each fills the gap, and goes on beyond the data, in its own way. The truth is periodic, and the kernel that knows it is
the only one that is right where there are no data (Murphy, *Machine Learning*, section 14.4).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

kernels = pb.models.kernels
rng = np.random.default_rng(1)


def truth(x):
    return np.sin(2 * x) + 0.4 * np.cos(4 * x)


x = np.concatenate([rng.uniform(0, 4, 20), rng.uniform(6.5, 9, 20)])
y = truth(x) + 0.15 * rng.standard_normal(40)
at = np.linspace(-1, 12, 521)
gap = (at > 4) & (at < 6.5)

choices = {
    "linear": kernels.Linear(1.0),
    "polynomial, degree 5": kernels.Polynomial(degree=5, gamma=0.02),
    "Gaussian, length 0.1": kernels.RBF(0.1),
    "Gaussian, length 0.8": kernels.RBF(0.8),
    "Matérn ν = ½, length 1": kernels.Matern(1.0, nu=0.5),
    "periodic, period π": kernels.Periodic(1.0, np.pi),
}
errors, curves = {}, {}
for name, kernel in choices.items():
    model = pb.models.KernelRidge.init(kernel, pb.asarray(x[:, None]), pb.asarray(y), 0.05)
    curves[name] = pb.to_numpy(model(pb.asarray(at[:, None])))
    errors[name] = np.sqrt(np.mean((curves[name] - truth(at))[gap] ** 2))
assert min(errors, key=errors.get) == "periodic, period π"
assert errors["periodic, period π"] < 0.15

# %%
figure, axes = plt.subplots(2, 3, figsize=(11, 5.6), sharex=True, sharey=True)
for ax, (name, curve) in zip(axes.flat, curves.items(), strict=True):
    ax.axvspan(4, 6.5, color="0.94")
    ax.plot(at, truth(at), "k--", linewidth=1, label="truth")
    ax.plot(at, curve, "C0", label="fit")
    ax.plot(x, y, "C1o", markersize=3.5, label="data")
    ax.set(title=f"{name}\nerror in the gap {errors[name]:.2f}", ylim=(-2.4, 2.4))
    ax.set(xlabel="x", ylabel="y")
    ax.label_outer()
axes[0, 0].legend(ncols=3, fontsize="small", loc="lower left", columnspacing=1)
plt.show()
