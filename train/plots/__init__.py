"""Pictures of models and trainings, each a function that returns matplotlib axes.

``ax = pb.train.plots.curves(run)`` draws in a figure of its own: ``ax.figure.savefig("name.png")`` writes it, and
``ax.figure`` at the end of a cell shows it in a notebook. With ``ax=`` a picture is drawn where you want it. No display
and no state of pyplot is touched. Colours are Okabe and Ito's, which the colour-blind can tell apart; lines also differ
by their dashes, points by their shapes. They need the extra ``train`` (matplotlib, scikit-learn).
"""

from .classifiers import calibration, confusion, roc
from .comparison import compare
from .first_layer import weights
from .histories import curves
from .plane import decision_boundary
from .regressors import predicted, residuals

__all__ = [
    "calibration",
    "compare",
    "confusion",
    "curves",
    "decision_boundary",
    "predicted",
    "residuals",
    "roc",
    "weights",
]


def __dir__() -> list[str]:
    return sorted(__all__)
