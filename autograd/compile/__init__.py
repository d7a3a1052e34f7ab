"""Record once, replay fast: `pb.compile`."""

from .call import Compiled, compile
from .recorder import TraceError

__all__ = ["Compiled", "TraceError", "compile"]
