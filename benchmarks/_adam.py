"""Adam (Kingma and Ba, 2015, algorithm 1) as it is written by hand, in place for NumPy and as a function for JAX.

m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − lr·m̂/(√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

B1, B2, EPS = 0.9, 0.999, 1e-8


def in_place(xp: Any, lr: float) -> Callable[[list[Any], list[Any]], None]:
    """`update(params, grads)`: changes the parameters in place, without allocation after the first call."""
    memory: list[tuple[Any, ...]] = []
    steps = 0

    def update(params: list[Any], grads: list[Any]) -> None:
        nonlocal steps
        if not memory:
            memory.extend((xp.zeros_like(a), xp.zeros_like(a), xp.empty_like(a)) for a in params)
        steps += 1
        # m̂/(√v̂ + ε) = m/(√v + ε√c₂) · √c₂/c₁: two numbers, not two more passes
        root = (1 - B2**steps) ** 0.5
        size = lr * root / (1 - B1**steps)
        for a, g, (m, v, work) in zip(params, grads, memory, strict=True):
            xp.multiply(g, 1 - B1, out=work)
            m *= B1
            m += work
            xp.multiply(g, g, out=work)
            work *= 1 - B2
            v *= B2
            v += work
            xp.sqrt(v, out=work)
            work += EPS * root
            xp.divide(m, work, out=work)
            work *= size
            a -= work

    return update


def functional(jnp: Any, lr: float) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`init(params)` and `update(params, grads, state) -> params, state` on lists."""

    def init(params: list[Any]) -> Any:
        zeros = lambda: [jnp.zeros_like(a) for a in params]
        return jnp.zeros((), jnp.int32), zeros(), zeros()

    def update(params: list[Any], grads: list[Any], state: Any) -> Any:
        steps, ms, vs = state
        steps = steps + 1
        ms = [B1 * m + (1 - B1) * g for m, g in zip(ms, grads, strict=True)]
        vs = [B2 * v + (1 - B2) * g * g for v, g in zip(vs, grads, strict=True)]
        c1, c2 = 1 - B1**steps, 1 - B2**steps
        moved = [
            a - lr * (m / c1) / (jnp.sqrt(v / c2) + EPS)
            for a, m, v in zip(params, ms, vs, strict=True)
        ]
        return moved, (steps, ms, vs)

    return init, update
