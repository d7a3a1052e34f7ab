"""The command `pullback`: `main`, the table of its options, and one module a command."""

from .main import main

__all__ = ["main"]
