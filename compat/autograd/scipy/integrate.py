"""`scipy.integrate` for traced and plain arrays: `odeint`, differentiable in the start, the times and the arguments.

The derivative of the solution of an ordinary differential equation is the solution of its adjoint equation, which the
same solver gives.
"""

from __future__ import annotations

from typing import Any

import scipy.integrate as _sp

from ....autograd import scipy as _ours
from ..numpy.wrap import wrap_namespace as _wrap_namespace


def _find(name: str) -> Any:
    return getattr(_ours.integrate, name)


__all__ = _wrap_namespace(_sp, globals(), _find)


def __dir__() -> list[str]:
    return sorted(__all__)
