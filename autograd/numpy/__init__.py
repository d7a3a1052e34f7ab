"""NumPy's own names and signatures on this engine: `pullback.numpy`, the methods of `Array`, ``np.f(traced)``."""
