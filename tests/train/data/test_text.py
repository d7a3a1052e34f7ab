"""Texts: characters by number, blocks of them, parts in their order."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.train import InputError
from pullback.train.data import text as texts
from pullback.train.data.text import decode, encode, fold_blocks, read_text, split_blocks, text_of


def test_a_text_comes_back_from_its_numbers(tmp_path):
    path = tmp_path / "notes.txt"
    said = "Ä ß\nπ😀\tend\n"
    path.write_bytes(("\ufeff" + said.replace("\n", "\r\n")).encode())
    text = read_text(path)
    assert text.name == "notes"
    assert text.vocabulary == "".join(sorted(set(said)))
    assert decode(text.tokens, text.vocabulary) == said


def test_blocks_are_followed_by_their_next_characters():
    text = text_of("abcdefghijk" * 3, "abcdefghijk")
    x, y = text.blocks(4)
    assert x.shape == y.shape == (8, 4)
    np.testing.assert_array_equal(x.ravel()[1:], y.ravel()[:-1])
    assert y[-1, -1] == text.tokens[32]
    with pytest.raises(InputError, match=r"33 characters: .* a block of 11 .*, 34 in all"):
        text.blocks(11)


def test_parts_and_folds_are_stretches_of_the_text():
    parts = split_blocks(30)
    assert (parts.train[-1], parts.validation.tolist(), parts.test.tolist()) == (
        23,
        [24, 25, 26],
        [27, 28, 29],
    )
    least = split_blocks(3)
    assert [len(p) for p in (least.train, least.validation, least.test)] == [1, 1, 1]
    folds = fold_blocks(30, 3)
    np.testing.assert_array_equal([f.validation for f in folds], np.arange(27).reshape(3, 9))
    for fold in folds:
        assert sorted([*fold.train, *fold.validation]) == list(range(27))
    for k, blocks, said in [(1, 30, "at least 2"), (10, 10, "9 blocks .* too few for 10 folds")]:
        with pytest.raises(InputError, match=said):
            fold_blocks(blocks, k)


def test_characters_that_nobody_taught_are_named():
    with pytest.raises(InputError, match=r"the prompt has 'x', 'z', which .* 3 characters, 'abc'"):
        encode("axzb", "abc")
    assert len(encode("", "abc")) == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no characters: there is nothing to learn"),
        (b"aaaa", "has one character, 'a'"),
        (b"ab\xff", "is not UTF-8 text: byte 2 "),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, said):
    path = tmp_path / "t.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_text(path)
    with pytest.raises(InputError, match="no such file"):
        read_text(tmp_path / "none.txt")
    assert ".txt" in texts.SUFFIXES
