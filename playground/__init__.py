"""The playground: a page on which networks train while one watches, and gradients pass through an expression.

``pullback playground`` opens it. Nothing here imports Bokeh (extra ``playground``) until the page is served. The arrow
to this package goes from the root alone: `pullback.__main__` adds its command to those of `train`.
"""

from .server import serve

__all__ = ["serve"]


def __dir__() -> list[str]:
    return sorted(__all__)
