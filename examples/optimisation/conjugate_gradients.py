r"""
Conjugate gradients, L-BFGS and Newton-CG against gradient descent
==================================================================

Gradients alone can tell more than the direction of steepest descent. *Nonlinear conjugate gradients* mix in the last
direction, :math:`p_k = -\nabla f(x_k) + \beta_k\, p_{k-1}`. *L-BFGS* estimates the inverse Hessian from the last few
differences of points and of gradients. *Newton-CG* solves :math:`\nabla^2 f\, p = -\nabla f` by conjugate gradients and
needs of the Hessian only products with vectors, each the derivative of a gradient along a direction.

Above are their paths in Rosenbrock's valley, :math:`(1 - x_1)^2 + 100\,(x_2 - x_1^2)^2`. Below is the function in a
chain of such valleys with 40 unknowns, against the number of gradients and products that were needed: all three keep
some vectors, and none forms the Hessian. They have all digits where gradient descent has hardly begun (Nocedal and
Wright, *Numerical Optimization*, 2006, chapters 5 and 7).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
METHODS = {
    "gradient-descent": "Gradient descent",
    "conjugate-gradient": "Conjugate gradients",
    "l-bfgs": "L-BFGS",
    "newton-cg": "Newton-CG",
}


def f(x):
    return xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0)


def run(method, start, **settings):
    """The path, the values, the gradients and products up to each step, and the result."""
    path, work = [start], [1]

    def record(state):
        path.append(pb.to_numpy(state.x))
        work.append(state.njev + state.nhev)

    result = pb.optim.minimize(
        f, pb.asarray(start), method=method, callback=record, history=True, **settings
    )
    return np.asarray(path), result.history["fun"], work, result


figure = plt.figure(figsize=(11, 6.6))
axes = figure.subplot_mosaic([list(METHODS), 4 * ["chain"]], height_ratios=[1, 1.1])
x, y = np.linspace(-1.6, 1.4, 200), np.linspace(-0.6, 1.9, 200)
heights = pb.to_numpy(f(pb.asarray(np.stack(np.meshgrid(x, y)))))
chain = np.tile([-1.2, 1.0], 20)
ends = {}
for i, (method, name) in enumerate(METHODS.items()):
    path, _, _, result = run(method, np.asarray([-1.2, 1.0]), maxiter=200, gtol=1e-6)
    panel = axes[method]
    panel.contour(x, y, heights, np.geomspace(0.3, 1000, 9), colors="0.8", linewidths=0.8)
    panel.plot(*path.T, "o-", color=f"C{i}", markersize=3, linewidth=1.2)
    panel.plot(1, 1, "k+", markersize=9, zorder=3)
    panel.set(xlabel="$x_1$", title=f"{name}: {result.nit} steps", xlim=x[[0, -1]], ylim=y[[0, -1]])
    assert (np.linalg.norm(path[-1] - 1) < 1e-4) == (method != "gradient-descent")
    _, values, work, _ = run(method, chain, maxiter=600, gtol=1e-7)
    axes["chain"].semilogy(work, np.maximum(values, 1e-18), color=f"C{i}", label=name)
    ends[method] = values[-1]
axes["gradient-descent"].set_ylabel("$x_2$")
axes["chain"].set(
    xlabel="gradients, and products with the Hessian", ylabel="$f(x_k)$",
    title="A chain of 40 unknowns, with the minimum 0",
)  # fmt: skip
axes["chain"].legend(loc="lower left")
assert max(ends[method] for method in list(METHODS)[1:]) < 1e-12
assert ends["gradient-descent"] > 1
plt.show()
