"""`scipy.stats` for traced and plain arrays."""

from . import norm, t, beta, gamma, poisson, chi2, dirichlet, multivariate_normal
