"""What the tests of rematerialisation share: a program, its statements and its graph."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import pullback as pb
from pullback.autograd.compile.cpu.assemble import lay_out
from pullback.autograd.compile.executable import make_executable
from pullback.autograd.compile.optimise.recompute_graph import Graph, make_graph

xp = pb.xp


def loss(weights: Any, x: Any) -> Any:
    for W in weights:
        x = xp.tanh(x @ W)
    return xp.sum(x**2)


def updated(weights: Any, x: Any) -> Any:
    """A step of gradient descent."""
    return [W - 0.1 * g for W, g in zip(weights, pb.grad(loss)(weights, x), strict=True)]


def chain(depth: int, width: int = 8) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((width, width)) / math.sqrt(width) for _ in range(depth)]
    return weights, rng.standard_normal((16, width))


class Laid:
    """A program without kernels, laid out."""

    def __init__(self, f: Any, *args: Any, donate: Any = ()) -> None:
        compiled = pb.compile(f, fast=False)
        trace = compiled._trace(args, {})
        trace.run()
        executable = make_executable(trace, frozenset(donate), False)
        self.program = executable.program
        self.settings = {
            "kernels": False,
            "is_generic_library": False,
            "donated": executable.donated,
            "replaced_inputs": executable.replaced_inputs,
            "tight": True,
        }
        self.out, self.plan = self.lay_out(self.program)

    def lay_out(self, program: Any) -> Any:
        return lay_out(program, **self.settings)

    def graph(self, order: Any = None) -> Graph:
        return make_graph(self.program, self.out, self.plan, order)
