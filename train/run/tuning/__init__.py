"""The choice of settings by k-fold cross-validation: what is tried, on which folds, and how it is told."""
