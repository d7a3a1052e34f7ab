"""Networks by name and settings, as the command line trains them and checkpoints describe them."""
