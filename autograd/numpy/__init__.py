"""NumPy's own names and signatures on this engine: `pullback.numpy`, the methods of `Array`, ``np.f(traced)``."""

from . import methods as methods
from . import protocols as protocols
