"""Parts of the loop: the data as a step takes them, the result, signals, and the state of a training on disk."""
