"""PyTorch's state dicts and the parameters of models, by the table of `torch_layouts.py`, read in both directions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..autograd.core.array import backend_array
from ..autograd.core.dtypes import as_numpy
from ..autograd.core.transfer import to_numpy
from ..autograd.core.typing import PyTree
from ..autograd.pytree import tree
from ..backend import backend_of
from .module import parts
from .torch_layouts import IGNORED, PLACES, SAME, Layout

M = TypeVar("M")


@dataclass(frozen=True)
class Entry:
    """A leaf of the model: torch's key for it, our path to it, its number among the leaves."""

    key: str
    path: str
    number: int
    layout: Layout


def from_torch_state(model: M, state_dict: Mapping[str, Any]) -> M:
    """The model with the parameters, and running statistics, of a PyTorch state dict.

    The model says the architecture, the state dict the numbers; each key has to be there, and none besides. Nothing of
    torch is imported: a state dict that was read with ``safetensors.numpy`` does without it.

    =====================================================  ==========================================================
    ours                                                   torch's
    =====================================================  ==========================================================
    `Linear` W, b                                          ``weight`` (transposed), ``bias``
    `Conv1d` … `ConvTranspose3d` W, b                      ``weight``, ``bias``
    `BatchNorm` scale, shift, running_mean, running_var    ``weight``, ``bias``, ``running_mean``, ``running_var``;
                                                           ``num_batches_tracked`` is passed over
    `LayerNorm`, `GroupNorm`, `RMSNorm` scale, shift       ``weight``, ``bias``
    `Embedding`, `LearnedEncoding` W                       ``weight``
    `RNNCell`, `LSTMCell`, `GRUCell`                       the same names
    `RNN`, `LSTM`, `GRU`                                   the cell's names and ``_l0``, ``_l0_reverse``, ``_l1``, …
    `MultiHeadAttention` W, b, output                      ``in_proj_weight`` (transposed), ``in_proj_bias``,
                                                           ``out_proj``; W_q, W_k, W_v ``q_proj_weight``, … (transposed)
    `TransformerBlock`                                     as ``TransformerEncoderLayer``, ``TransformerDecoderLayer``:
                                                           attention is ``self_attn``, cross ``multihead_attn``
    `Sequential`                                           ``0.``, ``1.``, …: layers without parameters count
    `MLP`                                                  a ``Sequential`` of linear layers and activations: ``0.``,
                                                           ``2.``, ``4.``, …
    `GraphConv`, `SAGEConv`, `GraphAttention`, `GCN`       as ``GCNConv``, ``SAGEConv``, ``GATConv``, ``GCN`` of PyTorch
                                                           Geometric
    a module of one's own, a dataclass                     the names of its fields
    tuples, lists and dicts                                ``ModuleList``, ``ParameterList``, ``ModuleDict``: indices,
                                                           keys
    =====================================================  ==========================================================

    Parameters
    ----------
    model : pytree
        A `Module`, or a tuple, list, dict or dataclass of them.
    state_dict : mapping of str to array
        What ``module.state_dict()`` or a safetensors file holds: NumPy arrays, or tensors on any device.

    Returns
    -------
    pytree
        As `model`, each array where it was and of the dtype it had, as ``load_state_dict`` has it: bfloat16 values fill
        a float32 model. It shares no memory with the state dict.

    Raises
    ------
    ValueError
        If keys are missing or unexpected, or arrays have other shapes than the model's or cannot be cast to its dtypes
        (complex to real, fractions to integers). All of them are named, by torch's key and the path in the model.
    TypeError
        If `state_dict` is no mapping of names to arrays, or two parts of the model have one name there.

    Notes
    -----
    To take over a part of a state dict, such as all but the last layer, lay it over the model's own:
    ``from_torch_state(model, {**to_torch_state(model), **part})``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> M = pb.models
    >>> model = M.Sequential(M.Linear.init(2, 3), "relu", M.Linear.init(3, 1, bias=False))
    >>> state_dict = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(3), "2.weight": np.full((1, 3), 0.5)}
    >>> model = M.from_torch_state(model, state_dict)
    >>> model(pb.asarray([[1.0, 2.0]], dtype="float32"))
    Array([[4.5]], dtype=float32, device='cpu')
    """
    state = _host(state_dict)
    leaves, spec = tree.flatten(model)
    entries, ignored = _entries(model)
    problems = _problems(entries, leaves, state, ignored)
    if problems:
        prefix = _common_prefix(state, entries)
        hint = (
            f"\nEvery key begins with {prefix!r}: give {{k.removeprefix({prefix!r}): v for k, v in state_dict.items()}}"
            if prefix
            else ""
        )
        raise ValueError(
            f"from_torch_state: the state dict is not one of this {type(model).__name__}\n  "
            + "\n  ".join(problems)
            + hint
        )
    new = list(leaves)
    for entry in entries:
        value = state[entry.key]
        new[entry.number] = _as_leaf(leaves[entry.number], entry.layout.from_torch(value))
    return tree.unflatten(spec, new)


