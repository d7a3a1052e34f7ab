"""debug_nans and draw: what a person sees who is looking."""

import functools
import re

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


class TestDraw:
    def test_edges_follow_the_computation(self):
        text = pb.draw(lambda x, y: xp.concat([x, xp.where(x > 0, y, x)]), np.ones(2), np.ones(2))
        edges = re.findall(r"v(\d+) --> v(\d+)", text)
        assert sorted(edges) == [("0", "2"), ("0", "3"), ("1", "2"), ("2", "3")]
        assert '"concat<br/>(4,) float64"' in text

    def test_dot_and_file(self, tmp_path):
        file = tmp_path / "graph.dot"
        text = pb.draw(lambda x: xp.sum(x * x), np.ones(3), language="dot", file=file)
        assert text.startswith("digraph {")
        assert file.read_text().strip() == text
        assert list(tmp_path.iterdir()) == [file]

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
        for language, end in (("mermaid", "<br/>"), ("dot", "\\n")):
            text = pb.draw(f, x, signals=True, language=language)
            assert f'"x{end}{x.shape} {x.dtype}{end}signal {signal}"' in text

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

    def test_names_with_quotes_do_not_end_a_label(self):
        text = pb.draw(lambda d: xp.sum(d['a"<b']), {'a"<b': np.ones(2)})
        assert "\"d.a'b<br/>" in text

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
