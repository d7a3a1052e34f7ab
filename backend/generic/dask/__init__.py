"""Dask's arrays: what array-api-compat's namespace lacks, what runs in blocks, unknown lengths, and NumPy's arrays."""
