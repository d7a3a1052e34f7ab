"""The graph of an expression that one types, with values and error signals, step by step."""
