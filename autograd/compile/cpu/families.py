"""Families: all kernels of one template. Each is a *variant*: right for one choice of numbers, or for many.

The first numbers that a function brings are compiled as they are, so that steady training runs code that knows every
length. When the function comes with other numbers, a kernel is compiled in which all that differed is free, and so are
the places of buffers; widths, which stayed, are still known to it. After `MOST_VARIANTS` kernels of the same first
numbers the last is free in all. Numbers that fit a kernel of the family compile nothing, whoever brings them.

Another function of the same structure begins with numbers of its own: layers of other widths differ in nearly all, and
a kernel that knows no width takes half as long again. Only where nothing but the places of buffers in the block
differs, as in layers of equal widths, is a kernel shared at once.

Beside the kernels on the disk (`numba_cache.py`) lies an index for each template, so that another process finds them.
It holds numbers alone, which are checked. A process whose entry another one writes over costs one more compilation.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ....backend.common.cache import write_file
from ....backend.common.forks import ForkSafeLock
from . import blas, numba_kernels
from . import numba_cache as cache
from .templates import FREE, LENGTH, OFFSET, Number, Template

MOST_VARIANTS = 4  # kernels of the same first numbers


@dataclass(frozen=True)
class Variant:
    """A kernel of a family: its free holes, and the numbers in the others."""

    free: frozenset[int]
    numbers: tuple[Number, ...]

    def fits(self, numbers: tuple[Number, ...]) -> bool:
        """Whether it is right for these numbers."""
        return self.differing(numbers) <= self.free

    def differing(self, numbers: tuple[Number, ...]) -> frozenset[int]:
        """The holes in which other numbers stand; by text, as 0.0 is not -0.0."""
        both = zip(self.numbers, numbers, strict=True)
        return frozenset(i for i, (a, b) in enumerate(both) if a != b or repr(a) != repr(b))


@dataclass
class Family:
    """The kernels of one template."""

    name: str
    kinds: tuple[str, ...]
    variants: list[Variant] = field(default_factory=list)


@dataclass(frozen=True)
class Chosen:
    """A compiled kernel, and the arrays of numbers that each of its calls brings.

    Attributes
    ----------
    function : callable
    rows : dict
        ``rows["numbers"]`` of int64 and ``rows["reals"]`` of float64, where the kernel has such free holes.
    source : str
        For people.
    family : str
        Its name.
    variant : Variant
    """

    function: Callable[..., Any]
    rows: dict[str, Any]
    source: str
    family: str
    variant: Variant


# By the name of a family: kernels that a function has used.
Met = dict[str, list[Variant]]

_FAMILIES: dict[str, Family] = {}
_LOCK = ForkSafeLock()


def kernel_for(
    template: Template, numbers: tuple[Number, ...], argument_types: list[Any], met: Met
) -> Chosen:
    """The kernel of a template that fits these numbers, compiled if there is none.

    Parameters
    ----------
    template : Template
    numbers : tuple
        What stands in its holes.
    argument_types : list
        As of `numba_kernels.compile_kernel`, with `FREE` where the arrays of numbers are passed.
    met : dict
        What earlier programs of the same function used.

    Raises
    ------
    CompileError
        If numba refuses it.
    """
    known = repr((template, argument_types, blas.for_kernels(), sys.version)).encode()
    name = hashlib.sha256(known).hexdigest()[:24]
    with _LOCK.current:
        family = _FAMILIES.setdefault(name, Family(name, template.kinds))
        variant = _fitting(family, numbers)
        if variant is None:
            family.variants += [v for v in _read(family) if v not in family.variants]
            variant = _fitting(family, numbers)
        new = variant is None
        if variant is None:
            variant = _new(family, numbers, met.get(name, []))
    rendered = template.render(variant.numbers, variant.free)
    rows = {
        row: np.asarray([numbers[i] for i in chosen], dtype)
        for row, chosen, dtype in (
            ("numbers", rendered.integers, np.int64),
            ("reals", rendered.reals, np.float64),
        )
        if chosen
    }
    types: list[Any] = []
    for each in argument_types:
        types += [(x.dtype, 1) for x in rows.values()] if each == FREE else [each]
    function = numba_kernels.compile_kernel(
        rendered.body, rendered.constants, types, template.functions
    )
    if new:
        with _LOCK.current:
            if variant not in family.variants:
                family.variants.append(variant)
            _write(family)
    said = [f"# {row} = {x.tolist()}" for row, x in rows.items()]
    return Chosen(function, rows, "\n".join([*said, rendered.text()]), name, variant)


def _fitting(family: Family, numbers: tuple[Number, ...]) -> Variant | None:
    """The kernel with the fewest free holes that fits."""
    fitting = [variant for variant in family.variants if variant.fits(numbers)]
    return min(fitting, key=lambda variant: len(variant.free), default=None)


def _new(family: Family, numbers: tuple[Number, ...], used: list[Variant]) -> Variant:
    """A kernel for these numbers and, where they are a change of others, for those too."""
    near = [*used, *(v for v in family.variants if _only_moved(family, v.differing(numbers)))]
    if not near:
        return Variant(frozenset(), numbers)
    first = min(near, key=lambda v: len(v.differing(numbers)))
    alike = [v for v in family.variants if v.numbers == first.numbers]
    if len(alike) + 1 >= MOST_VARIANTS:
        return Variant(frozenset(range(len(numbers))), first.numbers)
    moving = {i for i, kind in enumerate(family.kinds) if kind == OFFSET}
    return Variant(first.differing(numbers).union(moving, *(v.free for v in alike)), first.numbers)


def _only_moved(family: Family, differing: frozenset[int]) -> bool:
    """Whether numbers differ in the places of buffers alone."""
    return all(family.kinds[i] == OFFSET for i in differing)


# ── the index on the disk ─────────────────────────────────────────────────────────────────────


def _path(name: str) -> Path | None:
    folder = cache.trusted_folder()
    return folder / f"family_{name}.json" if folder is not None else None


def _read(family: Family) -> list[Variant]:
    """The kernels that the index names; none where there is no index, or none that says what it should."""
    path = _path(family.name)
    if path is None:
        return []
    try:
        found = json.loads(path.read_text())
        return [_checked(free, numbers, family.kinds) for free, numbers in found]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def _checked(free: Any, numbers: Any, kinds: tuple[str, ...]) -> Variant:
    """A kernel as the index has it.

    Raises
    ------
    ValueError, TypeError
        If it is none of this template.
    """
    real = [kind.startswith("float") for kind in kinds]
    if [type(x) for x in numbers] != [float if is_real else int for is_real in real]:
        raise ValueError("other numbers than the template's")
    if any(type(i) is not int or not 0 <= i < len(kinds) for i in free):
        raise ValueError("other holes than the template's")
    if any(kind in (LENGTH, OFFSET) and x < 0 for kind, x in zip(kinds, numbers, strict=True)):
        raise ValueError("a negative length")
    return Variant(frozenset(free), tuple(numbers))


def _write(family: Family) -> None:
    """Write the index, if there is a folder for it."""
    path = _path(family.name)
    if path is None:
        return
    content = json.dumps([[sorted(v.free), list(v.numbers)] for v in family.variants])
    with contextlib.suppress(OSError):
        write_file(path, content.encode())
