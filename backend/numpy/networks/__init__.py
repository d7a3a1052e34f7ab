"""NumPy: the functions of networks, in as few passes over memory as NumPy allows."""
