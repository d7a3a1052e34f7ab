"""Kernels by name, with scikit-learn's parameters: ``k(X, Y)`` is the matrix of k(x_i, y_j).

Each is a pytree of its parameters.

Kernels are added, multiplied and raised to powers as numbers are.

Source: Rasmussen, Williams, Gaussian Processes for Machine Learning, 2006, chapter 4.
"""

from .base import Constant, Exponentiation, Kernel, Product, Sum, White
from .dot_product import Linear, Polynomial
from .stationary import RBF, Matern, Periodic, RationalQuadratic

# scikit-learn's names
ExpSineSquared, DotProduct, ConstantKernel, WhiteKernel = Periodic, Linear, Constant, White

__all__ = [
    "RBF",
    "Constant",
    "ConstantKernel",
    "DotProduct",
    "ExpSineSquared",
    "Exponentiation",
    "Kernel",
    "Linear",
    "Matern",
    "Periodic",
    "Polynomial",
    "Product",
    "RationalQuadratic",
    "Sum",
    "White",
    "WhiteKernel",
]


def __dir__() -> list[str]:
    return sorted(__all__)
