"""Roots, logarithms and powers of matrices, and Sylvester's equation, whose solution is the derivative of the root.

*Sylvester*: A X + X B = Q. With dX from A dX + dX B = dQ − dA X − X dB and the adjoint λ from Aᵀ λ + λ Bᵀ = X̄: Q̄ = λ,
Ā = −λ Xᵀ, B̄ = −Xᵀ λ. (Cotangents are the conjugated ones that the sweep carries; transposes are plain.)

*Root*: S S = A gives S dS + dS S = dA, and Ā solves Sᵀ Ā + Ā Sᵀ = S̄.

*Logarithm*: its Fréchet derivative L(A, E) stands in the corner of the logarithm of a matrix of twice the order,
log [[A, E], [0, A]] = [[log A, L(A, E)], [0, log A]]; Ā = L(Aᵀ, X̄) (Higham, Functions of matrices, 2008, §3.2 and §11).

On NumPy the values are SciPy's (Schur's form); elsewhere Sylvester's equation is solved as one system of Kronecker
products, of n m unknowns; the root is found by the iteration of Denman and Beavers (1976), for matrices without
eigenvalues on the closed negative half line; and the logarithm by repeated roots and the series of 2 artanh((A − I)(A
+ I)⁻¹).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....backend.common.base import LAZY
from ...core.array import Array
from ...core.defvjp import function_of
from ...core.defvjp import library_defvjp as defvjp
from ...core.dtypes import is_complex
from ...core.generated import xp as generated
from ...core.namespaces import namespace_of
from ...core.registry import attach_kernel, find
from ...core.typing import XP, ArrayLike, Cotangent, RawArray, Value
from ...solve.runner import promoted, square
from .common import adjoint, conj, finite, linalg, matrix

# ── Sylvester's equation ──────────────────────────────────────────────────────────────────────


@attach_kernel("sylvester")
def _sylvester(A: RawArray, b: RawArray, q: RawArray) -> Any:
    """X with A X + X b = q, of raw matrices."""
    if isinstance(q, np.ndarray):
        import scipy.linalg  # half of the time that `import pullback` takes

        return scipy.linalg.solve_sylvester(A, b, q)
    xp = namespace_of(q)
    n, m = q.shape
    eye_n, eye_m = _eye(n, A, xp), _eye(m, b, xp)
    system = _kron(A, eye_m, xp) + _kron(eye_n, xp.matrix_transpose(b), xp)
    return xp.reshape(xp.linalg.solve(system, xp.reshape(q, (n * m, 1))), (n, m))


def _eye(n: int, like: Value, xp: XP) -> Value:
    i = xp.arange_like(n, like)
    return xp.astype(i[:, None] == i[None, :], like.dtype)


def _kron(a: Value, b: Value, xp: XP) -> Value:
    (n, m), (k, j) = a.shape, b.shape
    return xp.reshape(a[:, None, :, None] * b[None, :, None, :], (n * k, m * j))


def _solved(A: Value, b: Value, q: Value, xp: XP) -> Value:
    return find("sylvester").kernel_in(xp)(A, b, q)


def _sylvester_q(ct: Cotangent, A: Value, b: Value, xp: XP) -> Value:
    """λ with Aᵀ λ + λ bᵀ = ct."""
    return _solved(xp.matrix_transpose(A), xp.matrix_transpose(b), ct, xp)


defvjp(
    "sylvester",
    _adjoint=_sylvester_q,
    A=lambda _adjoint, out, xp: -(_adjoint @ xp.matrix_transpose(out)),
    b=lambda _adjoint, out, xp: -(xp.matrix_transpose(out) @ _adjoint),
    q=lambda _adjoint: _adjoint,
    batched=False,
)


def solve_sylvester(a: ArrayLike, b: ArrayLike, q: ArrayLike) -> Array:
    """X with ``a X + X b = q``; ā, b̄ and q̄ by one adjoint equation, aᵀ λ + λ bᵀ = X̄.

    Parameters
    ----------
    a, b, q
        Matrices (n, n), (m, m) and (n, m).

    Returns
    -------
    Array
        (n, m).

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    There is one solution if no eigenvalue of a is minus one of b. On libraries other than NumPy it costs (n m)³.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.linalg import solve_sylvester
    >>> solve_sylvester([[1.0]], [[3.0]], [[8.0]])
    Array([[2.]], dtype=float64, device='cpu')
    """
    a, b, q = matrix(a), matrix(b), matrix(q)
    square(a, "solve_sylvester")
    square(b, "solve_sylvester")
    if a.ndim != 2 or b.ndim != 2 or q.shape != (a.shape[0], b.shape[0]):
        raise ValueError(
            f"solve_sylvester: a, b and q of shapes {a.shape}, {b.shape} and {q.shape}; (n, n), (m, m), (n, m) "
            f"are wanted"
        )
    a, b = promoted(a, b)
    a, q = promoted(a, q)
    b, q = promoted(b, q)
    if any(
        is_complex(x.dtype) for x in (a, b, q)
    ):  # of which SciPy mixes no real Schur form with complex ones
        a, b, q = (x if is_complex(x.dtype) else x + 0j for x in (a, b, q))
    return function_of(find("sylvester"))(a, b, q)


def solve_continuous_lyapunov(a: ArrayLike, q: ArrayLike) -> Array:
    """X with ``a X + X aᴴ = q``.

    Examples
    --------
    >>> from pullback.scipy.linalg import solve_continuous_lyapunov
    >>> solve_continuous_lyapunov([[1.0]], [[4.0]])
    Array([[2.]], dtype=float64, device='cpu')
    """
    a = matrix(a)
    return solve_sylvester(a, adjoint(a), q)


solve_lyapunov = solve_continuous_lyapunov

DIRECT = 10  # the order up to which SciPy solves the discrete equation as one system


def solve_discrete_lyapunov(a: ArrayLike, q: ArrayLike, method: str | None = None) -> Array:
    """X with ``a X aᴴ − X + q = 0``.

    Parameters
    ----------
    a, q
        Matrices (n, n).
    method : {"direct", "bilinear"}, optional
        One system of n² unknowns (by default below order 10), or by the continuous equation.

    Returns
    -------
    Array
    """
    a, q = promoted(matrix(a), matrix(q))
    square(a, "solve_discrete_lyapunov")
    n = a.shape[0]
    if method is None:
        method = "direct" if n < DIRECT else "bilinear"
    if method not in ("direct", "bilinear"):
        raise ValueError(f"solve_discrete_lyapunov: method={method!r}; 'direct' or 'bilinear'")
    xp = namespace_of(a)
    eye = _eye(n, a, xp)
    if method == "direct":
        system = _eye(n * n, a, xp) - _kron(a, conj(a), xp)
        out = linalg("solve")(system, generated.reshape(q, (n * n, 1)))
        return generated.reshape(out, (n, n))
    ah = adjoint(a)
    inverse = linalg("inv")(ah + eye)
    b = (ah - eye) @ inverse
    c = 2.0 * (linalg("inv")(a + eye) @ q @ inverse)
    return solve_continuous_lyapunov(adjoint(b), -c)


# ── the root ──────────────────────────────────────────────────────────────────────────────────

STEPS = 60  # of the iteration, which converges quadratically from scaled matrices


@attach_kernel("sqrtm")
def _sqrtm(x: RawArray) -> Any:
    """The principal square root of raw matrices."""
    if isinstance(x, np.ndarray):
        import scipy.linalg  # half of the time that `import pullback` takes

        out = scipy.linalg.sqrtm(x)
        return (
            out.astype(np.result_type(x.dtype, np.complex64), copy=False)
            if out.dtype.kind == "c"
            else out.astype(x.dtype, copy=False)
        )
    _refuse_lazy("sqrtm", x)
    return _denman_beavers(x, namespace_of(x))


def _refuse_lazy(name: str, x: RawArray) -> None:
    """Refuse arrays without values.

    Raises
    ------
    NotImplementedError
        The message says what to do.
    """
    if type(x) in LAZY:
        raise NotImplementedError(
            f"{name}: whether the result of a Dask array is real or complex depends on its values; x.compute() gives "
            "NumPy's array, of which it is taken"
        )


def _denman_beavers(x: Value, xp: XP) -> Value:
    """Y ← (Y + Z⁻¹)/2, Z ← (Z + Y⁻¹)/2 from Y = A, Z = I, with the determinant scaled to 1."""
    Y, Z = x, _eye(x.shape[-1], x, xp) + xp.zeros_like(x)
    n = x.shape[-1]
    tolerance = n * float(xp.finfo(x.dtype).eps)
    for step in range(STEPS):
        sizes = xp.linalg.slogdet(Y)[1] + xp.linalg.slogdet(Z)[1]
        factor = xp.exp(sizes * (-0.5 / n))[..., None, None] if step < 6 else 1.0
        new_Y = 0.5 * (factor * Y + xp.linalg.inv(Z) / factor)
        new_Z = 0.5 * (factor * Z + xp.linalg.inv(Y) / factor)
        moved = float(xp.max(xp.abs(new_Y - Y)))
        Y, Z = new_Y, new_Z
        if moved <= tolerance * float(xp.max(xp.abs(Y))):
            break
    else:
        raise ValueError(
            "sqrtm: the iteration does not converge: the matrix has eigenvalues at or near the negative half "
            "line; on NumPy "
            "its root is computed by Schur's form"
        )
    return Y


def _sqrtm_rule(ct: Cotangent, out: Value, xp: XP) -> Value:
    """Ā with outᵀ Ā + Ā outᵀ = ct."""
    flat = xp.matrix_transpose(out)
    if out.ndim == 2:
        return _solved(flat, flat, ct, xp)
    lead = out.shape[:-2]
    n = out.shape[-1]
    many, cts = xp.reshape(flat, (-1, n, n)), xp.reshape(ct, (-1, n, n))
    solved = [_solved(many[i, ...], many[i, ...], cts[i, ...], xp) for i in range(many.shape[0])]
    return xp.reshape(xp.stack(solved, axis=0), (*lead, n, n))


defvjp("sqrtm", x=_sqrtm_rule, batched=False)


def sqrtm(A: ArrayLike) -> Array:
    """The principal square root of matrices (…, n, n): ``S S = A``; Ā solves Sᵀ Ā + Ā Sᵀ = S̄.

    Parameters
    ----------
    A
        Matrices (…, n, n) without eigenvalue 0, at which there is no derivative.

    Returns
    -------
    Array
        Complex where real matrices have negative eigenvalues (on NumPy; refused elsewhere).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.linalg import sqrtm
    >>> sqrtm([[4.0, 0.0], [0.0, 9.0]])
    Array([[2., 0.],
           [0., 3.]], dtype=float64, device='cpu')
    >>> pb.grad(lambda A: pb.xp.linalg.trace(sqrtm(A)))(np.diag([4.0, 9.0]))
    array([[0.25      , 0.        ],
           [0.        , 0.16666667]])
    """
    A = matrix(A)
    square(A, "sqrtm")
    return function_of(find("sqrtm"))(finite(A, "sqrtm"))


# ── the logarithm ─────────────────────────────────────────────────────────────────────────────

NEAR_ONE = 0.2  # the norm of A − I from which the series is taken
TERMS = 13


@attach_kernel("logm")
def _logm(x: RawArray) -> Any:
    """The principal logarithm of raw matrices."""
    if isinstance(x, np.ndarray):
        import scipy.linalg  # half of the time that `import pullback` takes

        # SciPy warns of what is accurate to single precision
        wide = x.astype(np.result_type(x.dtype, np.float64), copy=False)
        if x.ndim == 2:
            out = scipy.linalg.logm(wide)
        else:
            flat = [scipy.linalg.logm(part) for part in wide.reshape(-1, *x.shape[-2:])]
            out = np.stack(flat).reshape(x.shape) if flat else x.copy()
        kind = np.result_type(x.dtype, np.complex64) if out.dtype.kind == "c" else x.dtype
        return out.astype(kind, copy=False)
    _refuse_lazy("logm", x)
    xp = namespace_of(x)
    eye = _eye(x.shape[-1], x, xp)
    roots = 0
    while float(xp.max(xp.sum(xp.abs(x - eye), axis=-2))) > NEAR_ONE:
        x, roots = _denman_beavers(x, xp), roots + 1
    ratio = xp.linalg.solve(x + eye, x - eye)
    square_of_it = ratio @ ratio
    total = eye / (2.0 * TERMS - 1.0)
    for k in reversed(range(TERMS - 1)):
        total = total @ square_of_it + eye / (2.0 * k + 1.0)
    return (2.0 * 2.0**roots) * (ratio @ total)


def _logm_rule(ct: Cotangent, x: Value, xp: XP) -> Value:
    """L(xᵀ, ct): the corner of log [[xᵀ, ct], [0, xᵀ]].

    Raises
    ------
    NotImplementedError
        Where a real x has eigenvalues on the negative half line. There the logarithm jumps, and rounding would send
        equal eigenvalues of the large matrix to both sides.
    """
    if is_complex(ct.dtype) and not is_complex(x.dtype):
        raise NotImplementedError(
            "logm: no derivative of a real matrix with eigenvalues on the negative half line, where the "
            "principal logarithm "
            "jumps; of a complex matrix beside it there is one"
        )
    n = x.shape[-1]
    flat = xp.matrix_transpose(x)
    size = xp.stop_gradient(xp.max(xp.abs(ct)))
    size = xp.where(size > 0, size, xp.ones_like(size))
    scaled = ct / size  # so that the norm of the large matrix is that of x
    top = xp.concat([flat, scaled], axis=-1)
    bottom = xp.concat([xp.zeros_like(flat), flat], axis=-1)
    made = find("logm").kernel_in(xp)(xp.concat([top, bottom], axis=-2))
    return size * made[..., :n, n:]


defvjp("logm", x=_logm_rule, batched=False)


def logm(A: ArrayLike) -> Array:
    """The principal logarithm of matrices (…, n, n): ``expm(L) = A``; Ā is the Fréchet derivative at Aᵀ of L̄.

    Parameters
    ----------
    A
        Invertible matrices (…, n, n).

    Returns
    -------
    Array
        Complex where real matrices have negative eigenvalues (on NumPy; refused elsewhere).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.linalg import logm
    >>> pb.grad(lambda A: pb.xp.linalg.trace(logm(A)))(np.diag([2.0, 4.0]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    A = matrix(A)
    square(A, "logm")
    return function_of(find("logm"))(finite(A, "logm"))


# ── exponentials ──────────────────────────────────────────────────────────────────────────────


def expm(A: ArrayLike) -> Array:
    """The matrix exponential of (…, n, n).

    Examples
    --------
    >>> from pullback.scipy.linalg import expm
    >>> expm([[0.0, 1.0], [0.0, 0.0]])
    Array([[1., 1.],
           [0., 1.]], dtype=float64, device='cpu')
    """
    A = matrix(A)
    square(A, "expm")
    return generated.expm(A)


def expm_frechet(
    A: ArrayLike,
    E: ArrayLike,
    method: str | None = None,
    compute_expm: bool = True,
    check_finite: bool = True,
) -> Any:
    """``expm(A)`` and its derivative in the direction E, of the exponential of [[A, E], [0, A]].

    Parameters
    ----------
    A, E
        Matrices (n, n).
    method
        Not there: it is always that of the block matrix.
    compute_expm : bool
        Whether expm(A) is returned too.
    check_finite : bool
        As elsewhere.

    Returns
    -------
    Array or (Array, Array)
    """
    if method not in (None, "blockEnlarge"):
        raise ValueError(f"expm_frechet: method={method!r}; 'blockEnlarge' alone is there")
    A, E = promoted(matrix(A), matrix(E))
    if is_complex(A.dtype) != is_complex(E.dtype):
        A, E = A + 0j, E + 0j
    n = A.shape[-1]
    top = generated.concat([finite(A, "expm_frechet", check_finite), E], axis=-1)
    bottom = generated.concat([A * 0.0, A], axis=-1)
    out = generated.expm(generated.concat([top, bottom], axis=-2))
    corner = out[..., :n, n:]
    return (out[..., :n, :n], corner) if compute_expm else corner


def _of_exponential(name: str, real: Any, imaginary: bool) -> Any:
    def function(A: ArrayLike) -> Array:
        A = matrix(A)
        square(A, name)
        turned = A * 1j if imaginary else A
        plus, minus = generated.expm(turned), generated.expm(-turned)
        out = real(plus, minus)
        return generated.real(out) if imaginary and not is_complex(A.dtype) else out

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The matrix function `{name}` of (…, n, n), by two exponentials."
    return function


cosm = _of_exponential("cosm", lambda p, m: 0.5 * (p + m), True)
sinm = _of_exponential("sinm", lambda p, m: -0.5j * (p - m), True)
coshm = _of_exponential("coshm", lambda p, m: 0.5 * (p + m), False)
sinhm = _of_exponential("sinhm", lambda p, m: 0.5 * (p - m), False)


def tanm(A: ArrayLike) -> Array:
    """``cosm(A)⁻¹ sinm(A)``."""
    return linalg("solve")(cosm(A), sinm(A))


def tanhm(A: ArrayLike) -> Array:
    """``coshm(A)⁻¹ sinhm(A)``."""
    return linalg("solve")(coshm(A), sinhm(A))


def fractional_matrix_power(A: ArrayLike, t: Any) -> Array:
    """``A^t = expm(t logm(A))`` for a real t, in which it is differentiable; by products for a whole number."""
    A = matrix(A)
    square(A, "fractional_matrix_power")
    if isinstance(t, int | float) and t == int(t):
        return linalg("matrix_power")(A, int(t))
    return generated.expm(t * logm(A))
