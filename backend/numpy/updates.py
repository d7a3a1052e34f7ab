"""The update formulas on NumPy: one pass over memory, many small parameters as one.

A formula becomes a list of ufunc calls into buffers that are there already (`source`), run over blocks that stay in
the second cache: an Adam step over 670,000 float32 parameters takes 0.5 to 0.6 of the time of whole-array
expressions. Parameters of few elements are laid end to end, and updated by the same number of calls as one.
A compiled step does better on large arrays, by kernels; what runs here never depends on what else is imported.
"""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..generic.formulas import NUMBERS, Formula, numbers, python_functions, settings

# Bytes of each array in a block; blocks of a sixteenth cost 1.7 times as much, in calls.
BLOCK = 1 << 18
# Bytes up to which whole arrays are as fast as blocks; at twice as many they take 1.8 times as long.
UNBLOCKED = 1 << 21
SMALL = 4096
_UFUNCS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}
_CALLS = {"sqrt": "sqrt", "sq": "square", "sign": "sign", "larger": "maximum"}


class _Writer:
    """The writer of the statements of a formula as ufunc calls, with as few scratch buffers as they need."""

    def __init__(self, found: Formula) -> None:
        self.location = {name: name for name in ("p", "g", *found.slots, *numbers(found))}
        self.outputs = found.outputs
        self.lines: list[str] = []
        self.scratch = 0
        self.free: list[str] = []
        # scratch buffers that hold a named value
        self.kept: set[str] = set()

    def temporary(self) -> str:
        if self.free:
            return self.free.pop()
        self.scratch += 1
        return f"s{self.scratch - 1}"

    def release(self, name: str) -> None:
        if name[0] == "s" and name[1:].isdigit() and name not in self.kept:
            self.free.append(name)

    def expression(self, node: ast.expr, into: str | None = None) -> str:
        """The name of what holds a node's value, after the calls that compute it are written."""
        if isinstance(node, ast.Name):
            if into is None:
                return self.location[node.id]
            self.lines.append(f"copyto({into}, {self.location[node.id]})")
            return into
        if isinstance(node, ast.Constant):
            return f"zero{'' if node.value == 0 else _refuse(node)}"
        if isinstance(node, ast.BinOp):
            name, parts = _UFUNCS[type(node.op)], [node.left, node.right]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name, parts = _CALLS[node.func.id], node.args
        else:
            _refuse(node)
        operands = [
            self.expression(part, self.target(i, parts, into)) for i, part in enumerate(parts)
        ]
        for operand in operands:
            self.release(operand)
        target = into or self.temporary()
        out = "out=" if name == "maximum" else ""  # which takes no third argument by position
        self.lines.append(f"{name}({', '.join(operands)}, {out}{target})")
        return target

    def target(self, i: int, parts: list[ast.expr], into: str | None) -> str | None:
        """The buffer for an operand: the result's own, once, unless another operand is read from there.

        In place a call touches two arrays instead of three.
        """
        if into is None or isinstance(parts[i], ast.Name | ast.Constant):
            return None
        first = next(k for k, p in enumerate(parts) if not isinstance(p, ast.Name | ast.Constant))
        others = [n for k, p in enumerate(parts) if k != i for n in ast.walk(p)]
        read = {
            self.location[n.id] for n in others if isinstance(n, ast.Name) and n.id in self.location
        }
        return into if i == first and into not in read else None

    def statement(self, line: str) -> None:
        node = ast.parse(line).body[0]
        assert isinstance(node, ast.Assign)
        assert isinstance(node.targets[0], ast.Name)
        name = node.targets[0].id
        if name in self.outputs:
            self.expression(node.value, f"{name}_out")
            self.location[name] = f"{name}_out"
        else:
            self.location[name] = self.expression(node.value)
            self.kept.add(self.location[name])


def _refuse(node: ast.AST) -> Any:
    raise SyntaxError(f"an update formula cannot hold {ast.unparse(node)!r}")


def source(found: Formula) -> tuple[str, int]:
    """``run(p, g, slots…, p_out, slots_out…, numbers…, zero, s0, s1, …)`` as Python, and its scratch buffers' number.

    Examples
    --------
    >>> from pullback.backend.generic.formulas import Formula
    >>> from pullback.backend.numpy.updates import source
    >>> print(source(Formula("sgd", (), "", "p = p - lr*g"))[0])
    def run(p, g, p_out, lr, zero):
        multiply(lr, g, p_out)
        subtract(p, p_out, p_out)
    """
    writer = _Writer(found)
    for line in found.body.splitlines():
        writer.statement(line)
    outputs = [f"{name}_out" for name in found.outputs]
    scratch = [f"s{i}" for i in range(writer.scratch)]
    arguments = ["p", "g", *found.slots, *outputs, *numbers(found), "zero", *scratch]
    lines = [f"def run({', '.join(arguments)}):", *(f"    {line}" for line in writer.lines)]
    return "\n".join(lines), writer.scratch


