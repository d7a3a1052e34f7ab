"""Functions of networks for CuPy's arrays, in few launches and without waiting for the device."""
