"""Feature maps: fixed functions of the inputs, in front of a linear model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd.core.typing import DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ...backend import current
from ..initialisation import check_sizes
from ..module import Module, state


class PolynomialFeatures(Module):
    """The products of up to `degree` inputs, in scikit-learn's order.

    For inputs a, b and degree 2: 1, a, b, a², ab, b².

    Parameters
    ----------
    degree : int
        At least 0.
    interaction_only : bool
        Only products of different inputs: 1, a, b, ab.
    include_bias : bool
        Whether the 1 is there.

    Raises
    ------
    ValueError
        For a degree that is no integer of at least 0, or no features.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.PolynomialFeatures(2)(np.asarray([[2.0, 3.0]]))
    Array([[1., 2., 3., 4., 6., 9.]], dtype=float64, device='cpu')
    """

    degree: int = static(default=2)
    interaction_only: bool = static(default=False)
    include_bias: bool = static(default=True)

    def __post_init__(self) -> None:
        if isinstance(self.degree, bool) or not isinstance(self.degree, int) or self.degree < 0:
            raise ValueError(
                f"PolynomialFeatures: degree={self.degree!r}; it has to be an integer of at least 0"
            )
        if self.degree == 0 and not self.include_bias:
            raise ValueError(
                "PolynomialFeatures: degree=0 without the bias leaves no features; give a degree of 1 or more"
            )

    def __call__(self, x: Value) -> Any:
        """Features (…, count) of inputs (…, n)."""
        x = xp.asarray(x)
        n = x.shape[-1]
        bias = xp.ones_like(x[..., :1])
        out = [bias] if self.include_bias else []
        # the products of one degree, sorted; starts[j] is the first whose smallest input is j
        block, starts = bias, [0] * n + [1]
        for degree in range(1, self.degree + 1):
            skip = 1 if self.interaction_only and degree > 1 else 0
            parts = [block[..., starts[min(j + skip, n)] :] * x[..., j : j + 1] for j in range(n)]
            sizes = [part.shape[-1] for part in parts]
            starts = [sum(sizes[:j]) for j in range(n + 1)]
            block = xp.concat(parts, axis=-1)
            if degree == 1:
                block = x
            out.append(block)
        return xp.concat(out, axis=-1)


class FourierFeatures(Module):
    """``√(2/D) cos(x W + b)``, whose inner products approach ``exp(−‖x − y‖² / (2 width²))`` as D grows.

    W is normal with standard deviation 1 / width, b uniform on [0, 2π) (Rahimi, Recht, Random features for large-scale
    kernel machines, 2007). Both are state: no gradient reaches them, and no step of an optimiser moves them.

    Attributes
    ----------
    W : array (inputs, D)
    b : array (D,)

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> z = pb.models.FourierFeatures.init(2, 4000, dtype="float64")
    >>> x, y = z(pb.asarray([0.0, 0.0])), z(pb.asarray([1.0, 0.0]))
    >>> bool(abs(float(pb.xp.sum(x * y)) - np.exp(-0.5)) < 0.05)
    True
    """

    W: Any = state()
    b: Value = state()

    @staticmethod
    def init(
        inputs: int, features: int, *, width: float = 1.0, seed: Any = 0, dtype: DType = "float32"
    ) -> FourierFeatures:
        """Drawn frequencies and phases, on the active backend.

        Parameters
        ----------
        inputs, features : int
            Numbers of inputs and of features, D.
        width : float
            Of the kernel, in the inputs' units; scikit-learn's gamma is 1 / (2 width²).
        seed : int or numpy.random.Generator
            What they are drawn from.
        dtype : dtype
            Of W and b.

        Raises
        ------
        ValueError
            For sizes below 1 or a width that is not positive and finite.
        """
        check_sizes("FourierFeatures.init", inputs=inputs, features=features)
        if not 0 < width < math.inf:
            raise ValueError(
                f"FourierFeatures.init: width={width!r}; it has to be positive and finite"
            )
        rng = np.random.default_rng(seed)
        W = rng.standard_normal((inputs, features)) / width
        b = rng.uniform(0, 2 * math.pi, features)
        backend = current()
        return FourierFeatures(backend.asarray(W.astype(dtype)), backend.asarray(b.astype(dtype)))

    def __call__(self, x: Value) -> Any:
        """Features (…, D) of inputs (…, inputs)."""
        W, b = xp.stop_gradient(self.W), xp.stop_gradient(self.b)
        return math.sqrt(2 / b.shape[0]) * xp.cos(xp.linear(x, W, b))


class RadialBasis(Module):
    """``exp(−‖x − c_k‖² / (2 width²))`` for each of K centres (Broomhead, Lowe, 1988).

    Parameters
    ----------
    centres : array (K, inputs)
        A parameter.
    width : float or array (K,)
        A parameter too, in the inputs' units.

    Raises
    ------
    ValueError
        For centres that are no matrix, or widths of another shape.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.RadialBasis(np.asarray([[0.0], [2.0]]), 1.0)(np.asarray([[0.0]]))
    Array([[1.        , 0.13533528]], dtype=float64, device='cpu')
    """

    centres: Any
    width: Any

    def __init__(self, centres: Any, width: Any = 1.0) -> None:
        if len(getattr(centres, "shape", ())) != 2:
            raise ValueError(
                f"RadialBasis: centres are an array (K, inputs), not of shape {getattr(centres, 'shape', None)}"
            )
        if not hasattr(width, "shape"):
            if not 0 < width < math.inf:
                raise ValueError(f"RadialBasis: width={width!r}; it has to be positive and finite")
            width = (0 * xp.asarray(centres)[0, 0] + width).value
        if tuple(width.shape) not in ((), (centres.shape[0],)):
            raise ValueError(
                f"RadialBasis: width is a number or an array ({centres.shape[0]},), not of shape {tuple(width.shape)}"
            )
        self.centres, self.width = centres, width

    def __call__(self, x: Value) -> Any:
        """Features (…, K) of inputs (…, inputs)."""
        # differences, not ‖x‖² − 2 x·c + ‖c‖², which cancels near a centre
        difference = (xp.expand_dims(xp.asarray(x), axis=-2) - self.centres) / xp.reshape(
            xp.asarray(self.width), (-1, 1)
        )
        return xp.exp(-0.5 * xp.sum(difference * difference, axis=-1))
