"""CUDA programs on a CPU, for tests: kernels compiled by g++, the threads of a block as fibers, products by NumPy.

The interface is that of `backend/_cuda_programs.Runtime`. It is stricter than a device: memory begins as NaN, shared
memory is NaN again for each block, arrays of a call are copied between guards, addresses are checked against the array
that they lie in, and threads that wait where others never come are an error that names them.

Floating-point expressions are not contracted (``-ffp-contract=off``), so that the numbers are the same on every CPU; a
device uses fused multiply-adds, and its own exp, log, …: equality is to rounding.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import math
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pullback.backend.common.launches import (
    BLOCK,
    EPILOGUES,
    Address,
    Launch,
    Matrix,
    Product,
    mask_bytes,
)
from pullback.backend.generic.rounding import loaded, rounded

HEADER = Path(__file__).with_name("cuda.h")
MACHINE = Path(__file__).with_name("machine.cpp")
COMPILER = shutil.which("g++")
NEEDS = "the kernels are compiled for the CPU by g++, which is not here"
MISSING = "" if COMPILER else NEEDS

GUARD = 256  # bytes around an array that nobody may touch
NOTHING = 0xFF  # the byte of unwritten memory: NaN in every floating dtype, -1 in signed integers
LIMITS = ((2**31 - 1, 65535, 65535), (1024, 1024, 64))  # of a grid, of a block
COMPILE = (
    "-std=c++20", "-O1", "-w", "-fPIC", "-ffp-contract=off", "-fno-strict-aliasing", "-fwrapv", "-fno-exceptions",
    # each library keeps the shared memory of its own templates
    "-fno-gnu-unique", "-fvisibility=hidden",
    "-fsanitize=alignment,bounds,integer-divide-by-zero",
)  # fmt: skip
LOCK = threading.Lock()  # the machine has one state


class EmulationError(AssertionError):
    """A program did what a device would not allow, or would do without a word."""


# ── compiling ───────────────────────────────────────────────────────────────────────────────────


@functools.cache
def folder() -> Path:
    """Where compiled kernels are kept, for all workers and runs of this user; those of yesterday are removed."""
    found = Path(tempfile.gettempdir()) / f"pullback-emulated-{os.getuid()}"
    found.mkdir(mode=0o700, exist_ok=True)
    if found.stat().st_uid != os.getuid():
        raise PermissionError(f"{found} belongs to another user")
    for old in found.glob("*.so"):
        try:
            if old.stat().st_mtime < time.time() - 86400:
                old.unlink()
        except FileNotFoundError:  # another worker was faster
            continue
    return found


def _run(*command: Any) -> None:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EmulationError(f"g++ refuses a kernel:\n{done.stderr[:3000]}")


def _built(text: str, flags: Sequence[str]) -> Path:
    """A shared library by its content; moved into place at once, so that workers can share it."""
    key = hashlib.sha256("\0".join((text, *flags)).encode()).hexdigest()[:32]
    path = folder() / f"{key}.so"
    if path.exists():
        return path
    if COMPILER is None:
        raise EmulationError(NEEDS)
    with tempfile.TemporaryDirectory(dir=folder()) as inside:
        code, compiled, linked = (Path(inside) / f"kernel.{end}" for end in ("cpp", "o", "so"))
        code.write_text(text, encoding="utf-8")
        _run(COMPILER, *flags, "-c", code, "-o", compiled)
        _run(COMPILER, "-shared", compiled, "-o", linked, "-lm")
        os.replace(linked, path)
    return path


@functools.cache
def machine() -> ctypes.CDLL:
    """What runs kernels."""
    header = HEADER.read_text(encoding="utf-8")
    text = MACHINE.read_text(encoding="utf-8").replace('#include "cuda.h"', header)
    made = ctypes.CDLL(str(_built(text, ("-std=c++20", "-O1", "-fPIC", "-U_FORTIFY_SOURCE"))))
    made.emulated_state.restype = ctypes.c_void_p
    made.emulated_run.restype = ctypes.c_char_p
    return made


def kernels(source: str) -> dict[str, int]:
    """The names of a source's kernels, and how many threads each may have in a block."""
    found = re.findall(
        r"__global__\s+void\s+(?:__launch_bounds__\s*\(\s*(\d+)[^)]*\)\s*)?(\w+)\s*\(", source
    )
    return {name: int(bound or 1024) for bound, name in found}


