"""Activation functions, by name in `ACTIVATIONS`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..autograd import custom_vjp
from ..autograd.core.typing import Value
from ..autograd.functions import namespace as xp
from ..autograd.functions import special


def identity(x: Value, /) -> Any:
    """``x``."""
    return x


def threshold(x: Value, /) -> Any:
    """1 where x > 0, else 0; the derivative is 0 everywhere (McCulloch, Pitts, 1943).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.threshold(np.asarray([-2.0, 0.0, 3.0]))
    Array([0., 0., 1.], dtype=float64, device='cpu')
    """
    x = xp.asarray(x)
    return xp.astype(x > 0, x.dtype)


def _below(x: Value) -> Any:
    """``min(x, 0)`` for the branch x ≤ 0 of a function, so that the other branch's numbers do not overflow in it."""
    return xp.where(x > 0, 0.0, x)


# ── rectifiers ────────────────────────────────────────────────────────────────────────────────


def relu(x: Value, /) -> Any:
    """``max(x, 0)``, with derivative 0 at 0."""
    return xp.relu(x)


def relu6(x: Value, /) -> Any:
    """``min(max(x, 0), 6)`` (Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010)."""
    return xp.clip(xp.asarray(x), 0.0, 6.0)


def leaky_relu(x: Value, /, *, slope: float = 0.01) -> Any:
    """``x`` where x > 0, else ``slope · x``, with derivative `slope` at 0 (Maas, Hannun, Ng, 2013).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.leaky_relu(np.asarray([-2.0, 3.0]), slope=0.5)
    Array([-1.,  3.], dtype=float64, device='cpu')
    """
    x = xp.asarray(x)
    return xp.where(x > 0, x, slope * x)


def elu(x: Value, /, *, alpha: float = 1.0) -> Any:
    """``x`` where x > 0, else ``α (exp x − 1)``, with derivative α at 0 (Clevert, Unterthiner, Hochreiter, 2016).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.elu(np.asarray([-1e4, 3.0]))
    Array([-1.,  3.], dtype=float64, device='cpu')
    """
    x = xp.asarray(x)
    return xp.where(x > 0, x, alpha * xp.expm1(_below(x)))


def celu(x: Value, /, *, alpha: float = 1.0) -> Any:
    """``x`` where x > 0, else ``α (exp(x / α) − 1)``: ELU with derivative 1 at 0 (Barron, 2017)."""
    x = xp.asarray(x)
    return xp.where(x > 0, x, alpha * xp.expm1(_below(x) / alpha))


def selu(x: Value, /) -> Any:
    """``1.0507 · elu(x, alpha=1.6733)``, which keeps mean 0 and variance 1 (Klambauer et al., 2017)."""
    return 1.0507009873554805 * elu(x, alpha=1.6732632423543772)


# ── sigmoids ──────────────────────────────────────────────────────────────────────────────────


def tanh(x: Value, /) -> Any:
    """``tanh x``."""
    return xp.tanh(x)


def hardtanh(x: Value, /) -> Any:
    """``min(max(x, −1), 1)``, with derivative 1 at ±1 (Collobert, 2004)."""
    return xp.clip(xp.asarray(x), -1.0, 1.0)


def softsign(x: Value, /) -> Any:
    """``x / (1 + |x|)`` (Bergstra et al., 2009); the derivative at 0 is 1."""
    x = xp.asarray(x)
    return x / (1.0 + xp.abs(x))


def sigmoid(x: Value, /) -> Any:
    """``1 / (1 + exp(−x))``, exact in both tails, as is its derivative.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.sigmoid(np.asarray([-1000.0, 0.0, 1000.0]))
    Array([0. , 0.5, 1. ], dtype=float64, device='cpu')
    """
    return xp.sigmoid(x)


def hard_sigmoid(x: Value, /) -> Any:
    """``min(max(x / 6 + ½, 0), 1)`` (Howard et al., Searching for MobileNetV3, 2019)."""
    return xp.clip(xp.asarray(x) / 6.0 + 0.5, 0.0, 1.0)


def log_sigmoid(x: Value, /) -> Any:
    """``log(1 / (1 + exp(−x)))`` as ``−softplus(−x)``, exact in both tails."""
    return -xp.softplus(-xp.asarray(x))


def softplus(x: Value, /) -> Any:
    """``log(1 + exp x)``, exact in both tails; its derivative is the sigmoid."""
    return xp.softplus(x)


# ── gated by themselves ───────────────────────────────────────────────────────────────────────


def silu(x: Value, /) -> Any:
    """``x · sigmoid(x)`` (Elfwing, Uchibe, Doya, 2018)."""
    x = xp.asarray(x)
    return x * sigmoid(x)


def hard_swish(x: Value, /) -> Any:
    """``x · hard_sigmoid(x)`` (Howard et al., Searching for MobileNetV3, 2019)."""
    x = xp.asarray(x)
    return x * hard_sigmoid(x)


@custom_vjp
def _gelu(x: Value) -> Any:
    """`gelu` of a large array, which keeps its slope as one factor."""
    return _gelu_kept(x)[0]


def _gelu_kept(x: Value) -> tuple[Any, Any]:
    share = 0.5 * special.erfc(-math.sqrt(0.5) * x)  # Φ(x)
    return x * share, (x, share)


def _gelu_pulled(kept: Any, ct: Any) -> tuple[Any]:
    """``ct (Φ(x) + x φ(x))``: of the slope as one factor a compiled program keeps nothing else."""
    x, share = kept
    return (ct * (share + x * (math.sqrt(0.5 / math.pi) * xp.exp(-0.5 * (x * x)))),)


_gelu.defvjp(_gelu_kept, _gelu_pulled)


def gelu(x: Value, /) -> Any:
    """``x Φ(x)`` with the normal distribution's Φ, as ``½ x erfc(−x / √2)`` (Hendrycks, Gimpel, 2016).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.gelu(np.asarray([-1e4, 0.0, 1e4]))
    Array([   -0.,     0., 10000.], dtype=float64, device='cpu')
    """
    x = xp.asarray(x)
    if x.size >= _LARGE:
        return _gelu(x)
    return _gelu_kept(x)[0]


# Elements from which on memory is what takes the time, and the slope as one array is worth its 80 µs.
_LARGE = 1 << 16


def gelu_tanh(x: Value, /) -> Any:
    """``½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))``, the tanh form of GELU (Hendrycks, Gimpel, 2016)."""
    x = xp.asarray(x)
    return 0.5 * x * (1 + xp.tanh(0.7978845608028654 * (x + 0.044715 * (x * x * x))))


def mish(x: Value, /) -> Any:
    """``x · tanh(softplus x)`` (Misra, 2019)."""
    x = xp.asarray(x)
    return x * xp.tanh(xp.softplus(x))


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": identity,
    "threshold": threshold,
    "relu": relu,
    "relu6": relu6,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "celu": celu,
    "selu": selu,
    "tanh": tanh,
    "hardtanh": hardtanh,
    "softsign": softsign,
    "sigmoid": sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "log_sigmoid": log_sigmoid,
    "softplus": softplus,
    "silu": silu,
    "hard_swish": hard_swish,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "mish": mish,
}


def activation(name: str) -> Callable[[Any], Any]:
    """The activation called `name`.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}: choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
