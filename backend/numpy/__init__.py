"""NumPy with LAPACK, and MKL where it is installed: kernels for the hot functions."""
