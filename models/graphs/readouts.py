"""Readouts: one row for each graph of a batch, from the rows of its nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp
from .graph import Graph, numbers_of
from .segments import segment_max, segment_mean, segment_sum


def global_sum_pool(x: ArrayLike, batch: Any = None, num_graphs: int | None = None) -> Any:
    """The sum of the rows of each graph's nodes.

    Parameters
    ----------
    x : array (n, F)
        Of the nodes.
    batch : Graph, array of int (n,) or None
        The graph of each node, or the record that holds it; None for one graph.
    num_graphs : int, optional
        How many graphs; a `Graph` knows it. Else the largest number and one, which is read on a CPU.

    Returns
    -------
    Array (graphs, F)

    Raises
    ------
    ValueError
        If `batch` has not one number for each row, or the number of graphs is not known: on a device, or in a function
        that `compile` or `vmap` traces.
    IndexError
        For a node of a graph that is not there.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.global_sum_pool(np.asarray([[1.0], [2.0], [4.0]]), np.asarray([0, 0, 1])).tolist()
    [[3.0], [4.0]]
    """
    return _pooled("global_sum_pool", segment_sum, x, batch, num_graphs)


def global_mean_pool(x: ArrayLike, batch: Any = None, num_graphs: int | None = None) -> Any:
    """The mean of the rows of each graph's nodes; 0 of a graph without nodes.

    Parameters
    ----------
    x, batch, num_graphs
        As in `global_sum_pool`.

    Returns
    -------
    Array (graphs, F)

    Raises
    ------
    ValueError, IndexError
        As `global_sum_pool`.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.global_mean_pool(np.asarray([[1.0], [2.0], [4.0]]), np.asarray([0, 0, 1])).tolist()
    [[1.5], [4.0]]
    """
    return _pooled("global_mean_pool", segment_mean, x, batch, num_graphs)


def global_max_pool(x: ArrayLike, batch: Any = None, num_graphs: int | None = None) -> Any:
    """The largest elements of the rows of each graph's nodes; 0 of a graph without nodes.

    Parameters
    ----------
    x, batch, num_graphs
        As in `global_sum_pool`.

    Returns
    -------
    Array (graphs, F)

    Raises
    ------
    ValueError, IndexError
        As `global_sum_pool`.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.global_max_pool(np.asarray([[1.0], [2.0], [4.0]]), np.asarray([0, 0, 1])).tolist()
    [[2.0], [4.0]]
    """
    return _pooled("global_max_pool", segment_max, x, batch, num_graphs, empty=0)


def _pooled(
    name: str, function: Any, x: ArrayLike, batch: Any, num_graphs: int | None, **settings: Any
) -> Any:
    x = xp.asarray(x)
    if isinstance(batch, Graph):
        batch, num_graphs = batch.batch, batch.count if num_graphs is None else num_graphs
    if batch is None:
        batch = 0 * numbers_of(x)
        num_graphs = 1 if num_graphs is None else num_graphs
    if num_graphs is None:
        num_graphs = _count_of(name, batch)
    if x.ndim == 0 or tuple(np.shape(batch)) != (x.shape[0],):
        raise ValueError(
            f"{name}: batch of shape {tuple(np.shape(batch))} for rows of shape {tuple(x.shape)}; it says for each row "
            "which graph it belongs to"
        )
    return function(x, batch, num_segments=num_graphs, **settings)


def _count_of(name: str, batch: Any) -> int:
    values = backend_array(xp.asarray(batch))
    if type(values) is not np.ndarray:
        raise ValueError(
            f"{name}: the number of graphs is not read from a device or a trace; give num_graphs, or a Graph"
        )
    return int(values.max()) + 1 if values.size else 0
