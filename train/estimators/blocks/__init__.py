"""Dask arrays as data of estimators: rows in blocks, sums over blocks, minibatches, lazy predictions."""
