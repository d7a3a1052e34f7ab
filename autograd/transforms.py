"""`grad` and its family: run a function on watched inputs, then sweep back."""

from __future__ import annotations

import functools
import operator
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import backend_of
from . import tree
from .array import Array, peel, raw
from .backward import LAZY, SPACES, cotangents, fit, lift, sweep
from .dtypes import is_complex
from .tape import Record, check_differentiable

# ── what goes in and what comes out ───────────────────────────────────────────────────────────


def give_back(x: Any, like: Any) -> Any:
    """A result as the caller's own kind: a raw array for a raw one, an `Array`, or a Python number."""
    if type(x) is type(like) and type(x) is not Array:
        return x
    x = peel(x)
    if type(x) is Array:
        return x
    if type(like) is Array:
        return Array(x)
    if isinstance(like, float | complex):
        return x[()] if isinstance(like, np.generic) else backend_of(x).to_numpy(x).item()
    return x


def seed_for(value: Any) -> Any:
    """The cotangent 1 of a 0-d output."""
    if type(value) is Array:
        return SPACES[Array].ones_like(value)
    key = (type(value), value.dtype, value.device)
    seed = _seeds.get(key)
    if seed is None:
        seed = _seeds[key] = SPACES.of(value).ones_like(value)
        backend_of(seed).lock(
            seed
        )  # kept for every sweep to come; a copy is what may reach the caller
    return seed


_seeds: dict[Any, Any] = {}


def leaf_gradient(ct: Any, value: Any, taken: set[int]) -> Any:
    """The cotangent that the sweep left at an input, as a gradient: unconjugated, and in a buffer of its own."""
    if ct is None:
        return SPACES.of(value).zeros_like(value)
    if type(ct) in LAZY:
        ct = ct.dense()
    if type(ct) is Array:
        ct = peel(ct)
    if type(ct) is Array:
        return SPACES[Array].conj(ct) if is_complex(ct.dtype) else ct
    if is_complex(value.dtype):
        ct = SPACES.of(ct).conj(ct)
    out = backend_of(value if type(value) is not Array else ct).as_gradient(ct)
    if id(out) in taken:
        out = SPACES.of(out).copy(out)
    taken.add(id(out))
    return out


def _scalar_output(out: Any, transform: str) -> Any:
    """The traced 0-d real output that a gradient starts from.

    Raises
    ------
    TypeError
        If the output is not one real number.
    """
    if (
        type(out) is not Array
        and not hasattr(out, "shape")
        and not isinstance(out, int | float | complex)
    ):
        raise TypeError(
            f"{transform}: the function returned {type(out).__name__}, not one real number; return a 0-d array, and "
            "anything else by has_aux=True"
        )
    value = out.value if type(out) is Array else out
    shape = tuple(getattr(value, "shape", ()))
    if shape != ():
        raise TypeError(
            f"{transform}: the function returned an array of shape {shape}, but a gradient is of one real number; "
            "reduce it (sum, mean), or use pb.vjp with a cotangent or pb.jacobian"
        )
    dtype = getattr(value, "dtype", type(value))
    if dtype is complex or is_complex(dtype):
        raise TypeError(
            f"{transform}: the function returned a complex number ({dtype}), but a gradient is of one real number; "
            "return its abs, real or imag, or use pb.vjp with a cotangent"
        )
    return out


