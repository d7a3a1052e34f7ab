"""The generated function of a program, which checks its arguments, runs the body and builds the result."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..core.array import Array
from ..pytree import tree
from ..pytree.codegen import Unusual, orders, write_flatten, write_unflatten
from ..pytree.static_values import is_changeable, static_key
from .buffers import COUNTED, OWN_REFERENCES
from .cpu.assembly import Assembly
from .tracing.guards import GUARD_FAILED, ArgumentGuard


class FunctionWriter:
    """The writer of ``run(args, kwargs)``."""

    def __init__(self, executable: Any, out: Assembly) -> None:
        self.executable, self.out, self.extra = executable, out, executable.extra
        self.lines: list[str] = []
        self.globals: list[str] = []
        self.extra |= {
            "GUARD_FAILED": GUARD_FAILED, "Array": Array, "refs": sys.getrefcount, "OWN": OWN_REFERENCES,
        }  # fmt: skip

    def bind(self, x: Any) -> str:
        """A global name for an object."""
        name = f"q{len(self.extra)}"
        self.extra[name] = x
        return name

    def write(self) -> str:
        """The source."""
        self._take()
        donated = sorted(set(self.out.plan.donated.values()))
        self._guards(donated)
        self._output_buffers()
        self.lines += self.out.lines
        self._remember(donated)
        self._put(donated)
        head = ["def run(args, kwargs):"]
        if self.globals:
            head.append(f"    global {', '.join(self.globals)}")
        return "\n".join([*head, *(f"    {line}" for line in self.lines), ""])

    # ── arguments ─────────────────────────────────────────────────────────────────────────────

    def _take(self) -> None:
        args, kwargs = self.executable.arguments
        indices = iter(range(len(self.executable.guards)))
        expressions: list[str] = []

        def leaf(x: Any, expression: str) -> None:
            index = next(indices)
            expressions.append(f"x{index} = {expression}")
            self.lines.append(expressions[-1])

        lines = self.lines
        failed = "return GUARD_FAILED"
        try:
            lines.append(f"if len(args) != {len(args)}: {failed}")
            if args:
                lines.append(f"{''.join(f'a{i}, ' for i in range(len(args)))} = args")
            for i, x in enumerate(args):
                if i in self.executable.static_arguments:
                    leaf(x, f"a{i}")
                else:
                    write_flatten(x, f"a{i}", leaf, self.bind, lines, failed)
            if kwargs:
                write_flatten(kwargs, "kwargs", leaf, self.bind, lines, failed)
            else:
                lines.append(f"if kwargs: {failed}")
        except Unusual:
            self._take_by_optree()

    def _take_by_optree(self) -> None:
        args, kwargs = self.executable.arguments
        static = self.executable.static_arguments
        chosen = tuple(None if i in static else x for i, x in enumerate(args))
        _, spec = tree.flatten((chosen, kwargs))
        names = [
            f"x{i}"
            for i, guard in enumerate(self.executable.guards)
            if not guard.path.startswith("static ")
        ]
        given = "".join("None, " if i in static else f"args[{i}], " for i in range(len(args)))
        self.lines[:] = [
            f"if len(args) != {len(args)}: return GUARD_FAILED",
            f"leaves, spec = {self.bind(tree.flatten)}((({given}), kwargs))",
            f"if spec != {self.bind(spec)}: return GUARD_FAILED",
            f"orders = {self.bind(orders)}((({given}), kwargs))",
            f"if orders != {self.bind(orders((chosen, kwargs)))}: return GUARD_FAILED",
        ]
        if names:
            self.lines.append(f"{''.join(name + ', ' for name in names)} = leaves")
        for i, guard in enumerate(self.executable.guards):
            if guard.path.startswith("static "):
                self.lines.append(f"x{i} = args[{guard.path.rpartition(' ')[2]}]")

    def _guards(self, donated: list[int]) -> None:
        lines = self.lines
        replaced_inputs = {i: k for k, i in self.executable.replaced_inputs.items()}
        if donated:
            lines.append("same = True")
            self.extra["ids"] = frozenset()
            self.globals.append("ids")
        arrays = []
        for i, guard in enumerate(self.executable.guards):
            x = f"x{i}"
            if guard.argument_type == "static":
                other = f"{self.bind(static_key)}({x}) != {self.bind(guard.key)}"
                if not is_changeable(guard.like):
                    other = f"{x} is not {self.bind(guard.like)} and {other}"
                lines.append(f"if {other}: return GUARD_FAILED")
            elif guard.argument_type == "number":
                other = f"type({x}) is not {type(guard.like).__name__}"
                if type(guard.like) is int and self.out.kernels:
                    other += f" or not {-(2**63)} <= {x} < {2**63}"  # as kernels take them
                lines.append(f"if {other}: return GUARD_FAILED")
            else:
                arrays.append(i)
                remembered = i in donated or (
                    i in replaced_inputs and replaced_inputs[i] in self.out.output_rings
                )
                self._guard_array(i, guard, remembered, i in donated)
        if donated:
            self._apart([i for i in arrays if i not in donated], donated)
        for i in arrays:
            if issubclass(self.executable.guards[i].like.array_type, np.generic):
                lines.append(f"x{i} = {self.bind(np.asarray)}(x{i})")

    def _guard_array(self, i: int, guard: ArgumentGuard, remembered: bool, donated: bool) -> None:
        x, lines = f"x{i}", self.lines
        inner = guard.like
        if guard.wrapped:
            lines.append(f"if type({x}) is not Array or {x}.tape.open: return GUARD_FAILED")
            lines.append(f"{x} = {x}.value")
        # shapes are globals: the text for another length is the same, and need not be compiled again
        shape = f"shape{i}"
        self.extra[shape] = tuple(inner.shape)
        pad = ""
        if remembered:
            known = f"known{i}"
            self.extra[known] = None
            self.globals.append(known)
            # its shape could have been changed where it is
            lines.append(f"if {x} is not {known} or {x}.shape != {shape}:")
            pad = "    "
        array_type = "ndarray" if inner.array_type is np.ndarray else self.bind(inner.array_type)
        dtype = self.bind(inner.dtype)
        condition = f"type({x}) is not {array_type} or {x}.shape != {shape} or {x}.dtype != {dtype}"
        if not issubclass(inner.array_type, np.ndarray | np.generic):
            condition += f" or {x}.device != {self.bind(inner.device)}"
        lines.append(f"{pad}if {condition}: return GUARD_FAILED")
        if donated:
            lines += [
                f"{pad}if {x}.base is not None or not {x}.flags.{'c_contiguous' if self.out.device else 'carray'}:",
                f"{pad}    {x} = {self.bind(_owned)}({x})",
                f"{pad}    same = False",
                f"{pad}ids = None",
            ]

    def _apart(self, others: list[int], donated: list[int]) -> None:
        """See that what is written to is not also read under another name."""
        lines = self.lines
        names = ", ".join(f"x{i}" for i in donated)
        lines += [
            "if ids is None:",
            f"    ids = frozenset(map(id, ({names},)))",
            f"    if len(ids) != {len(donated)}:",
            "        ids = None",
            f"        {names}, = {self.bind(_distinct)}(({names},))",
            "        same = False",
            f"        written = frozenset(map(id, ({names},)))",
            "    else:",
            "        written = ids",
            "else:",
            "    written = ids",
        ]
        for i in others:
            lines += [
                f"if id(x{i}) in written or x{i}.base is not None and {self.bind(_shares)}(x{i}, written, ({names},)):",
                f"    x{i} = x{i}.copy()",
            ]

    # ── outputs ───────────────────────────────────────────────────────────────────────────────

    def _output_buffers(self) -> None:
        for k, (shape, dtype) in self.out.output_rings.items():
            new = f"o{k} = empty({self.bind(shape)}, {self.bind(dtype)})"
            if COUNTED:
                self.lines += [
                    f"o{k} = r{k}a",
                    f"if refs(o{k}) > OWN: {new}",
                    f"r{k}a = r{k}b",
                    f"r{k}b = o{k}",
                ]
                self.globals += [f"r{k}a", f"r{k}b"]
            else:
                self.lines.append(new)
        for v, i in self.out.plan.donated.items():
            self.lines.append(f"o{self.out.plan.outputs[v]} = x{i}")

    def _remember(self, donated: list[int]) -> None:
        """Remember the arrays that the caller is likely to bring back, which need no check then."""
        for i in donated:
            self.lines.append(f"known{i} = x{i}")
        for k, i in self.executable.replaced_inputs.items():
            if k in self.out.output_rings and f"known{i}" in self.extra and i not in donated:
                self.lines.append(f"known{i} = o{k}")

    def _put(self, donated: list[int]) -> None:
        results = [
            f"Array({text})" if wrapped else text
            for text, wrapped in zip(self.out.results, self.executable.wrapped, strict=True)
        ]
        try:
            lines: list[str] = []
            expression = self._expression(self.executable.result, iter(results), lines, donated)
            self.lines += [*lines, f"return {expression}"]
        except Unusual:
            _, spec = tree.flatten(self.executable.result)
            build = self.bind(lambda leaves: tree.unflatten(spec, leaves))
            self.lines.append(f"return {build}([{', '.join(results)}])")

    def _expression(self, result: Any, leaves: Any, lines: list[str], donated: list[int]) -> str:
        if type(result) is tuple and donated:
            parts = [self._part_of_result(part, leaves, lines) for part in result]
            return "(" + "".join(f"{part}, " for part in parts) + ")"
        return write_unflatten(result, lambda: next(leaves), self.bind, lines)

    def _part_of_result(self, part: Any, leaves: Any, lines: list[str]) -> str:
        """The text of a part of the result: the donated argument itself where all its arrays were written in place."""
        found, spec = tree.flatten(part)
        mine = [next(leaves) for _ in found]
        inner: list[str] = []
        again = iter(mine)
        built = write_unflatten(part, lambda: next(again), self.bind, inner)
        if len(found) > 1:
            for i, argument in enumerate(self.executable.arguments[0]):
                indices = [
                    n
                    for n, guard in enumerate(self.executable.guards)
                    if guard.path.split(".")[0] == str(i)
                ]
                texts = [self._donated_text(n) for n in indices]
                if texts == mine and tree.flatten(argument)[1] == spec:
                    name = f"same{i}"
                    lines += [f"if same: {name} = a{i}", "else:"]
                    lines += [f"    {line}" for line in [*inner, f"{name} = {built}"]]
                    return name
        lines += inner
        return built

    def _donated_text(self, index: int) -> str:
        for v, i in self.out.plan.donated.items():
            if i == index:
                return f"o{self.out.plan.outputs[v]}"
        return ""


def _owned(x: Any) -> Any:
    """A donated array that cannot be written to in place, as one that can."""
    return np.array(x, order="C") if isinstance(x, np.ndarray) else x.copy()


def _distinct(arrays: tuple[Any, ...]) -> list[Any]:
    """The arrays, with copies of those that were given before: each array is written to once."""
    seen: set[int] = set()
    out = []
    for x in arrays:
        out.append(x.copy() if id(x) in seen else x)
        seen.add(id(x))
    return out


def _shares(x: Any, written: frozenset[int], arrays: tuple[Any, ...]) -> bool:
    """Whether `x` is a view of an array that is written to."""
    if type(x.base) is type(arrays[0]) and x.base.base is None:
        return id(x.base) in written
    return any(_overlap(x, y) for y in arrays)


def _overlap(x: Any, y: Any) -> bool:
    """Whether two arrays may share memory; on a device every view of an allocation may."""
    if isinstance(x, np.ndarray):
        return np.may_share_memory(x, y)
    return (x if x.base is None else x.base) is (y if y.base is None else y.base)
