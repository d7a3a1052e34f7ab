"""Reads the surface of an installed CuPy: which names there are, and how they are called. Needs no GPU.

``python tests/standin/surface.py > tests/standin/_surface.py`` writes the table from which the stand-in is made, and
`cuda/test_standin.py` asserts that it is the installed CuPy's.
"""

from __future__ import annotations

import importlib
import inspect
import pprint
from typing import Any

MODULES = ("cupy", "cupy.linalg", "cupy.fft", "cupy.lib.stride_tricks")
OBJECTS = {
    "cupy.ndarray": "the arrays",
    "cupy.cuda.Device": "their devices",
    "cupy.cuda.MemoryPointer": "where their memory is",
}


def signature_of(function: Any) -> str:
    """The signature without annotations, as text from which it can be made again; "" where CuPy does not say."""
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):  # compiled code
        return ""
    parameters = [
        p.replace(annotation=p.empty, default=_Plain(p.default) if p.default is not p.empty else p.default)
        for p in found.parameters.values()
    ]  # fmt: skip
    return str(found.replace(parameters=parameters, return_annotation=found.empty))


class _Plain:
    """A default value whose repr can be evaluated."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return self.value.__name__ if isinstance(self.value, type) else repr(self.value)


def read() -> dict[str, Any]:
    """The whole table."""
    import cupy
    import cupyx.scipy.special

    functions: dict[str, dict[str, str]] = {}
    ufuncs: dict[str, tuple[int, int]] = {}
    same: list[str] = []
    for module in MODULES:
        found = importlib.import_module(module)
        functions[module] = {}
        for name in sorted(vars(found)):
            value = getattr(found, name)
            if name.startswith("_") or inspect.ismodule(value) or not callable(value):
                continue
            if isinstance(value, cupy.ufunc):
                ufuncs[name] = (value.nin, value.nout)
            elif (getattr(value, "__module__", "") or "").split(".")[0] == "numpy":
                same.append(name)
            elif not inspect.isclass(value):
                functions[module][name] = signature_of(value)
    return {
        "ATTRIBUTES": {name: sorted(dir(_look_up(name))) for name in OBJECTS},
        "FUNCTIONS": functions,
        "UFUNCS": ufuncs,
        "NUMPYS": sorted(same),
        "SPECIAL": sorted(
            name
            for name, value in vars(cupyx.scipy.special).items()
            if not name.startswith("_") and callable(value)
        ),
    }


def _look_up(name: str) -> Any:
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


if __name__ == "__main__":
    print('"""The surface of CuPy 14, written by `surface.py`: do not edit."""\n')
    for key, value in read().items():
        print(f"{key} = {pprint.pformat(value, width=110, compact=True)}\n")
