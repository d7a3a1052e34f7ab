"""The graph of an expression, its values and its error signals, node by node."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autograd import to_numpy, vjp
from ...autograd.core.array import backend_array
from .operations import Operation
from .parse import Applied, Constant, Expression, Variable
from .values import printed


@dataclass(frozen=True)
class Node:
    """A quantity: a variable, or what an operation makes of others.

    Parameters
    ----------
    name : str
        The variable's name, or v1, v2, … in the order of computation, without those that are variables.
    operation : Operation or None
        None for a variable.
    operands : tuple of int or Constant
        The indices of other nodes, each before this one, and numbers.
    """

    name: str
    operation: Operation | None = None
    operands: tuple[int | Constant, ...] = ()


@dataclass(frozen=True)
class Edge:
    """That a node is an operand of another, and the error signal that goes back along it.

    Parameters
    ----------
    source, target : int
        Indices of nodes: the operand, and what is made of it.
    place : int
        Which operand of the target it is.
    signal : numpy.ndarray
        In the shape of the source.
    """

    source: int
    target: int
    place: int
    signal: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """What a graph makes of the values of its variables.

    Parameters
    ----------
    values : tuple of numpy.ndarray
        Of each node.
    signals : tuple of numpy.ndarray
        The error signal of each node: the derivative of the output with respect to it (of the sum of its elements,
        where it has several).
    edges : tuple of Edge
        Those into the last node first, in the order in which the sweep goes back.
    differences : dict
        For each variable the central differences of the output, by two evaluations for each of its elements.
    trouble : str
        What is wrong with the numbers, in a sentence; empty where all are finite.
    """

    values: tuple[np.ndarray, ...]
    signals: tuple[np.ndarray, ...]
    edges: tuple[Edge, ...]
    differences: dict[str, np.ndarray]
    trouble: str


class EvaluationError(ValueError):
    """Values that an operation does not take."""


def graph_of(expression: Expression) -> tuple[Node, ...]:
    """The nodes of an expression: its variables, in the order in which they appear, and what is made of them.

    Equal parts are one node, which is computed once. An output that is a variable is a graph of one node.

    Examples
    --------
    >>> from .parse import parse
    >>> [node.name for node in graph_of(parse("x*y + sin(x*y)"))]
    ['x', 'y', 'v1', 'v2', 'v3']
    """
    names = _variables(expression)
    nodes = [Node(name) for name in names]
    known: dict[Any, int] = {}
    # no variable's name is a node's too
    free = (f"v{k}" for k in itertools.count(1) if f"v{k}" not in names)

    def place(part: Expression) -> int | Constant:
        if isinstance(part, Constant):
            return part
        if isinstance(part, Variable):
            return names.index(part.name)
        operands = tuple(place(x) for x in part.operands)
        key = (part.operation.name, operands)
        if key not in known:
            known[key] = len(nodes)
            nodes.append(Node(next(free), part.operation, operands))
        return known[key]

    place(expression)
    return tuple(nodes)


def _variables(expression: Expression) -> list[str]:
    if isinstance(expression, Variable):
        return [expression.name]
    found: dict[str, None] = {}
    if isinstance(expression, Applied):
        for operand in expression.operands:
            found |= dict.fromkeys(_variables(operand))
    return list(found)


def written(nodes: tuple[Node, ...], node: Node, operands: list[str] | None = None) -> str:
    """How a node is computed, such as ``x · y``; with other texts for its operands, where they are given."""
    if node.operation is None:
        return node.name
    return node.operation.text.format(*(operands or names_of(nodes, node)))


def names_of(nodes: tuple[Node, ...], node: Node) -> list[str]:
    """The operands of a node: names, and numbers, those below 0 in parentheses."""
    return [bracketed(x.text) if isinstance(x, Constant) else nodes[x].name for x in node.operands]


def bracketed(text: str) -> str:
    """A number as an operand."""
    return f"({text})" if text.startswith("−") else text


def evaluate(nodes: tuple[Node, ...], inputs: Mapping[str, np.ndarray]) -> Evaluation:
    """Values forward and error signals backward, each node by a vector-Jacobian product of its own.

    Parameters
    ----------
    nodes : tuple of Node
    inputs : dict
        An array for each variable.

    Returns
    -------
    Evaluation

    Raises
    ------
    EvaluationError
        If a variable has no value, or an operation does not take the shapes that it gets.
    """
    values: list[np.ndarray] = []
    pulls: list[Any] = []
    with np.errstate(all="ignore"):  # what is not finite is told by `trouble`
        for node in nodes:
            if node.operation is None:
                if node.name not in inputs:
                    raise EvaluationError(f"{node.name} has no value")
                values.append(np.asarray(inputs[node.name], float))
                pulls.append(None)
                continue
            value, pull = _applied(nodes, node, values)
            values.append(value)
            pulls.append(pull)
        signals: list[Any] = [np.zeros(value.shape) for value in values]
        signals[-1] = np.ones(values[-1].shape)
        edges = []
        for k in range(len(nodes) - 1, -1, -1):
            if pulls[k] is None:
                continue
            sent = [np.asarray(to_numpy(backend_array(x)), float) for x in pulls[k](signals[k])]
            places = [i for i, x in enumerate(nodes[k].operands) if not isinstance(x, Constant)]
            for i, signal in zip(places, sent, strict=True):
                source = nodes[k].operands[i]
                assert isinstance(source, int)
                signals[source] = signals[source] + signal
                edges.append(Edge(source, k, i, signal))
        differences = _differences(nodes, values)
    trouble = _trouble(nodes, values, signals, edges)
    return Evaluation(tuple(values), tuple(signals), tuple(edges), differences, trouble)


def _applied(
    nodes: tuple[Node, ...], node: Node, values: list[np.ndarray]
) -> tuple[np.ndarray, Any]:
    """The value of a node, and its pullback."""
    operation = node.operation
    assert operation is not None

    def f(*given: Any) -> Any:
        rest = iter(given)
        return operation.run(
            *(x.value if isinstance(x, Constant) else next(rest) for x in node.operands)
        )

    operands = [values[x] for x in node.operands if not isinstance(x, Constant)]
    try:
        out, pull = vjp(f, *operands)
    except (ValueError, TypeError, IndexError):
        shapes = " and ".join(_shape(x) for x in operands)
        raise EvaluationError(
            f"{node.name} = {written(nodes, node)} cannot be computed of {shapes}: {operation.name} "
            f"{operation.about or 'takes operands whose shapes fit'}"
        ) from None
    return np.asarray(to_numpy(backend_array(out)), float), pull


def _shape(x: np.ndarray) -> str:
    if x.ndim == 0:
        return "a number"
    return f"a vector of {len(x)}" if x.ndim == 1 else f"a matrix of {x.shape[0]} × {x.shape[1]}"


def run(nodes: tuple[Node, ...], inputs: list[np.ndarray]) -> np.ndarray:
    """The output's elements added up, from the values of the variables alone: no derivative is taken."""
    values = list(inputs)
    for node in nodes[len(inputs) :]:
        assert node.operation is not None
        operands = [x.value if isinstance(x, Constant) else values[x] for x in node.operands]
        values.append(np.asarray(to_numpy(backend_array(node.operation.run(*operands)))))
    return np.sum(values[-1])


