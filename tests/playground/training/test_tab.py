"""Tests of `playground/training/tab.py`: the conversation with a page, whose part the tests take."""

from __future__ import annotations

import gc
import itertools
import json
import weakref

import numpy as np
import pytest

pytest.importorskip("bokeh", reason="Bokeh is not installed (extra `playground`)")

from bokeh.document import Document

from pullback.playground.training.tab import AHEAD, Tab
from pullback.train import InputError

_NUMBERS = itertools.count(1)


@pytest.fixture
def tab():
    document = Document()
    made = Tab(document)
    for name, root in made.roots.items():
        root.name = name
        document.add_root(root)
    return made


def ask(tab, name, value=None):
    """What the page's script does; returns what it is told."""
    tab.asked.tags = [next(_NUMBERS), name, value]
    return json.loads(tab.told.tags[1])


def tick(tab, times=1):
    """The server's clock, and a page that draws each frame at once."""
    for _ in range(times):
        for callback in tab.document.session_callbacks:
            callback.callback()
        tab.frame.tags = [tab._sent]


def test_the_document_has_all_that_the_script_looks_for(tab):
    names = "frame asked told network surface lines units losses gradients epochs values"
    for name in names.split():
        assert tab.document.get_model_by_name(f"training-{name}") is not None, name


def test_play_pause_step_and_reset(tab):
    assert ask(tab, "play")["playing"]
    assert len(tab.document.session_callbacks) == 1
    ask(tab, "play")  # twice is once
    assert len(tab.document.session_callbacks) == 1
    tick(tab, 5)
    assert tab._sent > 5
    for _ in range(1000):  # on a slow machine an epoch takes several ticks
        if tab.training.epoch:
            break
        tick(tab)
    epoch = tab.training.epoch
    assert epoch > 0
    told = ask(tab, "pause")
    assert (told["playing"], len(tab.document.session_callbacks)) == (False, 0)
    assert told["said"].startswith(f"paused: epoch {epoch}, loss ")
    ask(tab, "step")
    assert tab.training.epoch == epoch + 1
    ask(tab, "play")
    told = ask(tab, "reset")
    assert (told["playing"], tab.training.epoch, len(tab.document.session_callbacks)) == (False, 0, 0)  # fmt: skip


def test_the_server_waits_for_a_page_that_does_not_draw(tab):
    ask(tab, "ready")
    tab.frame.tags = [tab._sent]
    ask(tab, "play")
    (callback,) = tab.document.session_callbacks
    for _ in range(20):
        callback.callback()
    assert tab._sent - tab._drawn == AHEAD
    tab.frame.tags = [tab._sent]
    callback.callback()
    assert tab._sent - tab._drawn == 1


def test_what_cannot_be_done_is_told_and_changes_nothing(tab):
    before = tab.training.settings
    assert "noise cannot be" in ask(tab, "noise", 7)["error"]
    assert "no setting" in ask(tab, "colour", "red")["error"]
    assert "row 1" in ask(tab, "table", ["mine.csv", "1,2\n3,4\n"])["error"]
    assert "not text" in ask(tab, "table", ["mine.csv", "1,2,\ud800\n3,4,b\n"])["error"]
    assert "form" in ask(tab, "table", "mine.csv")["error"]
    assert "form" in ask(tab, "table", 7)["error"]
    assert "hidden cannot be" in ask(tab, "hidden", [float("inf")])["error"]
    for tags in ([], [1], ["one", "play", None], [float("inf"), "play", None], [[], {}, {}]):
        tab.asked.tags = tags
        assert "form" in json.loads(tab.told.tags[1])["error"]
    assert not tab.playing
    assert tab.training.settings == before
    # it is gone with the next thing that is asked
    assert ask(tab, "noise", 0.1)["error"] == ""


def test_a_table_is_used_and_named(tab):
    told = ask(tab, "table", ["mine.csv", "a,b,kind\n1,2,red\n3,4,blue\n5,1,red\n"])
    assert (told["own"], told["settings"]["dataset"]) == (True, "own")
    assert told["labels"] == ["blue", "red"]
    assert tab.figures.surface.xaxis[0].axis_label == "a, scaled"


def test_an_end_pauses_and_is_told(tab):
    for name, value in (("dataset", "plane"), ("activation", "identity"), ("rate", 10.0)):
        ask(tab, name, value)
    ask(tab, "play")
    tick(tab, 100)
    told = json.loads(tab.told.tags[1])
    assert not told["playing"]
    assert "smaller learning rate" in told["ended"]
    assert "smaller learning rate" in ask(tab, "play")["error"]
    assert ask(tab, "reset")["ended"] == ""


def test_views_change_the_figure_alone(tab):
    ask(tab, "test", True)
    assert tab.figures.shown.visible
    ask(tab, "test", False)
    assert not tab.figures.shown.visible


def test_the_landscape_is_drawn_while_nothing_plays_and_seldom_while_it_does(tab):
    path = tab.landscape.path
    ask(tab, "ready")
    assert len(path.data["x"]) == 1
    ask(tab, "step")
    assert path.data["step"].tolist() == [0, 1]
    assert path.data["loss"][1] == tab.training.measured.train
    ask(tab, "play")
    tab._map_at = float("inf")
    tick(tab, 5)
    assert len(path.data["x"]) == 2
    ask(tab, "pause")
    assert path.data["step"][-1] == tab.training.epoch
    ask(tab, "landscape", False)
    ask(tab, "step")
    assert path.data["step"][-1] == tab.training.epoch - 1
    ask(tab, "landscape", True)
    assert path.data["step"][-1] == tab.training.epoch


def test_models_and_sources_are_as_many_whatever_happens(tab):
    count = len(tab.document.models)
    for value in ([8] * 6, [], [1], [8, 8]):
        ask(tab, "hidden", value)
    ask(tab, "dataset", "spiral")
    ask(tab, "play")
    tick(tab, 20)
    assert tab._sent > 20
    assert len(tab.document.models) == count
    assert max(len(np.atleast_1d(c)) for c in tab.figures.losses.data.values()) == 0
    assert tab.frame.data["bytes"].size < 40_000


def test_a_page_that_is_closed_ends_its_network():
    document = Document()
    tab = Tab(document)
    ask(tab, "play")
    gone = weakref.ref(tab.training)
    (closed,) = document.session_destroyed_callbacks
    closed(None)
    assert not tab.playing
    assert document.session_callbacks == []
    document.clear()
    del tab, document, closed
    gc.collect()
    assert gone() is None


def test_an_action_that_there_is_not_raises():
    with pytest.raises(InputError):
        Tab(Document()).ask("dance")
