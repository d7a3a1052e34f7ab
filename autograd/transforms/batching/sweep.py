"""Blocks of a Jacobian from batched sweeps over a tape.

*Which operations are batched.* Those whose rules are the library's own, in `rules/`: every row of the table of cases
tests that they give the same for k cotangents at once as for one after the other. All other entries of a tape
(`custom_vjp`, `checkpoint`, `implicit`, solvers, rules of the user's) are pulled once for each row, and the results are
stacked.

*Memory.* A sweep carries k cotangents of every array on its way, so k is bounded: the largest array on the tape
times k stays below `ELEMENTS`, and the rows go in chunks of k.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, unwrap_closed
from ...core.cotangents import DEFERRED, accumulate, as_constant
from ...core.hooks import HOOKS
from ...core.levels.batched import Batched
from ...core.levels.level import OPEN, BatchLevel, NeedsRows
from ...core.namespaces import NAMESPACES, namespace_of
from ...core.sweep import empty_cotangents, sweep
from ...core.tape import Entry, input_slots
from . import namespace as _namespace  # noqa: F401 - this makes the namespace of `Batched`
from .array import spread_rows

# 8 MiB of float64: a core's cache holds a few of these, and one keeps a GPU busy.
ELEMENTS = 1 << 20


def sweep_batched(tape: Any, cts: list[Any], k: int, first: int) -> None:
    """`sweep` for k cotangents at once.

    Parameters
    ----------
    tape
        It is kept.
    cts
        ``cts[slot]`` is a `Batched` of k cotangents, or None. Left holding those of the inputs.
    k : int
        How many.
    first : int
        How many watched inputs stand at the beginning of the tape.
    """
    entries = tape.entries
    one: list[Any] = empty_cotangents(tape)
    seeded = [slot for slot, ct in enumerate(cts) if ct is not None]
    below = cts[seeded[-1]].value if seeded else None
    lifting = type(below) is not Array and not hasattr(type(below), "__array_ufunc__")
    for slot in seeded if lifting else ():
        cts[slot] = Batched(as_constant(cts[slot].value))

    def pull(slot: int, cts: list[Any], entry: Entry) -> None:
        outputs = _outputs(entries, slot, first)
        if all(cts[i] is None for i in outputs):
            return
        targets = set(input_slots(entry))
        if is_batched(entry):
            entry[0](slot, cts, _lifted(entry) if lifting else entry)
            for i in targets:  # a rule may leave what is the same for all rows
                if type(cts[i]) not in (Batched, *DEFERRED) and cts[i] is not None:
                    cts[i] = Batched(spread_rows(cts[i], k))
        else:
            _pull_rows(tape, slot, outputs, targets, cts, one, k)

    sweep(tape, cts, pull=pull)
    for slot in range(first) if lifting else ():
        if cts[slot] is not None:
            cts[slot] = Batched(unwrap_closed(_dense(cts[slot]).value))


def is_batched(entry: Entry) -> bool:
    """Whether the rules of a tape's entry are known to take `Batched` cotangents."""
    if HOOKS.cotangents is not list:
        return False  # `debug_nans` looks at each cotangent
    return entry[0].batched


def _lifted(part: Any) -> Any:
    """A residual of an entry as Arrays: operators of other libraries refuse a `Batched` operand."""
    part_type = type(part)
    if part_type in (tuple, list):
        return part_type(_lifted(each) for each in part)
    if part_type is dict:
        return {key: _lifted(each) for key, each in part.items()}
    return part if isinstance(part, np.dtype) else as_constant(part)  # which has a shape too


def _outputs(entries: list[Any], slot: int, first: int) -> range:
    """The slots of an operation's outputs: its own, and those before it that have no entry."""
    start = slot
    while start > first and entries[start - 1] is None:
        start -= 1
    return range(start, slot + 1)


def _pull_rows(
    tape: Any,
    slot: int,
    outputs: range,
    targets: set[int],
    cts: list[Any],
    one: list[Any],
    k: int,
) -> None:
    """One pull for each row, in the list `one` that is left empty, and the shares stacked."""
    entry = tape.entries[slot]  # `debug_nans` looks for a `tape` here
    incoming = {i: _dense(cts[i]) for i in outputs if cts[i] is not None}
    rows: dict[int, list[Any]] = {i: [] for i in targets}
    for row in range(k):
        for i, ct in incoming.items():
            one[i] = namespace_of(ct.value).getitem(ct.value, (row, ...))
        entry[0](slot, one, entry)
        for i in targets:
            rows[i].append(_dense(one[i]))
            one[i] = None
    for i in outputs:
        cts[i] = one[i] = None
    for i, shares in rows.items():
        known = next((share for share in shares if share is not None), None)
        if known is None:
            continue
        xp = namespace_of(known)
        filled = [xp.zeros_like(known) if share is None else share for share in shares]
        total = Batched(xp.stack(filled, axis=0))
        if cts[i] is None:
            cts[i] = total
        else:
            accumulate(cts, i, cts[i], total)


def _dense(ct: Any) -> Any:
    return ct.materialize() if type(ct) in DEFERRED else ct


# ── sizes ─────────────────────────────────────────────────────────────────────────────────────


def sizes(tape: Any) -> list[int]:
    """The number of elements of the largest array that each operation's rule keeps on a tape."""
    return [
        max((math.prod(part.shape) for part in entry if hasattr(part, "shape")), default=1)
        for entry in tape.entries
        if entry is not None
    ]


