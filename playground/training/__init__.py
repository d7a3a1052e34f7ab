"""The tab in which a small network trains: data, features, the network step by step, and what is drawn of it."""
