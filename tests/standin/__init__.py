"""A stand-in for CuPy: exactly its attributes, signatures, refusals and undefined orders, over NumPy's values."""

from .load import Device, activate, backend, namespace, ndarray

__all__ = ["Device", "activate", "backend", "namespace", "ndarray"]
