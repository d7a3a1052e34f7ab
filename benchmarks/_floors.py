"""What this GPU can do at most: bytes copied a second, and floating point operations of products by precision.

Run as a script, this file measures one kind of arithmetic for its parent, since CuPy reads ``CUPY_TF32`` once:
`python _floors.py DTYPE`. Times are of CUDA events around a block of calls, medians over blocks.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _report import table, without_paths

KINDS = {"float32": "0", "tf32": "1", "float16": "0", "bfloat16": "0"}  # and its CUPY_TF32
SHAPES = (
    (1024, 784, 1024),
    (1024, 1024, 1024),
    (4096, 4096, 4096),
)  # (m, k, n): of big, and of 4096-wide layers
COPY_BYTES = 1 << 30
BLOCKS, CALLS, TIMEOUT = 7, 20, 60


def seconds(cp: Any, call: Callable[[], Any]) -> float:
    """Seconds a call on the device."""
    for _ in range(3):
        call()
    found = []
    for _ in range(BLOCKS):
        start, end = cp.cuda.Event(), cp.cuda.Event()
        start.record()
        for _ in range(CALLS):
            call()
        end.record()
        end.synchronize()
        found.append(cp.cuda.get_elapsed_time(start, end) / 1e3 / CALLS)
    return statistics.median(found)


def dtype_of(kind: str) -> Any:
    """The dtype of the factors; ImportError where NumPy needs ml_dtypes for it and there is none."""
    import numpy as np

    if kind == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype("float32" if kind == "tf32" else kind)


def copy_rate(cp: Any, nbytes: int = COPY_BYTES) -> float:
    """Bytes read and written a second by a copy on the device."""
    source, target = cp.zeros(nbytes, dtype="uint8"), cp.empty(nbytes, dtype="uint8")
    return 2 * nbytes / seconds(cp, lambda: target.data.copy_from_device_async(source.data, nbytes))


def product_rates(cp: Any, kind: str, shapes: tuple[tuple[int, int, int], ...] = SHAPES) -> Any:
    """Floating point operations a second (2mkn a product) by shape "m×k×n"."""
    dtype = dtype_of(kind)
    rates = {}
    for m, k, n in shapes:
        a = cp.random.standard_normal((m, k), dtype="float32").astype(dtype)
        b = cp.random.standard_normal((k, n), dtype="float32").astype(dtype)
        out = cp.empty((m, n), dtype=dtype)
        took = seconds(cp, lambda: cp.matmul(a, b, out=out))  # noqa: B023 - called at once
        rates[f"{m}×{k}×{n}"] = 2 * m * k * n / took
    return rates


def measure(kinds: tuple[str, ...] = tuple(KINDS), python: str = sys.executable) -> dict[str, Any]:
    """The copy bandwidth, and product rates by kind; a kind that fails has its reason under "skipped"."""
    found: dict[str, Any] = {"products": {}, "skipped": {}}
    for kind in kinds:
        command = [python, str(Path(__file__).resolve()), kind]
        env = os.environ | {"CUPY_TF32": KINDS[kind]}
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            found["skipped"][kind] = f"{kind}: took more than {TIMEOUT} s"
            continue
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"]
            found["skipped"][kind] = f"{kind}: {without_paths(said[-1])}"
            continue
        answer = json.loads(done.stdout.splitlines()[-1])
        found["products"][kind] = answer["products"]
        found.setdefault("copy bytes a second", answer["copy"])
    return found


def show(found: dict[str, Any]) -> str:
    """Rates as a table, a row a precision."""
    shapes = [f"{m}×{k}×{n}" for m, k, n in SHAPES]
    rows = [
        [kind, *(f"{rates[s] / 1e12:.1f}" for s in shapes)]
        for kind, rates in found["products"].items()
    ]
    text = table("products alone, Tflop/s, by cupy.matmul", ["precision", *shapes], rows)
    if "copy bytes a second" in found:
        text += (
            f"\ncopy on the device, read and written: {found['copy bytes a second'] / 1e9:.0f} GB/s"
        )
    return "\n".join([text, *(f"left out: {reason}" for reason in found["skipped"].values())])


def main() -> None:
    """One kind, for the parent."""
    import cupy as cp

    print(json.dumps({"copy": copy_rate(cp), "products": product_rates(cp, sys.argv[1])}))


if __name__ == "__main__":
    main()
