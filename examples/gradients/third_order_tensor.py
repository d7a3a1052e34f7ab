r"""
The tensor that is never formed
===============================

The derivative of a product :math:`g = A v` with respect to its matrix has three indices,

.. math:: \frac{\partial (A v)_t}{\partial A_{jk}} = v_k\, \delta_{tj},

:math:`N^3` numbers of which :math:`N^2` are not zero: slice :math:`t` has :math:`v` in row :math:`t` and nothing
else. All that an error signal :math:`\bar g` needs of it is
:math:`\bar A = \sum_t \bar g_t\, (\text{slice } t) = \bar g\, v^\top`, an outer product. So each rule of the library
is a function from one signal to the next, a *pullback*, and no Jacobian is ever formed. Above, the slices and their
sum; below, what both ways cost.
"""

from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp


def by_tensor(A, v, signal):
    """Every slice, of `jacobian`, then the sum over all of them."""
    T = pb.jacobian(lambda A: A @ v)(A)  # (N, N, N): t, j, k
    return T, xp.tensordot(signal, T, axes=1)


def by_pullback(A, v, signal):
    return pb.vjp(lambda A: A @ v, A)[1](signal)[0]


v, signal = np.asarray([0.5, -1.0, 1.2, 0.8]), np.asarray([1.0, -0.6, 1.1, 0.4])
T, contracted = map(pb.to_numpy, by_tensor(*map(pb.asarray, (np.eye(4), v, signal))))
outer = pb.to_numpy(by_pullback(*map(pb.asarray, (np.eye(4), v, signal))))
assert np.allclose(T, np.einsum("tj,k->tjk", np.eye(4), v))
assert np.allclose(contracted, outer)
assert np.allclose(outer, np.outer(signal, v))

# %%
# What both cost for larger matrices.

rng, sizes = np.random.default_rng(0), [16, 32, 64, 128, 256]
numbers, seconds = {"tensor": [], "pullback": []}, {"tensor": [], "pullback": []}
for N in sizes:
    data = [pb.asarray(rng.standard_normal(shape)) for shape in ((N, N), (N,), (N,))]
    numbers["tensor"].append(by_tensor(*data)[0].nbytes)
    numbers["pullback"].append(by_pullback(*data).nbytes)
    for name, f in (("tensor", by_tensor), ("pullback", lambda *data: [by_pullback(*data)])):
        timed = repeat(lambda f=f, data=data: pb.to_numpy(f(*data)[-1]), number=1, repeat=3)
        seconds[name].append(min(timed))
assert numbers["tensor"][-1] == 256 * numbers["pullback"][-1]

fig = plt.figure(figsize=(9, 5.8))
top, bottom = fig.subfigures(2, 1, height_ratios=[1, 1.5])
titles = [f"slice {t}, $\\bar g_{t} = {g}$" for t, g in enumerate(signal, 1)] + [
    "$\\bar g\\,v^\\top$, the sum"
]
for ax, title, image in zip(top.subplots(1, 5), titles, [*T, outer], strict=True):
    ax.imshow(image, cmap="RdBu_r", vmin=-1.5, vmax=1.5)
    ax.set(xticks=np.arange(4) - 0.5, yticks=np.arange(4) - 0.5, title=title)
    ax.grid(color="0.8", lw=0.5)
    ax.tick_params(length=0, labelleft=False, labelbottom=False)
for ax, table, unit in zip(
    bottom.subplots(1, 2), (numbers, seconds), ("bytes", "seconds"), strict=True
):
    for name, values in table.items():
        ax.loglog(sizes, values, "o-", label=name)
    ax.set(xlabel="N", ylabel=unit, title="memory" if table is numbers else "time")
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.legend()
plt.show()
