"""Why reverse: the same gradient in two orders of multiplication, one a factor of N dearer.

For F(w) = c · M₁ M₂ … M_L w with N × N matrices the gradient is the product

    ∇F = M_Lᵀ … M₂ᵀ M₁ᵀ c.

From the right, as cotangents go, each factor meets a vector: L N² multiplications. From the left, as tangents of all N
inputs go, it meets a matrix: (L − 1) N³ + N². Both are measured here, reverse by `pb.grad`.

    python examples/gradients/forward_or_reverse.py [picture.png]
"""

import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # operations are counted, not cores

import numpy as np

import pullback as pb


def chain(matrices, c):
    """w ↦ c · M₁ M₂ … M_L w."""

    def F(w):
        for M in reversed(matrices):
            w = M @ w
        return c @ w

    return F


def reverse(matrices, c, w):
    return pb.grad(chain(matrices, c))(w)


def forward(matrices, c, w):
    """All tangents at once: the Jacobian of each stage, an N × N matrix, is carried along."""
    J = matrices[-1]
    for M in reversed(matrices[:-1]):
        J = M @ J
    return c @ J


def seconds(f, *args, repeats):
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        f(*args)
        best = min(best, time.perf_counter() - start)
    return best


def main(
    picture="forward_or_reverse.png", sizes=(128, 256, 512, 1024, 1536, 2048), length=4, repeats=3
):
    rng = np.random.default_rng(0)
    table = []
    for n in sizes:
        matrices = [rng.standard_normal((n, n)) / np.sqrt(n) for _ in range(length)]
        c, w = rng.standard_normal(n), rng.standard_normal(n)
        np.testing.assert_allclose(
            reverse(matrices, c, w), forward(matrices, c, w), rtol=1e-6, atol=1e-9
        )
        row = [seconds(way, matrices, c, w, repeats=repeats) for way in (reverse, forward)]
        table.append(row)
        print(
            f"N = {n:5d}  reverse {row[0]:.2e} s  forward {row[1]:.2e} s  ratio {row[1] / row[0]:7.1f}"
        )
    times = np.asarray(table).T
    slopes = [np.polyfit(np.log(sizes[-3:]), np.log(t[-3:]), 1)[0] for t in times]
    print(f"time grows as N^{slopes[0]:.1f} in reverse, N^{slopes[1]:.1f} forward")
    draw(picture, sizes, times, slopes, length)
    return times, slopes


def draw(picture, sizes, times, slopes, length):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    for name, t, slope, power in zip(("reverse", "forward"), times, slopes, (2, 3), strict=True):
        (line,) = axes.loglog(sizes, t, marker="o", label=f"{name}: measured slope {slope:.1f}")
        ideal = t[-1] * (np.asarray(sizes) / sizes[-1]) ** power
        axes.loglog(sizes, ideal, "--", color=line.get_color(), linewidth=0.9, label=f"N$^{power}$")
    axes.minorticks_off()
    axes.set_xticks(sizes, [str(n) for n in sizes])
    axes.set(xlabel="N", ylabel="seconds for the gradient", title=f"A chain of {length} matrices")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3, which="both")
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:2])
