"""The picture files of a run: its curves, and the first layer's weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..plots.first_layer import weights_figure
from ..plots.histories import curves_figure
from ..plots.style import (
    png,
)

if TYPE_CHECKING:
    from ..fitting.result import Fit

_FIRST_LAYER = ("feature", "unit of the first layer", "weight (of a standardised feature)")


def curves_png(run: Fit, *, title: str, score_name: str = "accuracy") -> bytes:
    """Losses and scores of a run, as a PNG file's bytes."""
    return png(curves_figure(run, title=title, score_name=score_name))


def weights_png(
    W: np.ndarray,
    *,
    title: str,
    columns: Sequence[str] = (),
    image_shape: tuple[int, ...] | None = None,
    units: Sequence[str] = (),
    axes: tuple[str, str, str] = _FIRST_LAYER,
) -> bytes:
    """The first layer's weights, shape (d, h), as a PNG file's bytes: images of the units, or a heat map.

    Parameters
    ----------
    W : ndarray, shape (d, h)
        Weights from d features to h units, for standardised features.
    title : str
    columns : sequence of str
        The features' names, for the heat map.
    image_shape : tuple of int, optional
        Height and width of the images whose pixels the features are.
    units : sequence of str
        The units' names, where they have any: without hidden layers they are the classes.
    axes : tuple of str
        What rows, columns and colours of the heat map are.
    """
    if image_shape is not None and axes is _FIRST_LAYER:
        axes = (axes[0], axes[1], "weight (of a standardised pixel)")
    settings: dict[str, Any] = {"columns": columns, "image_shape": image_shape, "units": units}
    return png(weights_figure(W, title=title, labels=axes, **settings))
