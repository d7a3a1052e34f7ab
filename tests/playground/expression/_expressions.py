"""Random expressions as text, for the tests of the folder."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit, logsumexp, softmax

NAMES = ("x", "y", "z")

# each function as NumPy has it: what a test evaluates
NUMPY: dict[str, Any] = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "atan": np.arctan, "exp": np.exp, "log": np.log,
    "sqrt": np.sqrt, "square": np.square, "abs": np.abs, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "sigmoid": expit, "softplus": lambda x: np.logaddexp(0, x), "relu": lambda x: np.maximum(x, 0),
    "max": np.max, "min": np.min, "sum": np.sum, "mean": np.mean, "dot": lambda a, b: np.sum(a * b),
    "maximum": np.maximum, "minimum": np.minimum, "softmax": softmax, "logsumexp": logsumexp, "pi": np.pi,
}  # fmt: skip

_SMOOTH = ("sin", "cos", "atan", "tanh", "sigmoid", "softplus", "square")


def expressions() -> st.SearchStrategy[str]:
    """Texts of expressions, of three variables, that are smooth everywhere."""
    leaves = st.one_of(st.sampled_from(NAMES), st.sampled_from(("2", "0.5", "3.25", "1e-1", "pi")))

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
            st.builds("{}({})".format, st.sampled_from(_SMOOTH), inner),
            st.builds("(-{})".format, inner),
            st.builds("sin({})**{}".format, inner, st.sampled_from(("2", "3"))),
            st.builds("{} / (1 + square({}))".format, inner, inner),
            st.builds("dot({}, {})".format, inner, inner),
        )

    return st.recursive(leaves, larger, max_leaves=7)
