"""Tests of `playground/landscape/summary.py`: who came lowest, and the table."""

from __future__ import annotations

import re

import numpy as np

from pullback.playground.landscape.methods import CHOICES, Run
from pullback.playground.landscape.summary import COLOURS, sentence_of, table_of


def _run(name, losses, evaluations=10, ending="step limit"):
    return Run(name, np.zeros((len(losses), 2)), np.asarray(losses, float), evaluations, ending)


def test_each_optimiser_has_a_colour_and_dash_of_its_own():
    assert set(COLOURS) == set(CHOICES)
    assert len(set(COLOURS.values())) == len(CHOICES)


def test_the_sentence_names_the_lowest_and_those_that_ran_away():
    runs = [
        _run("gd", [3, 2, 1]),
        _run("l-bfgs", [3, 0.25], 4),
        _run("adam", [3, 9], ending="diverged"),
    ]
    assert sentence_of(runs) == (
        "L-BFGS reached the lowest loss, 0.25, in 1 step and 4 evaluations. "
        "Diverged: Adam; try a smaller learning rate."
    )
    # of two that came as low, the one with fewer evaluations
    assert sentence_of([_run("gd", [3, 1e-29]), _run("cg", [3, 1e-16], 9)]) == (
        "nonlinear conjugate gradients needed the fewest evaluations of the 2 that reached the lowest loss: "
        "9, in 1 step."
    )
    assert sentence_of([]) == "Choose an optimiser."


def test_the_table_is_in_the_order_of_the_losses():
    html = table_of([_run("gd", [3, 2, 1]), _run("l-bfgs", [3, 0.25], 4)])
    rows = [re.sub("<[^>]*>", " ", r).split() for r in re.findall("<tr>.*?</tr>", html)]
    assert rows[1] == ["L-BFGS", "1", "4", "0.25", "step", "limit"]
    assert rows[2][:2] == ["gradient", "descent,"]
    assert COLOURS["gd"][0] in html
