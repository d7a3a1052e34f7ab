"""SciPy's and scikit-learn's own code has right gradients as it stands."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "functions.py"
WANTED = {"scipy": 8, "sklearn": 4}


@pytest.fixture(scope="module")
def results():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    environment = {**os.environ, "SCIPY_ARRAY_API": "1", "PULLBACK_BACKEND": "numpy"}
    run = subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_every_row_is_right(results):
    assert not {name: error for name, error in results.items() if error}


@pytest.mark.parametrize("library", WANTED)
def test_enough_functions_of_each_library(results, library):
    right = [name for name, error in results.items() if name.startswith(library) and not error]
    assert len(right) >= WANTED[library]


def test_several_parts_of_scipy(results):
    parts = {name.split(".")[1] for name, error in results.items() if not error}
    assert {"special", "stats", "optimize", "integrate", "signal", "spatial"} <= parts


def test_the_table_in_the_documentation_names_rows(results):
    """What `docs/guide/scipy.md` says of functions as they are is measured here."""
    text = (Path(__file__).parents[2] / "docs" / "guide" / "scipy.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    claimed = {
        name
        for row in rows
        if row[2].strip() == "yes"
        for name in re.findall(r"`([\w.]+)`", row[1])
    }
    assert len(claimed) >= 40
    assert claimed <= {name.removeprefix("scipy.") for name in results}
