"""The pages for those who come from other libraries: their code runs, and the names on the right are ours."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

import pullback as pb

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["from_autograd.md", "from_jax.md", "from_pytorch.md", "from_numpy.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_print_what_they_say(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(code, {}, page, page, 0)
    assert test.examples
    with pb.backend.use("numpy"), np.printoptions(legacy=False):
        result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES)
def test_the_names_are_ours(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for name in set(re.findall(r"\bpb((?:\.[A-Za-z_]\w*)+)", text)):
        found = pb
        for part in name[1:].split("."):
            assert hasattr(found, part), f"{page}: pb{name}"
            found = getattr(found, part)


@pytest.mark.parametrize("page", PAGES)
def test_the_index_names_the_page(page):
    assert f"({page})" in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
