"""The documentation tells the truth: its code runs, and the page of functions is the registry's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pullback as pb

ROOT = Path(__file__).resolve().parents[2]


def run(*command, **environment):
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PULLBACK_BACKEND": "numpy", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# What the guide's code runs after, where the stand-in for CuPy is to be what `auto` chooses.
ACTIVE = {
    "numpy": "",
    "cupy_standin": (
        f"import sys; sys.path.append({str(ROOT)!r})\n"
        "import tests.standin as standin; standin.activate('auto', 'cupy'); sys.path.pop()\n"
    ),
}


@pytest.mark.parametrize("active", ACTIVE)
def test_the_code_of_the_page_on_scipy_runs(active):
    text = (ROOT / "docs" / "scipy.md").read_text(encoding="utf-8")
    code = ACTIVE[active] + "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    result = run("-c", code, PULLBACK_BACKEND="auto" if ACTIVE[active] else "numpy")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["0.875", "0.25", "-0.135335", "0.083333333"]


@pytest.mark.parametrize("active", ACTIVE)
def test_the_guide_s_code_runs(active):
    pytest.importorskip("sklearn", reason="the guide differentiates scikit-learn, an extra")
    text = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    code = ACTIVE[active] + "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    result = run(
        "-W",
        "ignore::RuntimeWarning",
        "-c",
        code,
        SCIPY_ARRAY_API="1",
        PULLBACK_BACKEND="auto" if ACTIVE[active] else "numpy",
    )
    assert result.returncode == 0, result.stderr
    for expected in (
        "[0.11781755",
        "most influential row: ",
        "[-191.",
        "[2.+4.j]",
        "[0.  0.5]",
        "derivative of sqrt",
        "flowchart",
        *(
            ["in place of x0"] if active == "numpy" else []
        ),  # elsewhere a program is replayed as Python
    ):
        assert expected in result.stdout


def test_the_code_of_the_page_on_the_command_line_runs(capsys):
    for needed in ("pandas", "sklearn", "matplotlib"):
        pytest.importorskip(needed, reason="the page shows what the extra train brings")
    text = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, "command_line.md", "exec"), {})
    found = re.search(r"\(60, 2\)\naccuracy (\d\.\d+)", capsys.readouterr().out)
    assert found is not None
    assert float(found[1]) > 0.9


def test_the_page_of_functions_is_up_to_date():
    result = run(str(ROOT / "tools" / "functions_page.py"), "--check")
    assert result.returncode == 0, result.stderr


def test_the_page_of_numpy_is_up_to_date():
    result = run(str(ROOT / "tools" / "numpy_page.py"), "--check")
    assert result.returncode == 0, result.stderr


def test_the_code_of_the_page_of_numpy_runs():
    text = (ROOT / "docs" / "numpy.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    result = run("-c", code + "print(gradient.shape)")
    assert (result.returncode, result.stdout.strip()) == (0, "(3, 2)"), result.stderr


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


@pytest.mark.parametrize("page", sorted(p.name for p in (ROOT / "docs").glob("*.md")))
def test_links_lead_somewhere(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    prose = re.sub(
        r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL
    )  # code has brackets of its own
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        assert (ROOT / "docs" / target).exists(), target
