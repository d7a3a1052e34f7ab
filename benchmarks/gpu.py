"""All that a GPU is asked: its floors, training steps in each precision beside PyTorch and JAX, solves, a whole fit.

Begins with what matters most and ends with what is known already, so that a run which is cut short leaves what it has:
each part is written to ``results/<date>-<card>-<part>.json`` as soon as it is measured. What is timed is what users
call: `pullback compiled` has its generated kernels, and one CUDA graph where that is faster; `pullback launches` is the
same launch by launch, `pullback untuned` with the algorithms that cuBLASLt would choose by itself. Every row says its
precision. The loss stays on the device; a block of steps ends with one synchronisation.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import _floors
import adjoint_gpu
import convolution
import fit
import mlp
import overhead
from _peers import ON_CUDA, ON_CUDA_BFLOAT16, WITH_ADAM
from _problem import ON_GPU, flops
from _report import RESULTS, environment, gpu_environment, save, table

BUDGET = 240.0  # seconds after which no further part is begun
FLOOR_OF = {
    "big": "1024×1024×1024",
    "wide": "4096×4096×4096",
}  # the floor's product that is most of a step's work
MAIN = (
    "products", "pullback", "pullback compiled", "pullback launches", "pullback untuned", "torch", "jax",
)  # fmt: skip
TF32 = ("products", "pullback compiled", "pullback untuned", "torch", "jax")
Part = tuple[Callable[[], Any], Callable[[Any], str]]  # what measures, and what shows


def parts(peers: list[str], rounds: int) -> dict[str, Part]:
    """What is measured, in order of importance."""
    common: dict[str, Any] = {"rounds": rounds, "device": "cuda", "pythons": {}, "processes": 2}
    common |= {"block": 0.05}
    chosen = lambda names: [p for p in names if p in (*peers, *ON_CUDA_BFLOAT16)]
    rest = [p for p in peers if p not in MAIN]
    steps = lambda sizes, names, **more: (
        lambda: mlp.measure(sizes, chosen(names), **(common | more)),
        mlp.show,
    )
    found: dict[str, Part] = {
        "float32": steps(list(ON_GPU), MAIN),
        # one process each from here on: on an H100 float32 by two took 110 s of the budget
        "tf32": steps(["big", "wide"], TF32, tf32=True, processes=1),
        "bfloat16": steps(["big", "wide"], ON_CUDA_BFLOAT16, processes=1),
        "floors": (_floors.measure, _floors.show),
        "adam-float32": steps(
            ["digits", "mnist"],
            [p for p in WITH_ADAM if p in MAIN],
            optimizer="adam",
            processes=1,
        ),
        "adjoint-float64": (adjoint_gpu.measure, adjoint_gpu.show),
        "fit": (lambda: fit.measure("cupy"), fit.show),
        "convolution-float32": (lambda: convolution.measure("cuda"), convolution.show),
        "overhead": (lambda: overhead.measure(rounds=20, device="cuda"), overhead.show),
    }
    if rest:
        found["others-float32"] = steps(["small", "mnist"], rest, processes=1)
    return found


def card(name: str) -> str:
    """The model of a GPU, for file names.

    Examples
    --------
    >>> card("NVIDIA H100 80GB HBM3"), card("NVIDIA GeForce RTX 4090")
    ('h100', '4090')
    """
    found = re.search(r"\b[A-Z]{0,2}\d{2,4}[A-Z]?\b", name)
    return (found[0] if found else name.replace(" ", "-")).lower()


def shares(step: dict[str, Any], rates: dict[str, dict[str, float]]) -> list[list[str]]:
    """Rows of size, peer, precision and share: what a step's products would take alone, over what the step takes.

    `rates` are those of `_floors.py`, by precision; sizes that have no floor of their own are left out.
    """
    rows = []
    for size, peers in step["sizes"].items():
        for peer, row in peers.items():
            precision = step["precision"][peer]
            rate = rates.get(precision, {}).get(FLOOR_OF.get(size, ""))
            if rate and peer != "products":
                share = flops(ON_GPU[size]) / rate / row["seconds"]["median"]
                rows.append([size, peer, precision, f"{100 * share:.0f} %"])
    return rows


def over_jax(step: dict[str, Any]) -> list[list[str]]:
    """Rows of size, peer, its medians over JAX's and PyTorch's, where these were timed too."""
    rows = []
    for size, peers in step["sizes"].items():
        medians = {peer: row["seconds"]["median"] for peer, row in peers.items()}
        others = {
            kind: next((t for peer, t in medians.items() if peer.startswith(kind)), None)
            for kind in ("jax", "torch")
        }
        for peer, t in medians.items():
            if peer.startswith("pullback"):
                ratios = [f"{t / o:.2f}" if o else "" for o in others.values()]
                rows.append([size, peer, step["precision"][peer], *ratios])
    return rows


def main() -> int:
    """Run all parts; 2 and one line where there is no GPU, 1 if a part failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--peers", default=",".join(ON_CUDA), help="of: " + ", ".join(ON_CUDA))
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds")
    parser.add_argument("--parts", help="of: " + ", ".join(parts(list(ON_CUDA), 1)))
    parser.add_argument("--folder", type=Path, default=RESULTS, help="where results are written")
    args = parser.parse_args()
    peers = args.peers.split(",")
    unknown = [p for p in peers if p not in ON_CUDA]
    if unknown:
        parser.error(f"--peers: {unknown[0]!r} is not one of {', '.join(ON_CUDA)}")
    every = parts(peers, args.rounds)
    names = args.parts.split(",") if args.parts else list(every)
    for name in names:
        if name not in every:
            parser.error(f"--parts: {name!r} is not one of {', '.join(every)}")
    try:
        gpu = gpu_environment()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    os.environ["PULLBACK_BACKEND"] = "cupy"  # for this process and for the workers
    about = environment() | gpu
    print(", ".join(f"{k} {v}" for k, v in about.items()), flush=True)
    begun, summary, left, failed = monotonic(), [], [], False
    results: dict[str, Any] = {}
    for name in names:
        measure, show = every[name]
        if monotonic() - begun > args.budget:
            left.append(f"{name}: {args.budget:.0f} s had passed")
            continue
        try:
            results[name] = measure()
        except Exception as error:
            left.append(f"{name}: {type(error).__name__}: {error}")
            failed = True
            continue
        print(show(results[name]), flush=True)
        left += [f"{name}: {why}" for why in results[name].get("skipped", {}).values()]
        if "sizes" in results[name]:
            summary += over_jax(results[name])
        path = args.folder / f"{about['date'][:10]}-{card(gpu['gpu'])}-{name}.json"
        save(name, {"environment": about, name: results[name]}, path)
    if "floors" in results:
        rates = results["floors"]["products"]
        rows = [row for r in results.values() if "sizes" in r for row in shares(r, rates)]
        title = "share of the product rate of this device in the same precision"
        print(table(title, ["size", "peer", "precision", "share"], rows), flush=True)
    head = ["size", "peer", "precision", "over JAX", "over torch"]
    print(table("medians over those of JAX and PyTorch", head, summary), flush=True)
    for line in left:
        print(f"left out: {line}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
