"""Programs for the CPU: calls of NumPy, blocks of elementwise chains, and kernels that numba compiles."""
