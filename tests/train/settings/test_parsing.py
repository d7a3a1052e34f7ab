"""Tests of `train/settings/parsing.py`."""

import pytest

from pullback.train import InputError
from pullback.train.settings.parsing import parse_hidden, parse_names, parse_warmup


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (parse_hidden, "128", (128,)),
        (parse_hidden, " None ", ()),
        (parse_warmup, "7", 7),
        (parse_warmup, "1e-2", 0.01),
        (parse_names, 'a b, "c, d"', ("a b", "c, d")),
    ],
)
def test_a_text_becomes_a_setting(parse, text, expected):
    found = parse(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("parse", "text"),
    [(parse_hidden, "1;2"), (parse_warmup, "soon"), (parse_names, "a,,b"), (parse_names, '"a')],
)
def test_a_text_that_is_no_setting_is_refused(parse, text):
    with pytest.raises(InputError):
        parse(text)
