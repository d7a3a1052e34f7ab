"""The registry: functions with their signatures, rules and kernels."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ...backend import Namespace
from . import signatures
from .array import Array
from .hooks import HOOKS
from .namespaces import NAMESPACES
from .tracer_like import TRACERS, program_constant
from .typing import XP
from .views import VIEWS

# What `Primitive` reads from its signature.
_OF_SIGNATURE = frozenset(
    (
        "array_indices",
        "arrays",
        "indexed_arrays",
        "keyword",
        "positional",
        "star",
        "stub",
        "variadic",
    )
)
_ASPECTS = ("shape", "dtype", "ndim", "device", "bar", "traced", "shapes")  # as in `x_shape`


class MissingRuleError(NotImplementedError):
    """A derivative was asked through a function, or an argument, that has no rule."""


class Kernels(dict):
    """``kernels[type(x)]``: what computes a primitive on values of that class."""

    def __init__(self, primitive: Primitive) -> None:
        super().__init__()
        self.primitive = primitive
        self.scope: dict[str, Any] | None = None

    def sync_fast_path(self, scope: dict[str, Any]) -> None:
        """Keep the globals of generated code up to date with the usual kernel, which saves it a look-up.

        The usual class of values is the first class of raw arrays that the primitive met, and the usual kernel is
        what computes on it.
        """
        self.scope = scope
        scope["usual"], scope["usual_kernel"] = next(
            (
                (array_type, kernel)
                for array_type, kernel in self.copy().items()  # other threads add to it meanwhile
                if array_type is not Array and array_type not in TRACERS
            ),
            (None, None),
        )

    def refresh(self) -> None:
        """Look every kernel up anew."""
        self.clear()
        if self.scope is not None:
            self.sync_fast_path(self.scope)

    def __missing__(self, array_type: type) -> Callable[..., Any]:
        xp = NAMESPACES.get(array_type)
        if xp is None:
            raise KeyError(array_type)  # `kernel_for` has the array and fills this in
        kernel = self.primitive.kernel_in(xp)
        if self.primitive.check is not None and array_type is not Array:
            kernel = _checked(self.primitive.check, kernel)
        if self.primitive.collective and array_type is not Array and array_type not in TRACERS:
            kernel = _recorded_even_of_constants(self.primitive, kernel)
        if self.primitive.collective and array_type is not Array:
            kernel = _counted(kernel)
        if HOOKS.kernel is not None and array_type is not Array:
            kernel = HOOKS.kernel(self.primitive, kernel)
        self[array_type] = kernel
        if self.scope is not None:
            self.sync_fast_path(self.scope)
        return kernel


def _checked(check: Callable[..., None], kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel, behind what refuses arguments."""

    def call(*args: Any, **settings: Any) -> Any:
        check(*args, **settings)
        return kernel(*args, **settings)

    return call


class _Ran(threading.local):
    """How many collectives this thread has run: a function whose pullback runs it again has to know."""

    collectives = 0


RAN = _Ran()


