"""Derivatives of order 1 to 3 to 17 digits, from values with 500 digits.

    python -m venv /tmp/mpmath && /tmp/mpmath/bin/pip install mpmath
    /tmp/mpmath/bin/python tools/reference_derivatives.py tests/autograd/rules/reference_derivatives.json

mpmath is no dependency of the library or its tests, which read the table. The points are both tails of each function,
tiny numbers, and the surroundings of its poles, zeros and branch points: where rules that are made of other functions
subtract almost equal numbers when they are differentiated again.
"""

import json
import sys

import mpmath as m
from mpmath import mpf

DIGITS, STEP = 500, mpf(10) ** -35
ORDERS = (1, 2, 3)

TINY = [1e-100, 1e-20, 1e-8]
BELOW_ONE = [*TINY, -1e-5, 0.3, 0.9, 1 - 1e-6, -(1 - 1e-10)]
LINE = [*TINY, -1e-5, 0.3, 2.0, 1e3, 1e8, -1e60]
WAVES = [*TINY, 0.3, 3.0, -20.0, 300.0]
LOGISTIC = [1e-20, 0.3, 5.0, 40.0, -40.0, 300.0, -300.0]
GAUSS = [*TINY, 0.3, 2.0, -5.0, 20.0]
BESSEL = [1e-8, 1e-3, 0.3, 1.9, 2.1, -5.0, 20.0]


def phi(x):
    """The normal distribution function."""
    return m.erfc(-x / m.sqrt(2)) / 2


UNARY = {
    "asin": (m.asin, BELOW_ONE),
    "acos": (m.acos, BELOW_ONE),
    "atanh": (m.atanh, BELOW_ONE),
    "atan": (m.atan, LINE),
    "asinh": (m.asinh, LINE),
    "acosh": (m.acosh, [1 + 1e-10, 1 + 1e-5, 1.5, 10.0, 1e8, 1e60]),
    "tan": (m.tan, [*TINY, 0.3, 1.5, 1.5707963, -3.0]),
    "tanh": (m.tanh, [*TINY, 0.3, 3.0, 20.0, -40.0, 300.0]),
    "sinh": (m.sinh, WAVES),
    "cosh": (m.cosh, WAVES),
    "sin": (m.sin, [*TINY, 0.3, 3.0, -20.0]),
    "cos": (m.cos, [*TINY, 0.3, 3.0, -20.0]),
    "exp": (m.exp, [1e-20, -50.0, 3.0, 300.0]),
    "expm1": (m.expm1, [*TINY, -50.0, 3.0, 300.0]),
    "log": (m.log, [1e-80, 1e-20, 0.5, 1.0, 1 + 1e-9, 1e80]),
    "log1p": (m.log1p, [*TINY, -0.5, -1 + 1e-10, 3.0, 1e80]),
    "log2": (lambda x: m.log(x, 2), [1e-80, 1e-20, 0.5, 1e80]),
    "log10": (m.log10, [1e-80, 1e-20, 0.5, 1e80]),
    "sqrt": (m.sqrt, [1e-40, 1e-10, 2.0, 1e40]),
    "reciprocal": (lambda x: 1 / x, [1e-40, 1e-10, -2.0, 1e40]),
    "sigmoid": (lambda x: 1 / (1 + m.exp(-x)), LOGISTIC),
    "softplus": (lambda x: m.log1p(m.exp(x)), LOGISTIC),
    "sech2": (lambda x: m.sech(x) ** 2, [*TINY, 0.3, 3.0, 20.0, -40.0, 300.0]),
    "sinc": (m.sincpi, [*TINY, 1e-3, 0.3, 0.5, 2.25, -7.3, 100.3]),
    "special.erf": (m.erf, GAUSS),
    "special.erfc": (m.erfc, GAUSS),
    "special.ndtr": (phi, GAUSS),
    "special.erfinv": (m.erfinv, [*TINY, 0.3, 0.99, -(1 - 1e-8)]),
    "special.erfcx": (
        lambda x: m.exp(x * x) * m.erfc(x),
        [1e-20, 1e-8, 0.3, 2.0, 2.1, 2.2, 5.0, 9.9, 10.1, 50.0, 1e4, -3.0],
    ),
    "special.log_ndtr": (
        lambda x: m.log(phi(x)),
        [1e-20, 0.3, 2.0, 8.0, 20.0, -0.3, -2.9, -3.1, -8.0, -14.2, -40.0, -1e4],
    ),
    "special.log_expit": (lambda x: -m.log1p(m.exp(-x)), LOGISTIC),
    "special.logit": (lambda x: m.log(x / (1 - x)), [1e-80, 1e-20, 1e-8, 0.3, 0.9, 1 - 1e-10]),
    "special.gamma": (m.gamma, [1e-5, 0.3, 1.0, 1.5, 5.0, 30.0, -0.5, -2.7]),
    "special.rgamma": (m.rgamma, [1e-5, 1.0, 1.5, 5.0, 30.0, -0.5, -2.7, 0.0, -1.0, -2.0, -20.0]),
    "special.gammaln": (lambda x: m.log(abs(m.gamma(x))), [1e-5, 0.3, 1.0, 2.0, 30.0, 1e10]),
    "special.digamma": (m.digamma, [1e-5, 0.3, 5.0, 30.0, 1e10, -0.5]),
    "special.i0": (lambda x: m.besseli(0, x), BESSEL),
    "special.i1": (lambda x: m.besseli(1, x), BESSEL),
    "special.i0e": (lambda x: m.besseli(0, x) * m.exp(-abs(x)), [*BESSEL, 26.0, 99.0, 101.0, 1e4]),
    "special.i1e": (lambda x: m.besseli(1, x) * m.exp(-abs(x)), [*BESSEL, 26.0, 99.0, 101.0, 1e4]),
    "special.entr": (lambda x: -x * m.log(x), [1e-80, 1e-8, 0.5, 3.0]),
}  # fmt: skip

