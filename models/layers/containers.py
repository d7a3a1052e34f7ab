"""Modules made of modules."""

from __future__ import annotations

from typing import Any, ClassVar

from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from ...autograd.functions import random
from ...autograd.pytree.tree import static
from ..activations import activation
from ..module import Module, trains_differently


class Activation(Module):
    """An activation function as a layer.

    Parameters
    ----------
    name : str
        One of `ACTIVATIONS`.

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.Activation("relu")(np.asarray([-1.0, 2.0]))
    Array([0., 2.], dtype=float64, device='cpu')
    """

    name: str = static()

    def __post_init__(self) -> None:
        activation(self.name)

    def __call__(self, x: Value) -> Any:
        """The function of `x`, elementwise."""
        return activation(self.name)(x)


class Sequential(Module):
    """Modules one after the other.

    Parameters
    ----------
    *layers : Module or str
        A name stands for the `Activation` of that name.

    Attributes
    ----------
    layers : tuple of Module

    Raises
    ------
    TypeError
        For something else.

    Examples
    --------
    >>> import pullback as pb
    >>> M = pb.models
    >>> model = M.Sequential(M.Linear.init(4, 8), M.BatchNorm.init(8), "relu", M.Dropout(0.1), M.Linear.init(8, 3))
    >>> y, model = model.training(pb.xp.ones((5, 4), dtype="float32"), key=pb.random.key(0))
    >>> y.shape, model(pb.xp.ones((1, 4), dtype="float32")).shape
    ((5, 3), (1, 3))
    """

    layers: tuple[Module, ...]
    _trains_by_parts: ClassVar[bool] = True

    def __init__(self, *layers: Module | str) -> None:
        for layer in layers:
            if not isinstance(layer, Module | str):
                raise TypeError(
                    f"Sequential: {layer!r} is neither a Module nor the name of an activation; a function of one's own "
                    "becomes a layer as a class derived from pb.models.Module"
                )
        self.layers = tuple(Activation(part) if isinstance(part, str) else part for part in layers)

    def __call__(self, x: Value) -> Any:
        """The last one's outputs."""
        for layer in self.layers:
            x = layer(x)
        return x

    def training(self, x: Value, *, key: Any = None) -> tuple[Any, Sequential]:
        """The last one's outputs, and the layers with their new states; each draws from a key of its own."""
        different = [trains_differently(layer) for layer in self.layers]
        count = sum(different)
        keys = iter((key,) * count if key is None or count < 2 else random.split(key, count))
        new = []
        for layer, own in zip(self.layers, different, strict=True):
            x, layer = layer.training(x, key=next(keys)) if own else (layer(x), layer)
            new.append(layer)
        return x, Sequential(*new)

    def _chain(self) -> list[tuple[str, Module]]:
        return [(f"layers.{i}", layer) for i, layer in enumerate(self.layers)]


class Residual(Module):
    """``x + inner(x)`` (He, Zhang, Ren, Sun, 2016).

    Parameters
    ----------
    inner : Module
        Whose outputs have the shape of its inputs.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.Residual(pb.models.Activation("relu"))(np.asarray([-1.0, 2.0]))
    Array([-1.,  4.], dtype=float64, device='cpu')
    """

    inner: Module
    _trains_by_parts: ClassVar[bool] = True

    def __call__(self, x: Value) -> Any:
        """``x + inner(x)``."""
        return self._sum(x, self.inner(x))

    def training(self, x: Value, *, key: Any = None) -> tuple[Any, Residual]:
        """``x + inner(x)`` in training mode, and the block with the new state."""
        y, inner = self.inner.training(x, key=key)
        return self._sum(x, y), Residual(inner)

    def _chain(self) -> list[tuple[str, Module]]:
        return [("inner", self.inner)]

    @staticmethod
    def _sum(x: Value, y: Value) -> Any:
        # other shapes would broadcast
        if tuple(x.shape) != tuple(y.shape):
            raise ValueError(
                f"Residual: inputs of shape {tuple(x.shape)} and inner outputs of shape {tuple(y.shape)} have to agree"
            )
        return xp.add(x, y)
