"""Functions that call a solver, with arguments and others for which it takes another number of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

import pullback as pb
from pullback.scipy import integrate, optimize

xp = pb.xp
linalg, implicit = pb.linalg, pb.implicit


@dataclass(frozen=True)
class Case:
    """One call of a solver.

    Attributes
    ----------
    name : str
    f : callable
        To one number.
    args, others : tuple
        Two sets of arguments.
    host : bool
        Whether it runs on NumPy's arrays alone.
    """

    name: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    others: tuple[Any, ...]
    host: bool = False

    def __repr__(self) -> str:
        return self.name


n = 5
rng = np.random.default_rng(3)
_L = rng.standard_normal((n, n))
SPD, OTHER = _L @ _L.T + n * np.eye(n), np.diag(np.repeat([2.0, 3.0], [2, n - 2]))
B, B2 = rng.standard_normal(n), rng.standard_normal(n)
TALL, TALL2 = rng.standard_normal((7, n)), np.eye(7, n) + 0.1 * rng.standard_normal((7, n))
C, C2 = rng.standard_normal(7), rng.standard_normal(7)
SPARSE = pb.sparse.csr_array(scipy.sparse.csr_array(SPD))
SPARSE2 = SPARSE._with(0.1 * SPARSE.data + np.where(SPARSE.data > n, 2.0, 0.0))
P, P2 = np.asarray([0.5, 1.0, 2.0]), np.asarray([0.1, 3.0, 0.7])
Q, Q2 = np.ones(3), np.asarray([2.0, 0.5, 1.5])
SCALAR, SCALAR2 = (np.asarray(1.0), np.asarray(2.0)), (np.asarray(0.3), np.asarray(4.0))
TIMES = np.asarray([0.0, 0.4, 1.0])


def _krylov(name: str, kind: str, host: bool = False, **settings: Any) -> Case:
    solver = getattr(linalg, name)

    def f(A: Any, b: Any) -> Any:
        operator = A if kind != "function" else lambda v: A @ v + 0.1 * b[0] * v
        more = {k: v(A) if callable(v) else v for k, v in settings.items()}
        return xp.sum(solver(operator, b, rtol=1e-11, **more)[0] ** 2)

    matrices = (SPARSE, SPARSE2) if kind == "sparse" else (SPD, OTHER)
    label = f"{name}-{kind}" + "".join(f"-{k}" for k in settings)
    return Case(label, f, (matrices[0], B), (matrices[1], B2), host)


def _lsmr(**settings: Any) -> Callable[..., Any]:
    def f(A: Any, b: Any) -> Any:
        return xp.sum(linalg.lsmr(A, b, atol=1e-12, btol=1e-12, **settings)[0] ** 2)

    return f


def _root(method: str, **settings: Any) -> Callable[..., Any]:
    def f(p: Any, q: Any) -> Any:
        return xp.sum(
            implicit.root(lambda v: v**3 + p * v - q, xp.ones(3), method=method, **settings) ** 2
        )

    return f


def _argmin(method: str, **settings: Any) -> Callable[..., Any]:
    def f(p: Any, q: Any) -> Any:
        loss = lambda v: xp.sum((v - p) ** 4) + xp.sum((v - q) ** 2)
        return xp.sum(implicit.argmin(loss, xp.zeros(3), method=method, **settings) ** 2)

    return f


def _fixed(method: str) -> Callable[..., Any]:
    def f(p: Any, q: Any) -> Any:
        T = lambda v: 0.3 * xp.cos(p * v) + q
        return xp.sum(implicit.fixed_point(T, xp.ones(3), method=method) ** 2)

    return f


def _case(name: str, f: Callable[..., Any], **settings: Any) -> Case:
    return Case(name, f, (P, Q), (P2, Q2), **settings)


KRYLOV = [
    *(_krylov(m, kind) for m in ("cg", "gmres", "bicgstab", "minres") for kind in ("array", "sparse", "function")),
    _krylov("cg", "sparse", M=linalg.jacobi),
    _krylov("gmres", "sparse", host=True, M=linalg.ilu),
    _krylov("bicgstab", "array", M=lambda A: lambda r: r / A[0, 0]),
    Case("lsmr-array", _lsmr(), (TALL, C), (TALL2, C2)),
    Case("lsmr-wide", _lsmr(), (TALL.T.copy(), B), (TALL2.T.copy(), B2)),
    Case("lsmr-damped", _lsmr(damp=0.5), (TALL, C), (TALL2, C2)),
    Case("lstsq", lambda A, b: xp.sum(linalg.lstsq(A, b) ** 2), (TALL, C), (TALL2, C2)),
    Case("spsolve", lambda A, b: xp.sum(linalg.spsolve(A, b) ** 2), (SPARSE, B), (SPARSE2, B2)),
]  # fmt: skip

IMPLICIT = [
    *(_case(f"root-{m}", _root(m), host=m == "hybr") for m in ("newton", "newton-krylov", "broyden", "hybr")),
    _case("root-gmres", _root("newton", linear_solver="gmres")),
    *(_case(f"fixed_point-{m}", _fixed(m)) for m in ("plain", "anderson")),
    *(_case(f"argmin-{m}", _argmin(m)) for m in ("newton", "lbfgs", "gradient")),
    _case("argmin-cg", _argmin("newton", linear_solver="cg")),
]  # fmt: skip


def _quartic(p: Any, q: Any) -> Callable[[Any], Any]:
    return lambda v: xp.sum((v - p) ** 4) + xp.sum((v - q) ** 2)


def _minimize(**settings: Any) -> Callable[..., Any]:
    return lambda p, q: xp.sum(
        optimize.minimize(_quartic(p, q), np.zeros(3), tol=1e-10, **settings).x ** 2
    )


def _cubic(p: Any, q: Any) -> Callable[[Any], Any]:
    return lambda v: v**3 + p * v - q


def _decay(p: Any) -> Callable[[Any, Any], Any]:
    return lambda t, y: -p * y


def _of_scipy(name: str, f: Callable[..., Any], *, scalar: bool = False) -> Case:
    return Case(name, f, SCALAR, SCALAR2, True) if scalar else _case(name, f, host=True)


SCIPY = [
    _of_scipy("root", lambda p, q: xp.sum(optimize.root(_cubic(p, q), np.ones(3)).x ** 2)),
    _of_scipy("brentq", lambda p, q: optimize.brentq(_cubic(p, q), 0.0, 5.0), scalar=True),
    _of_scipy("halley", lambda p, q: optimize.newton(_cubic(p, q), 1.0), scalar=True),
    _of_scipy(
        "fixed_point", lambda p, q: xp.sum(optimize.fixed_point(lambda v: 0.3 * xp.cos(p * v) + q, np.ones(3)) ** 2)
    ),
    _of_scipy("minimize", _minimize()),
    _of_scipy("minimize-products", _minimize(method="trust-ncg")),
    _of_scipy("minimize-bounds", _minimize(bounds=[(0.0, 0.9)] * 3)),
    _of_scipy(
        "minimize_scalar",
        lambda p, q: optimize.minimize_scalar(lambda v: (v - p) ** 4 + (v - q) ** 2, bounds=(0.0, 2.0)).x,
        scalar=True,
    ),
    _of_scipy("least_squares", lambda p, q: xp.sum(optimize.least_squares(_cubic(p, q), np.ones(3)).x ** 2)),
    _of_scipy("quad", lambda p, q: integrate.quad(lambda x: xp.exp(-p * x), 0.0, q)[0], scalar=True),
    _of_scipy("odeint", lambda p, q: xp.sum(integrate.odeint(_decay(p), q, TIMES, tfirst=True) ** 2)),
    _of_scipy(
        "solve_ivp",
        lambda p, q: xp.sum(
            integrate.solve_ivp(_decay(p), (0.0, 1.0), q, t_eval=TIMES[1:], rtol=1e-7, atol=1e-9).y ** 2
        ),
    ),
]  # fmt: skip
