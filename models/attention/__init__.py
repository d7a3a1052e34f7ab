"""Attention: the function, layers of it, positions, transformers."""

from .block import TransformerBlock
from .dot_product import attention
from .encodings import LearnedEncoding, RotaryEncoding, SinusoidalEncoding, rotary
from .language_model import TransformerLM
from .multi_head import KeyValueCache, MultiHeadAttention

__all__ = [
    "KeyValueCache",
    "LearnedEncoding",
    "MultiHeadAttention",
    "RotaryEncoding",
    "SinusoidalEncoding",
    "TransformerBlock",
    "TransformerLM",
    "attention",
    "rotary",
]


def __dir__() -> list[str]:
    return sorted(__all__)
