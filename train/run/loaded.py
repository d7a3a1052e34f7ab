"""Models from files, with what people ask of them: predictions, probabilities, figures."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...autograd import to_numpy
from ...autograd.core.array import backend_array
from ...backend import is_array
from ..data.labelled import target_of_array
from ..data.load import load_features
from ..data.tables.foreign import split_names
from ..data.tables.reading import Sheet
from ..errors import InputError, counted, extra, listed, shown
from ..evaluation.metrics import Metrics
from ..networks.architecture import Architecture
from .checkpoint import load_described
from .evaluate import judged, judged_on_file, wanted
from .metadata import model_file
from .predict import Trained, trained_of


@dataclass(frozen=True, eq=False, repr=False)
class Loaded:
    """A model from a file; ``model, metadata = load(path)`` unpacks it.

    What `pullback train` wrote for a table or images predicts, too, from data as they come: it standardises them as its
    training part was.

    Attributes
    ----------
    model : pytree
    metadata : dict
        What `save` was given.
    path : Path
        Of the file.
    """

    model: Any
    metadata: dict[str, Any]
    path: Path
    _net: Architecture | None = None

    def __iter__(self) -> Iterator[Any]:
        """Model and metadata."""
        return iter((self.model, self.metadata))

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return (self.model, self.metadata)[index]

    def __repr__(self) -> str:
        return f"<{type(self.model).__name__} from {self.path}>"

    @property
    def classes(self) -> np.ndarray:
        """The labels of the classes in the order of `predict_proba`: integers, floats or booleans if all of them are.

        Empty for regression.
        """
        return labels_of(self._trained.classes)

    @property
    def columns(self) -> tuple[str, ...]:
        """The features' names; empty if the data had none."""
        return self._trained.columns

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the network's inputs, into which columns are encoded, as ``colour=red``."""
        return self._trained.layout.inputs

    def predict(self, X: Any) -> np.ndarray:
        """The label of each row's likeliest class, or predicted numbers in the target's own units.

        Parameters
        ----------
        X : array (n, d), DataFrame or path
            Features as they came. A DataFrame has the columns that the model was trained on, in any order; others are
            passed over, with a warning. A path is a file as `pullback predict` takes it. Images have their own axes, or
            are flat.

        Returns
        -------
        ndarray (n,)
            Labels as in `classes`, or float64; (n, k) where a regression has several targets.

        Raises
        ------
        InputError
            For data that lack a column, are no finite numbers, or too far from the training part; for a model that
            `pullback train` did not write, or of a text or a graph.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import numpy as np, pullback as pb
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> settings = pb.train.Settings(data="iris", epochs=30)
        >>> run = pb.train.train(settings, runs=folder, say=lambda line: None).folder
        >>> loaded = pb.train.load(run)
        >>> print(loaded.predict([[5.1, 3.5, 1.4, 0.2]]))
        ['setosa']
        """
        found = self._trained(self._features(X))
        if self._trained.targets is None:
            return self.classes[found.argmax(axis=1)]
        return found[:, 0] if found.shape[1] == 1 else found

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, float64 (n, C), in the order of `classes`.

        Parameters
        ----------
        X : array (n, d), DataFrame or path
            As for `predict`.

        Raises
        ------
        InputError
            As `predict`; for a regression.
        """
        if self._trained.targets is not None:
            raise InputError(
                f"predict_proba: {self.path} is a regression on {self._trained.target!r}, which has no classes; "
                "predict gives its numbers"
            )
        return self._trained(self._features(X))

    def evaluate(self, X: Any, y: Any = None) -> Metrics:
        """The figures of the model on rows whose targets are known, as `pullback evaluate` gives them.

        Parameters
        ----------
        X : array (n, d), DataFrame or path
            As for `predict`. Without `y`, a DataFrame or a file with the target among its columns.
        y : array (n,) or (n, k), optional
            Labels as in `classes`, or numbers.

        Returns
        -------
        ClassificationMetrics or RegressionMetrics

        Raises
        ------
        InputError
            As `predict`; for labels that the model does not know, and without targets.
        """
        trained = self._trained
        X = _as_pandas(X)
        if y is None and isinstance(X, str | os.PathLike):
            found = judged_on_file(trained, os.fspath(X)).metrics
        else:
            names = _target_names(trained)
            if y is None:
                y = _targets_in(X, names)
            elif hasattr(y, "columns") and len(names) > 1 and {*names} == {*map(str, y.columns)}:
                # by name, as features are
                y = _targets_in(y, names)
            x = self._features(X)
            truth = target_of_array(_as_array(y), wanted(trained), "y")
            if len(truth) != len(x):
                raise InputError(f"evaluate: {counted(len(x), 'row')} in X, {len(truth):,} in y")
            found = judged(trained, x, truth).metrics
        assert found is not None
        return found

    @cached_property
    def _trained(self) -> Trained:
        return trained_of(self.path, self.model, self.metadata, self._net)

    def _features(self, X: Any) -> np.ndarray:
        """Features as the model takes them, shape (n, d)."""
        trained, X = self._trained, _as_pandas(X)
        layout, means = trained.layout, trained.inputs.mean
        if isinstance(X, str | os.PathLike):
            return load_features(X, layout, means, image_shape=trained.image_shape, note=_warn)
        if hasattr(X, "columns") and (layout.header or layout.encoder is not None):
            return layout.matrix(layout.arranged(_sheet(X), _warn), means, _warn)
        if layout.encoder is not None:
            raw = _as_array(X)
            if raw.ndim not in (1, 2):
                raise InputError(
                    f"predict: X is {type(X).__name__} of shape {raw.shape}; give a DataFrame, or rows of "
                    f"{counted(len(layout.used), 'column')}"
                )
            frame = extra("pandas", "a table of columns").DataFrame(raw)
            return layout.matrix(layout.arranged(_sheet(frame, header=False), _warn), means, _warn)
        return _checked(_as_array(X), trained, len(means))


def _as_pandas(X: Any) -> Any:
    """A table of Polars or Arrow as a DataFrame; anything else as it is."""
    return X.to_pandas() if hasattr(X, "to_pandas") else X


def _target_names(trained: Trained) -> tuple[str, ...]:
    """The columns that a model predicts."""
    if trained.layout.targets:
        return trained.layout.targets
    if trained.targets is None or len(trained.targets.mean) == 1:
        return (trained.target,)
    return tuple(split_names(trained.target))


def _targets_in(X: Any, names: Sequence[str]) -> Any:
    """The columns of a DataFrame that are the model's targets."""
    places = {str(name): i for i, name in enumerate(getattr(X, "columns", ()))}
    absent = [name for name in names if name not in places]
    if absent:
        raise InputError(
            f"evaluate: there is no y, and X has no column {listed(map(repr, absent), 5)}: give the true targets as y"
        )
    found = X.iloc[:, [places[name] for name in names]]
    return found.iloc[:, 0] if len(names) == 1 else found


