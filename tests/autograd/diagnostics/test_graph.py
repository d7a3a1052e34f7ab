"""The graph that `pb.draw` draws: its arrows, its error signals, and the shares that they are the sums of."""

import re

import numpy as np
import pytest

import pullback as pb
from pullback import xp
from pullback.autograd.diagnostics.graph import trace

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

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


def total(words):
    return sum(float(w) for w in words)


PATHS = {
    "fan-out": lambda v: xp.sin(v) + v * v,
    "the same twice": lambda v: v * v,
    "three times in a list": lambda v: xp.sum(xp.stack([v, 2.0 * v, v])),
    "a row of an array, twice": lambda v: (lambda m: m[0] * m[0])(xp.stack([v, v])),
    "custom_vjp": lambda v: _pair(v)[0] * _pair(v)[1],
    "checkpoint": lambda v: pb.checkpoint(xp.sin)(v) * v,
    "where": lambda v: xp.where(xp.asarray(True), v, v * v),
}


@pytest.mark.parametrize("name", PATHS)
def test_shares_add_up_to_signals(name):
    """Each number's error signal is the sum of what its uses send back, and the input's is the gradient."""
    f, x = PATHS[name], np.asarray(1.3)
    nodes = trace(f, x, signals=True)
    arrived = {node.slot: [] for node in nodes}
    for node in nodes:
        # of several outputs of one operation, the last sends
        for parent, share in zip(node.inputs, node.shares, strict=bool(node.shares)):
            arrived[parent].append(share)
    for node in nodes:
        if node.shape == () and arrived[node.slot]:
            assert float(node.signal) == pytest.approx(total(arrived[node.slot]), rel=5e-3)
    assert float(nodes[0].signal) == pytest.approx(float(pb.grad(f)(x)), rel=5e-3)


def test_without_signals_there_are_no_shares():
    nodes = trace(PATHS["fan-out"], np.asarray(1.3))
    assert [node.shares for node in nodes] == [()] * len(nodes)
    assert [node.signal for node in nodes] == [None] * len(nodes)


def test_signals_of_an_array_are_those_of_the_gradient():
    """Scattered and accumulated cotangents are laid out."""
    x = np.arange(1.0, 5.0)
    nodes = trace(lambda x: x[0] * x[1] + xp.sum(x[1:] ** 2), x, signals=True)
    g = pb.grad(lambda x: x[0] * x[1] + xp.sum(x[1:] ** 2))(x)
    assert float(nodes[0].signal) == pytest.approx(np.linalg.norm(g), rel=5e-3)
