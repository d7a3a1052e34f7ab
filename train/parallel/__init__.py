"""Training on several ranks: what each does of it, and what they agree on."""
