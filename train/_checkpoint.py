"""Models in .safetensors files: weights as tensors, and what is needed to use them as metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import backend, models
from ..autograd import tree
from ._errors import InputError, extra, listed
from ._files import read_bytes, write_atomic

_KEY = "pullback"
_VERSION = 1


def save(
    path: str | os.PathLike[str], model: Any, metadata: Mapping[str, Any] | None = None
) -> None:
    """Write a model to a .safetensors file, whole or not at all.

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
        "architecture": architecture(model),
        "metadata": dict(metadata or {}),
    }
    write_atomic(path, numpy_io.save(tensors, {_KEY: json.dumps(content, allow_nan=False)}))


def load(path: str | os.PathLike[str], like: Any = None) -> tuple[Any, dict[str, Any]]:
    """Read a model that `save` wrote, onto the active backend.

    Parameters
    ----------
    path : path
        The .safetensors file.
    like : pytree of arrays, optional
        A model of the same structure, for models that are not an `MLP`.

    Returns
    -------
    model : pytree
        An `MLP`, or what `like` is.
    metadata : dict
        What `save` was given.

    Raises
    ------
    InputError
        If the file is missing, truncated, not safetensors, not from pullback, or of another
        architecture than it says or than `like` has.
    """
    data = read_bytes(path)
    numpy_io = extra("safetensors.numpy", "loading a model")
    safetensors = extra("safetensors", "loading a model")
    try:
        tensors = numpy_io.load(data)
        # The loader leaves the metadata out: eight bytes say how long the JSON header is.
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is not a .safetensors file, or is damaged: {reason}") from None
    try:
        content = json.loads(header["__metadata__"][_KEY])
        version, metadata = content["version"], dict(content["metadata"])
        if like is None:
            like = _blank(content["architecture"], path)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{path} does not say what it is: its metadata are not those of `pullback train`"
        ) from None
    if version != _VERSION:
        raise InputError(f"{path} was written in format {version}; this version reads {_VERSION}")
    return _filled(like, tensors, path), metadata


def architecture(model: Any) -> dict[str, Any]:
    """What `load` needs to rebuild a model: its kind; for an `MLP` sizes, activation and dtype."""
    kind = type(model).__name__
    if not isinstance(model, models.MLP):
        return {"kind": kind}
    dtype = str(_to_numpy(model.layers[0].W).dtype)
    return {
        "kind": kind,
        "sizes": [int(size) for size in model.sizes],
        "activation": model.activation,
        "dtype": dtype,
    }


def _blank(found: dict[str, Any], path: Any) -> models.MLP:
    """A model of the architecture that the metadata name; its weights are still to come."""
    if found["kind"] != "MLP":
        raise InputError(f"{path} holds another architecture: {found['kind']}, not an MLP")
    sizes = [int(size) for size in found["sizes"]]
    return models.MLP(sizes, activation=found["activation"], dtype=found["dtype"])


def _filled(like: Any, tensors: dict[str, np.ndarray], path: Any) -> Any:
    """`like` with its leaves replaced by the tensors of the same names."""
    paths, (leaves, spec) = tree.paths(like), tree.flatten(like)
    missing = [name for name in paths if name not in tensors]
    surplus = sorted(name for name in tensors if name not in paths)
    if missing or surplus:
        told = (
            f"it lacks {listed(missing, 4)}" if missing else f"it has {listed(surplus, 4)} besides"
        )
        raise InputError(f"{path} holds another architecture: {told}")
    active = backend.current()
    new = []
    for name, leaf in zip(paths, leaves, strict=True):
        tensor = tensors[name]
        found, wanted = (tensor.shape, str(tensor.dtype)), (tuple(leaf.shape), str(leaf.dtype))
        if found != wanted:
            raise InputError(
                f"{path} holds another architecture: {name} has shape {found[0]} and {found[1]}, "
                f"not {wanted[0]} and {wanted[1]}"
            )
        if not np.isfinite(tensor).all():
            raise InputError(f"{path} is damaged: {name} holds NaN or infinity")
        new.append(active.asarray(tensor))
    return tree.unflatten(spec, new)


def _to_numpy(leaf: Any) -> np.ndarray:
    """A leaf on the host; leaves are raw arrays, or untraced `pb.Array`s around them."""
    return backend.to_numpy(getattr(leaf, "value", leaf))
