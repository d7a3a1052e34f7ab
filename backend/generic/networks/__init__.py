"""Functions of networks for the arrays of any library, written in the array API standard."""
