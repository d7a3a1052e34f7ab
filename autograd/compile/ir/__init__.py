"""The program of a compiled function: a flat list of operations on values, and views of them."""
