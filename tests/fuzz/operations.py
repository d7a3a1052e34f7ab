"""The table of operations: how each is written, what its operands must be, and which settings it takes.

A row is Python source with places for its operands and settings, so that a program is readable, and runs
on NumPy's arrays and on pullback's as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = list[np.ndarray]
Settings = Callable[[np.random.Generator, Arrays], dict[str, Any] | None]


@dataclass(frozen=True)
class Operand:
    """What an operand must be.

    Attributes
    ----------
    kinds
        ``"f"``, ``"c"`` or both.
    domain
        A key of `DOMAINS`.
    fits
        Whether an array of that shape can stand there, after the operands before it.
    starts
        Shapes to make inputs in, so that there is something that fits.
    """

    kinds: str = "fc"
    domain: str = "any"
    fits: Callable[[np.ndarray, Arrays], bool] = lambda x, before: True
    starts: tuple[tuple[int, ...], ...] = ((), (3,), (2, 3), (3, 1), (2, 2, 3))


@dataclass(frozen=True)
class Operation:
    """One row.

    Attributes
    ----------
    name, text
        What it is called, and its source: ``{0}``, ``{1}`` are the operands, other names are settings.
    settings
        Draws the settings for given operands; None where there are none that fit.
    pairs
        A further condition on all operands together (a comparison that is not close).
    several
        Whether it returns a sequence of arrays.
    writes
        Whether it is a statement that changes its first operand.
    dynamic
        Whether a shape depends on values, which compile refuses.
    """

    name: str
    text: str
    operands: tuple[Operand, ...]
    settings: Settings = lambda rng, arrays: {}
    pairs: Callable[..., bool] = lambda *arrays: True
    several: bool = False
    writes: bool = False
    dynamic: bool = False


# ── shapes ────────────────────────────────────────────────────────────────────────────────────

LARGEST = 64  # elements


def _ndim(low: int, high: int = 3) -> Callable[[np.ndarray, Arrays], bool]:
    return lambda x, before: low <= x.ndim <= high and x.size > 0


def _square(x: np.ndarray, before: Arrays) -> bool:
    return x.ndim >= 2 and x.shape[-1] == x.shape[-2] and 1 < x.shape[-1] < 5 and x.size > 0


def _broadcasts(x: np.ndarray, before: Arrays) -> bool:
    try:
        shape = np.broadcast_shapes(*(y.shape for y in before), x.shape)
    except ValueError:
        return False
    return len(shape) <= 3 and math.prod(shape) <= LARGEST


def _like(x: np.ndarray, before: Arrays) -> bool:
    return x.shape == before[0].shape


def _multiplies(x: np.ndarray, before: Arrays) -> bool:
    try:
        return x.size > 0 and np.matmul(before[0], x).size <= LARGEST
    except ValueError:
        return False


SOME = ((3,), (2, 3), (3, 1), (2, 2, 3), (3, 2))
MATRICES = ((2, 3), (3, 2), (3, 3), (2, 2, 3))
SQUARES = ((3, 3), (2, 2), (2, 3, 3))
ANY = Operand()
REAL = Operand("f")
AXES = Operand(fits=_ndim(1), starts=SOME)
REAL_AXES = Operand("f", fits=_ndim(1), starts=SOME)
VECTOR = Operand(fits=_ndim(1, 1), starts=((3,), (4,)))
MATRIX = Operand(fits=_ndim(2), starts=MATRICES)
FLAT = Operand(fits=_ndim(2, 2), starts=((2, 3), (3, 3), (3, 2)))


def on(kinds: str = "fc", domain: str = "any", of: Operand = ANY) -> Operand:
    return Operand(kinds, domain, of.fits, of.starts)


def square(domain: str, kinds: str = "fc") -> Operand:
    return Operand(kinds, domain, _square, SQUARES)


def other(kinds: str = "fc", domain: str = "any") -> Operand:
    """A second operand that the first can be broadcast with."""
    return Operand(kinds, domain, _broadcasts)


def like(kinds: str = "fc", domain: str = "any") -> Operand:
    return Operand(kinds, domain, _like)


# ── settings ──────────────────────────────────────────────────────────────────────────────────


def draw_axis(rng: np.random.Generator, x: np.ndarray) -> int:
    return int(rng.integers(-x.ndim, x.ndim))


def draw_axes(rng: np.random.Generator, x: np.ndarray) -> Any:
    """None, an axis, or several."""
    if not x.ndim or rng.random() < 0.3:
        return None
    if x.ndim > 1 and rng.random() < 0.4:
        return tuple(int(i) for i in rng.permutation(x.ndim)[: rng.integers(1, x.ndim + 1)])
    return draw_axis(rng, x)


def reduced(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"axis": draw_axes(rng, arrays[0]), "keepdims": bool(rng.random() < 0.4)}


def along(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"axis": draw_axis(rng, arrays[0])}


def along_or_flat(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    x = arrays[0]
    return {"axis": None if x.ndim == 1 and rng.random() < 0.5 else draw_axis(rng, x)}


def chosen(**choices: list[Any]) -> Settings:
    """Settings drawn from lists."""

    def draw(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
        return {name: values[rng.integers(len(values))] for name, values in choices.items()}

    return draw


def both(*settings: Settings) -> Settings:
    def draw(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
        return {k: v for one in settings for k, v in (one(rng, arrays) or {}).items()}

    return draw


def _new_shape(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    n = arrays[0].size
    divisors = [d for d in range(1, n + 1) if n % d == 0] or [0]
    d = int(rng.choice(divisors))
    shapes = [(n,), (-1,), (d, n // d if d else 1), (1, n), (d, -1, 1)] if n else [(0,), (0, 2)]
    return {"shape": shapes[rng.integers(len(shapes))]}


def _order_of_axes(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"axes": tuple(int(i) for i in rng.permutation(arrays[0].ndim))}


def _two_axes(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"a": draw_axis(rng, arrays[0]), "b": draw_axis(rng, arrays[0])}


def _unit_axis(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any] | None:
    units = [i for i, n in enumerate(arrays[0].shape) if n == 1]
    return {"axis": int(rng.choice(units))} if units else None


def _wider(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    x = arrays[0]
    shape = tuple(2 if n == 1 else n for n in x.shape)
    return {"shape": (2, *shape) if x.ndim < 3 and rng.random() < 0.5 else shape}


def _places(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    axis = draw_axis(rng, arrays[0])
    n = arrays[0].shape[axis]
    return {"axis": axis, "indices": rng.integers(0, n, 3).tolist()}


def _roll(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"shift": int(rng.integers(-3, 4)), "axis": draw_axis(rng, arrays[0])}


def _offset(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"k": int(rng.integers(-1, 2))}


def _lengths(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    axis = draw_axis(rng, arrays[0])
    n = int(arrays[0].shape[axis] + rng.integers(-1, 3))
    norm = ["backward", "ortho", "forward"][rng.integers(3)]
    return {"axis": axis, "n": max(n, 1) if rng.random() < 0.5 else None, "norm": norm}


def _fft_axes(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    x = arrays[0]
    axes = tuple(int(i) for i in rng.permutation(x.ndim)[: rng.integers(1, x.ndim + 1)])
    return {"axes": axes, "norm": ["backward", "ortho", "forward"][rng.integers(3)]}


def _pads(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any] | None:
    if arrays[0].size > 12:
        return None
    return {
        "pads": tuple((int(rng.integers(0, 2)), int(rng.integers(0, 3))) for _ in arrays[0].shape)
    }


def draw_key(rng: np.random.Generator, x: np.ndarray, *, basic: bool = False) -> str:
    """A key in source: integers, slices of every kind, new axes, an ellipsis; arrays and masks unless `basic`."""
    parts = []
    fancy = not basic and bool(x.ndim) and rng.random() < 0.3
    which = int(rng.integers(x.ndim)) if fancy else -1
    for i, n in enumerate(x.shape):
        if i == which:
            if rng.random() < 0.3:
                parts.append(f"np.array({(rng.random(n) < 0.6).tolist()})")
            else:
                parts.append(
                    f"np.array({rng.integers(-n, n, rng.integers(1, 4)).tolist()})" if n else ":"
                )
        else:
            parts.append(_basic_part(rng, n))
    if not parts:
        return ["...", "()", "None"][rng.integers(3)]
    if rng.random() < 0.2 and not fancy:
        at = int(rng.integers(len(parts) + 1))
        parts[at : at + int(rng.integers(0, 2))] = ["..."]
    elif rng.random() < 0.3:
        parts = parts[: rng.integers(1, len(parts) + 1)]
    if rng.random() < 0.15 and not fancy and len(parts) < 3:
        parts.insert(int(rng.integers(len(parts) + 1)), "None")
    return ", ".join(parts)


def _basic_part(rng: np.random.Generator, n: int) -> str:
    slices = [":", "1:", ":-1", "::-1", "::2", "-2:", "1::2", ":2", "-1:0:-1"]
    if n and rng.random() < 0.3:
        return str(int(rng.integers(-n, n)))
    return slices[rng.integers(len(slices))]


def _key(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"key": draw_key(rng, arrays[0])}


def _basic_key(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"key": draw_key(rng, arrays[0], basic=True)}


def _number(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    return {"c": round(float(rng.uniform(-1.5, 1.5)), 2) or 0.5}


def _apart(x: np.ndarray, y: np.ndarray) -> bool:
    return bool(np.all(np.abs(np.subtract(x, y)) > 0.03))


def _off(c: float) -> Callable[..., bool]:
    return lambda x, *_: bool(np.all(np.abs(np.real(x) - c) > 0.03))


# ── the rows ──────────────────────────────────────────────────────────────────────────────────


def _elementwise() -> Iterator[Operation]:
    real_and_complex = {
        "abs": "nonzero", "acos": "inside", "acosh": "above", "asin": "inside", "asinh": "inside", "atan": "inside",
        "atanh": "inside", "cos": "small", "cosh": "small", "exp": "small", "expm1": "small", "log": "positive",
        "log1p": "positive", "log2": "positive", "log10": "positive", "negative": "any", "positive": "any",
        "reciprocal": "nonzero", "sin": "small", "sinh": "small", "sqrt": "positive", "square": "any", "tan": "inside",
        "tanh": "inside", "conj": "any", "real": "any", "sign": "nonzero", "angle": "positive",
    }  # fmt: skip
    real = {
        "sigmoid": "any", "softplus": "any", "relu": "nonzero", "sinc": "nonzero", "ceil": "off steps",
        "floor": "off steps", "round": "off steps", "trunc": "off steps", "nan_to_num": "any",
        "special.erf": "any", "special.erfc": "small", "special.erfcx": "small", "special.erfinv": "inside",
        "special.ndtr": "any", "special.ndtri": "unit", "special.log_ndtr": "small", "special.gamma": "positive",
        "special.rgamma": "positive", "special.gammaln": "positive", "special.digamma": "positive",
        "special.logit": "unit", "special.expit": "any", "special.log_expit": "any", "special.entr": "positive",
        "special.i0": "small", "special.i1": "small", "special.i0e": "any", "special.i1e": "any",
    }  # fmt: skip
    for name, domain in real_and_complex.items():
        yield Operation(name, f"xp.{name}({{0}})", (on("fc", domain),))
    for name, domain in real.items():
        yield Operation(name, f"xp.{name}({{0}})", (on("f", domain),))
    yield Operation("imag", "xp.imag({0})", (on("fc"),))
    yield Operation("neg", "-{0}", (ANY,))
    yield Operation(
        "polygamma", "xp.special.polygamma({n}, {0})", (on("f", "positive"),), chosen(n=[0, 1, 2])
    )
    yield Operation("zeta", "xp.special.zeta(2.5, {0})", (on("f", "positive"),))
    yield Operation(
        "power of a number", "{0} ** {n}", (on("fc", "small"),), chosen(n=[2, 3, 2.0, 1, 0])
    )
    yield Operation("root", "{0} ** {n}", (on("fc", "positive"),), chosen(n=[0.5, -1, -2.0, 1.5]))
    yield Operation(
        "number to a power", "{n} ** {0}", (on("fc", "small"),), chosen(n=[2, 0.5, 1.5])
    )
    yield Operation("plus a number", "{0} + {c}", (ANY,), _number)
    yield Operation("times a number", "{c} * {0}", (ANY,), _number)
    yield Operation("number over", "{c} / {0}", (on("fc", "nonzero"),), _number)
    yield Operation("times 1j", "{0} * 1j", (on("c"),))
    yield Operation("clip", "xp.clip({0}, {low}, {high})", (REAL,), _bounds, pairs=_off_bounds)
    yield Operation("astype", "xp.astype({0}, np.result_type({0}.dtype, np.complex64))", (REAL,))
    yield Operation("where above", "xp.where({0} > 0.1, {0}, 0.5 * {0})", (REAL,), pairs=_off(0.1))
    yield Operation(
        "checkpoint", "xp.checkpoint(lambda v: xp.sin(v) * v)({0})", (on("fc", "small"),)
    )


def _bounds(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    low, high = [(-0.5, 0.75), (None, 0.5), (-0.25, None)][rng.integers(3)]
    return {"low": low, "high": high}


def _off_bounds(x: np.ndarray) -> bool:
    return all(_off(c)(x) for c in (-0.5, 0.75, 0.5, -0.25))


def _pairs() -> Iterator[Operation]:
    plain = {
        "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "xp.add": "xp.add({0}, {1})",
        "xp.multiply": "xp.multiply({0}, {1})",
    }  # fmt: skip
    for name, text in plain.items():
        yield Operation(name, text, (on(), other()))
    yield Operation("divide", "{0} / {1}", (on(), other("fc", "nonzero")))
    yield Operation("pow", "{0} ** {1}", (on("fc", "positive"), other("fc", "small")))
    yield Operation("by itself", "{0} * {0}", (ANY,))
    for name, a, b in (
        ("atan2", "any", "positive"), ("hypot", "any", "nonzero"), ("copysign", "nonzero", "nonzero"),
        ("logaddexp", "any", "any"), ("nextafter", "any", "any"), ("special.xlogy", "any", "positive"),
        ("special.xlog1py", "any", "positive"), ("special.rel_entr", "positive", "positive"),
        ("special.kl_div", "positive", "positive"), ("special.beta", "positive", "positive"),
        ("special.betaln", "positive", "positive"),
    ):  # fmt: skip
        yield Operation(name, f"xp.{name}({{0}}, {{1}})", (on("f", a), other("f", b)))
    for name in ("maximum", "minimum"):
        yield Operation(name, f"xp.{name}({{0}}, {{1}})", (REAL, other("f")), pairs=_apart)
    yield Operation("remainder", "{0} % {1}", (REAL, other("f", "positive")), pairs=_off_multiples)
    yield Operation(
        "floor_divide", "{0} // {1}", (REAL, other("f", "positive")), pairs=_off_multiples
    )
    yield Operation(
        "where", "xp.where({0} > {1}, {0}, {1} * {0})", (REAL, other("f")), pairs=_apart
    )
    yield Operation(
        "gammainc", "xp.special.gammainc({a}, {0})", (on("f", "positive"),), chosen(a=[0.5, 2.0])
    )
    yield Operation(
        "gammaincc", "xp.special.gammaincc({a}, {0})", (on("f", "positive"),), chosen(a=[0.5, 2.0])
    )
    yield Operation(
        "betainc", "xp.special.betainc({a}, 1.5, {0})", (on("f", "unit"),), chosen(a=[0.5, 2.0])
    )
    yield Operation("iv", "xp.special.iv({v}, {0})", (on("f", "positive"),), chosen(v=[0, 1, 2.5]))


def _off_multiples(x: np.ndarray, y: np.ndarray) -> bool:
    q = np.divide(x, y)
    return bool(np.all(np.abs(q - np.round(q)) > 0.03)) and bool(np.all(np.abs(q) < 20))


def _reductions() -> Iterator[Operation]:
    for name in ("sum", "mean"):
        yield Operation(
            name, f"xp.{name}({{0}}, axis={{axis}}, keepdims={{keepdims}})", (AXES,), reduced
        )
    yield Operation(
        "prod",
        "xp.prod({0}, axis={axis}, keepdims={keepdims})",
        (on("fc", "small", AXES),),
        _reduced_one,
    )
    for name in ("max", "min"):
        yield Operation(
            name,
            f"xp.{name}({{0}}, axis={{axis}}, keepdims={{keepdims}})",
            (on("f", "distinct", AXES),),
            reduced,
        )
    for name in ("var", "std"):
        yield Operation(
            name,
            f"xp.{name}({{0}}, axis={{axis}}, keepdims={{keepdims}})",
            (on("f", "distinct", AXES),),
            _spread,
        )
    yield Operation(
        "logsumexp", "xp.logsumexp({0}, axis={axis}, keepdims={keepdims})", (REAL_AXES,), reduced
    )
    for name in ("softmax", "log_softmax"):
        yield Operation(name, f"xp.{name}({{0}}, axis={{axis}})", (REAL_AXES,), along)
    yield Operation("cumulative_sum", "xp.cumulative_sum({0}, axis={axis}, include_initial={i})", (AXES,),
                    both(along, chosen(i=[False, True])))  # fmt: skip
    yield Operation(
        "cumulative_prod", "xp.cumulative_prod({0}, axis={axis})", (on("fc", "small", AXES),), along
    )
    yield Operation(
        "diff", "xp.diff({0}, axis={axis}, n={n})", (AXES,), both(along, chosen(n=[1, 2]))
    )
    yield Operation("trapezoid", "xp.trapezoid({0}, axis={axis})", (AXES,), along)
    yield Operation(
        "average", "xp.average({0}, axis={axis}, weights={1})", (AXES, like("f", "positive")), along
    )
    yield Operation("vector_norm", "xp.linalg.vector_norm({0}, axis={axis}, keepdims={keepdims}, ord={ord})",
                    (on("fc", "nonzero", AXES),), both(reduced, chosen(ord=[1, 2, 3, 0.5])))  # fmt: skip
    yield Operation("sort", "xp.sort({0}, axis={axis}, descending={d})", (on("f", "distinct", REAL_AXES),),
                    both(along, chosen(d=[False, True])))  # fmt: skip
    yield Operation("sorted by another", "xp.take_along_axis({0}, xp.argsort({1}, axis={axis}), axis={axis})",
                    (AXES, like("f", "distinct")), along)  # fmt: skip
    yield Operation("at the largest", "xp.take({0}, xp.argmax({1}, axis={axis}), axis=0)[..., 0]",
                    (on("fc", "any", Operand(fits=_ndim(2, 2), starts=SQUARES[:2])), like("f", "distinct")), along,
                    pairs=lambda x, y: x.shape[0] >= x.shape[1])  # fmt: skip
    yield Operation(
        "cov", "xp.cov({0})", (on("f", "any", Operand(fits=_wide, starts=((2, 3), (3, 3)))),)
    )
    yield Operation(
        "count of large ones", "{0} * xp.count_nonzero({0} > 0.2)", (REAL,), pairs=_off(0.2)
    )


def _wide(x: np.ndarray, before: Arrays) -> bool:
    return x.ndim == 2 and x.shape[0] > 0 and x.shape[1] > 1


def _reduced_one(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any]:
    axis = draw_axis(rng, arrays[0]) if arrays[0].size > 6 else draw_axes(rng, arrays[0])
    return {"axis": axis, "keepdims": bool(rng.random() < 0.4)}


def _spread(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any] | None:
    settings = reduced(rng, arrays)
    axis = settings["axis"]
    shape = arrays[0].shape
    count = arrays[0].size if axis is None else math.prod(shape[i] for i in np.atleast_1d(axis))
    return settings if count > 1 else None


def _products() -> Iterator[Operation]:
    multiplied = Operand(fits=_multiplies)
    yield Operation("matmul", "{0} @ {1}", (AXES, multiplied))
    yield Operation("gram", "{0} @ xp.matrix_transpose({0})", (MATRIX,))
    yield Operation("xp.matmul", "xp.matmul(xp.matrix_transpose({0}), {0})", (MATRIX,))
    yield Operation("tensordot", "xp.tensordot({0}, {1}, axes={n})", (AXES, like()), _contracted)
    yield Operation("vecdot", "xp.vecdot({0}, {1})", (AXES, like()))
    yield Operation("vdot", "xp.vdot({0}, {1})", (VECTOR, like()))
    yield Operation("dot", "xp.dot({0}, {1})", (VECTOR, like()))
    yield Operation("inner", "xp.inner({0}, {1})", (FLAT, like()))
    yield Operation("outer", "xp.linalg.outer({0}, {1})", (VECTOR, VECTOR))
    yield Operation("kron", "xp.kron({0}, {1})", (VECTOR, VECTOR))
    threes = Operand(fits=lambda x, before: x.ndim > 0 and x.shape[-1] == 3, starts=((3,), (2, 3)))
    yield Operation("cross", "xp.linalg.cross({0}, {1})", (threes, like()))
    yield Operation(
        "linear", "xp.linear({0}, xp.matrix_transpose({1}), {1}[..., 0])", (FLAT, like())
    )
    for name, text, operands in (
        ("einsum ij->ji", "xp.einsum('ij->ji', {0})", (FLAT,)),
        ("einsum ij->i", "xp.einsum('ij->i', {0})", (FLAT,)),
        ("einsum ij,kj", "xp.einsum('ij,kj->ik', {0}, {1})", (FLAT, like())),
        ("einsum ij,ij", "xp.einsum('ij,ij->j', {0}, {1})", (FLAT, like())),
        ("einsum ii->i", "xp.einsum('...ii->...i', {0})", (Operand(fits=_square, starts=SQUARES),)),
        ("einsum ii", "xp.einsum('...ii', {0})", (Operand(fits=_square, starts=SQUARES),)),
    ):
        yield Operation(name, text, operands)


def _contracted(rng: np.random.Generator, arrays: Arrays) -> dict[str, Any] | None:
    x = arrays[0]
    n = [x.ndim, 0, (tuple(range(x.ndim)),) * 2, ((0,), (0,))][rng.integers(4)]
    return None if n != x.ndim and x.size > 8 else {"n": n}


# Of vectors whose signs and phases are free; not by `abs`, which has no second derivative at 0.
SQUARED = "(lambda V: xp.real(V * xp.conj(V)))"


def _linear_algebra() -> Iterator[Operation]:
    for name in ("inv", "det", "pinv"):
        yield Operation(name, f"xp.linalg.{name}({{0}})", (square("regular"),))
    yield Operation(
        "solve", "xp.linalg.solve({0}, {1})", (square("regular"), Operand(fits=_solvable))
    )
    yield Operation("slogdet", "xp.linalg.slogdet({0})[1]", (square("regular"),))
    yield Operation("sign of slogdet", "xp.linalg.slogdet({0})[0]", (square("regular", "c"),))
    yield Operation("matrix_power", "xp.linalg.matrix_power({0}, {n})", (square("regular"),),
                    chosen(n=[0, 1, 2, 3, -1, -2]))  # fmt: skip
    yield Operation(
        "cholesky",
        "xp.linalg.cholesky({0}, upper={u})",
        (square("definite"),),
        chosen(u=[False, True]),
    )
    yield Operation("qr", "xp.linalg.qr({0})", (on("f", "full rank", Operand(fits=_tall, starts=((3, 2), (3, 3)))),),
                    several=True)  # fmt: skip
    yield Operation("eigvalsh", "xp.linalg.eigvalsh({0})", (square("separated"),))
    yield Operation("eigh", f"{SQUARED}(xp.linalg.eigh({{0}})[1])", (square("separated"),))
    yield Operation(
        "eigvals", "xp.sum(xp.exp(0.3 * xp.linalg.eigvals({0})), axis=-1)", (square("general"),)
    )
    yield Operation(
        "eig", f"xp.sum({SQUARED}(xp.linalg.eig({{0}})[1]), axis=-1)", (square("general"),)
    )
    yield Operation("svdvals", "xp.linalg.svdvals({0})", (on("fc", "full rank", MATRIX),))
    yield Operation(
        "svd",
        f"{SQUARED}(xp.linalg.svd({{0}}, full_matrices=False)[0])",
        (on("fc", "full rank", MATRIX),),
    )
    yield Operation("trace", "xp.linalg.trace({0}, offset={k})", (MATRIX,), _offset)
    yield Operation("matrix_norm", "xp.linalg.matrix_norm({0}, ord={ord})", (on("fc", "full rank", MATRIX),),
                    chosen(ord=["'fro'", "'nuc'", 2]))  # fmt: skip
    yield Operation("expm", "xp.expm({0})", (square("inside"),))


def _solvable(x: np.ndarray, before: Arrays) -> bool:
    if not x.ndim or not x.size or (x.ndim == 1 and before[0].ndim > 2):
        return False
    try:
        return np.linalg.solve(before[0] + 9 * np.eye(before[0].shape[-1]), x).size <= LARGEST
    except (ValueError, np.linalg.LinAlgError):
        return False


def _tall(x: np.ndarray, before: Arrays) -> bool:
    return x.ndim == 2 and x.shape[0] >= x.shape[1] > 1


def _arrangements() -> Iterator[Operation]:
    """What arranges elements anew, as a view where NumPy gives one."""
    yield Operation("reshape", "xp.reshape({0}, {shape})", (ANY,), _new_shape)
    yield Operation("ravel", "xp.ravel({0})", (ANY,))
    yield Operation("permute_dims", "xp.permute_dims({0}, {axes})", (AXES,), _order_of_axes)
    yield Operation("transpose", "{0}.T", (FLAT,))
    yield Operation("mT", "{0}.mT", (MATRIX,))
    yield Operation("matrix_transpose", "xp.matrix_transpose({0})", (MATRIX,))
    yield Operation("swapaxes", "xp.swapaxes({0}, {a}, {b})", (AXES,), _two_axes)
    yield Operation("moveaxis", "xp.moveaxis({0}, {a}, {b})", (AXES,), _two_axes)
    yield Operation("expand_dims", "xp.expand_dims({0}, axis={axis})", (Operand(fits=_ndim(0, 2)),),
                    chosen(axis=[0, -1]))  # fmt: skip
    units = Operand(starts=((3, 1), (1, 2), (1, 3, 1)))
    yield Operation("squeeze", "xp.squeeze({0}, {axis})", (units,), _unit_axis)
    yield Operation("broadcast_to", "xp.broadcast_to({0}, {shape})", (ANY,), _wider)
    yield Operation("flip", "xp.flip({0}, axis={axis})", (AXES,), along)
    yield Operation("roll", "xp.roll({0}, {shift}, axis={axis})", (AXES,), _roll)
    yield Operation("concat", "xp.concat([{0}, {1}], axis={axis})", (AXES, like()), along)
    yield Operation("concat flat", "xp.concat([{0}, {1}, {0}], axis=None)", (ANY, ANY))
    yield Operation("stack", "xp.stack([{0}, {1}], axis={axis})", (Operand(fits=_ndim(0, 2)), like()),
                    chosen(axis=[0, -1]))  # fmt: skip
    yield Operation("repeat", "xp.repeat({0}, 2, axis={axis})", (AXES,), along)
    yield Operation("tile", "xp.tile({0}, {r})", (AXES,), chosen(r=[(2,), (1,), (2, 1)]))
    yield Operation("unstack", "xp.unstack({0}, axis={axis})", (AXES,), along, several=True)
    yield Operation("split", "xp.split({0}, [1], axis={axis})", (AXES,), along, several=True)
    yield Operation("pad", "xp.pad({0}, {pads})", (AXES,), _pads)
    yield Operation("hstack", "xp.hstack([{0}, {1}])", (AXES, like()))
    yield Operation("vstack", "xp.vstack([{0}, {1}])", (AXES, like()))
    yield Operation("column_stack", "xp.column_stack([{0}, {1}])", (VECTOR, like()))
    yield Operation("atleast_2d", "xp.atleast_2d({0})", (ANY,))
    yield Operation("tril", "xp.tril({0}, k={k})", (MATRIX,), _offset)
    yield Operation("triu", "xp.triu({0}, k={k})", (MATRIX,), _offset)
    yield Operation("create_diagonal", "xp.create_diagonal({0})", (VECTOR,))
    yield Operation("diagonal", "xp.linalg.diagonal({0}, offset={k})", (MATRIX,), _offset)
    yield Operation("meshgrid", "xp.meshgrid({0}, {1})", (VECTOR, VECTOR), several=True)
    yield Operation("take", "xp.take({0}, np.array({indices}), axis={axis})", (AXES,), _places)
    yield Operation("getitem", "{0}[{key}]", (ANY,), _key)
    yield Operation("slice", "{0}[{key}]", (AXES,), _basic_key)
    yield Operation("mask", "{0}[{0} > 0.1]", (REAL_AXES,), pairs=_off(0.1), dynamic=True)
    yield Operation("copy", "xp.asarray({0}, copy=True)", (ANY,))
    yield Operation("asarray", "xp.asarray({0})", (ANY,))
    yield Operation("zeros", "xp.zeros({0}.shape, dtype={0}.dtype)", (ANY,))
    yield Operation("full_like", "xp.full_like({0}, {c})", (ANY,), _number)


def _transforms() -> Iterator[Operation]:
    for name in ("fft", "ifft", "hfft"):
        yield Operation(f"fft.{name}", f"xp.fft.{name}({{0}}, n={{n}}, axis={{axis}}, norm={{norm!r}})",
                        (on("c", "any", AXES),), _lengths)  # fmt: skip
    for name in ("rfft", "ihfft"):
        yield Operation(f"fft.{name}", f"xp.fft.{name}({{0}}, n={{n}}, axis={{axis}}, norm={{norm!r}})",
                        (on("f", "any", AXES),), _lengths)  # fmt: skip
    yield Operation(
        "fft.irfft",
        "xp.fft.irfft({0}, n={n}, axis={axis}, norm={norm!r})",
        (on("c", "any", AXES),),
        _lengths,
    )
    for name in ("fftn", "ifftn", "irfftn"):
        yield Operation(f"fft.{name}", f"xp.fft.{name}({{0}}, axes={{axes}}, norm={{norm!r}})",
                        (on("c", "any", AXES),), _fft_axes)  # fmt: skip
    yield Operation(
        "fft.rfftn",
        "xp.fft.rfftn({0}, axes={axes}, norm={norm!r})",
        (on("f", "any", AXES),),
        _fft_axes,
    )
    for name in ("fftshift", "ifftshift"):
        yield Operation(f"fft.{name}", f"xp.fft.{name}({{0}}, axes={{axis}})", (AXES,), along)


PURE = [
    *_elementwise(), *_pairs(), *_reductions(), *_products(), *_linear_algebra(), *_arrangements(), *_transforms(),
]  # fmt: skip
