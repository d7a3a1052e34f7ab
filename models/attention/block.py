"""The block of a transformer: attention, then a network for each row, each with a way past it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...autograd.core.typing import ArrayLike, DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.functions import random
from ...autograd.pytree.tree import static
from ..activations import activation as activation_called
from ..initialisation import check_sizes
from ..layers.dense import Linear
from ..layers.dropout import Dropout
from ..layers.normalisation import LayerNorm
from ..module import Module
from . import initial
from .multi_head import KeyValueCache, MultiHeadAttention


class TransformerBlock(Module):
    """Attention and a network of two layers, with layer norms and residual connections (Vaswani et al., 2017).

    With the norm first (Xiong et al., On layer normalization in the transformer architecture, 2020)::

        x = x + attention(norm1(x))
        x = x + linear2(activation(linear1(norm2(x))))

    and else ``x = norm1(x + attention(x))``, ``x = norm2(x + linear2(…))``. With cross attention, a part of the same
    form, with `cross` and its norm `norm2`, stands between the two, and the last norm is `norm3`.

    Attributes
    ----------
    attention : MultiHeadAttention
    cross : MultiHeadAttention or None
        To what a call gives as context.
    linear1, linear2 : Linear
    norm1, norm2, norm3 : LayerNorm
        `norm3` is None without `cross`.
    activation : str
    dropout : float
        In training: of the attention's weights, of each part's outputs, and of the activations.
    norm_first : bool

    Notes
    -----
    torch's ``TransformerEncoderLayer`` (without `cross`) and ``TransformerDecoderLayer`` (with it, causal): their
    ``self_attn`` is `attention`, ``multihead_attn`` is `cross`; the other names are the same.

    Examples
    --------
    >>> import pullback as pb
    >>> block = pb.models.TransformerBlock.init(8, 2, causal=True)
    >>> block(pb.xp.ones((5, 3, 8), dtype="float32")).shape
    (5, 3, 8)
    """

    attention: MultiHeadAttention
    cross: MultiHeadAttention | None
    linear1: Linear
    linear2: Linear
    norm1: LayerNorm
    norm2: LayerNorm
    norm3: LayerNorm | None
    activation: str = static(default="gelu")
    dropout: float = static(default=0.0)
    norm_first: bool = static(default=True)
    _trains_by_parts: ClassVar[bool] = True

    @staticmethod
    def init(
        features: int,
        heads: int,
        *,
        hidden: int | None = None,
        activation: str = "gelu",
        dropout: float = 0.0,
        norm_first: bool = True,
        causal: bool = False,
        cross: bool = False,
        kv_heads: int | None = None,
        rotary: bool | float = False,
        eps: float = 1e-5,
        bias: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> TransformerBlock:
        """A block drawn as torch draws it, on the active backend.

        Parameters
        ----------
        features, heads : int
            Width of inputs and outputs, and the number of heads, which divides it.
        hidden : int, optional
            Width between the two linear layers: 4 · features by default.
        activation : str
            Between them: one of `ACTIVATIONS`.
        dropout : float
            A probability.
        norm_first : bool
            Whether norms come before the parts that they belong to, or after the sums.
        causal : bool
            Whether each row attends only to itself and to those before it.
        cross : bool
            Whether there is cross attention.
        kv_heads, rotary
            As for `MultiHeadAttention.init`, of the self-attention.
        eps : float
            Of the norms.
        bias : bool
            Whether linear layers and norms have biases.
        seed : int or numpy.random.Generator
            What the weights are drawn from.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For settings outside their ranges, or an unknown activation.
        """
        hidden = 4 * features if hidden is None else hidden
        check_sizes("TransformerBlock.init", features=features, heads=heads, hidden=hidden)
        activation_called(activation)
        rng = np.random.default_rng(seed)

        def attend(**settings: Any) -> MultiHeadAttention:
            return MultiHeadAttention.init(
                features, heads, dropout=dropout, bias=bias, seed=rng, dtype=dtype, **settings
            )

        def norm() -> LayerNorm:
            return LayerNorm.init(features, eps=eps, bias=bias, dtype=dtype)

        return TransformerBlock(
            attend(causal=causal, kv_heads=kv_heads, rotary=rotary),
            attend() if cross else None,
            initial.linear(rng, features, hidden, bias=bias, dtype=dtype),
            initial.linear(rng, hidden, features, bias=bias, dtype=dtype),
            norm(),
            norm(),
            norm() if cross else None,
            activation,
            float(dropout),
            norm_first,
        )

    def __call__(
        self,
        x: Value,
        context: Value | None = None,
        *,
        mask: ArrayLike | None = None,
        key_mask: ArrayLike | None = None,
        context_mask: ArrayLike | None = None,
    ) -> Any:
        """Outputs (…, T, features).

        Parameters
        ----------
        x : array (…, T, features)
        context : array (…, S, features)
            What `cross` attends to; given if, and only if, there is a `cross`.
        mask, key_mask
            As of `MultiHeadAttention`, of the self-attention.
        context_mask : bool array (…, S)
            The `key_mask` of `cross`.

        Raises
        ------
        TypeError
            For a context without `cross`, or `cross` without a context.
        ValueError
            For shapes that do not fit.
        """
        self._check(context)
        x = self._added(x, self.norm1, lambda y: self.attention(y, mask=mask, key_mask=key_mask))
        cross = self.cross
        if cross is not None:
            x = self._added(x, self.norm2, lambda y: cross(y, context, key_mask=context_mask))
        return self._added(x, self._last_norm(), self._network)

    def training(
        self,
        x: Value,
        context: Value | None = None,
        *,
        mask: ArrayLike | None = None,
        key_mask: ArrayLike | None = None,
        context_mask: ArrayLike | None = None,
        key: Any = None,
    ) -> tuple[Any, TransformerBlock]:
        """Outputs with dropout, and the block.

        Raises
        ------
        TypeError
            Without a key (unless `dropout` is 0).
        """
        if self.dropout == 0:
            y = self(x, context, mask=mask, key_mask=key_mask, context_mask=context_mask)
            return y, self
        self._check(context)
        keys = (None,) * 6 if key is None else random.split(key, 6)
        drop = Dropout(self.dropout)

        def self_attention(y: Any) -> Any:
            y, _ = self.attention.training(y, mask=mask, key_mask=key_mask, key=keys[0])
            return drop.training(y, key=keys[1])[0]

        def cross_attention(y: Any) -> Any:
            assert self.cross is not None
            y, _ = self.cross.training(y, context, key_mask=context_mask, key=keys[2])
            return drop.training(y, key=keys[3])[0]

        def network(y: Any) -> Any:
            h = activation_called(self.activation)(self.linear1(y))
            y = self.linear2(drop.training(h, key=keys[4])[0])
            return drop.training(y, key=keys[5])[0]

        x = self._added(x, self.norm1, self_attention)
        if self.cross is not None:
            x = self._added(x, self.norm2, cross_attention)
        return self._added(x, self._last_norm(), network), self

    def step(
        self, x: Value, cache: KeyValueCache, context: Value | None = None
    ) -> tuple[Any, KeyValueCache]:
        """Outputs of the next rows of a sequence, and the cache with them: as `MultiHeadAttention.step`."""
        self._check(context)
        kept = []

        def attend(y: Any) -> Any:
            y, new = self.attention.step(y, cache)
            kept.append(new)
            return y

        x = self._added(x, self.norm1, attend)
        cross = self.cross
        if cross is not None:
            x = self._added(x, self.norm2, lambda y: cross(y, context))
        return self._added(x, self._last_norm(), self._network), kept[0]

    def _check(self, context: Any) -> None:
        if (context is None) is not (self.cross is None):
            raise TypeError(
                "TransformerBlock: cross attention attends to a context, and none is given: block(x, context)"
                if context is None
                else "TransformerBlock: a block without cross attention has no use for a context: init(…, cross=True)"
            )

    def _last_norm(self) -> LayerNorm:
        return self.norm2 if self.norm3 is None else self.norm3

    def _added(self, x: Value, norm: LayerNorm, part: Any) -> Any:
        """`x` and a part's outputs, with the norm where it belongs."""
        if self.norm_first:
            return xp.add(x, part(norm(x)))
        return norm(xp.add(x, part(x)))

    def _network(self, x: Value) -> Any:
        return self.linear2(activation_called(self.activation)(self.linear1(x)))
