"""The methods and attributes that `Array` shares with `numpy.ndarray`; `methods.py` beside this folder installs them."""
