"""The trace of one call of a function: its arguments are tracers, and what is done to them is written down."""
