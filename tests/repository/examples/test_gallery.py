"""The form of the gallery's examples, each of which is run when the site is built; some run here, as on a GPU."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ...conftest import ONLY_CUPY
from ._examples import drawn

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
SECTIONS = ("optimisation", "networks", "layers", "gradients", "solving", "statistics", "programs")
FILES = sorted(EXAMPLES.glob("*/*.py"))
MOST_LINES, LEAST_EXAMPLES = 80, 45
WRITES_A_DRAWING = re.compile(r"\.svg\b")


def test_there_are_enough_and_each_has_its_own_name():
    assert len(FILES) >= LEAST_EXAMPLES
    assert len({path.stem for path in FILES}) == len(FILES)


def test_the_sections_are_those_of_the_site_and_each_says_what_it_holds():
    assert {path.parent.name for path in FILES} == set(SECTIONS)
    for section in ("", *SECTIONS):
        text = (EXAMPLES / section / "GALLERY_HEADER.rst").read_text(encoding="utf-8")
        lines = text.strip().splitlines()
        # the whole gallery's title has a line above, too, so that those of the sections stand below it
        title, underline, *rest = lines if section else lines[1:]
        assert len(underline) == len(title)
        assert set(underline) in ({"="}, {"-"})
        assert any(line.strip() for line in rest), f"{section}: a sentence on what is there"


def complaints(text: str) -> list[str]:
    """What an example lacks, in words."""
    out = []
    if len(text.splitlines()) > MOST_LINES:
        out.append(f"{len(text.splitlines())} lines, more than {MOST_LINES}")
    tree = ast.parse(text)
    lines = (ast.get_docstring(tree) or "").splitlines()
    if len(lines) < 2 or not re.fullmatch(r"=+", lines[1]) or len(lines[1]) < len(lines[0]):
        out.append("the docstring does not begin with a title underlined by =")
    elif not any(line.strip() for line in lines[2:]):
        out.append("the docstring does not say the idea")
    if not re.search(r"^plt\.show\(\)$", text, re.MULTILINE) and not WRITES_A_DRAWING.search(text):
        out.append("neither plt.show() nor a drawing that is written")
    if "sys.argv" in text or "__main__" in text or "argparse" in text:
        out.append(
            "a script that takes arguments, or a main: the gallery's read from top to bottom"
        )
    if not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        out.append("nothing that it claims is asserted")
    return out


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_has_the_gallery_s_form(path):
    assert complaints(path.read_text(encoding="utf-8")) == []


GOOD = '"""A title\n=======\n\nThe idea.\n"""\n\nimport matplotlib.pyplot as plt\n\nassert True\nplt.show()\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "#\n" * 80, "lines, more than 80"),
        (GOOD.replace("=======", "---"), "does not begin with a title"),
        (GOOD.replace("\n\nThe idea.", ""), "does not say the idea"),
        (GOOD.replace("plt.show()", ""), "neither plt.show()"),
        (GOOD.replace("assert True", ""), "nothing that it claims is asserted"),
        (GOOD + "import sys\nsys.argv\n", "takes arguments"),
    ],
)
def test_what_an_example_lacks_is_said(text, said):
    assert complaints(GOOD) == []
    (found,) = complaints(text)
    assert said in found


@pytest.mark.skipif(ONLY_CUPY, reason="PULLBACK_BACKEND=cupy tests the GPU")
@pytest.mark.parametrize(
    "name",
    [
        "optimisation/steepest_descent", "networks/linear_networks_collapse", "layers/graph_classes",
        "gradients/fan_out", "solving/kepler", "statistics/kernel_ridge", "programs/two_ranks",
    ],
)  # fmt: skip
def test_a_short_example_of_each_section_runs_where_cupy_is_active(name, tmp_path):
    """On the stand-in for CuPy; ``tools/example.py --standin`` runs all others so."""
    pytest.importorskip("matplotlib", reason="examples draw")
    path = EXAMPLES / f"{name}.py"
    command = [sys.executable, str(ROOT / "tools" / "example.py"), "--standin", "--here"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path), str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [picture for picture in tmp_path.glob("*.png") if drawn(picture)]
