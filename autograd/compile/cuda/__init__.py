"""Programs for a CUDA device: generated kernels, products and the order of their launches."""
