"""`pullback.numpy.random`: NumPy's random numbers, as constants on the active backend.

The streams are NumPy's own, on every backend: with the same seed come the same numbers, and where CuPy is active they
are moved to the device. The functions share NumPy's global state (``pullback.numpy.random.seed(0)`` is
``numpy.random.seed(0)``); `default_rng` and `RandomState` make generators with states of their own. Draws are in double
precision, as NumPy's; a number alone is NumPy's number.

Parameters may be traced where a draw is a smooth function of them and of a standard draw: `normal`, `uniform`,
`exponential`, `laplace`, `logistic`, `gumbel`, `rayleigh` and `lognormal` are ``loc + scale · z`` and its like, and
differentiated so. `choice`, `permutation`, `permuted` and `shuffle` of a traced array move its elements. Other traced
parameters are refused.

Within `pb.compile` and `pb.checkpoint`, which would repeat a draw or draw anew, all are refused: give draws as
arguments, or use `pb.random`, whose keys are explicit.

Examples
--------
>>> import pullback as pb, pullback.numpy as np
>>> rng = np.random.default_rng(0)
>>> rng.normal(size=2)
Array([ 0.12573022, -0.13210486], dtype=float64, device='cpu')
>>> pb.grad(lambda scale: np.random.default_rng(0).normal(0.0, scale))(2.0)
0.1257302210933933
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import backend_of, current
from ..core.array import Array, backend_array
from ..functions import namespace as xp
from ..functions.writes import Writes
from .arguments import as_array
from .operands import beside, holds_arrays, is_traced

# By name: the parameters with their defaults, the standard draw, and how it depends on them.
_SMOOTH: dict[str, tuple[dict[str, float], str, Callable[..., Any]]] = {
    "normal": ({"loc": 0.0, "scale": 1.0}, "standard_normal", lambda z, m, s: m + s * z),
    "uniform": ({"low": 0.0, "high": 1.0}, "uniform", lambda z, a, b: a + (b - a) * z),
    "exponential": ({"scale": 1.0}, "standard_exponential", lambda z, s: s * z),
    "laplace": ({"loc": 0.0, "scale": 1.0}, "laplace", lambda z, m, s: m + s * z),
    "logistic": ({"loc": 0.0, "scale": 1.0}, "logistic", lambda z, m, s: m + s * z),
    "gumbel": ({"loc": 0.0, "scale": 1.0}, "gumbel", lambda z, m, s: m + s * z),
    "rayleigh": ({"scale": 1.0}, "rayleigh", lambda z, s: s * z),
    "lognormal": ({"mean": 0.0, "sigma": 1.0}, "standard_normal", lambda z, m, s: xp.exp(m + s * z)),
}  # fmt: skip
_MOVING = ("choice", "permutation", "permuted", "shuffle")
_OF_BOTH = (
    "beta", "binomial", "bytes", "chisquare", "dirichlet", "f", "gamma", "geometric", "hypergeometric", "logseries",
    "multinomial", "multivariate_normal", "negative_binomial", "noncentral_chisquare", "noncentral_f", "pareto",
    "poisson", "power", "random", "standard_cauchy", "standard_exponential", "standard_gamma", "standard_normal",
    "standard_t", "triangular", "vonmises", "wald", "weibull", "zipf",
)  # fmt: skip
_LEGACY = ("rand", "randint", "randn", "random_integers", "random_sample", "tomaxint")
_STATE = ("get_state", "seed", "set_state")


# ── one draw ────────────────────────────────────────────────────────────────────────────────────


def _draw(source: Any, name: str, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """The draw of a method of one of NumPy's generators."""
    if Writes.watched():
        raise TypeError(
            f"random.{name} in a function that is compiled or checkpointed: a replay would repeat the draw, or draw "
            "anew; draw outside and pass the numbers, or use pb.random with a key"
        )
    settings = dict(settings)
    if settings.get("out") is not None:
        raise TypeError(f"random.{name}(out=): results are not written into existing arrays")
    if name in _MOVING:
        return _moved(source, name, args, settings)
    if _traced_in((args, tuple(settings.values()))) is not None:
        return _smooth(source, name, args, settings)
    drawn = getattr(source, name)(
        *map(_on_host, args), **{k: _on_host(v) for k, v in settings.items()}
    )
    return _as_ours(drawn)


