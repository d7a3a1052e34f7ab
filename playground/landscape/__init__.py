"""The loss on a plane of parameter space, and the paths that optimisers take across it."""
