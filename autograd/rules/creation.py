"""Triangles: the cotangent's own triangle. What else makes arrays from arrays is composed, in `creation.py`."""

from ..core.defvjp import library_defvjp as defvjp

defvjp("tril", x=lambda ct, k, xp: xp.tril(ct, k=k))
defvjp("triu", x=lambda ct, k, xp: xp.triu(ct, k=k))
