"""Loops over the same rows become one: softmax and normalisations pass over memory once, a row staying in cache.

A softmax is a maximum of each row, exponentials and their sums, and a quotient. As loops one after the other they read
and write the whole array three times; row by row the second and the third find the row in the first cache.

No bit depends on it: sums that are added up in another order row by row, those over rows and columns together among
them, are left out.

Statements of one group are done at once, as the plan of memory sees it: none may be written over what another reads,
but at the same element.
"""

from __future__ import annotations

import math

from ..ir.program import Op, Value
from ..ir.views import contiguous, contiguous_view
from .fuse import REDUCTIONS, Statement, Statements

# Lengths of rows that are worth a loop of their own, and stay in cache.
SHORTEST, LONGEST = 64, 1 << 15
# Bytes of an array from which on the caches do not hold several of them, and rows that there have to be.
LARGE, FEWEST = 1 << 18, 16


def group_rows(out: Statements) -> bool:
    """Number the groups of statements in `Statement.rows`, and let each group have one time.

    Returns
    -------
    bool
        Whether there is one.
    """
    groups: list[list[Statement]] = []
    group: list[Statement] = []
    for s in out.items:
        if group and _joins(out, group, s):
            group.append(s)
            continue
        groups.append(group)
        group = [s] if _can_begin(s) else []
    number = 0
    for each in [*groups, group]:
        while each and each[-1].shape[-1] == 1:  # what follows the last pass gains nothing
            each.pop()
        if sum(s.shape[-1] > 1 for s in each) > 1:
            number += 1
            for s in each:
                s.rows = number
    if not number:
        return False
    out.times = []
    time, last = -1, 0
    for s in out.items:
        time += not (s.rows and s.rows == last)
        last = s.rows
        out.times.append(time)
    return True


def _can_begin(s: Statement) -> bool:
    if s.method != "loop" or len(s.shape) < 2 or not SHORTEST <= s.shape[-1] <= LONGEST:
        return False
    if not _adds_up_alike(s):
        return False
    return math.prod(s.shape[:-1]) >= FEWEST and 4 * math.prod(s.shape) >= LARGE


def _joins(out: Statements, group: list[Statement], s: Statement) -> bool:
    """Whether a statement can be done row by row with a group, reading rows of its own number alone."""
    lead, length = group[0].shape[:-1], group[0].shape[-1]
    if s.method != "loop" or len(s.shape) < 2 or s.shape[:-1] != lead:
        return False
    if s.shape[-1] not in (1, length) or not _adds_up_alike(s):
        return False
    made: dict[Value, Op] = {op.result: op for each in group for op in each.ops}
    for op in s.ops:
        for v in op.inputs():
            root = out.root(v)
            if root in made and not _of_its_row(out, v, root, made[root], lead):
                return False
    return True


def _adds_up_alike(s: Statement) -> bool:
    """Whether row by row all sums of a statement are added up in the order in which they are without.

    A loop of its own takes rows and columns as one axis where a sum is over both, and long ones in partial sums.
    """
    last = len(s.shape) - 1
    for op in s.ops:
        if op.name != "sum":
            continue
        axis = op.settings.get("axis")
        axes = range(last + 1) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        reduced = {a % (last + 1) for a in axes if s.shape[a] > 1}
        if reduced and (s.shape[-1] == 1 or (last in reduced and len(reduced) > 1)):
            return False
    return True


def _of_its_row(out: Statements, v: Value, root: Value, maker: Op, lead: tuple[int, ...]) -> bool:
    """Whether row i of an operand is made of row i of the rows that made it."""
    if maker.name in REDUCTIONS:
        axis, dims = maker.settings.get("axis"), len(maker.args[0].shape)
        axes = axis if isinstance(axis, tuple) else (axis,)
        if axis is None or [a % dims for a in axes] != [dims - 1]:
            return False
    if v.shape[:-1] != lead:
        return False
    ref = out.refs.get(v) or contiguous_view(v)
    width = root.size // math.prod(lead)
    steps = [step * width for step in contiguous(lead)]
    rows_alike = all(n == 1 or a == b for n, a, b in zip(lead, ref.strides, steps, strict=False))
    return ref.offset == 0 and rows_alike and (ref.strides[-1] in (0, 1) or v.shape[-1] == 1)
