"""Models as pytrees: dataclasses that are called like functions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

from ..autograd.core.array import Array, unwrap_closed
from ..autograd.core.typing import PyTree, Value
from ..autograd.pytree import tree
from .summary import summary


def state(**options: Any) -> Any:
    """A field of a module that training mode renews and no gradient reaches, such as a running mean.

    Parameters
    ----------
    **options
        As for `dataclasses.field`.

    Examples
    --------
    >>> import pullback as pb
    >>> class Counter(pb.models.Module):
    ...     count: object = pb.models.state()
    ...     def __call__(self, x):
    ...         return x
    ...     def training(self, x, *, key=None):
    ...         return x, Counter(self.count + 1)
    >>> Counter(pb.xp.asarray(0)).training(1.0)[1].count
    Array(1, dtype=int64, device='cpu')
    """
    metadata = {**options.pop("metadata", {}), "state": True}
    return dataclasses.field(metadata=metadata, **options)


_PACKAGE = __name__.rpartition(".")[0] + "."


@dataclass_transform(field_specifiers=(dataclasses.field, tree.static, state))
class Module:
    """A model: a dataclass whose fields are arrays, other models, or `tree.static` settings.

    A subclass becomes a dataclass and a pytree by being written. It holds raw arrays of the backend; under
    `grad` they are traced ones, and a gradient with respect to a model is a model of gradients.

    ``model(x)`` is inference. In training mode, ``y, model = model.training(x, key=key)`` gives the outputs and the
    model with its new state, such as running statistics.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> class Scale(pb.models.Module):
    ...     factor: np.ndarray
    ...     def __call__(self, x):
    ...         return x * self.factor
    >>> pb.grad(lambda m: pb.xp.sum(m(np.ones(3))))(Scale(np.asarray(2.0)))
    Scale(factor=array(3.))
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in cls.__dict__:
            cls.__init__ = _declared(cls.__init__)  # type: ignore[method-assign]  # checks what it sets
        tree.register(dataclasses.dataclass(eq=False)(cls))
        if (
            "__init__" in cls.__dict__
            and cls.__module__.startswith(_PACKAGE)
            and hasattr(cls, "init")
        ):
            cls.__init__ = _of_arrays(cls.__init__)  # type: ignore[method-assign]  # checks what it is given

    def __call__(self, x: Value) -> Any:
        """The model's output for the inputs `x`."""
        raise NotImplementedError(
            f"{type(self).__name__} has no __call__: write what it computes from x"
        )

    if TYPE_CHECKING:
        # Layers take one input or several, which no signature of a base class says.
        def training(self, x: Value, *, key: Any = None) -> tuple[Any, Any]:
            """The output in training mode, and the model with its new state."""

    else:

        def training(self, *x: Value, key: Any = None) -> tuple[Any, Any]:
            """The output in training mode, and the model with its new state.

            Parameters
            ----------
            *x : array
                Inputs, as the model is called with.
            key : array uint32 (2,), optional
                What random layers draw from; the same key draws the same (`pb.random.key`).

            Returns
            -------
            y : Array
            model : Module
                This one where there is no state. After `value_and_grad` with ``has_aux=True`` its arrays are
                `pb.Array`s; `plain` takes them out.

            Raises
            ------
            NotImplementedError
                If the class holds layers that behave differently in training and does not say how to train them. Layers
                whose dropout is 0 do not.
            """
            for name, child in children(self):
                if has_mode(child):
                    raise NotImplementedError(
                        f"{type(self).__name__} holds {name}, a {type(child).__name__}, which behaves differently in "
                        f"training: write {type(self).__name__}.training(x, *, key=None), which returns (y, model)"
                    )
            return self(*x), self

    def summary(self, input_shape: int | tuple[int, ...] | None = None) -> str:
        """A table of layers, shapes of their outputs, and numbers of parameters.

        Parameters
        ----------
        input_shape : int or tuple of int, optional
            Shape of the inputs, such as ``(32, 64)`` for a batch of 32; the model is then run on zeros, so that the
            outputs' shapes are known.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If the model takes no inputs of that shape; the layer's own error is the cause.
        TypeError
            For what is no shape, such as the inputs themselves.

        Examples
        --------
        >>> import pullback as pb
        >>> print(pb.models.MLP([4, 8, 3], activation="tanh").summary((32, 4)))
        layer         kind                output   parameters
        -----------------------------------------------------
        layers.0      Linear(4, 8)        (32, 8)          40
        activation.0  Activation('tanh')  (32, 8)           0
        layers.1      Linear(8, 3)        (32, 3)          27
        -----------------------------------------------------
        67 parameters
        """
        return summary(self, input_shape)

    # whether inputs are integers
    _integers: ClassVar[bool] = False
    # Stands in classes whose method `training` differs from a call by their `dropout` and their parts alone.
    _trains_by_parts: ClassVar[bool] = False

    def _chain(self) -> list[tuple[str, Module]] | None:
        """The modules that it applies one after the other, with their paths; None where it is not made so."""
        return None

    def _children(self) -> Iterator[tuple[str, Module]]:
        return children(self)


