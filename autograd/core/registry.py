"""The registry: functions with their signatures, rules and kernels, and the general dispatcher."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import backend_of
from . import signatures
from .array import UNTRACED, Array, backend_array, result, unwrap_closed
from .dtypes import is_inexact
from .index_keys import hold_key
from .sweep import NAMESPACES, namespace_of
from .transfer import of_two_libraries
from .views import NEVER_NUMBERS, VIEWS, attach

SCALARS = frozenset((bool, int, float, complex, type(None)))
CONSTANTS = SCALARS | {Array}


_ASPECTS = ("shape", "dtype", "ndim", "device", "bar", "traced", "shapes")  # as in `x_shape`


class MissingRuleError(NotImplementedError):
    """A derivative was asked through a function, or an argument, that has no rule."""


class Kernels(dict):
    """``kernels[type(x)]``: what computes a primitive on values of that class."""

    wrap: Callable[..., Any] | None = (
        None  # `diagnostics/debug_nans.py` puts a check around every kernel here
    )

    def __init__(self, primitive: Primitive) -> None:
        super().__init__()
        self.primitive = primitive
        self.scope: dict[str, Any] | None = None

    def sync_fast_path(self, scope: dict[str, Any]) -> None:
        """Keep the globals of generated code up to date with the usual kernel, which saves it a look-up.

        The usual class of values is the first raw one that the primitive meets.
        """
        self.scope = scope
        scope["usual"], scope["usual_kernel"] = next(
            (
                (kind, kernel)
                for kind, kernel in self.items()
                if kind is not Array and not hasattr(kind, "recorded")
            ),
            (None, None),
        )

    def refresh(self) -> None:
        """Look every kernel up anew."""
        self.clear()
        if self.scope is not None:
            self.sync_fast_path(self.scope)

    def __missing__(self, array_type: type) -> Callable[..., Any]:
        space = NAMESPACES.get(array_type)
        if space is None:
            raise KeyError(array_type)  # `kernel_for` has the array and fills this in
        kernel = self.primitive.kernel_in(space)
        if Kernels.wrap is not None and array_type is not Array:
            kernel = Kernels.wrap(self.primitive, kernel)
        self[array_type] = kernel
        if self.scope is not None:
            self.sync_fast_path(self.scope)
        return kernel


class Primitive:
    """One function that the tape records whole.

    Attributes
    ----------
    name : str
        As in the namespace: ``"exp"``, ``"linalg.solve"``.
    signature : inspect.Signature
        The standard's.
    positional, keyword : tuple of str
        The parameters that are passed by place, and by name.
    arrays : tuple of str
        The positional parameters that are arrays.
    rules, shared : dict
        ``rules[parameter]``: its pullback; ``shared[_name]``: work that several of them use.
    trusted : bool
        Whether the rules are the library's own, tested ones: what they return need not be looked at each time.
    batched : bool
        Whether they are tested to give the same for many cotangents at once as for one after the other.
    outputs, residuals : tuple of str
        Names of several outputs; of what the kernel returns beside its output, for the rules alone.
    kernel : callable, optional
        What computes it on raw arrays of any library, where no namespace has a function of this name (`attach_kernel`).
    """

    def __init__(
        self, text: str, *, outputs: tuple[str, ...] = (), residuals: tuple[str, ...] = ()
    ) -> None:
        self.name, _, parameters = text.partition("(")
        self.text = "(" + parameters
        self.identifier = self.name.rpartition(".")[2]
        scope: dict[str, Any] = {}
        exec(f"def f{self.text}: ...", scope)
        self.signature = inspect.signature(scope["f"])
        named = self.signature.parameters.values()
        self.positional = tuple(p.name for p in named if p.kind is not p.KEYWORD_ONLY)
        self.keyword = tuple(p.name for p in named if p.kind is p.KEYWORD_ONLY)
        self.arrays = tuple(p for p in self.positional if p in signatures.ARRAYS)
        self.array_places = tuple(self.positional.index(p) for p in self.arrays)
        self.places = tuple(zip(self.array_places, self.arrays, strict=True))
        self.variadic = next((p for p in self.positional if p in signatures.VARIADIC), None)
        self.star = any(p.kind is p.VAR_POSITIONAL for p in named)
        self.views = self.name in VIEWS
        self.outputs = outputs
        self.residuals = residuals
        self.rules: dict[str, Callable[..., Any]] = {}
        self.shared: dict[str, Callable[..., Any]] = {}
        self.trusted = False
        self.batched = False
        self.kernel: Callable[..., Any] | None = None
        self.kernels = Kernels(self)
        self.entry_builders: dict[Any, Callable[..., Any]] = {}
        self.function: Callable[..., Any] | None = None

    def __repr__(self) -> str:
        return f"<Primitive {self.name}{self.text}>"

    def kernel_in(self, space: Any) -> Callable[..., Any]:
        """The function of this name in a namespace one level down."""
        if space is NAMESPACES.get(Array) and not self.residuals:
            return function_of(self)
        for part in self.name.split("."):
            found = getattr(space, part, None)
            if found is None:
                if self.kernel is not None:
                    return self.kernel
                raise NotImplementedError(f"{space!r} has no function {self.name}")
            space = found
        return space

    def known_names(self) -> set[str]:
        """What the parameters of this primitive's rules may be called."""
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


