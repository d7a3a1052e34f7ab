"""Data on their way to a model: files, tables, splits, device."""
