"""Levels of `vmap`, and the batched arrays that its functions are called with."""