def parameter_names(rule: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a rule's parameters."""
    return tuple(inspect.signature(rule).parameters)


def find(name: str) -> Primitive:
    """The primitive called `name`, made from the table of signatures when it is first asked for."""
    primitive = REGISTRY.get(name)
    if primitive is None:
        text = _TEXTS.get(name)
        if text is None:
            raise KeyError(name)
        primitive = REGISTRY[name] = Primitive(text)
    return primitive


def _table(text: str) -> dict[str, str]:
    lines = (line for line in text.splitlines() if line)
    return {line.partition("(")[0]: line for line in lines}


_TEXTS = _table(signatures.DIFFERENTIABLE)
CONSTANT = _table(signatures.CONSTANT)


def names() -> tuple[str, ...]:
    """The names of all functions that a derivative may pass through."""
    return tuple(dict.fromkeys((*_TEXTS, *REGISTRY)))


def defvjp(
    name: str,
    *,
    outputs: tuple[str, ...] = (),
    residuals: tuple[str, ...] = (),
    **rules: Callable[..., Any],
) -> None:
    """Give a function its VJP rules: one keyword per differentiable input, named as in its signature.

    Parameters
    ----------
    name : str
        A function of `pb.xp`, dotted for its extensions.
    outputs : tuple of str, optional
        For functions with several outputs, their names; a rule then takes ``<name>_bar``, None where a
        derivative does not use that output.
    residuals : tuple of str, optional
        What the kernel returns after its output, for the rules alone.
    **rules : callable
        ``rule(ct, …) -> cotangent of that input``. Its parameters say what it keeps: ``ct`` is the cotangent of
        the output, ``out`` the output; the inputs' and settings' own names their values; ``x_shape``, ``x_dtype``
        and ``x_ndim`` keep no value; ``x_bar`` is another input's finished cotangent; ``xp`` is the namespace of
        the values. A keyword with a leading underscore is work that several rules share.

    Raises
    ------
    TypeError
        If a rule names something that the function does not have.

    Examples
    --------
    The derivative of the exponential keeps the output alone, that of the product the other factor::

        defvjp("exp", x=lambda ct, out: ct * out)
        defvjp("multiply", x1=lambda ct, x2: ct * x2, x2=lambda ct, x1: ct * x1)
    """
    _define(name, rules, outputs, residuals)


def library_defvjp(
    name: str,
    *,
    outputs: tuple[str, ...] = (),
    residuals: tuple[str, ...] = (),
    batched: bool = True,
    **rules: Callable[..., Any],
) -> None:
    """`defvjp` for the library's own rules, which are trusted to return cotangents that fit.

    Parameters
    ----------
    name, outputs, residuals, **rules
        As for `defvjp`.
    batched : bool
        Whether the rules take a leading axis of many cotangents at once.
    """
    _define(name, rules, outputs, residuals, trusted=True, batched=batched)


def _define(
    name: str,
    rules: dict[str, Callable[..., Any]],
    outputs: tuple[str, ...],
    residuals: tuple[str, ...],
    trusted: bool = False,
    batched: bool = False,
) -> None:
    primitive = find(name)
    known = primitive.known_names() | {*outputs, *(f"{o}_bar" for o in outputs), *residuals}
    known |= {key for key in rules if key.startswith("_")}
    known -= {"out"} if outputs else set()
    for key, rule in rules.items():
        if not key.startswith("_") and key not in (*primitive.arrays, primitive.variadic):
            raise TypeError(
                f"defvjp({name!r}): {name}{primitive.text} has no array parameter {key!r}"
            )
        unknown = [p for p in parameter_names(rule) if p not in known]
        if unknown:
            raise TypeError(
                f"defvjp({name!r}): the rule for {key!r} asks for {', '.join(unknown)}; it may name "
                f"{', '.join(sorted(known))}"
            )
    primitive.outputs, primitive.residuals = outputs, residuals
    primitive.trusted, primitive.batched = trusted, batched
    primitive.shared = {k: rule for k, rule in rules.items() if k.startswith("_")}
    primitive.rules = {k: rule for k, rule in rules.items() if not k.startswith("_")}
    primitive.entry_builders.clear()
    if primitive.function is not None:
        from .codegen_forward import refresh_function  # as in function_of

        refresh_function(primitive)


def function_of(primitive: Primitive) -> Callable[..., Any]:
    """The public function of a primitive, generated when it is first asked for."""
    if primitive.function is None:
        from .codegen_forward import (
            make_function,  # codegen uses this registry: the arrow goes that way
        )

        primitive.function = make_function(primitive)
    return primitive.function


def kernel_for(primitive: Primitive, x: Any) -> Callable[..., Any]:
    """What computes `primitive` on values like `x`."""
    try:
        return primitive.kernels[type(x)]
    except KeyError:
        namespace_of(x)  # finds the library, or raises the error that says what to do
        return primitive.kernels[type(x)]


def normalise(out: Any) -> Any:
    """A kernel's result as an array: NumPy's ufuncs return scalars for 0-d arrays."""
    return out if type(out) is Array else backend_of(out).normalise(out)


def common_type(name: str, values: list[Any], tape: Any = UNTRACED) -> Any:
    """One of `values` that decides where an operation runs: traced if any is, else of their one library.

    NumPy's scalars go with any library, as Python's numbers do: they are replaced in `values`, in the library's
    own form.

    Raises
    ------
    TypeError
        If they belong to different libraries, or none of them is an array.
    """
    inner = [v.value if type(v) is Array and v.tape is tape else v for v in values]
    arrays = [v for v in inner if type(v) not in SCALARS]
    traced = next((v for v in arrays if type(v) is Array), None)
    if traced is not None:
        return traced
    proper = [v for v in arrays if not isinstance(v, np.generic)]
    if not arrays:
        kinds = ", ".join(type(v).__name__ for v in values)
        raise TypeError(f"{name}: expected an array, got {kinds}; convert by pb.xp.asarray(x)")
    chosen = proper[0] if proper else arrays[0]
    for other in proper[1:]:  # one that is recorded has the others recorded as its constants
        if type(other) is not type(chosen) and backend_of(other).recording:
            chosen = other
    backend = backend_of(chosen)
    for other in proper[1:]:
        if (
            type(other) is not type(chosen)
            and backend_of(other).array_type is not backend.array_type
        ):
            names = find(name).arrays if name in REGISTRY else ()
            raise of_two_libraries(name, names, inner, chosen, other)
    for i, value in enumerate(values):
        if isinstance(value, np.generic) and proper:
            values[i] = backend.asarray(value)
    return chosen


def apply(primitive: Primitive, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """Run a primitive on any mix of traced arrays, constants, raw arrays and numbers, and record it.

    The newest open tape among the arguments records; its arrays are taken one level down, and what is
    traced by older tapes stays as it is, to be recorded there by the same call one level down.
    """
    values = list(args)
    tape: Any = UNTRACED
    for place in primitive.array_places:
        value = values[place]
        while type(value) is Array:
            if value.tape.open:
                if value.tape.order > tape.order:
                    tape = value.tape
                break
            value = value.value
        values[place] = value
    traced: tuple[str, ...] = ()
    slots: list[int] = []
    chosen: Any = None
    mixed = False
    for place, parameter in primitive.places:
        value = values[place]
        kind = type(value)
        if kind is Array and value.tape is not tape:
            values[place] = value = value.__copy__()  # which a later write does not change
        if kind is Array and value.tape is tape:
            traced += (parameter,)
            slots.append(value.slot)
            values[place] = value = value.value
            kind = type(value)
        elif tape is not UNTRACED and tape.copies and kind not in CONSTANTS:
            values[place] = value = namespace_of(value).copy(
                value
            )  # the caller could change it before the pull
        if chosen is None:
            if kind not in SCALARS:
                chosen = value
        elif kind is not type(chosen) and kind not in SCALARS:
            mixed = True
    if mixed or chosen is None:
        operands = [values[i] for i in primitive.array_places]
        chosen = common_type(primitive.name, operands, tape)
        for place, value in zip(primitive.array_places, operands, strict=True):
            values[place] = value
    try:
        kernel = primitive.kernels[type(chosen)]
    except KeyError:
        kernel = kernel_for(primitive, chosen)
    out = kernel(*values, **settings)
    residuals: tuple[Any, ...] = ()
    if primitive.residuals:
        out, *rest = out
        residuals = tuple(rest)
    if traced:
        y = record(primitive, tape, traced, slots, out, residuals, values, settings)
    else:
        y = _untraced(primitive, out)
    if primitive.views and not isinstance(out, np.generic):
        attach(y, args[0], primitive.name, args[1:], settings)
    elif primitive.name in NEVER_NUMBERS:
        y.link = False
    return y


def record(
    primitive: Primitive,
    tape: Any,
    traced: tuple[str, ...],
    slots: list[int],
    out: Any,
    residuals: tuple[Any, ...],
    values: list[Any],
    settings: dict[str, Any],
) -> Any:
    """Put one operation on the tape, and wrap its output or outputs."""
    recorder = primitive.entry_builders.get(traced)
    if recorder is None:
        from .codegen_backward import make_entry_builder  # as in function_of

        recorder = primitive.entry_builders[traced] = make_entry_builder(primitive, traced)
    for place in recorder.held:  # type: ignore[attr-defined]  # set where it is made
        if type(values[place]) not in CONSTANTS:
            tape.hold(values[place])
    if "key" in primitive.positional:
        hold_key(tape, values[primitive.positional.index("key")])
    entries = tape.entries
    if not primitive.outputs:
        out = unwrap_closed(normalise(out))
        if not is_inexact(out.dtype):
            return result(out)
        entries.append(recorder(slots, out, residuals, values, settings))
        return result(out, tape, len(entries) - 1)
    outs = tuple(unwrap_closed(normalise(o)) for o in out)
    entries.extend([None] * (len(outs) - 1))
    entries.append(recorder(slots, outs, residuals, values, settings))
    first = len(entries) - len(outs)
    wrapped = [
        result(o, tape, first + i) if is_inexact(o.dtype) else result(o) for i, o in enumerate(outs)
    ]
    return _same_structure(out, wrapped)


def _untraced(primitive: Primitive, out: Any) -> Any:
    if isinstance(out, tuple | list):
        return _same_structure(out, [_wrap(o) for o in out])
    return _wrap(out)


def _wrap(out: Any) -> Array:
    return out if type(out) is Array else result(normalise(out))


def _same_structure(out: Any, items: list[Any]) -> Any:
    """Named tuples stay named tuples, lists lists."""
    if hasattr(out, "_make"):
        return out._make(items)
    return type(out)(items)


def apply_constant(primitive: Primitive, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """Run a function whose result carries no derivative on the values at the bottom."""
    values = list(args)
    operands = []
    for place in primitive.array_places:
        value = values[place]
        while type(value) is Array:
            value = value.value
        values[place] = value
        operands.append(value)
    settings = {k: backend_array(v) for k, v in settings.items()}
    chosen = common_type(primitive.name, operands)
    for place, value in zip(primitive.array_places, operands, strict=True):
        values[place] = value
    return _untraced(primitive, kernel_for(primitive, chosen)(*values, **settings))
