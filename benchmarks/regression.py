"""LASSO, kernel ridge and Gaussian process regression beside scikit-learn's: time, and how near the answers are.

    python benchmarks/regression.py --json FILE

Times are of fits in alternation in one process, on one thread, the smallest of all rounds. For the LASSO both stop at
the same relative duality gap; the gaps that they end with stand beside each other. For Gaussian processes both search
from the same start within the same bounds by L-BFGS-B; the likelihoods that they end with are compared, and the time
of one likelihood with its gradient.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")

import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, save, table
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as theirs
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Lasso

import pullback as pb

ROUNDS = 5
LASSO = [(200, 50), (1000, 200), (5000, 100), (200, 1000)]  # samples, features
POINTS = [(50, 1), (200, 2), (500, 5)]


def _times(*calls: Callable[[], Any]) -> list[float]:
    """The smallest time of each call, all of them in turn."""
    best = [np.inf] * len(calls)
    for _ in range(ROUNDS):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def lasso() -> list[dict[str, Any]]:
    """Rows for sizes and penalties: ten coefficients that are not 0, noise of 0.1."""
    rng, rows = np.random.default_rng(0), []
    for n, d in LASSO:
        X, w = rng.normal(size=(n, d)), np.zeros(d)
        w[:10] = rng.normal(size=10)
        y = X @ w + 0.1 * rng.normal(size=n) + 2
        for alpha in (0.01, 0.1):
            mine = pb.train.Lasso(alpha, tol=1e-6)
            other = Lasso(alpha, tol=1e-6, max_iter=10_000)
            seconds = _times(partial(mine.fit, X, y), partial(other.fit, X, y))
            rows.append(
                {
                    "problem": f"LASSO {n} × {d}, alpha {alpha}",
                    "seconds": seconds[0],
                    "sklearn_seconds": seconds[1],
                    "ours": f"gap {mine.dual_gap_:.0e}",
                    "theirs": f"gap {other.dual_gap_:.0e}",
                }
            )
    return rows


def processes() -> list[dict[str, Any]]:
    """Rows for sizes and kernels: fits, one likelihood with its gradient, and kernel ridge."""
    rng, rows, K = np.random.default_rng(0), [], pb.models.kernels
    for n, d in POINTS:
        X = rng.uniform(0, 5, size=(n, d))
        y = np.sin(X[:, 0]) + 0.1 * rng.normal(size=n)
        pairs = {
            f"RBF, {d} length scales": (
                1.0 * K.RBF(np.ones(d)) + K.White(0.1),
                1.0 * theirs.RBF(np.ones(d)) + theirs.WhiteKernel(0.1),
            ),
            "Matérn 3/2": (K.Matern(nu=1.5) + K.White(0.1), theirs.Matern(nu=1.5) + theirs.WhiteKernel(0.1)),
        }  # fmt: skip
        for name, (ours, other) in pairs.items():
            a, b = pb.train.GaussianProcessRegressor(ours), GaussianProcessRegressor(other)
            seconds = _times(partial(a.fit, X, y), partial(b.fit, X, y))
            values = [f"log p {m.log_marginal_likelihood_value_:.4f}" for m in (a, b)]
            rows.append(_row(f"fit, {n} points, {name}", seconds, *values))
            theta = b.kernel_.theta
            seconds = _times(
                partial(a.log_marginal_likelihood, theta, eval_gradient=True),
                partial(b.log_marginal_likelihood, theta, eval_gradient=True),
            )
            rows.append(_row(f"log p and gradient, {n} points, {name}", seconds, "", ""))
        a, b = pb.train.KernelRidge(0.1, kernel="rbf"), KernelRidge(alpha=0.1, kernel="rbf")
        seconds = _times(partial(a.fit, X, y), partial(b.fit, X, y))
        apart = np.max(np.abs(a.dual_coef_ - b.dual_coef_))
        rows.append(_row(f"kernel ridge, {n} points", seconds, f"{apart:.0e} apart", ""))
    return rows


def _row(problem: str, seconds: list[float], ours: str, other: str) -> dict[str, Any]:
    return {
        "problem": problem,
        "seconds": seconds[0],
        "sklearn_seconds": seconds[1],
        "ours": ours,
        "theirs": other,
    }


def show(rows: list[dict[str, Any]]) -> str:
    """The rows as a table."""
    cells = [
        [
            row["problem"],
            f"{1e3 * row['seconds']:.1f}",
            f"{1e3 * row['sklearn_seconds']:.1f}",
            f"{row['seconds'] / row['sklearn_seconds']:.2f}",
            row["ours"],
            row["theirs"],
        ]
        for row in rows
    ]
    heads = ["", "ms", "scikit-learn", "ratio", "ours", "theirs"]
    return table(f"Regression, one thread, smallest of {ROUNDS} rounds", heads, cells)


def measure() -> list[dict[str, Any]]:
    """All rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # parameters at their bounds, in both
        return lasso() + processes()


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows = measure()
    print(show(rows))
    save("regression", {"environment": environment(), "regression": rows}, args.json)


if __name__ == "__main__":
    main()
