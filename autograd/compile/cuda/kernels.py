"""The CUDA C++ of one launch: its parts side by side, each with the blocks of threads that it needs.

All lengths, strides and offsets are numbers in the source. Sums are added up in an order that depends on shapes alone,
never on timing, so that a program gives the same bits in every run.
"""

from __future__ import annotations

from ....backend.common.launches import BLOCK as OWN
from ....backend.common.launches import Address, Launch
from ..ir.program import Value
from .context import Context
from .expressions import PRELUDE, c_name
from .part_writer import PartWriter
from .parts import (
    THREADS,
    Part,
)


class KernelWriter:
    """The writer of one launch."""

    def __init__(self, context: Context, name: str) -> None:
        self.context, self.function = context, name
        self.arguments: dict[str, tuple[str, Address]] = {}
        self.lines: list[str] = []
        self.blocks = 0
        self.count = 0

    def launch(self, parts: list[Part]) -> Launch:
        """The kernel of several parts."""
        ends = []
        for part in parts:
            writer = PartWriter(self, part)
            lines = writer.write()
            inner = [f"    {line}" for line in lines]
            names = ", ".join(op.name for s in part.phases for op in s.ops)
            head = (
                f"if (blk < {writer.blocks}u) {{  // {part.mode} over {list(part.shape)}: {names}"
            )
            ends += [head, *inner, "    return;", "}", f"blk -= {writer.blocks}u;"]
            self.blocks += writer.blocks
        parameters = ", ".join(f"{c_type}* {name}" for name, (c_type, _) in self.arguments.items())
        body = ["const int tid = threadIdx.x;", "unsigned blk = blockIdx.x;", *ends[:-1]]
        source = "\n".join(
            [
                PRELUDE,
                f'extern "C" __global__ void __launch_bounds__({THREADS}) {self.function}({parameters}) {{',
                *(f"    {line}" for line in body),
                "}\n",
            ]
        )
        addresses = tuple(address for _, address in self.arguments.values())
        return Launch(self.function, source, (self.blocks, 1, 1), (THREADS, 1, 1), addresses)

    def fresh(self, letter: str) -> str:
        """A new local name."""
        self.count += 1
        return f"{letter}{self.count}"

    def pointer(self, root: Value) -> str:
        """The name of a buffer, which becomes an argument."""
        name = f"p_{self.context.name(root)}"  # no local of the kernel begins so
        self.arguments.setdefault(name, (c_name(root.dtype), self.context.address(root)))
        return name

    def own(self, letter: str, c_type: str, offset: int) -> str:
        """The name of scratch memory, which becomes an argument."""
        name = self.fresh(letter)
        self.arguments[name] = (c_type, Address(OWN, offset))
        return name

    def number(self, v: Value) -> str:
        """A Python number of this call."""
        c_type = "double" if v.dtype.kind == "f" else "long long"
        slot = self.context.slots.setdefault("numbers", len(self.context.slots))
        self.arguments.setdefault("numbers", ("void", Address(slot)))
        return f"(({c_type}*)numbers)[{self.context.number(v)}]"
