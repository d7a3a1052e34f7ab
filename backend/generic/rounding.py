"""Rounding float32 numbers to the formats in which devices multiply: the result is float32, with fewer bits.

==========  ===========  ==============  =========================================================
to          significand  largest number  ties
==========  ===========  ==============  =========================================================
bfloat16    8 bits       3.39e38         to even
float16     11 bits      65504           to even; subnormal numbers down to 2⁻²⁴; beyond, infinity
tf32        11 bits      3.40e38         away from zero, as the instruction ``cvt.rna.tf32`` does
==========  ===========  ==============  =========================================================

Source: NVIDIA, *Parallel Thread Execution ISA*, sections on alternate floating-point data formats and `cvt`.
"""

from __future__ import annotations

import numpy as np

FORMATS = ("bfloat16", "float16", "tf32")
"""What `rounded` knows."""


def rounded(x: np.ndarray, to: str, out: np.ndarray | None = None) -> np.ndarray:
    """A float32 array rounded to the nearest numbers of a format; NaN and infinities stay.

    Parameters
    ----------
    x : array, float32
        NumPy's or CuPy's.
    to : str
        One of `FORMATS`.
    out : array, float32, optional
        Of the same shape, contiguous; may be `x`.

    Raises
    ------
    ValueError
        Another format.
    TypeError
        Another dtype.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback.backend.generic.rounding import rounded
    >>> x = np.asarray([1.00390625, 1.01171875, 70000.0], dtype=np.float32)
    >>> [rounded(x, to).tolist() for to in ("bfloat16", "float16")]
    [[1.0, 1.015625, 70144.0], [1.00390625, 1.01171875, inf]]
    """
    if to not in FORMATS:
        raise ValueError(f"rounded: to={to!r} is none of {', '.join(FORMATS)}")
    if x.dtype != np.float32:
        raise TypeError(f"rounded: float32 numbers are rounded to {to}, these are {x.dtype}")
    if to == "float16":
        with np.errstate(over="ignore"):  # beyond 65504 is infinity: that is what the format does
            half = x.astype(np.float16)
        if out is None:
            return half.astype(np.float32)
        out[...] = half
        return out
    bits = x.view(np.uint32)
    not_finite = (bits & np.uint32(0x7F800000)) == np.uint32(0x7F800000)
    if to == "bfloat16":
        odd = (bits >> np.uint32(16)) & np.uint32(1)
        new = (bits + (odd + np.uint32(0x7FFF))) & np.uint32(0xFFFF0000)
    else:
        new = (bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    # all bits are set where the number stays; arrays of CuPy can do this, too
    keep = np.uint32(0) - not_finite.astype(np.uint32)
    result = (new ^ ((new ^ bits) & keep)).view(np.float32)
    if out is None:
        return result
    out[...] = result
    return out


def stored(x: np.ndarray, to: str) -> np.ndarray:
    """The 16 bits of each number, rounded to bfloat16 or float16.

    Raises
    ------
    ValueError
        Another format.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback.backend.generic.rounding import stored
    >>> [hex(int(stored(np.asarray([1.0], dtype=np.float32), to)[0])) for to in ("bfloat16", "float16")]
    ['0x3f80', '0x3c00']
    """
    if to == "float16":
        with np.errstate(over="ignore"):
            return x.astype(np.float16).view(np.uint16)
    if to != "bfloat16":
        raise ValueError(f"stored: to={to!r} is neither bfloat16 nor float16")
    bits = rounded(x, to).view(np.uint32)
    # without this bit the upper half of some NaN would be that of an infinity
    quiet = np.where(np.isnan(x), np.uint32(0x400000), np.uint32(0))
    return ((bits | quiet) >> np.uint32(16)).astype(np.uint16)


def loaded(bits: np.ndarray, of: str) -> np.ndarray:
    """The float32 numbers of `stored` bits; exact.

    Raises
    ------
    ValueError
        Another format.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback.backend.generic.rounding import loaded
    >>> loaded(np.asarray([0x3f80], dtype=np.uint16), "bfloat16")
    array([1.], dtype=float32)
    """
    if of == "float16":
        return bits.view(np.float16).astype(np.float32)
    if of != "bfloat16":
        raise ValueError(f"loaded: of={of!r} is neither bfloat16 nor float16")
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
