"""The gallery's scraper finds the drawings that an example writes, however it writes them."""

import os
from pathlib import Path

import pytest

from ._extensions import load

gallery = load("gallery")


def test_what_is_written_and_what_is_renamed(tmp_path, monkeypatch):
    """The events of Python's audit hooks, which cannot be taken off again: they are given by hand."""
    monkeypatch.setattr(gallery, "_written", [])
    gallery._watch("open", (str(tmp_path / "a.svg"), "w", 0))
    gallery._watch("os.rename", (tmp_path / ".b.svg.1.tmp", Path(tmp_path / "b.svg"), -1, -1))
    for event, arguments in {
        "open": (str(tmp_path / "c.svg"), "r", 0),
        "os.rename": (str(tmp_path / "d.svg"), str(tmp_path / "d.txt"), -1, -1),
        "import": ("e.svg", None),
    }.items():
        gallery._watch(event, arguments)
    gallery._watch("open", (3, "w", 0))
    gallery._watch("open", (os.fsencode(tmp_path / "f.svg"), "w", 0))
    gallery._watch("open", (str(tmp_path / "a.svg"), None, os.O_WRONLY))
    assert [path.name for path in gallery._written] == ["a.svg", "b.svg"]


def test_they_are_moved_into_the_page(tmp_path, monkeypatch):
    pytest.importorskip("sphinx_gallery", reason="what runs the gallery, of the extra docs")
    source = tmp_path / "examples" / "graph.py"
    (source.parent).mkdir()
    drawing = source.with_name("graph.svg")
    drawing.write_text("<svg/>")
    monkeypatch.setattr(gallery, "_written", [drawing, tmp_path / "elsewhere.svg"])
    images = iter([str(tmp_path / "image_001.png")])
    block = {"src_file": str(source), "image_path_iterator": images}
    images_of = type("Images", (), {"next": lambda self: next(images)})()
    text = gallery.drawings(None, block | {"image_path_iterator": images_of}, {"src_dir": tmp_path})
    assert "image_001.svg" in text
    assert (tmp_path / "image_001.svg").read_text() == "<svg/>"
    assert not drawing.exists()
