"""The loss on a plane through the parameters, with the path that an optimiser took on it."""
