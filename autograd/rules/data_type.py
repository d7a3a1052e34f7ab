"""Data type functions: `astype` casts the cotangent back.

The cotangent loses its imaginary part where a real input became complex.
"""

from ..core.defvjp import library_defvjp as defvjp

# the engine casts to the input's dtype
defvjp(
    "astype",
    x=lambda ct, x_device, device, xp: ct if device is None else xp.to_device(ct, x_device),
)
