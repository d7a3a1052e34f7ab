"""Tests of the part of tools/playground_soak.py that judges."""

from __future__ import annotations

import pytest

from ..repository._tools import load

START = {"frames": 100, "server": 200.0, "heap": 20.0, "models": 700, "elements": 900}


def rows(**last):
    between = [{**START, "frames": 200 + k} for k in range(8)]
    return [{**START, "server": 150.0}, *between, {**START, "frames": 1000, **last}]


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({}, []),
        ({"server": 213.0, "heap": 24.9}, []),
        ({"server": 215.0}, ["server grew from 200.0 to 215.0 MB"]),
        ({"heap": 26.0}, ["heap grew from 20.0 to 26.0 MB"]),
        ({"models": 701}, ["models changed from 700 to 701"]),
        ({"elements": 1}, ["elements changed from 900 to 1"]),
        ({"frames": 100}, ["no frame was drawn"]),
    ],
)
def test_growth_is_told(last, said):
    assert load("playground_soak").grown(rows(**last)) == said
