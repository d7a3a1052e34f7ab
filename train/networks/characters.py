"""Networks that predict a text's next character, and characters drawn from them one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ... import backend, models
from ...autograd.core.array import backend_array
from ...autograd.core.typing import DType

_HEADS = (8, 4, 2, 1)
# A head has so many features or more.
_HEAD_WIDTH = 16


def heads(width: int) -> int:
    """The number of heads of an attention of this width: at most 8, of at least 16 features each.

    Examples
    --------
    >>> heads(128), heads(64), heads(30)
    (8, 4, 1)
    """
    return next(n for n in _HEADS if width % n == 0 and (n == 1 or width // n >= _HEAD_WIDTH))


def build_lstm(
    vocabulary: int,
    hidden: tuple[int, ...],
    *,
    dropout: float = 0.0,
    seed: int = 0,
    dtype: DType = "float32",
) -> models.Sequential:
    """Embedded characters, LSTM layers, logits of the next character.

    Parameters
    ----------
    vocabulary : int
        How many characters there are.
    hidden : tuple of int
        A width for each layer, all the same; the embedding has it, too.
    dropout : float
        Between the layers, and before the last one.
    seed, dtype
        As in the layers' `init`.

    Examples
    --------
    >>> import pullback as pb
    >>> build_lstm(10, (8, 8))(pb.xp.zeros((2, 5), dtype="int64")).shape
    (2, 5, 10)
    """
    random, width = np.random.default_rng(seed), hidden[0]
    layers: list[Any] = [
        models.Embedding.init(vocabulary, width, seed=random, dtype=dtype),
        models.LSTM.init(
            width, width, layers=len(hidden), dropout=dropout, seed=random, dtype=dtype
        ),
    ]
    if dropout:
        layers.append(models.Dropout(dropout))
    layers.append(models.Linear.init(width, vocabulary, seed=random, dtype=dtype))
    return models.Sequential(*layers)


def count_lstm(vocabulary: int, hidden: tuple[int, ...], **_: Any) -> int:
    """How many numbers the network has."""
    width = hidden[0]
    return vocabulary * width + len(hidden) * 8 * width * (width + 1) + (width + 1) * vocabulary


def build_transformer(
    vocabulary: int,
    hidden: tuple[int, ...],
    length: int,
    *,
    dropout: float = 0.0,
    seed: int = 0,
    dtype: DType = "float32",
) -> models.TransformerLM:
    """Causal transformer blocks, norms first, with rotary positions.

    Parameters
    ----------
    vocabulary : int
    hidden : tuple of int
        A width for each block, all the same, of an even number of features a head.
    length : int
        Characters that the model sees at most.
    dropout, seed, dtype
        As in `models.TransformerLM.init`.

    Examples
    --------
    >>> import pullback as pb
    >>> build_transformer(10, (16, 16), 5)(pb.xp.zeros((2, 5), dtype="int64")).shape
    (2, 5, 10)
    """
    width = hidden[0]
    return models.TransformerLM.init(
        vocabulary, width, heads(width), len(hidden), length=length, positions="rotary", dropout=dropout, seed=seed,
        dtype=dtype,
    )  # fmt: skip


def count_transformer(vocabulary: int, hidden: tuple[int, ...], length: int, **_: Any) -> int:
    """How many numbers the network has."""
    width = hidden[0]
    attention = 4 * width * (width + 1)
    perceptron = 4 * width * (width + 1) + width * (4 * width + 1)
    block = attention + perceptron + 4 * width
    return 2 * vocabulary * width + len(hidden) * block + 2 * width


# ── drawing ───────────────────────────────────────────────────────────────────────────────────


def next_logits(model: Any, length: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function that takes the next tokens of one sequence and gives the logits (vocabulary,) after the last of them.

    An LSTM carries its state from call to call; a transformer keeps keys and values of `length` tokens, and when they
    are full begins again with the last half of them.
    """
    if isinstance(model, models.TransformerLM):
        return _with_cache(model, length)
    return _with_state(model)


def _with_state(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    embedding, lstm, *_, head = model.layers
    state: Any = None

    def step(tokens: np.ndarray) -> np.ndarray:
        nonlocal state
        x = embedding(backend.current().asarray(tokens[None, :]))
        y, state = lstm.sequence(x, state)
        return backend.to_numpy(backend_array(head(y[0, -1, :])))

    return step


def _with_cache(model: Any, length: int) -> Callable[[np.ndarray], np.ndarray]:
    seen = np.zeros(0, np.int64)
    cache = model.cache(1)
    used = 0

    def step(tokens: np.ndarray) -> np.ndarray:
        nonlocal seen, cache, used
        seen = np.concatenate([seen, tokens])[-length:]
        if used + len(tokens) > length:
            # keys of earlier positions are of no use at later ones
            cache, used = model.cache(1), 0
            tokens = seen[-max(length // 2, 1) :]
        logits, cache = model.step(backend.current().asarray(tokens[None, :]), cache)
        used += len(tokens)
        return backend.to_numpy(backend_array(logits[0, -1, :]))

    return step


def draw(
    model: Any, start: np.ndarray, *, length: int, temperature: float, seed: int
) -> Iterator[int]:
    """Tokens without end, each drawn from the model's probabilities after all before it.

    Parameters
    ----------
    model : Sequential or TransformerLM
        Of `build_lstm` or `build_transformer`.
    start : ndarray int64 (n,)
        One token or more, after which the first one is drawn.
    length : int
        Tokens that a transformer sees at most.
    temperature : float
        By which logits are divided: below 1 likely tokens are preferred, at 0 the likeliest one is taken.
    seed : int
    """
    random = np.random.default_rng([seed, 3])
    step = next_logits(model, length)
    tokens = start
    while True:
        logits = step(tokens).astype(np.float64)
        if temperature == 0:
            token = int(np.argmax(logits))
        else:
            # the largest of logits with Gumbel noise is a draw from their softmax, at any scale
            token = int(np.argmax(logits / temperature + random.gumbel(size=logits.shape)))
        yield token
        tokens = np.asarray([token], np.int64)
