"""The code of the pages about linear systems runs and prints what it says."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest

import pullback as pb

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(("page", "least"), [("solve.md", 16), ("sparse.md", 14)])
def test_the_page_s_code_runs(page, least):
    with pb.backend.use("numpy"), np.printoptions(legacy=False):
        result = doctest.testfile(str(DOCS / page), module_relative=False, encoding="utf-8")
    assert result.attempted >= least
    assert result.failed == 0
