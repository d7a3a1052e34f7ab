"""What the gallery's examples begin with, and what becomes of the drawings that they write."""

from __future__ import annotations

import os
import warnings
from itertools import count

import pytest

from ._extensions import ROOT, load

pytest.importorskip("sphinx_gallery", reason="what runs the gallery, of the extra docs")
gallery = load("gallery")


class Paths:
    """As sphinx-gallery counts an example's pictures."""

    def __init__(self, folder):
        self.folder, self.numbers = folder, count(1)

    def next(self):
        return str(self.folder / f"sphx_glr_a_{next(self.numbers):03d}.png")


@pytest.fixture
def begun():
    pytest.importorskip("matplotlib", reason="pictures are drawn by matplotlib, of the extra train")
    import matplotlib

    with warnings.catch_warnings(), matplotlib.rc_context():
        gallery.reset({}, "a.py")
        yield matplotlib
    gallery._written.clear()


def test_drawings_are_moved_into_the_page_however_they_were_written(begun, tmp_path):
    example, pictures = tmp_path / "examples", tmp_path / "pictures"
    example.mkdir()
    pictures.mkdir()
    (example / "old.svg").write_text("<svg/>")
    gallery._written.clear()
    (example / "one.svg").write_text("<svg>1</svg>")
    (example / "two.tmp").write_text("<svg>2</svg>")
    os.replace(example / "two.tmp", example / "two.svg")
    (example / "old.svg").read_text()
    (tmp_path / "elsewhere.svg").write_text("<svg/>")
    block = {"src_file": str(example / "a.py"), "image_path_iterator": Paths(pictures)}
    text = gallery.drawings(("code", "", 1), block, {"src_dir": str(tmp_path)})
    assert "/pictures/sphx_glr_a_001.svg" in text
    assert (pictures / "sphx_glr_a_001.svg").read_text() == "<svg>1</svg>"
    assert (pictures / "sphx_glr_a_002.svg").read_text() == "<svg>2</svg>"
    assert sorted(p.name for p in example.iterdir()) == ["old.svg"]
    assert gallery.drawings(("code", "", 1), block, {"src_dir": str(tmp_path)}) == ""


def test_an_example_begins_with_the_style_and_with_warnings_as_errors(begun):
    assert begun.rcParams["axes.spines.top"] is False
    with pytest.raises(RuntimeWarning):
        warnings.warn("a division", RuntimeWarning, stacklevel=1)


def test_the_order_is_of_examples_that_are_there():
    have = {path.stem for path in (ROOT / "examples").glob("*/*.py")}
    assert len(set(gallery.ORDER)) == len(gallery.ORDER)
    assert not set(gallery.ORDER) - have
    order = gallery.Order(".")
    assert sorted(["zzz.py", "newton.py", "steepest_descent.py", "aaa.py"], key=order) == [
        "steepest_descent.py", "newton.py", "aaa.py", "zzz.py",
    ]  # fmt: skip


def test_the_examples_that_use_a_name_are_found_through_aliases():
    users = load("users")
    text = "import pullback as pb\nxp, M = pb.xp, pb.models\nfrom pullback.linalg import solve as s\nxp.sin(s(M.MLP))\n"
    assert users.used(text) == {"pullback.xp.sin", "pullback.linalg.solve", "pullback.models.MLP"}
    assert users.used("import numpy as xp\nxp.sin(1)\n") == set()
    assert len(users.users()["pullback.grad"]) > 10
