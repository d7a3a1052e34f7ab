"""Texts as characters by number: the vocabulary of a file, and blocks of characters, each with the next one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError, counted, listed, shown
from ..files import read_bytes
from .split import Split

# What is a text by its name alone; others are where a model of text is asked for.
SUFFIXES = (".txt", ".md", ".rst", ".text")
# Shares of validation and test part, the last ones of a text.
_HELD = (0.1, 0.1)


@dataclass(frozen=True)
class Text:
    """A text of known characters.

    Attributes
    ----------
    name : str
        The file's name without its ending.
    vocabulary : str
        Its different characters, sorted: a character's place is its number.
    tokens : ndarray int64 (n,)
        The text, by these numbers.
    """

    name: str
    vocabulary: str
    tokens: np.ndarray

    def blocks(self, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Characters and their next ones, ``(x, y)``, both of shape (blocks, length); a rest is left out.

        Raises
        ------
        InputError
            If there is no block for each of three parts.

        Examples
        --------
        >>> x, y = text_of("abcabcabca", "abc").blocks(3)
        >>> x.tolist(), y[0].tolist()
        ([[0, 1, 2], [0, 1, 2], [0, 1, 2]], [1, 2, 0])
        """
        count = (len(self.tokens) - 1) // length
        if count < 3:
            raise InputError(
                f"{self.name} has {counted(len(self.tokens), 'character')}: training, validation and test part need a "
                f"block of {length:,} and the next one each, {3 * length + 1:,} in all; give a longer text or a "
                "shorter --length"
            )
        x, y = (self.tokens[i : i + count * length].reshape(count, length) for i in (0, 1))
        return x, y


def read_text(path: str | os.PathLike[str]) -> Text:
    r"""Read a UTF-8 file as a text; ends of lines are ``\n``, whichever they were.

    Raises
    ------
    InputError
        If the file is missing, empty or not UTF-8, or has no two different characters.
    """
    name = os.fspath(path)
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not UTF-8 text: byte {error.start:,} is no part of it; if it is a table, --model mlp takes it"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    vocabulary = "".join(sorted(set(text)))
    if len(vocabulary) < 2:
        what = f"one character, {vocabulary!r}" if vocabulary else "no characters"
        raise InputError(f"{name} has {what}: there is nothing to learn")
    return text_of(text, vocabulary, Path(name).stem)


def text_of(text: str, vocabulary: str, name: str = "text") -> Text:
    """A text in the numbers of a vocabulary, which has all of its characters."""
    return Text(name, vocabulary, encode(text, vocabulary, name))


def encode(text: str, vocabulary: str, what: str = "the prompt") -> np.ndarray:
    """The numbers of a text's characters, int64 (n,).

    Raises
    ------
    InputError
        For characters that the vocabulary lacks.

    Examples
    --------
    >>> encode("cab", "abc")
    array([2, 0, 1])
    """
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.int64)
    known = np.frombuffer(vocabulary.encode("utf-32-le"), np.uint32).astype(np.int64)
    order = np.argsort(known)
    places = np.minimum(np.searchsorted(known, codes, sorter=order), len(known) - 1)
    tokens = order[places]
    unknown = known[tokens] != codes
    if unknown.any():
        strange = sorted({chr(code) for code in codes[unknown]})
        raise InputError(
            f"{what} has {listed(map(repr, strange), 5)}, which the model does not know: it was trained on "
            f"{counted(len(vocabulary), 'character')}, {shown(vocabulary)}"
        )
    return tokens


def decode(tokens: np.ndarray, vocabulary: str) -> str:
    """The text of numbers of characters.

    Examples
    --------
    >>> decode(np.asarray([2, 0, 1]), "abc")
    'cab'
    """
    return "".join(vocabulary[int(i)] for i in tokens)


def split_blocks(blocks: int) -> Split:
    """Training, validation and test blocks: the first ones, and the last two tenths.

    Examples
    --------
    >>> parts = split_blocks(20)
    >>> len(parts.train), parts.validation.tolist(), parts.test.tolist()
    (16, [16, 17], [18, 19])
    """
    validation, test = (max(round(share * blocks), 1) for share in _HELD)
    rows = np.arange(blocks)
    first, last = blocks - validation - test, blocks - test
    return Split(rows[:first], rows[first:last], rows[last:])


def fold_blocks(blocks: int, k: int) -> list[Split]:
    """Folds of the blocks before the test part: each is a stretch of the text.

    Raises
    ------
    InputError
        If there are fewer blocks than folds.
    """
    held = split_blocks(blocks)
    rest = np.concatenate([held.train, held.validation])
    if k < 2:
        raise InputError(f"folds: {k}; cross-validation needs at least 2")
    if len(rest) < k:
        raise InputError(
            f"the text has {counted(len(rest), 'block')} beside its test part, too few for {k} folds: "
            "give a shorter --length"
        )
    parts = np.array_split(rest, k)
    return [
        Split(np.concatenate([*parts[:i], *parts[i + 1 :]]), part, held.test)
        for i, part in enumerate(parts)
    ]
