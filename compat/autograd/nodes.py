"""Graphs of calls, node by node: what `tracer.trace` records with a class of nodes of the user's own.

A `NodeArray` is one more class of raw arrays to the engine. Its namespace calls the real function on the real values,
and makes a node of the call; so gradients that are taken inside are recorded too, as what they do. Traces nest: the
newest among the arguments records, and calls the same function one level down.
"""

from __future__ import annotations

import dataclasses
import itertools
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ...autograd.core.array import Array, unwrap_closed
from ...autograd.core.namespaces import NAMESPACES
from ...autograd.core.registry import WrappedNamespace
from ...autograd.core.tracer_like import TRACERS
from ...autograd.pytree import tree
from ...backend import Backend, backend_of, is_array, register
from .values import STAYING, plain

_levels = itertools.count()

# Results that depend on shapes and dtypes alone.
_OF_SHAPES = frozenset(
    ("zeros_like", "ones_like", "empty_like", "zeros_on_device_of", "arange_like")
)


class _Recorder:
    """The trace as the engine sees it: whether anything depends on the layout of arrays in memory, which is not so."""

    by_layout = False


class NodeArray:
    """An array of a trace: its value one level down, and the node that made it; None for a constant."""

    __slots__ = ("__weakref__", "level", "link", "node", "real_value")
    __hash__ = None  # type: ignore[assignment]  # == is elementwise
    __array_priority__ = 2000
    __array_ufunc__ = None
    recorder = _Recorder()
    is_number = False
    xp: Any
    backend: Backend

    def __init__(self, real_value: Any, level: int, node: Any = None) -> None:
        self.real_value, self.level, self.node = real_value, level, node
        self.link = None

    shape = property(lambda self: tuple(self.real_value.shape))
    ndim = property(lambda self: len(self.real_value.shape))
    size = property(lambda self: self.real_value.size)
    dtype = property(lambda self: self.real_value.dtype)
    device = property(lambda self: getattr(self.real_value, "device", "cpu"))
    real = property(lambda self: self.xp.real(self))
    imag = property(lambda self: self.xp.imag(self))
    mT = property(lambda self: self.xp.matrix_transpose(self))

    @property
    def T(self) -> Any:
        """The axes in the opposite order."""
        return self.xp.permute_dims(self, tuple(reversed(range(self.ndim))))

    def as_tracer(self, x: Any) -> Any:
        """An array as a constant of this trace; those of a trace stay as they are."""
        return x if isinstance(x, NodeArray) else type(self)(x, self.level)

    def __len__(self) -> int:
        return len(self.real_value)

    def __bool__(self) -> bool:
        return bool(self.real_value)

    def __index__(self) -> int:
        return operator.index(self.real_value)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return repr(self.real_value)

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        return self.xp

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError("numpy.asarray(x) of a traced array: its node would be lost; use tracer.getval(x)")  # fmt: skip

    def __float__(self) -> float:
        raise TypeError("float(x) of a traced array: its node would be lost; use tracer.getval(x)")

    def __getitem__(self, key: Any) -> Any:
        return self.xp.getitem(self, key)

    def __copy__(self) -> Any:
        return type(self)(self.real_value, self.level, self.node)


def _binary(name: str) -> tuple[Any, Any]:
    def method(self: NodeArray, other: Any) -> Any:
        return NotImplemented if type(other) is Array else getattr(self.xp, name)(self, other)

    def reflected(self: NodeArray, other: Any) -> Any:
        return NotImplemented if type(other) is Array else getattr(self.xp, name)(other, self)

    return method, reflected


for _symbol, _name in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "pow", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
    "ne": "not_equal",
}.items():  # fmt: skip
    _method, _reflected = _binary(_name)
    setattr(NodeArray, f"__{_symbol}__", _method)
    if len(_symbol) > 2 or _symbol == "or":
        setattr(NodeArray, f"__r{_symbol}__", _reflected)
for _symbol, _name in {"neg": "negative", "abs": "abs", "invert": "bitwise_invert"}.items():
    setattr(NodeArray, f"__{_symbol}__", lambda self, _name=_name: getattr(self.xp, _name)(self))


