"""The functions of networks: convolution, pooling, recurrence, attention, segments, in functions of the standard."""
