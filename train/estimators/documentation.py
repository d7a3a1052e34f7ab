"""The parameters that both multilayer perceptrons share, written once for both docstrings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

C = TypeVar("C", bound=type)

PARAMETERS = """Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(100,)
        Widths of the hidden layers.
    activation : str, default="relu"
        Of the hidden layers: "identity", "logistic", "tanh", "relu", or another name in `pb.models.ACTIVATIONS`.
    loss : str or callable
        {losses}; or a function of outputs (n, k) and targets in functions of `pb.xp`, that returns one loss for each
        sample, or their mean.
    solver : {{"adam", "sgd", "lbfgs"}}
    alpha : float, default=0.0001
        Penalty ½ alpha ‖W‖² on the weight matrices, never on biases, as scikit-learn's: `pb.optim`'s
        ``mask="matrices"``. It is divided by the number of samples of a batch, and the optimiser's coupled decay, so
        that ``loss_`` does not contain it.
    l1 : float, default=0
        Penalty l1 Σ |W| on the weight matrices, divided by the number of samples of a batch as `alpha`. With "sgd" by
        its proximal step, which makes weights exactly 0; with "adam" by its subgradient. "lbfgs" takes none.
    batch_size : int or "auto"
        "auto" is min(200, n_samples).
    learning_rate : {{"constant", "invscaling", "adaptive"}}
        Of "sgd": fixed; learning_rate_init / t^power_t with t samples seen; or divided by 5 whenever `n_iter_no_change`
        epochs brought nothing.
    learning_rate_init : float, default=0.001
    power_t : float, default=0.5
    max_iter : int, default=200
        Epochs; iterations of "lbfgs".
    shuffle : bool, default=True
        Take the samples in a random order, as `batches` says; else in their own.
    batches : {{"shuffled", "once", "drawn"}}
        Draw the order anew in each epoch; once in a call of `fit`; or draw the samples of each batch anew from all of
        them. Of Dask arrays block after block, each computed once an epoch and alone in memory: blocks in a random
        order, and batches of the samples of one block in a random order. That is no shuffle of all samples: where
        blocks differ from each other, shuffle the files once. "lbfgs" takes each value with its gradient from one pass
        over the blocks, as for arrays in memory. Before all, a pass looks at all numbers.
    random_state : int, RandomState or None
        Of the initial weights, the order, the validation part, dropout, and ties. The same integer gives the same
        model.
    tol : float, default=1e-4
        An epoch that is not better than the best one by so much is idle.
    verbose : bool
        Print the loss of every epoch.
    warm_start : bool
        `fit` goes on from the last weights.
    momentum, nesterovs_momentum : float, bool
        Of "sgd".
    early_stopping : bool
        Keep `validation_fraction` of the samples apart, stop when the score on them no longer rises, and keep the best
        weights. Of Dask arrays ``max(1, round(validation_fraction · blocks))`` whole blocks, drawn from `random_state`.
    validation_fraction : float, default=0.1
    beta_1, beta_2, epsilon : float
        Of "adam".
    n_iter_no_change : int, default=10
        Idle epochs before the training ends.
    max_fun : int, default=15000
        Evaluations at most, of "lbfgs".
    dropout : float, default=0
        Probability that a hidden unit is left out, in training.
    batch_norm : bool, default=False
        Batch normalisation before each hidden activation, with running statistics for prediction.
    callbacks : sequence of callable
        ``callback(estimator, epoch, loss, score)`` after every epoch, `score` on the validation part or None; training
        ends if one returns True.
    dtype : {{"float32", "float64"}}
        Of weights and computation.
    precision : {{"float32", "tf32", "bfloat16", "float16"}}
        To what the operands of products are rounded in training by minibatches, with a dtype of float32, as in
        `pb.compile`; with float16 the loss is scaled (`pb.optim.LossScaling`).
    compile : bool, default=True
        Record the minibatch's step once and replay it (`pb.compile`): a `loss` of one's own is then a function of
        arrays alone. Fewer than 50 steps, and what cannot be recorded, run as they are; ``eager_`` says why.{more}"""


def with_parameters(*, losses: str, more: str = "") -> Callable[[C], C]:
    """A decorator that puts the shared parameters in place of the line ``{parameters}`` of a class's docstring.

    Parameters
    ----------
    losses : str
        The names of the losses.
    more : str
        Parameters that only this class has.
    """
    text = PARAMETERS.format(losses=losses, more=more)

    def decorate(cls: C) -> C:
        # Python removes docstrings under -OO.
        if cls.__doc__ is not None:
            cls.__doc__ = cls.__doc__.replace("{parameters}", text)
        return cls

    return decorate
