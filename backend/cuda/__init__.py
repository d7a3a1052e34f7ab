"""CuPy on one CUDA device, and the CUDA libraries that are called for it."""
