"""Which algorithm multiplies, and whether an epilogue saves time: tried on the device, once for each form of a product.

cuBLASLt names several algorithms for a product, best first by its own estimate, which is not always right: small
products and ones with epilogues are where it errs. All candidates run on memory of their own, of the product's sizes
and alignments. What is chosen is kept on disk (`common/trials.py`), so that a later run takes the same algorithm and
gives the same bits. The library's first choice stays unless another takes less than 0.90 of its time.
"""

from __future__ import annotations

import functools
import hashlib
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..common import trials
from ..common.launches import Product, mask_bytes
from .captures import capture

CANDIDATES = 8  # algorithms that the library is asked for
# All candidates take turns in each round. The rounds end when none takes less than `SETTLED` of its least time before:
# the clock of a device that was idle rises for a while (arXiv:2502.20075).
FEWEST_ROUNDS, MOST_ROUNDS, SETTLED = 3, 12, 0.97
# A run repeats a launch until it takes this many seconds on the device, and at most so many times.
SHORTEST, REPEATED = 1e-4, 20
SLOW = 4.0  # times the best time of one launch, beyond which a launch is not repeated
ISSUED = 2e-5  # seconds that a host may take to issue a launch and an event: of less, nothing is known of the launch
LONG = 1e-3  # seconds of a launch against which those are nothing
HOPELESS = 2.0  # times the best time, beyond which a candidate is not run on after two rounds
ROOM = 1 << 30  # bytes of operands beyond which no trial is made
PATTERN = 1 << 20  # bytes of random numbers that operands are filled with, again and again
ALLOCATED = 512  # bytes: the alignment of CuPy's own pool; other allocators may give less
DEVICE_TO_DEVICE = 3  # cudaMemcpyKind
# Where an epilogue is done.
INSIDE, AFTER = "inside the product", "after it"
# Elements of a product up to which an epilogue is expected to save time: without a trial it is taken, in a trial the
# other way has to beat it. On an H100 a product of 4096³ took 2820 µs with bias, relu and mask, and 2700 alone, where
# the kernel after it takes 43.
EXPECTED = 1 << 18
ITEM = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}  # bytes

Launch = Callable[[int], None]  # takes the pointer of a stream


def wanted() -> bool:
    """Whether trials are made: not with ``PULLBACK_TUNE=0``."""
    return os.environ.get("PULLBACK_TUNE", "").strip().lower() not in ("0", "no", "off", "false")


def spans(product: Product) -> dict[str, int]:
    """The bytes that each array of a product takes in memory."""
    p = product
    sizes = {
        name: _extent(x.leading, x.transposed, x.stride, rows, cols, p.batch) * ITEM[dtype]
        for name, x, rows, cols, dtype in (
            ("a", p.a, p.m, p.k, p.operands), ("b", p.b, p.k, p.n, p.operands), ("c", p.c, p.m, p.n, p.dtype),
        )
    }  # fmt: skip
    sizes["vector"] = p.n * ITEM[p.dtype] if p.vector is not None else 0
    sizes["mask"] = mask_bytes(p.m, p.n) if p.mask is not None else 0
    return sizes


def _extent(leading: int, transposed: bool, stride: int, rows: int, cols: int, batch: int) -> int:
    if transposed:
        rows, cols = cols, rows
    return (batch - 1) * stride + (rows - 1) * leading + cols


class _Run(NamedTuple):
    """A number of launches in a row, and whether they are so short that the host's time to issue them counts."""

    launch: Launch
    times: int
    short: bool


