"""Record once, replay fast: `pb.compile`."""

from .api import Compiled, compile
from .cpu.numba_cache import kernels_on_disk
from .cpu.numba_kernels import wanted
from .tracing.trace_builder import TraceError

__all__ = ["Compiled", "TraceError", "compile", "kernels_on_disk", "wanted"]
