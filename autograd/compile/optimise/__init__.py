"""Passes over a program: simplified, decomposed, fused, laid out in memory."""
