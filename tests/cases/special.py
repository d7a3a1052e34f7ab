"""Rows for the special functions, against SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sps

from ._table import Case, P, R, X, row

KERNELS = {"array_api_strict": "no kernel: special functions are NumPy's and CuPy's"}

# (function, interval), of one array; those with a formula in the standard run on every library
UNARY = [
    ("erf", -2, 2), ("erfc", -2, 2), ("erfcx", -2, 2), ("ndtr", -2, 2), ("log_ndtr", -2, 2), ("i0", -2, 2),
    ("i0e", 0.2, 2), ("i1", -2, 2), ("i1e", 0.2, 2), ("erfinv", -0.9, 0.9), ("erfcinv", 0.1, 1.9),
    ("ndtri", 0.1, 0.9), ("gamma", 0.5, 3), ("rgamma", 0.5, 3), ("gammaln", 0.5, 3), ("loggamma", 0.5, 3),
    ("digamma", 0.5, 3), ("logit", 0.1, 0.9),
    ("log_expit", -2, 2), ("entr", 0.2, 2),
]  # fmt: skip
FORMULAS = {"logit", "log_expit", "entr", "xlogy", "xlog1py", "rel_entr", "kl_div"}


def _with_first(name: str, first: Any) -> Any:
    return lambda _, x: np.asarray(getattr(sps, name)(first, x))


def _of(name: str) -> Any:
    return lambda *args: np.asarray(getattr(sps, name)(*args))


def _skip(name: str) -> dict[str, str]:
    return {} if name in FORMULAS else KERNELS


def _unary() -> list[Case]:
    return [
        row(
            f"special.{name}",
            label,
            R(*shape, low=low, high=high),
            _ref=_of(name),
            _skip=_skip(name),
        )
        for name, low, high in UNARY
        for label, shape in (("plain", (2, 3)), ("0-d", ()), ("empty", (0, 2)))
    ]


def _binary() -> list[Case]:
    return [
        row(f"special.{name}", label, P(*a), P(*b), _ref=_of(name), _skip=_skip(name))
        for name in ("beta", "betaln", "xlogy", "xlog1py", "rel_entr", "kl_div")
        for label, a, b in (
            ("same shape", (3,), (3,)),
            ("stretched", (2, 1), (3,)),
            ("0-d", (), ()),
        )
    ]


CASES = [
    *_unary(),
    *_binary(),
    *(
        row(f"special.{name}", f"{n} on the {side}", *args, _ref=_of(name), _skip=_skip(name))
        for name in ("betaln", "xlogy", "xlog1py", "rel_entr", "kl_div")
        for n, side, args in ((1.5, "left", (1.5, P(3))), (2, "right", (P(3), 2)))
    ),
    *(
        row("special.polygamma", f"order {n}", n, P(3), _ref=_with_first("polygamma", n), _skip=KERNELS)
        for n in (0, 1, 2)
    ),
    row("special.zeta", "of q", 2.5, P(3), _ref=_of("zeta"), _skip=KERNELS),
    *(
        row(f"special.{name}", f"order {v}", v, make, _ref=_of(name), _skip=KERNELS)
        for name in ("iv", "ive")
        for v, make in ((0, R(3, low=0.3)), (2, R(3, low=0.3)), (0.5, P(3)))
    ),
    row("special.ive", "far", 1, X([-40.0, 33.0, 100.0]), _ref=_of("ive"), _skip=KERNELS, _rtol=1e-5),
    row("special.gammainc", "of x", 2.5, P(3), _ref=_of("gammainc"), _skip=KERNELS),
    row("special.gammaincc", "of x", 2.5, P(3), _ref=_of("gammaincc"), _skip=KERNELS),
    *(
        row(f"special.{name}", label, P(*a), P(*x), _ref=_of(name), _skip=KERNELS)
        for name in ("gammainc", "gammaincc")
        for label, a, x in (("of both", (2, 3), (2, 3)), ("stretched", (2, 1), (3,)), ("0-d", (), ()))
    ),
    row("special.gammainc", "small", X([0.3, 0.7]), X([0.2, 0.9]), _ref=_of("gammainc"), _skip=KERNELS),
    row("special.gammaincc", "of a", X([0.4, 3.0, 40.0]), 2.5, _ref=_of("gammaincc"), _skip=KERNELS),
    row("special.betainc", "of x", 2.5, 1.5, R(3, low=0.1, high=0.9), _ref=_of("betainc"), _skip=KERNELS),
    row("special.stdtr", "of t", 3.0, R(3), _ref=_of("stdtr"), _skip=KERNELS),
    row("special.erfcx", "at the border", X([9.5, 10.5, 11.0]), _ref=_of("erfcx"), _skip=KERNELS, _rtol=1e-5),
    row("special.log_ndtr", "left tail", X([-40.0, -7.0]), _ref=_of("log_ndtr"), _skip=KERNELS),
    row("special.betaln", "large", X([300.0, 40.0]), X([2.0, 30.0]), _ref=_of("betaln"), _skip=KERNELS),
    *(
        row("sinc", label, x, _ref=lambda x: np.asarray(np.sinc(x)))
        for label, x in (("plain", R(2, 3)), ("0-d", R()), ("empty", R(0, 2)), ("zero", X([0.0, 1e-3, -0.2])))
    ),
    row("sinc_derivative", "second", R(4), n=2, _ref=lambda x, n: _second_of_sinc(x)),
]  # fmt: skip


def _second_of_sinc(x: np.ndarray) -> np.ndarray:
    t = np.pi * x
    return np.pi**2 * ((2 - t * t) * np.sin(t) - 2 * t * np.cos(t)) / t**3