def recorded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of a library's arrays, which makes a node where one of its arguments is of a trace."""

    def call(*args: Any, **settings: Any) -> Any:
        level = _newest((args, settings))
        if level is not None:
            if name in _OF_SHAPES:
                like = next(x for x in args if isinstance(x, NodeArray))
                real = _replaced((args, settings), level, _real)
                return like.as_tracer(call(*real[0], **real[1]))
            return record(call, args, settings, level)
        if any(type(x) is Array for x in tree.leaves((args, settings))):
            here = NAMESPACES[Array]  # a graph that is run under a derivative
            for part in name.split("."):
                here = getattr(here, part)
            return here(*args, **settings)
        return function(*args, **settings)

    call.__name__ = call.__qualname__ = name
    return call


def _newest(arguments: Any) -> int | None:
    levels = [x.level for x in tree.leaves(arguments) if isinstance(x, NodeArray)]
    return max(levels, default=None)


def _real(x: NodeArray) -> Any:
    return x.real_value


def _replaced(arguments: Any, level: int, by: Callable[[NodeArray], Any]) -> Any:
    return tree.map(
        lambda x: by(x) if isinstance(x, NodeArray) and x.level == level else x, arguments
    )


def record(call: Callable[..., Any], args: Any, settings: Any, level: int) -> Any:
    """Run a function one level down, and make the node of the call.

    The node gets ``(value, fun, args, kwargs, parent_argnums, parents)``, where ``fun(*args, **kwargs)`` is the call.
    """
    boxes = [
        x for x in tree.leaves((args, settings)) if isinstance(x, NodeArray) and x.level == level
    ]
    direct = [i for i, x in enumerate(args) if isinstance(x, NodeArray) and x.level == level]
    real_args, real_settings = _replaced((args, settings), level, _real)
    out = call(*real_args, **real_settings)
    parents = [x for x in boxes if x.node is not None]
    if not parents:
        return _wrapped(out, boxes[0], None)
    if len(direct) == len(boxes):
        fun, given, kwargs = call, real_args, real_settings
        argnums = [i for i in direct if args[i].node is not None]
        parents = [args[i] for i in argnums]
    else:  # arrays in lists: a function of those alone

        def fun(*values: Any) -> Any:
            rest = iter(values)
            new_args, new_settings = _replaced((args, settings), level, lambda x: next(rest))
            return call(*new_args, **new_settings)

        fun.__name__ = getattr(call, "__name__", "f")
        given, kwargs = tuple(x.real_value for x in boxes), {}
        argnums = [i for i, x in enumerate(boxes) if x.node is not None]
    node_type = type(parents[0].node)
    nodes = [x.node for x in parents]
    node = node_type(_shown(out), fun, _shown(tuple(given)), kwargs, tuple(argnums), nodes)
    return _wrapped(out, boxes[0], node)


def _shown(values: Any) -> Any:
    """Values as nodes have them: NumPy's scalars for arrays without axes."""
    return tree.map(lambda v: v[()] if type(v) is np.ndarray and v.shape == () else v, values)


def _wrapped(out: Any, like: NodeArray, node: Any) -> Any:
    if is_array(out):
        out = np.asarray(out) if isinstance(out, np.generic) else out
        return node_class(out)(out, like.level, node)
    if not isinstance(out, tuple | list):
        return out
    parts = []
    for i, part in enumerate(out):
        own = None
        if node is not None and is_array(part):
            own = type(node)(_shown(part), _taker(i), (out,), {}, (0,), [node])
        parts.append(_wrapped(part, like, own) if is_array(part) else part)
    return out._make(parts) if hasattr(out, "_make") else type(out)(parts)


def _taker(key: Any) -> Callable[[Any], Any]:
    def take(container: Any) -> Any:
        return container[key]

    return take


_CLASSES: dict[Any, type[NodeArray]] = {}