COMPLEX = {
    name: [1e-12 + 1e-13j, 1e-6j, 0.3 - 0.4j, 1.7 + 0.2j]
    for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh", "tan", "tanh", "sech2")
}

PAIRS = {
    "hypot": (m.hypot, [(1.0, 1e-10), (1e-12, 1.0), (3.0, 4.0), (1e-100, 1e-105), (1e80, -1e70)]),
    "atan2": (m.atan2, [(1.0, 1e-10), (1e-12, 1.0), (3.0, -4.0), (1e-50, 1e-55), (1e40, -1e35)]),
    "logaddexp": (
        lambda x, y: m.log(m.exp(x) + m.exp(y)),
        [(0.3, 0.5), (40.0, 0.0), (0.0, 50.0), (-300.0, 0.0), (-700.0, -740.0)],
    ),
    "divide": (lambda x, y: x / y, [(1.0, 1e-20), (1e-20, 3.0), (1e30, 1e-30)]),
    "pow": (lambda x, y: x**y, [(1e-20, 2.5), (2.0, 1e-20), (1 + 1e-10, 3.0), (1e30, -1.5)]),
    "special.xlogy": (
        lambda x, y: x * m.log(y), [(1e-20, 2.0), (3.0, 1e-20), (2.0, 1 + 1e-9)],
    ),
    "special.xlog1py": (lambda x, y: x * m.log1p(y), [(2.0, 1e-20), (3.0, -1 + 1e-9), (1e-20, 5.0)]),
    "special.rel_entr": (lambda x, y: x * m.log(x / y), [(0.3, 0.7), (1e-20, 0.5), (0.5, 1e-20)]),
    "special.kl_div": (
        lambda x, y: x * m.log(x / y) - x + y, [(0.3, 0.7), (1e-20, 0.5), (0.5, 1e-20)],
    ),
    "special.betaln": (
        lambda x, y: m.log(m.beta(x, y)), [(0.3, 0.7), (1e-5, 2.0), (30.0, 40.0), (1e6, 2.0)],
    ),
    "special.beta": (m.beta, [(0.3, 0.7), (1e-3, 2.0), (5.0, 4.0)]),
}  # fmt: skip


def derivative(f, x, order):
    """By central differences whose errors are beyond the digits that are kept."""
    step = STEP * (abs(x) if 0 < abs(x) < 1 else 1)
    return m.diff(f, x, order, h=step)


def second(f, x, y):
    """f_x, f_y, f_xx, f_xy, f_yy."""
    h, k = STEP * (abs(x) or 1), STEP * (abs(y) or 1)
    right, left, above, below, middle = f(x + h, y), f(x - h, y), f(x, y + k), f(x, y - k), f(x, y)
    mixed = f(x + h, y + k) - f(x + h, y - k) - f(x - h, y + k) + f(x - h, y - k)
    return [
        float(d)
        for d in (
            (right - left) / (2 * h),
            (above - below) / (2 * k),
            (right - 2 * middle + left) / h**2,
            mixed / (4 * h * k),
            (above - 2 * middle + below) / k**2,
        )
    ]


def main() -> None:
    """Write the table."""
    m.mp.dps = DIGITS
    unary = {
        name: [[x, *(float(derivative(f, mpf(x), n)) for n in ORDERS)] for x in points]
        for name, (f, points) in UNARY.items()
    }
    complex_ = {
        name: [
            [[z.real, z.imag], *([float(d.real), float(d.imag)] for d in derivatives)]
            for z in points
            for derivatives in [[m.mpc(derivative(UNARY[name][0], m.mpc(z), n)) for n in ORDERS]]
        ]
        for name, points in COMPLEX.items()
    }
    pairs = {
        name: [[x, y, *second(f, mpf(x), mpf(y))] for x, y in points]
        for name, (f, points) in PAIRS.items()
    }
    rows = {"unary": unary, "complex": complex_, "pairs": pairs}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        lines = [
            f' "{kind}": {{\n'
            + ",\n".join(f'  "{name}": {json.dumps(rows)}' for name, rows in table.items())
            + "\n }"
            for kind, table in rows.items()
        ]
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
