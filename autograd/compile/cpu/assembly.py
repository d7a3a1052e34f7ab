"""A program as straight-line Python: guards, one line for each statement, and what is returned.

The source shows in tracebacks and in `inspect.getsource`. Its globals are one *runner*: the block of memory, the
output buffers, the kernels. Two calls at once take two runners.
"""

from __future__ import annotations

import functools
import keyword
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ir import aliasing as memory
from ..ir.elementwise import TABLE, compute_dtype
from ..ir.program import ARRAY, NUMBER, Op, Program, Tuple, Value, values_in
from ..optimise.fuse import REDUCTIONS, Statement, Statements
from ..optimise.fused_ops import FUSED_OPS
from ..optimise.memory_plan import Plan, to_watch
from . import families, numpy_calls
from .blas_choice import NO_BLAS, Choice, product, shares
from .kernels import Kernel, Writer
from .native.table import native_op
from .native.threads import halves
from .numpy_blocks import BlockWriter
from .templates import FREE, Number, Template

_INFIX = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.lt: "<", operator.le: "<=", operator.gt: ">",
    operator.ge: ">=", operator.eq: "==", operator.ne: "!=",
}  # fmt: skip
# What writes into a buffer and is no elementwise ufunc of the table.
_OTHERS = {
    "linalg.outer": numpy_calls.outer_into, "matmul": np.matmul, "where": numpy_calls.where_into,
}  # fmt: skip


