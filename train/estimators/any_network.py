"""Estimators of any network: convolutions, layers of one's own, whatever a function makes for the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import models
from ...autograd import to_numpy
from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import is_inexact
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import ArrayLike, PyTree
from ...autograd.pytree import tree
from ...backend import current, is_array
from ...models.module import children, trains_differently
from ..data.device_data import to_device_if_it_fits
from ..measure import predict
from .arrays import from_host, moved
from .blocks.lazy import lazy
from .mlp import MLPClassifier, MLPRegressor
from .perceptron import remember

# Rows of a prediction at once: hidden layers may be many times as large as inputs.
_ROWS = 512


def _perceptron(n_features: int, n_outputs: int, seed: int) -> models.MLP:
    """The network where none is given: a hidden layer of 100."""
    return models.MLP([n_features, 100, n_outputs], init="glorot", seed=seed)


@dataclass(frozen=True)
class AnyNetwork:
    """A network that a function makes; it has what `Network` has.

    Attributes
    ----------
    factory : callable
        ``factory(n_features, n_outputs, seed)``.
    sizes : tuple of int
        Widths of inputs and outputs.
    dtype : str
        To which floating-point leaves are cast.
    owner : str
        The estimator's name, for messages.
    """

    factory: Callable[[int, int, int], Any]
    sizes: tuple[int, int]
    dtype: str
    owner: str

    # every step is that of a model with a training mode, which any model may have
    stochastic = True
    dropout = 1.0
    batch_norm = True

    def init(self, seed: int) -> Any:
        """A new model.

        Raises
        ------
        TypeError
            If the function gives something else.
        """
        model = self.factory(*self.sizes, seed)
        arrays = [leaf for leaf in tree.leaves(model) if is_array(backend_array(leaf))]
        if not callable(model) or not arrays:
            raise TypeError(
                f"{self.owner}: model(n_features, n_outputs, seed) returned {type(model).__name__}: it has to return a "
                "model, a pytree of arrays that can be called"
            )
        return tree.map(lambda leaf: _cast(leaf, self.dtype), model)

    def weights(self, model: PyTree) -> list[Any]:
        """The arrays of two or more axes among the parameters, on which the penalty is."""
        pairs = zip(tree.leaves(model), tree.leaves(models.parameter_mask(model)), strict=True)
        return [p for p, own in pairs if own and p.ndim >= 2 and is_inexact(p.dtype)]

    def parameters(self, model: PyTree) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """None: a network need not be made of affine maps."""
        return [], []

    def linear_layers(self, model: PyTree) -> Iterator[Any]:
        """None."""
        return iter(())

    def outputs(self, model: PyTree, x: np.ndarray) -> np.ndarray:
        """Outputs (n, k) for prediction, computed on the device in float64."""
        home = current()
        exact = moved(tree.map(lambda leaf: _cast(leaf, "float64"), model), home)
        (inputs,) = to_device_if_it_fits((np.ascontiguousarray(x, dtype=np.float64),), home)
        found = to_numpy(predict(exact, inputs, rows=_ROWS))
        if found.shape != (len(x), self.sizes[1]):
            raise ValueError(
                f"{self.owner}: the model gives outputs of shape {found.shape} for {len(x)} samples; "
                f"it has to give {(len(x), self.sizes[1])}"
            )
        return found


def _cast(leaf: PyTree, dtype: str) -> Any:
    values = backend_array(leaf)
    if not is_array(values) or not is_inexact(values.dtype):
        return leaf
    return namespace_of(values).astype(values, np.dtype(dtype))


def _has_mode(model: PyTree) -> bool:
    """Whether training a model differs from calling it: containers do as their parts do."""
    if getattr(model, "dropout", 0):
        return True
    inside = [child for _, child in children(model)]
    if inside and type(model).__module__.startswith(models.__name__ + "."):
        return any(map(_has_mode, inside))
    return trains_differently(model)


class _OfAnyNetwork:
    """What both estimators have instead of hidden layers."""

    # of perceptrons, which read them; they are no parameters here
    hidden_layer_sizes: tuple[int, ...] = ()
    activation = "identity"
    dropout = 0.0
    batch_norm = False

    # set by the estimator's __init__ and its fit
    model: Any
    solver: str
    dtype: str
    n_features_in_: int
    model_: Any
    _network: Any

    def _make_network(self, outputs: int) -> Any:
        factory = _perceptron if self.model is None else self.model
        name = type(self).__name__
        if not callable(factory) or isinstance(factory, models.Module):
            # the numbers of a network would hide what is said
            given = repr(factory) if not callable(factory) else f"{type(factory).__name__}(…)"
            raise TypeError(
                f"{name}: model={given}; it has to be a function of (n_features, n_outputs, seed) that returns a "
                "model, or None"
            )
        network = AnyNetwork(
            factory, (self.n_features_in_, outputs), str(np.dtype(self.dtype)), name
        )
        if self.solver == "lbfgs" and _has_mode(network.init(0)):
            raise ValueError(
                f"{name}: solver='lbfgs' knows no training mode, which the model has: use 'adam' or 'sgd'"
            )
        return network

    def _begin(self, outputs: int) -> None:
        super()._begin(outputs)  # type: ignore[misc]  # that of the perceptron, which stands to the right
        # outputs of another width are found before a loss makes something of them
        self._network.outputs(self.model_, np.zeros((2, self.n_features_in_)))

    def _set_coefficients(self) -> None:
        """No matrices and biases: the parameters are those of ``model_``."""


_PARAMETERS = """Parameters
    ----------
    model : callable, optional
        ``model(n_features, n_outputs, seed)``, which returns a model: any callable pytree from `pb.models` or of one's
        own, of rows (n, n_features) to outputs (n, n_outputs). It is called for each `fit` that begins anew, its
        floating-point arrays are cast to `dtype`, and its method ``training`` is used where it has one. None: a
        perceptron with a hidden layer of 100.
    loss, solver, alpha, l1, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, batches, \
