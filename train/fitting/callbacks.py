"""What a user's functions see of a training, and how they end it: callbacks after steps and epochs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autograd.core.array import Array, backend_array
from ...autograd.core.typing import PyTree
from ...autograd.pytree import tree
from ...distributed import DistributedError
from ..epochs import Ending
from ..errors import shown
from ..parallel.ranks import Ranks
from .bars import training_bar
from .result import Fit

MOMENTS = ("on_start", "on_step", "on_epoch", "on_end")

# What a callback wants, as ranks tell each other: above the numbers of signals.
ASKED, FAILED = 254, 255

# How other libraries name these moments.
_FOREIGN = (
    "on_train_begin", "on_train_start", "on_epoch_end", "on_train_epoch_end", "on_batch_end",
    "on_train_batch_end", "on_validation_epoch_end", "on_train_end", "on_fit_end",
)  # fmt: skip


class StopTraining(Exception):  # it is no error, as StopIteration is none
    """Raised by a callback of `fit` to end the training, with the reason as its message.

    The training ends as after a signal: `Fit.stopped` is "callback", `Fit.why` the message, the checkpoint is written,
    and `fit` returns. With ``resume=True`` it goes on.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> def enough(run):
    ...     if run.best.validation_loss < 0.05:
    ...         raise pb.train.StopTraining("good enough")
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> net = pb.models.MLP([1, 16, 1], activation="tanh", dtype="float64")
    >>> data = (x, x**2)
    >>> run = pb.train.fit(
    ...     net, pb.models.squared_error, data, data, pb.optim.Adam(0.01), callbacks=[enough]
    ... )
    >>> run.stopped, run.why, len(run.history) < 300
    ('callback', 'good enough', True)
    """


class Callbacks:
    """The callbacks of one training.

    Parameters
    ----------
    callbacks : iterable
        Functions of a `Fit`, which are called at the start and after every epoch; and objects with some of the methods
        of `MOMENTS`.
    ranks : Ranks or None
        They agree on what ends the training.

    Attributes
    ----------
    wanted : int
        0, `ASKED` or `FAILED`: what this rank's callbacks have come to, or after `agreed` any rank's.
    error : BaseException or None
        What a callback of this rank raised.

    Raises
    ------
    TypeError
        For what is neither, a class instead of an object, or an object with another library's methods.
    """

    def __init__(self, callbacks: Iterable[Any], ranks: Ranks | None = None) -> None:
        self.wanted = 0
        self.error: BaseException | None = None
        self._ranks = ranks
        self._why = ""
        self._of: dict[str, list[Callable[[Fit], Any]]] = {moment: [] for moment in MOMENTS}
        for callback in callbacks:
            for moment, function in _moments(callback).items():
                self._of[moment].append(function)
        own = int(any(self._of.values()))
        self._anywhere = bool(
            own if ranks is None else max(ranks.group.agree("fit: callbacks", own))
        )

    def has(self, moment: str) -> bool:
        """Whether there is something to call."""
        return bool(self._of[moment])

    @property
    def any(self) -> bool:
        """Whether there are callbacks here."""
        return any(self._of.values())

    def call(self, moment: str, run: Fit) -> int:
        """Call what there is for a moment, and return `wanted`; after an error nothing is called any more."""
        for function in self._of[moment]:
            if self.error is not None:
                break
            try:
                function(run)
            except StopTraining as stop:
                self._why = self._why or str(stop) or "a callback asked to stop"
                self.wanted = max(self.wanted, ASKED)
            # it is raised again when the state is on disk; Ctrl-C waits for nothing
            except (Exception, SystemExit) as error:
                self.error, self.wanted = error, FAILED
        return self.wanted

    def agreed(self) -> int:
        """`wanted` of any rank: all of them call this at the same place."""
        if self._ranks is not None and self._anywhere:
            self.wanted = max(self._ranks.group.agree("fit: what callbacks want", self.wanted))
        return self.wanted

    @property
    def ending(self) -> Ending | None:
        """What the callbacks ended the training by."""
        if not self.wanted:
            return None
        if self.wanted == FAILED:
            return "callback", "a callback failed"
        return "callback", self._why or "a callback of another rank asked to stop"

    def raise_error(self) -> None:
        """Raise what a callback raised.

        Raises
        ------
        DistributedError
            If it was one of another rank.
        """
        if self.error is not None:
            raise self.error
        if self.wanted == FAILED:
            message = (
                "fit: a callback of another rank failed, and ended the training of all of them"
            )
            if self._ranks is not None:
                # that rank raises its own error, and is the one to be reported
                self._ranks.group.agree(message, 0)
            raise DistributedError(message)


def read_only(model: PyTree) -> Any:
    """The same arrays, which cannot be written to by way of these: views, where they are NumPy's."""

    def view(leaf: Any) -> Any:
        raw = backend_array(leaf)
        if not isinstance(raw, np.ndarray):
            return leaf
        own = raw.view()
        own.flags.writeable = False
        return Array(own) if isinstance(leaf, Array) else own

    return tree.map(view, model)


def listed(callbacks: Any, *functions: Any) -> list[Any]:
    """The functions that there are, and the callbacks.

    Raises
    ------
    TypeError
        For callbacks that are no list.
    """
    if isinstance(callbacks, list | tuple):
        return [*(function for function in functions if function is not None), *callbacks]
    raise TypeError(f"fit: callbacks={shown(callbacks)}; it is a list: callbacks=[...]")


@contextlib.contextmanager
def progress_of(
    progress: Any, epochs: int, patience: int, rank: int
) -> Iterator[Callable[[Fit], None] | None]:
    """What shows how far a training is: a bar, a function of the caller's, or nothing.

    Raises
    ------
    TypeError
        For what is neither a function nor True or False.
    """
    if progress is True:
        with training_bar(epochs, rank) as bar:
            settings = _Patient(patience)
            yield lambda run: bar.show(run, settings)
    elif progress is False:
        yield None
    elif callable(progress):
        yield progress
    else:
        raise TypeError(
            f"fit: progress={shown(progress)}; it is True for a bar, False, or a function of a Fit"
        )


@dataclass(frozen=True)
class _Patient:
    patience: int


def _moments(callback: Any) -> dict[str, Callable[[Fit], Any]]:
    """The functions of a callback by their moments."""
    if isinstance(callback, type):
        raise TypeError(
            f"fit: the callback {callback.__name__} is a class: give an object of it, {callback.__name__}()"
        )
    found = {name: getattr(callback, name) for name in MOMENTS if hasattr(callback, name)}
    wrong = [name for name, function in found.items() if not callable(function)]
    if found and not wrong:
        return found
    if callable(callback) and not wrong:
        return {"on_start": callback, "on_epoch": callback}
    foreign = [name for name in _FOREIGN if hasattr(callback, name)]
    wrong += [f"{foreign[0]}, which nothing calls here"] if foreign else []
    has = f" (it has {wrong[0]})" if wrong else ""
    raise TypeError(
        f"fit: the callback {shown(callback)}{has} is neither a function of a Fit nor an object with some of the "
        f"methods {', '.join(MOMENTS)}"
    )
