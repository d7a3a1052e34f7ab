"""Vectors for integers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import is_integer
from ...autograd.core.typing import ArrayLike, DType
from ...autograd.functions import namespace as xp
from ...backend import current
from ..initialisation import check_sizes
from ..module import Module


class Embedding(Module):
    """Rows of a matrix by their numbers: ``W[indices]``; the gradient adds up where a number repeats.

    Attributes
    ----------
    W : array (num, dim)

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> table = pb.models.Embedding(np.asarray([[1.0, 2.0], [3.0, 4.0]]))
    >>> table(np.asarray([1, 1, 0]))
    Array([[3., 4.],
           [3., 4.],
           [1., 2.]], dtype=float64, device='cpu')
    """

    W: Any
    _integers: ClassVar[bool] = True

    @staticmethod
    def init(num: int, dim: int, *, seed: Any = 0, dtype: DType = "float32") -> Embedding:
        """Rows drawn from the standard normal distribution, on the active backend.

        Parameters
        ----------
        num, dim : int
            How many rows, and their length.
        seed : int or numpy.random.Generator
            What they are drawn from.
        dtype : dtype
            Of the rows.

        Raises
        ------
        ValueError
            For sizes below 1.
        """
        check_sizes("Embedding.init", num=num, dim=dim)
        rows = np.random.default_rng(seed).standard_normal((num, dim))
        return Embedding(current().asarray(rows.astype(dtype)))

    def __call__(self, indices: ArrayLike) -> Any:
        """Rows (…, dim) for integers (…).

        Raises
        ------
        TypeError
            If the indices are not integers.
        IndexError
            If one is not 0 … num − 1 (on a CPU).
        """
        indices = xp.asarray(indices)
        if not is_integer(indices.dtype):
            raise TypeError(f"Embedding: indices are integers, not {indices.dtype}")
        num, dim = self.W.shape
        values = backend_array(indices)
        if (
            type(values) is np.ndarray
            and values.size
            and not 0 <= values.min() <= values.max() < num
        ):
            wrong = values[(values < 0) | (values >= num)].flat[0]
            raise IndexError(f"Embedding: index {wrong} is not one of the rows 0 … {num - 1}")
        rows = xp.take(self.W, xp.reshape(indices, (-1,)), axis=0)
        return xp.reshape(rows, (*indices.shape, dim))
