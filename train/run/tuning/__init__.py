"""The choice of settings by k-fold cross-validation: what is tried, on which folds, by which search, and how it is told."""