def _counted(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel of a collective, each call of which `RAN` counts."""

    def call(x: Any, /, **settings: Any) -> Any:
        RAN.collectives += 1
        return kernel(x, **settings)

    return call


def _recorded_even_of_constants(
    primitive: Primitive, kernel: Callable[..., Any]
) -> Callable[..., Any]:
    """The kernel of a collective on raw arrays, which becomes a step of the program that is recorded, if there is one.

    Other functions of raw arrays run once, while recording, and their result is a constant of the program. A collective
    has to run whenever the program does, since the other ranks wait for it.
    """

    def call(x: Any, /, **settings: Any) -> Any:
        constant = program_constant(x)
        if constant is x:
            return kernel(x, **settings)
        return primitive.kernels[type(constant)](constant, **settings)

    return call


class Primitive:
    """One function that the tape records as a single entry.

    Attributes
    ----------
    name : str
        As in the namespace: ``"exp"``, ``"linalg.solve"``.
    stub : function
        A function without a body that has its parameters.
    positional, keyword : tuple of str
        The parameters that are passed by position, and by name.
    arrays : tuple of str
        The positional parameters that are arrays.
    rules, shared : dict
        ``rules[parameter]``: its pullback; ``shared[_name]``: work that several of them use.
    trusted : bool
        Whether the rules are the library's own, tested ones: what they return need not be looked at each time.
    batched : bool
        Whether they are tested to give the same for many cotangents at once as for one after the other.
    collective : bool
        Whether all ranks take part in it, and in its pullback: rules then run even where there is no cotangent.
    outputs, residuals : tuple of str
        Names of several outputs; of what the kernel returns beside its output, for the rules alone.
    kernel : callable, optional
        What computes it on raw arrays of any library, where no namespace has a function of this name (`attach_kernel`).
    check : callable, optional
        What refuses arguments that some libraries' functions take, each in its own way (`attach_check`).
    """

    stub: Callable[..., Any]
    star: bool
    positional: tuple[str, ...]
    keyword: tuple[str, ...]
    arrays: tuple[str, ...]
    array_indices: tuple[int, ...]
    indexed_arrays: tuple[tuple[int, str], ...]
    variadic: str | None

    def __init__(
        self, text: str, *, outputs: tuple[str, ...] = (), residuals: tuple[str, ...] = ()
    ) -> None:
        self.name, _, parameters = text.partition("(")
        self.text = "(" + parameters
        self.identifier = self.name.rpartition(".")[2]
        self.views = self.name in VIEWS
        self.collective = self.name in signatures.COLLECTIVES
        self.outputs = outputs
        self.residuals = residuals
        self.rules: dict[str, Callable[..., Any]] = {}
        self.shared: dict[str, Callable[..., Any]] = {}
        self.trusted = False
        self.batched = False
        self.kernel: Callable[..., Any] | None = None
        self.check: Callable[..., None] | None = None
        self.lacking: set[Any] = set()  # the namespaces that have no function of this name
        self.kernels = Kernels(self)
        self.entry_builders: dict[Any, Callable[..., Any]] = {}
        self.function: Callable[..., Any] | None = None

    def __repr__(self) -> str:
        return f"<Primitive {self.name}{self.text}>"

    def __getattr__(self, name: str) -> Any:
        """What the signature says; read when it is first asked for, since a program uses few of 260 primitives."""
        if name not in _OF_SIGNATURE:
            raise AttributeError(f"a Primitive has no attribute {name!r}")
        self._read_signature()
        return self.__dict__[name]

    def _read_signature(self) -> None:
        scope: dict[str, Any] = {}
        exec(f"def f{self.text}: ...", scope)
        self.stub = scope["f"]
        # of its code, which takes a tenth of the time that its signature does
        code = self.stub.__code__
        self.star = bool(code.co_flags & inspect.CO_VARARGS)
        last = code.co_argcount + code.co_kwonlyargcount
        self.positional = (*code.co_varnames[: code.co_argcount], *code.co_varnames[last:])
        self.keyword = code.co_varnames[code.co_argcount : last]
        self.arrays = tuple(p for p in self.positional if p in signatures.ARRAYS)
        self.array_indices = tuple(self.positional.index(p) for p in self.arrays)
        self.indexed_arrays = tuple(zip(self.array_indices, self.arrays, strict=True))
        self.variadic = next((p for p in self.positional if p in signatures.VARIADIC), None)

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The standard's."""
        return inspect.signature(self.stub)

    def kernel_in(self, xp: XP) -> Callable[..., Any]:
        """The function of this name in a namespace one level down, or the attached kernel where there is none."""
        if self.kernel is not None and xp in self.lacking:
            return self.kernel
        found = xp
        for part in self.name.split("."):
            found = getattr(found, part, None)
            if found is None:
                break
        if found is not None:
            return found
        if self.kernel is None:
            raise NotImplementedError(f"{xp!r} has no function {self.name}")
        self.lacking.add(xp)
        return self.kernel

    def known_names(self) -> set[str]:
        """The names that parameters of this primitive's rules may have."""
        arrays = (*self.arrays, self.variadic) if self.variadic else self.arrays
        return {
            "ct", "xp", *(() if self.outputs else ("out",)), *self.outputs, *(f"{o}_bar" for o in self.outputs),
            *self.residuals, *self.positional, *self.keyword, *self.shared,
            *(f"{a}_{what}" for a in arrays for what in _ASPECTS),
        }  # fmt: skip


REGISTRY: dict[str, Primitive] = {}

# What folders further right give those that must not import them: the functions ``"linalg.solve"`` and
# ``"linalg.slogdet"`` of the namespace, and ``"dense_solver"``, which the rules of factorisations solve triangles by.
PROVIDED: dict[str, Callable[..., Any]] = {}


def provides(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put a function into `PROVIDED`, as a decorator."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        PROVIDED[name] = function
        return function

    return register


def attach_kernel(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function the kernel of a primitive that no library has, as a decorator.

    Its parameters are the primitive's own. It serves the raw arrays of every library.
    """

    def attach_to(kernel: Callable[..., Any]) -> Callable[..., Any]:
        primitive = find(name)
        primitive.kernel = kernel
        primitive.kernels.refresh()
        return kernel

    return attach_to


def attach_check(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Have a function look at a primitive's arguments before any library's kernel computes with them, as a decorator.

    Its parameters are the primitive's own, and it raises where they are to be refused.
    """

    def attach_to(check: Callable[..., None]) -> Callable[..., None]:
        primitive = find(name)
        primitive.check = check
        primitive.kernels.refresh()
        return check

    return attach_to


@functools.lru_cache(maxsize=512)
def parameter_names(rule: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a rule's parameters; kept, since functions of lists ask for them at each call, which takes 30 µs."""
    if type(rule) is FunctionType and not rule.__dict__:  # where `__wrapped__`, `__signature__` are
        code = rule.__code__
        if not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
            return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return tuple(inspect.signature(rule).parameters)


def find(name: str) -> Primitive:
    """The primitive called `name`, made from the table of signatures when it is first asked for."""
    primitive = REGISTRY.get(name)
    if primitive is None:
        text = signatures.DIFFERENTIABLE.get(name)
        if text is None:
            raise KeyError(name)
        primitive = REGISTRY[name] = Primitive(text)
    return primitive


def names() -> tuple[str, ...]:
    """The names of all functions that a derivative may pass through."""
    return tuple(dict.fromkeys((*signatures.DIFFERENTIABLE, *REGISTRY)))


class WrappedNamespace(Namespace):
    """A library's namespace, those of its extensions too, whose functions are replaced when they are first asked for.

    Parameters
    ----------
    base
        The library's namespace.
    wrap : callable
        ``wrap(name, function)`` gives the function in the place of the one of that full name: of the kernel that a
        primitive brings, or of the library's own.
    prefix : str
        What stands before the names of an extension, as ``"linalg."``.
    """

    def __init__(
        self, base: Any, wrap: Callable[[str, Callable[..., Any]], Any], prefix: str = ""
    ) -> None:
        super().__init__(base, {})
        self.__dict__.update(wrap=wrap, prefix=prefix)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full = self.prefix + name
        attached = REGISTRY[full].kernel if full in REGISTRY else None
        found = getattr(self.base, name) if attached is None else attached
        if full in ("linalg", "fft", "special"):
            found = WrappedNamespace(found, self.wrap, full + ".")
        elif callable(found) and not isinstance(found, type):
            found = self.wrap(full, found)
        self.__dict__[name] = found
        return found