class Device:
    """The device's clock, and memory to try products on.

    Parameters
    ----------
    cupy
        The module.
    """

    def __init__(self, cupy: Any) -> None:
        self.cupy = cupy
        # by the device's number: to ask takes a millisecond on some machines
        self.names: dict[int, str] = {}

    def name(self) -> str:
        """The device's model, its number of multiprocessors, and the newest CUDA version that its driver knows."""
        number = self.cupy.cuda.runtime.getDevice()
        if number not in self.names:
            properties = self.cupy.cuda.runtime.getDeviceProperties(number)
            driver = self.cupy.cuda.runtime.driverGetVersion()
            model, count = properties["name"].decode(), properties["multiProcessorCount"]
            self.names[number] = f"{model}, {count} multiprocessors, driver {driver}"
        return self.names[number]

    def memory(self, nbytes: int, dtype: str, alignment: int) -> Any:
        """Random numbers at an address of this alignment and no higher one; what is returned has `.ptr` and keeps it.

        Parameters
        ----------
        nbytes, alignment : int
            In bytes; the alignment is a power of two up to 256.
        dtype : str
            One of `ITEM`.
        """
        whole = self.cupy.empty(nbytes + 2 * ALLOCATED, "uint8")
        pattern = _pattern(dtype)[: whole.nbytes]
        stream = self.cupy.cuda.get_current_stream()
        whole.data.copy_from_host_async(pattern.ctypes.data, pattern.nbytes, stream)
        filled, start = pattern.nbytes, whole.data.ptr
        while filled < whole.nbytes:
            more = min(filled, whole.nbytes - filled)
            self.copier(start + filled, start, more)(stream.ptr)
            filled += more
        return whole.data + (-start % ALLOCATED + alignment)

    def copier(self, to: int, source: int, nbytes: int) -> Launch:
        """The launch of a copy from one address to another."""
        return lambda stream: self.cupy.cuda.runtime.memcpyAsync(
            to, source, nbytes, DEVICE_TO_DEVICE, stream
        )

    def seconds(
        self, launches: Mapping[str, Launch], preferred: str
    ) -> tuple[dict[str, float], tuple[str, ...]]:
        """What `trials.Measure` says: the least seconds of one launch of each, and which of them mean nothing.

        A host cannot issue short launches as fast as they run. So these are repeated in one CUDA graph, all equally
        often but those that are far too slow, and the clock starts behind a run that is not timed: by the time that the
        device is through with that, the host has issued the one that is.

        A launch that the library refuses is left out, unless it is the preferred one.
        """
        # What was queued here is done, and the memory filled. Not of the whole device: another thread may be capturing,
        # which that would break off.
        self.cupy.cuda.get_current_stream().synchronize()
        stream = self.cupy.cuda.Stream(non_blocking=True)
        try:
            once = self._once(launches, preferred, stream)
            best = min(once.values())
            often = max(1, round(SHORTEST / max(best - ISSUED, SHORTEST / REPEATED)))
            runs = {}
            for name, taken in once.items():
                count = often if taken <= SLOW * best else 1
                run = self._repeated(launches[name], count, stream)
                runs[name] = _Run(run, count, taken < LONG)
            return self._in_turn(runs, preferred, stream)
        finally:
            # Before the graphs and the memory are let go, after an error as well: CuPy gives memory that is free to who
            # asks next on the stream that it was taken on, and knows nothing of this one.
            stream.synchronize()

    def _once(
        self, launches: Mapping[str, Launch], preferred: str, stream: Any
    ) -> dict[str, float]:
        """The seconds of one launch of each, or those that the host takes to issue it where these are more."""
        once = {}
        for name, launch in launches.items():
            try:
                launch(stream.ptr)  # its kernels are loaded here
            except Exception:  # CUDA's, CuPy's and the library's errors have no common class
                if name == preferred:
                    raise
                continue
            once[name] = self._timed(launch, stream)
            if once[name] < LONG:
                once[name] = min(once[name], self._timed(launch, stream))
        return once

    def _in_turn(
        self, runs: Mapping[str, _Run], preferred: str, stream: Any
    ) -> tuple[dict[str, float], tuple[str, ...]]:
        """Time all runs in turn until none gets any faster; those of a clock that never settles mean nothing."""
        least = dict.fromkeys(runs, math.inf)
        for number in range(MOST_ROUNDS):
            before, best = dict(least), min(least.values())
            # there and back, so that a clock that rises favours neither the first nor the last
            for name in [*runs][:: -1 if number % 2 else 1]:
                if number < 2 or name == preferred or least[name] <= HOPELESS * best:
                    run = runs[name]
                    if run.short:
                        run.launch(stream.ptr)
                    least[name] = min(least[name], self._timed(run.launch, stream) / run.times)
            settled = all(taken >= SETTLED * before[name] for name, taken in least.items())
            if settled and number + 1 >= FEWEST_ROUNDS:
                return least, ()
        return least, tuple(runs)

    def _repeated(self, launch: Launch, count: int, stream: Any) -> Launch:
        """A run of so many launches."""
        if count == 1:
            return launch
        with capture(self.cupy, stream) as graph:
            for _ in range(count):
                launch(stream.ptr)
        graph[0].launch(stream)  # the first time sends it to the device
        return lambda _: graph[0].launch(stream)

    def _timed(self, run: Launch, stream: Any) -> float:
        """The seconds from one event to another, with a run between them."""
        start, end = self.cupy.cuda.Event(), self.cupy.cuda.Event()
        start.record(stream)
        run(stream.ptr)
        end.record(stream)
        end.synchronize()
        return float(self.cupy.cuda.get_elapsed_time(start, end)) * 1e-3


