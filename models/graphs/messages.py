"""Messages along edges, and their sum, mean or maximum where they arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...autograd.core.typing import ArrayLike, Value
from ...autograd.functions import namespace as xp
from .graph import Edges, edges_of
from .segments import segment_max, segment_mean, segment_sum

AGGREGATES = ("sum", "mean", "max")


def check_aggregate(name: str, aggregate: Any) -> None:
    """Refuse an unknown aggregate.

    Raises
    ------
    ValueError
        It names those that there are.
    """
    if not isinstance(aggregate, str) or aggregate not in AGGREGATES:
        raise ValueError(
            f"{name}: aggregate={aggregate!r}; there are {', '.join(map(repr, AGGREGATES))}"
        )


def message_passing(
    x: ArrayLike,
    graph: Any,
    message: Callable[..., Any] | None = None,
    aggregate: str | Callable[..., Any] = "sum",
) -> Any:
    """What arrives at each node: ``out[i] = ⊕_{k: j_k → i} message(x[j_k], x[i], w_k)``.

    Parameters
    ----------
    x : array (n, F)
        Of the nodes.
    graph : Graph, array (2, E), pair or sparse matrix
        As layers take it.
    message : callable, optional
        ``message(sources, targets, weights)`` of the ends' features (E, F) each, and the weights (E,) or None: one row
        for each edge. By default the sources, times their weights where there are any.
    aggregate : {"sum", "mean", "max"} or callable
        Where nothing arrives, all have 0. A function is called
        ``aggregate(messages, targets, num_segments=n)``, as `segment_sum` is.

    Returns
    -------
    Array (n, …)

    Raises
    ------
    ValueError
        For an unknown aggregate or wrong shapes.
    IndexError
        If an edge is at a node that is not there (on a CPU).

    References
    ----------
    Gilmer et al., Neural message passing for quantum chemistry, 2017.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x, edges = np.asarray([[1.0], [2.0], [4.0]]), np.asarray([[0, 1, 2], [2, 2, 0]])
    >>> pb.models.message_passing(x, edges).tolist()
    [[4.0], [0.0], [3.0]]
    >>> pb.models.message_passing(x, edges, lambda j, i, w: j - i, "max").tolist()
    [[3.0], [0.0], [-2.0]]
    """
    if not callable(aggregate):
        check_aggregate("message_passing", aggregate)
    x = node_features("message_passing", x)
    edges = edges_of("message_passing", graph, x.shape[0])
    sources = xp.take(x, edges.source, axis=0)
    if message is None:
        sent = weighted(sources, edges.weights)
    else:
        sent = message(sources, xp.take(x, edges.target, axis=0), edges.weights)
    return aggregated(aggregate, sent, edges, x.shape[0])


def node_features(name: str, x: ArrayLike, width: int | None = None) -> Any:
    """Features as an Array.

    Raises
    ------
    ValueError
        Unless there is a row for each node, of `width` features where that is given.
    """
    x = xp.asarray(x)
    if x.ndim != 2 or width not in (None, x.shape[1]):
        raise ValueError(
            f"{name}: features of shape {tuple(x.shape)}; they have to be (n, {'F' if width is None else width}), a "
            "row for each node"
        )
    return x


def weighted(messages: Value, weights: Any) -> Any:
    """The messages (E, …), each times its weight, in their own dtype."""
    if weights is None:
        return messages
    weights = xp.astype(weights, messages.dtype, copy=False)
    return messages * xp.reshape(weights, (weights.shape[0], *(1,) * (messages.ndim - 1)))


def aggregated(aggregate: Any, messages: Value, edges: Edges, n: int) -> Any:
    """The messages (E, …) of each target, (n, …)."""
    if callable(aggregate):
        return aggregate(messages, edges.target, num_segments=n)
    if aggregate == "max":
        return segment_max(messages, edges.target, num_segments=n, empty=0)
    function = segment_sum if aggregate == "sum" else segment_mean
    return function(messages, edges.target, num_segments=n)
