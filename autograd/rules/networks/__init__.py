"""The rules of the functions of networks, in files as the kernels have them in `backend/generic/networks`."""