def to_torch_state(model: PyTree) -> dict[str, np.ndarray]:
    """The parameters and running statistics of a model as a PyTorch state dict: the inverse of `from_torch_state`.

    Parameters
    ----------
    model : pytree
        A `Module`, or a tuple, list, dict or dataclass of them.

    Returns
    -------
    dict of str to numpy.ndarray
        In torch's names and layouts, as copies on the host, contiguous, in the model's dtypes. torch takes it by
        ``module.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})``, and ``safetensors.numpy`` as it
        is.

    Raises
    ------
    TypeError
        If the model is traced: a gradient would be cut.

    Examples
    --------
    >>> import pullback as pb
    >>> state = pb.models.to_torch_state(pb.models.MLP([4, 8, 3]))
    >>> {key: value.shape for key, value in state.items()}
    {'0.weight': (8, 4), '0.bias': (8,), '2.weight': (3, 8), '2.bias': (3,)}
    """
    leaves = tree.leaves(model)
    state = {}
    for entry in _entries(model)[0]:
        value = to_numpy(leaves[entry.number])
        state[entry.key] = np.array(entry.layout.to_torch(value), order="C")
    return state


def _entries(model: PyTree) -> tuple[list[Entry], set[str]]:
    """A line for each leaf of a model, and the keys that are passed over.

    Raises
    ------
    TypeError
        If it holds containers whose parts have no names, or two parts of one name.
    """
    leaves, spec = tree.flatten(model)
    ignored: set[str] = set()
    numbers = tree.unflatten(spec, list(range(len(leaves))))
    entries = list(_walk(model, numbers, _At((), (), ""), SAME, ignored))
    if len(entries) != len(leaves):
        found = {entry.number for entry in entries}
        lost = [path for i, path in enumerate(tree.paths(model)) if i not in found]
        raise TypeError(
            f"a state dict has no names for {', '.join(lost)}: parameters are held by modules, dataclasses, tuples, "
            "lists and dicts"
        )
    last = {entry.key: entry for entry in entries}
    for entry in entries:
        other = last[entry.key]
        if other is not entry:
            raise TypeError(
                f"{entry.path} and {other.path} would both be {entry.key!r} in a state dict; give one of them another "
                "name"
            )
    return entries, ignored


class _At(NamedTuple):
    """Where a walk is: torch's names, ours, and what comes behind the names of arrays."""

    key: tuple[str, ...]
    path: tuple[str, ...]
    suffix: str

    def inside(self, key: str, path: str, suffix: str = "") -> _At:
        names = (*self.key, key) if key else self.key
        return _At(names, (*self.path, path), self.suffix + suffix)


def _walk(
    node: PyTree, numbers: PyTree, at: _At, layout: Layout, ignored: set[str]
) -> Iterator[Entry]:
    """The leaves inside `node`; `numbers` is it with numbers for leaves."""
    if type(numbers) is int:
        yield Entry(".".join(at.key) + at.suffix, ".".join(at.path), numbers, layout)
        return
    places = _of_class(PLACES, type(node)) or {}
    ignored.update(".".join((*at.key, name)) for name in _of_class(IGNORED, type(node)) or ())
    for (name, part), (_, number) in zip(parts(node), parts(numbers), strict=True):
        place = places.get(name)
        inner = at.inside(name if place is None else place.name, name)
        if place is not None and isinstance(part, tuple):
            for i, (x, n) in enumerate(zip(part, number, strict=True)):
                key, suffix = place.index(node, i)
                yield from _walk(x, n, inner.inside(key, str(i), suffix), SAME, ignored)
        else:
            yield from _walk(part, number, inner, place.layout if place else SAME, ignored)


