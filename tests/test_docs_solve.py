"""The code of docs/solve.md runs and prints what it says."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np

import pullback as pb

PAGE = Path(__file__).resolve().parents[1] / "docs" / "solve.md"


def test_the_page_s_code_runs():
    with pb.backend.use("numpy"), np.printoptions(legacy=False):
        result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert result.attempted > 15
    assert result.failed == 0
