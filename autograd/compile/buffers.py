"""Runners: a program's code with memory of its own, which serves one call at a time."""

from __future__ import annotations

import functools
import itertools
import linecache
import sys
from types import CodeType
from typing import Any

import numpy as np

from .cpu.assembly import Assembly
from .cpu.blas import used

ALIGNMENT = 64  # bytes of a vector register, and of a line of the cache

_count = itertools.count()


def probe() -> int:
    """The `sys.getrefcount` of an object that a global and a local of generated code hold, and nothing else."""
    scope: dict[str, Any] = {"r": object(), "refs": sys.getrefcount}
    exec("def f():\n    o = r\n    return refs(o)", scope)
    return scope["f"]()


OWN_REFERENCES = probe()
# without a GIL the count says nothing
COUNTED = getattr(sys, "_is_gil_enabled", lambda: True)()


@functools.lru_cache(256)
def compile_text(source: str, name: str) -> CodeType:
    """Code that tracebacks and `inspect.getsource` can show.

    It is kept: programs for other lengths have the same text, which Python takes a quarter of their making to compile.
    """
    filename = f"<pullback compiled {name} {next(_count)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    return compile(source, filename, "exec")


def new_runner(out: Assembly, code: CodeType, extra: dict[str, Any]) -> dict[str, Any]:
    """The globals of one runner: memory of its own, and what all share."""
    scope: dict[str, Any] = {
        "__name__": __name__,
        "ndarray": np.ndarray,
        "empty": np.empty,
        **out.shared,
        **extra,
    }
    if out.device is not None:
        _on_device(scope, out)
        exec(code, scope)
        return scope
    block = zeros_block(out.plan.size)
    for name, dtype in out.blocks.items():
        scope[name] = block[: out.plan.size // dtype.itemsize * dtype.itemsize].view(dtype)
    for name, (offset, shape, dtype) in out.buffers.items():
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        scope[name] = block[offset : offset + size].view(dtype).reshape(shape)
    with used(out.choice.library):
        for name, text in out.made.items():
            scope[name] = eval(text, scope)
    for k, (shape, dtype) in out.output_rings.items():
        scope[f"r{k}a"], scope[f"r{k}b"] = np.empty(shape, dtype), np.empty(shape, dtype)
    exec(code, scope)
    return scope


def zeros_block(size: int) -> Any:
    """Memory of `size` bytes, aligned for vector instructions."""
    raw = np.zeros(size + ALIGNMENT, np.uint8)
    start = -raw.__array_interface__["data"][0] % ALIGNMENT
    return raw[start : start + size]


def _on_device(scope: dict[str, Any], out: Assembly) -> None:
    """Add the memory of one runner to its globals, for a program whose memory lies on a device."""
    runtime = out.device.runtime
    block = scope["block"] = out.device.block()
    scope["empty"] = runtime.empty
    for name, (offset, shape, dtype) in out.buffers.items():
        scope[name] = runtime.view(block, offset, shape, dtype)
    for name, text in out.made.items():
        scope[name] = eval(text, scope)
    for k, (shape, dtype) in out.output_rings.items():
        scope[f"r{k}a"], scope[f"r{k}b"] = runtime.empty(shape, dtype), runtime.empty(shape, dtype)
