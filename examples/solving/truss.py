r"""
A stiff truss by the adjoint
============================

A force :math:`f` pulls at the right end of a wall bracket. Bars may run between any nodes of a grid that are near
each other; their cross-sections :math:`a_e` share a given volume. The displacements solve :math:`K(a)\, u = f` with
:math:`K = B \operatorname{diag}(a_e / \ell_e)\, B^\top`, and what is to be small is the compliance
:math:`c = f^\top u`, twice the work that the force does.

:func:`pullback.grad` gives all :math:`\partial c / \partial a_e` by one adjoint solve. At an optimum each unit of
volume does the same: :math:`-\partial c / \partial a_e = \mu\, \ell_e` for all bars that are left, so that
:math:`a_e \leftarrow a_e \sqrt{-\partial c / \partial a_e\, /\, \mu \ell_e}` has its fixed points there, with
:math:`\mu` from the volume. Bars that carry nothing vanish, and what is left comes close to Michell's structure of
1904. (M. P. Bendsøe and O. Sigmund, *Topology Optimization*, 2003, chapter 4.)
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
columns, rows = 11, 7
nodes = np.stack(np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij"), -1).reshape(-1, 2)
i, j = np.triu_indices(len(nodes), 1)
step = np.abs(nodes[j] - nodes[i])
near = (step.max(axis=1) <= 3) & (np.gcd(step[:, 0], step[:, 1]) == 1)
i, j = i[near], j[near]
along = (nodes[j] - nodes[i]).astype(float)
length = np.linalg.norm(along, axis=1)
along /= length[:, None]
B = np.zeros((len(nodes), 2, len(i)))
B[i, :, np.arange(len(i))] -= along
B[j, :, np.arange(len(i))] += along
free = nodes[:, 0] > 0  # the left column is in the wall
force = np.zeros_like(nodes, dtype=float)
force[(nodes == [columns - 1, rows // 2]).all(axis=1), 1] = -1
B, f, ell = map(pb.asarray, (B[free].reshape(-1, len(i)), force[free].ravel(), length))


def displacements(a):
    return pb.linalg.solve((B * (a / ell)) @ B.T, f, assume="positive")


def compliance(a):
    return f @ displacements(a)


value_and_slope = pb.value_and_grad(compliance)
a = pb.asarray(np.ones(len(i)))
values, seen = [], {}
for step in range(151):
    c, slope = value_and_slope(a)
    values.append(float(c))
    if step in (0, 10, 150):
        seen[step] = pb.to_numpy(a)
    a = a * xp.sqrt(-slope / ell) + 1e-7
    a = a * (float(length.sum()) / xp.sum(a * ell))
assert np.all(np.diff(values) < 1e-6 * values[0])
assert values[-1] < 0.25 * values[0]
stretched = pb.to_numpy(B.T @ displacements(a)) > 0

fig, axes = plt.subplots(2, 2, figsize=(9.6, 6))
for ax, (step, areas) in zip(axes.ravel(), seen.items(), strict=False):
    for bar in np.flatnonzero(areas > 0.003 * areas.max()):
        width = 6 * np.sqrt(areas[bar] / areas.max()) if step else 0.5
        color = f"C{int(stretched[bar])}" if step else "0.6"
        ax.plot(*nodes[[i[bar], j[bar]]].T, color=color, lw=width, solid_capstyle="round")
    ax.axvline(-0.15, color="0.5", lw=5)
    down = {"arrowstyle": "-|>", "color": "black", "lw": 2}
    ax.annotate("", (columns - 1, rows // 2 - 1.4), (columns - 1, rows // 2), arrowprops=down)
    ax.set(aspect="equal", title=f"after {step} steps: compliance {values[step]:.3g}")
    ax.axis("off")
axes[1, 0].text(3.2, -0.9, "in tension", color="C1")
axes[1, 0].text(0, -0.9, "in compression", color="C0")
axes[1, 1].plot(values)
axes[1, 1].set(xlabel="step", ylabel="compliance", title="At the same volume", xscale="symlog")
plt.show()
