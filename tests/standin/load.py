"""Runs `backend/cuda/backend.py`, and array-api-compat's files for CuPy, with the stand-in in the place of CuPy.

Nothing is put into `sys.modules`, where the real CuPy may be: the files are run once more under ``__import__`` of
their own, which finds the stand-in. array-api-compat is told that the stand-in's arrays are CuPy's.
"""

from __future__ import annotations

import builtins
import dataclasses
import functools
import importlib
import importlib.util
import types
from pathlib import Path
from typing import Any

import array_api_compat
import array_api_compat.common._helpers as helpers

import pullback as pb

from . import cuda
from .array import ndarray
from .memory import Device

_COMPAT = "array_api_compat.cupy"
_loaded: dict[str, Any] = dict(cuda.MODULES)


class _Above:
    """array-api-compat with its CuPy replaced."""

    def __getattr__(self, name: str) -> Any:
        return _load(_COMPAT) if name == "cupy" else getattr(array_api_compat, name)


class _Generic:
    """`pullback.backend.generic`, whose modules that are loaded when first used are the stand-in's."""

    def __getattr__(self, name: str) -> Any:
        found = importlib.import_module(f"pullback.backend.generic.{name}")
        return _Special() if name == "special" else found


class _Special:
    def __getattr__(self, name: str) -> Any:
        if name == "Later":
            return cuda.MODULES.__getitem__
        return getattr(importlib.import_module("pullback.backend.generic.special"), name)


def _import(
    name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
) -> Any:
    whole = name
    if level:
        whole = importlib.util.resolve_name("." * level + name, globals["__package__"])
    if whole.partition(".")[0] in ("cupy", "cupyx", "cupy_backends"):
        found = cuda.MODULES.get(whole)
        if found is None:
            raise ImportError(
                f"the stand-in for CuPy has no module {whole}: write it in tests/standin"
            )
        return found if fromlist else cuda.MODULES[whole.partition(".")[0]]
    if whole == _COMPAT or whole.startswith(_COMPAT + "."):
        found = _load(whole)
        for part in fromlist or ():
            inner = f"{whole}.{part}"
            if not hasattr(found, part) and part != "*" and _file(inner) is not None:
                setattr(found, part, _load(inner))
        return found if fromlist else _Above()
    found = builtins.__import__(name, globals, locals, fromlist, level)
    return _Generic() if whole == "pullback.backend.generic" else found


_BUILTINS = {**vars(builtins), "__import__": _import}


def _file(name: str) -> Path | None:
    root = Path(array_api_compat.__file__).parent.parent
    path = root.joinpath(*name.split("."))
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.exists():
            return file
    return None


def _load(name: str) -> Any:
    """One of array-api-compat's modules for CuPy, over the stand-in."""
    if name not in _loaded:
        file = _file(name)
        assert file is not None, name
        _loaded[name] = run(file, name)
    return _loaded[name]


def run(file: Path, name: str) -> Any:
    """A file as a module that is called `name`, kept out of `sys.modules`."""
    package = file.name == "__init__.py"
    module = types.ModuleType(name)
    module.__file__ = str(file)
    module.__package__ = name if package else name.rpartition(".")[0]
    module.__spec__ = importlib.util.spec_from_file_location(
        name, file, submodule_search_locations=[str(file.parent)] if package else None
    )
    module.__dict__["__builtins__"] = _BUILTINS
    _loaded[name] = module
    try:
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), module.__dict__)
    except BaseException:
        del _loaded[name]
        raise
    above, _, last = name.rpartition(".")
    if above in _loaded:
        setattr(_loaded[above], last, module)
    return module


def _teach() -> None:
    """Let array-api-compat's questions about arrays of CuPy find the stand-in's."""
    known = helpers._issubclass_fast
    namespace_of = helpers._cls_to_namespace

    @functools.lru_cache(200)
    def issubclass_fast(cls: type, modname: str, clsname: str) -> bool:
        if cls is ndarray:
            return (modname, clsname) == ("cupy", "ndarray")
        return known(cls, modname, clsname)

    def cls_to_namespace(cls: type, api_version: Any, use_compat: Any) -> Any:
        if cls is ndarray:
            return _load(_COMPAT), None
        return namespace_of(cls, api_version, use_compat)

    to_device = helpers._cupy_to_device
    helpers._issubclass_fast = issubclass_fast  # type: ignore[assignment]  # a patch of its caches and finders
    helpers._cls_to_namespace = cls_to_namespace  # type: ignore[assignment]  # a patch of its caches and finders
    helpers._cupy_to_device = types.FunctionType(  # type: ignore[attr-defined]  # a patch of its caches and finders
        to_device.__code__,
        {**to_device.__globals__, "__builtins__": _BUILTINS},
        to_device.__name__,
        to_device.__defaults__,
    )
    helpers._is_array_api_cls.cache_clear()


@functools.cache
def _cupy_file() -> Any:
    _teach()
    return cupy_file()


def cupy_file() -> Any:
    """`backend/cuda/backend.py` run once more: nothing of it is compiled yet."""
    file = Path(pb.__file__).parent / "backend" / "cuda" / "backend.py"
    return run(file, "pullback.backend.cuda.backend")


@functools.cache
def backend() -> pb.backend.Backend:
    """The backend that `backend/cuda/backend.py` makes, on the stand-in; compiled programs run as Python."""
    made = _cupy_file().backend(None, "the stand-in for CuPy")
    made = dataclasses.replace(made, programs=None)
    pb.backend.register(ndarray, made)
    return made


def namespace() -> Any:
    """array-api-compat's namespace for CuPy, over the stand-in."""
    backend()
    return _load(_COMPAT)


def activate(*names: str, chosen: pb.backend.Backend | None = None) -> Any:
    """Make the stand-in what these names of backends choose in this process, as CuPy is where there is a GPU.

    Parameters
    ----------
    names : str
    chosen : Backend, optional
        One of the stand-in's with other parts, as `programs.running` makes it.

    Returns
    -------
    callable
        Puts the names back.
    """
    from pullback.backend import select as _select

    known = _select._resolved
    found = backend() if chosen is None else chosen

    def resolved(name: str, device: int | None, reason: str) -> pb.backend.Backend:
        if name not in names:
            return known(name, device, reason)
        if device not in (None, 0):
            raise pb.backend.BackendError(f"PULLBACK_DEVICE={device}: there are CUDA devices 0 … 0")
        return found

    resolved.cache_clear = getattr(known, "cache_clear", lambda: None)  # type: ignore[attr-defined]  # as the function it replaces

    def undo() -> None:
        _select._resolved = known

    _select._resolved = resolved  # type: ignore[assignment]  # a patch of its caches and finders
    return undo


__all__ = ["Device", "activate", "backend", "namespace", "ndarray"]
