"""Functions of networks for NumPy's arrays, in as few passes over memory as NumPy allows."""
