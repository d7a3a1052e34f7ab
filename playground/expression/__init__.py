"""The tab in which values and error signals flow through the graph of an expression that one types."""
