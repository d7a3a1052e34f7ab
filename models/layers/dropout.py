"""Dropout: units left out at random in training."""

from __future__ import annotations

from typing import Any

from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from ...autograd.functions import random
from ...autograd.pytree.tree import static
from ..module import Module


class Dropout(Module):
    """A layer that in training sets each element to 0 with probability p, and to ``x / (1 − p)`` else; the mean is x.

    Inference gives x itself (inverted dropout: Srivastava et al., 2014).

    Parameters
    ----------
    p : float
        0 to 1.

    Raises
    ------
    ValueError
        For another p.

    Examples
    --------
    >>> import pullback as pb
    >>> y, _ = pb.models.Dropout(0.5).training(pb.xp.ones(1000), key=pb.random.key(0))
    >>> sorted(set(pb.to_numpy(y).tolist()))
    [0.0, 2.0]
    """

    p: float = static(default=0.5)

    def __post_init__(self) -> None:
        if isinstance(self.p, bool) or not isinstance(self.p, int | float) or not 0 <= self.p <= 1:
            raise ValueError(f"Dropout: p={self.p!r}; it is a probability, a number from 0 to 1")

    def __call__(self, x: Value) -> Any:
        """``x``."""
        return x

    def training(self, x: Value, *, key: Any = None) -> tuple[Any, Dropout]:
        """`x` with elements left out, the same ones for the same key.

        Raises
        ------
        TypeError
            Without a key (unless p is 0).
        """
        if self.p == 0:
            return x, self
        if key is None:
            raise TypeError(
                "Dropout: training draws from a key and has none; give model.training(x, key=pb.random.key(seed)), "
                "another one for each step (pb.random.split, pb.random.fold_in)"
            )
        x = xp.asarray(x)
        keep = random.bernoulli(key, 1 - self.p, tuple(x.shape))
        factor = 1 / (1 - self.p) if self.p < 1 else 0.0
        return x * (xp.astype(keep, x.dtype) * factor), self
