"""Compiled programs on a CUDA device: launches bound in advance, replayed one by one or as one CUDA graph.

What holds: a segment is called by one thread at a time (its block is one program's). A call on another stream than
the last one first waits, on the device, for all that was queued there. A graph has the addresses of arrays in it, and
is launched only for a call whose arrays lie at these addresses. CuPy's pool may have put other arrays there than those
of the capture, but what the graph reads and writes are the arrays of this call, with the program's shapes and dtypes.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import os
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..common.launches import BLOCK, EPILOGUES, Address, Launch, Product, Step, lanes
from ..common.typing import DType
from . import cublas, cublaslt, tuning
from .captures import capture
from .driver import Driver

OPTIONS = ("--std=c++17",)
GRAPHS = 4  # kept by a segment
SETS = 4  # of addresses for which a segment's launches are kept ready
LANES = 3  # of a forked graph: what may run side by side
# Timed calls of each way of running; the first call of a way is not timed.
TRIALS = 3
DEVICE_TO_DEVICE = 3  # cudaMemcpyKind


class _Kernel:
    """A launch whose parameters lie packed: an array of addresses, and an array of pointers to these."""

    def __init__(self, driver: Any, function: Any, step: Launch) -> None:
        self.launch_kernel, self.function = driver.launchKernel, function  # keeps the module loaded
        self.addresses = step.addresses
        count = max(len(step.addresses), 1)
        self.values = (ctypes.c_uint64 * count)()
        start = ctypes.addressof(self.values)
        self.pointers = (ctypes.c_void_p * count)(*[start + 8 * i for i in range(count)])
        self.head = (function.kernel.ptr, *step.grid, *step.block, 0)
        self.parameters = ctypes.addressof(self.pointers)

    def address(self, *addresses: int) -> None:
        self.values[: len(addresses)] = list(addresses)

    def launch(self, stream: int) -> None:
        self.launch_kernel(*self.head, stream, self.parameters, 0)


def _addresses(step: Step) -> tuple[Address | None, ...]:
    if isinstance(step, Launch):
        return step.addresses
    return (step.a.address, step.b.address, step.c.address, step.vector, step.mask)


class Segment:
    """Steps bound to a block; see `Runtime.segment`."""

    def __init__(
        self,
        runtime: Runtime,
        steps: Sequence[Step],
        block: Any,
        external: Sequence[str],
        order: Sequence[tuple[int, ...]],
    ) -> None:
        self.runtime, self.cupy, self.block = runtime, runtime.cupy, block
        self.external, self.order = tuple(external), tuple(order)
        self.lane = lanes(order, LANES)
        # one workspace for all products of a lane, which follow one another on a stream
        workspaces: dict[int, Any] = {}
        for step, lane in zip(steps, self.lane, strict=True):
            if isinstance(step, Product) and lane not in workspaces:
                workspaces[lane] = runtime.memory(cublas.WORKSPACE)
        self.steps, self.workspaces = tuple(steps), workspaces
        bound = self._bind()
        self.addresses = [_addresses(step) for step in steps]
        self.capturable = all(getattr(b, "capturable", True) for b in bound)
        forced = os.environ.get("PULLBACK_GRAPHS", "")
        wanted = forced != "0" and self.capturable and bool(steps)
        self.mode = "replay" if not wanted else "graph" if forced == "1" else "trial"
        self.calls = 0
        self.misses = 0.0
        self.ways = ["replay", "chain", *(["fork"] if max(self.lane, default=0) else [])]
        self.shape = self.ways[-1]  # of the graphs
        self.times: dict[str, list[float]] = {way: [] for way in self.ways}
        self.graphs: dict[tuple[int, ...], Any] = {}
        self.seen: list[set[int]] = [set() for _ in external]
        self.staged: dict[int, Any] = {}
        self.stream: Any = None
        # the libraries plan by the addresses' alignment, outside of any capture
        nowhere = tuple([cublaslt.NOWHERE] * len(external))
        self._address(bound, nowhere, {BLOCK} | set(range(len(external))))
        # launches that are ready, by the addresses that they have; the oldest first
        self.sets = {nowhere: bound}

    def _bind(self) -> list[Any]:
        """All steps, compiled or planned, without addresses."""
        return [
            self.runtime.bind(step, self.workspaces.get(lane))
            for step, lane in zip(self.steps, self.lane, strict=True)
        ]

    def __call__(self, *arrays: Any) -> None:
        """Queue every step once, on CuPy's current stream."""
        stream = self.follow()
        key = tuple([a.data.ptr for a in arrays])
        if self.mode == "replay":
            self._replay(key, arrays, stream)
        elif self.mode == "graph":
            # forced: the first call is replayed all the same, since kernels load at their first launch
            (self._graph if self.calls else self._replay)(key, arrays, stream)
            self.calls += 1
        else:
            self._trial(key, arrays, stream)

    def follow(self) -> Any:
        """The current stream, on which what comes next waits for the last call, wherever that was queued."""
        self.runtime.launches.enter_thread()
        stream = self.cupy.cuda.get_current_stream()
        if self.stream is not None and stream.ptr != self.stream.ptr:
            event = self.cupy.cuda.Event(disable_timing=True)
            event.record(self.stream)
            stream.wait_event(event)
        self.stream = stream
        return stream

    def _address(self, launches: list[Any], key: tuple[int, ...], changed: set[int]) -> None:
        base = self.block.data.ptr
        for j, addresses in enumerate(self.addresses):
            if any(p is not None and p.slot in changed for p in addresses):
                at = [(base if p.slot == BLOCK else key[p.slot]) + p.offset if p else 0 for p in addresses]  # fmt: skip
                try:
                    launches[j].address(*at)
                except cublas.ProductError:  # no algorithm for memory that is aligned so little
                    workspace = self.workspaces[self.lane[j]]
                    launches[j] = self.runtime.bind(self.steps[j], workspace, after=launches[j].way)
                    launches[j].address(*at)
                    if not launches[j].capturable and self.mode != "replay":
                        self._without_graphs()

    def _ready(self, key: tuple[int, ...]) -> list[Any]:
        """The launches for these addresses; looked up where they were met before, as outputs that take turns are."""
        found = self.sets.get(key)
        if found is None:
            if len(self.sets) < SETS:
                found = self._bind()
                self._address(found, key, {BLOCK} | set(range(len(key))))
            else:
                last = next(iter(self.sets))
                found = self.sets.pop(last)  # gone, should it fail halfway
                changed = {i for i, (a, b) in enumerate(zip(key, last, strict=True)) if a != b}
                self._address(found, key, changed)
            self.sets[key] = found
        return found

    def _replay(self, key: tuple[int, ...], arrays: Sequence[Any], stream: Any) -> None:
        for bound in self._ready(key):
            bound.launch(stream.ptr)

    def _graph(self, key: tuple[int, ...], arrays: Sequence[Any], stream: Any) -> None:
        """One launch of the graph for these addresses, captured if there is none yet."""
        for seen, pointer in zip(self.seen, key, strict=True):
            if len(seen) <= GRAPHS:
                seen.add(pointer)
        inner = self._inner(key)
        graph = self.graphs.get(inner)
        if graph is not None:
            self.misses = max(0.0, self.misses - 0.1)
        else:
            self.misses += 1
            if self.misses > GRAPHS:
                self._stage(arrays)
                inner = self._inner(key)
            graph = self._capture(inner) if self.mode != "replay" else None
            if graph is None:
                self._replay(key, arrays, stream)
                return
            if len(self.graphs) >= GRAPHS:
                # `cuGraphExecDestroy`: a graph that still runs is freed when it is done
                self.graphs.pop(next(iter(self.graphs)))
            self.graphs[inner] = graph
        self._copy(arrays, "in", stream)
        graph.launch(stream)
        self._copy(arrays, "out", stream)

    def _inner(self, key: tuple[int, ...]) -> tuple[int, ...]:
        """The addresses that a graph has, with the staged arrays' own."""
        return tuple(
            [self.staged[i].data.ptr if i in self.staged else p for i, p in enumerate(key)]
        )

    def _stage(self, arrays: Sequence[Any]) -> None:
        """Give arrays whose address keeps changing a fixed one; without that, no graph."""
        moving = [i for i, seen in enumerate(self.seen) if len(seen) > 2 and i not in self.staged]
        if not moving or any(self.external[i] == "inout" for i in moving):
            self._without_graphs()
            return
        self.stream.synchronize()
        self.graphs.clear()
        self.misses = 0.0
        for i in moving:
            self.staged[i] = self.runtime.memory(arrays[i].nbytes)

    def _without_graphs(self) -> None:
        """Let go of all graphs and of their memory: the steps are launched one by one from here on."""
        self.mode = "replay"
        if self.stream is not None:
            self.stream.synchronize()
        self.graphs.clear()
        self.staged.clear()

    def _copy(self, arrays: Sequence[Any], direction: str, stream: Any) -> None:
        for i, buffer in self.staged.items():
            if self.external[i] == direction:
                ends = (buffer.data.ptr, arrays[i].data.ptr)
                to, source = ends if direction == "in" else ends[::-1]
                nbytes, copy = arrays[i].nbytes, self.cupy.cuda.runtime.memcpyAsync
                copy(to, source, nbytes, DEVICE_TO_DEVICE, stream.ptr)

    def _capture(self, key: tuple[int, ...]) -> Any:
        """A graph of all steps, none of which runs; None, and no further trial, if it cannot be had."""
        ready = self._ready(key)  # before the capture: a library may ask the device
        if self.mode == "replay":  # a product that cannot be captured, at these addresses
            return None
        stream = self.cupy.cuda.Stream(non_blocking=True)
        side: list[Any] = []  # which has to live until the capture has ended
        try:
            with stream, capture(self.cupy, stream) as graph:
                if self.shape == "fork":
                    self._fork(ready, stream, side)
                else:
                    for bound in ready:
                        bound.launch(stream.ptr)
        except Exception as error:  # CUDA's and CuPy's errors have no common class
            self.mode = "replay"
            warnings.warn(
                f"no CUDA graph ({type(error).__name__}: {error}): launched one by one instead; "
                "PULLBACK_GRAPHS=0 does so without this warning",
                RuntimeWarning,
                stacklevel=4,
            )
            return None
        return graph[0]

    def _fork(self, launches: list[Any], first: Any, side: list[Any]) -> None:
        """Queue every step on its lane's stream, where it waits for those that it needs; `side` takes new streams."""
        cuda = self.cupy.cuda
        side += [cuda.Stream(non_blocking=True) for _ in range(max(self.lane))]
        streams = [first, *side]
        begun = cuda.Event(disable_timing=True)
        begun.record(first)
        events: dict[int, Any] = {}
        entered = {0}
        for j, (bound, lane, needs) in enumerate(zip(launches, self.lane, self.order, strict=True)):
            stream = streams[lane]
            if lane not in entered:
                stream.wait_event(begun)
                entered.add(lane)
            for i in needs:
                if self.lane[i] != lane:
                    stream.wait_event(events[i])
            bound.launch(stream.ptr)
            if any(j in other and self.lane[k] != lane for k, other in enumerate(self.order)):
                events[j] = cuda.Event(disable_timing=True)
                events[j].record(stream)
        for stream in streams[1:]:
            end = cuda.Event(disable_timing=True)
            end.record(stream)
            first.wait_event(end)

    def _trial(self, key: tuple[int, ...], arrays: Sequence[Any], stream: Any) -> None:
        """One real call, timed; after enough calls of each way the fastest way stays."""
        way = next(name for name in self.ways if len(self.times[name]) < TRIALS)
        if way not in ("replay", self.shape):
            self.graphs.clear()
            self.shape = way
        timed = self.calls > 0 if way == "replay" else len(self.graphs) > 0
        captured = len(self.graphs)
        before = self.misses
        stream.synchronize()
        start = self.runtime.clock()
        (self._replay if way == "replay" else self._graph)(key, arrays, stream)
        stream.synchronize()
        took = self.runtime.clock() - start
        self.calls += 1
        # captures are not timed
        if timed and self.misses <= before and len(self.graphs) == captured:
            self.times[way].append(took)
        if self.mode == "trial" and all(len(times) >= TRIALS for times in self.times.values()):
            fastest = min(self.ways, key=lambda name: min(self.times[name]))
            if fastest == "replay":
                self._without_graphs()
                return
            if fastest != self.shape:
                self.graphs.clear()
            self.mode, self.shape = "graph", fastest