def _warn(line: str) -> None:
    warnings.warn(line, stacklevel=5)


def _sheet(frame: Any, *, header: bool = True) -> Sheet:
    """A table, of pandas or what becomes one, as if it were read from a file called X."""
    frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
    names = [str(name) for name in frame.columns]
    again = [name for i, name in enumerate(names) if name in names[:i]]
    if again:
        raise InputError(f"X has several columns called {shown(again[0])}: give each one name")
    frame = frame.set_axis(names, axis=1)
    places = tuple(range(frame.shape[1]))
    return Sheet("X", frame, header, "", range(1, len(frame) + 1), places)


def _as_array(values: Any) -> np.ndarray:
    """An array of any library, a DataFrame, a Series or a list as an array of NumPy."""
    if isinstance(values, Mapping):
        raise InputError("X is a dict: give its columns as a table, pandas.DataFrame(X)")
    raw = backend_array(values)
    if is_array(raw) and not isinstance(raw, np.ndarray):
        return np.asarray(to_numpy(raw))
    return np.asarray(raw.to_numpy() if hasattr(raw, "to_numpy") else raw)


def _checked(x: np.ndarray, trained: Trained, width: int) -> np.ndarray:
    if x.ndim == 1:
        shape = "(1, -1)" if len(x) == width else "(-1, 1)"
        raise InputError(
            f"predict: X has shape {x.shape}; give rows of {counted(width, 'column')}, as X.reshape{shape}"
        )
    if x.ndim > 2 and trained.image_shape in (None, x.shape[1:]):
        x = x.reshape(len(x), -1)
    if x.ndim != 2 or x.shape[1] != width:
        raise InputError(
            f"predict: X has shape {x.shape}, the model takes {counted(width, 'column')}"
        )
    try:
        x = x if x.dtype.kind in "buif" else x.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"predict: X holds what is no number: {error}") from None
    bad = np.argwhere(~np.isfinite(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool))
    if len(bad):
        i, j = map(int, bad[0])
        name = trained.columns[j] if trained.columns else j
        raise InputError(f"predict: X has {x[i, j]} in row {i}, column {name!r}")
    return x


def labels_of(names: tuple[str, ...]) -> np.ndarray:
    """Labels of classes in their own type: of data that had numbers or booleans these, else texts.

    Examples
    --------
    >>> labels_of(("1", "3")), labels_of(("0.5", "2")), labels_of(("False", "True")), labels_of(("1", "a"))
    (array([1, 3]), array([0.5, 2. ]), array([False,  True]), array(['1', 'a'], dtype='<U1'))
    """
    if names == ("False", "True"):
        return np.asarray([False, True])
    if names:
        try:
            whole = [int(name) for name in names]
            if tuple(map(str, whole)) == names:
                # beyond 64 bits these are Python's own
                return np.asarray(whole, None if max(map(abs, whole)) < 2**63 else object)
        except ValueError:
            pass
        try:
            numbers = [float(name) for name in names]
            if all(name in (repr(v), str(int(v))) for name, v in zip(names, numbers, strict=True)):
                return np.asarray(numbers)
        except (ValueError, OverflowError):
            pass
    return np.asarray(names)


def load(path: str | os.PathLike[str], like: Any = None) -> Loaded:
    """Read a model that `save` or `pullback train` wrote, onto the active backend.

    Parameters
    ----------
    path : path
        The .safetensors file, or a run's folder.
    like : pytree of arrays, optional
        A model of the same structure, for models that are neither an `MLP` nor built by an `Architecture`.

    Returns
    -------
    Loaded
        Its `model` is an `MLP`, what the file's architecture builds, or what `like` is; its `metadata` are those that
        `save` was given: ``model, metadata = load(path)``. A model of `pullback train` on a table or on images also
        has `predict`, `predict_proba` and `evaluate`.

    Raises
    ------
    InputError
        If the file is missing, truncated, not safetensors, not from pullback, or of another
        architecture than it says or than `like` has.
    """
    file = model_file(os.fspath(path)) if os.path.isdir(path) else os.fspath(path)
    model, metadata, net = load_described(file, like)
    return Loaded(model, metadata, Path(file), net)