@functools.cache  # some milliseconds, and the host's memory has to stay until it is copied
def _pattern(dtype: str) -> np.ndarray:
    """Normal variates in a dtype, as bytes."""
    normal = np.random.default_rng(0).standard_normal(PATTERN // ITEM[dtype])
    if dtype == "bfloat16":
        return (normal.astype("float32").view("uint32") >> 16).astype("uint16").view("uint8")
    return normal.astype(dtype).view("uint8")


class Tuner:
    """The trials of one process on its device.

    Parameters
    ----------
    device : Device
    """

    def __init__(self, device: Any) -> None:
        self.device, self.failed = device, False

    def algorithm(
        self,
        product: Product,
        form: Sequence[Any],
        algorithms: Sequence[bytes],
        launch: Callable[[int, Sequence[int]], Launch],
        alignments: Sequence[int],
    ) -> int:
        """The number of the algorithm to take; 0, the library's first choice, where no trial can be made.

        Parameters
        ----------
        product : Product
        form : sequence
            What the answer depends on besides the device and the alignments, in types that JSON has.
        algorithms : sequence of bytes
            The candidates, best first by the library's estimate.
        launch : callable
            ``launch(i, addresses)``: launches candidate i on arrays a, b, c, vector and mask at these addresses.
        alignments : sequence of int
            Of these five addresses.
        """
        if len(algorithms) < 2 or not wanted() or sum(spans(product).values()) > ROOM:
            return 0
        names = [f"algorithm {i + 1}" for i in range(len(algorithms))]

        def make() -> dict[str, Launch]:
            memory = self._operands(product, alignments)
            addresses = [0 if x is None else x.ptr for x in memory]
            # the memory lives as long as the launches
            return {name: _keeping(launch(i, addresses), memory) for i, name in enumerate(names)}

        question = {
            "form": [*form], "alignments": [*alignments],
            "algorithms": [hashlib.sha256(each).hexdigest()[:12] for each in algorithms],
        }  # fmt: skip
        chosen = self._fastest("products on the GPU", question, names[0], make)
        return names.index(chosen) if chosen in names else 0

    def epilogue_pays(self, product: Product, form: Sequence[Any], inside: Any, after: Any) -> bool:
        """Whether a product with its epilogue takes less time than the product, and a pass over its result.

        The pass is timed as a copy of the result, which reads and writes as many bytes as a bias or a relu at least.

        Parameters
        ----------
        product : Product
            With the epilogue.
        form : sequence
            What the answer depends on besides the device, in types that JSON has.
        inside, after
            The products with and without it, bound by a way of multiplying.
        """
        sizes = spans(product)
        preferred = INSIDE if product.m * product.n <= EXPECTED else AFTER
        if not wanted() or sum(sizes.values()) > ROOM:
            return preferred == INSIDE

        def make() -> dict[str, Launch]:
            memory = self._operands(product, [256] * 5)
            other = self.device.memory(sizes["c"], product.dtype, 256)
            addresses = [0 if x is None else x.ptr for x in memory]
            inside.address(*addresses)
            after.address(*addresses)
            copy = self.device.copier(other.ptr, memory[2].ptr, sizes["c"])

            def both(stream: int) -> None:
                after.launch(stream)
                copy(stream)

            return {
                INSIDE: _keeping(inside.launch, memory),
                AFTER: _keeping(both, (memory, other)),
            }

        return self._fastest("epilogues on the GPU", {"form": [*form]}, preferred, make) == INSIDE

    def _operands(self, product: Product, alignments: Sequence[int]) -> list[Any]:
        dtypes = (product.operands, product.operands, product.dtype, product.dtype, product.dtype)
        return [
            self.device.memory(nbytes, dtype, alignment) if nbytes else None
            for nbytes, dtype, alignment in zip(
                spans(product).values(), dtypes, alignments, strict=True
            )
        ]

    def _fastest(
        self,
        subject: str,
        question: dict[str, Any],
        preferred: str,
        make: Callable[[], Mapping[str, Launch]],
    ) -> str:
        """The answer that is kept, or a trial's; once a trial failed, none is made: what is not kept is preferred."""
        try:
            question = {"device": self.device.name(), **question}
            if self.failed:
                return trials.kept(subject, question, preferred) or preferred
            return trials.fastest(subject, question, preferred, make, measure=self.device.seconds)
        except Exception as error:  # CUDA's, CuPy's and the library's errors have no common class
            if self.failed:
                return preferred
            self.failed = True
            warnings.warn(
                f"no trial of {subject} ({type(error).__name__}: {error}): from here on the library's own choices "
                "are taken where no answer is kept; PULLBACK_TUNE=0 takes them everywhere, without this warning",
                RuntimeWarning,
                stacklevel=4,
            )
            return preferred


def _keeping(launch: Launch, memory: Any) -> Launch:
    """The launch, with what has to live as long."""

    def run(stream: int, _: Any = memory) -> None:
        launch(stream)

    return run
