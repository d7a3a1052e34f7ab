r"""
Less memory for more time: checkpoints
======================================

The backward pass needs the values of the forward pass: of :math:`n` steps, :math:`n` of them.
:func:`pullback.checkpoint` keeps only the arguments of a segment and computes the segment again when the backward
pass comes to it. With segments of :math:`\sqrt n` steps, :math:`\sqrt n` arguments and the values of one segment are
there at a time: :math:`2 \sqrt n` instead of :math:`n`, for one more forward pass. (A. Griewank and A. Walther,
*Evaluating Derivatives*, chapter 12, show how far this goes.)

The picture is what was allocated while the gradient of a chain of :math:`n` steps was computed, for segments of
different lengths, and the time that it took.
"""

import tracemalloc
from time import process_time
from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
n, size = 256, 4000
lengths = [1, 2, 4, 8, 16, 32, 64, 128, 256]


def chain(x, steps):
    for _ in range(steps):
        x = x + 0.01 * xp.sin(x)
    return x


def loss(x, length):
    """In segments of `length` steps, each checkpointed."""
    for _ in range(n // length):
        x = pb.checkpoint(lambda x: chain(x, length))(x)
    return xp.sum(x)


def measured(f):
    """Gradient, greatest memory in units of one value, and seconds."""
    x = np.linspace(
        0, 3, size
    )  # NumPy's arrays on any machine: tracemalloc counts the host's memory
    seconds = min(repeat(lambda: pb.grad(f)(x), number=1, repeat=3, timer=process_time))
    tracemalloc.start()
    gradient = pb.grad(f)(x)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return gradient, most / x.nbytes, seconds


plain, all_values, plain_seconds = measured(lambda x: xp.sum(chain(x, n)))
runs = [measured(lambda x, length=length: loss(x, length)) for length in lengths]
memory, seconds = [m for _, m, _ in runs], [s for _, _, s in runs]
for gradient, *_ in runs:
    assert np.allclose(gradient, plain)
assert memory[lengths.index(16)] < 0.25 * all_values
assert lengths[int(np.argmin(memory))] in (4, 8, 16, 32)

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.loglog(lengths, memory, "o-", label="with checkpoints")
left.axhline(all_values, color="C1", label="without")
left.axvline(np.sqrt(n), color="0.8", zorder=0)
left.text(np.sqrt(n), min(memory) * 0.8, r"$\sqrt{n}$", ha="center", va="top", color="0.4")
left.set(title="memory", ylabel="values kept at a time", ylim=(min(memory) / 2, 1.6 * all_values))
left.set_yticks([25, 50, 100, 200, 400], [25, 50, 100, 200, 400])
left.legend(loc="lower left")
right.semilogx(lengths, np.asarray(seconds) / plain_seconds, "o-")
right.axhline(1, color="C1")
right.set(title="time", ylabel="CPU seconds / seconds without", ylim=(0, None))
for ax in (left, right):
    ax.set_xlabel(f"steps of a segment, of {n}")
    ax.set_xticks(lengths, lengths)
    ax.minorticks_off()
plt.show()
