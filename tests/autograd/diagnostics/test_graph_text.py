"""The two languages of `pb.draw`: labels that say what they are to say, whatever the names."""

import re

import pytest

from pullback.autograd.diagnostics.graph import Node
from pullback.autograd.diagnostics.graph_text import dot, mermaid

NODES = [
    Node(0, "x", (3,), "float64", (), "6", ()),
    Node(1, "multiply", (3,), "float64", (0, 0), "1", ("3", "3")),
    Node(2, "sum", (), "float64", (1,), "1", (None,)),
]


def test_shares_are_arrows_back_from_the_last_to_the_first():
    lines = mermaid(NODES, "down").splitlines()
    assert [line for line in lines if "-." in line] == ['    v1 -. "3" .-> v0'] * 2
    text = dot(NODES, "down")
    assert text.count('v0 -> v1 [dir=back, style=dashed, color="#C24E00"') == 2
    assert text.count('v0 -> v1 [label=" "]') == 2
    assert "v1 -> v2 [dir=back" not in text


def test_inputs_and_outputs_look_different():
    looks = re.findall(r"fillcolor=\"(#.*?)\"", dot(NODES, "down"))
    assert looks == ["#FFFFFF", "#E4F1F9", "#E3F4EE"]  # the default's, x's and sum's


@pytest.mark.parametrize(
    ("name", "in_mermaid", "in_dot"),
    [
        ('a"<b', "a#quot;#lt;b", "<b>a&quot;&lt;b</b>"),
        ("a & b", "a #amp; b", "<b>a &amp; b</b>"),
        ("#1\\n", "#35;1#92;n", "<b>#1\\\\n</b>"),
        ("`code`", "#96;code#96;", "<b>`code`</b>"),
        ("two\nlines\x00", "two lines ", "<b>two lines</b>"),
        ("Größe ∂", "Größe ∂", "<b>Größe ∂</b>"),
        ("\ud800", "?", "<b>?</b>"),
        ("", "", "<b> </b>"),
    ],
)
def test_names(name, in_mermaid, in_dot):
    nodes = [Node(0, name, (2,), "float32", ())]
    assert f'v0(["{in_mermaid}<br/>(2,) float32"])' in mermaid(nodes, "right")
    assert in_dot in dot(nodes, "right")


def test_long_names_are_broken():
    """What one kernel of a compiled function does."""
    nodes = [Node(0, ", ".join(["multiply"] * 12), (2,), "float32", (0,))]
    (label,) = re.findall("<b>(.*)</b>", dot(nodes, "down"))
    assert max(map(len, label.split("<br/>"))) <= 36
    assert label.replace("<br/>", " ") == nodes[0].name
