"""The sections of NumPy's main namespace about arrays as such: making them, shapes, indices, orders, questions."""
