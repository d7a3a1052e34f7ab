"""SciPy's and scikit-learn's own code has right gradients as it stands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "foreign" / "functions.py"
WANTED = {"scipy": 8, "sklearn": 4}
# what cannot work, and why; anything else in the table has to
REFUSED = {
    "sklearn.preprocessing.StandardScaler": "it divides by a count of 0 and overwrites that: 0 · ∞ going back",
}


@pytest.fixture(scope="module")
def results():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    environment = {**os.environ, "SCIPY_ARRAY_API": "1", "PULLBACK_BACKEND": "numpy"}
    run = subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_every_row_is_right_or_refused_for_a_known_reason(results):
    wrong = {name: error for name, error in results.items() if error and name not in REFUSED}
    assert not wrong
    assert not {name for name in REFUSED if not results[name]}, (
        "these work now: take them off the list"
    )


@pytest.mark.parametrize("library", WANTED)
def test_enough_functions_of_each_library(results, library):
    right = [name for name, error in results.items() if name.startswith(library) and not error]
    assert len(right) >= WANTED[library]


def test_several_parts_of_scipy(results):
    parts = {name.split(".")[1] for name, error in results.items() if not error}
    assert {"special", "stats", "optimize", "integrate", "signal", "spatial"} <= parts
