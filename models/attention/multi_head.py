"""Attention by several heads, each with projections of its own."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.typing import ArrayLike, DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ...backend import backend_of
from ..initialisation import check_sizes
from ..layers.dense import Linear
from ..layers.dropout import Dropout
from ..module import Module
from . import initial
from .dot_product import arange, attention, attention_weights, joined_masks, self_attention
from .encodings import check_positions, rotary


class KeyValueCache(NamedTuple):
    """Keys and values of the tokens so far, for `MultiHeadAttention.step`.

    Attributes
    ----------
    keys, values : array (…, heads, length, features)
        Rows from `used` on are not looked at.
    used : integer array ()
        How many tokens there are.

    Examples
    --------
    >>> import pullback as pb
    >>> layer = pb.models.MultiHeadAttention.init(8, 2, causal=True)
    >>> cache = layer.cache(10, 4)
    >>> y, cache = layer.step(pb.xp.ones((4, 3, 8), dtype="float32"), cache)
    >>> cache.keys.shape, int(cache.used)
    ((4, 2, 10, 4), 3)
    """

    keys: Any
    values: Any
    used: Any


class MultiHeadAttention(Module):
    """``concat(head_1 … head_h) W_o + b_o`` with ``head_i = attention(x W_q,i, y W_k,i, y W_v,i)``.

    ``layer(x)`` is self-attention, y = x, with one product for queries, keys and values; ``layer(x, y)`` cross
    attention. The weights (T, S) of the heads are not kept in memory, unless they are dropped out. Source: Vaswani et
    al., Attention is all you need, 2017.

    Attributes
    ----------
    W : array (features, features + 2 · kv_features), or None
        Columns of queries, keys and values, in this order, where their inputs have one width.
    W_q, W_k, W_v : array, or None
        The three for themselves, where inputs have other widths (`keys`, `values` of `init`).
    b : array (features + 2 · kv_features,), or None
    output : Linear (features, features)
    heads, kv_heads : int
        Of queries, and of keys and values; where these are fewer, several heads of queries share one (grouped queries).
    causal : bool
    dropout : float
        Of the weights, in training.
    rotary : float or None
        The base of `pullback.models.rotary`, by which queries and keys are rotated; None for no rotation.

    Notes
    -----
    torch's ``MultiheadAttention``: ``in_proj_weight`` is Wᵀ, ``in_proj_bias`` b, ``out_proj`` `output`, and
    ``q_proj_weight`` … the transposes of `W_q` …. Its bool masks say True where a query may *not* attend, ours where it
    may.

    Examples
    --------
    >>> import pullback as pb
    >>> layer = pb.models.MultiHeadAttention.init(8, 2, causal=True)
    >>> layer(pb.xp.ones((5, 3, 8), dtype="float32")).shape
    (5, 3, 8)
    """

    W: Any
    W_q: Any
    W_k: Any
    W_v: Any
    b: Any
    output: Linear
    heads: int = static()
    kv_heads: int = static()
    causal: bool = static(default=False)
    dropout: float = static(default=0.0)
    rotary: float | None = static(default=None)
    _trains_by_parts: ClassVar[bool] = True

    @staticmethod
    def init(
        features: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        keys: int | None = None,
        values: int | None = None,
        causal: bool = False,
        dropout: float = 0.0,
        rotary: bool | float = False,
        bias: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> MultiHeadAttention:
        """A layer with weights drawn as torch draws them, and zero biases, on the active backend.

        Parameters
        ----------
        features, heads : int
            Width of inputs and outputs, and the number of heads, which divides it.
        kv_heads : int, optional
            Heads of keys and values, a divisor of `heads`, which is the default.
        keys, values : int, optional
            Width of the inputs that keys and values are made of (torch's ``kdim``, ``vdim``).
        causal : bool
            Whether each row attends only to itself and to those before it.
        dropout : float
            The probability with which a weight is left out in training. The weights are then in memory.
        rotary : bool or float
            Whether queries and keys are rotated by their positions (`pullback.models.rotary`), or the base, if not 10⁴.
        bias : bool
            Whether there are biases.
        seed : int or numpy.random.Generator
            What the weights are drawn from.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For sizes below 1, or heads that do not divide.
        """
        name = "MultiHeadAttention.init"
        kv_heads = heads if kv_heads is None else kv_heads
        check_sizes(name, features=features, heads=heads, kv_heads=kv_heads)
        if features % heads or heads % kv_heads:
            raise ValueError(
                f"{name}: features={features}, heads={heads}, kv_heads={kv_heads}; each has to be a multiple "
                "of the next"
            )
        if rotary and features // heads % 2:
            raise ValueError(
                f"{name}: heads of {features // heads} features cannot be rotated in pairs; rotary takes an even number"
            )
        Dropout(dropout)
        rng = np.random.default_rng(seed)
        of_keys = features // heads * kv_heads
        W = W_q = W_k = W_v = None
        if keys is None and values is None:
            W = initial.xavier(rng, features, features + 2 * of_keys, dtype)
        else:
            keys, values = keys or features, values or features
            check_sizes(name, keys=keys, values=values)
            W_q = initial.xavier(rng, features, features, dtype)
            W_k = initial.xavier(rng, keys, of_keys, dtype)
            W_v = initial.xavier(rng, values, of_keys, dtype)
        b = initial.zeros(features + 2 * of_keys, dtype) if bias else None
        last = initial.linear(rng, features, features, bias=False, dtype=dtype)
        output = Linear(last.W, initial.zeros(features, dtype) if bias else None)
        base = 10000.0 if rotary is True else float(rotary) or None
        return MultiHeadAttention(
            W, W_q, W_k, W_v, b, output, heads, kv_heads, causal, float(dropout), base
        )

    def __call__(
        self,
        x: Value,
        context: Value | None = None,
        values: Value | None = None,
        *,
        mask: ArrayLike | None = None,
        key_mask: ArrayLike | None = None,
    ) -> Any:
        """Outputs (…, T, features).

        Parameters
        ----------
        x : array (…, T, features)
            What queries are made of.
        context : array (…, S, keys), optional
            What keys are made of: `x` by default.
        values : array (…, S, values), optional
            What values are made of: `context` by default.
        mask : array that broadcasts to (…, heads, T, S), optional
            As of `pullback.models.attention`: True where a query may attend to a key, or what is added to its score.
        key_mask : bool array (…, S), optional
            True for keys that may be attended to, False for padding: the negation of torch's ``key_padding_mask``.

        Returns
        -------
        Array (…, T, features)
            The bias of `output` where a query may attend to no key.

        Raises
        ------
        ValueError
            For shapes that do not fit.
        TypeError
            For a `key_mask` that is not of bools, or a mask of integers.
        """
        mask = joined_masks(mask, key_mask)
        plain = context is None and values is None and self.rotary is None
        if self.W is not None and plain and self.kv_heads == self.heads:
            x = _affine(_rows(x, "x", self.W.shape[0]), self.W, self.b)
            return self.output(self_attention(x, self.heads, mask=mask, causal=self.causal))
        q, k, v = self._heads(x, context, values)
        return self._merged(attention(q, k, v, mask=mask, causal=self.causal))

    def training(
        self,
        x: Value,
        context: Value | None = None,
        values: Value | None = None,
        *,
        mask: ArrayLike | None = None,
        key_mask: ArrayLike | None = None,
        key: Any = None,
    ) -> tuple[Any, MultiHeadAttention]:
        """Outputs with weights left out (and the rest divided by 1 − dropout), and the layer.

        Raises
        ------
        TypeError
            Without a key (unless `dropout` is 0).
        """
        if self.dropout == 0:
            return self(x, context, values, mask=mask, key_mask=key_mask), self
        weights, v = self._weights(x, context, values, mask, key_mask)
        weights, _ = Dropout(self.dropout).training(weights, key=key)
        return self._merged(xp.matmul(weights, v)), self

    def weights(
        self,
        x: Value,
        context: Value | None = None,
        *,
        mask: ArrayLike | None = None,
        key_mask: ArrayLike | None = None,
    ) -> Any:
        """The weights (…, heads, T, S) of the keys, for each head and query; 0 in rows without a key."""
        return self._weights(x, context, None, mask, key_mask)[0]

    def _weights(
        self, x: Value, context: Any, values: Any, mask: Any, key_mask: Any
    ) -> tuple[Any, Any]:
        """The weights, and the values of as many heads."""
        q, k, v = self._heads(x, context, values)
        shared = self.heads // self.kv_heads
        if shared > 1:
            k, v = xp.repeat(k, shared, axis=-3), xp.repeat(v, shared, axis=-3)
        return attention_weights(q, k, mask=joined_masks(mask, key_mask), causal=self.causal), v

    def step(
        self, x: Value, cache: KeyValueCache, *, mask: ArrayLike | None = None
    ) -> tuple[Any, KeyValueCache]:
        """Outputs of the next rows of a sequence whose earlier rows are in a cache, and the cache with the new rows.

        Parameters
        ----------
        x : array (…, n, features)
            The next n rows. Each attends to itself and to all rows before it, those of the cache included.
        cache : KeyValueCache
            Of `cache`, or the last step.
        mask : array that broadcasts to (…, heads, n, length), optional
            As in a call, of all rows of the cache.

        Returns
        -------
        y : Array (…, n, features)
        cache : KeyValueCache

        Raises
        ------
        IndexError
            If the cache has too few rows left (on a CPU).
        """
        x = xp.asarray(x)
        n, length = x.shape[-2], cache.keys.shape[-2]
        positions = xp.asarray(cache.used) + arange(n, x)
        check_positions(positions, length, "MultiHeadAttention.step")
        q, k, v = self._heads(x, None, None, positions)
        slots = arange(length, x)
        # the row that a slot gets, where it gets one
        source = slots - cache.used
        new = xp.expand_dims((source >= 0) & (source < n), axis=-1)
        source = xp.clip(source, 0, n - 1)
        keys, values = (
            xp.where(new, xp.take(rows, source, axis=-2), old)
            for rows, old in ((k, cache.keys), (v, cache.values))
        )
        seen = xp.expand_dims(slots, axis=0) <= xp.expand_dims(positions, axis=1)
        out = attention(q, keys, values, mask=joined_masks(mask, None, seen))
        return self._merged(out), KeyValueCache(keys, values, cache.used + n)

    def cache(self, length: int, *batch: int) -> KeyValueCache:
        """An empty cache for `length` rows of sequences, with these leading axes.

        Raises
        ------
        ValueError
            For a layer of cross attention, whose keys do not grow, or sizes below 1.
        """
        if self.W is None:
            raise ValueError(
                "MultiHeadAttention.cache: the keys of cross attention do not grow by steps; call layer(x, context) in "
                "each step"
            )
        check_sizes("MultiHeadAttention.cache", length=length)
        W = xp.asarray(self.W)
        below = backend_array(W)
        library = backend_of(below).xp
        shape = (*batch, self.kv_heads, length, W.shape[0] // self.heads)
        keys, values = (library.zeros_on_device_of(shape, below) for _ in range(2))
        return KeyValueCache(keys, values, library.sum(library.arange_like(1, below)))

    # ── projections ───────────────────────────────────────────────────────────────────────────

    def _heads(
        self, x: Value, context: Any, values: Any, positions: Any = None
    ) -> tuple[Any, Any, Any]:
        """Queries, keys and values (…, heads, length, width)."""
        x = _rows(x, "x", (self.W if self.W_q is None else self.W_q).shape[0])
        features = self.output.W.shape[0]
        of_keys = features // self.heads * self.kv_heads
        cuts = (0, features, features + of_keys, features + 2 * of_keys)
        if self.W is not None and context is None and values is None:
            parts = _columns(_affine(x, self.W, self.b), cuts)
        else:
            context = x if context is None else context
            values = context if values is None else values
            if self.W is None:
                W = [self.W_q, self.W_k, self.W_v]
            else:
                W = _columns(self.W, cuts)
            b = [None, None, None] if self.b is None else _columns(self.b, cuts)
            inputs = (
                x,
                _rows(context, "context", W[1].shape[0]),
                _rows(values, "values", W[2].shape[0]),
            )
            if self.W is not None and values is context:
                # one product for keys and values
                both = slice(features, None)
                bias = None if self.b is None else xp.asarray(self.b)[both]
                pair = _affine(inputs[1], xp.asarray(self.W)[:, both], bias)
                parts = [_affine(x, W[0], b[0]), pair[..., :of_keys], pair[..., of_keys:]]
            else:
                parts = [_affine(*each) for each in zip(inputs, W, b, strict=True)]
        counts = (self.heads, self.kv_heads, self.kv_heads)
        q, k, v = (_split(part, n) for part, n in zip(parts, counts, strict=True))
        if self.rotary is not None:
            q, k = (rotary(x, positions, base=self.rotary) for x in (q, k))
        return q, k, v

    def _merged(self, out: Any) -> Any:
        """Heads (…, heads, T, width) side by side, and the last projection."""
        out = xp.moveaxis(out, -3, -2)
        return self.output(xp.reshape(out, (*out.shape[:-2], out.shape[-2] * out.shape[-1])))


def _rows(x: Value, name: str, features: int) -> Any:
    x = xp.asarray(x)
    if x.ndim < 2 or x.shape[-1] != features:
        raise ValueError(
            f"MultiHeadAttention: {name} of shape {tuple(x.shape)}; it has to be (…, length, {features})"
        )
    return x


def _affine(x: Any, W: Any, b: Any) -> Any:
    return xp.matmul(x, W) if b is None else xp.linear(x, W, b)


def _columns(x: Any, cuts: tuple[int, ...]) -> list[Any]:
    x = xp.asarray(x)
    return [x[..., a:b] for a, b in itertools.pairwise(cuts)]


def _split(x: Any, heads: int) -> Any:
    """(…, length, heads · width) as (…, heads, length, width)."""
    split = xp.reshape(x, (*x.shape[:-1], heads, x.shape[-1] // heads))
    return xp.moveaxis(split, -2, -3)
