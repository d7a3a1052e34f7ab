"""The rules of the functions that layers of networks are made of."""