def _of_class(table: Mapping[type, Any], cls: type) -> Any:
    """The line of a class, or of the one that it is derived from."""
    return next((table[base] for base in cls.__mro__ if base in table), None)


def _host(state_dict: Any) -> dict[str, np.ndarray]:
    """The state dict with NumPy's arrays."""
    if not isinstance(state_dict, Mapping):
        hint = "; give its .state_dict()" if hasattr(state_dict, "state_dict") else ""
        if isinstance(state_dict, str | os.PathLike):
            hint = "; read the file first, as by safetensors.numpy.load_file(path)"
        raise TypeError(
            f"from_torch_state: the state dict is a mapping of names to arrays, not a {type(state_dict).__name__}{hint}"
        )
    return {str(key): _value(key, value) for key, value in state_dict.items()}


def _value(key: Any, value: Any) -> np.ndarray:
    """A value of a state dict on the host."""
    try:
        if hasattr(value, "detach"):  # a tensor of torch, which may require a gradient
            value = value.detach().cpu()
            # NumPy has no dtype for these: float32 holds each of their numbers
            narrow = str(value.dtype).startswith(("torch.bfloat16", "torch.float8"))
            array = (value.float() if narrow else value).numpy()
        else:
            array = to_numpy(value)
    except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        hint = (
            "; a checkpoint holds the state dict under a name, such as checkpoint['state_dict']"
            if isinstance(value, Mapping)
            else ""
        )
        raise TypeError(
            f"from_torch_state: {key!r} is a {type(value).__name__}, which is no array: {error}{hint}"
        ) from error
    if array.dtype == object:
        raise TypeError(
            f"from_torch_state: {key!r} is a {type(value).__name__} of objects, not of numbers"
        )
    return array


def _problems(
    entries: list[Entry], leaves: list[Any], state: dict[str, np.ndarray], ignored: set[str]
) -> list[str]:
    """What keeps the state dict from being the model's, a line for each key."""
    lines = []
    for entry in entries:
        leaf = leaves[entry.number]
        shape, dtype = _shape_and_dtype(leaf)
        theirs = entry.layout.shape(shape)
        if entry.key not in state:
            lines.append(f"missing: {entry.key!r} of shape {theirs}, which is {entry.path}")
            continue
        value = state[entry.key]
        if value.shape != theirs:
            lines.append(
                f"wrong shape: {entry.key!r} is {value.shape}; {entry.path} of shape {shape} takes {theirs}"
            )
        elif not _casts(value.dtype, dtype):
            lines.append(
                f"wrong dtype: {entry.key!r} is {value.dtype}, which {entry.path} of {dtype} cannot hold"
            )
    wanted = {entry.key for entry in entries} | ignored
    lines += [
        f"unexpected: {key!r} of shape {value.shape}"
        for key, value in state.items()
        if key not in wanted
    ]
    return lines


def _shape_and_dtype(leaf: Any) -> tuple[tuple[int, ...], np.dtype]:
    if isinstance(leaf, bool | int | float | complex):
        return (), np.asarray(leaf).dtype
    return tuple(leaf.shape), as_numpy(leaf.dtype)


def _casts(given: np.dtype, wanted: np.dtype) -> bool:
    """Whether numbers keep what they say: not complex as real, nor fractions as integers."""
    order = "biufc"
    # ml_dtypes' formats, as bfloat16, are no kind of NumPy's
    a, b = (order.find("f" if dtype.kind == "V" else dtype.kind) for dtype in (given, wanted))
    return a >= 0 and (a <= b or {a, b} == {1, 2})


def _common_prefix(state: dict[str, np.ndarray], entries: list[Entry]) -> str:
    """The first name of all keys, such as ``"module."``, where the rest is what the model has."""
    prefix = next(iter(state), "").partition(".")[0] + "."
    keys = {key.removeprefix(prefix) for key in state if key.startswith(prefix)}
    wanted = {entry.key for entry in entries}
    return prefix if len(keys) == len(state) and wanted and wanted <= keys else ""


def _as_leaf(leaf: Any, value: np.ndarray) -> Any:
    """The value where a leaf of the model is, in its dtype."""
    _, dtype = _shape_and_dtype(leaf)
    value = np.array(value, dtype=dtype, order="C")
    if isinstance(leaf, bool | int | float | complex):
        return value.item()
    return backend_of(backend_array(leaf)).asarray(value)
