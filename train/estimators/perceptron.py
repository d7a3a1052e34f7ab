"""The base of both multilayer perceptrons: training by epochs or by L-BFGS, and outputs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import (
    BaseEstimator,
    is_classifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted

from ...autograd import to_numpy
from ...autograd.core.array import backend_array
from ...autograd.core.typing import ArrayLike, PyTree
from ...autograd.functions import random
from ...autograd.pytree import tree
from ...backend import Backend, current
from ..data.device_data import to_device_if_it_fits
from ..data.orders import orders
from ..epochs import Ending, Training, run_epochs
from ..replay import kernels_pay, refusal, replayed_step
from ..step import LossSum, copy_leaves
from ..stopping import Improvement
from .arrays import HOST, check_inputs, moved, on_host, seed_of
from .blocks.batches import BlockData, held_blocks, shortest_batch
from .blocks.rows import Rows, host
from .blocks.totals import BlockTotal
from .losses import objective_for
from .network import Network
from .settings import batch_rows, hidden_layers, optimizer_of
from .training import BlockLoss, Data, Objective, Trainable, full_batch, trainable

# A part kept apart: outputs are measured against it after each epoch.
Validation = tuple[Any, np.ndarray] | BlockData | None


def remember(estimator: Any, given: dict[str, Any]) -> None:
    """Keep the arguments of an ``__init__`` as they came, which scikit-learn's protocol demands."""
    for setting, value in given.items():
        if setting not in ("self", "__class__"):
            setattr(estimator, setting, value)


def by_minibatches(estimator: Any) -> bool:
    """Whether the estimator has a `partial_fit`: L-BFGS needs all samples at once."""
    return estimator.solver != "lbfgs"


def _at(state: dict[str, Any], home: Backend) -> dict[str, Any]:
    """The attributes of an estimator, those that hold arrays of a device moved to another backend."""
    for name in ("model_", "_state"):
        if name in state:
            state[name] = moved(state[name], home)
    if "_rule" in state:
        state["_rule"] = replace(state["_rule"], model=moved(state["_rule"].model, home))
    return state


