"""Records of options and commands."""

from __future__ import annotations

import pytest

from pullback.train import InputError
from pullback.train.cli.command import Command, Option
from pullback.train.settings.parsing import parse_hidden

COMMAND = Command(
    "do",
    "Do.",
    "Do.",
    (Option("hidden", "Widths.", parse=parse_hidden), Option("epochs", "Passes.", kind=int)),
    lambda **given: 0,
)


def test_settings_are_what_was_given_as_settings_have_it():
    assert COMMAND.settings({"hidden": "3,4", "epochs": None}) == {"hidden": (3, 4)}
    assert COMMAND.settings({"epochs": 0, "other": "x"}) == {"epochs": 0, "other": "x"}
    with pytest.raises(InputError, match="hidden"):
        COMMAND.settings({"hidden": "x"})


@pytest.mark.parametrize(
    ("option", "flags", "place", "told"),
    [
        (Option("l2", "A.", kind=float), "--l2", "X", "A."),
        (Option("batch_size", "A.", kind=int, value=32), "--batch-size", "N", "A.  [default: 32]"),
        (Option("output", "A.", default="none", metavar="FILE"), "--output", "FILE",
         "A.  [default: none]"),
        (Option("compile", "A.", kind=bool), "--compile/--no-compile", "", "A."),
        (Option("stream", "A.", kind=bool, value=False), "--stream", "", "A."),
        (Option("run", "A.", argument=True), "--run", "RUN", "A."),
    ],
)  # fmt: skip
def test_how_an_option_is_shown(option, flags, place, told):
    assert (option.flags, option.place, option.help) == (flags, place, told)