@dataclass
class Assembly:
    """The body of a program in lines, and what its names stand for.

    Attributes
    ----------
    lines : list of str
        The body, at one level of indentation.
    shared : dict
        Globals that all runners have in common.
    buffers : dict
        ``buffers[name] = (offset, shape, dtype)`` in the block.
    output_rings : dict
        ``output_rings[k] = (shape, dtype)`` of the two buffers that output k takes in turn.
    results : list of str
        An expression for each output.
    """

    program: Program
    statements: Statements
    plan: Plan
    # the BLAS of all its kernels
    choice: Choice = NO_BLAS
    lines: list[str] = field(default_factory=list)
    shared: dict[str, Any] = field(default_factory=dict)
    buffers: dict[str, tuple[int, tuple[int, ...], Any]] = field(default_factory=dict)
    blocks: dict[str, Any] = field(default_factory=dict)
    # functions with scratch of their own, one for each runner
    made: dict[str, Any] = field(default_factory=dict)
    output_rings: dict[int, tuple[tuple[int, ...], Any]] = field(default_factory=dict)
    results: list[str] = field(default_factory=list)
    kernels: list[str] = field(default_factory=list)
    # of compiled kernels: what earlier programs of the function used, and what this one does
    met: families.Met = field(default_factory=dict)
    used: list[families.Chosen] = field(default_factory=list)
    # what makes an array of a number
    asarray: Any = np.asarray
    # what a runner on a device is made with: `compile/cuda/assemble.py`
    device: Any = None
    count: int = 0  # of partial sums
    _views: dict[Value, str] = field(default_factory=dict)

    # ── names ─────────────────────────────────────────────────────────────────────────────────

    def bind(self, x: Any, letter: str = "g") -> str:
        """A global name for an object."""
        name = f"{letter}{len(self.shared)}"
        self.shared[name] = x
        return name

    def known(self, name: str, x: Any) -> str:
        """A global of a fixed name."""
        self.shared[name] = x
        return name

    def value(self, v: Value) -> str:
        """The expression of a value, with the lines that it needs before."""
        if v.value_type == NUMBER and v.constant:
            return self.literal(v.held)
        root = self.statements.root(v)
        if v is not root:
            return self.view(v)
        if v.input_index >= 0:
            return v.name
        if v.constant:
            name = f"k_{v.name}"
            self.shared[name] = v.held
            return name
        if v in self.plan.outputs:
            return f"o{self.plan.outputs[v]}"
        if v in self.plan.offsets:
            name = f"b_{v.name}"
            self.buffers[name] = (self.plan.offsets[v], v.shape, v.dtype)
            return name
        return v.name

    def constant_in_order(self, v: Value, contiguous: Callable[[Any], Any]) -> str:
        """The name of a constant in C order, which kernels need.

        Where that is a copy it has a name of its own: calls go on with the array that they were traced with.
        """
        name = self.value(v)
        if v.held.flags.c_contiguous:
            return name
        name += "_c"
        if name not in self.shared:
            self.shared[name] = contiguous(v.held)
        return name

    def view(self, v: Value) -> str:
        """A view: taken once if its buffer stays, else where it is needed first."""
        name = self._views.get(v)
        if name is not None:
            return name
        op = self.statements.views[v]
        base = self.value(op.args[0])
        name = f"w_{v.name}"
        text = self._view_text(op, base)
        if base.startswith(("b_", "k_")) or base in self.made:
            self.made[name] = text
        else:
            self.lines.append(f"{name} = {text}")
        self._views[v] = name
        return name

    def _view_text(self, op: Op, base: str) -> str:
        if op.name == "recomputed":
            return base
        if op.name == "matrix_transpose":
            return f"{base}.mT"
        if op.name == "permute_dims":
            return f"{base}.transpose({op.args[1]!r})"
        if op.name == "reshape":
            return f"{base}.reshape({self.bind(op.result.shape)})"
        if op.name == "getitem":
            return f"{base}[{self.bind(op.args[1])}]"
        function = self.bind(op.function, "f")
        return (
            f"{function}({', '.join([base, *map(self.argument, op.args[1:]), *self.settings(op)])})"
        )

    def literal(self, x: Any) -> str:
        """A constant in the source: its text if that says what it is."""
        if type(x) in (bool, int, str, type(None)) or (type(x) is float and np.isfinite(x)):
            return repr(x)
        return self.bind(x)

    def argument(self, x: Any) -> str:
        """An argument: a value, or a structure with values in it, or a constant."""
        if type(x) is Value:
            return self.value(x)
        if not any(True for _ in values_in(x)):
            if type(x) is tuple and all(type(part) in (str, type(None)) for part in x):
                return repr(x)
            return self.literal(x)
        if isinstance(x, tuple):
            inside = "".join(f"{self.argument(part)}, " for part in x)
            return f"({inside})"
        if isinstance(x, list):
            return f"[{', '.join(self.argument(part) for part in x)}]"
        if isinstance(x, slice):
            return (
                f"slice({self.argument(x.start)}, {self.argument(x.stop)}, {self.argument(x.step)})"
            )
        inside = ", ".join(f"{k!r}: {self.argument(v)}" for k, v in x.items())
        return f"{{{inside}}}"

    def settings(self, op: Op) -> list[str]:
        """Keyword arguments."""
        return [
            f"{k}={self.argument(v)}" for k, v in op.settings.items() if not keyword.iskeyword(k)
        ]

    # ── statements ────────────────────────────────────────────────────────────────────────────

    def number(self, op: Op) -> None:
        """An operation on Python numbers."""
        sign = _INFIX.get(op.function)
        parts = [self.argument(a) for a in op.args]
        text = (
            f"{parts[0]} {sign} {parts[1]}"
            if sign and len(parts) == 2
            else f"{self.bind(op.function, 'f')}({', '.join(parts)})"
        )
        self.lines.append(f"{op.result.name} = {text}")

    def call(self, s: Statement) -> None:
        """A function that makes its own result."""
        op = s.op
        if op.name.startswith("py."):
            self.number(op)
            return
        arguments = [*(self.argument(a) for a in op.args), *self.settings(op)]
        text = f"{self.bind(op.function, 'f')}({', '.join(arguments)})"
        result = op.result
        watched = [self.value(v) for v in to_watch(self.plan, self.statements, s)]
        if type(result) is Value:
            self._assign(result, text, watched)
        elif type(result) is Tuple:
            name = f"t{len(self.lines)}"
            self.lines.append(f"{name} = {text}")
            self._unpack(result, name, watched)
        else:
            self.lines.append(text)

    def _assign(self, result: Value, text: str, watched: list[str]) -> None:
        """Assign a result of a call to its name, copied if it shares memory that will be written over."""
        if result.value_type == ARRAY and result.shape == ():
            text = f"{self.known('asarray', self.asarray)}({text})"
        name = result.name
        self.lines.append(f"{name} = {text}")
        if result.value_type != ARRAY or not watched:
            return
        copied = f"{name} = {self.known('apart', memory.apart)}({name}, {', '.join(watched)})"
        if self.device is not None:
            self.lines.append(copied)
            return
        # a NumPy array without a base owns its memory
        same = "".join(f" or {name} is {x}" for x in dict.fromkeys(watched))
        self.lines.append(f"if {name}.base is not None{same}: {copied}")

    def _unpack(self, result: Any, name: str, watched: list[str]) -> None:
        for i, item in enumerate(result.items):
            if type(item) is Tuple:
                self._unpack(item, f"{name}[{i}]", watched)
            elif type(item) is Value:
                self._assign(item, f"{name}[{i}]", watched)

    def into(self, s: Statement) -> None:
        """NumPy's function, writing into a buffer."""
        op = s.op
        result = op.result
        target = self.value(result)
        if op.name in REDUCTIONS:
            self._reduction(op, target)
            return
        if op.name in ("relu", "relu_vjp"):
            self._mask(op, target)
            return
        if op.name in ("astype", "copied"):
            copyto = self.known("copyto", np.copyto)
            self.lines.append(f'{copyto}({target}, {self.argument(op.args[0])}, "unsafe")')
            return
        ufunc = _OTHERS.get(op.name) or TABLE[op.name].ufunc
        if s.halves:
            ufunc = numpy_calls.in_halves(ufunc)
        function = self.known(f"np_{op.name.rpartition('.')[2]}{'_halves' * s.halves}", ufunc)
        arguments = [self.operand(a, op) for a in op.args]
        # NumPy takes the output of these two by keyword alone
        out = f"out={target}" if op.name in ("maximum", "minimum") else target
        self.lines.append(f"{function}({', '.join([*arguments, out])})")

    def operand(self, x: Any, op: Op) -> str:
        """An operand of a ufunc; numbers as arrays of no dimension, which cost it 0.4 µs less."""
        if type(x) in (int, float) and op.name != "where":
            dtype = compute_dtype(op)
            return self.argument(x) if dtype.kind == "O" else self.bind(np.array(x, dtype))
        return self.argument(x)

    def _mask(self, op: Op, target: str) -> None:
        """The statements of relu and its derivative: in one piece if the first cache holds it, else in blocks."""
        result = op.result
        arguments = [self.argument(a) for a in op.args]
        name = f"{op.name}_{result.name}"
        if result.size > numpy_calls.WIDTH:
            make = {"relu": numpy_calls.relu_into, "relu_vjp": numpy_calls.relu_vjp_into}[op.name]
            factory = self.known(make.__name__, make)
            self.made[name] = f"{factory}({result.shape!r}, {self.bind(result.dtype)})"
            self.lines.append(f"{name}({', '.join([*arguments, target])})")
        elif op.name == "relu":
            zeros = self.bind(np.zeros(result.shape, result.dtype))
            maximum = self.known("np_maximum", np.maximum)
            self.lines.append(f"{maximum}({arguments[0]}, {zeros}, out={target})")
        else:
            dtype, empty = self.bind(result.dtype), self.known("empty", np.empty)
            self.made[f"truth_{result.name}"] = f"{empty}({result.shape!r}, bool)"
            self.made[f"mask_{result.name}"] = f"{empty}({result.shape!r}, {dtype})"
            zero = self.bind(np.zeros((), result.dtype))
            truth, mask = f"truth_{result.name}", f"mask_{result.name}"
            self.lines += [
                f"{self.known('np_greater', np.greater)}({arguments[1]}, {zero}, {truth})",
                f"{self.known('copyto', np.copyto)}({mask}, {truth})",
                f"{self.known('np_multiply', np.multiply)}({arguments[0]}, {mask}, {target})",
            ]

    def product(self, s: Statement) -> None:
        """A product that is added to an array, times a number."""
        assert s.start is not None
        _, scale, sign = s.start
        name = self.known("add_product", numpy_calls.add_product)
        a, b = map(self.value, s.op.args)
        minus = "-" if sign < 0 else ""
        target = self.value(s.ops[-1].result)
        self.lines.append(f"{name}({a}, {b}, {target}, {minus}{self.argument(scale)})")

    def block_loop(self, s: Statement) -> None:
        """Several elementwise operations on one block after another."""
        self.lines += BlockWriter(self, s).write()

    def _reduction(self, op: Op, target: str) -> None:
        x, axis = op.args[0], op.settings.get("axis")
        keepdims = bool(op.settings.get("keepdims"))
        source = self.value(x)
        if op.name == "sum" and axis in (0, (0,)) and len(x.shape) == 2 and x.dtype.char in "fd":
            # 1.8 to 3.5 times faster than the reduction
            ones = self.bind(np.ones((1, x.shape[0]) if keepdims else x.shape[0], x.dtype), "ones")
            self.lines.append(f"{self.known('np_matmul', np.matmul)}({ones}, {source}, {target})")
            return
        ufunc = {"sum": np.add, "max": np.maximum, "min": np.minimum}[op.name]
        reduce = self.known(f"{op.name}_reduce", ufunc.reduce)
        self.lines.append(f"{reduce}({source}, {axis!r}, None, {target}, {keepdims})")

    def fused(self, s: Statement) -> None:
        """A function in one piece, without a kernel."""
        op = s.op
        results = op.outputs()
        make = self.known(f"make_{op.name}", FUSED_OPS[op.name].numpy)
        name = f"{op.name}_{results[0].name}"
        self.made[name] = f"{make}({self.bind(op)})"
        targets = [self.value(v) if v in self.plan.own else "None" for v in results]
        self.lines.append(f"{name}({', '.join([*map(self.argument, op.args), *targets])})")

    def native(self, s: Statement) -> None:
        """A function by kernels that are written by hand: `native/`."""
        op = s.op
        record = native_op(op)
        assert record is not None
        results = op.outputs()
        short = op.name.replace(".", "_")
        name = f"{short}_{results[0].name}"
        record.make(op)  # compiles now what is to be compiled
        self.made[name] = f"{self.known(f'make_{short}', record.make)}({self.bind(op)})"
        given = [self.value(v) for v in op.inputs() if v.value_type == ARRAY]
        if record.contiguous:
            copy = self.known("contiguous", numpy_calls.contiguous)
            given = [f"{copy}({text})" for text in given]
        targets = [self.value(v) if v in self.plan.own else "None" for v in results]
        self.lines.append(f"{name}({', '.join([*given, *targets])})")

    def kernel(self, statements: list[Statement]) -> None:
        """Several statements as one compiled function."""
        kernel = Kernel(statements, shared=True)
        writer = Writer(kernel, self.statements, self.plan, self.program.inputs)
        writer.statements(statements)
        arguments: list[str] = []
        argument_types: list[Any] = []
        for what, name in kernel.arguments.items():
            if type(what) is not Value:
                self.blocks[name] = what
                arguments.append(name)
                argument_types.append((what, 1))
            elif what.value_type == NUMBER:
                number = {"b": int, "i": int, "f": float}[what.dtype.kind]
                arguments.append(self.value(what))
                argument_types.append(number)
            else:
                text = self.value(what)
                donated = what.input_index >= 0 and what.input_index in self.plan.donated.values()
                if what not in self.plan.own and not what.constant and not donated:
                    text = f"{self.known('contiguous', numpy_calls.contiguous)}({text})"
                elif what.constant:
                    text = self.constant_in_order(what, numpy_calls.contiguous)
                arguments.append(text)
                argument_types.append((np.dtype(what.dtype), len(what.shape)))
        for dtype, size in kernel.partials.values():
            self.count += 1
            own = f"p{self.count}"
            self.made[own] = f"{self.known('empty', np.empty)}({size}, {dtype!r})"
            arguments.append(own)
            argument_types.append((np.dtype(dtype), 1))
        steps = kernel.finished()
        argument_types = [FREE, *argument_types]
        if steps:
            argument_types = [int, *argument_types, int, int, int]
        name, free = self.compiled(*kernel.template(), argument_types)
        arguments = [*free, *arguments]
        alone = self._with_threads_of_blas(name, statements)
        if not steps:
            self._run(kernel, f"{alone}({', '.join(arguments)})", kernel.lines)
        for i, step in enumerate(steps):
            given = ", ".join([str(i), *arguments])
            if step.length:
                shared = f"{self.known('partial', functools.partial)}({name}, {given})"
                self.lines.append(f"{self.known('halves', halves)}({shared}, {step.length})")
            else:
                self._run(kernel, f"{alone}({given}, 0, 0, 0)", step.lines)

    def _with_threads_of_blas(self, name: str, statements: list[Statement]) -> str:
        """The name under which a kernel's products run on the threads that were chosen.

        Products stand outside of the steps that two threads share.
        """
        products = [product(self.statements, s) for s in statements if s.method == "gemm"]
        kernel = self.shared[name]
        called = self.choice.called(kernel, shares(products)) if products else kernel
        return name if called is kernel else self.known(f"{name}_threads", called)

    def compiled(
        self, template: Template, numbers: tuple[Number, ...], argument_types: list[Any]
    ) -> tuple[str, list[str]]:
        """The name of a compiled kernel, and those of the arguments in place of `FREE`."""
        chosen = families.kernel_for(template, numbers, argument_types, self.met)
        self.used.append(chosen)
        self.kernels.append(chosen.source)
        name = self.bind(chosen.function, "kernel")
        return name, [self.bind(x, f"{name}_{row}") for row, x in chosen.rows.items()]

    def _run(self, kernel: Kernel, call: str, lines: list[str]) -> None:
        """Call a kernel, and raise what it refuses in these lines of it."""
        refusing = [
            (code, op)
            for code, op in enumerate(kernel.refusing, 1)
            if any(line.strip() == f"return {code}" for line in lines)
        ]
        self.lines.append(f"refused = {call}" if refusing else call)
        for code, op in refusing:
            refuse = self.known(f"refuse_{op.name}", FUSED_OPS[op.name].refuse)
            given = [self.bind(op.function, "f"), *map(self.argument, op.args)]
            self.lines.append(f"if refused == {code}: {refuse}({', '.join(given)})")