def _traced_in(x: Any) -> Any:
    """The first traced array in nested lists of parameters; None without one."""
    if isinstance(x, list | tuple):
        return next((v for v in map(_traced_in, x) if v is not None), None)
    return x if type(x) is Array and is_traced(x) else None


def _on_host(x: Any) -> Any:
    """A parameter as NumPy takes it."""
    if isinstance(x, list | tuple):
        return type(x)(_on_host(v) for v in x)
    if type(x) is not Array:
        return x
    value = backend_array(x)
    return backend_of(value).to_numpy(value)


def _as_ours(drawn: Any) -> Any:
    return Array(current().asarray(drawn)) if isinstance(drawn, np.ndarray) else drawn


def _smooth(source: Any, name: str, args: tuple[Any, ...], settings: dict[str, Any]) -> Array:
    """A draw as a function of traced parameters and a standard draw.

    Raises
    ------
    TypeError
        If it is none.
    """
    if name not in _SMOOTH:
        raise TypeError(
            f"random.{name} of traced parameters: the draw is no smooth function of them here; draw with constants, as "
            "by pb.stop_gradient(x), or write it by standard draws, such as loc + scale * standard_normal(size)"
        )
    defaults, standard, formula = _SMOOTH[name]
    names = (*defaults, "size")
    known = {**defaults, "size": None, **dict(zip(names, args, strict=False)), **settings}
    size = known.pop("size")
    home = _traced_in(tuple(known.values()))
    given = [x if type(x) in (int, float) else beside(x, home) for x in known.values()]
    shapes = [x.shape for x in given if hasattr(x, "shape")]
    shape = np.broadcast_shapes(*shapes) if size is None else size
    z = np.asarray(getattr(source, standard)(size=shape), home.dtype)
    return formula(Array(backend_of(backend_array(home)).asarray(z)), *given)


# ── elements that change places ─────────────────────────────────────────────────────────────────


def _moved(source: Any, name: str, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """The elements of an array in another order, which is drawn on the host."""
    first = "a" if name == "choice" else "x"
    x, rest = (args[0], args[1:]) if args else (settings.pop(first), ())
    if _traced_in((rest, tuple(settings.values()))) is not None:
        raise TypeError(
            f"random.{name}: only the array may be traced; what is drawn is no smooth function of p"
        )
    rest, settings = tuple(map(_on_host, rest)), {k: _on_host(v) for k, v in settings.items()}
    draw = getattr(source, name)
    if name != "shuffle" and isinstance(x, list | tuple) and holds_arrays(x):
        x = as_array(x)
    if type(x) is not Array:
        return _as_ours(draw(x, *rest, **settings))
    if name == "permuted":
        places = draw(np.arange(x.size).reshape(x.shape), *rest, **settings)
        return xp.reshape(xp.take(xp.reshape(x, (-1,)), _indices(places, x), axis=0), x.shape)
    if name == "choice":
        axis = settings.pop("axis", 0) % max(x.ndim, 1)
        if x.ndim != 1 and isinstance(source, np.random.RandomState | type(np.random)):
            raise ValueError("a must be 1-dimensional")
        places = np.asarray(draw(x.shape[axis], *rest, **settings))
        out = xp.take(x, _indices(places, x), axis=axis)
        return xp.reshape(out, x.shape[:axis] + places.shape + x.shape[axis + 1 :])
    axis = settings.pop("axis", rest[0] if rest else 0)
    # both shuffle the indices alike
    out = xp.take(x, _indices(source.permutation(x.shape[axis]), x), axis=axis)
    if name == "permutation":
        return out
    x[...] = out
    return None


def _indices(places: np.ndarray, x: Array) -> Array:
    return Array(backend_of(backend_array(x)).asarray(np.reshape(places, (-1,))))


# ── generators ──────────────────────────────────────────────────────────────────────────────────


class Generator:
    """NumPy's `numpy.random.Generator`, whose draws are constants on the active backend; made by `default_rng`.

    Attributes
    ----------
    source : numpy.random.Generator
        NumPy's own, with the state.
    """

    def __init__(self, source: Any) -> None:
        own = source.source if isinstance(source, Generator) else source
        self.source: Any = own if isinstance(own, np.random.Generator) else np.random.Generator(own)

    @property
    def bit_generator(self) -> Any:
        """NumPy's bit generator."""
        return self.source.bit_generator

    def spawn(self, n_children: int) -> list[Generator]:
        """Independent generators."""
        return [Generator(child) for child in self.source.spawn(n_children)]

    def __repr__(self) -> str:
        return f"<pullback of {self.source!r}>"


class RandomState:
    """NumPy's `numpy.random.RandomState`, whose draws are constants on the active backend.

    Attributes
    ----------
    source : numpy.random.RandomState
        NumPy's own, with the state.
    """

    def __init__(self, seed: Any = None) -> None:
        self.source: Any = (
            seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)
        )

    def __repr__(self) -> str:
        return f"<pullback of {self.source!r}>"


