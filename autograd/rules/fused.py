"""Functions of networks and losses; composing them from others would lose accuracy, memory or time.

*Linear.* Y = X W + 1 bᵀ, with X (n, p), W (p, m), b (m,): dL = Σ Ȳ·(dX W + X dW + 1 dbᵀ), so
X̄ = Ȳ Wᵀ, W̄ = Xᵀ Ȳ, b̄ = Ȳᵀ 1. With a ReLU behind it, Ȳ is first set to 0 where the output is 0.

*Log-sum-exp.* out = log Σ exp(x): ∂out/∂x = exp(x − out) = softmax(x).

*Softmax cross-entropy.* L = −(1/n) Σ_i log p_i[y_i] with p_i = softmax(z_i): log p_i[y_i] = z_i[y_i] − log Σ exp z_i,
so z̄ = (p − onehot(y)) · ct / n. The forward pass leaves the slope (p − onehot(y)) / n as a residual, so
that the backward pass is one scaling (Bishop, Pattern Recognition and Machine Learning, 2006, eq. 4.109). Where p is
nearly 1, p − 1 has no digits left: minus the sum of the other probabilities, or expm1(log p), has them.

*Log-softmax.* x_bar = ct − p Σ ct = ct (1 − p) − p (Σ ct − ct), with 1 − p = −expm1(out): the cotangent of one class
alone gives 1 − p to its last digit.
"""

from __future__ import annotations

from typing import Any

from ..core.defvjp import library_defvjp as defvjp
from ..core.typing import XP, Cotangent, Value
from .statistical import kept_shape, spread


def _turned(W: Any) -> Any:
    """Wᵀ; Dask's arrays have no `mT`."""
    return W.mT if hasattr(W, "mT") else W.T


defvjp(
    "linear",
    x=lambda ct, W, xp: xp.matmul(ct, _turned(W)),
    W=lambda ct, x, xp: xp.linear_vjp_W(ct, x),
    b=lambda ct, b_shape, xp: xp.sum_to_shape(ct, b_shape),
)
defvjp(
    "linear_relu",
    _inner=lambda ct, out, b_shape, xp: xp.relu_bias_vjp(ct, out, b_shape),
    x=lambda _inner, W, xp: xp.matmul(_inner[0], _turned(W)),
    W=lambda _inner, x, xp: xp.linear_vjp_W(_inner[0], x),
    b=lambda _inner: _inner[1],
)
# chosen, not multiplied: an infinite cotangent at x < 0, as sqrt(relu(x)) sends, stays away. In linear_relu the
# product of the two is faster, and such a network has diverged already.
defvjp("relu", x=lambda ct, out, xp: xp.masked(ct, out > 0))

# σ' = σ(x) σ(−x) = ¼ sech²(x/2), which keeps its digits in both tails; softplus' = σ
defvjp("sigmoid", x=lambda ct, x, xp: ct * (0.25 * xp.sech2(0.5 * x)))
defvjp("softplus", x=lambda ct, x, xp: ct * xp.sigmoid(x))

defvjp(
    "softmax_cross_entropy",
    residuals=("slope",),
    logits=lambda ct, slope: ct * slope,
)


def _logsumexp(ct: Cotangent, x: Value, out: Value, axis: Any, keepdims: bool, xp: XP) -> Value:
    """ct · softmax(x), 0 where out is infinite; not exp(x − out), which has the error of a large out."""
    total = spread(out, kept_shape(x.shape, axis), axis, keepdims, xp)
    return spread(ct, x.shape, axis, keepdims, xp) * xp.softmax_of(x, total, axis)


defvjp("logsumexp", x=_logsumexp)
defvjp(
    "log_softmax",
    x=lambda ct, out, axis, xp: (
        -ct * xp.expm1(out) - xp.exp(out) * (xp.sum(ct, axis=axis, keepdims=True) - ct)
    ),
)
defvjp(
    "softmax",
    x=lambda ct, out, axis, xp: xp.softmax_vjp(ct, out, axis),
)
