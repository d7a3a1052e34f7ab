"""Finding parameters: first-order methods. Knows nothing of models."""

from .first_order import SGD, Adam, AdamW

__all__ = ["SGD", "Adam", "AdamW"]
