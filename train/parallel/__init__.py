"""One training on many ranks, and many tasks on the workers of a Dask cluster."""