def rows_at_once(tape: Any, values: list[Any]) -> int:
    """k: how many cotangents one sweep over a tape carries, given its inputs and outputs."""
    largest = max([*sizes(tape), *(math.prod(v.shape) for v in values)], default=1)
    return max(1, ELEMENTS // max(largest, 1))


# ── blocks ────────────────────────────────────────────────────────────────────────────────────


def rows_of(recording: Any) -> list[list[Any]]:
    """The blocks ∂y/∂x for each output y and input x of a recorded function, of shape ``(*y.shape, *x.shape)``.

    Values one level down: raw arrays, or Arrays under nested differentiation. Entries are those of the plain transpose,
    as the sweep carries it: no conjugates.
    """
    tape, inputs = recording.tape, recording.values
    ys = [y for y in recording.out_leaves if type(y) is Array and y.tape is tape]
    k = rows_at_once(tape, [*inputs, *(y.value for y in ys)])
    blocks = []
    taken: set[int] = set()
    for y in recording.out_leaves:
        shape = tuple(getattr(y, "shape", ()))
        if type(y) is not Array or y.tape is not tape or 0 in shape:
            blocks.append([_zeros((*shape, *x.shape), x) for x in inputs])
            continue
        n = math.prod(shape)
        chunks = [
            _chunk(recording, y, range(start, min(start + k, n)), taken) for start in range(0, n, k)
        ]
        blocks.append(
            [
                _joined(list(parts), (*shape, *x.shape))
                for parts, x in zip(zip(*chunks, strict=True), inputs, strict=True)
            ]
        )
    return blocks


def _chunk(recording: Any, y: Any, which: range, taken: set[int]) -> list[Any]:
    """The rows `which` of the Jacobian of one output, (len(which), *x.shape) for each input x."""
    tape, inputs = recording.tape, recording.values
    k = len(which)
    if OPEN:
        return _chunk_under_vmap(recording, y, which)
    cts: list[Any] = [None] * len(tape.entries)
    cts[y.slot] = Batched(_units(y.value, which))
    sweep_batched(tape, cts, k, len(inputs))
    rows = []
    for slot, x in enumerate(inputs):
        ct = _dense(cts[slot])
        value = _zeros((k, *x.shape), x) if ct is None else unwrap_closed(ct.value)
        rows.append(value if type(value) is Array else _owned(value, taken))
    return rows


def _chunk_under_vmap(recording: Any, y: Any, which: range) -> list[Any]:
    """`_chunk` where values may be batched already: by one more level, under which every rule runs as it stands."""
    tape, inputs = recording.tape, recording.values
    k = len(which)
    units = unwrap_closed(_units(y.value, which))
    level = BatchLevel(k)
    OPEN.append(level)
    try:
        cts = _pulled(tape, y.slot, Array(Batched(units, level)), len(inputs))
    except NeedsRows as request:
        if request.level is not level:
            raise
        one = [
            _pulled(tape, y.slot, Array(namespace_of(units).getitem(units, (i, ...))), len(inputs))
            for i in range(k)
        ]
        return [
            _zeros((k, *x.shape), x)
            if all(row[slot] is None for row in one)
            else _stacked_rows([row[slot] for row in one], x)
            for slot, x in enumerate(inputs)
        ]
    finally:
        level.open = False
        OPEN.remove(level)
    rows = []
    for ct, x in zip(cts, inputs, strict=True):
        value = None if ct is None else unwrap_closed(ct)
        if value is None:
            rows.append(_zeros((k, *x.shape), x))
        elif type(value) is Batched and value.level is level and value.mapped:
            rows.append(value.value)
        else:
            value = value.value if type(value) is Batched and value.level is level else value
            rows.append(namespace_of(value).broadcast_to(value, (k, *x.shape)))
    return [unwrap_closed(row) for row in rows]


def _pulled(tape: Any, slot: int, seed: Any, first: int) -> list[Any]:
    """The cotangents of the first slots of a tape, for one of one output."""
    cts = empty_cotangents(tape)
    cts[slot] = seed
    sweep(tape, cts)
    return [None if ct is None else _dense(ct) for ct in cts[:first]]


def _stacked_rows(rows: list[Any], x: Any) -> Any:
    filled = [as_constant(_zeros(x.shape, x)) if row is None else as_constant(row) for row in rows]
    return unwrap_closed(NAMESPACES[Array].stack(filled, axis=0))


def _units(value: Any, which: range) -> Any:
    """The unit vectors of these numbers, each in the shape of `value`."""
    below = value
    while type(below) in (Array, Batched):
        below = below.value
    xp = namespace_of(below)
    n = math.prod(value.shape)
    rows = xp.arange_like(len(which), below) + which.start
    hot = xp.reshape(rows, (len(which), 1)) == xp.arange_like(n, below)
    out = xp.reshape(xp.astype(hot, below.dtype), (len(which), *value.shape))
    return Array(out) if type(value) is Array else out


def _zeros(shape: tuple[int, ...], x: Any) -> Any:
    out = namespace_of(x).zeros_on_device_of(shape, x)
    return unwrap_closed(out) if type(out) is Array else out


def _owned(value: Any, taken: set[int]) -> Any:
    """The value in a contiguous buffer that nothing else shares."""
    out = backend_of(value).as_gradient(value)
    if id(out) in taken:
        out = namespace_of(out).copy(out)
    taken.add(id(out))
    return out


def _joined(parts: list[Any], shape: tuple[int, ...]) -> Any:
    xp = namespace_of(parts[0])
    joined = parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)
    return xp.reshape(joined, shape)
