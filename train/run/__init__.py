"""Runs of the command line: settings, training, tuning, prediction, and the files that they write."""
