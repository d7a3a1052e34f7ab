"""What a piece of work asks of CuPy, counted on the stand-in: kernels to compile, waits of the host, and copies.

CuPy compiles an elementwise kernel, a reduction or an indexing kernel at its first use, one for each name, dtypes and
form of the arrays (their axes once those that lie behind one another are merged). On a fresh machine NVRTC takes 0.07 s
for each, and 1.8 s for a reduction of rows, which reads CUB's headers; CuPy keeps them on disk afterwards. `observe`
watches the functions of the stand-in from outside and says which kernels CuPy would have, and where in the package
they are asked for.
"""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from . import array, cuda, functions, memory
from .memory import MemoryPointer, _ndarray_base, host
from .streams import Event, Stream

# Functions of arrays that CuPy does without a kernel of its own: views, memory, and cuBLAS.
_FREE = frozenset(
    [
        "reshape",
        "transpose",
        "swapaxes",
        "squeeze",
        "ravel",
        "expand_dims",
        "moveaxis",
        "permute_dims",
        "broadcast_to",
        "broadcast_arrays",
        "view",
        "empty",
        "empty_like",
        "matmul",
        "dot",
        "shape",
        "ndim",
        "size",
        "result_type",
        "can_cast",
        "iscomplexobj",
        "isrealobj",
        "may_share_memory",
        "shares_memory",
        "diagonal",
        "as_strided",
        "from_dlpack",
        "atleast_1d",
        "atleast_2d",
        "__pos__",
        "get",
        "tolist",
        "item",
        "conj",
        "conjugate",
        "zeros",
        "zeros_like",
        "asnumpy",
        "wrap",
        "__new__",
    ]
)
# Reductions, which CuPy makes of CUB's block reduction, whose headers NVRTC has to read.
_REDUCTIONS = frozenset(
    [
        "sum",
        "prod",
        "mean",
        "var",
        "std",
        "max",
        "min",
        "amax",
        "amin",
        "argmax",
        "argmin",
        "all",
        "any",
        "nansum",
        "count_nonzero",
    ]
)
# Functions that are other kernels of CuPy's, by name: `ones` is filled, what joins or repeats arrays copies.
_FILLS = frozenset({"ones", "ones_like", "full", "full_like", "fill"})
_JOINS = frozenset({"concatenate", "concat", "stack", "tile"})
_COPIES = _JOINS | {"astype", "copy", "copyto", "ascontiguousarray", "asfortranarray", "flatten"}


@dataclass
class Observed:
    """What was asked for.

    Attributes
    ----------
    kernels : Counter
        By name, dtypes and form, as in ``"multiply(float64[1], float64) -> float64"``: how often one was launched.
    callers : dict
        For each of them the places in the package that asked for it.
    modules : Counter
        The source of each RawModule, and how often one was made of it.
    waits, uploads : Counter
        By the place in the package: what the host waited for, and what it copied to the device.
    launches : int
        Launches of functions of RawModules.
    """

    kernels: Counter[str] = field(default_factory=Counter)
    callers: dict[str, Counter[str]] = field(default_factory=dict)
    modules: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)
    uploads: Counter[str] = field(default_factory=Counter)
    launches: int = 0

    def kernel(self, name: str, place: str) -> None:
        """Note a launch of one of CuPy's own kernels."""
        self.kernels[name] += 1
        self.callers.setdefault(name, Counter())[place] += 1


def _form(x: Any) -> str:
    """An argument as it decides about a kernel: its dtype, and its axes where they cannot be merged to one."""
    if isinstance(x, _ndarray_base):
        values = host(x)
        if values.ndim == 0:
            return f"{values.dtype}[0]"
        whole = values.flags.c_contiguous or values.flags.f_contiguous
        return f"{values.dtype}[{1 if whole else values.ndim}]"
    return type(x).__name__


def _named(name: str, inputs: list[Any], out: Any) -> str:
    arrays = [x for x in inputs if isinstance(x, (_ndarray_base, *array.NUMBERS))]
    shapes = {host(x).shape for x in [*arrays, out] if isinstance(x, _ndarray_base)}
    forms = [_form(x) for x in arrays]
    if len(shapes) > 1 and isinstance(out, _ndarray_base):
        # axes are merged only where all arguments have them
        forms.append(f"broadcast to {host(out).ndim}")
    made = _form(out) if isinstance(out, _ndarray_base) else "?"
    return f"{name}({', '.join(forms)}) -> {made}"


_GET, _SET = array.ndarray.__getitem__.__code__, array.ndarray.__setitem__.__code__
_READS: dict[CodeType, str] = {
    array._read.__code__: "read",
    array.ndarray.nonzero.__code__: "nonzero",
    memory.Device.synchronize.__code__: "device.synchronize",
    Stream.synchronize.__code__: "stream.synchronize",
    Event.synchronize.__code__: "event.synchronize",
}
_SENDS = {
    functions.array.__code__,
    MemoryPointer.copy_from_host_async.__code__,
    array.ndarray.set.__code__,
}
_MODULE = cuda.RawModule.__init__.__code__
_LAUNCH = "launch"
_ATTRIBUTES = frozenset(
    [
        "data",
        "dtype",
        "shape",
        "ndim",
        "size",
        "flags",
        "base",
        "device",
        "strides",
        "nbytes",
        "itemsize",
        "T",
        "mT",
        "real",
        "imag",
        "ptr",
    ]
)
_OUTSIDE = ("/tests/", "array_api_compat")


_OWN = tuple(
    str(Path(__file__).with_name(f"{name}.py"))
    for name in (
        "array",
        "cuda",
        "functions",
        "indices",
        "linalg",
        "memory",
        "operators",
        "recurrence",
        "streams",
    )
)


