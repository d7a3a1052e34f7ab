"""The adjoint solve: one rule for linear systems, roots and fixed points.

Let v solve R(v, p) = 0 and L be a function of v. The equation holds for all p, so

    (∂R/∂v) dv + (∂R/∂p) dp = 0,    dv = −E⁻¹ (∂R/∂p) dp    with E = ∂R/∂v.

For a cotangent c of v, dL = Re Σ c·dv = −Re Σ λ·(∂R/∂p) dp, where λ solves the *adjoint system*

    Eᵀ λ = c.

One more linear solve gives the derivatives in all parameters at once, whatever their number; and where E was factored
to find v, its factors serve again. (Cotangents here are the conjugated ones that the sweep carries, so the adjoint is
the plain transpose; for the user's it is Eᴴ.) What is left is the pullback of p ↦ −R(v, p) at λ, for a constant v.

*Direct solvers*, R = A v − b: b̄ = λ and Ā = −λ vᵀ, cut to the structure of A. Both are made of a solve with Aᵀ and
products, which have rules themselves, so that derivatives of any order follow; and since each of those solves is with
A or Aᵀ, one factorisation of the values of A serves all orders: `solve_by` takes it ready made.

*Solvers that know A or R only as a function*: `implicit_solution` evaluates r = −R(v, p) by the user's own function,
which records how r depends on all that the function uses, arguments and variables of enclosing functions alike. Then
it returns v with a pull that hands λ to r: the tape does the rest. Under nested derivatives v has to be known as a
function of p one level down before R is evaluated at it, or second derivatives would lack dv/dp; so the levels are
gone through from the oldest tape to the newest, each seeing only the tapes up to its own.

Sources: Giles and Pierce, An introduction to the adjoint approach to design, 2000; Johnson, Notes on adjoint methods
for 18.335, 2012; Blondel et al., Efficient and modular implicit differentiation, 2022.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from ..core.array import Array
from ..core.defvjp import library_defvjp as defvjp
from ..core.dispatch import append_entry
from ..core.levels.batched import Batched
from ..core.levels.level import NeedsRows
from ..core.registry import attach_kernel, find
from ..core.typing import XP, Cotangent
from ..pytree import tree

# ── direct solvers ────────────────────────────────────────────────────────────────────────────


class Solver(Protocol):
    """A way to solve systems with one structure of matrix.

    A is what the user differentiates: a matrix (…, n, n), or the stored elements of a structured one. Solvers are
    frozen records or modules; all that varies with A lies in the factor.
    """

    def factor(self, A: Any) -> Any:
        """The factor, computed once from the raw values of A, which serves A and Aᵀ."""

    def solve(self, factor: Any, b: Any, transposed: bool) -> Any:
        """v (…, n, k) with A v = b, or Aᵀ v = b (no conjugate), for raw b (…, n, k)."""

    def matrix_bar(self, row: Any, column: Any, xp: XP) -> Any:
        """−row columnᵀ, cut to what A stores: the cotangent of A for A v = b with row = λ and column = v.

        row and column are (…, n, k). Runs at all levels: made of functions of `xp` alone.
        """


@attach_kernel("solve_by")
def _solve_by(A: Any, b: Any, *, solver: Solver, factor: Any, transposed: bool = False) -> Any:
    """v with A v = b, or Aᵀ v = b, by a factor of A that is there already."""
    return solver.solve(factor, b, transposed)


_SOLVE_BY = find("solve_by")


def _solve_b(ct: Cotangent, A: Any, solver: Solver, factor: Any, transposed: bool, xp: XP) -> Any:
    """λ with Aᵀ λ = ct (A λ = ct for a transposed solve), by the same factor."""
    solve_by = _SOLVE_BY.kernel_in(xp)
    return solve_by(A, ct, solver=solver, factor=factor, transposed=not transposed)


def _solve_A(b_bar: Any, out: Any, solver: Solver, transposed: bool, xp: XP) -> Any:
    """−λ outᵀ, cut to the structure of A; −out λᵀ for a transposed solve."""
    if transposed:
        return solver.matrix_bar(out, b_bar, xp)
    return solver.matrix_bar(b_bar, out, xp)


defvjp("solve_by", b=_solve_b, A=_solve_A, batched=False)

# ── solutions of equations that are known as functions ────────────────────────────────────────


def open_tapes(*values: Any) -> list[Any]:
    """The tapes that record the leaves of `values`, the oldest first.

    Raises
    ------
    NeedsRows
        If a leaf varies from row to row under `vmap`: tapes lie below it.
    """
    found = {}
    for leaf in tree.leaves(values):
        while type(leaf) is Array:
            if leaf.tape.open:
                found[leaf.tape.order] = leaf.tape
            leaf = leaf.value
        if type(leaf) is Batched:
            raise NeedsRows(leaf.level)
    return [found[order] for order in sorted(found)]


@contextmanager
def hidden(tapes: Sequence[Any]) -> Iterator[None]:
    """Within, what these tapes record are constants, and nothing is put onto them."""
    hid = [tape for tape in tapes if tape.open]
    for tape in hid:
        tape.open = False
    try:
        yield
    finally:
        for tape in hid:
            tape.open = True


def implicit_solution(
    v: Any,
    residual: Callable[[Any], Any],
    adjoint: Callable[[Any, Any], Any],
    tapes: Sequence[Any],
) -> Any:
    """The solution `v` of R(v, p) = 0 as a differentiable function of all p that R depends on.

    Parameters
    ----------
    v : array
        The solution, found with `tapes` hidden: a raw array, or an `Array` on none of them.
    residual : callable
        ``residual(v) -> −R(v, p)``, of the shape of v.
    adjoint : callable
        ``adjoint(ct, v) -> λ`` with (∂R/∂v)ᵀ λ = ct, differentiable itself (in ct, v and p). Runs in the sweep.
    tapes : sequence
        The open tapes that p may lie on, the oldest first (`open_tapes` of one evaluation of the residual).

    Returns
    -------
    Array
        With the value of `v`.
    """
    for i, tape in enumerate(tapes):
        with hidden(tapes[i + 1 :]):
            r = residual(v)
            if type(r) is Array and r.tape is tape:
                settings = {"adjoint": adjoint, "tape": weakref.ref(tape)}
                v = append_entry(
                    find("implicit"), tape, ("r",), [r.slot], v, (), [r.value], settings
                )
    return v if type(v) is Array else Array(v)


def _implicit_r(ct: Cotangent, out: Any, adjoint: Callable[[Any, Any], Any], tape: Any) -> Any:
    """λ with (∂R/∂v)ᵀ λ = ct."""
    recorded_on = tape()  # None where nothing lies on it any more
    # `Tape` sweeps while it is open; its own entries are constants here
    with hidden([] if recorded_on is None else [recorded_on]):
        return adjoint(ct, out)


defvjp("implicit", r=_implicit_r, batched=False)
