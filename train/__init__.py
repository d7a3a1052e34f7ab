"""Training: data, the loop, checkpoints, plots, the command line.

Nothing here imports scikit-learn, rich, typer, safetensors or matplotlib until it is needed.
"""

from typing import Any

from . import plots
from .data.load import BUILT_IN, Dataset, load_dataset
from .data.split import Split, Standardizer, folds, split
from .errors import ClusterError, InputError, MissingExtra, WriteError, extra
from .evaluation.metrics import (
    ClassificationMetrics,
    ClassMetrics,
    RegressionMetrics,
    TargetMetrics,
    TextMetrics,
)
from .fitting.callbacks import StopTraining
from .fitting.result import Fit
from .loop import fit
from .measure import RowMean, evaluate, predict
from .networks.architecture import Architecture
from .pictures import decision_boundary, loss_curves, weights_as_images
from .records.comparison import compare
from .records.listing import runs
from .records.record import RunRecord
from .run.checkpoint import save
from .run.evaluate import Evaluated, evaluate_file
from .run.loaded import Loaded, load
from .run.predict import Trained, load_trained, predict_file
from .run.resume import resume
from .run.run import Result, train
from .run.sample import sample_text
from .run.tasks import Task, accuracy, probabilities, r_squared, task_for
from .run.tuning.trial import Trial
from .run.tuning.tune import Tuning, tune
from .settings.config import Settings, config_text, read_config
from .stopping import Epoch

__all__ = [
    "Architecture",
    "BUILT_IN",
    "ClassMetrics",
    "ClassificationMetrics",
    "ClusterError",
    "Dataset",
    "Epoch",
    "Evaluated",
    "Fit",
    "InputError",
    "Loaded",
    "MissingExtra",
    "RegressionMetrics",
    "Result",
    "RunRecord",
    "RowMean",
    "Settings",
    "Split",
    "Standardizer",
    "TargetMetrics",
    "StopTraining",
    "Task",
    "TextMetrics",
    "Trained",
    "Trial",
    "Tuning",
    "WriteError",
    "accuracy",
    "compare",
    "config_text",
    "decision_boundary",
    "evaluate",
    "evaluate_file",
    "fit",
    "folds",
    "load",
    "load_dataset",
    "load_trained",
    "loss_curves",
    "plots",
    "predict",
    "predict_file",
    "probabilities",
    "r_squared",
    "read_config",
    "resume",
    "runs",
    "sample_text",
    "save",
    "split",
    "task_for",
    "train",
    "tune",
    "weights_as_images",
]

# scikit-learn's protocol needs scikit-learn: these are loaded when they are asked for.
_ESTIMATORS = (
    "ElasticNet",
    "GaussianProcessRegressor",
    "KernelRidge",
    "Lasso",
    "LinearRegression",
    "LogisticRegression",
    "MLPClassifier",
    "MLPRegressor",
    "NetworkClassifier",
    "NetworkRegressor",
    "OneVersusAllClassifier",
    "Ridge",
    "SoftmaxRegression",
    "TreeReductionClassifier",
)
__all__ += [*_ESTIMATORS]


def __getattr__(name: str) -> Any:
    if name in _ESTIMATORS:
        extra("sklearn", f"pullback.train.{name}")
        from . import estimators  # imports scikit-learn

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
