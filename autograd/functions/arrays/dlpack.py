"""Arrays of other libraries, taken over by DLPack."""

from __future__ import annotations

from typing import Any

from ....backend import current, resolve
from ...core.array import Array
from ...core.typing import ArrayLike, Device
from ..creation import asarray


def from_dlpack(x: ArrayLike, /, *, device: Device = None, copy: bool | None = None) -> Array:
    """An array of any library that speaks DLPack (torch, JAX, …), sharing memory if it can.

    Parameters
    ----------
    x
        An object with ``__dlpack__`` and ``__dlpack_device__``. A `pullback` array stays traced.
    device
        Where to; by default where `x` is: host memory becomes NumPy's, a CUDA device's CuPy's.
    copy
        True copies, False never does.

    Returns
    -------
    Array

    Raises
    ------
    BufferError, ValueError
        If the library of `x` cannot export it so.

    Notes
    -----
    The derivative of an array of this library passes; what comes from another one is a constant.

    References
    ----------
    Python array API standard 2025.12; DLPack, https://dmlc.github.io/dlpack.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.xp.from_dlpack(np.asarray([1.0, 2.0]))
    Array([1., 2.], dtype=float64, device='cpu')
    """
    if type(x) is Array:
        return asarray(x, device=device, copy=copy)
    options = {k: v for k, v in (("device", device), ("copy", copy)) if v is not None}
    return Array(_importer(x, device).xp.from_dlpack(x, **options))


# DLPack's numbers of device types.
CPU, CUDA, CUDA_MANAGED = 1, 2, 13


def _importer(x: ArrayLike, device: Device) -> Any:
    """The backend that takes over a DLPack export: the active one if it can reach that memory."""
    active = current()
    device_type = x.__dlpack_device__()[0] if device is None else CPU if device == "cpu" else None
    if device_type == CPU and active.name == "cupy":
        return resolve("numpy")
    if device_type in (CUDA, CUDA_MANAGED) and active.name != "cupy":
        return resolve("cupy")
    return active
