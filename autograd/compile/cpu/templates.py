"""Kernels as templates: text in which the numbers that shapes decide are holes, and the numbers that stand in them.

Two programs of one structure for different shapes have the same template. What shapes decide beyond numbers (which
axes are merged, whether a row is long or short) is in the text itself, so that it makes another template. A kernel is
a template with some holes filled in, which the compiler then sees, and the rest *free*: arguments of the call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Number = int | float

# The bits of a length, an offset or a stride. The compiler has to know that no index is negative, or it makes no loops
# over vectors.
POSITIVE = (1 << 48) - 1
# Where the arguments go that free holes need, among the parameters of a kernel and among their types.
FREE = "«free»"

_HOLE = re.compile("«(\\d+)»")
# Kinds of holes; that of a constant is its dtype.
LENGTH, OFFSET, SIGNED = "length", "offset", "signed"
_REALS = ("float32", "float64")
_EXACT = 1 << 53  # up to which integers are float64s


@dataclass
class Holes:
    """The holes of a kernel that is being written, in order."""

    numbers: list[Number] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    known: dict[Any, str] = field(default_factory=dict)

    def number(self, value: int, *role: Any) -> str:
        """A hole for a length or a stride; the same one wherever the role is the same.

        Never by value: numbers of two roles that are equal here differ for another shape.
        """
        return self._hole(value, LENGTH if value >= 0 else SIGNED, role)

    def offset(self, value: int, *role: Any) -> str:
        """A hole for the place of an array in the block."""
        return self._hole(value, OFFSET, role)

    def constant(self, value: Any, T: str, *role: Any) -> str | None:
        """A hole for a constant of dtype T; None where it has to stand in the text."""
        if T in _REALS and (type(value) is float or (type(value) is int and abs(value) <= _EXACT)):
            return None if value != value else self._hole(float(value), T, role)
        if T.startswith(("int", "uint")) and type(value) is int and -(1 << 63) <= value < 1 << 63:
            return self._hole(value, T, role)
        return None

    def _hole(self, value: Number, kind: str, role: tuple[Any, ...]) -> str:
        known = self.known.get((kind, role)) if role else None
        if known is not None:
            return known
        hole = f"«{len(self.numbers)}»"
        self.numbers.append(value)
        self.kinds.append(kind)
        if role:
            self.known[kind, role] = hole
        return hole


@dataclass(frozen=True)
class Rendered:
    """A kernel's source, with the holes that are its arguments.

    Attributes
    ----------
    body : str
        The text of ``def kernel(…)``.
    constants : dict
        ``constants[expression]``: the name that it has in the body.
    integers, reals : list of int
        The holes whose numbers are passed in an array of int64, and in one of float64.
    """

    body: str
    constants: dict[str, str]
    integers: list[int]
    reals: list[int]

    def text(self) -> str:
        """The source for people: constants, and the function."""
        return "\n".join([
            *(f"{name} = {value}" for value, name in self.constants.items()), self.body,
        ])  # fmt: skip


@dataclass(frozen=True)
class Template:
    """The text of a kernel with holes.

    Attributes
    ----------
    text : str
        ``def kernel(…)``, with `FREE` among its parameters.
    kinds : tuple of str
        For each hole "length" (or a stride), "offset", "signed" (a negative stride), or the dtype of a constant.
    fixed : dict
        Constants that are part of the structure, as `Rendered.constants`.
    functions : str
        The source of functions that it calls.
    """

    text: str
    kinds: tuple[str, ...]
    fixed: dict[str, str]
    functions: str

    def render(self, numbers: tuple[Number, ...], free: frozenset[int]) -> Rendered:
        """The source with these numbers in all holes but the free ones."""
        integers = [i for i in sorted(free) if self.kinds[i] not in _REALS]
        reals = [i for i in sorted(free) if self.kinds[i] in _REALS]
        constants = dict(self.fixed)
        names: dict[int, str] = {}
        head: list[str] = []
        for row, chosen in (("numbers", integers), ("reals", reals)):
            for k, i in enumerate(chosen):
                names[i] = f"{row[0]}{i}"
                head.append(f"    {names[i]} = {self._argument(i, f'{row}[{k}]')}")

        def fill(found: re.Match[str]) -> str:
            i = int(found[1])
            if i in names:
                return names[i]
            if self.kinds[i] in (LENGTH, OFFSET, SIGNED):
                return repr(numbers[i])
            text = f"np.{self.kinds[i]}({_literal(numbers[i])})"
            return constants.setdefault(text, f"c{len(constants)}")

        rows = [*["numbers"] * bool(integers), *["reals"] * bool(reals)]
        first, _, rest = self.text.partition("\n")
        first = first.replace(f"{FREE}, ", "".join(f"{row}, " for row in rows))
        body = "\n".join([first, *head, _HOLE.sub(fill, rest)])
        # what it says is the same without zeros
        body = body.replace("[0 + ", "[").replace(".ctypes.data + 0,", ".ctypes.data,")
        return Rendered(body, constants, integers, reals)

    def _argument(self, i: int, text: str) -> str:
        kind = self.kinds[i]
        if kind in (LENGTH, OFFSET):
            return f"{text} & {POSITIVE}"
        return text if kind == SIGNED else f"np.{kind}({text})"


def _literal(x: Number) -> str:
    """The text of a number; of what has none, an expression."""
    text = repr(x)
    return f'float("{text}")' if text in ("nan", "inf", "-inf") else text
