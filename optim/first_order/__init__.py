"""Optimisers by gradients of minibatches: frozen dataclasses with two pure methods, and their schedules."""