class Perceptron(BaseEstimator):
    """The base of both perceptrons: training, and the outputs for predictions."""

    # What differs: targets (n,) or (n, k) as the loss takes them, and a score of outputs on a validation part.
    _losses: dict[str, Any]

    # What training leaves.
    model_: PyTree
    n_outputs_: int
    _state: PyTree

    def _score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        raise NotImplementedError(f"{type(self).__name__} has no score for early stopping")

    def _score_blocks(self, pairs: Iterator[tuple[np.ndarray, np.ndarray]]) -> float:
        raise NotImplementedError(f"{type(self).__name__} has no score of blocks")

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle keeps: arrays lie on the host, so that any machine can read them."""
        return _at(dict(super().__getstate__()), HOST)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(_at(dict(state), current()))

    # ── training ──────────────────────────────────────────────────────────────────────────────

    def _train(
        self,
        X: ArrayLike,
        targets: np.ndarray,
        weights: np.ndarray | None,
        outputs: int,
        *,
        incremental: bool,
    ) -> None:
        X = on_host(X)
        self._check_rows(len(X), incremental)
        objective = self._ready(outputs, incremental)
        self._learn_from(*self._placed(X, targets, weights, incremental), objective, incremental)

    def _train_blocks(self, rows: Rows, outputs: int, *, incremental: bool) -> None:
        """Train on Dask arrays, with weights of mean 1; a single block is an array in memory."""
        if sum(n > 0 for n in rows.sizes) == 1:
            x, y, w = rows.block(int(np.argmax(rows.sizes)))
            x, y, w = host(x), host(y), None if w is None else host(w)
            self._train(x, y, w, outputs, incremental=incremental)
            return
        objective = self._ready(outputs, incremental)
        kept = [i for i, n in enumerate(rows.sizes) if n]
        held: list[int] = []
        if self.early_stopping and not incremental:
            kept, held = held_blocks(rows.sizes, float(self.validation_fraction), self._seed)
        data = BlockData(rows, tuple(kept), self.dtype)
        if self.batch_norm and shortest_batch(data.sizes, batch_rows(self, len(data)), 2) < 2:
            raise ValueError(
                f"{type(self).__name__}: batch_norm=True takes statistics over the samples of a batch, and a block has "
                "one row alone: rechunk X, as by X.rechunk({0: 'auto', 1: -1}), or use batch_norm=False"
            )
        validation = BlockData(rows, tuple(held), self.dtype) if held else None
        self._learn_from(data, validation, objective, incremental)

    def _ready(self, outputs: int, incremental: bool) -> Objective:
        """A new network, or the last one where it is to go on; the objective."""
        objective = objective_for(self, self._losses)
        fresh = not (incremental or self.warm_start) or not hasattr(self, "model_")
        if not fresh and (
            self.n_outputs_ != outputs or self._network != self._make_network(outputs)
        ):
            raise ValueError(
                f"{type(self).__name__}: the network has changed since the last fit; refit it with warm_start=False"
            )
        if fresh:
            self._begin(outputs)
        else:
            # it may have learned elsewhere before
            self.model_, self._state = moved((self.model_, self._state), current())
            if not incremental:
                self._state = None
        return objective

    def _learn_from(
        self,
        data: Data | BlockData,
        validation: Validation,
        objective: Objective,
        incremental: bool,
    ) -> None:
        if self.solver == "lbfgs":
            self._minimise(data, objective)
        else:
            self._run_epochs(
                data, validation, objective, 1 if incremental else int(self.max_iter), incremental
            )
        self._set_coefficients()

    def _check_rows(self, n: int, incremental: bool) -> None:
        """Refuse too few rows for a validation part, or for statistics over the rows of a batch."""
        name, kept = type(self).__name__, n
        if self.early_stopping and not incremental:
            held = math.ceil(self.validation_fraction * n)
            if held < 2:
                raise ValueError(
                    f"{name}: The validation set is too small: {held} of {n} samples; Increase 'validation_fraction' "
                    "or the size of your dataset."
                )
            kept = n - held
        if self.batch_norm and kept < 2:
            raise ValueError(
                f"{name}: batch_norm=True takes statistics over the samples of a batch: 2 or more are needed to train "
                f"on, here {'is' if kept == 1 else 'are'} {kept}; collect them, or use batch_norm=False"
            )

    def _make_network(self, outputs: int) -> Network:
        sizes = (self.n_features_in_, *hidden_layers(self), outputs)
        return Network(
            sizes,
            self.activation,
            float(self.dropout),
            bool(self.batch_norm),
            str(np.dtype(self.dtype)),
        )

    def _begin(self, outputs: int) -> None:
        self._seed = seed_of(self.random_state)
        self._network = self._make_network(outputs)
        self.model_ = self._network.init(self._seed)
        self.n_outputs_, self.n_layers_ = outputs, len(self._network.sizes)
        self._rng = np.random.default_rng(self._seed)
        self._state, self._rule, self.t_ = None, self._new_rule(), 0

    def _placed(
        self, X: np.ndarray, targets: np.ndarray, weights: np.ndarray | None, incremental: bool
    ) -> tuple[Data, tuple[Any, np.ndarray] | None]:
        """The training part on the device; the validation part, where one is kept apart."""
        validation = None
        if self.early_stopping and not incremental:
            labels = targets if is_classifier(self) else None
            kept, held = train_test_split(
                np.arange(len(X)),
                test_size=self.validation_fraction,
                random_state=self._seed,
                stratify=labels,
            )
            if is_classifier(self) and len(held) < len(self.classes_):
                raise ValueError(
                    f"The validation set is too small: {len(held)} samples for {len(self.classes_)} classes; raise "
                    "validation_fraction"
                )
            validation = (X[held], targets[held])
            X, targets = X[kept], targets[kept]
            weights = None if weights is None else weights[kept]
            if weights is not None and not weights.any():
                raise ValueError(
                    f"{type(self).__name__}: all samples with a weight above 0 are in the validation part; lower "
                    "validation_fraction"
                )
        y = self._cast(targets) if targets.dtype.kind == "f" else targets
        w = None if weights is None else self._cast(weights / weights.mean())
        parts = (self._cast(X), y, w)
        # all samples are used at once, so they have to fit in memory
        if self.solver == "lbfgs":
            home = current()
            return Data(*(None if a is None else home.asarray(a) for a in parts)), validation
        return Data(*to_device_if_it_fits(parts, current())), validation

    def _cast(self, x: np.ndarray) -> np.ndarray:
        # An overflow becomes an infinity, and the loss reports it.
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(x, dtype=self.dtype)

    def _run_epochs(
        self,
        data: Data | BlockData,
        validation: Validation,
        objective: Objective,
        epochs: int,
        incremental: bool,
    ) -> None:
        rows, n, home = batch_rows(self, len(data)), len(data), current()
        form = trainable(
            self._network,
            objective,
            optimizer_of(self, rows),
            self.model_,
            precision=self.precision,
            l1=float(self.l1) / rows,
        )
        training = self._begin_training(form, epochs * data.steps(rows), home)
        self._rate = float(self.learning_rate_init)
        # epochs of this call, as scikit-learn counts; t_ and loss_curve_ go on
        self.n_iter_ = 0
        rule = self._rule
        watched = validation is not None or len(self.callbacks) > 0

        def after_epoch(epoch: int) -> Ending | None:
            loss = self._finish_epoch(training, n)
            if watched:
                self.model_ = form.unpack(training.parameters)
            score = None
            if validation is not None:
                score = self._score_on(validation)
            if rule.note(loss, score):
                rule.model = self.model_
            if self._report_epoch(loss, score):
                return "callback", f"a callback ended the training (epoch {epoch})"
            return None if incremental or self._lowered_rate() else rule.ended(epoch)

        order = self._order(data, rows)
        try:
            ended = run_epochs(
                training, epochs, lambda: self._batches(data, rows, home, order), after_epoch
            )
        except BaseException:
            # Ctrl-C, too, leaves what was learned.
            self.model_ = form.unpack(training.parameters)
            raise
        if ended is None and not incremental:
            warnings.warn(
                f"{type(self).__name__}: Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached "
                "and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=5,
            )
        self.model_ = form.unpack(training.parameters) if rule.model is None else rule.model
        self.eager_ = training.step.eager
        if self.verbose and refusal(self.eager_):
            print(refusal(self.eager_))
        self._set_curves(rule)

    def _begin_training(self, form: Trainable, steps: int, home: Backend) -> Training[LossSum]:
        """The parameters in a form that a step takes, and the optimiser's state: the last one, or a new one."""
        if self._state is None:
            self._rule = self._new_rule()
        made_for = (self.solver, bool(self.momentum), self.precision == "float16", bool(self.l1))
        # another solver begins anew
        changed = getattr(self, "_state_form", made_for) != made_for
        # A step writes into what it is given: these arrays are nobody else's.
        parameters = form.pack(self.model_)
        fresh = changed or self._state is None
        self._state = copy_leaves(form.opt.init(parameters) if fresh else self._state)
        self._state_form = made_for
        # The best weights are those of this call: `partial_fit` must not go back to those of an earlier `fit`.
        self._rule.model = None
        step = replayed_step(
            form.step,
            home,
            self.precision,
            steps=steps,
            compile=self.compile,
            kernels=kernels_pay(self.model_, steps),
        )
        return Training(step, parameters, self._state, LossSum.new(home))

    def _new_rule(self) -> Improvement:
        return Improvement(float(self.tol), float(self.n_iter_no_change))

    @property
    def _least(self) -> int:
        """The fewest rows of a last batch."""
        return 2 if self._network.batch_norm else 1

    def _score_on(self, validation: tuple[Any, np.ndarray] | BlockData) -> float:
        if isinstance(validation, BlockData):
            pairs = validation.host_blocks()
            return self._score_blocks((self._network.outputs(self.model_, x), y) for x, y in pairs)
        return self._score(self._network.outputs(self.model_, validation[0]), validation[1])

    def _order(self, data: Data | BlockData, rows: int) -> Callable[[], Any]:
        """A function that gives the order of the rows for an epoch; None for their own."""
        if isinstance(data, BlockData):
            kind = self.batches if self.shuffle else None
            return data.order(kind, rows, self._least, self._seed, self._rng)
        n = len(data)
        if not self.shuffle:
            return lambda: None
        return orders(self.batches, n, rows, self._least, self._rng)

    def _batches(
        self, data: Data | BlockData, rows: int, home: Backend, order: Callable[[], Any]
    ) -> Iterator[tuple[Any, ...]]:
        """The arguments of a step, for each batch of one epoch: x, y, weights, key, learning rate."""
        seed = int(self._rng.integers(2**31)) if self._network.stochastic else 0
        keys = random.stream(seed) if self._network.dropout else lambda: None
        seen = self.t_
        for x, y, *weights in data.batches(order, rows, home, self._least):
            seen += x.shape[0]
            yield x, y, weights[0] if weights else None, keys(), self._rate_at(seen)

    def _finish_epoch(self, training: Training[LossSum], n: int) -> float:
        """The epoch's mean loss; what is counted by epochs goes on by one."""
        loss = training.tally.take() / n
        self._state = training.state
        self.n_iter_ += 1
        self.t_ += n
        if not np.isfinite(loss):
            raise ValueError(
                f"{type(self).__name__}: the loss became {loss} in epoch {self.n_iter_}; Solver produced "
                "non-finite parameter weights: the input data may contain large values and need to be "
                "preprocessed, or learning_rate_init may be too large"
            )
        return loss

    def _rate_at(self, seen: int) -> float | None:
        """The learning rate after so many samples; None for the optimiser's own, which is constant."""
        if self.solver == "sgd" and self.learning_rate == "invscaling":
            return self._rate / seen**self.power_t
        return None if self._rate == self.learning_rate_init else self._rate

    def _lowered_rate(self) -> bool:
        """Whether an adaptive learning rate fell instead of ending the training for lack of improvement."""
        falls = self.learning_rate == "adaptive" and self.solver == "sgd" and self._rate > 1e-6
        if falls and self._rule.ended(self.n_iter_) is not None:
            self._rate, self._rule.idle = self._rate / 5, 0
            return True
        return False

    def _report_epoch(self, loss: float, score: float | None) -> bool:
        """Print the epoch and call the callbacks; return whether one of them ends the training."""
        if self.verbose:
            scored = "" if score is None else f", validation score {score:.4f}"
            print(f"Iteration {self.n_iter_}, loss = {loss:.8f}{scored}")
        # All of them are called, whichever ends the training.
        ends = [bool(callback(self, self.n_iter_, loss, score)) for callback in self.callbacks]
        return any(ends)

    def _minimise(self, data: Data | BlockData, objective: Objective) -> None:
        model, n = self.model_, len(data)
        mean: Callable[[Any], Any]
        if isinstance(data, BlockData):
            # parameters travel to the blocks and gradients back: both are on the host
            model = tree.map(lambda leaf: to_numpy(backend_array(leaf)), model)
            rows = Rows(data.rows.X.astype(self.dtype), data.cast_targets(), data.rows.weights)
            total = BlockTotal(BlockLoss(objective), rows, model)
            mean = lambda model: total(model) / n
        else:
            mean = lambda model: objective(model(data.x), data.y, data.weights)
        found = full_batch(
            self._network,
            mean,
            model,
            n,
            alpha=float(self.alpha),
            tol=float(self.tol),
            maxiter=int(self.max_iter),
            maxfun=int(self.max_fun),
        )
        self.model_ = tree.map(lambda leaf: current().asarray(backend_array(leaf)), found.x)
        self.n_iter_ = int(found.nit)
        if not found.success:
            why = "max_fun evaluations are made" if found.status == 99 else found.message
            warnings.warn(
                f"{type(self).__name__}: lbfgs failed to converge in {self.n_iter_} of max_iter={self.max_iter} steps: "
                f"{why}",
                ConvergenceWarning,
                stacklevel=4,
            )
        self._rule = self._new_rule()
        self._rule.note(float(found.fun), None)
        self._set_curves(self._rule)

    def _set_curves(self, rule: Improvement) -> None:
        """Set the attributes that scikit-learn's estimators have of the losses and scores."""
        self.loss_curve_ = list(rule.losses)
        self.loss_, self.best_loss_ = rule.losses[-1], rule.best_loss
        self.validation_scores_ = list(rule.scores) or None
        self.best_validation_score_ = max(rule.scores) if rule.scores else None

    def _set_coefficients(self) -> None:
        self.coefs_, self.intercepts_ = self._network.parameters(self.model_)

    # ── prediction ────────────────────────────────────────────────────────────────────────────

    def _outputs(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        return self._network.outputs(self.model_, on_host(check_inputs(self, X)))
