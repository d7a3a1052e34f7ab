"""Tests of `playground/landscape/tab.py`: every control of the comparison has an effect."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("bokeh", reason="Bokeh is not installed (extra `playground`)")

from pullback.playground.landscape.functions import FUNCTIONS
from pullback.playground.landscape.tab import Comparison


@pytest.fixture(scope="module")
def comparison():
    return Comparison()


def test_what_is_chosen_runs_from_the_start(comparison):
    comparison.function.value = "quadratic"
    comparison.methods.active = [0, 6]
    assert [r.name for r in comparison.runs] == ["gd", "l-bfgs"]
    comparison.x.value, comparison.y.value = 5.0, -1.0
    np.testing.assert_array_equal(comparison.runs[0].path[0], [5.0, -1.0])
    comparison._start_at(-3.14159, 2.0)
    np.testing.assert_array_equal(comparison.runs[1].path[0], [-3.14, 2.0])
    before = comparison.runs[0].path
    comparison.gradient.value = 0.01
    assert not np.array_equal(comparison.runs[0].path, before)
    comparison.steps.value = 7
    assert len(comparison.runs[0].path) == 8
    assert comparison.shown.end == 7
    assert "Adam" not in comparison.table.text
    comparison.methods.active = [0, 12]
    assert "Adam" in comparison.table.text


def test_the_slider_walks_along_the_paths(comparison):
    comparison.function.value = "rosenbrock"
    comparison.methods.active = [0]
    comparison.steps.value = 20
    comparison.shown.value = 4
    assert len(comparison.view._paths[0][0].data["x"]) == 5
    comparison.shown.value = 20
    assert len(comparison.view._paths[0][0].data["x"]) == 21


def test_a_function_brings_its_start_its_minima_and_its_words(comparison):
    for name, chosen in FUNCTIONS.items():
        comparison.function.value = name
        assert (comparison.x.value, comparison.y.value) == chosen.start
        assert len(comparison._marks.data["x"]) == len(chosen.minima)
        assert chosen.about.split(":")[0] in comparison.formula.text
        assert comparison.view.figure.title.text == chosen.title


def test_a_network_s_paths_are_seen_on_the_plane_that_shows_most_of_them(comparison):
    comparison.steps.value = 10
    comparison.methods.active = [0, 6]
    comparison.function.value = "network"
    assert comparison.seed.visible
    assert not comparison.x.visible
    assert "33 parameters" in comparison.view.note.text
    assert comparison.runs[1].losses[-1] < comparison.runs[0].losses[0]
    before = comparison.runs[0].path
    comparison.seed.value = 5
    assert not np.array_equal(comparison.runs[0].path, before)
    comparison.function.value = "saddle"
    assert comparison.x.visible


def test_a_field_without_a_number_and_no_optimiser_are_told(comparison):
    comparison.function.value = "saddle"
    comparison.x.value = None
    assert "Start x needs a number" in comparison.note.text
    comparison.x.value = 1.0
    assert "needs a number" not in comparison.note.text
    comparison.methods.active = []
    assert "Choose an optimiser" in comparison.note.text


def test_who_ran_away_is_named(comparison):
    comparison.function.value = "rosenbrock"
    comparison.methods.active = [0, 6]
    comparison.gradient.value = 1.0
    assert "Diverged: gradient descent, constant" in comparison.note.text
    assert "diverged" in comparison.table.text


class _Clock:
    """A document as far as the comparison knows it."""

    def __init__(self):
        self.ready, self.ticking = [], []

    def on_event(self, event, f):
        self.ready.append(f)

    def add_periodic_callback(self, f, milliseconds):
        self.ticking.append(f)
        return f

    def remove_periodic_callback(self, f):
        self.ticking.remove(f)


def test_play_walks_to_the_end_and_pauses():
    clock = _Clock()
    comparison = Comparison(clock)
    assert comparison.runs == []  # the page comes first
    (ready,) = clock.ready
    ready(SimpleNamespace())
    assert len(comparison.runs) == 6
    comparison.steps.value = 3
    comparison._toggle()
    assert comparison.shown.value == 0
    for value in (1, 2, 3):
        clock.ticking[0]()
        assert comparison.shown.value == value
    clock.ticking[0]()
    assert clock.ticking == []
    comparison._toggle()
    comparison._toggle()  # pause
    assert clock.ticking == []
    assert comparison.play.label == "▶ Play"


# ── in a browser ──────────────────────────────────────────────────────────────────────────────


def test_optimisers_are_compared_and_played(page):
    page.get_by_role("tab", name="Compare optimisers").click()
    page = page.get_by_role("tabpanel")
    page.get_by_text("L-BFGS needed the fewest evaluations").wait_for()
    page.get_by_role("row").nth(6).wait_for()  # the head, and six optimisers
    page.get_by_role("checkbox", name="Adagrad").check()
    page.get_by_role("rowheader", name="Adagrad").wait_for()
    page.get_by_label("Function").select_option(label="Ill-conditioned quadratic")
    page.get_by_text("(x² + 25 y²)/2").wait_for()
    steps = page.get_by_label("Maximum steps")
    steps.fill("8")
    steps.press("Enter")
    page.get_by_text("Steps shown: 8").wait_for()
    page.get_by_role("button", name="Play").press("Enter")
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for()
    page.get_by_text("Steps shown: 8").wait_for()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("steps", 10**9, "Maximum steps is between 1 and 500"),
        ("steps", -1, "Maximum steps is between 1 and 500"),
        ("gradient", float("nan"), "Learning rate is between 1e-06 and 10"),
        ("adaptive", float("inf"), "Rate (adaptive) is between 1e-06 and 10"),
        ("seed", -1, "Seed of the weights is between 0 and"),
        ("x", float("inf"), "x0 holds NaN or infinity"),
        ("y", float("nan"), "x0 holds NaN or infinity"),
    ],
)
def test_numbers_that_the_page_does_not_send_run_nothing(comparison, field, value, said):
    comparison.function.value = "rosenbrock"
    runs, before = comparison.runs, getattr(comparison, field).value
    getattr(comparison, field).value = value
    assert said in comparison.note.text
    assert comparison.runs is runs
    getattr(comparison, field).value = before
    assert said not in comparison.note.text
