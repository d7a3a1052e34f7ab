"""Where PyTorch's state dicts keep what our layers hold: one table of names and layouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .attention import LearnedEncoding, MultiHeadAttention, TransformerBlock
from .convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .graphs import GCN, GraphAttention, GraphConv, SAGEConv
from .layers.batch_normalisation import BatchNorm
from .layers.containers import Sequential
from .layers.dense import MLP, Linear
from .layers.embedding import Embedding
from .layers.normalisation import GroupNorm, LayerNorm, RMSNorm
from .recurrence import GRU, LSTM, RNN


class Layout(NamedTuple):
    """How an array of the model stands in a state dict: each function is the other's inverse."""

    to_torch: Callable[[np.ndarray], np.ndarray]
    from_torch: Callable[[np.ndarray], np.ndarray]
    shape: Callable[[tuple[int, ...]], tuple[int, ...]]


SAME = Layout(lambda x: x, lambda x: x, lambda shape: shape)
TRANSPOSED = Layout(np.transpose, np.transpose, lambda shape: shape[::-1])
# (heads, features) as (1, heads, features)
ONE_ROW = Layout(lambda x: x[None], lambda x: x[0], lambda shape: (1, *shape))


@dataclass(frozen=True)
class Place:
    """Where torch keeps a field of a layer.

    Attributes
    ----------
    name : str
        Its name there; where it is empty, what is inside the field has its names without a prefix.
    layout : Layout
    index : function
        For a field that is a tuple: from the layer and an index, torch's name for what is there, and what it puts
        behind the names of the arrays in it.
    """

    name: str
    layout: Layout = SAME
    index: Callable[[Any, int], tuple[str, str]] = lambda _, i: (str(i), "")


def _every_other(_: Any, index: int) -> tuple[str, str]:
    # torch writes the network as a Sequential, in which activations count
    return str(2 * index), ""


def _of_cell(layer: Any, index: int) -> tuple[str, str]:
    # weight_ih_l0, weight_ih_l0_reverse, weight_ih_l1, …
    i, backward = divmod(index, 2) if layer.bidirectional else (index, 0)
    return "", f"_l{i}" + "_reverse" * backward


# For each class, its fields and where torch keeps them; those of graphs as PyTorch Geometric has them. A class that is
# derived from one of these has its line; fields that stand in no line have the same name there.
_WEIGHT = {"W": Place("weight"), "b": Place("bias")}
_ROWS = {"W": Place("weight")}
_NORM = {"scale": Place("weight"), "shift": Place("bias")}
_CELLS = {"cells": Place("", index=_of_cell)}
PLACES: dict[type, dict[str, Place]] = {
    Linear: {"W": Place("weight", TRANSPOSED), "b": Place("bias")},
    **dict.fromkeys((Embedding, LearnedEncoding), _ROWS),
    **dict.fromkeys((Conv1d, Conv2d, Conv3d), _WEIGHT),
    **dict.fromkeys((ConvTranspose1d, ConvTranspose2d, ConvTranspose3d), _WEIGHT),
    **dict.fromkeys((BatchNorm, LayerNorm, GroupNorm), _NORM),
    RMSNorm: {"scale": Place("weight")},
    **dict.fromkeys((RNN, LSTM, GRU), _CELLS),
    MultiHeadAttention: {
        "W": Place("in_proj_weight", TRANSPOSED),
        "W_q": Place("q_proj_weight", TRANSPOSED),
        "W_k": Place("k_proj_weight", TRANSPOSED),
        "W_v": Place("v_proj_weight", TRANSPOSED),
        "b": Place("in_proj_bias"),
        "output": Place("out_proj"),
    },
    TransformerBlock: {"attention": Place("self_attn"), "cross": Place("multihead_attn")},
    GraphConv: {"W": Place("lin.weight", TRANSPOSED), "b": Place("bias")},
    SAGEConv: {
        "W_self": Place("lin_r.weight", TRANSPOSED),
        "W_neighbours": Place("lin_l.weight", TRANSPOSED),
        "b": Place("lin_l.bias"),
    },
    GraphAttention: {
        "W": Place("lin.weight", TRANSPOSED),
        "a_source": Place("att_src", ONE_ROW),
        "a_target": Place("att_dst", ONE_ROW),
        "b": Place("bias"),
    },
    GCN: {"layers": Place("convs")},
    MLP: {"layers": Place("", index=_every_other)},
    Sequential: {"layers": Place("")},
}

# What torch's layers keep and ours do not: the number of batches, which torch reads where momentum is None.
IGNORED: dict[type, tuple[str, ...]] = {BatchNorm: ("num_batches_tracked",)}
