"""The docstrings of the functions that are generated, in files named after the sections of the standard.

A reader of a docstring knows NumPy: it says what the derivative is, what happens at edges and to dtypes, and where the
formula is from. `entries.py` explains the notation, `lookup.py` how the functions get it.
"""
