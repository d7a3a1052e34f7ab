r"""
Halving, backtracking, exact and Wolfe line search side by side
===============================================================

A line search chooses the step :math:`s` of gradient descent anew each time, from
:math:`\varphi(s) = f(x_k - s \nabla f(x_k))`:

- *halving* takes the first of :math:`s, s/2, s/4, \dots` where :math:`f` decreases at all;
- *backtracking* the first one where it decreases enough:
  :math:`f(x_{k+1}) \le f(x_k) - \frac12 s \|\nabla f(x_k)\|^2`;
- *exact* search goes to the first minimum of :math:`\varphi`, at the price of more evaluations;
- *strong Wolfe* search bounds the slope too, :math:`|\varphi'(s)| \le c\, |\varphi'(0)|`: not too short a step either.

The upper pictures show :math:`\varphi` in the first step: the one that was taken, and of the first two methods trials
that were refused (hollow) and the line that it has to lie below. The lower ones show the path until
:math:`\|\nabla f\| \le 10^{-3}`, in a bent valley like Rosenbrock's.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
START = np.asarray([-1.4, 0.5])
FIRST = 0.125


def f(x):
    return (1 - x[0]) ** 2 + 3 * (x[1] - x[0] ** 2) ** 2


start = pb.asarray(START)
value, gradient = (pb.to_numpy(v) for v in pb.value_and_grad(f)(start))
squared = float(gradient @ gradient)  # ‖∇f‖²: φ(s) begins with the slope −‖∇f‖²
s = np.linspace(0, 1.1 * FIRST, 400)
phi = lambda s: pb.to_numpy(f(pb.asarray(START[:, None] - np.atleast_1d(s) * gradient[:, None])))
x, y = np.linspace(-1.7, 1.5, 200), np.linspace(-0.7, 1.8, 200)
heights = pb.to_numpy(f(pb.asarray(np.stack(np.meshgrid(x, y)))))

figure, axes = plt.subplots(2, 4, figsize=(12.5, 6), sharey="row")
for upper, lower, colour, method in zip(
    *axes, ("C0", "C1", "C2", "C3"), ("halving", "backtracking", "exact", "wolfe"), strict=True
):
    # the first step by itself, and then the whole way
    found = pb.optim.line_search(f, start, pb.asarray(-gradient), method=method, first=FIRST)
    path = [START]
    result = pb.optim.minimize(
        f, start, method="gradient-descent", line_search=method, gtol=1e-3, history=True, options={"first": FIRST},
        callback=lambda result, path=path: path.append(pb.to_numpy(result.x)),
    )  # fmt: skip
    fun = np.asarray(result.history["fun"])
    norm, step = np.asarray(result.history["norm"]), np.asarray(result.history["step"])
    assert result.success
    assert np.all(np.diff(fun) < 0)
    if method == "backtracking":
        assert np.all(fun[1:] <= fun[:-1] - 0.5 * step[1:] * norm[:-1] ** 2 + 1e-12)

    upper.plot(s, phi(s), color="k")
    if method in ("exact", "wolfe"):
        most = {"exact": 1e-3, "wolfe": 0.9}[method]  # of |φ'(s)| / |φ'(0)|
        assert abs(gradient @ pb.to_numpy(found.jac)) <= most * squared
    else:
        c = {"halving": 0, "backtracking": 0.5}[method]
        upper.plot(s, value - c * s * squared, "--", color="0.5", linewidth=1.2)
        trials = FIRST * 0.5 ** np.arange(round(np.log2(FIRST / found.step)) + 1)
        upper.plot(trials[:-1], phi(trials[:-1]), "o", color=colour, fillstyle="none")
        assert np.all(phi(trials[:-1]) > value - c * trials[:-1] * squared)
    upper.plot(found.step, found.fun, "o", color=colour)
    upper.set(title=f"{method}: s = {found.step:.3g}", xlabel="step s", ylim=(0, 3.5 * value))
    lower.contour(x, y, heights, np.geomspace(0.05, 30, 10), colors="0.75", linewidths=0.8)
    lower.plot(*np.asarray(path).T, "o-", color=colour, markersize=3.5, linewidth=1.2)
    lower.plot(1, 1, "k+", markersize=9, zorder=3)
    lower.set(title=f"{result.nit} steps, {result.nfev} evaluations of f", xlabel="$x_1$")
axes[0, 0].set_ylabel("φ(s)")
axes[1, 0].set_ylabel("$x_2$")
plt.show()