# ── grad and value_and_grad ───────────────────────────────────────────────────────────────────


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns ``f(*args)`` and its gradient.

    Parameters
    ----------
    f : callable
        Returns one real number, or ``(number, aux)`` with `has_aux`.
    argnums : int or tuple of int
        Which arguments to differentiate: arrays, floats or pytrees of them. The others may be anything.
    has_aux : bool
        `f` returns something besides, which is passed on.

    Returns
    -------
    callable
        ``(value, gradient)``, or ``((value, aux), gradient)``. The gradient has the structure, shapes, dtypes,
        device and array class of the argument; for complex z it is ∂L/∂Re z + i ∂L/∂Im z, so that
        ``z − s · gradient`` descends. With several `argnums` it is a tuple.

    Raises
    ------
    TypeError
        If `f` does not return one real number, or an argument has an integer or boolean dtype.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.value_and_grad(lambda x: pb.xp.sum(x**2))(np.asarray([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """
    places, several = places_of(argnums)

    @functools.wraps(f)
    def with_grad(*args: Any, **kwargs: Any) -> Any:
        check_places(places, args)
        chosen = tuple([args[i] for i in places]) if several else args[places[0]]
        leaves, spec = tree.flatten(chosen)
        record = Record()
        kind = _one_kind(leaves)
        values = leaves if kind else [_checked(x, i, leaves, chosen) for i, x in enumerate(leaves)]
        try:
            record.hold_all(values)
            inputs = tree.unflatten(spec, record.watch_all(values))
            arguments = list(args)
            for place, argument in zip(places, inputs if several else (inputs,), strict=True):
                arguments[place] = argument
            out = f(*arguments, **kwargs)
            aux = None
            if has_aux:
                out, aux = _split_aux(out)
            _scalar_output(out, "grad")
            gradients = _gradients(record, out, values, kind)
        finally:
            record.close()
        if kind is None:
            gradients = [give_back(g, leaf) for g, leaf in zip(gradients, leaves, strict=True)]
        result = tree.unflatten(spec, gradients)
        value = give_back(out, leaves[0] if leaves else out) if type(out) is Array else out
        return ((value, constants(aux)) if has_aux else value), result

    return with_grad


def places_of(argnums: Any) -> tuple[tuple[int, ...], bool]:
    """The places that `argnums` names, and whether it is a sequence of them.

    Raises
    ------
    TypeError
        If it is not an integer or a sequence of integers.
    """
    several = isinstance(argnums, tuple | list)
    try:
        return tuple(operator.index(i) for i in (argnums if several else (argnums,))), several
    except TypeError:
        raise TypeError(
            f"argnums={argnums!r}: give the place of an argument, an integer, or a tuple of places"
        ) from None


def check_places(places: tuple[int, ...], args: tuple[Any, ...]) -> None:
    """Refuse places that there are no arguments at, or that name one argument twice.

    Raises
    ------
    TypeError
        For such places.
    """
    n = len(args)
    for place in places:
        if not -n <= place < n:
            given = places if len(places) > 1 else place
            raise TypeError(f"argnums={given}, but there are {n} positional arguments")
    if len(places) > 1 and len({place % n for place in places}) < len(places):
        raise TypeError(f"argnums={places} names one of the {n} arguments twice")


def _one_kind(leaves: list[Any]) -> type | None:
    """The class of the leaves if all are raw arrays of it with real dtypes: they need no looking at one by one."""
    kinds = {type(x) for x in leaves}
    if len(kinds) != 1:
        return None
    kind = kinds.pop()
    real = _REAL.get(kind)
    return kind if real is not None and {x.dtype for x in leaves} <= real else None


_REAL: dict[type, set[Any]] = {}  # by class of raw arrays, the real floating dtypes that were met


def _checked(leaf: Any, i: int, leaves: list[Any], chosen: Any) -> Any:
    try:
        value = check_differentiable(leaf, "this argument")
        if type(value) is type(leaf) is not Array and not is_complex(value.dtype):
            _REAL.setdefault(type(value), set()).add(value.dtype)
        return value
    except TypeError as error:
        name = (
            "the argument"
            if len(leaves) == 1
            else f"leaf {tree.paths(chosen)[i]!r} of the arguments"
        )
        raise TypeError(f"grad: {str(error).replace('this argument', name)}") from None


def _split_aux(out: Any) -> tuple[Any, Any]:
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(
            f"has_aux=True: the function has to return (value, aux), not {type(out).__name__}"
        )
    return out


def constants(aux: Any) -> Any:
    """A tree whose arrays are taken off closed tapes."""
    return tree.map(lambda x: _constant(x) if type(x) is Array else x, aux)


def _constant(x: Array) -> Array:
    inner = peel(x)
    return inner if type(inner) is Array else Array(inner)


def _gradients(record: Record, out: Any, values: list[Any], kind: type | None) -> list[Any]:
    """Sweep from a 0-d output back to the inputs, slots 0 … k−1 of the tape; `kind` is that of `_one_kind`."""
    if type(out) is not Array or out.tape is not record:
        return [leaf_gradient(None, value, set()) for value in values]
    cts = cotangents(record)
    cts[out.slot] = seed = seed_for(out.value)
    sweep(record, cts, consume=True)
    del cts[len(values) :]
    taken = {id(seed)}  # kept for all sweeps: it may not reach the caller
    if kind is not None and {type(ct) for ct in cts} == {kind}:
        as_gradient = backend_of(cts[0]).as_gradient
        gradients = [as_gradient(ct) for ct in cts]
        if len({id(g) for g in gradients} | taken) == len(gradients) + 1:
            return gradients
    return [leaf_gradient(ct, value, taken) for ct, value in zip(cts, values, strict=True)]


def grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """The gradient of a function of arrays, floats or pytrees that returns one real number.

    Parameters
    ----------
    f : callable
        Returns a 0-d array, or ``(0-d array, aux)`` with `has_aux`.
    argnums : int or tuple of int
        Which arguments to differentiate.
    has_aux : bool
        `f` returns something besides; the result is then ``(gradient, aux)``.

    Returns
    -------
    callable
        The gradient, as `value_and_grad` describes it.

    Raises
    ------
    TypeError
        As `value_and_grad`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.grad(lambda x: x**3)(2.0)
    12.0
    >>> pb.grad(pb.grad(lambda x: x**3))(2.0)
    12.0
    """
    both = value_and_grad(f, argnums, has_aux=has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


# ── vjp ───────────────────────────────────────────────────────────────────────────────────────


def vjp(f: Callable[..., Any], *args: Any, has_aux: bool = False) -> Any:
    """The value of a function, and the pullback of cotangents through it.

    Parameters
    ----------
    f : callable
        Returns an array or a pytree of arrays (with `has_aux`, a pair of that and anything).
    *args
        Arrays, floats, or pytrees of them; copied, so that later changes to them do no harm.
    has_aux : bool
        Pass on a second output.

    Returns
    -------
    out
        ``f(*args)``.
    pull : callable
        ``pull(ct) -> tuple`` of cotangents, one per argument, for a cotangent of the structure of `out`.
        It may be called any number of times.
    aux
        Only with `has_aux`.

    Raises
    ------
    TypeError
        If an argument has an integer or boolean dtype.
    ValueError
        From `pull`, if the cotangent's structure or shapes are not the output's.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> out, pull = pb.vjp(lambda x: x * x, np.asarray([1.0, 2.0]))
    >>> pull(np.asarray([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    record = Record(copies=True)
    leaves, spec = tree.flatten(args)
    values = []
    for i, leaf in enumerate(leaves):
        value = _checked(leaf, i, leaves, list(args))
        values.append(value if type(value) is Array else SPACES.of(value).copy(value))
    try:
        out = f(*tree.unflatten(spec, [record.watch(v) for v in values]))
        aux = None
        if has_aux:
            out, aux = _split_aux(out)
    finally:
        record.close()
    out_leaves, out_spec = tree.flatten(out)
    like = leaves[0] if leaves else None

    def pull(ct: Any) -> tuple[Any, ...]:
        ct_leaves, ct_spec = tree.flatten(ct)
        if ct_spec != out_spec:
            raise ValueError(f"pull: the cotangent has structure {ct_spec}, the output {out_spec}")
        cts = cotangents(record)
        for y, c in zip(out_leaves, ct_leaves, strict=True):
            if type(y) is Array and y.tape is record:
                _place(cts, y, c)
        sweep(record, cts, consume=False)
        taken: set[int] = {id(raw(c)) for c in ct_leaves}
        gradients = [leaf_gradient(cts[i], value, taken) for i, value in enumerate(values)]
        return tree.unflatten(
            spec, [give_back(g, leaf) for g, leaf in zip(gradients, leaves, strict=True)]
        )

    result = tree.unflatten(out_spec, [_result(y, like) for y in out_leaves])
    return (result, pull, constants(aux)) if has_aux else (result, pull)


def _result(y: Any, like: Any) -> Any:
    if type(y) is not Array:
        return y
    value = peel(y)
    if type(value) is Array:
        return value
    if type(like) is Array:
        return Array(value)
    return SPACES.of(value).copy(
        value
    )  # a rule may keep the very buffer, and the caller write to it


def _place(cts: list[Any], y: Array, ct: Any) -> None:
    """Seed the cotangent of one output, in the output's shape and dtype, conjugated for the sweep.

    Raises
    ------
    ValueError
        If its shape is not the output's.
    """
    ct = peel(ct)
    if isinstance(ct, bool | int | float | complex):
        ct = (
            SPACES.of(y.value).full_like(y.value, ct)
            if y.shape == ()
            else _wrong_shape((), y.shape)
        )
    if tuple(ct.shape) != tuple(y.shape):
        _wrong_shape(ct.shape, y.shape)
    if is_complex(ct.dtype):
        ct = SPACES.of(ct).conj(ct)
    ct = fit(ct, y.value.shape, y.value.dtype, "a seed")
    if type(y.value) is Array:
        ct = lift(ct)
    cts[y.slot] = ct if cts[y.slot] is None else cts[y.slot] + ct


def _wrong_shape(got: Any, wanted: Any) -> Any:
    raise ValueError(f"pull: the cotangent has shape {tuple(got)}, the output {tuple(wanted)}")


# ── Tape ──────────────────────────────────────────────────────────────────────────────────────


class Tape:
    """Record what is done to watched arrays, without a function around it.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> with pb.Tape() as tape:
    ...     x = tape.watch(np.asarray([1.0, 2.0]))
    ...     y = pb.xp.sum(x * x)
    >>> tape.gradient(y, [x])
    [Array([2., 4.], dtype=float64, device='cpu')]
    """

    def __init__(self) -> None:
        self._record = Record(copies=True)
        self._watched: dict[int, tuple[Any, int]] = {}

    def __enter__(self) -> Tape:
        return self

    def __exit__(self, *_: object) -> None:
        self._record.close()

    def watch(self, x: Any) -> Any:
        """A traced copy of an array, float, or pytree of them.

        Raises
        ------
        TypeError
            If it has an integer or boolean dtype.
        RuntimeError
            If the tape is closed.
        """
        if not self._record.open:
            raise RuntimeError(
                "Tape.watch: this tape is closed; watch inputs inside its `with` block"
            )
        return tree.map(self._watch, x)

    def _watch(self, x: Any) -> Array:
        value = check_differentiable(x, "Tape.watch: x")
        if type(value) is not Array:
            value = SPACES.of(value).copy(value)
        watched = self._record.watch(value)
        # by identity, apart from the wrapper's slot: `x *= 3` gives the wrapper another
        self._watched[id(watched)] = (weakref.ref(watched), watched.slot)
        return watched

    def gradient(self, y: Any, sources: Any) -> Any:
        """The gradient of a 0-d real `y` with respect to a pytree of arrays on this tape.

        Parameters
        ----------
        y : Array
            The output, recorded on this tape.
        sources
            Watched inputs, or anything computed from them.

        Returns
        -------
        The structure of `sources`, zeros where `y` does not depend on one.

        Raises
        ------
        TypeError
            If `y` is not one real number, or a source was never on this tape.
        """
        _scalar_output(y, "Tape.gradient")
        leaves, spec = tree.flatten(sources)
        slots = [self._slot(x) for x in leaves]
        found: dict[int, Any] = {}
        record = self._record
        if type(y) is Array and y.tape is record:
            cts = cotangents(record)
            cts[y.slot] = seed_for(y.value)
            wanted = set(slots)
            for slot in range(len(record.entries) - 1, -1, -1):
                if slot in wanted:
                    found[slot] = cts[slot]
                entry = record.entries[slot]
                if entry is not None:
                    entry[0](slot, cts, entry)
        taken: set[int] = {id(seed_for(y.value))} if found and type(y) is Array else set()
        out = []
        for slot, x in zip(slots, leaves, strict=True):
            ct = found.get(slot)
            if type(ct) in LAZY:
                ct = ct.dense()  # type: ignore[union-attr]  # LAZY holds the classes that have it
            gradient = leaf_gradient(ct, x.value, taken)
            out.append(gradient if type(gradient) is Array else Array(gradient))
        return tree.unflatten(spec, out)

    def _slot(self, x: Any) -> int:
        reference, slot = self._watched.get(id(x), (None, -1))
        if reference is not None and reference() is x:
            return slot
        if type(x) is Array and x.tape is self._record:
            return x.slot
        raise TypeError(
            "Tape.gradient: a source is not on this tape; use the array that tape.watch(x) returned, or what was "
            "computed from it"
        )
