"""Rows for the elementwise functions."""

from __future__ import annotations

from ._table import Case, P, R, X, Z, row

# (function, real interval where it is smooth, also complex)
UNARY = [
    ("negative", -2, 2, True), ("positive", -2, 2, True), ("square", -2, 2, True), ("reciprocal", 0.5, 2, True),
    ("cbrt", 0.5, 2, False),
    ("sqrt", 0.5, 2, True), ("exp", -2, 2, True), ("expm1", -2, 2, True), ("log", 0.5, 2, True),
    ("log1p", -0.5, 2, True),
    ("log2", 0.5, 2, True), ("log10", 0.5, 2, True), ("sin", -2, 2, True), ("cos", -2, 2, True), ("sinh", -2, 2, True),
    ("cosh", -2, 2, True), ("tanh", -2, 2, True), ("abs", 0.5, 2, True), ("sign", -2, -0.5, True),
    ("ceil", 0.1, 0.9, False), ("floor", 0.1, 0.9, False), ("round", 0.6, 0.9, False), ("trunc", 0.1, 0.9, False),
]  # fmt: skip

# the two arguments of arithmetic in each situation of broadcasting
SITUATIONS = [
    ("same shape", (2, 3), (2, 3)),
    ("row", (2, 3), (3,)),
    ("column", (2, 1), (2, 3)),
    ("both stretched", (2, 1), (1, 3)),
    ("0-d", (), (2, 3)),
    ("both 0-d", (), ()),
    ("size-1 axes", (1, 1), (1,)),
    ("empty", (0, 3), (3,)),
    ("empty by stretching", (1, 3), (0, 1)),
]


def _unary() -> list[Case]:
    cases = []
    for name, low, high, complex_too in UNARY:
        cases += [
            row(name, "plain", R(2, 3, low=low, high=high)),
            row(name, "0-d", R(low=low, high=high)),
            row(name, "empty", R(0, 3)),
        ]
        if complex_too:
            cases.append(row(name, "complex", Z(2, 3, low=low, high=high)))
            cases.append(row(name, "complex 0-d", Z(low=low, high=high)))
    return cases


def _binary(name: str, make=R, *, complex_too: bool = True) -> list[Case]:
    cases = [row(name, label, make(*a), make(*b)) for label, a, b in SITUATIONS]
    cases += [
        row(name, "number on the right", make(3), 1.7),
        row(name, "number on the left", 1.7, make(3)),
        row(name, "0-d and number", make(), 1.7),
    ]
    if complex_too:
        cases += [
            row(name, "complex", Z(2, 3), Z(2, 3)),
            row(name, "complex by real", Z(3), make(3)),
            row(name, "real by complex, stretched", make(2, 1), Z(3)),
        ]
    return cases


CASES = [
    *_unary(),
    *_binary("add"),
    *_binary("subtract"),
    *_binary("multiply"),
    *_binary("divide", P),
    *_binary("pow", P),
    *_binary("maximum", complex_too=False),
    *_binary("minimum", complex_too=False),
    *_binary("logaddexp", complex_too=False),
    row("pow", "base below 0, whole exponent", R(3, low=-2, high=-1), 3.0),
    row("pow", "base below 0, integer exponent", R(3, low=-2, high=-1), 3),
    row("pow", "square", R(2, 3), 2),
    row("pow", "square root", P(3), 0.5),
    row("pow", "exponent 0", R(3), 0),
    row("pow", "exponent 1", R(3), 1),
    row("pow", "exponent −2", P(3), -2),
    row("pow", "base 0, exponent 2", X([0.0, 1.0]), 2),
    row("abs", "both signs", X([-1.5, 0.5, 2.0])),
    row("log1p", "tiny", X([1e-9, -1e-9]), _order=1),
    row("expm1", "tiny", X([1e-9, -1e-9])),
    row("tanh", "tails", X([-5.0, 5.0])),
    row("round", "half to even", X([0.3, 1.4, -2.6])),
    row("conj", "complex", Z(2, 3)),
    row("conj", "complex 0-d", Z()),
    row("real", "complex", Z(2, 3)),
    row("real", "complex 0-d", Z()),
    row("imag", "complex", Z(2, 3)),
    row("imag", "complex 0-d", Z()),
    row("exp", "one size-1 axis", R(1, 3, 1)),
    row("multiply", "three axes", R(2, 1, 3), R(4, 1)),
    row("logaddexp", "far apart", X([-300.0, 300.0]), X([300.0, -300.0])),
]

# the standard lets these take real numbers in later versions only
REAL = {"array_api_strict": "takes complex numbers only"}
CASES += [row(name, "real argument", R(3), _skip=REAL) for name in ("conj", "real")]
