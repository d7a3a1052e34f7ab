"""A model of sequences of tokens by a stack of transformer blocks."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...autograd.core.typing import ArrayLike, DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.functions import random
from ...autograd.pytree.tree import static
from ...backend import current
from ..initialisation import check_sizes
from ..layers.dense import Linear
from ..layers.dropout import Dropout
from ..layers.embedding import Embedding
from ..layers.normalisation import LayerNorm
from ..module import Module
from .block import TransformerBlock
from .dot_product import arange
from .encodings import LearnedEncoding, SinusoidalEncoding
from .multi_head import KeyValueCache

POSITIONS = ("learned", "sinusoidal", "rotary", "none")


class TransformerLM(Module):
    """Logits of the next token after each token, by causal transformer blocks (GPT: Radford et al., 2018, 2019).

    Attributes
    ----------
    embedding : Embedding (vocabulary, features)
    positions : LearnedEncoding, SinusoidalEncoding or None
    blocks : tuple of TransformerBlock
    norm : LayerNorm or None
        After the blocks, where they have their norms first.
    head : Linear (features, vocabulary), or None
        None where the embedding's rows serve, too (Press, Wolf, 2017).
    dropout : float
        Of the embedded tokens, in training; the blocks have their own.
    length : int
        The greatest number of tokens.

    Examples
    --------
    >>> import pullback as pb
    >>> model = pb.models.TransformerLM.init(10, 8, 2, 1, length=16)
    >>> tokens = pb.asarray([[1, 2, 3]])
    >>> model(tokens).shape
    (1, 3, 10)
    >>> cache = model.cache(1)
    >>> logits, cache = model.step(tokens[:, :2], cache)
    >>> logits, cache = model.step(tokens[:, 2:], cache)
    >>> bool(pb.xp.allclose(logits[:, 0], model(tokens)[:, 2], atol=1e-5))
    True
    """

    embedding: Embedding
    positions: Any
    blocks: tuple[TransformerBlock, ...]
    norm: LayerNorm | None
    head: Linear | None
    dropout: float = static(default=0.0)
    _trains_by_parts: ClassVar[bool] = True
    length: int = static(default=0)
    _integers: ClassVar[bool] = True

    @staticmethod
    def init(
        vocabulary: int,
        features: int,
        heads: int,
        layers: int,
        *,
        length: int,
        positions: str = "learned",
        hidden: int | None = None,
        activation: str = "gelu",
        dropout: float = 0.0,
        norm_first: bool = True,
        kv_heads: int | None = None,
        tied: bool = False,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> TransformerLM:
        """A model with drawn weights, on the active backend.

        Parameters
        ----------
        vocabulary : int
            How many different tokens there are, 0 … vocabulary − 1.
        features, heads, layers : int
            Width, heads of each block, and the number of blocks.
        length : int
            The greatest number of tokens.
        positions : {"learned", "sinusoidal", "rotary", "none"}
            How the model sees the order.
        hidden, activation, norm_first, kv_heads
            As for `TransformerBlock.init`.
        dropout : float
            Of the embedded tokens and in the blocks.
        tied : bool
            Whether logits are products with the embedding's rows, instead of a layer's of its own.
        seed : int or numpy.random.Generator
            What the weights are drawn from: embeddings from a normal distribution with standard deviation 0.02, as in
            GPT-2, the rest as in torch's layers.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For settings outside their ranges.
        """
        name = "TransformerLM.init"
        check_sizes(name, vocabulary=vocabulary, features=features, layers=layers, length=length)
        if positions not in POSITIONS:
            raise ValueError(
                f"{name}: positions={positions!r}; choose one of {', '.join(POSITIONS)}"
            )
        Dropout(dropout)
        rng = np.random.default_rng(seed)
        rows = 0.02 * rng.standard_normal((vocabulary, features))
        order: Any = None
        if positions == "learned":
            order = LearnedEncoding.init(length, features, seed=rng, dtype=dtype)
        elif positions == "sinusoidal":
            order = SinusoidalEncoding.init(length, features, dtype=dtype)
        blocks = tuple(
            TransformerBlock.init(
                features, heads, hidden=hidden, activation=activation, dropout=dropout, norm_first=norm_first,
                causal=True, kv_heads=kv_heads, rotary=positions == "rotary", seed=rng, dtype=dtype,
            )
            for _ in range(layers)
        )  # fmt: skip
        head = (
            None if tied else Linear.init(features, vocabulary, bias=False, seed=rng, dtype=dtype)
        )
        return TransformerLM(
            Embedding(current().asarray(rows.astype(dtype))),
            order,
            blocks,
            LayerNorm.init(features, dtype=dtype) if norm_first else None,
            head,
            float(dropout),
            int(length),
        )

    def __call__(self, tokens: ArrayLike) -> Any:
        """Logits (…, T, vocabulary) of the token after each of the tokens (…, T).

        Raises
        ------
        ValueError
            For more tokens than the model's length.
        """
        x = self._embedded(tokens)
        for block in self.blocks:
            x = block(x)
        return self._logits(x)

    def training(self, x: ArrayLike, *, key: Any = None) -> tuple[Any, TransformerLM]:
        """Logits with dropout, and the model; each block draws from a key of its own.

        Raises
        ------
        TypeError
            Without a key, where there is dropout.
        ValueError
            For more tokens than the model's length.
        """
        if self.dropout == 0 and all(block.dropout == 0 for block in self.blocks):
            return self(x), self
        n = len(self.blocks) + 1
        keys = (None,) * n if key is None else random.split(key, n)
        y, _ = Dropout(self.dropout).training(self._embedded(x), key=keys[0])
        for block, own in zip(self.blocks, keys[1:], strict=True):
            y, _ = block.training(y, key=own)
        return self._logits(y), self

    def cache(self, *batch: int, length: int | None = None) -> tuple[KeyValueCache, ...]:
        """Empty caches of the blocks, for sequences with these leading axes.

        Parameters
        ----------
        *batch : int
            The leading axes of the tokens.
        length : int, optional
            Rows: the model's length by default.

        Raises
        ------
        ValueError
            For sizes below 1.
        """
        n = self.length if length is None else length
        return tuple(block.attention.cache(n, *batch) for block in self.blocks)

    def step(
        self, tokens: ArrayLike, cache: tuple[KeyValueCache, ...]
    ) -> tuple[Any, tuple[KeyValueCache, ...]]:
        """Logits after the next tokens of sequences whose earlier tokens are in a cache; the cache with the new ones.

        Parameters
        ----------
        tokens : integers (…, n)
            One or more.
        cache : tuple of KeyValueCache
            Of `cache`, or the last step.

        Returns
        -------
        logits : Array (…, n, vocabulary)
            As of a call with all tokens, to rounding.
        cache : tuple of KeyValueCache

        Raises
        ------
        IndexError
            If there are more tokens than the cache or the model has positions (on a CPU).
        """
        tokens = xp.asarray(tokens)
        x = self.embedding(tokens)
        if self.positions is not None:
            x = self.positions(x, xp.asarray(cache[0].used) + arange(tokens.shape[-1], tokens))
        kept = []
        for block, own in zip(self.blocks, cache, strict=True):
            x, new = block.step(x, own)
            kept.append(new)
        return self._logits(x), tuple(kept)

    def _embedded(self, tokens: ArrayLike) -> Any:
        tokens = xp.asarray(tokens)
        if tokens.ndim < 1 or tokens.shape[-1] > self.length:
            raise ValueError(
                f"TransformerLM: tokens of shape {tuple(tokens.shape)}; they have to be (…, T), T ≤ {self.length}"
            )
        x = self.embedding(tokens)
        return x if self.positions is None else self.positions(x)

    def _logits(self, x: Value) -> Any:
        x = x if self.norm is None else self.norm(x)
        if self.head is not None:
            return self.head(x)
        return xp.matmul(x, xp.matrix_transpose(xp.asarray(self.embedding.W)))
