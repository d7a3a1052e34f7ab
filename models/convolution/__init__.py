"""Convolution, pooling and layers for images."""
