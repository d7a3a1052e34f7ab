"""The formulas in docstrings are true: each is read as an expression, and compared with the rule that it describes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import scipy.special

import pullback as pb
from pullback.autograd.core.registry import find
from pullback.autograd.core.signatures import UNARY
from pullback.autograd.functions.documentation import (
    elementwise,
    rounding,
    special,
    special_bessel,
    special_integrals,
    special_polynomials,
    trigonometric,
)
from pullback.autograd.functions.documentation.entries import split

SECTIONS = (
    elementwise, rounding, special, special_bessel, special_integrals, special_polynomials, trigonometric,
)  # fmt: skip

ENTRIES = {name: entry for section in SECTIONS for name, entry in split(section.TEXT).items()}
FORMULA = re.compile(r"^(\w+)_bar = (.*(?:\n  .*)*)", re.MULTILINE)
FORMULAS = [
    (name, argument, " ".join(formula.split()))
    for name, body in ENTRIES.items()
    for argument, formula in FORMULA.findall(body)
]

# The imaginary part is compared with the other complex functions. Here are words
# instead of an expression, or a function that SciPy lacks: other tests compare with differences.
IN_WORDS = {
    ("maximum", "x2"): "the rest",
    ("minimum", "x2"): "the rest",
    ("special.gammainc", "a"): "no closed form",
    ("special.gammaincc", "a"): "no closed form",
    ("sinc", "x"): "the next derivative",
    ("sinc_derivative", "x"): "the next derivative",
    ("special.gammaincinv", "a"): "no closed form",
    ("special.gammainccinv", "a"): "no closed form",
    ("special.gammaincinv", "y"): "a density that the notes give",
    ("special.gammainccinv", "y"): "a density that the notes give",
    ("special.airy", "x"): "several outputs",
    ("special.fresnel", "x"): "several outputs",
    ("special.sici", "x"): "several outputs",
    ("special.shichi", "x"): "several outputs",
    ("special.hankel1", "x"): "complex results of real numbers",
    ("special.hankel2", "x"): "complex results of real numbers",
    ("special.hankel1e", "x"): "complex results of real numbers",
    ("special.hankel2e", "x"): "complex results of real numbers",
    ("special.wofz", "x"): "complex results of real numbers",
    ("special.lambertw", "x"): "complex results of real numbers",
    ("special.eval_jacobi", "x"): "a polynomial of the mathematical notation",
}

# Arguments at which to compare, where 0.3 and 0.6 and so on will not do.
POINTS = {
    "acosh": [1.3, 2.6],
    "clip": [-0.4, 2.6],
    "sign": [0.3, -2.6],
    "abs": [0.3, -2.6],
    "relu": [0.3, -2.6],
    "special.erfcinv": [0.3, 1.6],
    "special.ndtri_exp": [-0.3, -2.6],
    "special.binom": [3.3, 4.6],
}
ORDERS = {
    "special.yn": 2,
    "special.kn": 2,
    "special.jv": 1.5,
    "special.yv": 1.5,
    "special.kv": 1.5,
    "special.kve": 1.5,
    "special.expn": 2,
    "special.hyp0f1": 1.5,
    "special.stdtrit": 3.5,
    "special.iv": 1.5,
    "special.ive": 2.0,
    "special.polygamma": 2,
    "special.stdtr": 3.5,
}


BESSEL = {"I": "iv", "J": "jv", "K": "kv", "Y": "yv", "E": "expn"}


def _bessel(match: re.Match) -> str:
    letter, order, sign = match.groups()
    return f"{BESSEL[letter]}({order}{sign + '1' if sign else ''}, x)"


def _expression(text: str) -> str:
    """A formula as an expression of Python."""
    text = text.partition("; for complex x")[0]
    for sign, meant in (
        ("−", "-"), ("·", "*"), ("≤", "<="), ("sech² x", "sech2(x)"), ("sech²(", "sech2("), ("²", "**2"),
        ("√(", "sqrt("), ("√π", "sqrt(pi)"), ("√df", "sqrt(df)"),
        ("√2)", "sqrt(2))"), ("2π", "2 * pi"), ("π", "pi"), ("σ(", "expit("),
        ("ψ'(", "trigamma("), ("ψ(", "digamma("), ("Γ(", "gamma("), ("B(", "beta("), ("φ(", "density("),
        ("Φ(", "ndtr("), ("|x|", "abs(x)"), ("I_1'(x)", "ivp(1, x)"), ("I_v'(x)", "ivp(v, x)"),
        ("^", "**"),
    ):  # fmt: skip
        text = text.replace(sign, meant)
    text = re.sub(r"\b([IJKYE])_\{(\w)([+-])1\}\(x\)", _bessel, text)
    text = re.sub(r"\b([IJKY])_(\d)()\(x\)", _bessel, text)
    text = re.sub(r"\bK\(x\)", "ellipk(x)", re.sub(r"\bE\(x\)", "ellipe(x)", text))
    text = re.sub(r"⌊(.*?)⌋", r"floor(\1)", text)
    text = re.sub(r"\b(cos|sin|cosh|sinh|tanh|log) (\w+)", r"\1(\2)", text)
    text = re.sub(r"\b(\w+) <= (\w+) <= (\w+)", r"(\1 <= \2) & (\2 <= \3)", text)
    text = re.sub(r"\b(\w+) < (\w+) <= (\w+)", r"(\1 < \2) & (\2 <= \3)", text)
    text = re.sub(r"(\w+ > \w+) or (\w+ > \w+)", r"(\1) | (\2)", text)
    text = re.sub(
        r"^ct where (.+?), ct / 2 where (\w+) = (\w+), else 0$",
        r"where(\1, ct, where(\2 == \3, ct / 2, 0.0))",
        text,
    )
    return re.sub(r"^ct where (.+), else 0$", r"where(\1, ct, 0.0)", text)


def _scope() -> dict:
    scope = {name: getattr(np, name) for name in dir(np) if not name.startswith("_")}
    scope |= {name: f for name, f in vars(scipy.special).items() if callable(f)}
    scope |= {
        "sech2": lambda x: 1 / np.cosh(x) ** 2,
        "trigamma": lambda x: scipy.special.polygamma(1, x),
        "density": lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
        "conj": np.conj,
    }
    return scope


SCOPE = _scope()


def _arguments(name: str) -> dict:
    primitive = find(name)
    first = np.asarray(POINTS.get(name, [0.3, 0.6]))
    found: dict[str, Any] = {}
    for k, parameter in enumerate(primitive.positional):
        if name == "clip" and parameter != "x":
            found[parameter] = {"min": 0.0, "max": 1.0}[parameter] + np.zeros(2)
        elif parameter in ("v", "n", "df") and name in ORDERS:
            found[parameter] = ORDERS[name]
        elif name == "special.zeta":
            found[parameter] = [3.0, first][k]
        elif name.startswith("special.eval_"):
            found[parameter] = {"n": 3, "a": 1.5}.get(parameter, first)
        elif name.startswith(("special.betainc", "special.hyp")):
            found[parameter] = {"a": 2.5, "b": 3.5, "v": 1.5}.get(parameter, first)
        elif name == "special.stdtrit":
            found[parameter] = first
        else:
            found[parameter] = first + 0.7 * k
    return found


@pytest.mark.parametrize(
    ("name", "argument", "formula"),
    [row for row in FORMULAS if row[:2] not in IN_WORDS and row[0] != "imag"],
)
def test_a_formula_is_that_of_the_rule(name, argument, formula):
    arguments = _arguments(name)
    function = pb.autograd.namespace.function(name)
    position = list(arguments).index(argument)

    def of_it(x):
        values = list(arguments.values())
        values[position] = x
        return function(*values)

    out, pull = pb.vjp(of_it, arguments[argument])
    out = pb.to_numpy(out) if hasattr(out, "shape") else out
    ct = np.asarray([1.5, -0.5])
    names = {**SCOPE, **arguments, "out": out, "ct": ct}
    expected = eval(_expression(formula), names)
    got = pb.to_numpy(pull(ct)[0])
    np.testing.assert_allclose(got, expected + np.zeros(2), rtol=1e-9, atol=1e-300)


# Elementwise functions whose rules are for complex numbers too.
REAL = frozenset(("cbrt", "sigmoid", "softplus", "relu", "ceil", "floor", "round", "trunc"))
COMPLEX = sorted((UNARY - REAL) | {"abs", "conj", "imag", "real", "sign"})


@pytest.mark.parametrize("name", COMPLEX)
def test_a_formula_holds_for_complex_numbers(name):
    """With the conjugated cotangents of the sweep: ``vjp`` takes and returns the conjugates of those in a formula."""
    ((_, formula),) = FORMULA.findall(ENTRIES[name])
    formula = formula.partition("; for complex x, ")[2] or formula
    formula = formula.replace("i · ", "1j * ").replace("Im(ct · out)", "imag(ct * out)")
    z = np.asarray([0.3 + 0.4j, -0.6 + 0.2j])
    function = pb.autograd.namespace.function(name)
    out, pull = pb.vjp(function, z)
    out = pb.to_numpy(out)
    ct = np.asarray([1.5 - 0.3j, -0.5 + 0.7j])
    ct = ct if np.iscomplexobj(out) else ct.real
    expected = eval(_expression(formula), {**SCOPE, "x": z, "ct": ct, "out": out})
    got = np.conj(pb.to_numpy(pull(np.conj(ct))[0]))
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_what_is_said_in_words_is_there():
    assert set(IN_WORDS) <= {(name, argument) for name, argument, _ in FORMULAS}
