"""The smallest program that shows a fault: steps, returns and inputs dropped until none can be spared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from .programs import Program, literal


def smaller(program: Program) -> Iterator[Program]:
    """Programs with one thing less."""
    for step in reversed(program.steps):
        yield program.without(step)
    for step in reversed(program.steps):
        if len(step.makes) == 1 and step.takes:
            yield program.past(step)
    for name in program.returns:
        if len(program.returns) > 1:
            yield replace(program, returns=tuple(n for n in program.returns if n != name))
    used = {name for step in program.steps for name in step.takes} | set(program.returns)
    for kind in ("inputs", "others", "constants"):
        there = getattr(program, kind)
        if unused := [name for name in there if name not in used]:
            if kind == "constants":
                yield replace(
                    program, constants={k: v for k, v in there.items() if k not in unused}
                )
            elif len(there) > len(unused):
                kept = [name for name in there if name not in unused]
                yield replace(
                    program,
                    inputs={k: program.inputs[k] for k in kept},
                    others={k: program.others[k] for k in kept},
                )


def shrunk(program: Program, fails: Callable[[Program], bool]) -> Program:
    """The smallest program found by `smaller` that still fails."""
    again = True
    while again:
        again = False
        for one in smaller(program):
            if one.returns and _runs(one) and fails(one):
                program, again = one, True
                break
    return program


def _runs(program: Program) -> bool:
    from .spaces import NUMPY, function_of

    try:
        f = function_of(program.source(), NUMPY)
        for given in (program.inputs, program.others):
            f(*(np.array(x) for x in given.values()))
    except Exception:  # whatever NumPy says: not a program
        return False
    return True


def listing(program: Program) -> str:
    """The program and its inputs, to be run as they stand."""
    lines = [
        "import numpy as np, pullback as pb",
        "from tests.fuzz.check import loss",
        "xp = pb.xp",
        "",
        program.source(),
    ]
    lines += [f"{name} = {literal(x)}" for name, x in program.inputs.items()]
    lines += [f"other_{name} = {literal(x)}" for name, x in program.others.items()]
    names = ", ".join(program.inputs)
    lines += [f"print(f({', '.join(f'xp.asarray({name})' for name in program.inputs)}))"]
    lines += [
        f"print(pb.grad(lambda *a: loss(xp, f(*a)), argnums={tuple(range(len(program.inputs)))})({names}))"
    ]
    return "\n".join(lines)
