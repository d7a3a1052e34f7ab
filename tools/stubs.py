"""Write autograd/functions/namespace.pyi: the names and signatures of `pb.xp`, for editors and type checkers.

    python tools/stubs.py [--check]

Most functions of `pb.xp` are generated when they are first used, so that no tool that only reads source can know them.
With --check nothing is written, and the exit status says whether the file is up to date.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import pullback as pb

STUB = Path(__file__).resolve().parent.parent / "autograd" / "functions" / "namespace.pyi"
WIDTH = 100

HEAD = '''"""Made by tools/stubs.py from the signatures of `pb.xp`; do not edit."""

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.array import Array
from ..core.typing import ArrayLike, Device, DType
from .data_type import FloatInfo
from .inspection import ArrayNamespaceInfo
from .set import UniqueAllResult, UniqueCountsResult, UniqueInverseResult

API_VERSIONS: tuple[str, ...]
DTYPES: list[str]
__array_api_version__: str

def function(name: str) -> Any: ...
'''

# What generated functions say by their parameters' names; the ones that are written out are annotated.
AXIS, AXES = "int | None", "int | tuple[int, ...] | None"
TYPES = {
    "axes": AXES, "arrays": "Sequence[ArrayLike]", "axis": AXIS, "copy": "bool | None", "correction": "float",
    "descending": "bool", "full_matrices": "bool", "include_initial": "bool", "invert": "bool", "k": "int",
    "keepdims": "bool", "mode": "str", "n": "int | None", "norm": "str", "offset": "int", "s": "tuple[int, ...] | None",
    "shape": "tuple[int, ...]", "side": "str", "stable": "bool", "upper": "bool",
}  # fmt: skip
SETTINGS = frozenset(
    (*TYPES, "destination", "device", "dtype", "key", "ord", "rtol", "shift", "source")
)
SEVERAL_AXES = frozenset(
    """all any count_nonzero expand_dims flip linalg.vector_norm logsumexp max mean min prod roll softmax log_softmax
    squeeze std sum var""".split()  # noqa: SIM905 - a table
)
CREATION = frozenset(("empty", "full", "ones", "zeros"))
PAIR, TRIPLE, TUPLE = "tuple[Array, Array]", "tuple[Array, Array, Array]", "tuple[Array, ...]"
RETURNS = {
    "at": "Any", "linalg.eig": PAIR, "linalg.eigh": PAIR, "linalg.qr": PAIR, "linalg.slogdet": PAIR,
    "linalg.svd": TRIPLE, "nonzero": TUPLE,
}  # fmt: skip


def annotation(name: str, parameter: inspect.Parameter) -> str:
    """The type of a function's parameter, as text."""
    written = parameter.annotation
    if written is not parameter.empty and written != "Any":
        return str(written)
    if parameter.kind is parameter.VAR_POSITIONAL:  # the type is one argument's
        return "ArrayLike"
    if parameter.name == "axis" and name in SEVERAL_AXES:
        return AXES
    if parameter.name == "shape" and name in CREATION:
        return "int | tuple[int, ...]"
    if parameter.name in TYPES:
        return TYPES[parameter.name]
    is_setting = parameter.name in SETTINGS or parameter.kind is parameter.KEYWORD_ONLY
    return "Any" if is_setting or written == "Any" else "ArrayLike"


def parameters(name: str, signature: inspect.Signature) -> list[str]:
    """The parameters with types and defaults, and the marks `/` and `*` between them."""
    out: list[str] = []
    before: Any = None
    for p in signature.parameters.values():
        if before is p.POSITIONAL_ONLY and p.kind is not before:
            out.append("/")
        if p.kind is p.KEYWORD_ONLY and before not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL):
            out.append("*")
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        default = "" if p.default is p.empty else f" = {p.default!r}".replace("'", '"')
        out.append(f"{star}{p.name}: {annotation(name, p)}{default}")
        before = p.kind
    return [*out, "/"] if before is inspect.Parameter.POSITIONAL_ONLY else out


def definition(name: str, function: Callable[..., Any], indent: str = "") -> list[str]:
    """The lines of a function's stub, broken as ruff breaks them."""
    signature = inspect.signature(function)
    returns = signature.return_annotation
    if returns is signature.empty or returns == "Any":
        returns = RETURNS.get(name, "Array")
    # the dtype `bool` of this namespace hides Python's
    arguments = [re.sub(r"\bbool\b", "builtins.bool", p) for p in parameters(name, signature)]
    returns = re.sub(r"\bbool\b", "builtins.bool", str(returns))
    head, tail = f"{indent}def {name.rpartition('.')[2]}(", f") -> {returns}: ..."
    whole = head + ", ".join(arguments) + tail
    if len(whole) <= WIDTH:
        return [whole]
    one = f"{indent}    {', '.join(arguments)}"
    if len(one) <= WIDTH:
        return [head, one, indent + tail]
    return [head, *(f"{indent}    {a}," for a in arguments), indent + tail]


def extension(name: str) -> list[str]:
    """An extension as a class of static methods, and its one instance."""
    lines = ["", f"class _{name}:"]
    space = getattr(pb.xp, name)
    for member in dir(space):
        lines.append("    @staticmethod")
        lines += definition(f"{name}.{member}", getattr(space, member), "    ")
    return [*lines, "", f"{name}: _{name}"]


def stub() -> str:
    """The text of the file."""
    values, functions, extensions = [], [], []
    for name in dir(pb.xp):
        if name == "special":
            continue
        value = getattr(pb.xp, name)
        if isinstance(value, np.dtype):
            values.append(f"{name}: np.dtype[Any]")
        elif value is None or isinstance(value, float):
            values.append(f"{name}: {'None' if value is None else 'float'}")
        elif callable(value):
            functions += definition(name, value)
        else:
            extensions += extension(name)
    extensions += extension("special")
    return HEAD + "\n".join([*functions, "", *values, *extensions]) + "\n"


def main() -> int:
    """Write the file, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    text = stub()
    if not parser.parse_args().check:
        STUB.write_text(text, encoding="utf-8")
        return 0
    if STUB.read_text(encoding="utf-8") == text:
        return 0
    print(f"{STUB} is out of date: run python tools/stubs.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
