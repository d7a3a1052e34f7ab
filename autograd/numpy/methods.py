"""The methods and attributes that `Array` shares with `numpy.ndarray`.

They call the functions of `pullback.numpy`, whose docstrings say more, with NumPy's signatures. `reshape`, `ravel`,
`transpose`, `swapaxes`, `squeeze`, `diagonal`, `T`, `mT`, `real` and `imag` give views, as in NumPy: writes go through
them. `copy`, `flatten`, `astype` and the rest give arrays of their own.

What has no counterpart here, since it is about memory or bytes, raises an AttributeError that says what to use: by a
property for each name, not by ``__getattr__``. On a class that has one, CPython looks every attribute up afresh, 15 ns
instead of 5 for each of the seven that one operation on a tape takes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.array import Array
from ..core.tracer_like import NUMPY_PROTOCOLS
from .ndarray import attributes, elements, reductions, shapes, values
from .placeholders import Placeholder

_BYTES = "use pb.to_numpy(x).{name}"
_MEMORY = (
    "how an array lies in memory does not show here; pb.to_numpy(x).{name} tells it of the values"
)
INSTEAD: dict[str, str] = {
    "base": "views are followed without it: writes to a view reach its base",
    "byteswap": _BYTES,
    "ctypes": _MEMORY,
    "data": _MEMORY,
    "dump": "use pickle, or numpy.save(file, pb.to_numpy(x))",
    "dumps": "use pickle.dumps",
    "flags": "whether it may be written to is asked by writing: " + _MEMORY,
    "getfield": "use x.astype, x.real, or x[...]",
    "itemset": "NumPy's arrays have it no more; use x[key] = v",
    "newbyteorder": _BYTES,
    "ptp": "NumPy's arrays have it no more; use pullback.numpy.ptp(x)",
    "resize": "the shape of an array does not change in place; use x = pullback.numpy.resize(x, shape)",
    "setfield": "use x[key] = v, or x.real = v",
    "setflags": "nothing is locked by hand: a derivative that is being taken protects what it needs",
    "strides": _MEMORY,
    "tobytes": _BYTES,
    "tofile": _BYTES,
    "tostring": "use pb.to_numpy(x).tobytes",
    "view": "bits are not read as another dtype: use x.astype(dtype); a view of the same elements is x[...]",
}


def _of_numpy_alone(name: str) -> property:
    advice = INSTEAD.get(name, "look for a function of pullback.numpy or pb.xp").format(name=name)

    def get(self: Array) -> Any:
        raise AttributeError(f"a pullback Array has no attribute {name!r}: {advice}")

    return property(get, doc=f"Not here: {advice}.")


_NAMES = {
    reductions: "all any argmax argmin cumprod cumsum max mean min prod std sum trace var",
    shapes: "diagonal flatten ravel repeat reshape squeeze swapaxes transpose",
    elements: "argpartition argsort astype choose clip compress conj copy dot nonzero round searchsorted take",
    values: "fill item partition put sort tolist",
}
METHODS = {n: getattr(module, n) for module, names in _NAMES.items() for n in names.split()}
METHODS["conjugate"] = elements.conj
SPECIAL = {
    "__ceil__": attributes.builtin_integer_by(math.ceil),
    "__contains__": attributes.contains,
    "__divmod__": attributes.divmod,
    "__floor__": attributes.builtin_integer_by(math.floor),
    "__rdivmod__": attributes.rdivmod,
    "__round__": attributes.builtin_round,
    "__trunc__": attributes.builtin_integer_by(math.trunc),
}
ATTRIBUTES = {
    "T": property(attributes.t),
    "flat": property(attributes.flat, attributes.set_flat),
    "imag": property(attributes.imag, attributes.set_imag),
    "itemsize": property(attributes.itemsize),
    "mT": property(attributes.mt),
    "nbytes": property(attributes.nbytes),
    "real": property(attributes.real, attributes.set_real),
}


def install() -> None:
    """Put the methods and attributes on `Array`."""
    for name, method in METHODS.items():
        method.__qualname__ = f"Array.{name}"
    for name, member in (METHODS | SPECIAL | ATTRIBUTES).items():
        setattr(Array, name, member)
    NUMPY_PROTOCOLS["methods"] = METHODS
    for name in {*dir(np.ndarray), *INSTEAD}:
        there = vars(Array).get(name)
        if not name.startswith("_") and (there is None or type(there) is Placeholder):
            setattr(Array, name, _of_numpy_alone(name))


install()
