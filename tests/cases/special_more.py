"""Rows for Bessel functions, integrals, quantiles and polynomials, against SciPy's.

SciPy's kernels of single precision lose digits where two functions of one sign are subtracted: such rows say so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sps

from ._table import Case, P, R, X, Z, row
from .special import KERNELS, _of

SCIPY = "SciPy alone has this function, or one of its derivative"
ALONE = {**KERNELS, "cupy_standin": SCIPY, "cupy": SCIPY}
OF_CUPY = {
    "j0", "j1", "y0", "y1", "k0", "k1", "k0e", "k1e", "exp1", "expi", "expn", "sici", "shichi", "yn", "binom", "poch",
    "gammaincinv", "gammainccinv", "lambertw", "betaincc", "betaincinv", "betainccinv", "stdtrit",
}  # fmt: skip


def _skip(name: str) -> dict[str, str]:
    return KERNELS if name in OF_CUPY else ALONE


# (function, low, high), of one array
UNARY_MORE = [
    ("j0", -2, 4), ("j1", -3, 4), ("y0", 0.5, 4), ("y1", 0.5, 4), ("k0", 0.5, 3), ("k1", 0.5, 3), ("k0e", 0.5, 3),
    ("k1e", 0.5, 3), ("exp1", 0.5, 3), ("expi", 0.5, 3), ("spence", 0.3, 3), ("erfi", -1, 1), ("dawsn", -2, 2),
    ("ellipk", -1, 0.8), ("ellipe", -1, 0.8), ("wrightomega", -1, 2), ("fresnel", -1.5, 1.5), ("sici", 0.5, 3),
    ("shichi", 0.5, 2), ("airy", -2, 1.5), ("ndtri_exp", -3, -0.3),
]  # fmt: skip

# (function, order or parameters before the array, low, high)
WITH_PARAMETERS = [
    ("jv", (2,), 0.5, 4), ("jv", (0.5,), 0.5, 4), ("yv", (1.5,), 0.5, 4), ("yn", (0,), 0.5, 4), ("yn", (2,), 0.5, 4),
    ("kn", (0,), 0.5, 3), ("kn", (2,), 0.5, 3), ("kv", (1.5,), 0.5, 3), ("kve", (1.5,), 0.5, 3),
    ("expn", (0,), 0.5, 2), ("expn", (3,), 0.5, 2), ("hyp0f1", (1.5,), -1, 2), ("hyp1f1", (0.5, 1.5), -1, 2),
    ("hyp2f1", (0.5, 1.5, 2.5), -0.7, 0.7), ("eval_legendre", (3,), -0.9, 0.9), ("eval_legendre", (0,), -0.9, 0.9),
    ("eval_jacobi", (3, 0.5, 1.5), -0.9, 0.9), ("eval_chebyt", (4,), -0.9, 0.9), ("eval_chebyu", (4,), -0.9, 0.9),
    ("eval_gegenbauer", (3, 1.5), -0.9, 0.9), ("eval_hermite", (3,), -1.5, 1.5), ("eval_hermitenorm", (4,), -1.5, 1.5),
    ("eval_laguerre", (4,), 0.2, 3), ("eval_genlaguerre", (4, 0.5), 0.2, 3),
]  # fmt: skip


def _several(name: str) -> Any:
    """SciPy's function, of one output or a tuple of them."""

    def reference(*args: Any) -> Any:
        out = getattr(sps, name)(*args)
        return tuple(map(np.asarray, out)) if isinstance(out, tuple) else np.asarray(out)

    return reference


def _parametrised() -> list[Case]:
    return [
        row(
            f"special.{name}",
            f"{parameters} first",
            *parameters,
            R(3, low=low, high=high),
            _ref=_of(name),
            _skip=_skip(name),
        )
        for name, parameters, low, high in WITH_PARAMETERS
    ]


CASES = [
    *(
        row(f"special.{name}", label, R(*shape, low=low, high=high), _ref=_several(name), _skip=_skip(name))
        for name, low, high in UNARY_MORE
        for label, shape in (("plain", (2, 3)), ("0-d", ()))
    ),
    *_parametrised(),
    *(
        row(f"special.{name}", "complex", v, P(3), _ref=_of(name), _skip=_skip(name))
        for name in ("hankel1", "hankel1e", "hankel2", "hankel2e")
        for v in (1.5,)
    ),
    row("special.wofz", "complex", Z(3), _ref=_of("wofz"), _skip=_skip("wofz")),
    row("special.lambertw", "real", P(3), _ref=_of("lambertw"), _skip=_skip("lambertw")),
    row("special.lambertw", "complex", Z(3), _ref=_of("lambertw"), _skip=_skip("lambertw")),
    row("special.owens_t", "both", R(3), R(3), _ref=_of("owens_t"), _skip=_skip("owens_t")),
    row("special.binom", "both", X([5.0, 3.3, 7.2]), X([2.0, 1.4, 3.1]), _ref=_of("binom"), _skip=_skip("binom")),
    row("special.poch", "both", P(3), P(3), _ref=_of("poch"), _skip=_skip("poch")),
    *(
        row(f"special.{name}", "both", P(3), R(3, low=0.2, high=0.8), _ref=_of(name), _skip=_skip(name))
        for name in ("gammaincinv", "gammainccinv")
    ),
    *(
        row(f"special.{name}", "of the last", 2.5, 1.5, R(3, low=0.2, high=0.8), _ref=_of(name), _skip=_skip(name))
        for name in ("betaincc", "betaincinv", "betainccinv")
    ),
    row("special.stdtrit", "of p", 3.0, R(3, low=0.2, high=0.8), _ref=_of("stdtrit"), _skip=_skip("stdtrit")),
    row("special.ellipk", "near zero", X([0.0, 1e-9, -0.29, 0.31]), _ref=_of("ellipk"), _skip=_skip("ellipk")),
    row("special.dawsn", "far", X([11.0, 13.0, -40.0]), _ref=_of("dawsn"), _skip=_skip("dawsn"), _rtol=1e-5),
    row("special.spence", "near one", X([1.0, 1.001, 0.8]), _ref=_of("spence"), _skip=_skip("spence")),
    row("special.j1", "zero", X([0.0, 1e-3, 2.1]), _ref=_of("j1"), _skip=_skip("j1")),
]  # fmt: skip
