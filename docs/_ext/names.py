"""Which public names there are, which object each is, and under which name that is documented."""

from __future__ import annotations

import collections
import functools
import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pullback as pb
from pullback.autograd.core import registry, signatures

ROOT = Path(__file__).resolve().parents[2]

# The public modules in the order of the reference; a name in two of them is documented in the first.
GROUPS: dict[str, tuple[str, ...]] = {
    "Derivatives and arrays": ("", "xp", "xp.linalg", "xp.fft", "special", "random", "tree"),
    "Solvers": ("linalg", "implicit", "sparse"),
    "Networks and training": (
        "models", "models.kernels", "optim", "optim.proximal", "train", "train.plots", "playground",
    ),
    "NumPy and SciPy": (
        "numpy", "numpy.linalg", "numpy.fft", "numpy.random", "scipy", "scipy.special", "scipy.stats",
        "scipy.linalg", "scipy.optimize", "scipy.integrate", "scipy.signal",
    ),
    "Machines": ("backend", "distributed"),
    "Other faces": ("autograd", "compat"),
}  # fmt: skip

# HIPS autograd's modules, which repeat NumPy's and SciPy's names.
COMPAT = "compat.autograd"
MIRRORS = (f"{COMPAT}.numpy", f"{COMPAT}.scipy")

# Constants that have no docstring of their own.
CONSTANTS = {
    "e": "Euler's number, the base of the natural logarithm.",
    "pi": "π, half the circumference of the unit circle.",
    "inf": "Positive infinity.",
    "nan": "Not a number.",
    "euler_gamma": "The Euler-Mascheroni constant γ.",
    "newaxis": "None: an index that makes an axis of length 1.",
    "little_endian": "Whether this machine stores the least significant byte first.",
    "ScalarType": "The scalar types of Python and NumPy, as a tuple.",
    "typecodes": "NumPy's characters for dtypes, by kind.",
    "sctypeDict": "NumPy's scalar types by their names.",
    "True_": "NumPy's scalar for true.",
    "False_": "NumPy's scalar for false.",
    "NAMES": "What `backend.use` takes by name.",
    "ACTIVATIONS": "The activations by the names that layers take.",
    "INITIALISERS": "The names of the ways to initialise weights.",
    "BUILT_IN": "The data sets that `load_dataset` finds by name.",
    "primitive_vjps": "The pullbacks of every primitive that was given one.",
    "primitive_jvps": "The forward rules of every primitive that was given one.",
    "box_types": "The classes of traced values.",
    "notrace_primitives": "The functions that are not recorded, by node type.",
    "s_": "NumPy's own: `s_[…]` is the index that stands in the brackets.",
    "index_exp": "NumPy's own: as `s_`, and always a tuple.",
    "c_": "NumPy's `c_`: arrays side by side, as columns.",
    "r_": "NumPy's `r_`: arrays and ranges one after the other.",
    "mgrid": "A full grid of coordinates by slices.",
    "ogrid": "An open grid of coordinates by slices.",
    "__version__": "The version of this library.",
}


@dataclass(frozen=True)
class Space:
    """A public module, or an extension of the standard, which is an object."""

    name: str  # "xp.linalg"; "" is the root
    value: Any

    @property
    def full(self) -> str:
        return f"pullback.{self.name}" if self.name else "pullback"

    @property
    def docname(self) -> str:
        return f"reference/{self.name or 'pullback'}"

    @property
    def mirrors(self) -> str:
        """The library whose names this one repeats, or nothing."""
        inside = any(self.name == m or self.name.startswith(f"{m}.") for m in MIRRORS)
        return self.name.removeprefix(f"{COMPAT}.") if inside else ""


@dataclass(frozen=True)
class Entry:
    """A public name: the page that it has, and where the object is documented."""

    space: Space
    name: str
    value: Any
    filename: str
    canonical: str  # the full name under which the object is documented

    @property
    def full(self) -> str:
        return f"{self.space.full}.{self.name}"

    @property
    def docname(self) -> str:
        return f"{self.space.docname}/{self.filename}"

    @property
    def kind(self) -> str:
        if is_space(self.value):
            return "module"
        if inspect.isclass(self.value):
            exception = issubclass(self.value, BaseException)
            return "exception" if exception else "class"
        if inspect.isroutine(self.value) or type(self.value).__name__ == "_Arrays":
            return "function"
        return "data"

    @property
    def foreign(self) -> str:
        """NumPy's own name of an object that is not of this library, or nothing."""
        home = str(getattr(self.value, "__module__", None) or "")
        if self.kind in ("data", "module") or home.partition(".")[0] in ("pullback", ""):
            return ""
        library = home.partition(".")[0]
        return f"{library}.{self.space.name.partition('.')[2]}.{self.name}".replace("..", ".")


def is_space(value: Any) -> bool:
    """Whether it is a module of this library, or an extension of the standard."""
    module = inspect.ismodule(value) and value.__name__.startswith("pullback")
    return module or type(value).__name__ == "Extension"