def _differences(nodes: tuple[Node, ...], values: list[np.ndarray]) -> dict[str, np.ndarray]:
    """``(f(x + h) − f(x − h)) / 2h`` for each element of each variable."""
    variables = [node for node in nodes if node.operation is None]
    inputs = values[: len(variables)]
    found = {}
    for k, node in enumerate(variables):
        out = np.empty(inputs[k].size)
        for i in range(inputs[k].size):

            def f(x: float, k: int = k, i: int = i) -> float:
                changed = inputs[k].copy().reshape(-1)
                changed[i] = x
                trial = [*inputs[:k], changed.reshape(inputs[k].shape), *inputs[k + 1 :]]
                return float(run(nodes, trial))

            out[i] = _difference(f, float(inputs[k].reshape(-1)[i]))
        found[node.name] = out.reshape(inputs[k].shape)
    return found


def _difference(f: Callable[[float], float], at: float) -> float:
    """The central difference by a step in proportion to 1 or, where less is lost, to the number itself.

    What is lost is estimated by twice the step, and by the digits that cancel: the logarithm of 10⁻⁶ needs a short
    step, and x + 1 a long one.
    """
    best, least = math.nan, math.inf
    for scale in dict.fromkeys((max(1.0, abs(at)), abs(at) or 1.0)):
        h = float(np.finfo(float).eps ** (1 / 3)) * scale
        one, two = (
            (f(at + step) - f(at - step)) / ((at + step) - (at - step)) for step in (h, 2 * h)
        )
        lost = abs(two - one) + np.finfo(float).eps * abs(f(at)) / h
        if math.isnan(best) or lost < least:
            best, least = one, lost
    return best


def agree(gradient: np.ndarray, differences: np.ndarray) -> bool:
    """Whether a gradient and central differences are the same up to what differences are good for."""
    scale = np.maximum(1.0, np.abs(gradient))
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(gradient - differences) <= 1e-5 * scale))


def _trouble(
    nodes: tuple[Node, ...], values: list[np.ndarray], signals: list[np.ndarray], edges: list[Edge]
) -> str:
    """The first node whose value, or else the last whose error signal, is not finite."""
    for node, value in zip(nodes, values, strict=True):
        if not np.isfinite(value).all():
            operands = [
                bracketed(x.text if isinstance(x, Constant) else printed(values[x]))
                for x in node.operands
            ]
            about = node.operation.about if node.operation else ""
            why = (
                f": {node.operation.name} {about}"
                if node.operation and about
                else ": it is too large"
            )
            return f"{node.name} = {written(nodes, node)} = {written(nodes, node, operands)} is {printed(value)}{why}."
    for k in range(len(nodes) - 1, -1, -1):
        if not np.isfinite(signals[k]).all():
            # the first that brought it, where there is one: finite ones may add up to what is too large
            brought = [e for e in edges if e.source == k]
            target = nodes[
                next((e for e in brought if not np.isfinite(e.signal).all()), brought[0]).target
            ]
            about = target.operation.about if target.operation else ""
            return (
                f"The error signal of {nodes[k].name} is {printed(signals[k])}: {target.name} = "
                f"{written(nodes, target)} has no finite derivative there"
                + (f" ({target.operation.name} {about})." if target.operation and about else ".")
            )
    return ""
