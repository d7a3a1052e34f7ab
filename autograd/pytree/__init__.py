"""Pytrees: nested containers of arrays, taken apart and put together."""
