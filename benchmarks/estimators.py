"""Our perceptrons beside scikit-learn's, with the same split, layers and epochs: scores over ten seeds, and time.

    python benchmarks/estimators.py --json FILE

Times are ratios of fits in alternation in one process, medians over the seeds; scores are on a quarter of the data that
was not trained on. One thread: two BLAS pools in one process disturb each other more than they differ.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")

import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, save, table
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

import pullback as pb

SEEDS, EPOCHS = 10, 200  # the default number of epochs of both
SETTINGS = {
    "hidden_layer_sizes": (100,),
    "max_iter": EPOCHS,
    "tol": 0,
    "n_iter_no_change": EPOCHS + 1,
}
DATA = ("digits", "breast_cancer", "wine", "diabetes")


def _standardised(name: str) -> tuple[np.ndarray, np.ndarray]:
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    return X, (y - y.mean()) / y.std() if name == "diabetes" else y


def measure() -> list[dict[str, Any]]:
    """One row a data set."""
    warnings.simplefilter(
        "ignore", ConvergenceWarning
    )  # the same number of epochs for both is the point
    rows = []
    for name in DATA:
        X, y = _standardised(name)
        kinds = (
            (pb.train.MLPRegressor, MLPRegressor)
            if name == "diabetes"
            else (pb.train.MLPClassifier, MLPClassifier)
        )
        scores, seconds = np.empty((2, SEEDS)), np.empty((2, SEEDS))
        for seed in range(SEEDS):
            A, B, a, b = train_test_split(X, y, random_state=seed)
            for which in (0, 1) if seed % 2 else (1, 0):
                model = kinds[which](random_state=seed, **SETTINGS)
                start = time.perf_counter()
                model.fit(A, a)
                seconds[which, seed] = time.perf_counter() - start
                scores[which, seed] = model.score(B, b)
        error = scores.std(axis=1, ddof=1) / SEEDS**0.5
        ratios = sorted(seconds[0] / seconds[1])
        rows.append(
            {
                "data": name,
                "score": scores[0].mean(),
                "score_error": error[0],
                "sklearn_score": scores[1].mean(),
                "sklearn_error": error[1],
                "seconds": float(np.median(seconds[0])),
                "sklearn_seconds": float(np.median(seconds[1])),
                "ratio": statistics.median(ratios),
                "ratios": ratios,
            }
        )
    return rows


def show(rows: list[dict[str, Any]]) -> str:
    """The rows as a table."""
    cells = [
        [
            row["data"],
            f"{row['score']:.4f} ± {row['score_error']:.4f}",
            f"{row['sklearn_score']:.4f} ± {row['sklearn_error']:.4f}",
            f"{1e3 * row['seconds']:.0f}",
            f"{1e3 * row['sklearn_seconds']:.0f}",
            f"{row['ratio']:.2f}",
        ]
        for row in rows
    ]
    title = (
        f"MLP of 100 units, {EPOCHS} epochs, {SEEDS} seeds; accuracy, or R² on diabetes; ms a fit"
    )
    return table(title, ["data", "pullback", "scikit-learn", "ms", "ms", "ratio"], cells)


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows = measure()
    print(show(rows))
    save("estimators", {"environment": environment(), "estimators": rows}, args.json)


if __name__ == "__main__":
    main()