@functools.cache
def library(source: str) -> ctypes.CDLL:
    """A compiled source."""
    if "#include" in source:
        raise EmulationError("a kernel includes a header, which NVRTC would not find")
    names = kernels(source)
    if not names:
        raise EmulationError("a source without a kernel")
    entries = [
        f"EMULATED_EXPORT void emulated_entry_{name}(void** given) {{ emulated_call({name}, given); }}"
        for name in names
    ]
    header = HEADER.read_text(encoding="utf-8")
    path = _built("\n".join([header, '#line 1 "kernel"', source, *entries, ""]), COMPILE)
    made = ctypes.CDLL(str(path))
    made.emulated_bind(ctypes.c_void_p(machine().emulated_state()))
    return made


def run_kernel(
    source: str,
    function: str,
    grid: tuple[int, ...],
    block: tuple[int, ...],
    arguments: Sequence[Any],
    *,
    backward: bool = False,
) -> None:
    """Launch one kernel.

    Parameters
    ----------
    arguments
        An address (a ctypes pointer), or a NumPy scalar that is passed by value, of the parameter's own type.
    backward
        Whether blocks and threads start from the last: what depends on their order then shows.

    Raises
    ------
    EmulationError
        A launch beyond CUDA's limits, threads that wait for each other in vain, an address that is not aligned.
    """
    names = kernels(source)
    if function not in names:
        raise EmulationError(f"no kernel {function!r} in the source, which has {', '.join(names)}")
    for what, sizes, most in zip(("grid", "block"), (grid, block), LIMITS, strict=True):
        if len(sizes) != 3 or not all(
            1 <= n <= limit for n, limit in zip(sizes, most, strict=True)
        ):
            raise EmulationError(f"{function}: a {what} of {sizes}; CUDA takes up to {most}")
    if math.prod(block) > names[function]:
        raise EmulationError(f"{function}: {math.prod(block)} threads a block of {names[function]}")
    values = [
        a if isinstance(a, ctypes._SimpleCData) else np.ctypeslib.as_ctypes_type(a.dtype)(a.item())
        for a in arguments
    ]
    given = (ctypes.c_void_p * max(len(values), 1))(*[ctypes.addressof(v) for v in values])
    made = library(source)
    three = ctypes.c_uint * 3
    with LOCK:
        error = machine().emulated_run(
            getattr(made, f"emulated_entry_{function}"), made.emulated_touch, given,
            three(*grid), three(*block), int(backward),
        )  # fmt: skip
    if error:
        raise EmulationError(f"{function}: {error.decode()}\n{source}")


# ── memory ──────────────────────────────────────────────────────────────────────────────────────


def guarded(nbytes: int) -> tuple[np.ndarray, np.ndarray]:
    """So many bytes at a multiple of 256, and all of the memory that they lie in."""
    raw = np.full(nbytes + 2 * GUARD + 256, NOTHING, np.uint8)
    start = GUARD + -(raw.ctypes.data + GUARD) % 256
    return raw[start : start + nbytes], raw


def _untouched(inside: np.ndarray, raw: np.ndarray) -> bool:
    start = inside.ctypes.data - raw.ctypes.data
    return bool((raw[:start] == NOTHING).all() and (raw[start + inside.size :] == NOTHING).all())


def _bytes(x: np.ndarray) -> np.ndarray:
    if not x.flags.c_contiguous:
        raise EmulationError(
            f"an array of a call is not contiguous: shape {x.shape}, strides {x.strides}"
        )
    return x.reshape(-1).view(np.uint8)


