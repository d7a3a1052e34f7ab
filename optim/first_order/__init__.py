"""Optimisers by gradients of minibatches: frozen records with two pure methods, and their schedules."""
