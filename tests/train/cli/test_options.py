"""The table of options: of settings that there are, with the defaults that they have."""

from __future__ import annotations

import dataclasses

import pytest

from pullback.train import Settings
from pullback.train.cli import train, tune
from pullback.train.cli.options import OPTIONS

FIELDS = {field.name: field for field in dataclasses.fields(Settings)}


def test_train_has_an_option_for_every_setting():
    names = {option.name for option in train.COMMAND.options}
    # what an earlier run decided comes from its run.toml alone
    assert set(FIELDS) - {"columns"} <= names
    assert set(OPTIONS) == set(FIELDS) - {"columns"}


@pytest.mark.parametrize("command", [train.COMMAND, tune.COMMAND])
def test_groups_stand_together_and_every_option_tells_its_default(command):
    groups = [option.group for option in command.options]
    assert len(set(groups)) == sum(a != b for a, b in zip(groups, [None, *groups], strict=False))
    untold = {o.name for o in command.options if not o.argument and "[default: " not in o.help}
    # what there is not where it is not given
    assert untold <= {"edges", "target_file", "config", "resume", "distributed", "dask"}


@pytest.mark.parametrize("name", ["optimizer", "batches", "dtype", "precision", "seed", "l1"])
def test_the_default_that_is_told_is_that_of_the_settings(name):
    default = FIELDS[name].default
    assert OPTIONS[name].default == (f"{default:g}" if isinstance(default, float) else str(default))


def test_what_is_completed_is_taken():
    for option in OPTIONS.values():
        for choice in option.choices:
            if option.name in ("model", "task", "data"):  # together with data that fit
                continue
            assert getattr(Settings(**{option.name: choice}), option.name) == choice
