"""The functions that generated loops call by name, of which LLVM makes loops over vectors."""

from __future__ import annotations

from collections.abc import Iterable

from ..jit import ByDtype, text_of
from . import error_functions, logarithms
from . import exponentials as functions

FUNCTIONS: dict[str, ByDtype] = {
    "exp": functions.exp,
    "expm1": functions.expm1,
    "tanh": functions.tanh,
    "sigmoid": functions.sigmoid,
    "sech2": functions.sech2,
    "over_cosh2": functions.over_cosh2,
    "log": logarithms.log,
    "log1p": logarithms.log1p,
    "logaddexp": logarithms.logaddexp,
    "erf": error_functions.erf,
    "erfc": error_functions.erfc,
}


def definitions(named: Iterable[tuple[str, str]]) -> str:
    """The source of functions by name and dtype, under the names ``exp_float32`` and so on."""
    parts: dict[str, str] = {}
    for name, dtype in named:
        text_of(f"{name}_{dtype}", FUNCTIONS[name], parts, double=dtype == "float64")
    return "".join(parts.values())
