"""What OpenBLAS reads once, when NumPy loads it: set by the first `import pullback`, unless NumPy is there already."""

from __future__ import annotations

import os
import sys


def prepare() -> None:
    """Set what the user has not set."""
    if "numpy" in sys.modules:
        return
    # OpenBLAS threads spin for 0.1 s after each product before they sleep; NumPy's and SciPy's pools disturb each
    # other so, and small products take up to ten times as long on a busy machine.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")


prepare()
