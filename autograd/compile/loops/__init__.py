"""Loops as one operation of a program: their step is recorded once, and so is its backward pass."""
