"""Programs as people write them: each right against central differences, on NumPy and on the stand-in for CuPy.

They are ordinary NumPy: `np` is NumPy itself, and nothing of pullback's is named in them.
"""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

X = np.random.default_rng(0).standard_normal((4, 4)) + 3 * np.eye(4)

SNIPPETS = {
    "softmax": lambda x: np.sum(
        np.exp(x - x.max(axis=1, keepdims=True))
        / np.exp(x - x.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)
        * x
    ),
    "gram": lambda x: np.linalg.slogdet(x.T @ x + np.eye(4))[1],
    "loop rows": lambda x: sum(np.linalg.norm(r) for r in x),
    "enumerate": lambda x: sum(i * r.sum() for i, r in enumerate(x)),
    "zip": lambda x: sum(a @ b for a, b in zip(x, x[::-1], strict=True)),
    "unpack": lambda x: (lambda a, b, c, d: a @ b + c @ d)(*x),
    "mask": lambda x: x[x > 0].sum(),
    "mask assign": lambda x: (lambda y: (y.__setitem__(y < 0, 0), y.sum())[1])(x.copy()),
    "fancy": lambda x: x[[0, 1], [1, 2]].sum(),
    "newaxis": lambda x: ((x[:, None] - x[None]) ** 2).sum(),
    "where": lambda x: np.where(x > 0, x**2, -x).mean(),
    "minmax": lambda x: (x.max() - x.min()) / np.ptp(x),
    "einsum": lambda x: np.einsum("ij,jk->", x, x),
    "cov": lambda x: np.trace(np.cov(x)),
    "corr": lambda x: np.corrcoef(x)[0, 1],
    "outer": lambda x: np.outer(x[0], x[1]).sum(),
    "polyval": lambda x: np.polyval(x[0], 2.0),
    "interp": lambda x: np.interp(0.5, [0, 1.0, 2, 3], x[0]),
    "hist": lambda x: np.sum(np.histogram(np.arange(16.0), weights=x.ravel())[0] ** 2),
    "vstack": lambda x: np.vstack([x, x[0]]).std(),
    "tri": lambda x: np.triu(x, 1).sum() + np.tril(x).prod(),
    "chol": lambda x: np.linalg.cholesky(x @ x.T).sum(),
    "quad": lambda x: x[0] @ np.linalg.solve(x, x[1]),
    "pinv": lambda x: np.linalg.pinv(x[:, :2]).sum(),
    "svd": lambda x: np.linalg.svd(x, compute_uv=False).sum(),
    "eigh": lambda x: np.linalg.eigh(x + x.T)[0][0],
    "fft": lambda x: np.abs(np.fft.fft(x[0])).sum(),
    "cumprod": lambda x: np.cumprod(x[0]).sum(),
    "diff": lambda x: np.diff(x, axis=0).var(),
    "gradient": lambda x: np.gradient(x)[0].sum(),
    "sort": lambda x: np.sort(x, axis=None)[3],
    "argmax": lambda x: x.ravel()[np.argmax(x)],
    "median": lambda x: np.median(x, axis=0).sum(),
    "percentile": lambda x: np.percentile(x, 35),
    "clip": lambda x: np.clip(x, -1, 1).sum(),
    "round": lambda x: (x * np.round(x)).sum(),
    "floor": lambda x: (x - np.floor(x)).sum(),
    "mod": lambda x: np.mod(x, 0.7).sum(),
    "sign": lambda x: (np.sign(x) * x).sum(),
    "abs": lambda x: np.abs(x).sum() + abs(x).max(),
    "logsumexp": lambda x: np.log(np.sum(np.exp(x))),
    "logaddexp": lambda x: np.logaddexp(x[0], x[1]).sum(),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x, axis=1).sum(),
    "multiply.outer": lambda x: np.multiply.outer(x[0], x[1]).sum(),
    "hypot": lambda x: np.hypot(x[0], x[1]).sum(),
    "arctan2": lambda x: np.arctan2(x[0], x[1]).sum(),
    "nan_to_num": lambda x: np.nan_to_num(x).sum(),
    "nanmean": lambda x: np.nanmean(x),
    "average": lambda x: np.average(x[0], weights=np.arange(4.0)),
    "convolve": lambda x: np.convolve(x[0], x[1], "valid").sum(),
    "correlate": lambda x: np.correlate(x[0], x[1], "full").max(),
    "kron": lambda x: np.kron(x[:2, :2], x[2:, 2:]).sum(),
    "cross": lambda x: np.cross(x[0, :3], x[1, :3]).sum(),
    "tensordot": lambda x: np.tensordot(x, x, axes=([0], [1])).sum(),
    "roll": lambda x: (np.roll(x, 1, axis=0) * x).sum(),
    "repeat": lambda x: (np.repeat(x, 2, 0) ** 2).sum(),
    "tile": lambda x: (np.tile(x[0], 3) ** 2).sum(),
    "meshgrid": lambda x: (lambda a, b: (a * b).sum())(*np.meshgrid(x[0], x[1])),
    "broadcast_to": lambda x: (np.broadcast_to(x[0], (3, 4)) ** 2).sum(),
    "expand": lambda x: np.expand_dims(x, 1).sum(),
    "squeeze": lambda x: np.squeeze(x[:1]).sum(),
    "swapaxes": lambda x: (np.swapaxes(x, 0, 1) @ x).sum(),
    "split": lambda x: sum(np.prod(p) for p in np.split(x, 2)),
    "hsplit": lambda x: np.hsplit(x, 2)[1].prod(),
    "flip": lambda x: (np.flip(x) * x).sum(),
    "rot90": lambda x: (np.rot90(x) * x).sum(),
    "pad": lambda x: (np.pad(x, 1, "reflect") ** 2).sum(),
    "insert": lambda x: (np.insert(x, 1, 2.0, axis=0) ** 2).sum(),
    "delete": lambda x: (np.delete(x, 1, axis=0) ** 2).sum(),
    "unique": lambda x: np.unique(x).sum(),
    "searchsorted": lambda x: x[0, np.searchsorted([0.0, 1.0], 0.5)],
    "take": lambda x: np.take(x, [0, 3]).prod(),
    "compress": lambda x: np.compress([True, False, True, False], x, axis=0).sum(),
    "choose": lambda x: np.choose([0, 1, 0, 1], [x[0], x[1]]).prod(),
    "select": lambda x: np.select([x > 1, x > 0], [x, x**2], 0.0).sum(),
    "piecewise": lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda t: -t, lambda t: t**2]).sum(),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda r: r @ r, 1, x).sum(),
    "vectorized": lambda x: np.trapezoid(x[0], dx=0.5),
    "inplace ops": lambda x: (lambda y: (y.__iadd__(1), y.__imul__(2), y.sum())[2])(x * 1.0),
    "+=view": lambda x: (lambda y: (y[0].__iadd__(5 * x[1]), (y**2).sum())[1])(x * 1.0),
    "zeros_like write": lambda x: (lambda y: (y.__setitem__(0, x[0]), (y**2).sum())[1])(
        np.zeros_like(x)
    ),
    "empty_like loop": lambda x: (
        lambda y: (
            [y.__setitem__((i, j), x[i, j] ** 2) for i in range(4) for j in range(4)],
            y.sum(),
        )[1]
    )(np.empty_like(x)),
    "astype": lambda x: x.astype(np.float64).sum(),
    "T.dot": lambda x: x.T.dot(x).trace(),
    "diag": lambda x: np.diag(x).prod() + np.diagflat(x[0]).sum(),
    "isfinite": lambda x: x[np.isfinite(x)].sum(),
    "any": lambda x: x.sum() if np.any(x > 0) else x.prod(),
    "allclose": lambda x: x.sum() if np.allclose(x, x) else 0,
    "len": lambda x: x.sum() / len(x) / x.shape[1] / x.size,
    "float pow": lambda x: (np.abs(x) ** 0.5).sum(),
    "2**x": lambda x: (2**x).sum(),
    "matrix_power": lambda x: np.linalg.matrix_power(x, 3).sum(),
    "norms": lambda x: (
        np.linalg.norm(x)
        + np.linalg.norm(x, 1)
        + np.linalg.norm(x, "nuc")
        + np.linalg.norm(x[0], np.inf)
    ),
    "lstsq": lambda x: np.linalg.lstsq(x[:, :2], x[:, 2], rcond=None)[0].sum(),
    "multi_dot": lambda x: np.linalg.multi_dot([x, x, x]).sum(),
    "cbrt": lambda x: np.cbrt(np.abs(x)).sum(),
    "unwrap": lambda x: np.unwrap(x[0] * 3).sum(),
    "unravel": lambda x: x[np.unravel_index(np.argmax(x), x.shape)],
    "lexsort": lambda x: x[np.lexsort((x[:, 1], x[:, 0]))][0].sum(),
    "argsort": lambda x: x[0][np.argsort(x[0])][::-1][:2].sum(),
    "block": lambda x: np.block([[x, x], [x, x]]).std(),
    "c_": lambda x: np.linalg.det(np.stack([x[0, :2], x[1, :2]], axis=1)),
    "cumsum2": lambda x: np.add.accumulate(x, axis=1)[:, -1].prod(),
    "sliding": lambda x: np.lib.stride_tricks.sliding_window_view(x[0], 2).prod(axis=1).sum(),
}

# With arrays that NumPy makes inside, which do not mix with those of a device.
ON_THE_HOST = frozenset(("gram", "average"))


def by_differences(f, x):
    """Central differences of a function of a matrix."""
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        h = np.zeros_like(x)
        h[i] = 1e-6
        out[i] = (f(x + h) - f(x - h)) / 2e-6
    return out


@pytest.mark.parametrize("name", SNIPPETS)
def test_gradients(name, lib):
    if lib.name == "array_api_strict":
        pytest.skip("NumPy's semantics of keys and dtypes are more than the standard's")
    if lib.name != "numpy" and name in ON_THE_HOST:
        pytest.skip("it makes arrays of NumPy's own, which do not mix with those of a device")
    f = SNIPPETS[name]
    gradient = pb.grad(f)(lib.asarray(X))
    assert lib.is_raw(gradient)
    np.testing.assert_allclose(lib.to_numpy(gradient), by_differences(f, X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SNIPPETS)
def test_values(name):
    f = SNIPPETS[name]
    np.testing.assert_allclose(float(f(pb.xp.asarray(X, copy=True))), f(X.copy()), rtol=1e-10)