random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1, \
beta_2, epsilon, n_iter_no_change, max_fun, {more}callbacks, dtype, precision, compile
        As in `{like}`. The penalties are on arrays of two axes or more."""


class NetworkClassifier(_OfAnyNetwork, MLPClassifier):
    """Classes by any network: logits of the classes, two for two classes, and their softmax.

    {parameters}

    Attributes
    ----------
    classes_ : array (n_classes,)
    model_ : pytree
        The network; its leaves lie on the device.
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_, n_iter_, t_, n_outputs_, n_features_in_
        As in `MLPClassifier`.

    Examples
    --------
    >>> import pullback as pb
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> M = pb.models
    >>> class Images(M.Module):
    ...     def __call__(self, x):
    ...         return pb.xp.reshape(x, (-1, 1, 8, 8))
    >>> def network(n_features, n_outputs, seed):
    ...     conv = M.Conv2d.init(1, 8, 3, padding="same", seed=seed)
    ...     return M.Sequential(Images(), conv, "relu", M.MaxPool2d(2), M.Flatten(), M.Linear.init(128, n_outputs))
    >>> model = pb.train.NetworkClassifier(network, max_iter=20, learning_rate_init=0.01, tol=0, random_state=0)
    >>> import warnings; warnings.simplefilter("ignore")
    >>> bool(model.fit(X / 16, y).score(X / 16, y) > 0.95)
    True
    """

    def __init__(
        self,
        model: Any = None,
        *,
        loss: Any = "log_loss",
        solver: str = "adam",
        alpha: float = 0.0001,
        l1: float = 0.0,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        batches: str = "shuffled",
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        callbacks: Sequence[Callable[..., Any]] = (),
        dtype: str = "float32",
        precision: str = "float32",
        compile: bool = True,
    ) -> None:
        remember(self, locals())

    def _width(self) -> int:
        return len(self.classes_)

    @lazy
    def decision_function(self, X: ArrayLike) -> Any:
        """Logits (n_samples, n_classes); for two classes the second one's minus the first one's, (n_samples,)."""
        logits = self._outputs(X)
        return from_host(logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits, X)


class NetworkRegressor(_OfAnyNetwork, MLPRegressor):
    """Numbers by any network, one or several a sample.

    {parameters}

    Attributes
    ----------
    model_, loss_, best_loss_, loss_curve_, n_iter_, t_, n_outputs_, n_features_in_
        As in `MLPRegressor`.
    validation_scores_, best_validation_score_
        R² after each epoch with early stopping; None without.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> M = pb.models
    >>> def network(n_features, n_outputs, seed):
    ...     first = M.Linear.init(n_features, 16, seed=seed)
    ...     return M.Sequential(first, "gelu", M.Linear.init(16, n_outputs, seed=seed))
    >>> model = pb.train.NetworkRegressor(network, solver="lbfgs", dtype="float64", random_state=0)
    >>> bool(model.fit(X, np.sin(4 * X[:, 0])).score(X, np.sin(4 * X[:, 0])) > 0.99)
    True
    """

    def __init__(
        self,
        model: Any = None,
        *,
        loss: Any = "squared_error",
        solver: str = "adam",
        alpha: float = 0.0001,
        l1: float = 0.0,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        batches: str = "shuffled",
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        callbacks: Sequence[Callable[..., Any]] = (),
        dtype: str = "float32",
        precision: str = "float32",
        compile: bool = True,
    ) -> None:
        remember(self, locals())


for _cls, _like, _more in (
    (NetworkClassifier, "MLPClassifier", "class_weight, "),
    (NetworkRegressor, "MLPRegressor", ""),
):
    # Python removes docstrings under -OO
    if _cls.__doc__ is not None:
        _cls.__doc__ = _cls.__doc__.replace(
            "{parameters}", _PARAMETERS.format(like=_like, more=_more)
        )
