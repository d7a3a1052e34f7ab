"""`einsum`, in every form that NumPy has: the meaning of its subscripts. The rule is in `rules/products.py`."""

from __future__ import annotations

import functools
from typing import Any

from ..core.array import Array
from ..core.generated import xp as generated
from ..core.views import attach
from .creation import asarray


def einsum(*operands: Any, optimize: Any = None) -> Array:
    """Sums of products by labels of axes: ``out[o] = Σ Π_k operands[k][t_k]`` over the labels that o lacks.

    Parameters
    ----------
    *operands
        ``subscripts, x1, x2, …`` with subscripts such as ``"ij,jk->ik"``, or ``x1, [0, 1], x2, [1, 2], …, [0, 2]`` with
        numbers for labels. A label may stand twice in one operand, which takes the diagonal; ``...`` (`Ellipsis` in
        lists) stands for all other axes, which broadcast; without an output, it is the labels that stand once, in
        alphabetic order.
    optimize : bool, str or list, optional
        The order of the products, as in NumPy; by default found if the product is large.

    Returns
    -------
    Array

    Raises
    ------
    ValueError
        If the labels do not fit the operands, or one stands twice in the output.

    Notes
    -----
    The derivative by one operand is the Einstein sum of the cotangent and the others; labels that only that operand
    has are broadcast, and repeated ones go to the diagonal.

    References
    ----------
    As ``numpy.einsum``; the pullback is derived at the head of ``autograd/rules/products.py``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.grad(lambda x: pb.xp.einsum("ii->", x))(np.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    subscripts, arrays = _labelled(operands)
    arrays = [x if hasattr(x, "shape") else asarray(x) for x in arrays]
    subscripts = _explicit(subscripts, tuple([len(x.shape) for x in arrays]))
    out = generated.einsum(arrays, subscripts=subscripts, optimize=optimize)
    terms, _, output = subscripts.partition("->")
    # NumPy's result is a view then
    if len(arrays) == 1 and set(terms) == set(output):
        attach(out, arrays[0], "einsum", (), {"subscripts": subscripts})
    return out


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _labelled(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """The subscripts as text, and the arrays, of both forms of call."""
    if operands and isinstance(operands[0], str):
        return operands[0].replace(" ", ""), list(operands[1:])
    count = len(operands) // 2
    if not count:
        raise ValueError("einsum: give subscripts such as 'ij,jk->ik', and then the arrays")
    terms = ["".join("..." if k is ... else LETTERS[k] for k in term) for term in operands[1::2]]
    out = ""
    if len(operands) % 2:
        out = "->" + "".join("..." if k is ... else LETTERS[k] for k in operands[-1])
    return ",".join(terms) + out, list(operands[: 2 * count : 2])


@functools.lru_cache(maxsize=256)
def _explicit(subscripts: str, ndims: tuple[int, ...]) -> str:
    """The subscripts with letters for every ellipsis, and with an output.

    Raises
    ------
    ValueError
        If they do not fit operands of these numbers of axes.
    """
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(
            f"einsum: {subscripts!r} names {len(terms)} operands, {len(ndims)} are given"
        )
    named = [term.replace("...", "", 1) for term in terms]
    named_output = output.replace("...", "", 1)
    for part in (*named, named_output):
        wrong = [c for c in part if c not in LETTERS]
        if wrong:
            raise ValueError(
                f"einsum: {subscripts!r} has {wrong[0]!r} where a letter or '...' belongs"
            )
    stretches = []
    for term, labels, ndim in zip(terms, named, ndims, strict=True):
        rest = ndim - len(labels)
        if rest < 0 or (rest and "..." not in term):
            raise ValueError(
                f"einsum: {subscripts!r} gives {term!r} to an array of {ndim} dimensions; name each axis once, or "
                "write '...' for the others"
            )
        stretches.append(rest)
    most = max(stretches)
    free = [c for c in reversed(LETTERS) if c not in subscripts]
    if most > len(free):
        raise ValueError(
            f"einsum: {subscripts!r} and {most} further axes need more than 52 letters"
        )
    others = "".join(free[:most])
    terms = [t.replace("...", others[most - n :]) for t, n in zip(terms, stretches, strict=True)]
    if arrow:
        if most and "..." not in output:
            raise ValueError(
                f"einsum: the output of {subscripts!r} needs the '...' of its operands"
            )
        output = output.replace("...", others)
    else:
        output = others + "".join(
            sorted(c for c in set("".join(named)) if "".join(named).count(c) == 1)
        )
    for c in output:
        if output.count(c) > 1:
            raise ValueError(f"einsum: the output of {subscripts!r} has the label {c!r} twice")
        if not any(c in term for term in terms):
            raise ValueError(
                f"einsum: the output of {subscripts!r} has the label {c!r} of no operand"
            )
    return f"{','.join(terms)}->{output}"