def allocating_source(found: Formula) -> str:
    """``make(p, g, slots…, numbers…, zero)``: the same calls, the first into each buffer making it.

    For arrays of few elements, where to allocate by the call that needs the buffer is the fastest.
    """
    lines, made = [], set()
    for line in source(found)[0].splitlines()[1:]:
        call, _, last = line.strip().removesuffix(")").rpartition(", ")
        target = last.removeprefix("out=")
        if call.startswith("copyto("):
            target, call = call.removeprefix("copyto("), f"array({last}"
        lines.append(f"    {line.strip()}" if target in made else f"    {target} = {call})")
        made.add(target)
    arguments = ["p", "g", *found.slots, *numbers(found), "zero"]
    results = "".join(f"{name}_out, " for name in found.outputs)
    return "\n".join([f"def make({', '.join(arguments)}):", *lines, f"    return ({results})"])


class _Kernel:
    """A formula made ready for NumPy."""

    def __init__(self, found: Formula) -> None:
        text, self.scratch = source(found)
        names = {*_UFUNCS.values(), *_CALLS.values(), "copyto", "array"}
        scope: dict[str, Any] = {name: getattr(np, name) for name in names}
        exec(compile(text, f"<pullback update {found.name} on NumPy>", "exec"), scope)
        small = allocating_source(found)
        exec(compile(small, f"<pullback update {found.name} on small arrays>", "exec"), scope)
        self.found, self.run, self.make = found, scope["run"], scope["make"]
        self.kept: tuple[Any, Any, list[Any]] = (None, None, [])
        self.prelude, self.settings = python_functions(found)[0], settings(found)
        self.calls, self.outputs = text.count("\n"), len(found.outputs)
        # from how many small parameters on `gains_together`, in which the gain grows with their number, or never
        self.together_from = next((n for n in range(2, 100) if self.gains_together(n)), math.inf)

    def constants(self, scalars: dict[str, Any], dtype: Any) -> list[Any]:
        """The numbers of a step as arrays, which a ufunc takes sooner; most steps have those of the last."""
        values = self.prelude(NUMBERS, *[scalars[name] for name in self.settings])
        last, last_dtype, arrays = self.kept
        if values != last or dtype is not last_dtype or 0 in values:  # 0 equals −0
            arrays = [np.array(value, dtype) for value in (*values, 0)]
            self.kept = values, dtype, arrays
        return arrays

    def gains_together(self, n: int) -> bool:
        """Whether n small parameters are updated sooner as one: by the calls saved, over copies in and views out.

        In units of 0.1 µs: a call on a small array 4, a concatenation 10 and 2 an array, a view 4.
        """
        return 4 * (n - 1) * self.calls > (1 + self.outputs) * (10 + 2 * n) + 4 * n * self.outputs

    def one(self, arrays: Sequence[Any], constants: list[Any]) -> Any:
        """One parameter's new values."""
        p = arrays[0]
        if p.nbytes <= UNBLOCKED and p.shape != ():
            return self.make(*arrays, *constants)
        n, block = p.size, BLOCK // p.itemsize
        outputs = [np.empty(p.shape, p.dtype) for _ in range(self.outputs)]
        flat = [x.reshape(-1) for x in (*arrays, *outputs)]
        scratch = [np.empty(block, p.dtype) for _ in range(self.scratch)]
        for start in range(0, n, block):
            if n - start < block:
                scratch = [s[: n - start] for s in scratch]
            self.run(*[x[start : start + block] for x in flat], *constants, *scratch)
        return outputs


@functools.cache
def _compiled(found: Formula) -> _Kernel:
    return _Kernel(found)


def update(
    found: Formula, columns: Sequence[Sequence[Any]], scalars: dict[str, Any]
) -> list[list[Any]] | None:
    """New parameters and slots for lists of them; None where arrays or settings are not this file's.

    Parameters
    ----------
    found : Formula
        The update.
    columns : sequence of lists
        The parameters, their gradients, and each slot: arrays of one real dtype, equal shapes in a row.
    scalars : dict
        Every setting of the formula; ``t`` and ``lr`` may be traced arrays, which are left to others.

    Returns
    -------
    list of lists
        The columns of `Formula.outputs`, all new arrays.
    """
    ps = columns[0]
    dtype = ps[0].dtype
    if dtype.char not in "fd" or type(scalars["t"]) is not int or type(scalars["lr"]) is not float:
        return None
    kernel = _compiled(found)
    constants = kernel.constants(scalars, dtype)
    sizes = [p.size for p in ps]
    small = [i for i, size in enumerate(sizes) if size <= SMALL]
    rows: list[Any]
    if len(small) >= kernel.together_from:
        rows = [
            None if i in small else kernel.one(row, constants)
            for i, row in enumerate(zip(*columns, strict=True))
        ]
        flat = [np.concatenate([column[i].reshape(-1) for i in small]) for column in columns]
        whole, start = kernel.one(flat, constants), 0
        for i in small:
            shape, end = ps[i].shape, start + ps[i].size
            rows[i] = [x[start:end].reshape(shape) for x in whole]
            start = end
    elif (
        min(sizes) > 1 and max(sizes) * dtype.itemsize <= UNBLOCKED
    ):  # `one`, without its questions
        rows = [kernel.make(*row, *constants) for row in zip(*columns, strict=True)]
    else:
        rows = [kernel.one(row, constants) for row in zip(*columns, strict=True)]
    return [list(column) for column in zip(*rows, strict=True)]
