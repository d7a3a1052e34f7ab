"""Models in .safetensors files: weights as tensors, and what is needed to use them as metadata."""

from __future__ import annotations

import itertools
import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import backend, models
from ...autograd.core.dtypes import as_numpy
from ...autograd.core.typing import PyTree
from ...autograd.pytree import tree
from ...models.activations import activation
from ..errors import InputError, extra, listed, one_line, shown
from ..files import read_bytes, write_atomic
from ..networks.architecture import Architecture, known

_KEY = "pullback"
_VERSION = 1


def save(
    path: str | os.PathLike[str],
    model: PyTree,
    metadata: Mapping[str, Any] | None = None,
    *,
    built_by: Architecture | None = None,
) -> None:
    """Write a model to a .safetensors file, completely or not at all.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    model : pytree of arrays
        Its leaves become tensors named by their paths, as ``layers.0.W``. An `MLP`'s architecture
        is written too, so that `load` can rebuild it.
    metadata : mapping, optional
        What JSON can hold, given back by `load`. It goes into the file's metadata under the one key
        ``pullback``: the same model gives the same bytes.
    built_by : Architecture, optional
        What built the model, as `pullback train` builds them: it is written, and `load` builds the model again.

    Raises
    ------
    MissingExtra
        If safetensors is not installed.
    WriteError
        If the file cannot be written.
    """
    numpy_io = extra("safetensors.numpy", "saving a model")
    tensors = {
        name: np.asarray(_to_numpy(leaf), order="C")
        for name, leaf in zip(tree.paths(model), tree.leaves(model), strict=True)
    }
    content = {
        "version": _VERSION,
        "architecture": architecture(model) if built_by is None else built_by.as_json(),
        "metadata": dict(metadata or {}),
    }
    write_atomic(path, numpy_io.save(tensors, {_KEY: json.dumps(content, allow_nan=False)}))


def load_described(
    path: str | os.PathLike[str], like: Any = None
) -> tuple[Any, dict[str, Any], Architecture | None]:
    """Model and metadata of a file that `save` wrote, and the architecture that built the model, if it is one of ours.

    Raises
    ------
    InputError
        As `pullback.train.load`.
    """
    data = read_bytes(path)
    numpy_io = extra("safetensors.numpy", "loading a model")
    try:
        tensors = numpy_io.load(data)
        # The loader leaves the metadata out: eight bytes say how long the JSON header is.
        header = _json(data[8 : 8 + int.from_bytes(data[:8], "little")].decode())
    except (MemoryError, KeyboardInterrupt):
        raise
    # of bytes that anybody may have written: the loader throws exceptions of many types
    except Exception as error:
        raise InputError(
            f"{path} is not a .safetensors file, or is damaged: {one_line(error)}"
        ) from None
    try:
        content = _json(header["__metadata__"][_KEY])
        version, metadata = content["version"], dict(content["metadata"])
        if version != _VERSION:
            message = (
                f"{path} was written in format {shown(version)}; this version reads {_VERSION}"
            )
            raise InputError(message)
        if like is None:
            found = content["architecture"]
            if known(found["kind"]):
                net = Architecture.of_json(found)
                return _built(net, tensors, path), metadata, net
            return _rebuilt(found, tensors, path), metadata, None
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
        raise InputError(
            f"{path} does not say what it is: its metadata are not those of `pullback train`"
        ) from None
    return _filled(like, tensors, path), metadata, None


def _json(text: str) -> Any:
    """The value of a text in strict JSON: no NaN, no infinity, no number beyond float64, no name twice.

    Raises
    ------
    ValueError, RecursionError
    """

    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text[:40]} is beyond float64")
        return value

    def constant(text: str) -> float:
        raise ValueError(f"{text} is no JSON")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name stands twice")
        return found

    return json.loads(text, parse_float=number, parse_constant=constant, object_pairs_hook=once)


