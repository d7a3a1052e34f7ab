r"""
Error signals through writes in place
=====================================

A simulation as people write it: one array that is written to in a loop,
:math:`u_i \mathrel{+}= r\,(u_{i-1} - 2 u_i + u_{i+1}) + q_i(t)`. The library records writes to slices and views, and
sweeps back through them. A sensor reads the temperature at one place at the end; its gradient with respect to the
heat :math:`q_i(t)` that is put in anywhere, at any time, is the *adjoint* field: a heat equation that runs backwards
in time from the sensor. It says where and when heating matters, all 40,000 numbers from one sweep.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
cells, steps, r = 100, 400, 0.45
sensor = 60


def simulate(q, seen=None):
    u = xp.zeros(cells, dtype=q.dtype, device=q.device)
    for heat in q:
        inner = u[1:-1]  # a view: what is written to it is written to u
        inner += r * (u[:-2] - 2 * u[1:-1] + u[2:])
        inner += heat[1:-1]
        if seen is not None:
            seen.append(np.array(pb.to_numpy(u)))
    return u


heat = np.zeros((steps, cells))
heat[:100, 25:30] = 0.05  # one source, at the beginning
q = pb.asarray(heat)
reading, adjoint = pb.value_and_grad(lambda q: simulate(q)[sensor])(q)
adjoint = pb.to_numpy(adjoint)
simulate(q, seen := [])

# %%
# The reading is linear in the heat, so that it is the sum of heat times sensitivity; and the adjoint's last row is a
# single 1, at the sensor.

assert np.isclose(float(reading), np.sum(heat * adjoint))
assert adjoint[-1, sensor] == 1
assert np.count_nonzero(adjoint[-1]) == 1
assert np.allclose(adjoint[-2, sensor - 1 : sensor + 2], [r, 1 - 2 * r, r])

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), sharex=True, sharey=True)
place = {"origin": "lower", "aspect": "auto", "extent": (0, cells, 0, steps)}
image = left.imshow(np.stack(seen), cmap="inferno", **place)
fig.colorbar(image, ax=left, label="temperature $u$")
image = right.imshow(
    np.maximum(adjoint, 1e-6), cmap="viridis", norm="log", vmin=1e-4, vmax=0.3, **place
)
fig.colorbar(image, ax=right, label=r"$\partial$ reading / $\partial q$")
left.set(title="Values run up, from the source", xlabel="place", ylabel="time")
right.set(title="Error signals run down, from the sensor", xlabel="place")
for ax in (left, right):
    ax.plot(sensor + 0.5, steps - 2, "v", color="C3", ms=9, clip_on=False)
right.add_patch(plt.Rectangle((25, 0), 5, 100, fill=False, ec="white"))
right.text(27.5, 106, "source", color="white", ha="center")
left.text(sensor + 3, steps - 16, "sensor", color="white", va="center")
plt.show()
