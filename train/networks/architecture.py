"""Networks as data: a name and settings that JSON can hold, from which the same structure is built again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .characters import build_lstm, build_transformer, count_lstm, count_transformer
from .graphs import build_gcn, count_gcn
from .images import build_cnn, count_cnn
from .perceptron import build_mlp, count_mlp

_MOST_LAYERS, _MOST_WIDTH = 1000, 1 << 31


@dataclass(frozen=True)
class _Builder:
    build: Callable[..., Any]
    # of the same settings: how many numbers the model has, so that nothing is allocated that a file does not hold
    count: Callable[..., int]
    settings: tuple[str, ...]


_BUILDERS = {
    "mlp": _Builder(
        build_mlp,
        count_mlp,
        ("features", "hidden", "outputs", "activation", "dropout", "batch_norm"),
    ),
    "cnn": _Builder(build_cnn, count_cnn, ("image", "hidden", "outputs", "activation", "dropout")),
    "lstm": _Builder(build_lstm, count_lstm, ("vocabulary", "hidden", "dropout")),
    "transformer": _Builder(
        build_transformer, count_transformer, ("vocabulary", "hidden", "length", "dropout")
    ),
    "gcn": _Builder(
        build_gcn, count_gcn, ("features", "hidden", "outputs", "activation", "dropout")
    ),
}


@dataclass(frozen=True)
class Architecture:
    """A network's name and settings.

    Attributes
    ----------
    kind : {"mlp", "cnn", "lstm", "transformer", "gcn"}
        An mlp with dropout or batch normalisation; a plain one is an `MLP`, which needs no architecture.
    settings : mapping
        Of the network's builder, but for seed and dtype: integers, texts, numbers, bools, and tuples of integers.
    dtype : {"float32", "float64"}

    Examples
    --------
    >>> net = Architecture("lstm", {"vocabulary": 5, "hidden": (4,), "dropout": 0.0}, "float32")
    >>> net.parameters, Architecture.of_json(net.as_json()) == net
    (205, True)
    """

    kind: str
    settings: Mapping[str, Any]
    dtype: str

    def build(self, seed: int = 0) -> Any:
        """The model, its weights drawn from the seed."""
        return _BUILDERS[self.kind].build(**self.settings, seed=seed, dtype=self.dtype)

    @property
    def parameters(self) -> int:
        """How many numbers the model has, without building it."""
        return _BUILDERS[self.kind].count(**self.settings)

    def as_json(self) -> dict[str, Any]:
        """What `of_json` takes."""
        settings = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in self.settings.items()
        }
        return {"kind": self.kind, "settings": settings, "dtype": self.dtype}

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> Architecture:
        """The architecture in the metadata of a file, which anybody may have written.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is none.
        """
        builder, settings = _BUILDERS[found["kind"]], dict(found["settings"])
        if set(settings) != set(builder.settings) or found["dtype"] not in ("float32", "float64"):
            raise ValueError("settings")
        checked = {key: _checked(key, value) for key, value in settings.items()}
        return cls(found["kind"], checked, found["dtype"])


def known(kind: Any) -> bool:
    """Whether there is a network of this name."""
    return isinstance(kind, str) and kind in _BUILDERS


def _checked(key: str, value: Any) -> Any:
    match key:
        case "hidden" | "image":
            least = 0 if key == "hidden" else 3
            if not isinstance(value, list) or not least <= len(value) <= _MOST_LAYERS:
                raise ValueError(key)
            return tuple(_size(n) for n in value)
        case "activation":
            if not isinstance(value, str):
                raise TypeError(key)
            return value
        case "batch_norm":
            if type(value) is not bool:
                raise TypeError(key)
            return value
        case "dropout":
            if type(value) not in (int, float) or not 0 <= value < 1:
                raise ValueError(key)
            return float(value)
    return _size(value)


def _size(n: Any) -> int:
    if type(n) is not int or not 1 <= n <= _MOST_WIDTH:
        raise ValueError("size")
    return n
