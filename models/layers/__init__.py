"""Layers that stand for themselves; those of a subject, as convolution, have folders of their own."""