def latest_first(order: Sequence[tuple[int, ...]]) -> list[int]:
    """The order that keeps what steps wait for, and else is as far from the program's as can be."""
    left, done = set(range(len(order))), []
    while left:
        done.append(max(i for i in left if not left & set(order[i])))
        left.remove(done[-1])
    return done


class EmulatedRuntime:
    """Runs segments of a program, as `_cuda_programs.Runtime` does on a device.

    Parameters
    ----------
    epilogues
        Whether products may have one.
    graph
        Whether a segment behaves as a captured graph: the addresses of its first call are those of every call.
    backward
        Whether blocks and threads start from the last.

    Attributes
    ----------
    steps : list
        All that were bound, for tests to look at.
    """

    def __init__(
        self, *, epilogues: bool = False, graph: bool = False, backward: bool = False
    ) -> None:
        self.epilogues, self.graph, self.backward = epilogues, graph, backward
        self.steps: list[Any] = []
        self._raw: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # by the address of a block

    def memory(self, nbytes: int) -> np.ndarray:
        """A block of NaN."""
        block, raw = guarded(nbytes)
        self._raw[block.ctypes.data] = block, raw
        return block

    def pays(self, product: Product) -> bool:
        """Whether an epilogue saves time: each does."""
        _check_product(product, epilogues=True)
        return True

    def view(self, block: np.ndarray, offset: int, shape: Any, dtype: Any) -> np.ndarray:
        """An array in a block."""
        dtype = np.dtype(dtype)
        end = offset + math.prod(shape) * dtype.itemsize
        if not 0 <= offset <= end <= block.size or offset % dtype.itemsize:
            raise EmulationError(
                f"an array of {dtype}{list(shape)} at byte {offset} of a block of {block.size}"
            )
        return block[offset:end].view(dtype).reshape(shape)

    def empty(self, shape: Any, dtype: Any) -> np.ndarray:
        """An array of NaN, or of what its bytes are, which owns its memory, as a device's does: it may be donated."""
        out = np.empty(shape, dtype)
        out.reshape(-1).view(np.uint8)[...] = NOTHING
        return out

    def upload(self, array: np.ndarray, host: np.ndarray) -> None:
        """Host numbers into a device array of bytes."""
        array[...] = host.view(np.uint8)

    def describe(self) -> str:
        """For listings."""
        return "emulated"

    def segment(
        self,
        steps: Sequence[Launch | Product],
        block: np.ndarray | None,
        slots: int,
        external: Sequence[str],
        order: Sequence[tuple[int, ...]] | None = None,
    ) -> Callable[..., None]:
        """The call ``segment(*arrays)``; addresses are checked now, or when the arrays are known."""
        if len(external) != slots or not set(external) <= {"in", "out", "inout"}:
            raise EmulationError(f"{slots} slots, but external={list(external)}")
        for step in steps:
            self._check(step, block, slots)
        self.steps += steps
        late = steps if order is None else [steps[i] for i in latest_first(order)]
        baked: list[int] = []

        def call(*arrays: np.ndarray) -> None:
            if len(arrays) != slots:
                raise EmulationError(f"a segment of {slots} arrays is called with {len(arrays)}")
            addresses = [a.ctypes.data for a in arrays]
            if self.graph and baked and baked[0] != addresses:
                raise EmulationError("a graph is replayed with arrays at other addresses")
            baked[:] = [addresses]  # type: ignore[list-item]  # a list of one list
            _Call(self, block, arrays, external).run(late)

        call.follow = lambda: None  # type: ignore[attr-defined]  # as a method of a device's segments
        return call

    def _check(self, step: Launch | Product, block: np.ndarray | None, slots: int) -> None:
        if isinstance(step, Launch):
            library(step.source)  # compiled when bound, as on a device
            addresses: list[Address] = list(step.addresses)
        else:
            _check_product(step, epilogues=self.epilogues)
            every = (step.a.address, step.b.address, step.c.address, step.vector, step.mask)
            addresses = [p for p in every if p is not None]
        for p in addresses:
            if p.slot == BLOCK and (block is None or not 0 <= p.offset < max(block.size, 1)):
                raise EmulationError(
                    f"{p} lies outside the block of {0 if block is None else block.size}"
                )
            if not (p.slot == BLOCK or 0 <= p.slot < slots) or p.offset < 0:
                raise EmulationError(f"{p}: there are {slots} slots")