def reach(name: str) -> Any:
    """The module of a public name."""
    if not name:
        return pb
    try:
        return importlib.import_module(f"pullback.{name}")
    except ModuleNotFoundError:
        return functools.reduce(getattr, name.split("."), pb)


def _known() -> list[str]:
    return [name for group in GROUPS.values() for name in group]


@functools.cache
def spaces() -> tuple[Space, ...]:
    """Every public module once, those of the reference's groups first, then what these list in turn."""
    found: dict[str, Any] = {name: reach(name) for name in _known()}
    queue = list(found.items())
    while queue:
        prefix, space = queue.pop(0)
        for name in dir(space):
            value = getattr(space, name, None)
            if is_space(value) and not any(value is other for other in found.values()):
                full = f"{prefix}.{name}" if prefix else name
                found[full] = value
                queue.append((full, value))
    return tuple(Space(name, value) for name, value in found.items())


def listed(space: Space) -> list[str]:
    """What `dir` says of a module, without what Python keeps there for itself."""
    dunder = {"__version__", "__array_namespace_info__"}
    return [name for name in dir(space.value) if not name.startswith("_") or name in dunder]


@functools.cache
def entries() -> tuple[Entry, ...]:
    """Every public name of every public module."""
    found: list[tuple[Space, str, Any]] = []
    for space in spaces():
        found += [(space, name, getattr(space.value, name)) for name in listed(space)]
    names = collections.defaultdict(list)
    for space, name, value in found:
        if not _simple(value):
            names[id(value)].append((space, name, value))
    homes = {space.value: space.full for space in spaces() if inspect.ismodule(space.value)}
    chosen = {key: _canonical(same) for key, same in names.items()}
    out = []
    for space, name, value in found:
        full = f"{space.full}.{name}"
        canonical = full if _simple(value) else chosen[id(value)]
        if is_space(value):
            canonical = homes.get(value) if inspect.ismodule(value) else full
        out.append(Entry(space, name, value, "", canonical or full))
    return tuple(_with_filenames(out))


def _simple(value: Any) -> bool:
    """Numbers, names and tuples of them, which are equal by chance."""
    return not (inspect.isroutine(value) or inspect.isclass(value) or is_space(value))


def _canonical(same: list[tuple[Space, str, Any]]) -> str:
    """Of the names of one object in the first module that has it, the object's own, or the first."""
    space = same[0][0]
    names = [name for other, name, _ in same if other is space]
    own = getattr(same[0][2], "__name__", "")
    return f"{space.full}.{own if own in names else names[0]}"


def _with_filenames(found: list[Entry]) -> list[Entry]:
    """Files that differ on disks that do not tell capital letters from small ones, too."""
    taken: set[str] = set()
    out = []
    for entry in found:
        filename = entry.name
        while f"{entry.space.name}/{filename}".lower() in taken:
            filename += "_"
        taken.add(f"{entry.space.name}/{filename}".lower())
        out.append(Entry(entry.space, entry.name, entry.value, filename, entry.canonical))
    return out


def page_of(entry: Entry) -> str:
    """The docname of the page that a name has: a module's is the module's own."""
    if entry.kind == "module" and entry.canonical == entry.full:
        return space_by_name()[entry.full].docname
    return entry.space.docname if is_folded(entry.space) else entry.docname


def is_folded(space: Space) -> bool:
    """Whether the names of a module stand on its page alone: SciPy's distributions, 25 times the same thirty."""
    return space.mirrors.startswith("scipy.stats.")


@functools.cache
def by_full_name() -> dict[str, Entry]:
    return {entry.full: entry for entry in entries()}


@functools.cache
def space_by_name() -> dict[str, Space]:
    return {space.full: space for space in spaces()}


def home_file(value: Any) -> tuple[str, int] | None:
    """The file and line of an object's source here; of a generated function, its rule's."""
    value = inspect.unwrap(value) if callable(value) else value
    generated = getattr(value, "__module__", "") == "pullback.autograd.functions.namespace"
    rules = _rules(value.__name__) if generated else ()
    for candidate in (value, *rules, *(signatures,) * generated):
        try:
            path = inspect.getsourcefile(candidate)
            line = 1 if inspect.ismodule(candidate) else inspect.getsourcelines(candidate)[1]
        except (TypeError, OSError):
            continue
        if path and Path(path).is_file() and Path(path).resolve().is_relative_to(ROOT):
            return str(Path(path).resolve()), line
    return None


def _rules(name: str) -> tuple[Any, ...]:
    """The rules of a generated function."""
    known = set(registry.names())
    full = next(
        (
            n
            for n in (f"{home}{name}" for home in ("", "linalg.", "fft.", "special."))
            if n in known
        ),
        None,
    )
    return tuple(registry.find(full).rules.values()) if full else ()
