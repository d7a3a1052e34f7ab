"""Rows for powers at their edges, and for functions that are straight, or constant, between jumps."""

from __future__ import annotations

import numpy as np

from ._table import Case, K, P, R, X, Z, row
from .elementwise import SITUATIONS


def _binary(name: str) -> list[Case]:
    """x1 / x2 lies between 0.2 and 0.4, away from the jumps at whole numbers."""
    makers = {
        True: (lambda *s: R(*s, low=0.5, high=0.8)),
        False: (lambda *s: R(*s, low=2.0, high=2.5)),
    }
    return [
        *(row(name, label, makers[True](*a), makers[False](*b)) for label, a, b in SITUATIONS),
        row(name, "number on the right", R(3, low=0.5, high=0.8), 2.0),
        row(name, "number on the left", 0.7, R(3, low=2.0, high=2.5)),
    ]


X2 = X([2.0, 2.0, -2.0, -2.0, 0.7])
KINDS = {"array_api_strict": "does not mix integer and floating arrays"}
STRICT_CLIP = {
    "array_api_strict": "looks at the values of the bounds, and there have to be some, in order"
}

CASES = [
    *_binary("remainder"),
    *_binary("floor_divide"),
    row("remainder", "all signs", X([5.3, -5.3, 5.3, -5.3, 3.0]), X2),
    row("floor_divide", "all signs", X([5.3, -5.3, 5.3, -5.3, 3.0]), X2),
    *(
        row(name, label, R(*a), R(*b), _order=1 if name == "nextafter" else 2)
        for name in ("copysign", "nextafter")
        for label, a, b in SITUATIONS
    ),
    row("copysign", "all signs", X([1.0, -1.0, 2.0, -2.0]), X([3.0, 3.0, -3.0, -3.0])),
    row("copysign", "number on the right", R(3), -1.0),
    row("copysign", "number on the left", 2.0, R(3)),
    row("nextafter", "number on the right", R(3), 10.0),
    # clip: x below, between and above
    row("clip", "both", X([-2.0, 0.3, 0.5, 2.0]), X([-1.0, -1.0, 0.0, 0.0]), X([1.0, 1.0, 1.0, 1.5])),
    row("clip", "min alone", R(2, 3), R(3)),
    row("clip", "max alone", R(2, 3), None, R(3)),
    row("clip", "max by name", R(2, 3), max=R(2, 1)),
    row("clip", "numbers", X([-2.0, 0.3, 2.0]), -1.0, 1.0),
    row("clip", "integers", X([-2.0, 0.3, 2.0]), -1, 1),
    row("clip", "number and array", X([-2.0, 0.3, 2.0]), -1.0, X([1.0, 1.1, 1.2])),
    row("clip", "neither", R(3), None, None),
    row("clip", "x stretched", R(2, 1), X([[-1.0, 0.0, 0.5]]), 0.7),
    row("clip", "0-d", R(), R(), None),
    row("clip", "empty", R(0, 3), -1.0, R(3), _skip=STRICT_CLIP),
    row("clip", "bounds the wrong way round", X([-2.0, 0.0, 2.0]), X([1.0, 1.0, 1.0]), X([-1.0, -1.0, -1.0]),
        _skip=STRICT_CLIP),
    row("clip", "constant bounds", X([-2.0, 0.3, 2.0]), K([-1.0, -1.0, -1.0]), K([1.0, 1.0, 1.0])),
    # pow
    row("pow", "base 0, exponents that differ", X([0.0, 0.0, 0.0]), K([2.0, 1.0, 3.0])),
    row("pow", "exponent 0, both differentiated", X([2.0, 1.5]), X([0.0, 0.0]), _order=3),
    row("pow", "base below 0, whole exponents", R(3, low=-2, high=-1), K([2.0, 3.0, -1.0]), _order=3),
    row("pow", "cube, third order", R(3), 3, _order=3),
    row("pow", "integer exponents", R(3, low=-2, high=-1), K([0, 1, 3]), _order=3,
        _skip={**KINDS, "float32": "int64 and float32 make float64"}),
    row("pow", "unsigned exponents", P(3), K(np.array([0, 1, 3], np.uint8)), _skip=KINDS),
    row("pow", "complex exponent number", Z(3, low=0.5, high=2), 1.5 - 0.5j, _order=3),
    row("pow", "complex base number", 1.5 - 0.5j, Z(3), _order=3),
    row("pow", "base number below 0, complex exponent", -2.0, Z(3)),
    row("pow", "complex, whole exponent", Z(3), 3, _order=3),
    row("pow", "real base below 0, complex exponent", R(3, low=-2, high=-1), Z(3), _rtol=1e-6,
        _skip={"differences": "a step of the base is complex", "array_api_strict": "does not mix real and complex"}),
    row("pow", "0-d array exponent", P(3), P()),
]  # fmt: skip
