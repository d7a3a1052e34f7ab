"""Sequences through recurrent cells: primitives, because a step recorded by itself costs 20 entries of a tape.

The formulas of the cells stand in `backend/generic/networks/recurrence.py`. With a_t = x_t + h_{t−1} Wᵀ the input of
all gates at time t, dL = Σ_t ā_t · da_t gives x̄_t = ā_t and W̄ = Σ_t ā_tᵀ h_{t−1}, one product over all times; and
h̄_{t−1} = ā_t W + (the cell's own share) is the loop.

*LSTM.* Of ``c' = f c + i g``, ``h' = o tanh c'``: c̄' += h̄' o (1 − tanh² c'); ō = h̄' tanh c', ī = c̄' g, f̄ = c̄' c,
ḡ = c̄' i, c̄ = c̄' f; and through the gates' functions σ' = σ (1 − σ), tanh' = 1 − tanh². Kept are the gates and c.

*GRU.* Of ``n = tanh(a_n + r m)``, ``m = h W_nᵀ + b``, ``h' = n + z (h − n)``: with n̄ = h̄' (1 − z) (1 − n²) that of a_n,
m̄ = n̄ r, r̄ = n̄ m, z̄ = h̄' (h − n), and h̄ has z h̄' besides. The product's cotangent is (r̄, z̄, m̄).

*RNN.* ā = h̄' (1 − h'²), or h̄' where h' > 0: the states are all that is kept.

Where a step is padding, h and c and their cotangents go past it.
"""

from __future__ import annotations

from ...core.defvjp import library_defvjp as defvjp

defvjp(
    "lstm_sequence",
    outputs=("ys", "c_last"),
    residuals=("gates", "cells"),
    _shares=lambda ys_bar, c_last_bar, gates, cells, W, c, condition, reverse, xp: (
        xp.lstm_sequence_vjp(ys_bar, c_last_bar, gates, cells, W, c, condition, reverse=reverse)
    ),
    x=lambda _shares: _shares[0],
    W=lambda _shares, ys, h, reverse, xp: xp.recurrent_vjp_W(_shares[0], ys, h, reverse=reverse),
    h=lambda _shares: _shares[1],
    c=lambda _shares: _shares[2],
)
defvjp(
    "gru_sequence",
    residuals=("gates", "inner"),
    _shares=lambda ct, out, gates, inner, W, h, condition, reverse, xp: xp.gru_sequence_vjp(
        ct, out, gates, inner, W, h, condition, reverse=reverse
    ),
    x=lambda _shares: _shares[0],
    W=lambda _shares, out, h, reverse, xp: xp.gru_vjp_W(*_shares[:2], out, h, reverse=reverse),
    b=lambda _shares, b_shape, xp: xp.sum_to_shape(_shares[1], b_shape),
    h=lambda _shares: _shares[2],
)
defvjp(
    "rnn_sequence",
    _shares=lambda ct, out, W, condition, nonlinearity, reverse, xp: xp.rnn_sequence_vjp(
        ct, out, W, condition, nonlinearity=nonlinearity, reverse=reverse
    ),
    x=lambda _shares: _shares[0],
    W=lambda _shares, out, h, reverse, xp: xp.recurrent_vjp_W(_shares[0], out, h, reverse=reverse),
    h=lambda _shares: _shares[1],
)
