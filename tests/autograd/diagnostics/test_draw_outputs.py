"""`pb.draw` of operations with several outputs: every arrow starts and ends at a node that is drawn."""

import re

import numpy as np
import pytest

import pullback as pb
from pullback import xp

X = np.array([[2.0, 1.0], [1.0, 3.0]])


@pb.custom_vjp
def _pair(x):
    return x * 2.0, x * 3.0


_pair.defvjp(lambda x: (_pair.f(x), None), lambda _, ct: (2.0 * ct[0] + 3.0 * ct[1],))

FUNCTIONS = {
    "the first of two": (lambda x: xp.sum(xp.linalg.qr(x)[0]), "linalg.qr", 1),
    "the last of two": (lambda x: xp.sum(xp.linalg.qr(x)[1]), "linalg.qr", 1),
    "both": (lambda x: xp.sum(xp.linalg.qr(x)[0] @ xp.linalg.qr(x)[1]), "linalg.qr", 2),
    "one as a result": (lambda x: xp.linalg.eigh(x)[0], "linalg.eigh", 1),
    "of the user's": (lambda x: xp.sum(_pair(x)[0]), "_pair", 1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrows_join_nodes(name):
    f, operation, boxes = FUNCTIONS[name]
    text = pb.draw(f, X)
    drawn = set(re.findall(r"^ +(v\d+)[\[(]", text, re.MULTILINE))
    arrows = re.findall(r"(v\d+) --> (v\d+)", text)
    assert arrows
    assert {end for arrow in arrows for end in arrow} == drawn
    assert text.count(f'["{operation}<br/>') == boxes


def test_signal_of_an_earlier_output():
    text = pb.draw(lambda x: xp.sum(_pair(x)[0]), np.array([1.0, 2.0]), signals=True)
    assert '["_pair<br/>(2,) float64<br/>signal 1.41"]' in text
    assert '(["x<br/>(2,) float64<br/>signal 2.83"])' in text
