"""The trace of one call of a function: its arguments stand for values, and what is done to them is written down."""
