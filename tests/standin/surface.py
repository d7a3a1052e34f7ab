"""Reads the surface of an installed CuPy: which names there are, and how they are called. Needs no GPU.

``python -P tests/standin/surface.py > tests/standin/_surface.py`` writes the table from which the stand-in is made, and
`cuda/test_standin.py` asserts that it is the installed CuPy's. ``python -P tests/standin/surface.py nccl >
tests/standin/_nccl_surface.py`` does so for `cupy.cuda.nccl`, which can be imported only where the library of NCCL is
(or what `cuda/test_nccl.py` puts in its place).
"""

from __future__ import annotations

import importlib
import inspect
import pprint
import sys
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
        # ufuncs that have no loop for complex numbers
        "REAL": {
            module.__name__: sorted(
                name
                for name, value in vars(module).items()
                if isinstance(value, cupy.ufunc)
                and not any(set("FD") & set(t) for t in value.types)
            )
            for module in (cupy, cupyx.scipy.special)
        },
        "SPECIAL": sorted(
            name
            for name, value in vars(cupyx.scipy.special).items()
            if not name.startswith("_") and callable(value)
        ),
    }


def read_nccl() -> dict[str, Any]:
    """The table of `cupy.cuda.nccl`: numbers, functions, and the parameters of the communicator's methods.

    Compiled code has no signatures: the first lines of the docstrings have them, in the words of C.
    """
    from cupy.cuda import nccl

    public = {n: getattr(nccl, n) for n in dir(nccl) if not n.startswith("_")}
    ours = {
        n: v for n, v in public.items() if getattr(v, "__module__", "").startswith("cupy_backends")
    }
    methods = {}
    for name in dir(nccl.NcclCommunicator):
        text = (getattr(nccl.NcclCommunicator, name).__doc__ or "").split("\n")[0]
        if not name.startswith("_") and text.startswith(f"NcclCommunicator.{name}("):
            inside = text.partition("(")[2].rpartition(")")[0].split(", ")
            methods[name] = ", ".join(
                p.split()[-1].partition("=")[0] for p in inside if p != "self"
            )
    return {
        "CONSTANTS": {n: int(v) for n, v in public.items() if n.startswith("NCCL_")},
        "FUNCTIONS": sorted(ours),
        "METHODS": methods,
    }  # fmt: skip


def _look_up(name: str) -> Any:
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


if __name__ == "__main__":
    of_nccl = sys.argv[1:] == ["nccl"]
    title = "`cupy.cuda.nccl` of CuPy 14" if of_nccl else "The surface of CuPy 14"
    print(f'"""{title}, written by `surface.py`: do not edit."""\n')
    for key, value in (read_nccl() if of_nccl else read()).items():
        print(f"{key} = {pprint.pformat(value, width=110, compact=True)}\n")
