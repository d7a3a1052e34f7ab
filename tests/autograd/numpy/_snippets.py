"""NumPy and SciPy code as people write it: a program a row, of one array `x`, whose gradient is taken.

Each row names the argument (`INPUTS`) and is run in three ways: with `numpy` and `scipy` themselves on a traced array,
with `pullback.numpy` and `pullback.scipy` on NumPy, and with these on the stand-in for CuPy. What the first cannot do,
because NumPy does not ask the array, has the advice of its error in `refused`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

INPUTS: dict[str, np.ndarray] = {
    "scalar": np.asarray(0.7),
    "v": np.asarray([0.5, 1.3, 2.1, 0.9, 1.7]),
    "signed": np.asarray([0.4, -1.2, 2.3, -0.6, 1.1]),
    "unit": np.asarray([0.2, 0.45, 0.7, 0.35, 0.9]),
    "long": np.linspace(0.1, 2.0, 12) + 0.1 * np.sin(7.0 * np.arange(12)),
    "M": np.asarray([[2.0, 0.3, -0.5], [0.1, 1.5, 0.4], [-0.2, 0.6, 1.8]]),
    "wide": np.asarray([[0.3, 1.2, -0.7, 0.9], [1.1, -0.4, 0.6, 2.0], [0.8, 0.2, 1.4, -1.3]]),
    "cube": np.sin(1.0 + np.arange(24.0)).reshape(2, 3, 4),
}


@dataclass(frozen=True)
class Snippet:
    """One program.

    Attributes
    ----------
    name : str
        What it shows.
    x : str
        The name of its argument in `INPUTS`.
    program : callable
        ``program(np, sp, x)`` with a NumPy namespace and a SciPy one.
    refused : str
        A pattern of the error's advice where `numpy` or `scipy` themselves cannot be followed.
    on_device : str
        A pattern of the error's advice where SciPy's solver, which runs on the host, is under `pullback.scipy`'s.
    """

    name: str
    x: str
    program: Callable[[Any, Any, Any], Any]
    refused: str = ""
    on_device: str = ""


def _rows(
    x: str, refused: str = "", /, **programs: Callable[[Any, Any, Any], Any]
) -> list[Snippet]:
    return [Snippet(name, x, program, refused) for name, program in programs.items()]


# ── programs of several lines ─────────────────────────────────────────────────────────────────


def _running_mean(np: Any, sp: Any, x: Any) -> Any:
    c = np.cumsum(x)
    return (c[3:] - c[:-3]) / 3


def _standardise(np: Any, sp: Any, x: Any) -> Any:
    return (x - x.mean(axis=0)) / x.std(axis=0)


def _normalise_in_place(np: Any, sp: Any, x: Any) -> Any:
    y = x.copy()
    y -= y.min()
    y /= y.max() + 1.0
    return y


def _clip_by_mask(np: Any, sp: Any, x: Any) -> Any:
    y = x * 2.0
    y[y < 0] = 0.0
    return y


def _accumulate_in_a_loop(np: Any, sp: Any, x: Any) -> Any:
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] * x[i - 1]
    return total


def _rows_of_a_matrix(np: Any, sp: Any, x: Any) -> Any:
    return np.stack([row / np.linalg.norm(row) for row in x])


def _power_iteration(np: Any, sp: Any, x: Any) -> Any:
    v = np.ones(3)
    for _ in range(30):
        v = x @ v
        v = v / np.sqrt(v @ v)
    return v @ x @ v


def _softmax(np: Any, sp: Any, x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def _log_sum_exp(np: Any, sp: Any, x: Any) -> Any:
    m = x.max()
    return m + np.log(np.sum(np.exp(x - m)))


def _pairwise_distances(np: Any, sp: Any, x: Any) -> Any:
    d = x[:, None, :] - x[None, :, :]
    return (d**2).sum(-1)


def _rosenbrock(np: Any, sp: Any, x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


def _heat_equation(np: Any, sp: Any, x: Any) -> Any:
    u = x.copy()
    for _ in range(4):
        u[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return u


def _filled_array(np: Any, sp: Any, x: Any) -> Any:
    out = np.zeros(3)
    for i in range(3):
        out[i] = x[i] ** 2
    return out


def _filled_like(np: Any, sp: Any, x: Any) -> Any:
    out = np.zeros_like(x)
    out[1:] = x[:-1] * 2.0
    return out


def _empty_like(np: Any, sp: Any, x: Any) -> Any:
    out = np.empty_like(x)
    out[:] = np.sin(x)
    return out


def _horner(np: Any, sp: Any, x: Any) -> Any:
    y = 0.0
    for c in x:
        y = y * 0.5 + c
    return y


def _gaussian_process(np: Any, sp: Any, x: Any) -> Any:
    t = np.linspace(0.0, 1.0, 5)
    K = np.exp(-0.5 * (t[:, None] - t[None, :]) ** 2 / x[0] ** 2) + 0.1 * np.eye(5)
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, np.sin(t)))
    return -0.5 * np.dot(np.sin(t), alpha) - np.sum(np.log(np.diag(L)))


def _two_layers(np: Any, sp: Any, x: Any) -> Any:
    h = np.tanh(np.dot(x, np.linspace(-1.0, 1.0, 8).reshape(4, 2)) + 0.1)
    return np.mean(np.log1p(np.exp(-h @ np.ones((2, 1)))))


def _kepler(np: Any, sp: Any, x: Any) -> Any:
    q, p = np.array([1.0, 0.0]), np.array([0.0, 1.0]) * x
    for _ in range(5):
        p = p - 0.1 * q / np.linalg.norm(q) ** 3
        q = q + 0.1 * p
    return np.sum(q**2)


def _rotation(np: Any, sp: Any, x: Any) -> Any:
    R = np.array([[np.cos(x), -np.sin(x)], [np.sin(x), np.cos(x)]])
    return R @ np.array([1.0, 2.0])


def _mixture(np: Any, sp: Any, x: Any) -> Any:
    logits = x - sp.special.logsumexp(x)
    points = np.array([-1.0, 0.5, 2.0])
    means = np.arange(5.0)
    return np.sum(
        sp.special.logsumexp(
            logits + sp.stats.norm.logpdf(points[:, None], means[None, :], 1.0), axis=1
        )
    )


def _spectrum(np: Any, sp: Any, x: Any) -> Any:
    return np.abs(np.fft.rfft(x * np.hanning(12))) ** 2


def _sorted_gini(np: Any, sp: Any, x: Any) -> Any:
    y = np.sort(x)
    n = y.size
    return (2 * np.sum(np.arange(1, n + 1) * y) - (n + 1) * y.sum()) / (n * y.sum())


def _conditional(np: Any, sp: Any, x: Any) -> Any:
    return np.sum(x**2) if x.sum() > 0 else np.sum(np.abs(x))


def _dictionary(np: Any, sp: Any, x: Any) -> Any:
    parameters = {"mean": x[0], "scale": np.exp(x[1])}
    return ((x[2:] - parameters["mean"]) / parameters["scale"]) ** 2


def _enumerate(np: Any, sp: Any, x: Any) -> Any:
    return sum(k * value**2 for k, value in enumerate(x, start=1))


def _zip(np: Any, sp: Any, x: Any) -> Any:
    return np.array([a * b for a, b in zip(x[:3], x[2:], strict=True)])


def _augmented_block(np: Any, sp: Any, x: Any) -> Any:
    A = np.eye(4) * 1.0
    A[:3, :3] += x
    return A @ A


def _swap_rows(np: Any, sp: Any, x: Any) -> Any:
    y = x.copy()
    y[[0, 2]] = y[[2, 0]]
    return y


def _masked_mean(np: Any, sp: Any, x: Any) -> Any:
    mask = x > 0
    return x[mask].mean()


def _divide_where(np: Any, sp: Any, x: Any) -> Any:
    safe = np.where(x > 0, x, 1.0)
    return np.where(x > 0, np.log(safe), 0.0)


def _ode(np: Any, sp: Any, x: Any) -> Any:
    t = np.linspace(0.0, 1.0, 5)
    return sp.integrate.odeint(
        lambda y, t, a: -a * y, np.ones(2), t, args=(x,), rtol=1e-10, atol=1e-12
    )


ARRAY = "pullback.numpy.array|pb.xp"
WRITE = "pb.xp.zeros"
SCIPY = "pullback.scipy"

PROGRAMS = [
    Snippet("running mean", "long", _running_mean),
    Snippet("standardise", "wide", _standardise),
    Snippet("normalise in place", "v", _normalise_in_place),
    Snippet("clip by mask", "signed", _clip_by_mask),
    Snippet("accumulate in a loop", "v", _accumulate_in_a_loop),
    Snippet("rows of a matrix", "M", _rows_of_a_matrix),
    Snippet("power iteration", "M", _power_iteration),
    Snippet("softmax", "wide", _softmax),
    Snippet("logsumexp by hand", "signed", _log_sum_exp),
    Snippet("pairwise distances", "wide", _pairwise_distances),
    Snippet("Rosenbrock", "v", _rosenbrock),
    Snippet("heat equation in place", "v", _heat_equation),
    Snippet("filled array", "v", _filled_array, WRITE),
    Snippet("filled like", "v", _filled_like),
    Snippet("empty like", "v", _empty_like),
    Snippet("Horner", "v", _horner),
    Snippet("Gaussian process", "v", _gaussian_process),
    Snippet("two layers", "wide", _two_layers),
    Snippet("Kepler", "scalar", _kepler),
    Snippet("rotation", "scalar", _rotation, ARRAY),
    Snippet("spectrum", "long", _spectrum),
    Snippet("Gini coefficient", "v", _sorted_gini),
    Snippet("branch on a value", "v", _conditional),
    Snippet("dictionary of parameters", "v", _dictionary),
    Snippet("enumerate", "v", _enumerate),
    Snippet("zip", "v", _zip, ARRAY),
    Snippet("augmented block", "M", _augmented_block, "arr = arr \\+|pb.xp"),
    Snippet("swap rows", "M", _swap_rows),
    Snippet("masked mean", "signed", _masked_mean),
    Snippet("log where positive", "signed", _divide_where),
    Snippet("mixture of normals", "v", _mixture, SCIPY),
    Snippet("ordinary differential equation", "scalar", _ode, SCIPY),
]

# ── methods and attributes ────────────────────────────────────────────────────────────────────

METHODS = [
    *_rows(
        "v",
        method_sum=lambda np, sp, x: x.sum(),
        method_mean=lambda np, sp, x: x.mean(),
        method_prod=lambda np, sp, x: x.prod(),
        method_min_max=lambda np, sp, x: x.max() - x.min(),
        method_std=lambda np, sp, x: x.std(ddof=1),
        method_var=lambda np, sp, x: x.var(),
        method_argmax=lambda np, sp, x: x[x.argmax()] ** 2,
        method_argsort=lambda np, sp, x: x[x.argsort()[:2]],
        method_dot=lambda np, sp, x: x.dot(x),
        method_clip=lambda np, sp, x: x.clip(0.6, 1.5),
        method_cumsum=lambda np, sp, x: x.cumsum(),
        method_cumprod=lambda np, sp, x: x.cumprod(),
        method_round=lambda np, sp, x: x + x.round(1),
        method_take=lambda np, sp, x: x.take([0, 0, 3]),
        method_repeat=lambda np, sp, x: x.repeat(2),
        method_copy=lambda np, sp, x: x.copy() ** 2,
        method_astype=lambda np, sp, x: x.astype(np.float64) ** 2,
        method_conj=lambda np, sp, x: (x.conj() * x).real,
        method_nonzero=lambda np, sp, x: x[(x > 1.0).nonzero()],
        method_all_any=lambda np, sp, x: x * x.any() * x.all(),
        method_tolist_of_indices=lambda np, sp, x: x[x.argsort().tolist()[0]],
        attribute_size=lambda np, sp, x: x.sum() / x.size,
        attribute_flat=lambda np, sp, x: x.flat[1] ** 2,
        attribute_real=lambda np, sp, x: (x * (1 + 2j)).imag,
        builtin_sum=lambda np, sp, x: sum(x),
        builtin_abs=lambda np, sp, x: abs(x - 1.0),
        builtin_max=lambda np, sp, x: max(x),
        builtin_pow=lambda np, sp, x: pow(x, 3),
        builtin_divmod=lambda np, sp, x: divmod(x, 0.4)[1],
    ),
    *_rows(
        "M",
        method_trace=lambda np, sp, x: x.trace(),
        method_diagonal=lambda np, sp, x: x.diagonal(),
        method_transpose=lambda np, sp, x: x.transpose() @ x,
        method_T=lambda np, sp, x: x.T.dot(x),
        method_reshape=lambda np, sp, x: x.reshape(9)[2:5],
        method_reshape_minus_one=lambda np, sp, x: x.reshape(-1, 1) ** 2,
        method_ravel=lambda np, sp, x: x.ravel()[::2],
        method_flatten=lambda np, sp, x: x.flatten() ** 2,
        method_sum_keepdims=lambda np, sp, x: x / x.sum(axis=1, keepdims=True),
        method_swapaxes=lambda np, sp, x: x.swapaxes(0, 1)[0],
    ),
    *_rows(
        "cube",
        transpose_of_three_axes=lambda np, sp, x: x.T[0] ** 2,
        method_transpose_axes=lambda np, sp, x: x.transpose(1, 0, 2)[2] ** 2,
        method_squeeze=lambda np, sp, x: x[:1].squeeze() ** 2,
        method_mean_of_axes=lambda np, sp, x: x.mean(axis=(0, 2)) ** 2,
        method_max_axis=lambda np, sp, x: x.max(axis=1),
    ),
]

# ── NumPy's functions ─────────────────────────────────────────────────────────────────────────

FUNCTIONS = [
    *_rows(
        "v",
        norm=lambda np, sp, x: np.linalg.norm(x),
        norm_one=lambda np, sp, x: np.linalg.norm(x, 1),
        diag=lambda np, sp, x: np.diag(x) @ x,
        diag_offset=lambda np, sp, x: np.diag(x, k=1)[0],
        cumsum=lambda np, sp, x: np.cumsum(x),
        cumprod=lambda np, sp, x: np.cumprod(x),
        append=lambda np, sp, x: np.append(x, x[:2]),
        append_number=lambda np, sp, x: np.append(x, 1.0) ** 2,
        insert=lambda np, sp, x: np.insert(x, 2, x[0]),
        delete=lambda np, sp, x: np.delete(x, 1),
        median=lambda np, sp, x: np.median(x),
        percentile=lambda np, sp, x: np.percentile(x, 30),
        quantile=lambda np, sp, x: np.quantile(x, [0.1, 0.6]),
        select=lambda np, sp, x: np.select([x < 1.0, x < 2.0], [x**2, 3 * x], default=0.0),
        piecewise=lambda np, sp, x: np.piecewise(
            x, [x < 1.0, x >= 1.0], [lambda t: t**2, lambda t: 2 * t]
        ),
        convolve=lambda np, sp, x: np.convolve(x, np.array([1.0, 2.0, 0.5])),
        convolve_same=lambda np, sp, x: np.convolve(x, np.array([1.0, 2.0, 0.5]), mode="same"),
        correlate=lambda np, sp, x: np.correlate(x, x, mode="full"),
        polyval=lambda np, sp, x: np.polyval(x, 0.7),
        polyval_argument=lambda np, sp, x: np.polyval([1.0, -2.0, 0.5], x),
        vander=lambda np, sp, x: np.vander(x, 3),
        outer=lambda np, sp, x: np.outer(x, x),
        inner=lambda np, sp, x: np.inner(x, x),
        kron=lambda np, sp, x: np.kron(x, np.array([1.0, 2.0])),
        cross=lambda np, sp, x: np.cross(x[:3], x[2:]),
        dot=lambda np, sp, x: np.dot(x, x),
        einsum=lambda np, sp, x: np.einsum("i,j->ij", x, x),
        tile=lambda np, sp, x: np.tile(x, 2),
        repeat=lambda np, sp, x: np.repeat(x, 2),
        roll=lambda np, sp, x: np.roll(x, 1) * x,
        flip=lambda np, sp, x: np.flip(x) * x,
        flip_by_slice=lambda np, sp, x: x[::-1] * x,
        sort=lambda np, sp, x: np.sort(x)[:3],
        where=lambda np, sp, x: np.where(x > 1.0, x, x**2),
        where_indices=lambda np, sp, x: x[np.where(x > 1.0)],
        clip=lambda np, sp, x: np.clip(x, 0.6, 1.5),
        maximum=lambda np, sp, x: np.maximum(x, 1.0),
        minimum=lambda np, sp, x: np.minimum(x, 1.0),
        heaviside=lambda np, sp, x: x * np.heaviside(x - 1.0, 0.5),
        diff=lambda np, sp, x: np.diff(x),
        ediff1d=lambda np, sp, x: np.ediff1d(x),
        gradient=lambda np, sp, x: np.gradient(x),
        gradient_spacing=lambda np, sp, x: np.gradient(x, 0.5),
        trapezoid=lambda np, sp, x: np.trapezoid(x, dx=0.1),
        interp=lambda np, sp, x: np.interp(x, np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 1.0])),
        average=lambda np, sp, x: np.average(x, weights=np.arange(1.0, 6.0)),
        ptp=lambda np, sp, x: np.ptp(x),
        std=lambda np, sp, x: np.std(x, ddof=1),
        var=lambda np, sp, x: np.var(x),
        mean=lambda np, sp, x: np.mean(x),
        amax=lambda np, sp, x: np.amax(x),
        prod=lambda np, sp, x: np.prod(x),
        logaddexp=lambda np, sp, x: np.logaddexp(x, 1.0),
        logaddexp_reduce=lambda np, sp, x: np.logaddexp.reduce(x),
        add_reduce=lambda np, sp, x: np.add.reduce(x),
        multiply_accumulate=lambda np, sp, x: np.multiply.accumulate(x),
        multiply_outer=lambda np, sp, x: np.multiply.outer(x, x),
        power=lambda np, sp, x: np.power(x, 2.5),
        float_power=lambda np, sp, x: np.float_power(x, 2),
        reciprocal=lambda np, sp, x: np.reciprocal(x),
        arctan2=lambda np, sp, x: np.arctan2(x, 2.0),
        hypot=lambda np, sp, x: np.hypot(x, 3.0),
        sinc=lambda np, sp, x: np.sinc(x),
        i0=lambda np, sp, x: np.i0(x),
        cbrt=lambda np, sp, x: np.cbrt(x),
        exp2=lambda np, sp, x: np.exp2(x),
        deg2rad=lambda np, sp, x: np.deg2rad(x) + np.degrees(x),
        fmod=lambda np, sp, x: np.fmod(x, 0.4),
        mod=lambda np, sp, x: np.mod(x, 0.4) + x % 0.37,
        modf=lambda np, sp, x: np.modf(x)[0],
        absolute=lambda np, sp, x: np.absolute(x - 1.0),
        square=lambda np, sp, x: np.square(x),
        concatenate=lambda np, sp, x: np.concatenate([x, x[:2], np.ones(2)]),
        hstack=lambda np, sp, x: np.hstack([x, x]),
        stack=lambda np, sp, x: np.stack([x, x**2], axis=1),
        column_stack=lambda np, sp, x: np.column_stack([x, x**2]),
        split=lambda np, sp, x: np.array_split(x, 2)[1],
        atleast_2d=lambda np, sp, x: np.atleast_2d(x) @ np.ones(5),
        expand_dims=lambda np, sp, x: np.expand_dims(x, 1) * x,
        newaxis=lambda np, sp, x: x[:, np.newaxis] * x,
        meshgrid=lambda np, sp, x: np.meshgrid(x, x)[0] * np.meshgrid(x, x)[1],
        broadcast_to=lambda np, sp, x: np.broadcast_to(x, (2, 5)) ** 2,
        full_like=lambda np, sp, x: np.full_like(x, 2.0) * x,
        ones_like=lambda np, sp, x: np.ones_like(x) * x**2,
        unique=lambda np, sp, x: np.unique(x),
        nan_to_num=lambda np, sp, x: np.nan_to_num(x) ** 2,
        nansum=lambda np, sp, x: np.nansum(np.where(x > 1.0, x, np.nan)),
        nanmean=lambda np, sp, x: np.nanmean(np.where(x > 1.0, x, np.nan)),
        unwrap=lambda np, sp, x: np.unwrap(x * 4.0),
        apply_along_axis=lambda np, sp, x: np.apply_along_axis(lambda row: row**2, 0, x),
        searchsorted=lambda np, sp, x: x * np.searchsorted(np.array([0.6, 1.0, 1.5]), x),
        histogram_of_constants=lambda np, sp, x: (
            x[:3] * np.histogram(np.array([1.0, 2.0, 2.5, 3.0]), bins=3)[0]
        ),
        digitize=lambda np, sp, x: x * np.digitize(x, np.array([0.6, 1.0, 1.5])),
        fft=lambda np, sp, x: np.abs(np.fft.fft(x)) ** 2,
        ifft=lambda np, sp, x: np.fft.ifft(np.fft.fft(x) * 2.0).real,
        linspace=lambda np, sp, x: np.linspace(x[0], x[1], 4),
        geomspace=lambda np, sp, x: np.geomspace(x[0], x[1], 4),
        tensordot=lambda np, sp, x: np.tensordot(x, x, axes=1),
        vdot=lambda np, sp, x: np.vdot(x, x),
        fancy_index=lambda np, sp, x: x[np.array([0, 0, 3])] ** 2,
        boolean_index=lambda np, sp, x: x[x > 1.0] ** 2,
        ix=lambda np, sp, x: np.outer(x, x)[np.ix_([0, 2], [1, 3])],
        take_along_axis=lambda np, sp, x: np.take_along_axis(x, np.argsort(x), 0),
        where_sum=lambda np, sp, x: np.sum(x, where=np.array([True, False, True, True, False])),
        sum_initial=lambda np, sp, x: np.sum(x, initial=2.0) ** 2,
    ),
    *_rows("v", ARRAY, array_of_elements=lambda np, sp, x: np.array([x[0], x[1] * x[2], 3.0])),
    *_rows("v", ARRAY, array_nested=lambda np, sp, x: np.array([[x[0], 1.0], [2.0, x[1]]])),
    *_rows("v", ARRAY, vectorize=lambda np, sp, x: np.vectorize(lambda t: t**2 + 1.0)(x)),
    *_rows("v", ARRAY, r_=lambda np, sp, x: np.r_[x, 1.0, x[:2]]),
    *_rows("v", ARRAY, c_=lambda np, sp, x: np.c_[x, x**2]),
    *_rows(
        "M",
        trace=lambda np, sp, x: np.trace(x),
        det=lambda np, sp, x: np.linalg.det(x),
        slogdet=lambda np, sp, x: np.linalg.slogdet(x)[1],
        inv=lambda np, sp, x: np.linalg.inv(x),
        pinv=lambda np, sp, x: np.linalg.pinv(x),
        solve=lambda np, sp, x: np.linalg.solve(x, np.arange(3.0)),
        lstsq=lambda np, sp, x: np.linalg.lstsq(x[:, :2], np.arange(3.0), rcond=None)[0],
        eigvalsh=lambda np, sp, x: np.linalg.eigvalsh(x + x.T),
        eigh=lambda np, sp, x: np.linalg.eigh(x @ x.T)[0],
        svd=lambda np, sp, x: np.linalg.svd(x, compute_uv=False),
        svd_rank_one=lambda np, sp, x: (lambda u, s, v: s[0] * np.outer(u[:, 0], v[0]))(
            *np.linalg.svd(x)
        ),
        qr=lambda np, sp, x: np.abs(np.linalg.qr(x)[1]),
        cholesky=lambda np, sp, x: np.linalg.cholesky(x @ x.T),
        matrix_power=lambda np, sp, x: np.linalg.matrix_power(x, 3),
        multi_dot=lambda np, sp, x: np.linalg.multi_dot([x, x, x]),
        norm_of_matrix=lambda np, sp, x: np.linalg.norm(x),
        norm_nuclear=lambda np, sp, x: np.linalg.norm(x, "nuc"),
        norm_of_rows=lambda np, sp, x: np.linalg.norm(x, axis=1),
        cond=lambda np, sp, x: np.linalg.cond(x),
        triu=lambda np, sp, x: np.triu(x) + np.tril(x, -1) ** 2,
        diag_of_matrix=lambda np, sp, x: np.diag(x) ** 2,
        fill_diagonal_of_product=lambda np, sp, x: x[np.diag_indices(3)] ** 2,
        triu_indices=lambda np, sp, x: x[np.triu_indices(3)] ** 2,
        rot90=lambda np, sp, x: np.rot90(x) * x,
        block=lambda np, sp, x: np.block([[x, np.eye(3)], [np.zeros((3, 3)), x]]) ** 2,
        cov=lambda np, sp, x: np.cov(x),
        corrcoef=lambda np, sp, x: np.corrcoef(x),
        einsum_trace=lambda np, sp, x: np.einsum("ii", x),
        ravel=lambda np, sp, x: np.ravel(x) ** 2,
        vstack=lambda np, sp, x: np.vstack([x, x[0]]) ** 2,
        median_axis=lambda np, sp, x: np.median(x, axis=0),
        apply_over_rows=lambda np, sp, x: np.apply_along_axis(lambda r: np.sum(r**2), 1, x),
        matmul=lambda np, sp, x: np.matmul(x, x),
        swapaxes=lambda np, sp, x: np.swapaxes(x, 0, 1) @ x,
        moveaxis=lambda np, sp, x: np.moveaxis(x, 0, 1) ** 2,
        pad=lambda np, sp, x: np.pad(x, 1, mode="edge"),
        write_row=lambda np, sp, x: _written(x * 1.0, 0, x[1] ** 2),
        polyfit=lambda np, sp, x: np.polyfit(np.array([0.0, 1.0, 3.0]), x[0], 1),
    ),
]


def _written(x: Any, key: Any, value: Any) -> Any:
    x[key] = value
    return x


# ── SciPy's functions ─────────────────────────────────────────────────────────────────────────

SPECIAL = [
    *_rows(
        "v",
        gammaln=lambda np, sp, x: sp.special.gammaln(x),
        erf=lambda np, sp, x: sp.special.erf(x),
        expit=lambda np, sp, x: sp.special.expit(x),
        digamma=lambda np, sp, x: sp.special.digamma(x),
        xlogy=lambda np, sp, x: sp.special.xlogy(x, x),
        beta=lambda np, sp, x: sp.special.beta(x, 2.0),
        gammainc_of_x=lambda np, sp, x: sp.special.gammainc(2.5, x),
        entr=lambda np, sp, x: sp.special.entr(x),
    ),
    *_rows(
        "unit",
        logit=lambda np, sp, x: sp.special.logit(x),
        ndtri=lambda np, sp, x: sp.special.ndtri(x),
    ),
]

SCIPY_PROGRAMS = [
    *_rows(
        "v",
        SCIPY,
        norm_logpdf=lambda np, sp, x: sp.stats.norm.logpdf(x, 0.3, 1.2),
        norm_cdf=lambda np, sp, x: sp.stats.norm.cdf(x),
        norm_logcdf=lambda np, sp, x: sp.stats.norm.logcdf(-10.0 * x),
        t_logpdf=lambda np, sp, x: sp.stats.t.logpdf(x, 3.0),
        gamma_logpdf=lambda np, sp, x: sp.stats.gamma.logpdf(x, 2.0),
        gamma_shape=lambda np, sp, x: sp.stats.gamma.logpdf(1.5, x),
        poisson_logpmf=lambda np, sp, x: sp.stats.poisson.logpmf(2, x),
        multivariate_normal=lambda np, sp, x: sp.stats.multivariate_normal.logpdf(
            x[:2], np.zeros(2), np.eye(2)
        ),
        block_diag=lambda np, sp, x: sp.linalg.block_diag(np.outer(x, x), np.eye(2)),
        toeplitz=lambda np, sp, x: sp.linalg.toeplitz(x) ** 2,
        signal_convolve=lambda np, sp, x: sp.signal.convolve(x, np.array([1.0, 0.5])),
    ),
    *_rows("unit", SCIPY, beta_logpdf=lambda np, sp, x: sp.stats.beta.logpdf(x, 2.0, 3.0)),
    *_rows(
        "M",
        SCIPY,
        expm=lambda np, sp, x: sp.linalg.expm(x),
        sqrtm=lambda np, sp, x: sp.linalg.sqrtm(x @ x.T + np.eye(3)),
        logm=lambda np, sp, x: sp.linalg.logm(x @ x.T + np.eye(3)),
        solve_triangular=lambda np, sp, x: sp.linalg.solve_triangular(
            x, np.arange(3.0), lower=True
        ),
        cho_solve=lambda np, sp, x: sp.linalg.cho_solve(sp.linalg.cho_factor(x @ x.T), np.ones(3)),
        solve_sylvester=lambda np, sp, x: sp.linalg.solve_sylvester(
            x, x.T + np.eye(3), np.ones((3, 3))
        ),
        scipy_cholesky=lambda np, sp, x: sp.linalg.cholesky(x @ x.T, lower=True),
    ),
    Snippet("logsumexp", "v", lambda np, sp, x: sp.special.logsumexp(x), SCIPY),
    Snippet("softmax of SciPy", "v", lambda np, sp, x: sp.special.softmax(x), SCIPY),
    Snippet(
        "minimize",
        "scalar",
        lambda np, sp, x: (
            sp.optimize.minimize(
                lambda y, a: np.sum((y - a) ** 4 + (y - 1.0) ** 2),
                np.zeros(2),
                args=(x,),
                tol=1e-12,
            ).x
        ),
        SCIPY,
        "pb.implicit.argmin",
    ),
    Snippet(
        "root",
        "scalar",
        lambda np, sp, x: (
            sp.optimize.root(lambda y, a: y**3 + y - a, np.zeros(1), args=(x,), tol=1e-13).x
        ),
        # MINPACK's wrapper puts an error of its own in the place of ours, without a cause
        "not a proper array of floats",
        "pb.implicit.root",
    ),
    Snippet(
        "quad",
        "scalar",
        lambda np, sp, x: sp.integrate.quad(lambda t, a: np.exp(-a * t**2), 0.0, 1.0, args=(x,))[0],
        SCIPY,
        "trapezoid or simpson",
    ),
]

SNIPPETS = [*PROGRAMS, *METHODS, *FUNCTIONS, *SPECIAL, *SCIPY_PROGRAMS]
