"""The picture of the start page, which the library computes when the site is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import pullback as pb

HERE = Path(__file__).resolve()
TARGET = HERE.parents[1] / "_generated" / "start.png"
STYLE = HERE.parents[2] / "examples" / "gallery.mplstyle"


def paths(axes: Any) -> None:
    """Three methods on the contours of Rosenbrock's function, from one start."""
    f = lambda w: (1 - w[0]) ** 2 + 4 * (w[1] - w[0] ** 2) ** 2
    x, y = np.meshgrid(np.linspace(-1.7, 1.5, 200), np.linspace(-0.7, 2.2, 200))
    axes.contour(
        x, y, np.log10(f(np.stack([x, y])) + 1e-3), levels=12, colors="0.75", linewidths=0.7
    )
    gradient, hessian = pb.grad(f), pb.hessian(f)
    start = np.asarray([-1.45, 0.9])

    def descent(steps: int, momentum: float) -> np.ndarray:
        w, last, points = start, start, [start]
        for _ in range(steps):
            ahead = w + momentum * (w - last)
            w, last = ahead - 1.5e-2 * gradient(ahead), w
            points.append(w)
        return np.asarray(points)

    def newton(steps: int) -> np.ndarray:
        points = [start]
        for _ in range(steps):
            w = points[-1]
            step = np.linalg.solve(hessian(w), gradient(w))
            while f(w - step) > f(w):
                step = step / 2
            points.append(w - step)
        return np.asarray(points)

    axes.plot(*descent(120, 0.0).T, marker=".", markersize=3, linewidth=1, label="gradient descent")
    axes.plot(*descent(60, 0.85).T, marker=".", markersize=3, linewidth=1, label="with momentum")
    axes.plot(*newton(9).T, marker="o", markersize=3, linewidth=1, label="Newton, steps halved")
    axes.plot(1, 1, "*", color="black", markersize=9)
    axes.set(title="derivatives of any order", xlim=(-1.7, 1.5), ylim=(-0.7, 2.2))
    axes.legend(loc="upper center", fontsize=7.5)


def regions(axes: Any) -> None:
    """The regions that a small network learns for two spirals, by a compiled step of Adam."""
    from matplotlib.colors import LinearSegmentedColormap

    rng = np.random.default_rng(0)
    t = np.sqrt(rng.uniform(0.02, 1, 200)) * 3.2 * np.pi
    arm = np.stack([t * np.cos(t), t * np.sin(t)], axis=1) / 10
    x = np.concatenate([arm, -arm]) + 0.02 * rng.standard_normal((400, 2))
    y = np.repeat([0, 1], 200)
    model, opt = pb.models.MLP([2, 32, 32, 2], activation="tanh", seed=0), pb.optim.Adam(1e-2)
    state = opt.init(model)

    @pb.compile
    def step(model: Any, state: Any) -> Any:
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        return *opt.step(model, grads, state), loss

    for _ in range(1500):
        model, state, _loss = step(model, state)
    at = np.linspace(-1.15, 1.15, 160)
    grid = np.stack([g.ravel() for g in np.meshgrid(at, at)], axis=1)
    scores = np.asarray(model(grid))
    shades = LinearSegmentedColormap.from_list("", ["#F2B58A", "#FFFFFF", "#8FC1E3"])
    margin = (scores[:, 1] - scores[:, 0]).reshape(160, 160)
    axes.contourf(at, at, np.tanh(margin / 4), levels=21, cmap=shades)
    axes.contour(at, at, margin, levels=[0], colors="black", linewidths=0.8)
    for k, colour in enumerate(("#D55E00", "#0072B2")):
        axes.scatter(*x[y == k].T, s=4, color=colour)
    axes.set(title="networks, compiled", xlim=(-1.15, 1.15), ylim=(-1.15, 1.15))


def conductivity(axes: Any) -> None:
    """The conductivity of a rod, found from its temperatures by minimisation with gradients through a linear solver."""
    n = 40
    x = (np.arange(n) + 0.5) / n
    true = 1 + 0.9 * np.exp(-(((x - 0.3) / 0.08) ** 2)) - 0.5 * ((x > 0.6) & (x < 0.8))

    def temperatures(c: Any) -> Any:
        faces = pb.xp.concat([c[:1], 0.5 * (c[1:] + c[:-1]), c[-1:]])
        bands = pb.xp.stack([-faces[:-1], faces[:-1] + faces[1:]])
        return pb.linalg.solveh_banded(bands * n**2, pb.xp.ones(n))

    seen = np.asarray(temperatures(pb.xp.asarray(true)))

    def misfit(log_c: Any) -> Any:
        c = pb.xp.exp(log_c)
        return 1e4 * pb.xp.mean((temperatures(c) - seen) ** 2) + 3e-5 * pb.xp.sum(
            (c[1:] - c[:-1]) ** 2
        )

    found = pb.optim.minimize(misfit, np.zeros(n), maxiter=1000)
    axes.plot(x, true, color="black", linestyle="--", label="true")
    axes.plot(x, np.exp(np.asarray(found.x)), color="#D55E00", label="found")
    axes.set(title="through a solver", xlabel="")
    axes.legend(fontsize=7.5)


def draw(app: Any) -> None:
    """Draw it where this file is newer than the picture."""
    if TARGET.is_file() and TARGET.stat().st_mtime > HERE.stat().st_mtime:
        return
    import matplotlib
    from matplotlib import style
    from matplotlib.figure import Figure

    TARGET.parent.mkdir(exist_ok=True)
    with matplotlib.rc_context():
        style.use(STYLE)
        figure = Figure(figsize=(8.4, 3.0), layout="constrained", dpi=200)
        for axes, part in zip(figure.subplots(1, 3), (paths, regions, conductivity), strict=True):
            part(axes)
            axes.set(xticks=[], yticks=[])
        figure.savefig(TARGET, dpi=200)


def setup(app: Any) -> dict[str, Any]:
    app.connect("builder-inited", draw, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