def node_class(x: Any) -> type[NodeArray]:
    """The class of arrays of traces over arrays like `x`: one for each library and device."""
    if isinstance(x, NodeArray):
        return type(x)
    backend = backend_of(x)
    key = (backend.array_type, backend.name, str(getattr(x, "device", None)))
    found = _CLASSES.get(key)
    if found is None:
        xp = WrappedNamespace(backend.xp, recorded)
        found = _CLASSES[key] = type("NodeArray", (NodeArray,), {"__slots__": (), "xp": xp})
        own = dataclasses.replace(
            backend,
            xp=xp,
            asarray=lambda host, dtype=None: host if isinstance(host, NodeArray) else backend.asarray(host, dtype),
            to_numpy=lambda x: backend.to_numpy(bottom(x)),
            normalise=lambda out: out if isinstance(out, NodeArray) else backend.normalise(out),
            as_gradient=lambda x: x if isinstance(x, NodeArray) else backend.as_gradient(x),
            lock=lambda arrays: backend.lock([x for x in arrays if not isinstance(x, NodeArray)]),
            unlock=backend.unlock,
            recording=True,
            reason="traced",
        )  # fmt: skip
        vars_of: Any = found
        vars_of.backend = own
        register(found, own)
        NAMESPACES[found] = xp
        TRACERS.add(found)
        STAYING[found] = _real
    return found


def bottom(x: Any) -> Any:
    """The array of the library under an array of traces."""
    while isinstance(x, NodeArray):
        x = x.real_value
    return x


def call_primitive(f: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> Any:
    """Call a primitive of the user's whose arguments are of a trace, and make its node; None if none is."""
    level = _newest(tree.map(_inner, args))
    if level is None:
        return None

    def call(*values: Any, **settings: Any) -> Any:
        return tree.map(_inner, f(*[tree.map(_outer, v) for v in values], **settings))

    call.__name__ = getattr(f, "__name__", "f")
    return tree.map(_outer, record(call, tree.map(_inner, args), kwargs, level))


def _inner(x: Any) -> Any:
    return unwrap_closed(x) if type(x) is Array else x


def _outer(x: Any) -> Any:
    return Array(x) if isinstance(x, NodeArray) else x


def trace(start_node: Any, fun: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """Call a function of one argument, with a node for every function that its result depends on.

    Parameters
    ----------
    start_node
        The node of the argument; its class is that of all nodes, and is called with ``(value, fun, args, kwargs,
        parent_argnums, parents)``, where ``fun(*args, **kwargs)`` is the call.
    fun : callable
        The function.
    x
        An array, a number, or a container of them.

    Returns
    -------
    value
        What `fun` returned.
    node
        Its node; None if it does not depend on `x`, with a warning.
    """
    level = next(_levels)
    leaves, spec = tree.flatten(x)
    single = len(leaves) == 1 and leaves[0] is x
    boxes = []
    for i, leaf in enumerate(leaves):
        value = _inner(leaf)
        if type(value) in (float, complex) or isinstance(value, np.generic):
            value = np.asarray(value)
        if not is_array(value) or type(value) is Array:
            boxes.append(leaf)
            continue
        node = start_node
        if not single:
            node = type(start_node)(leaf, _leaf_taker(i), (x,), {}, (0,), [start_node])
        boxes.append(Array(node_class(value)(value, level, node)))
        boxes[-1].link = None if value.shape == () else False
    out = tree.map(_inner, fun(tree.unflatten(spec, boxes)))
    parts, out_spec = tree.flatten(out)
    mine = [i for i, p in enumerate(parts) if isinstance(p, NodeArray) and p.level == level]
    mine = [i for i in mine if parts[i].node is not None]
    value = _replaced(out, level, lambda p: p.real_value)
    value = plain(tree.map(_outer, _shown(value)))
    if not mine:
        warnings.warn("Output seems independent of input.", stacklevel=2)
        return value, None
    if out is parts[0]:
        return value, parts[0].node
    real = [p.real_value if isinstance(p, NodeArray) and p.level == level else p for p in parts]

    def container(*values: Any) -> Any:
        return tree.unflatten(out_spec, list(values))

    nodes = [parts[i].node for i in mine]
    return value, type(start_node)(value, container, tuple(real), {}, tuple(mine), nodes)


def _leaf_taker(i: int) -> Callable[[Any], Any]:
    def take(container: Any) -> Any:
        return tree.leaves(container)[i]

    return take