def children(model: PyTree) -> Iterator[tuple[str, Module]]:
    """The modules directly in a model, with their paths: in its fields, or in tuples, lists, dicts and dataclasses."""
    for name, part in parts(model):
        yield from _modules(name, part)


def parts(value: PyTree) -> Iterator[tuple[str, Any]]:
    """What a tuple, list, dict or dataclass holds, with its names there; of other values, nothing."""
    if isinstance(value, tuple | list):
        yield from ((str(i), part) for i, part in enumerate(value))
    elif isinstance(value, dict):
        yield from ((str(key), part) for key, part in value.items())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if not field.metadata.get("static"):
                yield field.name, getattr(value, field.name)


def _modules(name: str, value: PyTree) -> Iterator[tuple[str, Module]]:
    if isinstance(value, Module):
        yield name, value
        return
    for inner, part in parts(value):
        yield from _modules(f"{name}.{inner}", part)


def trains_differently(model: PyTree) -> bool:
    """Whether a model, or a module inside it, has a training mode of its own.

    A model that is no `Module` has one if it has a method `training`.
    """
    if isinstance(model, Module):
        own = type(model).training is not Module.training
    else:
        own = callable(getattr(model, "training", None))
    return own or any(trains_differently(child) for _, child in children(model))


def has_mode(model: PyTree) -> bool:
    """Whether training differs from a call as the model is set: without dropout, an LSTM or a block does not."""
    if not isinstance(model, Module):
        return trains_differently(model)
    writer = next(cls for cls in type(model).__mro__ if "training" in cls.__dict__)
    if writer.__dict__.get("_trains_by_parts"):
        own = bool(getattr(model, "dropout", 0))
    else:
        own = writer is not Module
    return own or any(has_mode(child) for _, child in children(model))


def _declared(init: Callable[..., None]) -> Callable[..., None]:
    """A class's own `__init__`, refusing what it sets without declaring it: no gradient would find it."""

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        unknown = self.__dict__.keys() - type(self).__dataclass_fields__.keys()
        if unknown:
            names, cls = sorted(unknown), type(self).__name__
            kind = type(getattr(self, names[0])).__name__
            raise TypeError(
                f"{cls}.__init__ sets {', '.join(names)}, which {cls} does not declare, so that no gradient would "
                f"find it: write `{names[0]}: {kind}` in the class, or `{names[0]}: {kind} = "
                "pb.tree.static()` for a setting"
            )

    return checked


def _of_arrays(init: Callable[..., None]) -> Callable[..., None]:
    """The `__init__` of a layer that sizes are given to by its method `init`."""

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        if args and type(args[0]) is int and not _first_is_static(type(self)):
            cls = type(self).__name__
            sizes = ", ".join(map(repr, args))
            raise TypeError(
                f"{cls}({sizes}): the class takes the arrays themselves, and {cls}.init draws them from sizes"
            )
        init(self, *args, **kwargs)

    return checked


def _first_is_static(cls: type[Module]) -> bool:
    first = next(iter(cls.__dataclass_fields__.values()))  # type: ignore[attr-defined]  # a dataclass
    return bool(first.metadata.get("static"))


def plain(model: PyTree) -> Any:
    """A tree with the backend's own arrays instead of `pb.Array`s that are on no tape.

    For what `value_and_grad` with ``has_aux=True`` returns besides, before it goes on as a model: steps with raw
    arrays are faster. Traced arrays stay traced, so that nothing is cut from a gradient.

    Parameters
    ----------
    model : pytree

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> (loss, aux), g = pb.value_and_grad(lambda x: (x * x, x), has_aux=True)(np.asarray(3.0))
    >>> aux, pb.models.plain(aux)
    (Array(3., dtype=float64, device='cpu'), array(3.))
    """
    return tree.map(lambda x: unwrap_closed(x) if type(x) is Array else x, model)


def parameter_mask(model: PyTree) -> Any:
    """A tree of bools: True for parameters, False for fields made by `state` (running statistics).

    What the optimisers take as `mask`; they leave running statistics alone without it, too.

    Parameters
    ----------
    model : pytree
        A module, or tuples, lists, dicts and dataclasses of them.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tree.leaves(pb.models.parameter_mask(pb.models.BatchNorm.init(3)))
    [True, True, False, False]
    """
    return tree.parameter_mask(model)
