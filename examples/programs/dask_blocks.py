r"""
Gradients of data in blocks: Dask
=================================

A Dask array is a plan for blocks that no memory needs to hold at once. Differentiated, it stays a plan: forward and
backward through each block, :math:`\nabla L(w) = \sum_b \nabla L_b(w)`. Where the parameters are NumPy's, value and
gradient are computed in **one** pass over the blocks, so an optimiser runs as it stands. The picture shows the tasks of
a gradient over four blocks, from the top down; what each of twenty blocks adds to the gradient; and logistic regression
by L-BFGS.
"""

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import CenteredNorm

import pullback as pb

xp = pb.xp
truth = np.array([1.5, -2.0, 0.0, 0.7, 0.0, -0.4])


def table(rows, blocks):
    """Rows that are drawn block by block, when somebody asks for them."""
    random, size = da.random.default_rng(0), rows // blocks
    X = random.normal(size=(rows, 6), chunks=(size, 6))
    return X, (random.random(rows, chunks=size) < 1 / (1 + da.exp(-X @ truth))).astype(float)


def loss(w, X, y):
    z = X @ w
    return xp.mean(xp.softplus(z) - y * z)


# %%
# The plan of one gradient: what each task waits for, without tasks that only rename a result.

X, y = table(400, 4)
(plan,) = dask.optimize(pb.grad(loss)(da.zeros(6), X, y))
assert isinstance(plan, da.Array)  # nothing has been computed
waits = {key: task.dependencies for key, task in dict(plan.dask).items()}
renamed = {key: min(waits[key]) for key in waits if "Alias" in str(type(plan.dask[key]))}
tasks = sorted((key for key in waits if key not in renamed), key=str)
edges = [(renamed.get(other, other), key) for key in tasks for other in waits[key]]


depth = lambda key: 1 + max((depth(b) for b, after in edges if after == key), default=-1)
place = {}
for key in tasks:
    own = sum(other[0] == key[0] for other in tasks) == 4  # each block has one
    x, row = key[1] if own else 1.5, -depth(key)
    while (x, row) in place.values():
        x += 0.3
    place[key] = x, row

# %%
# Logistic regression: the parameters are NumPy's, and every evaluation is one pass over the blocks.

X, y = table(20000, 20)
start, values = np.zeros(6), []
found = pb.optim.minimize(loss, start, args=(X, y), callback=lambda s: values.append(s.fun))
share = [pb.grad(loss)(start, X.blocks[b], y.blocks[b]) / 20 for b in range(20)]
assert np.allclose(np.sum(share, axis=0), pb.grad(loss)(start, X, y), rtol=1e-10)
assert np.max(np.abs(found.x - truth)) < 0.15

# %%
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 5), width_ratios=[1.5, 1.1, 1])
for before, after in edges:
    left.plot(*zip(place[before], place[after], strict=True), "0.8", linewidth=0.8, zorder=0)
for x, row in place.values():
    left.plot(x, row, "o", color="k" if x in (1.5, 1.8) else f"C{int(x)}", markersize=8)
left.text(1.5, -4.35, "gradient", ha="center")
left.set_title("The tasks of a gradient: rows and labels of four blocks,\nparameters in black")
left.set_axis_off()
middle.imshow(share, cmap="RdBu", norm=CenteredNorm(), aspect="auto")
middle.set(title="What each block adds", xlabel="coordinate", ylabel="block", yticks=range(20))
right.plot(np.arange(len(values)) + 1, values, "ko-")
right.set(title=f"{found.nfev} passes over the data", xlabel="step of L-BFGS", ylabel="loss")
plt.show()
