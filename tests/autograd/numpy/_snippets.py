"""NumPy and SciPy code as people write it: a program a row, of one array `x`, whose gradient is taken.

Programs of several lines are here, single calls in `_snippets_of_one_line.py`.

Each row names the argument (`INPUTS`) and is run in three ways: with `numpy` and `scipy` themselves on a traced array,
with `pullback.numpy` and `pullback.scipy` on NumPy, and with these on the stand-in for CuPy. What the first cannot do,
because NumPy does not ask the array, has the advice of its error in `refused`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

INPUTS: dict[str, np.ndarray] = {
    "scalar": np.asarray(0.7),
    "v": np.asarray([0.5, 1.3, 2.1, 0.9, 1.7]),
    "signed": np.asarray([0.4, -1.2, 2.3, -0.6, 1.1]),
    "unit": np.asarray([0.2, 0.45, 0.7, 0.35, 0.9]),
    "long": np.linspace(0.1, 2.0, 12) + 0.1 * np.sin(7.0 * np.arange(12)),
    "M": np.asarray([[2.0, 0.3, -0.5], [0.1, 1.5, 0.4], [-0.2, 0.6, 1.8]]),
    "wide": np.asarray([[0.3, 1.2, -0.7, 0.9], [1.1, -0.4, 0.6, 2.0], [0.8, 0.2, 1.4, -1.3]]),
    "cube": np.sin(1.0 + np.arange(24.0)).reshape(2, 3, 4),
}


@dataclass(frozen=True)
class Snippet:
    """One program.

    Attributes
    ----------
    name : str
        What it shows.
    x : str
        The name of its argument in `INPUTS`.
    program : callable
        ``program(np, sp, x)`` with a NumPy namespace and a SciPy one.
    refused : str
        A pattern of the error's advice where `numpy` or `scipy` themselves cannot be followed.
    on_device : str
        A pattern of the error's advice where SciPy's solver, which runs on the host, is under `pullback.scipy`'s.
    """

    name: str
    x: str
    program: Callable[[Any, Any, Any], Any]
    refused: str = ""
    on_device: str = ""


def rows(x: str, refused: str = "", /, **programs: Callable[[Any, Any, Any], Any]) -> list[Snippet]:
    return [Snippet(name, x, program, refused) for name, program in programs.items()]


# ── programs of several lines ─────────────────────────────────────────────────────────────────


def _running_mean(np: Any, sp: Any, x: Any) -> Any:
    c = np.cumsum(x)
    return (c[3:] - c[:-3]) / 3


def _standardise(np: Any, sp: Any, x: Any) -> Any:
    return (x - x.mean(axis=0)) / x.std(axis=0)


def _normalise_in_place(np: Any, sp: Any, x: Any) -> Any:
    y = x.copy()
    y -= y.min()
    y /= y.max() + 1.0
    return y


def _clip_by_mask(np: Any, sp: Any, x: Any) -> Any:
    y = x * 2.0
    y[y < 0] = 0.0
    return y


def _accumulate_in_a_loop(np: Any, sp: Any, x: Any) -> Any:
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] * x[i - 1]
    return total


def _rows_of_a_matrix(np: Any, sp: Any, x: Any) -> Any:
    return np.stack([row / np.linalg.norm(row) for row in x])


def _power_iteration(np: Any, sp: Any, x: Any) -> Any:
    v = np.ones(3)
    for _ in range(30):
        v = x @ v
        v = v / np.sqrt(v @ v)
    return v @ x @ v


def _softmax(np: Any, sp: Any, x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def _log_sum_exp(np: Any, sp: Any, x: Any) -> Any:
    m = x.max()
    return m + np.log(np.sum(np.exp(x - m)))


def _pairwise_distances(np: Any, sp: Any, x: Any) -> Any:
    d = x[:, None, :] - x[None, :, :]
    return (d**2).sum(-1)


def _rosenbrock(np: Any, sp: Any, x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


def _heat_equation(np: Any, sp: Any, x: Any) -> Any:
    u = x.copy()
    for _ in range(4):
        u[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return u


def _filled_array(np: Any, sp: Any, x: Any) -> Any:
    out = np.zeros(3)
    for i in range(3):
        out[i] = x[i] ** 2
    return out


def _filled_like(np: Any, sp: Any, x: Any) -> Any:
    out = np.zeros_like(x)
    out[1:] = x[:-1] * 2.0
    return out


def _empty_like(np: Any, sp: Any, x: Any) -> Any:
    out = np.empty_like(x)
    out[:] = np.sin(x)
    return out


def _horner(np: Any, sp: Any, x: Any) -> Any:
    y = 0.0
    for c in x:
        y = y * 0.5 + c
    return y


def _gaussian_process(np: Any, sp: Any, x: Any) -> Any:
    t = np.linspace(0.0, 1.0, 5)
    K = np.exp(-0.5 * (t[:, None] - t[None, :]) ** 2 / x[0] ** 2) + 0.1 * np.eye(5)
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, np.sin(t)))
    return -0.5 * np.dot(np.sin(t), alpha) - np.sum(np.log(np.diag(L)))


def _two_layers(np: Any, sp: Any, x: Any) -> Any:
    h = np.tanh(np.dot(x, np.linspace(-1.0, 1.0, 8).reshape(4, 2)) + 0.1)
    return np.mean(np.log1p(np.exp(-h @ np.ones((2, 1)))))


def _kepler(np: Any, sp: Any, x: Any) -> Any:
    q, p = np.array([1.0, 0.0]), np.array([0.0, 1.0]) * x
    for _ in range(5):
        p = p - 0.1 * q / np.linalg.norm(q) ** 3
        q = q + 0.1 * p
    return np.sum(q**2)


def _rotation(np: Any, sp: Any, x: Any) -> Any:
    R = np.array([[np.cos(x), -np.sin(x)], [np.sin(x), np.cos(x)]])
    return R @ np.array([1.0, 2.0])


def _mixture(np: Any, sp: Any, x: Any) -> Any:
    logits = x - sp.special.logsumexp(x)
    points = np.array([-1.0, 0.5, 2.0])
    means = np.arange(5.0)
    return np.sum(
        sp.special.logsumexp(
            logits + sp.stats.norm.logpdf(points[:, None], means[None, :], 1.0), axis=1
        )
    )


def _spectrum(np: Any, sp: Any, x: Any) -> Any:
    return np.abs(np.fft.rfft(x * np.hanning(12))) ** 2


def _sorted_gini(np: Any, sp: Any, x: Any) -> Any:
    y = np.sort(x)
    n = y.size
    return (2 * np.sum(np.arange(1, n + 1) * y) - (n + 1) * y.sum()) / (n * y.sum())


def _conditional(np: Any, sp: Any, x: Any) -> Any:
    return np.sum(x**2) if x.sum() > 0 else np.sum(np.abs(x))


def _dictionary(np: Any, sp: Any, x: Any) -> Any:
    parameters = {"mean": x[0], "scale": np.exp(x[1])}
    return ((x[2:] - parameters["mean"]) / parameters["scale"]) ** 2


def _enumerate(np: Any, sp: Any, x: Any) -> Any:
    return sum(k * value**2 for k, value in enumerate(x, start=1))


def _zip(np: Any, sp: Any, x: Any) -> Any:
    return np.array([a * b for a, b in zip(x[:3], x[2:], strict=True)])


def _augmented_block(np: Any, sp: Any, x: Any) -> Any:
    A = np.eye(4) * 1.0
    A[:3, :3] += x
    return A @ A


def _swap_rows(np: Any, sp: Any, x: Any) -> Any:
    y = x.copy()
    y[[0, 2]] = y[[2, 0]]
    return y


def _masked_mean(np: Any, sp: Any, x: Any) -> Any:
    mask = x > 0
    return x[mask].mean()


def _divide_where(np: Any, sp: Any, x: Any) -> Any:
    safe = np.where(x > 0, x, 1.0)
    return np.where(x > 0, np.log(safe), 0.0)


def _ode(np: Any, sp: Any, x: Any) -> Any:
    t = np.linspace(0.0, 1.0, 5)
    return sp.integrate.odeint(
        lambda y, t, a: -a * y, np.ones(2), t, args=(x,), rtol=1e-10, atol=1e-12
    )


ARRAY = r"pullback\.numpy\.array"
WRITE = r"pb\.xp\.zeros"
SCIPY = r"pullback\.scipy"

PROGRAMS = [
    Snippet("running mean", "long", _running_mean),
    Snippet("standardise", "wide", _standardise),
    Snippet("normalise in place", "v", _normalise_in_place),
    Snippet("clip by mask", "signed", _clip_by_mask),
    Snippet("accumulate in a loop", "v", _accumulate_in_a_loop),
    Snippet("rows of a matrix", "M", _rows_of_a_matrix),
    Snippet("power iteration", "M", _power_iteration),
    Snippet("softmax", "wide", _softmax),
    Snippet("logsumexp by hand", "signed", _log_sum_exp),
    Snippet("pairwise distances", "wide", _pairwise_distances),
    Snippet("Rosenbrock", "v", _rosenbrock),
    Snippet("heat equation in place", "v", _heat_equation),
    Snippet("filled array", "v", _filled_array, WRITE),
    Snippet("filled like", "v", _filled_like),
    Snippet("empty like", "v", _empty_like),
    Snippet("Horner", "v", _horner),
    Snippet("Gaussian process", "v", _gaussian_process),
    Snippet("two layers", "wide", _two_layers),
    Snippet("Kepler", "scalar", _kepler),
    Snippet("rotation", "scalar", _rotation, ARRAY),
    Snippet("spectrum", "long", _spectrum),
    Snippet("Gini coefficient", "v", _sorted_gini),
    Snippet("branch on a value", "v", _conditional),
    Snippet("dictionary of parameters", "v", _dictionary),
    Snippet("enumerate", "v", _enumerate),
    Snippet("zip", "v", _zip, ARRAY),
    Snippet("augmented block", "M", _augmented_block, r"y = y \+ x"),
    Snippet("swap rows", "M", _swap_rows),
    Snippet("masked mean", "signed", _masked_mean),
    Snippet("log where positive", "signed", _divide_where),
    Snippet("mixture of normals", "v", _mixture, SCIPY),
    Snippet("ordinary differential equation", "scalar", _ode, SCIPY),
]
