"""Data on its way in and out: checked as scikit-learn checks it, on the active device, given back as it came.

NumPy arrays (and all that scikit-learn takes for them) are checked by scikit-learn, moved to the active backend, and
results are NumPy arrays. Arrays of a device, and traced ones, stay where they are: they are checked by functions of
the standard alone, and results are arrays of that type. The work is done where X is: targets, weights, settings and
what was fitted go there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, _check_y, validate_data

from ...autograd import Array, to_numpy
from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import as_numpy
from ...autograd.core.typing import ArrayLike, DType, PyTree, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree
from ...backend import Backend, backend_of, current, is_array
from .blocks.rows import is_dask

FLOATS = (np.float64, np.float32)
HOST = backend_of(np.empty(0))


def is_native(x: Value) -> bool:
    """Whether `x` is an array that scikit-learn's own checks would pull to the host, or cut a gradient of."""
    if isinstance(x, np.ndarray | np.generic) or not is_array(x):
        return type(x) is Array
    return True


def check_inputs(estimator: Any, X: ArrayLike, *, reset: bool = False) -> Any:
    """X (n, d) as a floating-point array, of NumPy or of the library that it came in.

    Raises
    ------
    ValueError
        If it has not two axes, is empty, or holds NaN or infinities; or another number of features than in `fit`.
    """
    refuse_dask(estimator, X)
    if not is_native(X):
        return validate_data(estimator, X, dtype=FLOATS, reset=reset)
    return _checked_native(estimator, X, reset=reset)


def check_both(estimator: Any, X: ArrayLike, y: ArrayLike, **settings: Any) -> tuple[Any, Any]:
    """X and y for `fit`, checked together; `settings` are those of scikit-learn's ``validate_data``.

    Raises
    ------
    ValueError
        As `check_inputs`; or if X and y have not one length.
    """
    refuse_dask(estimator, X, y)
    if not is_native(X):
        y = to_numpy(y) if is_native(y) and not getattr(y, "traced", False) else y
        if is_native(y):
            raise TypeError(
                f"{type(estimator).__name__}.fit: y is traced, X is a NumPy array: pass X as pb.xp.asarray(X)"
            )
        reset = settings.pop("reset", True)
        return validate_data(estimator, X, y, dtype=FLOATS, reset=reset, **settings)
    X = _checked_native(estimator, X, reset=settings.get("reset", True))
    return X, _checked_target(estimator, X, y, settings)


def _checked_target(estimator: Any, X: Any, y: Any, settings: dict[str, Any]) -> Any:
    """The targets of an X that is native: on the host as scikit-learn checks them, or where X is."""
    name = type(estimator).__name__
    if not is_native(y):
        wanted = {key: settings[key] for key in ("multi_output", "y_numeric") if key in settings}
        y = _check_y(y, estimator=estimator, **wanted)
    else:
        home, there = home_of(X), home_of(y)
        if not same_home(home, there):
            raise TypeError(
                f"{name}.fit: X is an array of {home.name}, y one of {there.name}: pass y as pb.to_numpy(y), which is "
                "moved to X"
            )
        if not _is_finite(y):
            raise ValueError(f"{name}: y contains NaN or infinity")
    if y.ndim not in (1, 2) or y.shape[0] != X.shape[0]:
        raise ValueError(f"{name}.fit: X has {X.shape[0]} rows, y has shape {tuple(y.shape)}")
    return y


def refuse_dask(estimator: Any, *arrays: Any) -> None:
    """Refuse lazy arrays, which the checks would compute whole.

    Raises
    ------
    TypeError
    """
    for a in arrays:
        if hasattr(a, "to_dask_array"):
            raise TypeError(
                f"{type(estimator).__name__}: a {type(a).__name__} of Dask is no array: pass "
                "ddf[columns].to_dask_array(lengths=True) of it, or ddf[columns].values"
            )
    if any(map(is_dask, arrays)):
        raise TypeError(
            f"{type(estimator).__name__} takes no Dask arrays: it needs all rows at once. Pass X.compute() if a memory "
            "holds them, or a part, as X[:10000].compute(); linear models, logistic regression and the perceptrons "
            "learn block by block"
        )


def _checked_native(estimator: Any, X: Any, *, reset: bool) -> Any:
    """X, in float64 where it is not of a floating-point dtype that the solvers have, as scikit-learn casts it."""
    name = type(estimator).__name__
    if X.ndim != 2:
        raise ValueError(
            f"{name}: expected 2D array, got shape {tuple(X.shape)}; Reshape your data by X.reshape(-1, 1) "
            "if it has one feature"
        )
    if 0 in X.shape:
        raise ValueError(
            f"{name}: found array with shape {tuple(X.shape)}, a minimum of 1 is required"
        )
    if not _is_finite(X):
        raise ValueError(f"{name}: X contains NaN or infinity")
    if reset:
        estimator.n_features_in_ = X.shape[1]
    elif X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {name} is expecting {estimator.n_features_in_} features as input"
        )
    return _as_float(name, X)