class Runtime:
    """The runner of compiled programs on the current CUDA device.

    Parameters
    ----------
    cupy
        The module.
    driver
        `cupy_backends.cuda.api.driver`.
    ways : sequence
        Ways of multiplying as in `cublas.py`, best first.
    clock : callable
        Seconds.
    tuner : Tuner, optional
        What tries products on the device.
    """

    def __init__(
        self,
        cupy: Any,
        driver: Any,
        ways: Sequence[Any],
        clock: Callable[[], float] = time.perf_counter,
        tuner: tuning.Tuner | None = None,
    ) -> None:
        self.cupy, self.driver, self.clock, self.tuner = cupy, driver, clock, tuner
        self.launches = Driver(cupy, driver)
        self.ways = list(ways)
        self.modules: dict[str, Any] = {}
        self.checked: dict[tuple[Any, ...], Any] = {}

    @functools.cached_property
    def epilogues(self) -> bool:
        """Whether the first way of multiplying gives every epilogue right on the device, which is tried once."""
        first = self.ways[0]
        return first.epilogues and all(self.way(cublas.sample(e)) is first for e in EPILOGUES)

    def pays(self, product: Product) -> bool:
        """Whether the first way of multiplying gives a product's epilogue right, and saves time by it."""
        first = self.ways[0]
        plain = dataclasses.replace(product, epilogue="", vector=None, mask=None)
        if self.way(product) is not first:
            return False
        if self.tuner is None:
            return product.m * product.n <= tuning.EXPECTED
        workspace = self.memory(cublas.WORKSPACE)
        try:
            bound = [first.bind(each, workspace) for each in (product, plain)]
        except cublas.ProductError:
            return False
        return self.tuner.epilogue_pays(product, bound[0].form, *bound)

    def memory(self, nbytes: int) -> Any:
        """A block of `nbytes` bytes; CuPy's pool aligns to 512."""
        return self.cupy.empty(nbytes, "uint8")

    def view(self, block: Any, offset: int, shape: Any, dtype: DType) -> Any:
        """An array of `shape` and `dtype`, `offset` bytes into a block."""
        return self.cupy.ndarray(shape, dtype, block.data + offset)

    def empty(self, shape: Any, dtype: DType) -> Any:
        """An array of its own."""
        return self.cupy.empty(shape, dtype)

    def upload(self, array: Any, host: np.ndarray) -> None:
        """The 64-bit words of `host` into `array`, on the current stream; `host` may be changed at once after."""
        self.launches.send(array, host)

    def segment(
        self,
        steps: Sequence[Step],
        block: Any,
        slots: int,
        external: Sequence[str],
        order: Sequence[tuple[int, ...]] | None = None,
    ) -> Segment:
        """The callable that runs `steps` once a call: ``segment(*arrays)``, with the arrays of slots ``0 … slots − 1``.

        Parameters
        ----------
        steps, block
            What is done, in an order in which it may be done, and the program's own memory.
        slots, external
            How many arrays are handed over, and for each whether it is read, written, or both.
        order
            ``order[j]``: the steps that step j has to wait for; by default, all before it.

        Raises
        ------
        ValueError
            If `external` has not one of "in", "out", "inout" for each slot.
        """
        if len(external) != slots or not set(external) <= {"in", "out", "inout"}:
            raise ValueError(f'{slots} slots need as many of "in", "out", "inout", not {external}')
        if order is None:
            order = [(i - 1,) if i else () for i in range(len(steps))]
        return Segment(self, steps, block, external, order)

    def bind(self, step: Step, workspace: Any, after: Any = None) -> Any:
        """One step, compiled or planned, without addresses; a product by one of the ways behind `after`, if given."""
        if isinstance(step, Launch):
            module = self.modules.get(step.source)
            if module is None:
                module = self.cupy.RawModule(code=step.source, options=OPTIONS)
                self.modules[step.source] = module
            return _Kernel(self.driver, module.get_function(step.function), step)
        return self._product(step, workspace, after)

    def _product(self, product: Product, workspace: Any, after: Any) -> Any:
        """The product bound by its way of multiplying; where that has none of this shape, by the next that can."""
        chosen = self.ways.index(self.way(product) if after is None else after) + (
            after is not None
        )
        for way in self.ways[chosen:]:
            last = way is self.ways[-1]  # which does the epilogues, after the product
            if product.epilogue and not (way.epilogues or last):
                continue
            try:
                bound = way.bind(product, workspace)
            except cublas.ProductError:
                if last:
                    raise
                continue
            bound.capturable = way.capturable
            return bound
        raise AssertionError("the last way returns or raises")

    def way(self, product: Product) -> Any:
        """The first way of multiplying that gives products of these dtypes and layouts right."""
        p = product
        turned = (p.a.transposed, p.b.transposed, p.c.transposed)
        form = (p.dtype, p.operands, p.tf32, p.epilogue, turned, p.batch > 1)
        if form not in self.checked:
            self.checked[form] = self._first_right(product)
        return self.checked[form]

    def _first_right(self, product: Product) -> Any:
        for way in self.ways[:-1]:
            if product.epilogue and not way.epilogues:
                continue
            try:
                wrong = cublas.disagrees(self.cupy, way, product, self.memory)
            except Exception as error:  # whatever a library throws at its first call
                wrong = f"{type(error).__name__}: {error}"
            if not wrong:
                return way
            warnings.warn(
                f"{way.name} is not used for products of {product.operands} into {product.dtype}"
                f"{product.epilogue and f' with epilogue {product.epilogue}'}: {wrong}",
                RuntimeWarning,
                stacklevel=5,
            )
        return self.ways[-1]

    def describe(self) -> str:
        """The description of the library that multiplies, and of the way in which segments run."""
        graphs = os.environ.get("PULLBACK_GRAPHS", "")
        how = {"0": "replayed", "1": "one CUDA graph"}.get(
            graphs, "replayed or one CUDA graph, whichever is faster"
        )
        names = dict.fromkeys(w.name for w in self.checked.values()) or [self.ways[0].name]
        return f"{how}; products by {', '.join(names)}"


def bind(cupy: Any, driver: Any) -> Runtime:
    """The runtime over CuPy, with the products that PULLBACK_CUBLAS (lt, cublas, cupy) or the machine allows.

    Raises
    ------
    ValueError
        If PULLBACK_CUBLAS is something else.
    ImportError, OSError, AttributeError
        If it names what is not installed.
    """
    forced = os.environ.get("PULLBACK_CUBLAS", "")
    if forced not in ("", "lt", "cublas", "cupy"):
        raise ValueError(f"PULLBACK_CUBLAS={forced}: lt, cublas or cupy")
    ways: list[Any] = []
    tuner = tuning.Tuner(tuning.Device(cupy))
    if forced == "lt" or (not forced and cublaslt.installed()):
        ways.append(cublaslt.CublasLt(cublaslt.load() if forced else None, tuner))
    if forced in ("", "cublas"):
        try:
            ways.append(cublas.Cublas(cublas.load()))
        except (OSError, ImportError, AttributeError):
            if forced:
                raise
    return Runtime(cupy, driver, [*ways, cublas.CupyProducts(cupy)], tuner=tuner)
