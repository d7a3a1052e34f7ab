"""Runs on texts: the next character, by an LSTM or a transformer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import backend, models
from ...autograd.core.array import backend_array
from ...autograd.core.typing import Value
from ..data.device_data import to_device_if_it_fits
from ..data.split import Split
from ..data.text import Text, fold_blocks, read_text, split_blocks
from ..errors import InputError, counted
from ..measure import RowMean
from ..networks.architecture import Architecture
from ..networks.characters import heads
from ..settings.config import Settings
from .plots import weights_png
from .prepared import Prepared
from .tasks import Task


def next_accuracy(outputs: Value, y: Value) -> float:
    """The fraction of characters (n, length) whose largest logit (n, length, vocabulary) is theirs."""
    raw = backend.backend_of(outputs).xp
    right = raw.argmax(outputs, axis=-1) == y
    return float(raw.mean(raw.astype(right, raw.float64)))


@dataclass(frozen=True)
class TextBlocks:
    """A text in blocks of one length, each with its next characters."""

    text: Text
    x: np.ndarray
    y: np.ndarray
    score_name = "accuracy"
    labels = None

    @property
    def name(self) -> str:
        """Of the text."""
        return self.text.name

    @property
    def told(self) -> tuple[str, ...]:
        """Nothing but what every run says."""
        return ()

    def split(self, seed: int) -> Split:
        """The first blocks, and the last two tenths, whatever the seed."""
        return split_blocks(len(self.x))

    def folds(self, k: int, seed: int) -> list[Split]:
        """Stretches of the text, whatever the seed."""
        return fold_blocks(len(self.x), k)

    def prepare(self, settings: Settings, rows: Split, active: backend.Backend) -> Prepared:
        """The parts on the device, the first model."""
        vocabulary, length = len(self.text.vocabulary), self.x.shape[1]
        form: dict[str, Any] = {"vocabulary": vocabulary, "hidden": settings.hidden}
        if settings.model == "transformer":
            form["length"] = length
        form["dropout"] = settings.dropout
        built_by = Architecture(settings.model, form, settings.dtype)
        parts = {
            part: to_device_if_it_fits((self.x[index], self.y[index]), active)
            for part, index in (
                ("train", rows.train),
                ("validation", rows.validation),
                ("test", rows.test),
            )
        }
        widths = "-".join(map(str, settings.hidden))
        sizes = [f"{len(index) * length:,}" for index in (rows.train, rows.validation, rows.test)]
        return Prepared(
            settings,
            Task(vocabulary, models.cross_entropy, RowMean(next_accuracy), "accuracy"),
            parts,
            built_by.build(settings.seed),
            f"{self.name}: {counted(len(self.text.tokens), 'character')}, {vocabulary:,} different, in blocks of "
            f"{length:,}; {sizes[0]} to train on, {sizes[1]} to validate, {sizes[2]} to test",
            f"{settings.model} {widths}",
            self._picture,
            {
                "kind": "text",
                "data": self.name,
                "vocabulary": self.text.vocabulary,
                "length": length,
            },
            built_by,
            report=lambda loss: (
                f" (perplexity {_exp(loss):.3f}, {loss / math.log(2):.3f} bits per character)"
            ),
        )

    def _picture(self, model: Any, title: str) -> bytes:
        embedding = model.embedding if hasattr(model, "embedding") else model.layers[0]
        return weights_png(
            backend.to_numpy(backend_array(embedding.W)),
            title=f"Characters' embeddings of {title}",
            columns=[repr(c)[1:-1] for c in self.text.vocabulary],
            axes=("character", "component", "embedding"),
        )


def _exp(loss: float) -> float:
    return math.exp(loss) if loss < 700 else math.inf


def load_blocks(settings: Settings) -> TextBlocks:
    """The text that the settings name, in blocks.

    Raises
    ------
    InputError
        For a text that cannot be used, or is too short for the length of a block.
    """
    _check_widths(settings)
    text = read_text(settings.data)
    return TextBlocks(text, *text.blocks(int(settings.length or 1)))


def _check_widths(settings: Settings) -> None:
    hidden, name = settings.hidden, settings.model
    if not hidden or len(set(hidden)) > 1:
        widths = ",".join(map(str, hidden)) or "none"
        part = "layer" if name == "lstm" else "block"
        raise InputError(
            f"hidden: {widths}; the {part}s of {name} have one width: write 128 for one {part}, 128,128 for two"
        )
    if name == "transformer" and (hidden[0] // heads(hidden[0])) % 2:
        raise InputError(
            f"hidden: {hidden[0]}; a transformer turns pairs of features by their position: give an even width"
        )