def _inside(code: CodeType) -> bool:
    """Whether it is a function that stands for one of CuPy's."""
    return code.co_filename in _OWN


def place_of(frame: FrameType | None) -> str:
    """The function of the package that a frame is called from, as ``train/measure.py:scalar``."""
    while frame is not None:
        name = frame.f_code.co_filename
        package = frame.f_globals.get("__name__", "")
        if package.startswith("pullback.") and not any(end in name for end in _OUTSIDE):
            path = package.removeprefix("pullback.").replace(".", "/")
            return f"{path}.py:{frame.f_code.co_name}"
        frame = frame.f_back
    return "elsewhere"


def _indexed(key: Any) -> bool:
    parts = key if isinstance(key, tuple) else (key,)
    return any(isinstance(part, (_ndarray_base, list, np.ndarray)) for part in parts)


def _masks(key: Any) -> bool:
    """Whether there is a mask in a key, whose elements CuPy counts."""
    parts = key if isinstance(key, tuple) else (key,)
    return any(isinstance(part, _ndarray_base) and host(part).dtype.kind == "b" for part in parts)


def _arguments(frame: FrameType) -> list[Any]:
    """What a function was given, starred arguments taken apart."""
    found: list[Any] = []
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    for name in code.co_varnames[:count]:
        value = frame.f_locals.get(name)
        found += value if isinstance(value, tuple | list) else [value]
    if code.co_flags & 4:
        found += frame.f_locals.get(code.co_varnames[count], ())
    return found


def _note(found: Observed, frame: FrameType, out: Any) -> None:
    """Note one outermost call of a function of the stand-in that returned `out`."""
    code, place = frame.f_code, place_of(frame.f_back)
    scope, inputs = frame.f_locals, _arguments(frame)
    own = scope.get("self")
    if isinstance(own, functions.ufunc):
        name = own.__name__
        if code.co_name == "at":
            found.kernel(f"scatter_{name}({_form(inputs[1])})", place)
        elif name != "matmul":
            found.kernel(_named(name, list(scope["args"][: own.nin]), out), place)
        return
    if code is _GET:
        if _indexed(scope["key"]):
            found.kernel(_named("take", inputs, out), place)
        return
    if code is _SET:
        value = scope["value"]
        target = host(scope["self"])
        if _indexed(scope["key"]):
            found.kernel(f"scatter_update({_form(scope['self'])}, {_form(value)})", place)
        elif isinstance(value, _ndarray_base):
            found.kernel(f"copy({_form(value)}) -> {target.dtype}", place)
        elif value != 0:
            found.kernel(f"fill -> {target.dtype}", place)
        return
    name = getattr(scope.get("on_host"), "__name__", code.co_name)
    name = "concatenate" if "tup" in scope else name
    name = (
        scope["name"]
        if code.co_name in ("left", "right", "in_place", "compare", "method")
        else name
    )
    arrays = [x for x in inputs if isinstance(x, _ndarray_base)]
    if name in ("array", "asarray", "asanyarray"):
        # from the host a copy, noted where it is made; a copy of the device's memory where dtype and order stay
        if arrays and out is not arrays[0] and host(out).dtype != host(arrays[0]).dtype:
            found.kernel(_named("copy", arrays[:1], out), place)
        return
    if name == "fill" and scope.get("value") != 0:
        found.kernel(f"fill -> {host(own).dtype}", place)
        return
    if code.co_name in ("reshape", "ravel") and not np.may_share_memory(host(out), host(arrays[0])):
        found.kernel(_named("copy", arrays[:1], out), place)
        return
    if name in _FREE or code.co_name.startswith("<") or not isinstance(out, _ndarray_base):
        return
    if name in _COPIES:
        same = all(host(x).dtype == host(out).dtype and host(x).flags.forc for x in arrays)
        if not (same and name in ("astype", "copy", "ascontiguousarray", "flatten")):
            kind = name if name in _JOINS else "copy"
            found.kernel(_named(kind, arrays, out), place)
        return
    if name in _FILLS:
        found.kernel(f"fill -> {host(out).dtype}", place)
        return
    kind = "reduction " if name in _REDUCTIONS else ""
    found.kernel(_named(kind + name, inputs, out), place)


def _sends(frame: FrameType) -> bool:
    """Whether a call copies from the host to the device."""
    code = frame.f_code
    if code not in _SENDS:
        return False
    return code.co_name == "set" or not isinstance(_arguments(frame)[0], _ndarray_base)


@contextlib.contextmanager
def observe() -> Iterator[Observed]:
    """Watch what is asked of the stand-in in this thread."""
    found = Observed()
    depth = 0

    def watch(frame: FrameType, event: str, out: Any) -> None:
        nonlocal depth
        code = frame.f_code
        if event not in ("call", "return") or not _inside(code):
            return
        if event == "call":
            depth += 1
            if code in _READS:
                found.waits[f"{place_of(frame)} ({_READS[code]})"] += 1
            elif code in (_GET, _SET) and _masks(frame.f_locals["key"]):
                found.waits[f"{place_of(frame)} (mask)"] += 1
            elif _sends(frame):
                found.uploads[place_of(frame)] += 1
            elif code is _MODULE:
                found.modules[frame.f_locals["code"]] += 1
            elif code.co_name == _LAUNCH and "grid" in frame.f_locals:
                found.launches += 1
            return
        depth -= 1
        if depth == 0 and code.co_name not in _ATTRIBUTES and code.co_name != _LAUNCH:
            _note(found, frame, out)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield found
    finally:
        sys.setprofile(before)
