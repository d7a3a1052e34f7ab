"""Record once, replay fast: `pb.compile`."""

from .api import Compiled, compile
from .tracing.trace_builder import TraceError

__all__ = ["Compiled", "TraceError", "compile"]
