"""Functions with derivatives of the user's own: `primitive`, `defvjp`, `defjvp` and their kin.

A primitive is one entry on the tape. It gets the values one level down, at the bottom arrays of the library itself, so
that anything may be done in it; under higher derivatives those values are traced by older tapes, and it is called once
for each of these.

Forward mode is made of pullbacks: a tangent is pushed through the pullback of the pullback. So a JVP rule is needed
only where there is no VJP rule. There it gives both directions: J v is its own value, and Jᵀ g is its pullback.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import numpy as np

from ...autograd.core.array import UNTRACED, Array, backend_array, is_traced, unwrap_closed
from ...autograd.core.cotangents import as_constant
from ...autograd.core.dtypes import is_inexact
from ...autograd.core.namespaces import namespace_of
from ...autograd.pytree import tree
from ...autograd.transforms.custom_vjp import FunctionPull
from .nodes import call_primitive
from .reverse import make_vjp
from .values import STAYING, getval, holds_array, number_or_array, plain
from .vector_spaces import SparseObject, vspace
from .wrap_util import get_name, subval, wraps

Rule = Callable[..., Any]

# The rules: ``primitive_vjps[f](argnums, ans, args, kwargs)`` returns g ↦ cotangents of these arguments, and
# ``primitive_jvps[f](argnums, tangents, ans, args, kwargs)`` the tangent.
primitive_vjps: dict[Any, Rule] = {}
primitive_jvps: dict[Any, Rule] = {}

# Primitives that are constants to derivatives.
CONSTANTS: set[Any] = set()


def primitive(f_raw: Callable[..., Any]) -> Any:
    """A function that is one operation to derivatives, whose rules `defvjp` and `defjvp` give.

    Parameters
    ----------
    f_raw : callable
        Gets arrays of the library and numbers, whatever is traced outside. Containers among its positional arguments
        may hold traced arrays.

    Raises
    ------
    NotImplementedError
        From a call under a derivative, if it has no rule.
    TypeError
        From such a call, if it is given a traced array by keyword, or uses one that is none of its arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback.compat.autograd import grad
    >>> from pullback.compat.autograd.extend import defvjp, primitive
    >>> @primitive
    ... def square(x):
    ...     return x * x
    >>> defvjp(square, lambda ans, x: lambda g: 2 * x * g)
    >>> float(grad(square)(3.0))
    6.0
    """

    @wraps(f_raw)
    def f_wrapped(*args: Any, **kwargs: Any) -> Any:
        if any(map(holds_array, args)):
            return _apply(f_wrapped, f_raw, args, kwargs)
        if kwargs and any(map(holds_array, kwargs.values())):
            kwargs = {k: _constant(f_wrapped, k, v) for k, v in kwargs.items()}
        return f_raw(*args, **kwargs)

    f_wrapped.fun = f_raw
    f_wrapped._is_autograd_primitive = True
    return f_wrapped


def _constant(f: Any, name: str, x: Any) -> Any:
    """An argument by keyword, which may not be traced."""
    if any(is_traced(leaf) for leaf in tree.leaves(x)):
        raise TypeError(
            f"{get_name(f)}({name}=…): a traced array is passed to a primitive by position, since rules are for "
            "positions; by keyword its derivative would be lost"
        )
    return tree.map(plain, x)


def _apply(f: Any, f_raw: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> Any:
    """Call a primitive one level down, and record it on the newest tape among its arguments."""
    flat = [tree.flatten(x) if type(x) is not Array else ([x], None) for x in args]
    tape: Any = UNTRACED
    for leaves, _ in flat:
        for i, leaf in enumerate(leaves):
            leaves[i] = value = unwrap_closed(leaf)
            if type(value) is Array and value.tape.order > tape.order:
                tape = value.tape
            elif type(leaf) is Array and type(value) is not Array:
                leaves[i] = number_or_array(leaf, value)
    if kwargs:
        kwargs = {k: _constant(f, k, v) if holds_array(v) else v for k, v in kwargs.items()}
    if tape is UNTRACED:
        out = call_primitive(f, args, kwargs) if STAYING else None
        if out is not None:
            return out
        return f_raw(*[_rebuilt(leaves, spec) for leaves, spec in flat], **kwargs)
    argnums, slots, inputs = [], [], []
    for argnum, (leaves, _) in enumerate(flat):
        for i, x in enumerate(leaves):
            if type(x) is Array and x.tape is tape:
                slots.append(x.slot)
                inputs.append((argnum, i))
                if argnum not in argnums:
                    argnums.append(argnum)
    fits = [_fit(flat[argnum][0][i].value) for argnum, i in inputs]
    for argnum, i in inputs:
        leaves = flat[argnum][0]
        leaves[i] = number_or_array(leaves[i], leaves[i].value)
    argvals = tuple([_rebuilt(leaves, spec) for leaves, spec in flat])
    if f in CONSTANTS:
        return f(*argvals, **kwargs)
    out = f(*argvals, **kwargs)
    ans = out.dense() if type(out) is SparseObject else out
    argvals = tuple([tree.map(_shown, x) for x in argvals]) if STAYING else argvals
    vjp = vjp_of(f, tuple(argnums), ans, argvals, kwargs)
    structures = [spec for _, spec in flat]
    return _recorded(f, tape, ans, vjp, (argnums, slots, inputs, fits, structures))


def _rebuilt(leaves: list[Any], spec: Any) -> Any:
    return leaves[0] if spec is None else tree.unflatten(spec, leaves)


def _shown(x: Any) -> Any:
    return Array(x) if type(x) in STAYING else x


def _fit(value: Any) -> tuple[tuple[int, ...], Any]:
    return tuple(value.shape), value.dtype


def _recorded(f: Any, tape: Any, ans: Any, vjp: Rule, call: Any) -> Any:
    """Put the call of a primitive on a tape; the result with the arrays of that tape in it."""
    argnums, slots, inputs, fits, structures = call
    out_leaves, out_spec = tree.flatten(ans)
    values = [_as_value(y, fits) for y in out_leaves]
    for value in values:
        if type(value) is Array and value.tape is tape:
            raise TypeError(
                f"{get_name(f)}: the primitive uses an array that is traced outside of it (from a closure); pass it as "
                "an argument"
            )
    tracked = [k for k, v in enumerate(values) if hasattr(v, "dtype") and is_inexact(v.dtype)]
    if not tracked:
        return ans
    single = len(values) == 1 and out_spec == _LEAF

    def pull(cts: list[Any]) -> list[Any]:
        nested = any(type(ct) is Array for ct in cts)
        cts = [Array(ct) if type(ct) in STAYING else ct for ct in cts]
        g: Any = cts[0]
        if not single:
            full = [0.0 if v is None or not hasattr(v, "dtype") else _zeros(v) for v in values]
            for k, ct in zip(tracked, cts, strict=True):
                full[k] = ct
            g = tree.unflatten(out_spec, full)
        shares = list(vjp(g))
        by_argument = dict(zip(argnums, shares, strict=True))
        like = cts[0]
        found: dict[int, list[Any]] = {}
        for argnum, share in by_argument.items():
            found[argnum] = _share_leaves(share, structures[argnum], like, nested)
        return [found[argnum][i] for argnum, i in inputs]

    entries = tape.entries
    first = len(entries)
    position = {k: first + j for j, k in enumerate(tracked)}
    numbers = [type(y) is float or isinstance(y, complex | np.generic) for y in out_leaves]
    wrapped = [
        _on_tape(v, tape, position[k], number) if k in position else y
        for k, (v, y, number) in enumerate(zip(values, out_leaves, numbers, strict=True))
    ]
    entries.extend([None] * (len(tracked) - 1))
    name = get_name(f)
    entries.append(
        (FunctionPull(name, len(slots), pull), *slots, fits, [values[k] for k in tracked])
    )
    return tree.unflatten(out_spec, wrapped)


def _on_tape(value: Any, tape: Any, slot: int, number: bool) -> Array:
    out = Array(value, tape, slot)
    if number:
        out.link = None
    return out


_LEAF = tree.flatten(0.0)[1]


def _as_value(y: Any, fits: Any) -> Any:
    """A result one level down: numbers as arrays without axes."""
    if isinstance(y, np.generic) or type(y) in (float, complex):
        return np.asarray(y)
    return unwrap_closed(y)


def _zeros(value: Any) -> Any:
    return namespace_of(value).zeros_like(value)


def _share_leaves(share: Any, spec: Any, like: Any, nested: bool) -> list[Any]:
    """The cotangents of the leaves of one argument; None where there is none."""
    if share is None:
        return defaultdict(lambda: None)  # type: ignore[return-value]  # asked by index
    if type(share) is SparseObject:
        share = share.dense()
    leaves = [share] if spec is None else tree.leaves(share)
    out: list[Any] = []
    for leaf in leaves:
        if leaf is None:
            out.append(None)
            continue
        value = unwrap_closed(leaf)
        if not hasattr(value, "shape") or isinstance(value, np.generic):
            value = unwrap_closed(namespace_of(backend_array(like)).asarray(value))
        out.append(as_constant(value) if nested else value)
    return out


# ── rules ─────────────────────────────────────────────────────────────────────────────────────


def vjp_of(f: Any, argnums: tuple[int, ...], ans: Any, args: Any, kwargs: Any) -> Rule:
    """The pullback of one call of a primitive: from its VJP rule, else from its JVP rule.

    Raises
    ------
    NotImplementedError
        If it has neither.
    """
    maker = primitive_vjps.get(f)
    if maker is not None:
        return maker(argnums, ans, args, kwargs)
    jvp = primitive_jvps.get(f)
    if jvp is not None and f not in _transposing:
        return lambda g: [_transposed(f, jvp, argnum, g, ans, args, kwargs) for argnum in argnums]
    raise NotImplementedError(f"VJP of {get_name(f)} wrt argnums {argnums} not defined")


_transposing: list[Any] = []  # the primitives whose JVP is being transposed


def _transposed(f: Any, jvp: Rule, argnum: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    """Jᵀ g by the pullback of v ↦ J v."""

    def push(v: Any) -> Any:
        return jvp((argnum,), (v,), ans, args, kwargs)

    if _is_zero_tracer(g):  # of forward mode, which asks for J alone
        return _linear(push, vspace(args[argnum]).zeros(), g)
    _transposing.append(f)
    try:
        return make_vjp(push, vspace(args[argnum]).zeros())[0](g)
    finally:
        _transposing.pop()


def _is_zero_tracer(g: Any) -> bool:
    """Whether a cotangent is a traced array of zeros."""
    if type(g) is not Array or type(unwrap_closed(g)) is not Array:
        return False
    inner = backend_array(g)
    return not bool(namespace_of(inner).any(inner != 0))


@primitive
def _linear(push: Rule, zero: Any, g: Any) -> Any:
    """Jᵀ g of a map v ↦ J v, for g = 0."""
    return zero


primitive_vjps[_linear] = lambda argnums, ans, args, kwargs: lambda v: (args[0](v),)


def defvjp_argnums(fun: Any, vjpmaker: Rule) -> None:
    """Set the rule ``vjpmaker(argnums, ans, args, kwargs)``, which returns g ↦ cotangents of these arguments."""
    primitive_vjps[fun] = vjpmaker
    override = getattr(fun, "_override", None)
    if override is not None:  # a function of `numpy`, whose own derivative this replaces
        override(_with_rules_of(fun))


def _with_rules_of(fun: Any) -> Any:
    """A primitive that computes what a function of `numpy` does, with the rules that it was given."""
    own = primitive(fun.fun)
    for table in (primitive_vjps, primitive_jvps):
        if fun in table:
            table[own] = lambda *call, table=table: table[fun](*call)
    return own


def defvjp_argnum(fun: Any, vjpmaker: Rule) -> None:
    """Set the rule ``vjpmaker(argnum, ans, args, kwargs)``, which returns g ↦ the cotangent of that argument."""

    def vjp_argnums(argnums: tuple[int, ...], *call: Any) -> Rule:
        vjps = [vjpmaker(argnum, *call) for argnum in argnums]
        return lambda g: tuple([vjp(g) for vjp in vjps])

    defvjp_argnums(fun, vjp_argnums)


def defvjp(fun: Any, *vjpmakers: Rule | None, argnums: Iterable[int] | None = None) -> None:
    """Give a primitive its VJP rules, one for each argument.

    Parameters
    ----------
    fun
        Of `primitive`, or a function of `numpy`, whose derivative they replace.
    *vjpmakers : callable or None
        ``maker(ans, *args, **kwargs)`` returns g ↦ cotangent; None stands for zero.
    argnums : iterable of int, optional
        The arguments that the makers are for; by default 0, 1, ….
    """
    makers = {
        argnum: translate_vjp(maker, fun, argnum)
        for argnum, maker in zip(argnums if argnums is not None else count(), vjpmakers, strict=False)
    }  # fmt: skip

    def vjp_argnums(wanted: tuple[int, ...], ans: Any, args: Any, kwargs: Any) -> Rule:
        lacking = [argnum for argnum in wanted if argnum not in makers]
        if lacking:
            raise NotImplementedError(f"VJP of {get_name(fun)} wrt argnum {lacking[0]} not defined")
        vjps = [makers[argnum](ans, *args, **kwargs) for argnum in wanted]
        return lambda g: tuple([vjp(g) for vjp in vjps])

    defvjp_argnums(fun, vjp_argnums)


def translate_vjp(vjpfun: Any, fun: Any, argnum: int) -> Rule:
    """A maker of pullbacks for what `defvjp` was given.

    Raises
    ------
    TypeError
        If it is neither a function nor None.
    """
    if vjpfun is None:
        return lambda ans, *args, **kwargs: lambda g: vspace(args[argnum]).zeros()
    if callable(vjpfun):
        return vjpfun
    raise TypeError(f"Bad VJP {vjpfun!r} for {get_name(fun)!r}: give a function or None")


def defjvp_argnums(fun: Any, jvpmaker: Rule) -> None:
    """Set the rule ``jvpmaker(argnums, tangents, ans, args, kwargs)``, which returns the tangent."""
    primitive_jvps[fun] = jvpmaker


def defjvp_argnum(fun: Any, jvpmaker: Rule) -> None:
    """Set the rule ``jvpmaker(argnum, tangent, ans, args, kwargs)``."""

    def jvp_argnums(argnums: Any, gs: Any, *call: Any) -> Any:
        return sum_outgrads(
            jvpmaker(argnum, g, *call) for argnum, g in zip(argnums, gs, strict=True)
        )

    defjvp_argnums(fun, jvp_argnums)


def defjvp(fun: Any, *jvpfuns: Rule | str | None, argnums: Iterable[int] | None = None) -> None:
    """Give a primitive its JVP rules ``rule(g, ans, *args, **kwargs)``, one for each argument.

    They are used where it has no VJP rule. "same" stands for a function that is linear in the argument, None for zero.
    """
    rules = {
        argnum: translate_jvp(rule, fun, argnum)
        for argnum, rule in zip(argnums if argnums is not None else count(), jvpfuns, strict=False)
    }

    def jvp_argnums(wanted: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        return sum_outgrads(
            rules[argnum](g, ans, *args, **kwargs) for argnum, g in zip(wanted, gs, strict=True)
        )

    defjvp_argnums(fun, jvp_argnums)


def translate_jvp(jvpfun: Any, fun: Any, argnum: int) -> Rule:
    """A rule for what `defjvp` was given.

    Raises
    ------
    TypeError
        If it is no function, "same" or None.
    """
    if jvpfun is None:
        return lambda g, ans, *args, **kwargs: vspace(ans).zeros()
    if isinstance(jvpfun, str) and jvpfun == "same":
        return lambda g, ans, *args, **kwargs: fun(*subval(args, argnum, g), **kwargs)
    if callable(jvpfun):
        return jvpfun
    raise TypeError(f'Bad JVP {jvpfun!r} for {get_name(fun)!r}: give a function, "same" or None')


def def_linear(fun: Any) -> None:
    """Say that a primitive is linear in each of its arguments."""
    defjvp_argnum(fun, lambda argnum, g, ans, args, kwargs: fun(*subval(args, argnum, g), **kwargs))


def sum_outgrads(gs: Iterable[Any]) -> Any:
    """The sum of cotangents or tangents of one vector space."""
    total: Any = None
    for g in gs:
        g = g.dense() if type(g) is SparseObject else g
        total = g if total is None else vspace(g).add(total, g)
    return total


def notrace_primitive(f_raw: Callable[..., Any]) -> Any:
    """A function whose result is a constant to derivatives: it gets the values alone."""

    @wraps(f_raw)
    def f_wrapped(*args: Any, **kwargs: Any) -> Any:
        return f_raw(*map(getval, args), **kwargs)

    f_wrapped._is_primitive = True
    return f_wrapped
