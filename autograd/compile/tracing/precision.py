"""The precision of products: what `pb.compile(f, precision=…)` does to a trace.

Operands of float32 products are rounded to a format that devices multiply faster, and their products are added up in
float32. All else stays as it is, parameters among it: they are the *master weights* (Micikevicius et al., Mixed
precision training, 2018). Rounding is an operation of the program, so that each array is rounded once, and a CPU gives
the numbers of a GPU to the order of sums.
"""

from __future__ import annotations

from typing import Any

from ....backend import backend_of
from ....backend.generic.rounding import rounded

PRECISIONS = ("float32", "tf32", "bfloat16", "float16")


def check(precision: str) -> None:
    """Refuse what is no precision.

    Raises
    ------
    ValueError
        Naming those that there are.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"compile: precision={precision!r} is none of {', '.join(PRECISIONS)}")


def round_operands(builder: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands of a product, rounded as the trace asks for; those that are not float32 stay."""
    if any(not str(getattr(x, "dtype", "")).endswith("float32") for x in args):
        return args
    return tuple([_rounded(builder, x) for x in args])


def _rounded(builder: Any, x: Any) -> Any:
    to = builder.precision
    if not hasattr(x, "real_value"):
        return round_array(x, to=to)
    return builder.record("rounded", round_array, (x,), {"to": to})


def round_array(x: Any, /, *, to: str) -> Any:
    """`rounded` of a library's array.

    Raises
    ------
    TypeError
        For libraries whose arrays have no bits to look at.
    """
    if not hasattr(x, "view"):
        raise TypeError(
            f"compile(precision={to!r}): arrays of {backend_of(x).name} cannot be rounded; take NumPy's or CuPy's, "
            "or precision='float32'"
        )
    return rounded(x, to)
