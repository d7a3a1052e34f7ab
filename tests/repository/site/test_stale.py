"""What an earlier build has left of examples and pages that are no more is removed, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ._extensions import load

pytest.importorskip("sphinx", reason="Sphinx is not installed (extra `docs`)")

stale = load("stale")


def made(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def left(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_what_is_of_no_example_goes(tmp_path):
    kept = [
        "gallery/index.rst", "gallery/one/index.rst", "gallery/one/is.rst", "gallery/one/is.py.md5",
        "gallery/images/gone.png", "gallery/backreferences/pullback.grad.examples", "index.md",
    ]  # fmt: skip
    gone = ["gallery/one/gone.rst", "gallery/one/gone.codeobj.json", "gallery/old/index.rst"]
    made(tmp_path / "examples", "one/is.py", "one/GALLERY_HEADER.rst")
    made(tmp_path / "docs", *kept, *gone)
    stale.examples(SimpleNamespace(srcdir=tmp_path / "docs"))
    assert left(tmp_path / "docs") == set(kept)


def test_pages_without_a_source_go(tmp_path):
    kept = ["index.html", "search.html", "_source/a.html", "reference/xp.linalg/det.html"]
    kept.append("gallery/picture.png")
    made(tmp_path, *kept, "reference/gone.html", "gallery/old/index.html")
    app = SimpleNamespace(
        outdir=tmp_path,
        builder=SimpleNamespace(format="html"),
        env=SimpleNamespace(found_docs={"index", "reference/xp.linalg/det"}),
    )
    stale.pages(app, RuntimeError("the build failed"))
    assert "reference/gone.html" in left(tmp_path)
    stale.pages(app, None)
    assert left(tmp_path) == set(kept)
