"""The pages that tools write are up to date: that of functions says what the registry does, that of NumPy what its tables do."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pullback as pb

ROOT = Path(__file__).resolve().parents[3]


def run(*command, **environment):
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PULLBACK_BACKEND": "numpy", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_page_of_functions_is_up_to_date():
    result = run(str(ROOT / "tools" / "functions_page.py"), "--check")
    assert result.returncode == 0, result.stderr


def test_the_page_of_numpy_is_up_to_date():
    result = run(str(ROOT / "tools" / "numpy_page.py"), "--check")
    assert result.returncode == 0, result.stderr


def test_the_page_says_all_of_every_function():
    """A signature, a rule for each argument that has one, edge cases and a source."""
    from pullback.autograd.core.registry import find, names

    text = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    entries = dict(re.findall(r"^#### `([\w.]+)\((.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE))
    public = [name for name in names() if find(name).rules and name in entries]
    assert len(public) > 150
    for name in set(dir(pb.xp)) & set(names()):
        assert name in entries or not find(name).rules, name
    for name in public:
        entry = f"{name}({entries[name]}"
        assert entry.startswith(f"{name}{find(name).text}`"), name
        for rule in find(name).rules:
            assert re.search(rf"^- `{rule}_bar` = \S", entry, re.MULTILINE), (name, rule)
        assert "see the source" not in entry, name
        for field in ("Edge cases", "Source"):
            assert re.search(rf"^- {field}: \S", entry, re.MULTILINE), (name, field)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (
            "from pullback.autograd.functions.documentation.lookup import entries; "
            "del functions_notes.EDGES_OF['exp'], entries()['exp']",
            "exp: no edge cases",
        ),
        ("del functions_notes.SOURCES_OF['leg']", "leg: no source"),
        ("functions_notes.EDGES_OF['expp'] = 'none'", "expp: not a function with a rule"),
    ],
)
def test_the_page_is_not_made_where_something_lacks(before, said):
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import functions_notes; {before}; "
        "import functions_page; print(functions_page.lacking())"
    )
    result = run("-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == f"['{said}']"
