"""Convolutions and pooling on a CPU: kernels over half of the images on each of two threads."""