def _check_product(p: Product, *, epilogues: bool) -> None:
    if p.epilogue not in EPILOGUES:
        raise EmulationError(f"epilogue {p.epilogue!r} is none of {EPILOGUES}")
    if p.epilogue and (not epilogues or p.batch != 1):
        raise EmulationError(f"epilogue {p.epilogue!r}: epilogues={epilogues}, batch={p.batch}")
    if p.epilogue and (p.alpha, p.beta) != (1.0, 0.0):
        raise EmulationError(f"epilogue {p.epilogue!r} with alpha={p.alpha}, beta={p.beta}")
    if bool(p.epilogue) != (p.vector is not None):
        raise EmulationError(f"epilogue {p.epilogue!r} with vector={p.vector}")
    if (p.mask is not None) != (p.epilogue in ("relu_bias_mask", "relu_vjp_bias_vjp")):
        raise EmulationError(f"epilogue {p.epilogue!r} with mask={p.mask}")
    if p.dtype not in ("float32", "float64"):
        raise EmulationError(f"a product of dtype {p.dtype}")
    if p.operands != p.dtype and (
        p.dtype != "float32" or p.operands not in ("bfloat16", "float16")
    ):
        raise EmulationError(f"operands {p.operands} for a product of dtype {p.dtype}")
    if p.tf32 and p.operands != "float32":
        raise EmulationError(f"tf32 with operands {p.operands}")
    if min(p.m, p.n, p.k, p.batch) < 1:
        raise EmulationError(f"an empty product: {p}")
    for m, rows, columns in ((p.a, p.m, p.k), (p.b, p.k, p.n), (p.c, p.m, p.n)):
        if m.leading < (rows if m.transposed else columns):
            raise EmulationError(
                f"{m}: a leading dimension shorter than a row of ({rows}, {columns})"
            )


