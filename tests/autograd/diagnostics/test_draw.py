"""draw: what a person sees who is looking, as text, as a picture and as a file."""

import functools
import os
import re
import shutil
import stat
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.diagnostics import draw as module

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


class TestDraw:
    def test_edges_follow_the_computation(self):
        text = pb.draw(lambda x, y: xp.concat([x, xp.where(x > 0, y, x)]), np.ones(2), np.ones(2))
        edges = re.findall(r"v(\d+) --> v(\d+)", text)
        assert sorted(edges) == [("0", "2"), ("0", "3"), ("1", "2"), ("2", "3")]
        assert '"concat<br/>(4,) float64"' in text

    @pytest.mark.parametrize(
        ("f", "x", "signal"),
        [
            (lambda x: xp.sum(3 * x), np.ones(4), "6"),
            (lambda x: -xp.sum(3 * x), np.ones(4), "-6"),
            (lambda x: xp.sum(x * np.asarray([3.0, -4.0])), np.ones(2), "±5"),
            (lambda x: xp.sum(x * np.asarray([-3.0, 0.0, -4.0])), np.ones(3), "-5"),
            (lambda x: xp.sum(0 * x), np.ones(3), "0"),
            (lambda x: -2 * x, np.asarray(1.0), "-2"),
            (lambda x: -2 * x, np.ones((1, 1)), "-2"),
            (lambda x: xp.sum(-1e200 * x), np.ones(4), "-2e+200"),
            (lambda x: xp.real(-2j * x), np.asarray(1j), "0+2j"),  # ∂L/∂Re x + i ∂L/∂Im x
            (lambda x: xp.sum(xp.abs(x)), np.asarray([3 + 4j, -1j]), "|1.41|"),
            (lambda x: xp.sum(x), np.ones((0, 2)), "0"),
        ],
    )
    def test_signals_have_their_sign(self, f, x, signal):
        assert f'"x<br/>{x.shape} {x.dtype}<br/>signal {signal}"' in pb.draw(f, x, signals=True)
        text = pb.draw(f, x, signals=True, language="dot")
        assert re.search(rf"<b>x</b>.*>signal {re.escape(signal)}</font>", text)

    def test_signals_on_the_way_have_their_sign(self):
        text = pb.draw(lambda x: -xp.sum(xp.exp(x)), np.zeros(4), signals=True)
        assert '"sum<br/>() float64<br/>signal -1"' in text
        assert '"exp<br/>(4,) float64<br/>signal -2"' in text

    def test_inputs_have_the_names_of_parameters(self):
        def f(W, b, /, x, *more, scale=2.0):
            return xp.sum(W @ x["rows"] + b) * scale + sum(xp.sum(m) for m in pb.tree.leaves(more))

        args = np.ones((2, 2)), np.ones(2), {"rows": np.ones(2)}, np.ones(1), (np.ones(3),)
        for g in (f, functools.partial(f, scale=3.0), pb.compile(f, fast=False)):
            text = pb.draw(g, *args)
            names = re.findall(r'v\d+\(\["(.*?)<br/>', text)
            assert names == ["W", "b", "x.rows", "more.0", "more.1.0"]
        model = pb.models.MLP([2, 2], seed=0)
        assert '(["x<br/>(3, 2)' in pb.draw(model, np.ones((3, 2), np.float32))
        assert '(["x<br/>(3, 2)' in pb.draw(model.__call__, np.ones((3, 2), np.float32))

    def test_a_function_that_does_not_name_its_parameters(self):
        class Silent:
            __signature__ = "none"

            def __call__(self, *args):
                return xp.sum(args[0])

        assert '(["0<br/>(2,)' in pb.draw(Silent(), np.ones(2))
        assert '(["args.0<br/>(2,)' in pb.draw(lambda *args: xp.sum(args[0]), np.ones(2))

    def test_model_leaves_are_named(self):
        model = pb.models.MLP([3, 4, 2], seed=0)
        text = pb.draw(lambda m: xp.sum(m(np.ones((5, 3), np.float32))), model)
        assert '"m.layers.1.b<br/>(2,) float32' in text

    def test_checkpoint_is_one_node(self):
        text = pb.draw(lambda x: pb.checkpoint(xp.sin)(x) * 2, np.ones(2))
        assert "checkpoint(sin)" in text

    def test_unknown_language(self):
        with pytest.raises(ValueError, match="mermaid, dot"):
            pb.draw(lambda x: x, np.ones(2), language="svg")

    def test_unknown_direction(self):
        with pytest.raises(ValueError, match="'up': choose one of down, right"):
            pb.draw(lambda x: x, np.ones(2), direction="up")

    def test_direction(self):
        f, x = xp.sum, np.ones(2)
        assert pb.draw(f, x, direction="right").startswith("flowchart LR")
        assert "rankdir=LR" in pb.draw(f, x, direction="right", language="dot")
        assert "rankdir=TB" in pb.draw(f, x, language="dot")