def _is_finite(x: Any) -> bool:
    values = backend_array(x)
    namespace = backend_of(values).xp
    return bool(namespace.all(namespace.isfinite(values)))


def _as_float(name: str, X: Any) -> Any:
    dtype = as_numpy(X.dtype)
    if dtype in FLOATS:
        return X
    if dtype.kind == "c":
        raise ValueError(
            f"{name}: Complex data not supported: X is of {dtype}; pass X.real or abs(X)"
        )
    if type(X) is Array:
        return xp.astype(X, xp.float64)
    return backend_of(X).xp.astype(X, backend_of(X).xp.float64)


def check_weights(weights: ArrayLike, X: ArrayLike, dtype: DType) -> np.ndarray | None:
    """Sample weights (n,) on the host, none of them negative; None stays None.

    Raises
    ------
    ValueError
        For another shape, a negative weight, NaN, or weights that are all 0.
    """
    if weights is None:
        return None
    dtype = as_numpy(dtype)
    out = _check_sample_weight(
        on_host(weights), np.empty((X.shape[0], 1), dtype), dtype=dtype, ensure_non_negative=True
    )
    if not out.any():
        raise ValueError("sample_weight: all weights are 0; at least one has to be positive")
    return out


def on_host(x: Value) -> Any:
    """An array of a device on the host; anything else as it is.

    Raises
    ------
    TypeError
        If it is traced.
    """
    return to_numpy(x) if is_native(x) else x


def home_of(X: Value) -> Backend:
    """Where the work on data X is done: the backend of a native array, the active one for NumPy's."""
    return backend_of(backend_array(X)) if is_native(X) else current()


def home_for(X: Value, fitted: Value) -> Backend:
    """Where predictions at X are made: where X is, or for NumPy's where the `fitted` coefficients or samples are."""
    return home_of(X if is_native(X) else fitted)


def same_home(a: Backend, b: Backend) -> bool:
    """Whether arrays of two backends go together."""
    return a is b or (a.name == b.name and str(a.device) == str(b.device))


def moved(x: PyTree, home: Backend) -> Any:
    """The arrays of a tree, raw or `Array`, on a backend; those that are there already are not copied.

    Raises
    ------
    TypeError
        For a traced one that is elsewhere.
    """
    return tree.map(lambda leaf: _moved(leaf, home), x)


def _moved(x: Any, home: Backend) -> Any:
    values = backend_array(x)
    if not is_array(values) or same_home(backend_of(values), home):
        return x
    out = home.asarray(to_numpy(x))
    return Array(out) if type(x) is Array else out


def as_array(x: Value, dtype: DType = None, home: Backend | None = None) -> Any:
    """`x` as an `Array` of the backend `home`; by default of its own if it is native, and of the active one if not."""
    if is_native(x):
        out = xp.asarray(x if home is None else _moved(x, home))
        return out if dtype is None or out.dtype == as_numpy(dtype) else xp.astype(out, dtype)
    return Array(
        (home or current()).asarray(np.asarray(x), None if dtype is None else as_numpy(dtype))
    )


def as_array_like(x: Value, like: Any) -> Any:
    """A setting, a number or an array, as an `Array` in the dtype of the data and where they are."""
    out = as_array(x, home=backend_of(backend_array(like)))
    return out if out.dtype == like.dtype else xp.astype(out, like.dtype)


def restore_type(x: Value, like: ArrayLike) -> Any:
    """A result in the type of the user's data `like`: NumPy's, a device's raw array, or an `Array`.

    A traced one stays as it is.
    """
    if type(like) is Array or x.traced:
        return x
    if is_native(like):
        return backend_array(x)
    return to_numpy(backend_array(x))


def from_host(x: np.ndarray, like: ArrayLike) -> Any:
    """A result that was computed on the host, in the type of the user's data `like`.

    Labels that are no numbers stay NumPy's: no other library has them.
    """
    if not is_native(like) or x.dtype.kind not in "biufc":
        return x
    out = home_of(like).asarray(x)
    return Array(out) if type(like) is Array else out


def seed_of(random_state: Any) -> int:
    """A seed from an integer, a ``numpy.random.RandomState`` or None, as scikit-learn has them."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
