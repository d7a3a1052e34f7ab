"""Rows for the primitives behind `pb.linalg`.

What is asserted of the public functions is in `autograd/solve/direct/test_solve.py`.
"""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy
import numpy as np

import pullback as pb
from pullback.autograd.core.array import backend_array
from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find
from pullback.autograd.solve.adjoint import hidden, implicit_solution, open_tapes

from ._table import R, Z, row
from .linalg import matrix


def _solve(A: Any, b: Any, solver: Any, factor: Any) -> Any:
    return pb.linalg.factorize(A).solve(b)


def _slogdet(A: Any, solver: Any, factor: Any) -> Any:
    return pb.linalg.factorize(A).slogdet()


def _inverse(A: Any, solver: Any, factor: Any) -> Any:
    return pb.linalg.factorize(A).inv()


def _implicit(r: Any, adjoint: Any, tape: Any) -> Any:
    """v with v = r, by the residual r − v."""
    r = pb.xp.asarray(r)
    tapes = open_tapes(r)
    with hidden(tapes):
        v = pb.xp.asarray(backend_array(r), copy=True)
    return implicit_solution(backend_array(v), lambda v: r - v, lambda ct, v: ct, tapes)


def _by_numpy(f: Any) -> Any:
    return lambda *arrays, **_: f(*arrays)


linalg = array_api_compat.numpy.linalg
SETTINGS = {"solver": None, "factor": None}  # which the public functions find themselves
A, AZ = matrix(3, 3), matrix(2, 3, 3, complex=True)

CASES = [
    row("solve_by", "real", A, R(3, 2), _call=_solve, _ref=_by_numpy(linalg.solve), **SETTINGS),
    row("solve_by", "complex batch", AZ, Z(3, 1), _call=_solve, _ref=_by_numpy(linalg.solve), **SETTINGS),
    row("solve_by", "real by complex", A, Z(3, 2), _call=_solve, _ref=_by_numpy(linalg.solve), **SETTINGS),
    row("solve_by", "empty", A, R(3, 0), _call=_solve, _ref=_by_numpy(linalg.solve), **SETTINGS),
    row("slogdet_by", "real", A, _call=_slogdet, _ref=_by_numpy(linalg.slogdet), **SETTINGS),
    row("slogdet_by", "complex batch", AZ, _call=_slogdet, _ref=_by_numpy(linalg.slogdet), **SETTINGS),
    row("inverse_by", "real", A, _call=_inverse, _ref=_by_numpy(linalg.inv), **SETTINGS),
    row("inverse_by", "complex batch", AZ, _call=_inverse, _ref=_by_numpy(linalg.inv), **SETTINGS),
    row("collect_cotangents", "real", A, _call=function_of(find("collect_cotangents")), _ref=np.array),
    row("implicit", "real", R(3), _call=_implicit, _ref=_by_numpy(np.array), adjoint=None, tape=None),
    row("implicit", "complex", Z(3), _call=_implicit, _ref=_by_numpy(np.array), adjoint=None, tape=None),
]  # fmt: skip
