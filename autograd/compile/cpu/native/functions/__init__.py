"""Elementary functions that compilers vectorise in loops, for kernels of any kind."""
