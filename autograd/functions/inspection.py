"""Inspection: `pb.xp.__array_namespace_info__`, the capabilities of the active backend in the standard's terms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import current
from ..core.dtypes import as_numpy
from ..core.typing import Device


class ArrayNamespaceInfo:
    """Capabilities, devices and dtypes of the active backend; each method is the standard's.

    Examples
    --------
    >>> import pullback as pb
    >>> info = pb.xp.__array_namespace_info__()
    >>> info.default_dtypes()["real floating"]
    dtype('float64')
    """

    def __repr__(self) -> str:
        return f"<array namespace info of backend {current().name}>"

    def capabilities(self) -> dict[str, Any]:
        """The capabilities: boolean indexing, shapes that depend on data, and the largest number of axes."""
        return dict(_library().capabilities())

    def default_device(self) -> Any:
        """The device of new arrays: the active backend's, in its own terms."""
        device = current().device
        return _library().default_device() if device is None else device

    def devices(self) -> tuple[Any, ...]:
        """The devices of the active backend."""
        return tuple(_library().devices())

    def default_dtypes(self, *, device: Device = None) -> dict[str, np.dtype]:
        """The default dtype of each class: "real floating", "complex floating", "integral", "indexing"."""
        return _numpy_dtypes(_library().default_dtypes(device=device))

    def dtypes(
        self, *, device: Device = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, np.dtype]:
        """The dtypes that a device has: those of one class, of a tuple of classes, or all."""
        return _numpy_dtypes(_library().dtypes(device=device, kind=kind))


def _library() -> Any:
    return current().xp.__array_namespace_info__()


def _numpy_dtypes(dtypes: dict[str, Any]) -> dict[str, np.dtype]:
    return {name: as_numpy(dtype) for name, dtype in dtypes.items()}


def __array_namespace_info__() -> ArrayNamespaceInfo:
    """The capabilities of the active backend, as the standard's inspection namespace.

    Returns
    -------
    ArrayNamespaceInfo
        With the methods ``capabilities``, ``default_device``, ``devices``, ``default_dtypes`` and ``dtypes``.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.__array_namespace_info__().capabilities()["boolean indexing"]
    True
    """
    return ArrayNamespaceInfo()
