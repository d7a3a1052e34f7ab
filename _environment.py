"""What OpenBLAS reads once, when NumPy loads it: set by the first `import pullback`, unless NumPy is there already."""

from __future__ import annotations

import os
import sys

_FLAGS = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


def prepare() -> None:
    """Set what the user has not set."""
    if "numpy" in sys.modules:
        return
    # OpenBLAS threads spin for 0.1 s after each product before they sleep; NumPy's and SciPy's pools disturb each
    # other so, and small products take up to ten times as long on a busy machine.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    # OpenBLAS 0.3.31 gives AMD's newer processors its kernels for Haswell, without AVX-512: products take 1.6 times
    # as long as by those that it has for Skylake, which run wherever these flags are.
    if wants_avx512(_first_processor()):
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")


def _first_processor() -> str:
    """What Linux says of the first processor; nothing elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            return file.read(8192).partition("\n\n")[0]
    except OSError:
        return ""


def wants_avx512(processor: str) -> bool:
    r"""Whether a block of ``/proc/cpuinfo`` is of an AMD processor with all that OpenBLAS's Skylake kernels use.

    Examples
    --------
    >>> wants_avx512("vendor_id : AuthenticAMD\nflags : fpu avx2")
    False
    """
    fields = dict(line.split(":", 1) for line in processor.splitlines() if ":" in line)
    told = {key.strip(): value.strip() for key, value in fields.items()}
    return told.get("vendor_id") == "AuthenticAMD" and set(told.get("flags", "").split()) >= _FLAGS


prepare()
