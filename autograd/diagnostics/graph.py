"""The computation graph of a function: nodes are quantities, edges say what is computed from what."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array, unwrap_closed
from ..core.cotangents import DEFERRED, accumulate
from ..core.namespaces import namespace_of
from ..core.sweep import empty_cotangents, sweep
from ..core.tape import TapeData, check_differentiable, input_slots
from ..pytree import tree


@dataclass(frozen=True)
class Node:
    """One quantity: an input, or the output of an operation.

    Attributes
    ----------
    slot : int
        Its number.
    name : str
        The input's name, or the operation's.
    shape, dtype
        Of the quantity.
    inputs : tuple of int
        The numbers of what it is computed from, one for each use: of ``x * x``, x twice.
    signal : str, optional
        Its error signal in words, as `draw` says: the sum of what all its uses send back.
    shares : tuple of str
        What it sends back to each of `inputs`, in words; empty without signals, and for all but the last of several
        outputs of one operation.
    """

    slot: int
    name: str
    shape: tuple[int, ...] | None
    dtype: str
    inputs: tuple[int, ...]
    signal: str | None = None
    shares: tuple[str | None, ...] = ()


def trace(f: Callable[..., Any], *args: Any, signals: bool = False) -> list[Node]:
    """The nodes of the graph of ``f(*args)``, in the order in which they were computed.

    Parameters
    ----------
    f : callable
        Of arrays or pytrees of floating-point arrays; returns the same.
    *args
        Where to evaluate it.
    signals : bool
        Sweep back from ones at the outputs and note each cotangent and the shares it is the sum of, as `draw` says.

    Returns
    -------
    list of Node
    """
    tape = TapeData(copies=True)
    leaves, spec = tree.flatten(args)
    names = [input_name(f, path) for path in tree.paths(args)]
    watched = tape.watch_all([check_differentiable(x, "draw: an argument") for x in leaves])
    try:
        out = f(*tree.unflatten(spec, watched))
    finally:
        tape.close()
    outputs = [y for y in tree.leaves(out) if type(y) is Array and y.tape is tape]
    # a sweep from ones shows each cotangent, which has its quantity's shape and dtype
    cts = empty_cotangents(tape)
    for y in outputs:
        one = namespace_of(y.value).ones_like(y.value)
        cts[y.slot] = one if cts[y.slot] is None else cts[y.slot] + one
    inputs = {w.slot: name for w, name in zip(watched, names, strict=True)}
    # entries of the operations by slot: one of several outputs has its entry at the last of them alone
    operations: dict[int, Any] = {}
    for slot in range(len(tape.entries) - 1, -1, -1):
        if slot not in inputs:
            operations[slot] = tape.entries[slot] or operations[slot + 1]
    found: dict[int, Any] = {}
    shares: dict[int, tuple[str | None, ...]] = {}

    def pull(slot: int, cts: list[Any], entry: tuple[Any, ...]) -> None:
        # it takes the cotangents of all outputs, before the sweep passes the earlier ones
        output = slot
        while operations.get(output) is entry:
            found[output] = cts[output]
            output -= 1
        # each use of an input sends its share to a place of its own at the end, from where it is added up
        end, parents = len(cts), input_slots(entry)
        cts.extend([None] * len(parents))
        entry[0](slot, cts, (entry[0], *range(end, end + len(parents)), *entry[1 + len(parents) :]))
        sent = cts[end:]
        del cts[end:]
        for parent, share in zip(parents, sent, strict=True):
            if share is not None and cts[parent] is None:
                cts[parent] = share
            elif share is not None:
                accumulate(cts, parent, cts[parent], share)
        drawn = [o for o in range(output + 1, slot + 1) if found[o] is not None]
        if signals and drawn:  # of several outputs the last sends
            shares[drawn[-1]] = tuple(
                None if share is None else _signal(_laid_out(share)) for share in sent
            )

    sweep(tape, cts, pull=pull)
    found |= {slot: cts[slot] for slot in inputs}
    met = {slot: _laid_out(ct) for slot, ct in found.items() if ct is not None}
    nodes = []
    for slot in range(len(tape.entries)):
        if slot not in met and slot not in inputs:
            continue  # the outputs do not depend on it
        name = inputs[slot] if slot in inputs else operations[slot][0].operation
        parents = () if slot in inputs else input_slots(operations[slot])
        ct = met.get(slot, leaves[slot] if slot in inputs else None)
        signal = _signal(met[slot]) if signals and slot in met else None
        shape = tuple(getattr(ct, "shape", ()))
        dtype = str(getattr(ct, "dtype", ""))
        nodes.append(Node(slot, name, shape, dtype, parents, signal, shares.get(slot, ())))
    return nodes


def _laid_out(ct: Any) -> Any:
    return ct.materialize() if type(ct) in DEFERRED else ct


def input_name(f: Callable[..., Any], path: str) -> str:
    """The path of a leaf of the arguments, its leading number replaced by the name of the parameter there."""
    first, dot, rest = path.partition(".")
    if not first.isdigit():
        return path
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # written in C: it does not say
        return path
    argnum = int(first)
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if argnum < len(named):
        return named[argnum] + dot + rest
    rest_of = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
    return f"{rest_of[0]}.{argnum - len(named)}{dot}{rest}" if rest_of else path


def _signal(x: Any) -> str:
    """One number as it is; the Euclidean norm of more, with the sign that they share, or ± where they differ."""
    inner = backend_array(unwrap_closed(x))
    host = np.conj(backend_of(inner).to_numpy(inner))  # the sweep carries conjugates
    if host.size == 1:
        return f"{host.reshape(-1)[0] + 0.0:.3g}"
    top = np.max(np.abs(host), initial=0.0)
    scale = top if 0 < top < np.inf else 1.0
    norm = scale * np.sqrt(np.sum(np.abs(host / scale) ** 2))
    if np.iscomplexobj(host):
        return f"|{norm:.3g}|"
    mixed = (host < 0).any() and (host > 0).any()
    return f"{'±' if mixed else '-' if (host < 0).any() else ''}{norm:.3g}"
