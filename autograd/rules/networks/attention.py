"""Attention, softmax(scale Q Kᵀ + B) V.

With the scores S, their weights P = softmax(S) by rows, and out = P V, dL = Σ ct ∘ (dP V + P dV), so V̄ = Pᵀ ct and
P̄ = ct Vᵀ. By the rule of softmax, S̄ = P ∘ (P̄ − Σ P̄ ∘ P), the sum along each row, and

    Σ_j P̄_ij P_ij = Σ_j Σ_d ct_id V_jd P_ij = Σ_d ct_id out_id,

which takes the output instead of the row of weights. Then B̄ = S̄, Q̄ = scale S̄ K and K̄ = scale S̄ᵀ Q. The weights are
not kept: each row leaves its largest score and Σ exp(S − largest), from which they are computed again, tile by tile
(Rabe, Staats, Self-attention does not need O(n²) memory, 2021; Dao et al., FlashAttention, 2022).

`self_attention` is the same with queries, keys and values of several heads side by side in the rows of one array, as
one product makes them: its cotangent is one array too, and nothing is rearranged in between.
"""

from __future__ import annotations

from ...core.defvjp import library_defvjp as defvjp

defvjp(
    "attention",
    residuals=("top", "total"),
    _bars=lambda ct, q, keys, values, bias, condition, out, top, total, scale, causal, xp: (
        xp.attention_vjp(
            ct, q, keys, values, bias, condition, out, top, total, scale=scale, causal=causal
        )
    ),
    q=lambda _bars: _bars[0],
    keys=lambda _bars: _bars[1],
    values=lambda _bars: _bars[2],
    bias=lambda ct, q, keys, values, bias, condition, out, top, total, scale, causal, xp: (
        xp.attention_vjp_bias(
            ct, q, keys, values, bias, condition, out, top, total, scale=scale, causal=causal
        )
    ),
)

defvjp(
    "self_attention",
    residuals=("top", "total"),
    x=lambda ct, x, bias, condition, out, top, total, heads, scale, causal, xp: (
        xp.self_attention_vjp(
            ct, x, bias, condition, out, top, total, heads=heads, scale=scale, causal=causal
        )
    ),
    bias=lambda ct, x, bias, condition, out, top, total, heads, scale, causal, xp: (
        xp.self_attention_vjp_bias(
            ct, x, bias, condition, out, top, total, heads=heads, scale=scale, causal=causal
        )
    ),
)
