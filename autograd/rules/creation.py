"""Creation functions: `tril` and `triu`, which pass on the same triangle of the cotangent.

The other functions that make arrays from arrays are compositions, in `functions/creation.py`.
"""

from ..core.defvjp import library_defvjp as defvjp

defvjp("tril", x=lambda ct, k, xp: xp.tril(ct, k=k))
defvjp("triu", x=lambda ct, k, xp: xp.triu(ct, k=k))
