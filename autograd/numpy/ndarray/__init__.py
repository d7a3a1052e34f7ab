"""The methods and attributes that `Array` shares with `numpy.ndarray`; `methods.py` installs them."""
