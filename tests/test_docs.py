"""The documentation tells the truth: its code runs, and the page of functions is the registry's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(*command, **environment):
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PULLBACK_BACKEND": "numpy", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_guide_s_code_runs():
    text = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    result = run("-W", "ignore::RuntimeWarning", "-c", code, SCIPY_ARRAY_API="1")
    assert result.returncode == 0, result.stderr
    for expected in (
        "[0.11781755",
        "[-191.",
        "[2.+4.j]",
        "[0.  0.5]",
        "derivative of sqrt",
        "flowchart",
    ):
        assert expected in result.stdout


def test_the_page_of_functions_is_up_to_date():
    result = run(str(ROOT / "tools" / "functions_page.py"), "--check")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", sorted(p.name for p in (ROOT / "docs").glob("*.md")))
def test_links_lead_somewhere(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / "docs" / target).exists(), target
