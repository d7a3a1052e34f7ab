"""`minimize`: methods for functions that are evaluated as a whole, and their line searches."""
