"""The memory and the arguments of kernels: addresses, scratch memory, bit masks and Python numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ....backend.common.launches import BLOCK as OWN
from ....backend.common.launches import Address, mask_bytes
from ..ir.program import Value
from ..ir.views import Ref, contiguous_view
from ..optimise.fuse import Statements
from ..optimise.memory_plan import Plan

ALIGN = 256  # bytes


@dataclass
class Scratch:
    """Memory behind the program's block: partial sums, and counters that are zero between launches."""

    start: int
    size: int = 0
    counters: list[tuple[int, int]] = field(default_factory=list)

    def take(self, nbytes: int, *, zeroed: bool = False) -> int:
        """The offset of so many bytes."""
        offset = -(-(self.start + self.size) // ALIGN) * ALIGN
        self.size = offset + nbytes - self.start
        if zeroed:
            self.counters.append((offset, nbytes))
        return offset


@dataclass
class Context:
    """The memory and the arguments that all kernels of a program share.

    Attributes
    ----------
    slots : dict
        ``slots[name]``: the number of an array that is handed over in each call.
    numbers : dict
        ``numbers[value]``: the position of a Python number among those that are sent in each call.
    """

    out: Statements
    plan: Plan
    inputs: list[Any]
    scratch: Scratch
    slots: dict[str, int] = field(default_factory=dict)
    roots: dict[str, Value] = field(default_factory=dict)
    numbers: dict[Value, int] = field(default_factory=dict)
    masks: dict[Value, int] = field(default_factory=dict)

    def ref(self, v: Value) -> Ref:
        """The buffer, offset and strides of a value."""
        return self.out.refs.get(v) or contiguous_view(v)

    def address(self, root: Value) -> Address:
        """The address of a buffer's first element."""
        offset = self.plan.offsets.get(root)
        if offset is not None:
            return Address(OWN, offset)
        if root in self.plan.donated:
            root = self.inputs[self.plan.donated[root]]
        self.roots[root.name] = root
        return Address(self.slots.setdefault(root.name, len(self.slots)))

    def name(self, root: Value) -> str:
        """The name of a buffer in the source: one name for one memory."""
        if root in self.plan.donated:
            return self.inputs[self.plan.donated[root]].name
        return root.name

    def mask(self, v: Value) -> Address:
        """The address of the bit mask of a relu's output."""
        if v not in self.masks:
            self.masks[v] = self.scratch.take(mask_bytes(*v.shape))
        return Address(OWN, self.masks[v])

    def number(self, v: Value) -> int:
        """The position of a Python number."""
        return self.numbers.setdefault(v, len(self.numbers))
