"""The sections of NumPy's main namespace, a file for each."""
