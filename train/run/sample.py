"""Text drawn from a trained model of characters, which is `pullback sample`."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import backend
from ..data.text import decode, encode
from ..errors import InputError, shown
from ..networks.characters import draw
from .checkpoint import load_described
from .metadata import model_file


@dataclass(frozen=True)
class TextModel:
    """A model of characters, and what they are.

    Attributes
    ----------
    model : pytree
        A network of `networks.characters`.
    vocabulary : str
        The character of each number.
    length : int
        Characters of a block in training, and the most that a transformer sees.
    """

    model: Any
    vocabulary: str
    length: int

    def sample(self, prompt: str = "", *, temperature: float = 1.0, seed: int = 0) -> Iterator[str]:
        """Characters without end, drawn after a prompt; without one, as after the end of a line.

        Raises
        ------
        InputError
            For characters in the prompt that the model does not know; a temperature that is no number of at least 0;
            a negative seed.
        """
        real = isinstance(temperature, int | float) and not isinstance(temperature, bool)
        if not real or not 0 <= temperature < math.inf:
            raise InputError(f"temperature: {shown(temperature)} is not a number of at least 0")
        if type(seed) is not int or seed < 0:
            raise InputError(f"seed: {shown(seed)} is not a whole number of at least 0")
        first = prompt or ("\n" if "\n" in self.vocabulary else self.vocabulary[0])
        start = encode(first, self.vocabulary)
        tokens = draw(
            self.model, start, length=self.length, temperature=float(temperature), seed=seed
        )
        return (decode(np.asarray([token]), self.vocabulary) for token in tokens)


def load_text_model(run: str | Path) -> TextModel:
    """The model of a run on a text, from the run's folder or its model's file.

    Raises
    ------
    InputError
        If there is none, the file is damaged, or the model is of other data.
    """
    path = model_file(run)
    model, metadata, net = load_described(path)
    if metadata.get("kind") != "text" or net is None:
        raise InputError(
            f"{path} is no model of a text: train one by `pullback train notes.txt --model lstm`; `pullback predict` "
            "is for tables, images and graphs"
        )
    vocabulary, length = metadata.get("vocabulary"), metadata.get("length")
    fits = isinstance(vocabulary, str) and len(set(vocabulary)) == len(vocabulary)
    fits = fits and net.settings["vocabulary"] == len(vocabulary or "")
    fits = fits and type(length) is int and net.settings.get("length", length) == length
    if not fits or not isinstance(length, int) or length < 1:
        raise InputError(f"{path} holds another architecture than its metadata describe")
    return TextModel(model, str(vocabulary), length)


def sample_text(
    run: str | Path,
    *,
    length: int = 500,
    temperature: float = 1.0,
    prompt: str = "",
    seed: int = 0,
    backend_name: str = "",
) -> Iterator[str]:
    """The prompt, and as many characters as `length` drawn after it, one by one.

    Parameters
    ----------
    run : path
        The folder of a run on a text, or its model's file.
    length : int
        How many characters are drawn.
    temperature : float
        Below 1 likelier characters are preferred, at 0 the likeliest is taken, above 1 all become alike.
    prompt : str
        What the text begins with; without, it begins as after the end of a line.
    seed : int
        The same seed draws the same text.
    backend_name : {"", "auto", "numpy", "cupy"}

    Raises
    ------
    InputError
        For a run, a prompt or a setting that cannot be used.
    """
    if type(length) is not int or length < 0:
        raise InputError(f"length: {shown(length)} is not a whole number of at least 0")
    chosen: Any = backend.use(backend_name) if backend_name else contextlib.nullcontext()
    with chosen:
        characters = load_text_model(run).sample(prompt, temperature=temperature, seed=seed)
        if prompt:
            yield prompt
        yield from itertools.islice(characters, length)
