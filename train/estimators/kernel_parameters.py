"""The parameters of a kernel as one vector of logarithms, in scikit-learn's order; scikit-learn's kernels as ours."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np

from ...autograd import to_numpy
from ...autograd.core.array import backend_array
from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from ...backend import backend_of, is_array
from ...models import kernels
from .arrays import moved


class Parameter(NamedTuple):
    """A parameter that is not fixed: its path, its length (None for a number), log bounds (length, 2), log values."""

    path: tuple[str, ...]
    size: int | None
    bounds: np.ndarray
    values: np.ndarray


def parameters(kernel: Any, path: tuple[str, ...] = ()) -> list[Parameter]:
    """The free parameters of a kernel and of those in it.

    Raises
    ------
    TypeError
        If it is no kernel of `pb.models.kernels`.
    ValueError
        For bounds that are none, or a value that is not positive.
    """
    if not isinstance(kernel, kernels.Kernel):
        raise TypeError(
            f"a kernel of pb.models.kernels is needed, with bounds for its parameters, not {type(kernel).__name__}"
        )
    inner = [
        (field.name, getattr(kernel, field.name))
        for field in dataclasses.fields(kernel)
        if isinstance(getattr(kernel, field.name), kernels.Kernel)
    ]
    found = [p for name, part in inner for p in parameters(part, (*path, name))]
    for name, bounds in kernel.bounds():
        if isinstance(bounds, str):
            if bounds != "fixed":
                raise ValueError(f"{name}_bounds={bounds!r}: give (low, high), or 'fixed'")
            continue
        given = getattr(kernel, name)
        host = np.asarray(to_numpy(given) if is_array(given) else given, float)
        pairs = np.broadcast_to(np.asarray(bounds, float).reshape(-1, 2), (max(host.size, 1), 2))
        if not np.all((pairs > 0) & np.isfinite(pairs)) or not np.all(pairs[:, 0] <= pairs[:, 1]):
            raise ValueError(f"{name}_bounds={bounds!r}: give 0 < low ≤ high, or 'fixed'")
        if not np.all(host > 0):
            raise ValueError(f"{name}={given!r} is not positive; fix it by {name}_bounds='fixed'")
        size = host.size if host.ndim else None
        found.append(Parameter((*path, name), size, np.log(pairs), np.log(host.reshape(-1))))
    return found


def on_device_of(kernel: Any, like: Any) -> Any:
    """The kernel with the arrays among its parameters in the library and on the device of the data `like`.

    Data that an estimator is given as NumPy's arrays go to the active backend, and so do the settings beside them.
    """
    home = backend_of(backend_array(like))
    return moved(kernel, home) if isinstance(kernel, kernels.Kernel) else kernel


def start_of(found: list[Parameter]) -> np.ndarray:
    """The vector θ of the kernel's own values."""
    return np.concatenate([p.values for p in found]) if found else np.zeros(0)


def bounds_of(found: list[Parameter]) -> np.ndarray:
    """The log bounds (θ, 2)."""
    return np.concatenate([p.bounds for p in found]) if found else np.zeros((0, 2))


def with_parameters(kernel: Any, found: list[Parameter], theta: Value) -> Any:
    """The kernel with exp(θ) as its free parameters; θ may be traced."""
    position = 0
    for p in found:
        width = p.size or 1
        part = theta[position : position + width]
        value = xp.exp(part if p.size is not None else part[0])
        kernel = _replaced(kernel, p.path, value)
        position += width
    return kernel


def _replaced(kernel: Any, path: tuple[str, ...], value: Any) -> Any:
    name, *rest = path
    new = _replaced(getattr(kernel, name), tuple(rest), value) if rest else value
    return dataclasses.replace(kernel, **{name: new})


def read(kernel: Any) -> Any:
    """A kernel of ours, from one of scikit-learn's too.

    Raises
    ------
    TypeError
        For one of scikit-learn's that has no counterpart.
    """
    if isinstance(kernel, kernels.Kernel) or not type(kernel).__module__.startswith("sklearn."):
        return kernel
    name = type(kernel).__name__
    if name in ("Sum", "Product"):
        return getattr(kernels, name)(read(kernel.k1), read(kernel.k2))
    if name == "Exponentiation":
        return kernels.Exponentiation(read(kernel.kernel), kernel.exponent)
    ours = getattr(kernels, name, None)
    if ours is None:
        raise TypeError(f"scikit-learn's kernel {name} has no counterpart in pb.models.kernels")
    if name == "Matern" and kernel.nu == math.inf:
        return kernels.Matern(kernel.length_scale, _bounds(kernel.length_scale_bounds), math.inf)
    names = [field.name for field in dataclasses.fields(ours)]
    given = {name: getattr(kernel, name) for name in names}
    return ours(**{n: _bounds(v) if n.endswith("_bounds") else v for n, v in given.items()})


def _bounds(given: Any) -> Any:
    """Bounds as tuples: settings of a pytree are compared."""
    if isinstance(given, str):
        return given
    pairs = np.asarray(given, float)
    return tuple(pairs.tolist()) if pairs.ndim == 1 else tuple(map(tuple, pairs.tolist()))
