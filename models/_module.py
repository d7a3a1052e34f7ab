"""Models as pytrees: dataclasses that are called like functions."""

from __future__ import annotations

import dataclasses
from typing import Any, dataclass_transform

from ..autograd import tree


@dataclass_transform(field_specifiers=(dataclasses.field, tree.static))
class Module:
    """A model: a dataclass whose fields are arrays, other models, or `tree.static` settings.

    A subclass becomes a dataclass and a pytree by being written. It holds raw arrays of the backend; under
    `grad` they are traced ones, and a gradient with respect to a model is a model of gradients.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> class Scale(pb.models.Module):
    ...     factor: np.ndarray
    ...     def __call__(self, x):
    ...         return x * self.factor
    >>> pb.grad(lambda m: pb.xp.sum(m(np.ones(3))))(Scale(np.asarray(2.0)))
    Scale(factor=array(3.))
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        tree.register(dataclasses.dataclass(eq=False)(cls))

    def __call__(self, x: Any) -> Any:
        """The model's output for the inputs `x`."""
        raise NotImplementedError(
            f"{type(self).__name__} has no __call__: write what it computes from x"
        )
