"""The way through a graph step by step, each step with a sentence that says what happens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .graph import Edge, Evaluation, Node, bracketed, names_of, written
from .parse import Constant
from .values import printed


@dataclass(frozen=True)
class Step:
    """A state on the way.

    Parameters
    ----------
    sentence : str
        What has just happened.
    node : int or None
        The node at which it happened.
    valued : int
        The nodes before this one have their values.
    signalled : frozenset of int
        The nodes whose error signal is complete.
    sent : int
        How many of the evaluation's edges have carried their error signal.
    """

    sentence: str
    node: int | None
    valued: int
    signalled: frozenset[int] = frozenset()
    sent: int = 0


def steps_of(nodes: tuple[Node, ...], evaluation: Evaluation) -> list[Step]:
    """All states: the inputs, a value at a time, the output's error signal, and back a node at a time."""
    variables = [k for k, node in enumerate(nodes) if node.operation is None]
    inputs = ", ".join(f"{nodes[k].name} = {printed(evaluation.values[k])}" for k in variables)
    first = len(variables)
    found = [Step(f"The inputs are given: {inputs}.", None, first)]
    for k in range(first, len(nodes)):
        found.append(Step(_forward(nodes, k, evaluation), k, k + 1))
    last = len(nodes) - 1
    one = printed(evaluation.signals[last])
    several = (
        " for each of its elements: the gradient is that of their sum"
        if evaluation.values[last].ndim
        else ""
    )
    complete = _complete(nodes, evaluation.edges, 0)
    found.append(
        Step(
            f"Now backward. The error signal of the output, {nodes[last].name}, is {one}{several}.",
            last, len(nodes), complete,
        )
    )  # fmt: skip
    sent = 0
    for k in range(last, first - 1, -1):
        along = [e for e in evaluation.edges if e.target == k]
        before, sent = sent, sent + len(along)
        sentence = _backward(nodes, k, along, evaluation, evaluation.edges[:before])
        found.append(Step(sentence, k, len(nodes), _complete(nodes, evaluation.edges, sent), sent))
    gradients = ", ".join(
        f"∂{nodes[last].name}/∂{nodes[k].name} = {printed(evaluation.signals[k])}"
        for k in variables
    )
    found[-1] = Step(
        f"{found[-1].sentence} All error signals are complete; those of the inputs are the gradient: {gradients}.",
        found[-1].node, found[-1].valued, found[-1].signalled, found[-1].sent,
    )  # fmt: skip
    return found


def _complete(nodes: tuple[Node, ...], edges: tuple[Edge, ...], sent: int) -> frozenset[int]:
    """The nodes that wait for no edge any more."""
    waiting = {e.source for e in edges[sent:]}
    return frozenset(k for k in range(len(nodes)) if k not in waiting)


def _forward(nodes: tuple[Node, ...], k: int, evaluation: Evaluation) -> str:
    node = nodes[k]
    numbers = [
        bracketed(x.text if isinstance(x, Constant) else printed(evaluation.values[x]))
        for x in node.operands
    ]
    return f"{node.name} = {written(nodes, node)} = {written(nodes, node, numbers)} = {printed(evaluation.values[k])}."


def _backward(
    nodes: tuple[Node, ...],
    k: int,
    along: list[Edge],
    evaluation: Evaluation,
    before: tuple[Edge, ...],
) -> str:
    node = nodes[k]
    signal = printed(evaluation.signals[k])
    parts = [_part(nodes, k, edge, evaluation) for edge in along]
    text = f"{node.name} = {written(nodes, node)}, and its error signal is {signal}: {'; '.join(parts)}."
    arrived = [*before, *along]
    for source in dict.fromkeys(e.source for e in along):
        contributions = [printed(e.signal) for e in arrived if e.source == source]
        wanted = sum(1 for e in evaluation.edges if e.source == source)
        if wanted > 1:
            name, count = nodes[source].name, len(contributions)
            if count < wanted:
                text += f" {name} waits for {wanted - count} more."
            else:
                total = " + ".join(map(bracketed, contributions))
                text += f" What came back to {name} adds up: {total} = {printed(evaluation.signals[source])}."
    return text


def _part(nodes: tuple[Node, ...], k: int, edge: Edge, evaluation: Evaluation) -> str:
    """What goes back along one edge, by which formula."""
    node = nodes[k]
    assert node.operation is not None
    name, carried = nodes[edge.source].name, printed(edge.signal)
    template = node.operation.derivatives[edge.place]
    if template.startswith("→"):
        rule = template[2:].format(*names_of(nodes, node), out=node.name)
        return f"it goes back {rule}: {carried} to {name}"
    rule = template.format(*names_of(nodes, node), out=node.name)
    signal = printed(evaluation.signals[k])
    values = [
        x.text if isinstance(x, Constant) else printed(evaluation.values[x]) for x in node.operands
    ]
    filled = template.format(*map(bracketed, values), out=bracketed(printed(evaluation.values[k])))
    # what the product is of, before it is added up in the shape of the source
    shapes = [evaluation.values[x].shape for x in node.operands if not isinstance(x, Constant)]
    added = ", added up" if np.broadcast_shapes(*shapes) != edge.signal.shape else ""
    inserted = f" = {bracketed(signal)} · {filled}" if filled != rule else ""
    return f"{bracketed(signal)} · {rule}{inserted}{added} = {carried} goes back to {name}"


def position_after(steps: list[Step], position: int, move: str) -> int:
    """Where a button leads from a position in the list of steps.

    Parameters
    ----------
    steps : list of Step
    position : int
    move : {"forward", "backward", "end", "reset"}
        "forward" to the next value, "backward" to the next error signal, each only where it is its turn.

    Returns
    -------
    int
    """
    values = sum(1 for step in steps if not step.signalled)
    if move == "reset":
        return 0
    if move == "end":
        return len(steps) - 1
    if move == "forward":
        return position + 1 if position < values - 1 else position
    return min(position + 1, len(steps) - 1) if position >= values - 1 else position
