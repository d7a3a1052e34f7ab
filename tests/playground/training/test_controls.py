"""Tests of `playground/training/controls.py`: every value that a control offers is one that its setting takes."""

from __future__ import annotations

from dataclasses import fields

import pytest

from pullback.playground.training.controls import CHOICES, DATASETS, SLIDES, SYMBOLS, thumbnail
from pullback.playground.training.data import KINDS
from pullback.playground.training.features import FEATURES
from pullback.playground.training.settings import Settings

OFFERED = [
    (choice.name, value)
    for choice in CHOICES.values()
    for values in choice.groups.values()
    for value, _ in values
] + [(s.name, n * s.scale) for s in SLIDES.values() for n in (s.low, s.high)]


@pytest.mark.parametrize(("name", "value"), OFFERED)
def test_what_is_offered_can_be_chosen(name, value):
    sent = value if isinstance(value, float | int) else str(value)
    assert getattr(Settings().changed(name, sent), name) == value
    # a page sends texts
    Settings().changed(name, str(value))


def test_every_setting_has_a_control():
    elsewhere = {"dataset", "seed", "features", "hidden"}
    assert set(CHOICES) | set(SLIDES) | elsewhere == {field.name for field in fields(Settings)}
    assert set(DATASETS) == set(KINDS)
    assert set(SYMBOLS) == set(FEATURES)


def test_what_is_chosen_at_first_is_offered():
    offered = set(OFFERED)
    for name in CHOICES:
        assert (name, getattr(Settings(), name)) in offered


def test_a_thumbnail_shows_both_colours():
    for name in KINDS:
        picture = thumbnail(name, points=30)
        assert picture.count("<circle") == 30
        assert "#d8700a" in picture
        assert "#0072b2" in picture
