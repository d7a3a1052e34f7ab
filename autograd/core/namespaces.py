"""The namespace that computes on a value."""

from __future__ import annotations

from typing import Any

from ...backend import backend_of


class NamespaceCache(dict):
    """The namespace of each class of values: ``NAMESPACES[type(x)]``.

    `Array` is set by `functions/namespace.py`; classes of backend arrays are looked up once. A library with several
    devices has one namespace for all.
    """

    def of(self, x: Any) -> Any:
        """The namespace that computes on `x`."""
        xp = self.get(type(x))
        if xp is None:
            xp = self[type(x)] = backend_of(x).xp
        return xp


NAMESPACES = NamespaceCache()
namespace_of = NAMESPACES.of