class _Call:
    """One call: its arrays are copied between guards, those it may only write begin as NaN."""

    def __init__(
        self, runtime: EmulatedRuntime, block: np.ndarray | None, arrays: Any, external: Any
    ) -> None:
        self.runtime, self.block, self.external = runtime, block, external
        self.given = [_bytes(a) for a in arrays]
        self._no_overlap()
        self.memory = [guarded(a.size) for a in self.given]
        for kind, (inside, _), a in zip(external, self.memory, self.given, strict=True):
            if kind != "out":
                inside[...] = a

    def _no_overlap(self) -> None:
        for i, x in enumerate(self.given):
            for j, y in enumerate(self.given):
                if i != j and self.external[i] != "in" and np.shares_memory(x, y):
                    raise EmulationError(
                        f"slot {i} ({self.external[i]}) shares memory with slot {j}"
                    )

    def run(self, steps: Sequence[Launch | Product]) -> None:
        for step in steps:
            if isinstance(step, Launch):
                self.launch(step)
            else:
                self.product(step)
        found = self.runtime._raw.get(self.block.ctypes.data) if self.block is not None else None
        if found is not None and not _untouched(*found):
            raise EmulationError("a step has written outside the block")
        for i, (kind, (inside, raw), a) in enumerate(
            zip(self.external, self.memory, self.given, strict=True)
        ):
            if not _untouched(inside, raw):
                raise EmulationError(f"a step has written outside the array in slot {i}")
            if kind != "in":
                a[...] = inside
            elif not np.array_equal(inside, a):
                raise EmulationError(
                    f"a step has written to the array in slot {i}, which is an input"
                )

    def at(self, address: Address) -> np.ndarray:
        """The bytes from an address on."""
        target = self.memory[address.slot][0] if address.slot != BLOCK else self.block
        assert target is not None
        if not 0 <= address.offset < max(target.size, 1):
            raise EmulationError(f"{address} lies outside an array of {target.size} bytes")
        return target[address.offset :]

    def launch(self, step: Launch) -> None:
        pointers = [ctypes.c_void_p(self.at(p).ctypes.data) for p in step.addresses]
        run_kernel(
            step.source, step.function, step.grid, step.block, pointers, backward=self.runtime.backward
        )  # fmt: skip

    def matrix(self, m: Matrix, rows: int, columns: int, batch: int, dtype: Any) -> np.ndarray:
        """A matrix, or a batch of them, as a view."""
        dtype = np.dtype(dtype)
        memory = self.at(m.address)
        down, across = (1, m.leading) if m.transposed else (m.leading, 1)
        last = (batch - 1) * m.stride + (rows - 1) * down + (columns - 1) * across
        if m.stride < 0 or (last + 1) * dtype.itemsize > memory.size:
            raise EmulationError(f"{m} of ({rows}, {columns}) reaches beyond its array")
        if memory.ctypes.data % dtype.itemsize:
            raise EmulationError(f"{m} is not aligned to {dtype}")
        steps = tuple(s * dtype.itemsize for s in (m.stride, down, across))
        flat = memory[: (last + 1) * dtype.itemsize].view(dtype)
        return np.lib.stride_tricks.as_strided(flat, (batch, rows, columns), steps)

    def vector(self, address: Address | None, n: int, dtype: Any) -> np.ndarray:
        """So many elements from an address on."""
        assert address is not None
        memory, size = self.at(address), n * np.dtype(dtype).itemsize
        if size > memory.size or memory.ctypes.data % np.dtype(dtype).itemsize:
            raise EmulationError(f"{n} elements of {dtype} at {address}")
        return memory[:size].view(dtype)

    def product(self, p: Product) -> None:
        """``C = A B`` in float32 or float64, and its epilogue."""
        narrow = p.operands in ("bfloat16", "float16")
        kind = "uint16" if narrow else p.operands
        a = self.matrix(p.a, p.m, p.k, p.batch, kind)
        b = self.matrix(p.b, p.k, p.n, p.batch, kind)
        c = self.matrix(p.c, p.m, p.n, p.batch, p.dtype)
        if p.batch > 1 and p.c.stride == 0:
            raise EmulationError(f"a batch of {p.batch} products into one matrix")
        if np.may_share_memory(c, a) or np.may_share_memory(c, b):
            raise EmulationError("a product's result lies in the memory of its operands")
        if narrow:
            a, b = (loaded(np.ascontiguousarray(x), p.operands) for x in (a, b))
        elif p.tf32:
            a, b = (rounded(np.ascontiguousarray(x), "tf32") for x in (a, b))
        with np.errstate(all="ignore"):  # a device has no warnings
            out = np.matmul(a, b)
            if p.alpha != 1:
                out = out * out.dtype.type(p.alpha)
            if p.beta:
                out = out + c * out.dtype.type(p.beta)
            c[...] = self.epilogue(p, out[0])[None] if p.epilogue else out

    def epilogue(self, p: Product, out: np.ndarray) -> np.ndarray:
        """What follows one product."""
        v = self.vector(p.vector, p.n, p.dtype)
        bits = None
        if p.mask is not None:
            if p.mask.offset % 16:
                raise EmulationError(f"{p.mask}: a bit mask begins at a multiple of 16 bytes")
            bits = self.vector(p.mask, mask_bytes(p.m, p.n), "uint8").reshape(p.m, -1)
        if p.epilogue == "relu_vjp_bias_vjp":
            assert bits is not None
            positive = np.unpackbits(bits, axis=1, count=p.n, bitorder="little").astype(bool)
            out = np.where(positive, out, np.zeros((), out.dtype))
            v[...] = out.sum(0)
            return out
        out = out + v
        if bits is not None:
            packed = np.packbits(out > 0, axis=1, bitorder="little")
            bits[...] = 0
            bits[:, : packed.shape[1]] = packed
        return out if p.epilogue == "bias" else np.where(out <= 0, np.zeros((), out.dtype), out)