def product(x, y):
    v = x * y
    return xp.sin(v) + v


POINT = (np.asarray(2.0), np.asarray(3.0))


class TestFiles:
    """Text needs nothing but its suffix."""

    @pytest.mark.parametrize(
        ("name", "before", "after"),
        [
            ("graph.dot", "digraph {", "}\n"),
            ("graph.GV", "digraph {", "}\n"),
            ("graph.mmd", "flowchart TD", "v2 --> v4\n"),
            ("graph.mermaid", "flowchart TD", "v2 --> v4\n"),
            ("graph.md", "```mermaid\nflowchart TD", "v2 --> v4\n```\n"),
            ("graph.txt", "flowchart TD", "v2 --> v4\n"),
        ],
    )
    def test_text(self, name, before, after, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        text = pb.draw(product, *POINT, file=tmp_path / name)
        written = (tmp_path / name).read_text(encoding="utf-8")
        assert written.startswith(before)
        assert written.endswith(after)
        assert text in written
        assert os.listdir(tmp_path) == [name]

    def test_txt_takes_any_language(self, tmp_path):
        text = pb.draw(product, *POINT, language="dot", file=tmp_path / "graph.txt")
        assert text.startswith("digraph {")
        assert (tmp_path / "graph.txt").read_text(encoding="utf-8") == text + "\n"

    @pytest.mark.parametrize(
        ("name", "language", "words"),
        [
            ("graph.dot", "mermaid", r"'graph.dot' is written in 'dot', and language='mermaid'"),
            ("graph.mmd", "dot", r"'graph.mmd' is written in 'mermaid'"),
            ("graph.jpg", None, r"'graph.jpg': its suffix says what to write; choose one of .svg"),
            ("graph", None, r"choose one of .svg .png .pdf .txt .dot"),
        ],
    )
    def test_suffixes_that_say_something_else(self, name, language, words, tmp_path):
        with pytest.raises(ValueError, match=words):
            pb.draw(product, *POINT, language=language, file=tmp_path / name)
        assert os.listdir(tmp_path) == []

    def test_the_file_is_like_others(self, tmp_path):
        """Others may read it, as the user's own settings have it; a temporary file alone is private."""
        (tmp_path / "other").touch()
        pb.draw(product, *POINT, file=tmp_path / "graph.dot")
        modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", "graph.dot")}
        assert len(modes) == 1

    def test_a_folder_that_is_not_there(self, tmp_path):
        def never(x):
            raise AssertionError("it is not evaluated for a file that cannot be written")

        with pytest.raises(FileNotFoundError, match=r"no such folder: '.*/no'"):
            pb.draw(never, *POINT, file=tmp_path / "no" / "graph.dot")

    def test_nothing_is_left_where_it_cannot_be_renamed(self, tmp_path):
        (tmp_path / "graph.dot").mkdir()
        with pytest.raises(OSError, match=r"draw: Is a directory: '.*/graph\.dot'"):
            pb.draw(product, *POINT, file=tmp_path / "graph.dot")
        assert os.listdir(tmp_path) == ["graph.dot"]

    def test_a_link_is_followed(self, tmp_path):
        (tmp_path / "link.dot").symlink_to("graph.dot")
        text = pb.draw(product, *POINT, file=tmp_path / "link.dot")
        assert (tmp_path / "link.dot").is_symlink()
        assert (tmp_path / "graph.dot").read_text() == f"{text}\n"

    def test_threads_write_the_same_file(self, tmp_path):
        with ThreadPoolExecutor(4) as threads:
            texts = list(
                threads.map(
                    lambda _: pb.draw(product, *POINT, file=tmp_path / "graph.dot"), range(40)
                )
            )
        assert (tmp_path / "graph.dot").read_text() == f"{texts[0]}\n"
        assert os.listdir(tmp_path) == ["graph.dot"]


def fake(folder, script):
    """A program `dot` of our own, first on the PATH."""
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


class TestWithoutDot:
    @pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
    def test_it_says_what_to_install(self, suffix, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))

        def never(x):
            raise AssertionError("it is not evaluated for a picture that cannot be drawn")

        with pytest.raises(RuntimeError, match=r"`apt install graphviz`, `brew.*`conda.*\.mmd or"):
            pb.draw(never, np.ones(2), file=tmp_path / f"graph{suffix}")
        assert os.listdir(tmp_path) == []

    def test_a_notebook_shows_the_text(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        text = pb.draw(product, *POINT)
        assert text._repr_svg_() is None
        assert isinstance(text, str)

    def test_what_dot_says_is_told(self, tmp_path, monkeypatch):
        fake(tmp_path, "echo 'Error: no layout today' >&2; exit 3")
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        with pytest.raises(
            RuntimeError, match=r"ended with code 3\. It said: Error: no layout today"
        ):
            pb.draw(product, *POINT, file=tmp_path / "graph.svg")
        assert os.listdir(tmp_path) == ["dot"]

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ("cat > /dev/null; echo hello", r"of 'graph\.svg' is no SVG: it begins with b'hello"),
            ("cat > /dev/null; printf '\\377'", r"is no SVG: it begins with b'\\xff'"),
            ("exit 0", "ended with code 0. It said: nothing"),
            (None, "`dot` could not be started: "),
        ],
    )
    def test_a_dot_that_is_not_graphviz(self, script, said, tmp_path, monkeypatch):
        fake(tmp_path, script or "")
        if script is None:
            (tmp_path / "dot").write_bytes(b"\0\1\2")
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        with pytest.raises(RuntimeError, match=said):
            pb.draw(product, *POINT, file=tmp_path / "graph.svg")
        assert os.listdir(tmp_path) == ["dot"]
        # a notebook goes on with the text
        with pytest.warns(UserWarning, match="the text is shown in place of the picture: draw: "):
            assert pb.draw(product, *POINT)._repr_svg_() is None

    def test_a_dot_that_does_not_end(self, tmp_path, monkeypatch):
        fake(tmp_path, "exec sleep 30")
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr(module, "PATIENCE", 0.1)
        with pytest.raises(
            RuntimeError, match=r"more than 0\.1 s for the 5 quantities of 'graph.svg'"
        ):
            pb.draw(product, *POINT, file=tmp_path / "graph.svg")
        assert os.listdir(tmp_path) == ["dot"]


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is not installed")
class TestWithDot:
    @pytest.mark.parametrize(
        ("name", "start"), [("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF-")]
    )
    def test_pictures_are_the_same_each_time(self, name, start, tmp_path):
        for _ in range(2):
            text = pb.draw(product, *POINT, signals=True, file=tmp_path / name)
            written = (tmp_path / name).read_bytes()
            assert written.startswith(start)
            (tmp_path / f"{written.__hash__()}").touch()
        assert len(os.listdir(tmp_path)) == 2
        assert text == pb.draw(product, *POINT, signals=True)
        if name == "a.pdf":
            assert b"/CreationDate (D:19700101000000" in written

    def test_everything_is_in_the_svg(self, tmp_path):
        pb.draw(product, *POINT, signals=True, file=tmp_path / "a.svg")
        root = ET.parse(tmp_path / "a.svg").getroot()
        words = [e.text.strip() for e in root.iter("{http://www.w3.org/2000/svg}text")]
        for expected in ("x", "y", "multiply", "sin", "add", "signal 1.96", "0.96"):
            assert words.count(expected) == 1
        groups = [e.get("class") for e in root.iter("{http://www.w3.org/2000/svg}g")]
        assert groups.count("node") == 5
        assert groups.count("edge") == 10  # five there and five back

    def test_hostile_names(self, tmp_path):
        name = 'a"<b> & \n`é 🙂\\N</svg>\ud800'
        for suffix in (".svg", ".mmd"):
            pb.draw(lambda d: xp.sum(d[name]), {name: np.ones(2)}, file=tmp_path / f"a{suffix}")
        root = ET.parse(tmp_path / "a.svg").getroot()
        words = " ".join(e.text for e in root.iter("{http://www.w3.org/2000/svg}text"))
        assert 'd.a"<b> & `é 🙂\\N</svg>?' in words

    def test_a_notebook_shows_the_picture(self):
        ET.fromstring(pb.draw(product, *POINT)._repr_svg_())
        in_dot = pb.draw(product, *POINT, language="dot")
        assert pb.draw(product, *POINT)._repr_svg_() == in_dot._repr_svg_()

    def test_compiled_functions(self, tmp_path):
        f = pb.compile(product, fast=False)
        pb.draw(f, *POINT, file=tmp_path / "a.svg")
        ET.parse(tmp_path / "a.svg")


def test_signals_of_a_compiled_function_are_those_of_its_operations():
    f = pb.compile(product, fast=False)
    assert pb.draw(f, *POINT, signals=True) == pb.draw(product, *POINT, signals=True)
