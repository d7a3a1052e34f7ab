"""A training's whole state in one .safetensors file: trees of arrays as tensors, the rest as JSON; no pickles.

Bits come back as they were, and so does what decides bits: the order of an array's axes in memory (a product of
a matrix and one of its transpose round differently), and whether a leaf was a raw array, an `Array` or a Python number
(`pb.compile` records a program for each).
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import backend
from ...autograd.core.array import Array, backend_array
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import PyTree, Value
from ...autograd.pytree import tree
from ...backend import Backend, is_array
from ..errors import InputError, extra, listed, one_line, shown
from ..files import read_bytes, write_atomic

KEY = "pullback training"
FORMAT = 1

# What every version of safetensors writes of NumPy's arrays; others go in as bytes.
_PLAIN = frozenset(
    ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16")
) | {"float32", "float64"}
# What earlier versions did not write.
_LATER = frozenset(("the score",))
_ADVICE = "start anew (without resume), or give another path"


@dataclass(frozen=True)
class Snapshot:
    """The state of a training between two steps.

    Attributes
    ----------
    about : mapping of str to str
        What the training is: settings and digests that have to be the same when it goes on.
    progress : mapping
        What JSON can hold: epoch, position in it, the state of the random generator, and so on.
    trees : mapping of str to pytree
        Of arrays and Python numbers, by name.
    """

    about: Mapping[str, str]
    progress: Mapping[str, Any]
    trees: Mapping[str, PyTree] = field(repr=False)


def write(path: str | os.PathLike[str], snapshot: Snapshot, home: Backend) -> None:
    """Write a snapshot, completely or not at all; arrays are copied before this returns.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    snapshot : Snapshot
    home : Backend
        Of the model.

    Raises
    ------
    MissingExtra
        If safetensors is not installed.
    WriteError
        If the file cannot be written; the one that was there stays.
    TypeError
        For a leaf that is neither an array nor a number.
    """
    numpy_io = extra("safetensors.numpy", "a checkpoint")
    tensors: dict[str, np.ndarray] = {}
    notes: dict[str, Any] = {}
    for part, own in snapshot.trees.items():
        for name, leaf in zip(_names(part, own), tree.leaves(own), strict=True):
            tensor, note = _encoded(name, leaf, home)
            if tensor is not None:
                tensors[name] = tensor
            if note:
                notes[name] = note
    content: dict[str, Any] = {
        "format": FORMAT,
        "about": dict(snapshot.about),
        "progress": dict(snapshot.progress),
        "notes": notes,
    }
    content["sum"] = _sum(content, tensors)
    write_atomic(path, numpy_io.save(tensors, {KEY: json.dumps(content)}))


@dataclass(frozen=True)
class Stored:
    """A snapshot as it was read.

    Attributes
    ----------
    path : path
    about, progress : mapping
        As in `Snapshot`.
    """

    path: Any
    about: Mapping[str, str]
    progress: Mapping[str, Any]
    notes: Mapping[str, Any] = field(repr=False)
    tensors: Mapping[str, np.ndarray] = field(repr=False)

    def check(self, about: Mapping[str, str]) -> None:
        """Refuse to go on with another training.

        Raises
        ------
        InputError
            It says what differs.
        """
        for key, now in about.items():
            was = self.about.get(key)
            if was is None and key in _LATER:
                continue
            if was != now:
                raise InputError(
                    f"{self.path} is of another training: {key} was {shown(was, 200)}, and is {shown(now, 200)}; "
                    f"{_ADVICE}"
                )

    def tree(self, part: str, like: PyTree, home: Backend, *, dtypes: bool = False) -> Any:
        """A tree of the snapshot, in the structure of `like`, with arrays of its own on the device of `home`.

        Raises
        ------
        InputError
            Where names, shapes (or `dtypes`) of the leaves are others.
        """
        leaves, spec = tree.flatten(like)
        names = _names(part, like)
        held = [name for name in {*self.tensors, *self.notes} if name.startswith(part + ":")]
        missing, surplus = set(names).difference(held), set(held).difference(names)
        if missing or surplus:
            what = (
                f"lacks {listed(sorted(missing), 3)}"
                if missing
                else f"has {listed(sorted(surplus), 3)} besides"
            )
            raise InputError(f"{self.path} is of another training: it {what}; {_ADVICE}")
        found = []
        for name, leaf in zip(names, leaves, strict=True):
            x = _decoded(self.tensors.get(name), self.notes.get(name, {}), home)
            raw, wanted = backend_array(x), backend_array(leaf)
            if is_array(raw) and is_array(wanted):
                same = tuple(raw.shape) == tuple(wanted.shape)
                if not same or (dtypes and str(raw.dtype) != str(wanted.dtype)):
                    raise InputError(
                        f"{self.path} is of another training: {name.partition(':')[2]} was {_form(raw)}, and is "
                        f"{_form(wanted)}; {_ADVICE}"
                    )
            found.append(x)
        return tree.unflatten(spec, found)


def read(path: str | os.PathLike[str]) -> Stored:
    """Read what `write` wrote.

    Raises
    ------
    InputError
        If the file is missing, truncated, damaged, something else, or of another version's format.
    """
    data = read_bytes(path)
    numpy_io = extra("safetensors.numpy", "a checkpoint")
    try:
        tensors = numpy_io.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        text = (header.get("__metadata__") or {}).get(KEY)
    except (MemoryError, KeyboardInterrupt):
        raise
    # of bytes that anybody may have written: the loader throws exceptions of many types
    except Exception as error:
        raise InputError(
            f"{path} is no checkpoint, or is damaged: {one_line(error)}; remove it to start anew"
        ) from None
    if text is None:
        raise InputError(f"{path} is no checkpoint of a training, but another .safetensors file")
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise InputError(
                f"{path} was written in format {shown(content['format'])} of checkpoints, and this version reads "
                f"{FORMAT}: go on with the version that wrote it, or remove it to start anew"
            )
        stored = Stored(
            path,
            dict(content["about"]),
            dict(content["progress"]),
            dict(content["notes"]),
            tensors,
        )
        told = content.pop("sum")
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        told, content = None, {}
    if told is None or told != _sum(content, tensors):
        raise InputError(f"{path} is damaged: its check sum is another; remove it to start anew")
    return stored


def _sum(content: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> int:
    """A check sum of all that a file says."""
    found = zlib.crc32(json.dumps(content, sort_keys=True).encode())
    for name in sorted(tensors):
        found = zlib.crc32(name.encode(), found)
        found = zlib.crc32(tensors[name].reshape(-1).view(np.uint8).data, found)
    return found


def _names(part: str, own: PyTree) -> list[str]:
    """A name for each leaf, such as ``model:layers.0.W``; keys with dots in them may make two of one."""
    names: dict[str, None] = {}
    for path in tree.paths(own):
        name, number = f"{part}:{path}", 2
        while name in names:
            name, number = f"{part}:{path}#{number}", number + 1
        names[name] = None
    return list(names)


def _form(x: Value) -> str:
    return f"of shape {tuple(x.shape)} and {str(x.dtype).rpartition('.')[2]}"


# ── leaves ────────────────────────────────────────────────────────────────────────────────────


def _encoded(name: str, leaf: Any, home: Backend) -> tuple[np.ndarray | None, dict[str, Any]]:
    """A leaf as a tensor on the host, and what has to be said besides; a Python number is nothing but said."""
    if isinstance(leaf, bool | int | float | complex) and not isinstance(leaf, np.generic):
        # floats as bits, for NaN and infinity; a complex number is two of them
        parts = [leaf.real.hex(), leaf.imag.hex()] if isinstance(leaf, complex) else None
        value = parts or (leaf.hex() if isinstance(leaf, float) else leaf)
        return None, {"kind": type(leaf).__name__, "value": value}
    if isinstance(leaf, np.generic):
        tensor, note = _as_tensor(name, np.asarray(leaf))
        return tensor, {**note, "kind": "scalar"}
    raw = backend_array(leaf)
    if not is_array(raw):
        raise TypeError(
            f"a checkpoint holds arrays and numbers, and {name.partition(':')[2] or name} is {shown(leaf)}: make it "
            "a static field of its class (pb.tree.static), or train without a checkpoint"
        )
    tensor, note = _as_tensor(name, backend.to_numpy(raw))
    axes = _axes(raw)
    if axes is not None:
        note["axes"] = axes
    if isinstance(leaf, Array):
        note["kind"] = "Array"
    elif isinstance(raw, np.ndarray) and home.array_type is not np.ndarray:
        note["kind"] = "numpy"
    return tensor, note


def _as_tensor(name: str, host: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    if host.dtype.hasobject or host.dtype.fields is not None:
        raise TypeError(f"a checkpoint cannot hold {name}, an array of {host.dtype}")
    # `ascontiguousarray` makes one axis of none
    x = np.ascontiguousarray(host).reshape(host.shape)
    x = x.astype(x.dtype.newbyteorder("="), copy=False)
    if x.dtype.name in _PLAIN:
        return x, {}
    return x.reshape(-1).view(np.uint8), {"dtype": x.dtype.name, "shape": list(x.shape)}


def _axes(x: Any) -> list[int] | None:
    """The order of the axes in memory, the outermost first; None where it is the usual one, or unknown."""
    strides = getattr(x, "strides", None)
    if x.ndim < 2 or not isinstance(strides, tuple) or len(strides) != x.ndim:
        return None
    long = [i for i in range(x.ndim) if x.shape[i] > 1]
    order = sorted(long, key=lambda i: -abs(strides[i]))
    if order == long:
        return None
    return [*(i for i in range(x.ndim) if i not in long), *order]


def _decoded(tensor: np.ndarray | None, note: Mapping[str, Any], home: Backend) -> Any:
    kind = note.get("kind", "")
    if tensor is None:
        value = note["value"]
        if kind == "float":
            return float.fromhex(value)
        if kind == "complex":
            return complex(*(float.fromhex(v) for v in value))
        return bool(value) if kind == "bool" else int(value)
    # the loader's arrays are views of the file's bytes
    host = np.array(tensor)
    if "dtype" in note:
        host = np.array(host.view(np.dtype(note["dtype"])).reshape(note["shape"]))
    if kind == "scalar":
        return host[()]
    axes = note.get("axes")
    if axes is not None:
        host = np.ascontiguousarray(host.transpose(axes))
    x = host if kind == "numpy" else home.asarray(host)
    if axes is not None:
        xp = namespace_of(x)
        inverse = tuple(sorted(range(len(axes)), key=axes.__getitem__))
        # a copy keeps the order of what it copies, and is nobody's view
        x = xp.copy(xp.permute_dims(x, inverse))
    return Array(x) if kind == "Array" else x