def default_rng(seed: Any = None) -> Generator:
    """A generator with NumPy's stream for this seed, or around a generator of NumPy's.

    Examples
    --------
    >>> import numpy, pullback.numpy as np
    >>> float(np.random.default_rng(1).random()) == numpy.random.default_rng(1).random()
    True
    """
    return seed if isinstance(seed, Generator) else Generator(np.random.default_rng(seed))


def _method(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **settings: Any) -> Any:
        return _draw(self.source, name, args, settings)

    return _named(method, name)


def _function(name: str) -> Callable[..., Any]:
    def function(*args: Any, **settings: Any) -> Any:
        return _draw(np.random, name, args, settings)

    return _named(function, name)


def _state(name: str) -> Callable[..., Any]:
    def function(self: Any, *args: Any, **settings: Any) -> Any:
        return getattr(self.source, name)(*args, **settings)

    return _named(function, name)


def _named(function: Any, name: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    moved = name in _MOVING
    smooth = (
        f" Its parameters {', '.join(_SMOOTH[name][0])} may be traced." if name in _SMOOTH else ""
    )
    function.__doc__ = f"NumPy's `random.{name}`: " + (
        "elements in another order, which keep their derivatives."
        if moved
        else "a constant." + smooth
    )
    return function


for _name in (*_SMOOTH, *_OF_BOTH, *_MOVING, "integers", "multivariate_hypergeometric"):
    setattr(Generator, _name, _method(_name))
for _name in (*_SMOOTH, *_OF_BOTH, *_LEGACY, "choice", "permutation", "shuffle"):
    setattr(RandomState, _name, _method(_name))
for _name in _STATE:
    setattr(RandomState, _name, _state(_name))

FUNCTIONS = tuple(
    name
    for name in (
        *_SMOOTH,
        *_OF_BOTH,
        *_LEGACY,
        "choice",
        "permutation",
        "ranf",
        "sample",
        "shuffle",
    )
    if hasattr(np.random, name)
)
# Names that are NumPy's own: its global state, and what makes bits.
OF_NUMPY = (
    *_STATE,
    "BitGenerator",
    "MT19937",
    "PCG64",
    "PCG64DXSM",
    "Philox",
    "SFC64",
    "SeedSequence",
)

globals().update({_name: _function(_name) for _name in FUNCTIONS})
globals().update({_name: getattr(np.random, _name) for _name in OF_NUMPY})

__all__ = sorted((*FUNCTIONS, *OF_NUMPY, "Generator", "RandomState", "default_rng"))


def __dir__() -> list[str]:
    return list(__all__)
