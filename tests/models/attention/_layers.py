"""torch's layers with drawn parameters, and ours with the same ones."""

from __future__ import annotations

import numpy as np

import pullback as pb

M = pb.models
RNG = np.random.default_rng(21)


def host(t):
    return None if t is None else t.detach().numpy().copy()


def transposed(t):
    return None if t is None else host(t).T.copy()


def filled(theirs):
    """A torch module in float64 whose parameters, biases too, are drawn."""
    import torch

    theirs = theirs.double()
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.tensor(0.5 * RNG.standard_normal(tuple(p.shape))))
    return theirs


def linear(theirs):
    return M.Linear(transposed(theirs.weight), host(theirs.bias))


def norm(theirs):
    return M.LayerNorm(
        host(theirs.weight), host(theirs.bias), tuple(theirs.normalized_shape), theirs.eps
    )


def heads(theirs, *, causal=False):
    return M.MultiHeadAttention(
        transposed(theirs.in_proj_weight),
        transposed(theirs.q_proj_weight),
        transposed(theirs.k_proj_weight),
        transposed(theirs.v_proj_weight),
        host(theirs.in_proj_bias),
        linear(theirs.out_proj),
        theirs.num_heads,
        theirs.num_heads,
        causal,
        theirs.dropout,
    )


def block(theirs, *, causal=False, activation="gelu"):
    cross = getattr(theirs, "multihead_attn", None)
    return M.TransformerBlock(
        heads(theirs.self_attn, causal=causal),
        None if cross is None else heads(cross),
        linear(theirs.linear1),
        linear(theirs.linear2),
        norm(theirs.norm1),
        norm(theirs.norm2),
        None if cross is None else norm(theirs.norm3),
        activation,
        theirs.dropout.p,
        theirs.norm_first,
    )


def gradients_of_heads(theirs):
    """In the order of our leaves."""
    parts = (
        theirs.in_proj_weight,
        theirs.q_proj_weight,
        theirs.k_proj_weight,
        theirs.v_proj_weight,
    )
    matrices = [transposed(p.grad) for p in parts if p is not None]
    bias = [] if theirs.in_proj_bias is None else [host(theirs.in_proj_bias.grad)]
    return [*matrices, *bias, *gradients_of_linear(theirs.out_proj)]


def gradients_of_linear(theirs):
    bias = [] if theirs.bias is None else [host(theirs.bias.grad)]
    return [transposed(theirs.weight.grad), *bias]


def gradients_of_norm(theirs):
    return [host(p.grad) for p in (theirs.weight, theirs.bias) if p is not None]


def gradients_of_block(theirs):
    cross = getattr(theirs, "multihead_attn", None)
    return [
        *gradients_of_heads(theirs.self_attn),
        *([] if cross is None else gradients_of_heads(cross)),
        *gradients_of_linear(theirs.linear1),
        *gradients_of_linear(theirs.linear2),
        *gradients_of_norm(theirs.norm1),
        *gradients_of_norm(theirs.norm2),
        *([] if cross is None else gradients_of_norm(theirs.norm3)),
    ]
