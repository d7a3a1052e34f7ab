"""The computation graph as a picture: nodes are quantities, edges say what is computed from what."""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array, unwrap_closed
from ..core.cotangents import DEFERRED
from ..core.namespaces import namespace_of
from ..core.sweep import empty_cotangents, sweep
from ..core.tape import TapeData, check_differentiable, input_slots
from ..pytree import tree

LANGUAGES = ("mermaid", "dot")


@dataclass(frozen=True)
class Node:
    """One quantity: an input, or the output of an operation."""

    slot: int
    name: str
    shape: tuple[int, ...] | None
    dtype: str
    inputs: tuple[int, ...]
    signal: str | None = None


def trace(f: Callable[..., Any], *args: Any, signals: bool = False) -> list[Node]:
    """The nodes of the graph of ``f(*args)``, in the order in which they were computed.

    Parameters
    ----------
    f : callable
        Of arrays or pytrees of floating-point arrays; returns the same.
    *args
        Where to evaluate it.
    signals : bool
        Sweep back from ones at the outputs and note each cotangent, as `draw` says.

    Returns
    -------
    list of Node
    """
    tape = TapeData(copies=True)
    leaves, spec = tree.flatten(args)
    names = [_input_name(f, path) for path in tree.paths(args)]
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

    def pull(slot: int, cts: list[Any], entry: tuple[Any, ...]) -> None:
        # it takes the cotangents of all outputs, before the sweep passes the earlier ones
        output = slot
        while operations.get(output) is entry:
            found[output] = cts[output]
            output -= 1
        entry[0](slot, cts, entry)

    sweep(tape, cts, pull=pull)
    found |= {slot: cts[slot] for slot in inputs}
    met = {
        slot: ct.materialize() if type(ct) in DEFERRED else ct
        for slot, ct in found.items()
        if ct is not None
    }
    nodes = []
    for slot in range(len(tape.entries)):
        if slot not in met and slot not in inputs:
            continue  # the outputs do not depend on it
        name = inputs[slot] if slot in inputs else operations[slot][0].operation
        parents = () if slot in inputs else input_slots(operations[slot])
        ct = met.get(slot, leaves[slot] if slot in inputs else None)
        signal = _signal(met[slot]) if signals and slot in met else None
        shape = tuple(getattr(ct, "shape", ()))
        nodes.append(Node(slot, name, shape, str(getattr(ct, "dtype", "")), parents, signal))
    return nodes


def _input_name(f: Callable[..., Any], path: str) -> str:
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
        return f"{host.reshape(-1)[0]:.3g}"
    top = np.max(np.abs(host), initial=0.0)
    scale = top if 0 < top < np.inf else 1.0
    norm = scale * np.sqrt(np.sum(np.abs(host / scale) ** 2))
    if np.iscomplexobj(host):
        return f"|{norm:.3g}|"
    mixed = (host < 0).any() and (host > 0).any()
    return f"{'±' if mixed else '-' if (host < 0).any() else ''}{norm:.3g}"


def draw(
    f: Callable[..., Any],
    *args: Any,
    language: str = "mermaid",
    signals: bool = False,
    file: str | os.PathLike[str] | None = None,
) -> str:
    """Draw the computation graph of ``f(*args)``: each quantity with its shape and dtype.

    Inputs have the names of the function's parameters, the leaves of a model or another tree their paths behind them.

    Parameters
    ----------
    f : callable
        Of arrays or pytrees of floating-point arrays; returns the same. Of a compiled function the program is drawn,
        a box for each of its statements.
    *args
        Where to evaluate it.
    language : {"mermaid", "dot"}
        Mermaid, which many editors and web pages show as it is, or Graphviz's language, which
        ``dot -Tsvg`` makes an SVG of.
    signals : bool
        Write each quantity's error signal (cotangent) beside it, from ones at the outputs: that of a single number as
        it is, else its Euclidean norm with the sign of its elements (± where they have both, |norm| of complex ones).
    file : path, optional
        Also write the text there.

    Returns
    -------
    str
        The text of the picture.

    Raises
    ------
    ValueError
        For an unknown language.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> print(pb.draw(lambda x: pb.xp.sum(pb.xp.exp(x)), np.ones(3)))
    flowchart TD
        v0(["x<br/>(3,) float64"])
        v1["exp<br/>(3,) float64"]
        v2["sum<br/>() float64"]
        v0 --> v1
        v1 --> v2
    """
    if language not in LANGUAGES:
        raise ValueError(f"draw: language {language!r}: choose one of {', '.join(LANGUAGES)}")
    if hasattr(f, "nodes") and not signals:
        # what `compile` made of it
        nodes = [n if n.inputs else replace(n, name=_input_name(f, n.name)) for n in f.nodes(*args)]
    else:
        nodes = trace(f, *args, signals=signals)
    text = _mermaid(nodes) if language == "mermaid" else _dot(nodes)
    if file is not None:
        _write(Path(file), text)
    return text


def _lines(node: Node) -> list[str]:
    name = node.name.replace("<", "").replace(">", "").replace('"', "'").replace("\\", "/")
    lines = [name, f"{node.shape} {node.dtype}"]
    return lines if node.signal is None else [*lines, f"signal {node.signal}"]


def _mermaid(nodes: list[Node]) -> str:
    lines = ["flowchart TD"]
    for node in nodes:
        label = "<br/>".join(_lines(node))
        lines.append(
            f'    v{node.slot}["{label}"]' if node.inputs else f'    v{node.slot}(["{label}"])'
        )
    lines += [f"    v{parent} --> v{node.slot}" for node in nodes for parent in node.inputs]
    return "\n".join(lines)


def _dot(nodes: list[Node]) -> str:
    lines = ["digraph {", "    node [fontname=Helvetica, shape=box, style=rounded]"]
    for node in nodes:
        label = "\\n".join(_lines(node))
        shape = "" if node.inputs else ", shape=ellipse"
        lines.append(f'    v{node.slot} [label="{label}"{shape}]')
    lines += [f"    v{parent} -> v{node.slot}" for node in nodes for parent in node.inputs]
    return "\n".join([*lines, "}"])


def _write(path: Path, text: str) -> None:
    """Write to a temporary name and rename, so that no half-written picture is left."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, delete=False, encoding="utf-8"
    ) as handle:
        handle.write(text + "\n")
    os.replace(handle.name, path)
