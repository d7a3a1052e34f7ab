"""Special functions in addition to those with kernels of their own in `functions/special.py`."""