def architecture(model: PyTree) -> dict[str, Any]:
    """The metadata from which `load` rebuilds a model: its class; for an `MLP` sizes, activation and dtype."""
    class_name = type(model).__name__
    if not isinstance(model, models.MLP):
        return {"kind": class_name}
    dtype = str(_to_numpy(model.layers[0].W).dtype)
    return {
        "kind": class_name,
        "sizes": [int(size) for size in model.sizes],
        "activation": model.activation,
        "dtype": dtype,
    }


def _rebuilt(found: dict[str, Any], tensors: dict[str, np.ndarray], path: Any) -> models.MLP:
    """The model of the architecture that the metadata name, once its tensors are known to be there."""
    if found["kind"] != "MLP":
        raise InputError(
            f"{path} holds another architecture: {one_line(found['kind'])}, not an MLP"
        )
    sizes, dtype = found["sizes"], np.dtype(str(found["dtype"]))
    if not isinstance(sizes, list) or any(type(n) is not int for n in sizes):
        raise ValueError("sizes")
    if len(sizes) - 1 > len(tensors):
        raise InputError(
            f"{path} holds another architecture: {len(sizes) - 1:,} layers, and {len(tensors):,} tensors"
        )
    # nothing is allocated, and nothing counted, that the file does not hold
    names = [f"layers.{i}.{part}" for i in range(len(sizes) - 1) for part in "Wb"]
    shapes = [shape for n, m in itertools.pairwise(sizes) for shape in ((n, m), (m,))]
    _check(dict(zip(names, zip(shapes, itertools.repeat(dtype)), strict=True)), tensors, path)
    if len(sizes) < 2 or min(sizes) < 1 or dtype.kind != "f":
        raise ValueError("sizes")
    activation(found["activation"])
    active = backend.current()
    layers = tuple(
        models.Linear(*(active.asarray(tensors[f"layers.{i}.{part}"]) for part in "Wb"))
        for i in range(len(sizes) - 1)
    )
    model = models.MLP([1, 1], activation=found["activation"], dtype=dtype)
    model.layers, model.sizes = layers, tuple(sizes)
    return model


def _built(net: Architecture, tensors: dict[str, np.ndarray], path: Any) -> Any:
    """The model of an architecture, which is built only if the file holds as many numbers."""
    held = sum(tensor.size for tensor in tensors.values())
    if net.parameters != held:
        raise InputError(
            f"{path} holds another architecture: a {net.kind} of {net.parameters:,} parameters, and the tensors are "
            f"{held:,}"
        )
    return _filled(net.build(), tensors, path)


def _filled(like: Any, tensors: dict[str, np.ndarray], path: Any) -> Any:
    """`like` with its leaves replaced by the tensors of the same names."""
    paths, (leaves, spec) = tree.paths(like), tree.flatten(like)
    wanted = {
        name: (tuple(leaf.shape), as_numpy(leaf.dtype))
        for name, leaf in zip(paths, leaves, strict=True)
    }
    _check(wanted, tensors, path)
    active = backend.current()
    return tree.unflatten(spec, [active.asarray(tensors[name]) for name in paths])


def _check(wanted: Mapping[str, Any], tensors: dict[str, np.ndarray], path: Any) -> None:
    """Refuse tensors whose names, shapes or dtypes are not the architecture's, or whose numbers are not finite."""
    missing = [name for name in wanted if name not in tensors]
    surplus = sorted(name for name in tensors if name not in wanted)
    if missing or surplus:
        message = (
            f"it lacks {listed(missing, 4)}" if missing else f"it has {listed(surplus, 4)} besides"
        )
        raise InputError(f"{path} holds another architecture: {message}")
    for name, (shape, dtype) in wanted.items():
        tensor = tensors[name]
        if (tensor.shape, tensor.dtype) != (shape, dtype):
            raise InputError(
                f"{path} holds another architecture: {name} has shape {tensor.shape} and {tensor.dtype}, "
                f"not {shape} and {dtype}"
            )
        if not np.isfinite(tensor).all():
            raise InputError(f"{path} is damaged: {name} holds NaN or infinity")


def _to_numpy(leaf: PyTree) -> np.ndarray:
    """A leaf on the host; leaves are raw arrays, or untraced `pb.Array`s around them."""
    return backend.to_numpy(getattr(leaf, "value", leaf))
