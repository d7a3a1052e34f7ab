"""The settings of a run: names, defaults, ranges, and their file."""
