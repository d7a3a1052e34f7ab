"""Functions that are made of others, reads, writes, random numbers, models and solvers under `vmap`, against loops."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp, K = pb.xp, 3
RNG = np.random.default_rng(0)
V, U = RNG.uniform(0.5, 1.5, (2, K, 4))
M, N = RNG.uniform(-1, 1, (2, K, 3, 3))
P = M @ M.swapaxes(1, 2) + 3 * np.eye(3)
B = RNG.uniform(-1, 1, (K, 3))
S = RNG.uniform(0.5, 1.5, K)
I = np.asarray([2, 0, 3])  # noqa: E741 - an index
J = np.asarray([[1, 1, 0], [2, -1, 3], [0, 1, 3]])
T = RNG.uniform(-1, 1, (5, 2))  # a table that is the same for all rows
MASKS = V > 1.0
ONE_MASK = np.asarray([True, False, True, True])


def write_number(v, i):
    z = xp.zeros(4)
    z[i] = v[0]
    z[1] += v[1]
    return z * v


def write_rows(m, b):
    z = xp.zeros((3, 3))
    z[1, :] = b
    z[:, 0] += m[0]
    z[1:, 1:] *= 2.0
    return z @ m


def write_batched_place(v, j):
    z = xp.zeros((4, 2))
    z[j, 0] = v[:3]
    z[j] += 1.0
    return z


def write_view(v, u):
    z = v * 1.0
    part = z[1:3]
    part += u[1:3]
    z[0] = u[3]
    return z * part[0]


def write_row_view(m, i):
    z = m * 1.0
    row = z[i - 1]
    row[0] = 7.0
    z[0, 1] = 5.0
    return xp.sum(z * m) + row[1] * row[0]


def write_mask(v, mask):
    z = v * 2.0
    z[mask] = 0.5
    return z


def write_same_mask(v, u):
    z = v * 2.0
    z[pb.asarray(ONE_MASK)] = u[:3]
    return z


def write_argument(v, u):
    v[1] = u[0]
    v *= u
    return v


def rows_of(m, b):
    return sum(row * b[i] for i, row in enumerate(m))


def accumulate(v, u):
    total = xp.asarray(0.0)
    for i in range(4):
        total += v[i] * u[i]
    return total


# What is called on each row: name, function, arguments that are mapped; all float arguments are differentiated.
TABLE = {
    # reads
    "row of a table": (lambda i, v: xp.asarray(T)[i] * v[:2], [I, V]),
    "row of a NumPy table": (lambda j, v: xp.take(T, j, axis=0) * v[0], [J, V]),
    "element": (lambda v, i: v[i], [V, I]),
    "elements": (lambda v, j: v[j] * 2, [V, J]),
    "negative element": (lambda v, i: v[i - 4], [V, I]),
    "column": (lambda m, j: m[:, j % 3], [M, J]),
    "ellipsis": (lambda m, i: m[..., i % 3], [M, I]),
    "element of a matrix": (lambda m, i: m[i % 3, 1], [M, I]),
    "two arrays": (lambda m, j: m[j % 3, (j + 1) % 3], [M, J]),
    "array and slice": (lambda m, j: m[1:, j % 3], [M, J]),
    "array, None, slice": (lambda m, j: m[j % 3, None, ::-1], [M, J]),
    "array apart from array": (lambda m, j: xp.stack([m, m + 1])[j % 2, :, j % 3], [M, J]),
    "number and array apart": (lambda m, j: xp.stack([m, m + 1])[1, :, j % 3], [M, J]),
    "mask that is the same for all": (lambda v: v[pb.asarray(ONE_MASK)], [V]),
    "take": (lambda v, j: xp.take(v, j, axis=0), [V, J]),
    "take along an axis": (lambda v, j: xp.take_along_axis(v, j % 4), [V, J]),
    "take along, one index for all": (lambda v: xp.take_along_axis(v, pb.asarray(J[0])), [V]),
    "at, get": (lambda v, j: xp.at(v)[j].get(), [V, J]),
    "slices": (lambda m: m[1:, ::-1] + m[None, 0], [M]),
    # writes
    "write a number": (write_number, [V, I]),
    "write rows": (write_rows, [M, B]),
    "write at places of each row": (write_batched_place, [V, J]),
    "write to a view": (write_view, [V, U]),
    "write to a row of each row": (write_row_view, [M, I]),
    "write where each row says": (write_mask, [V, MASKS]),
    "write at a mask": (write_same_mask, [V, U]),
    "write to an argument": (write_argument, [V, U]),
    "write in a loop": (accumulate, [V, U]),
    "at, set": (lambda v, i: xp.at(v)[i].set(2.0), [V, I]),
    "at, set an array": (lambda v, u: xp.at(v)[1:3].set(u[:2]), [V, U]),
    "at, add": (lambda v, j: xp.at(v)[j].add(v[:3]), [V, J]),
    "at, multiply a slice": (lambda v, u: xp.at(v)[::2].multiply(u[::2]), [V, U]),
    "at, max": (lambda v, u: xp.at(v)[:2].max(u[:2]), [V, U]),
    "at, multiply at places of each row": (lambda v, j: xp.at(v)[j].multiply(v[:3] * 2), [V, J]),
    "segments of each row": (lambda v, j: xp.segment_sum(v[:3], j % 4, 4), [V, J]),
    "roll by each row's": (lambda v, i: xp.roll(v, i), [V, I]),
    "scatter_add": (lambda v, j: xp.scatter_add((4,), j, v[:3]), [V, J]),
    "scatter_add of a constant": (lambda v, j: v * xp.scatter_add((4,), j, xp.asarray(2.0) * xp.ones(3)), [V, J]),
    "segment_sum": (lambda v: xp.segment_sum(v, pb.asarray([1, 0, 1, 2]), 3), [V]),
    "iteration": (rows_of, [M, B]),
    # choice
    "where": (lambda v, mask: xp.where(mask, v * v, 3.0), [V, MASKS]),
    "where of one mask": (lambda v, u: xp.where(pb.asarray(ONE_MASK), v, u), [V, U]),
    "apply_where": (lambda v: xp.apply_where(v > 1, v, lambda x: x * x, fill_value=0.0), [V]),
    "comparison": (lambda v, u: xp.astype(v < u, xp.float64) + xp.sum(v == v[0]), [V, U]),
    "argmax": (lambda m: m[xp.argmax(m[:, 0]), :] + xp.argmin(m), [M]),
    # creation
    "zeros_like": (lambda v: xp.zeros_like(v) + v, [V]),
    "ones_like": (lambda v: xp.ones_like(v, dtype=xp.float32) * xp.astype(v, xp.float32), [V]),
    "full_like": (lambda v, s: xp.full_like(v, s) * v, [V, S]),
    "full": (lambda s: xp.full((2, 2), s), [S]),
    "linspace": (lambda s: xp.linspace(s, 2.0, 4), [S]),
    "asarray of numbers": (lambda v, s: xp.asarray([s, v[0], 1.0]), [V, S]),
    "nested asarray": (lambda v, s: xp.asarray([[s, v[0]], [1.0, v[1]]]), [V, S]),
    "meshgrid": (lambda v, b: xp.meshgrid(v, b)[1], [V, B]),
    "one_hot": (lambda i, v: xp.one_hot(i, 4) * v, [I, V]),
    "eye": (lambda m: m + xp.eye(3), [M]),
    "create_diagonal": (lambda b: xp.create_diagonal(b, offset=1), [B]),
    # rearrangements
    "reshape": (lambda v: xp.reshape(v, (2, -1)), [V]),
    "transposes": (lambda m, b: m.T @ m.mT @ b, [M, B]),
    "broadcast_to": (lambda b: xp.broadcast_to(b, (2, 3)), [B]),
    "broadcast_arrays": (lambda b, s: xp.broadcast_arrays(b, s)[1], [B, S]),
    "expand, squeeze": (lambda b: xp.squeeze(xp.expand_dims(b, axis=(0, 2)), axis=(0, -1)), [B]),
    "concat of both": (lambda b, v: xp.concat([b, v, pb.asarray([1.0])]), [B, V]),
    "stack": (lambda b: xp.stack([b, 2 * b, pb.asarray(B[0])], axis=1), [B]),
    "flips": (lambda m: xp.flip(m) + xp.roll(m, 1) + xp.roll(m, (1, -1), axis=(0, 1)), [M]),
    "repeat": (lambda b: xp.repeat(b, 2) + xp.repeat(b, pb.asarray([1, 2, 3])), [B]),
    "tile": (lambda b: xp.tile(b, (2, 2)), [B]),
    "pad": (lambda m: xp.pad(m, ((1, 0), (0, 2)), constant_values=1.5), [M]),
    "unstack": (lambda m: xp.unstack(m, axis=1)[2] * xp.unstack(m)[0], [M]),
    "split": (lambda v: xp.split(v, 2)[1] * xp.array_split(v, 3)[0], [V]),
    "moveaxis": (lambda m: xp.moveaxis(xp.stack([m, m + 1]), 0, -1), [M]),
    "permute_dims": (lambda m: xp.permute_dims(xp.stack([m, m + 1]), (2, 0, 1)), [M]),
    "hstack, vstack": (lambda m, b: xp.vstack([m, b]) + xp.hstack([b[:1], b])[0], [M, B]),
    "atleast_2d": (lambda b: xp.atleast_2d(b) @ b, [B]),
    "tril": (lambda m: xp.tril(m, k=-1) + xp.triu(m, k=1), [M]),
    # order and statistics
    "sort": (lambda m: xp.sort(m, axis=0) + xp.sort(m, descending=True), [M]),
    "sort of a vector": (lambda v: xp.sort(v) * pb.asarray(V[0]), [V]),
    "argsort": (lambda v: v[xp.argsort(v)], [V]),
    "partition": (lambda v: xp.sort(xp.partition(v, 2)), [V]),
    "searchsorted": (lambda s: xp.searchsorted(pb.asarray([0.0, 0.7, 1.2]), s) + s, [S]),
    "searchsorted in each row": (lambda v, s: xp.searchsorted(xp.sort(v), s) + v[0], [V, S]),
    "isin": (lambda j, v: xp.astype(xp.isin(j, pb.asarray([1, 3])), xp.float64) * v[:3], [J, V]),
    "isin each row": (lambda j, i: xp.isin(j, xp.asarray([i, 1])), [J, I]),
    "moments": (lambda v: xp.std(v) + xp.var(v, correction=1) * xp.mean(v), [V]),
    "average": (lambda v, u: xp.average(v, weights=u), [V, U]),
    "cov": (lambda m: xp.cov(m) + xp.corrcoef(m), [M]),
    "cumulative": (lambda v: xp.cumulative_sum(v, include_initial=True)[1:] * xp.cumulative_prod(v), [V]),
    "extremes": (lambda m: xp.max(m, axis=1) - xp.min(m) + xp.prod(m, axis=0), [M]),
    "logsumexp": (lambda m: xp.special.logsumexp(m, axis=1) + xp.special.logsumexp(m), [M]),
    "logsumexp with weights": (lambda v, u: xp.special.logsumexp(v, b=u), [V, U]),
    "softmax": (lambda m: xp.special.softmax(m, axis=0) + xp.special.log_softmax(m, axis=1), [M]),
    "diff": (lambda v, s: xp.diff(v, n=2, prepend=s), [V, S]),
    "trapezoid": (lambda v, u: xp.trapezoid(v, x=xp.cumulative_sum(u)), [V, U]),
    "interp": (lambda s, v: xp.interp(s, pb.asarray([0.0, 1.0, 1.2, 2.0]), v), [S, V]),
    "nan_to_num": (lambda v: xp.nan_to_num(xp.where(v > 1, v, xp.nan), nan=0.5), [V]),
    "isclose": (lambda v, u: xp.isclose(v, u, rtol=0.3), [V, U]),
    "clip": (lambda v, s: xp.clip(v, s, 1.2), [V, S]),
    "clip, numbers": (lambda v: xp.clip(v, min=0.8, max=1.2), [V]),
    "count_nonzero": (lambda mask, v: xp.count_nonzero(mask) * v, [MASKS, V]),
    "all, any": (lambda mask, v: xp.where(xp.all(mask) | xp.any(mask[:1]), v, -v), [MASKS, V]),
    # products
    "products of vectors": (lambda v, u: v @ u + xp.vecdot(v, u) + xp.dot(v, u) + xp.inner(v, u), [V, U]),
    "matrix and vector": (lambda m, b: m @ b + b @ m, [M, B]),
    "matrices": (lambda m, n: m @ n @ pb.asarray(M[0]) + pb.asarray(M[1]) @ m, [M, N]),
    "outer, kron": (lambda b, v: xp.kron(b, v) + xp.reshape(xp.outer(b, v), (-1,)), [B, V]),
    "linalg.outer": (lambda b, v: xp.linalg.outer(b, v), [B, V]),
    "einsum": (lambda m, n, b: xp.einsum("ij,jk,k->i", m, n, b) + xp.einsum("ii", m), [M, N, B]),
    "tensordot": (lambda m, n: xp.tensordot(m, n, axes=2) + xp.tensordot(m, n, axes=((0,), (1,))), [M, N]),
    "tensordot with one for all": (lambda m: xp.tensordot(m, M[0], axes=1) + xp.tensordot(M[0], m, axes=(1, 0)), [M]),
    "cross": (lambda b, m: xp.linalg.cross(b, m[0]) + xp.linalg.cross(m, b)[1], [B, M]),
    "convolution by slices": (lambda v, u: sum(v[i : i + 3] * u[i] for i in range(2)), [V, U]),
    # linear algebra
    "solve": (lambda p, b: pb.linalg.solve(p, b), [P, B]),
    "solve, positive": (lambda p, m: pb.linalg.solve(p, m, assume="positive"), [P, M]),
    "solve, symmetric": (lambda p, b: pb.linalg.solve(p, b, assume="symmetric"), [P, B]),
    "solve, lower": (lambda p, b: pb.linalg.solve(p, b, assume="lower"), [P, B]),
    "solve, diagonal": (lambda p, b: pb.linalg.solve(p, b, assume="diagonal"), [P, B]),
    "solve, tridiagonal": (lambda p, b: pb.linalg.solve(p, b, assume="tridiagonal"), [P, B]),
    "solve, circulant": (lambda p, b: pb.linalg.solve(p, b, assume="circulant"), [P, B]),
    "solve, refined": (lambda p, b: pb.linalg.solve(p, b, refine=1), [P, B]),
    "solve, one matrix": (lambda b: pb.linalg.solve(P[0], b), [B]),
    "solve, one side": (lambda p: pb.linalg.solve(p, B[0]), [P]),
    "solve, columns of one side": (lambda p: pb.linalg.solve(p, M[0]), [P]),
    "xp.linalg.solve": (lambda p, b: xp.linalg.solve(p, b) + xp.linalg.solve(P[0], b), [P, B]),
    "solve_triangular": (lambda p, b: pb.linalg.solve_triangular(p, b, lower=True, trans=1), [P, B]),
    "factorize": (lambda p, b: pb.linalg.factorize(p).solve(b) + pb.linalg.factorize(p).solve(b * b), [P, B]),
    "factorize, determinant": (lambda p: pb.linalg.factorize(p, assume="positive").logdet(), [P]),
    "factorize, inverse": (lambda p: pb.linalg.factorize(p).inv(), [P]),
    "factorize one matrix": (lambda b: pb.linalg.factorize(P[0]).solve(b), [B]),
    "inv, det, slogdet": (lambda p: xp.linalg.inv(p) * xp.linalg.det(p) + xp.linalg.slogdet(p)[1], [P]),
    "cholesky": (lambda p: xp.linalg.cholesky(p), [P]),
    "eigh": (lambda p: xp.linalg.eigh(p).eigenvalues, [P]),
    "svd": (lambda m: xp.linalg.svdvals(m) + xp.linalg.svd(m).S, [M]),
    "qr": (lambda p: xp.abs(xp.linalg.qr(p).R), [P]),
    "norms": (lambda m, b: xp.linalg.matrix_norm(m) + xp.linalg.vector_norm(b) + xp.linalg.vector_norm(m), [M, B]),
    "expm": (lambda m: xp.linalg.expm(m), [M]),
    "pinv": (lambda m: xp.linalg.pinv(m), [P]),
    "lstsq": (lambda p, b: pb.linalg.lstsq(p, b)[0], [P, B]),
    "trace, diagonal": (lambda m: xp.linalg.trace(m) * xp.linalg.diagonal(m, offset=1), [M]),
    "fft": (lambda v: xp.real(xp.fft.ifft(xp.fft.fft(v) ** 2)), [V]),
    "rfft": (lambda v: xp.fft.irfft(xp.fft.rfft(v) * 2, n=4), [V]),
    "fftn": (lambda m: xp.abs(xp.fft.fftn(m, s=(4, 2), axes=(0, 1))), [M]),
    # solvers that read values: the whole function for each row
    "cg": (lambda p, b: pb.linalg.cg(p, b, rtol=1e-12)[0], [P, B]),
    "gmres": (lambda p, b: pb.linalg.gmres(p, b, rtol=1e-12)[0], [P, B]),
    "root": (lambda s: pb.implicit.root(lambda v: v**3 + s * v - 1.0, xp.asarray(0.5)), [S]),
    "fixed point": (lambda s: pb.implicit.fixed_point(lambda v: xp.cos(s * v), xp.asarray(0.5)), [S]),
    "sparse solve": (lambda v, u: _sparse_solve(v, u), [V, U]),
    # special functions
    "special": (lambda v: xp.special.gammaln(v) + xp.special.erf(v) + xp.special.digamma(v), [V]),
    "special of two": (lambda v, s: xp.special.xlogy(s, v) + xp.special.gammainc(s, v), [V, S]),
    "angle": (lambda v, u: xp.angle(v + 1j * u), [V, U]),
    "stop_gradient": (lambda v: v * pb.stop_gradient(v), [V]),
    "numbers": (lambda v, s: 2 * v + s - 1.5 / v + v**s + 2.0**v, [V, S]),
    "NumPy's functions": (lambda v: np.sin(v) * np.exp(v) + np.mean(v), [V]),
    "ndarray operators": (lambda v: V[0] * v + V[1] @ v - V[2], [V]),
}  # fmt: skip


def _sparse_solve(v, u):
    rows = pb.asarray(np.arange(4))
    A = pb.sparse.coo_array((v + 1.0, (rows, rows)), shape=(4, 4)).tocsr()
    return pb.linalg.spsolve(A, u)


def close(got, wanted, **tolerance):
    np.testing.assert_allclose(got, wanted, **({"rtol": 1e-9, "atol": 1e-10} | tolerance))


def float_places(args):
    return tuple(i for i, x in enumerate(args) if x.dtype.kind == "f")


def rows(args, i):
    return [pb.xp.asarray(x[i].copy()) for x in args]


@pytest.mark.parametrize("name", TABLE)
def test_value(name):
    f, args = TABLE[name]
    got = pb.vmap(f)(*args)
    assert type(got) is np.ndarray
    for i in range(K):
        wanted = pb.to_numpy(f(*rows(args, i)))
        assert got.dtype == wanted.dtype
        close(got[i], wanted)


NOT_DIFFERENTIATED = {"isclose", "isin each row"}


@pytest.mark.parametrize("name", [n for n in TABLE if n not in NOT_DIFFERENTIATED])
def test_gradient(name):
    f, args = TABLE[name]
    places = float_places(args)

    def number(*xs):
        y = f(*xs)
        weights = np.cos(np.arange(y.size) + 1.0).reshape(y.shape).astype(y.dtype)
        return xp.sum(y * weights)

    gradient = pb.grad(number, argnums=places)
    inside = pb.vmap(gradient)(*args)
    outside = pb.grad(lambda *xs: xp.sum(pb.vmap(number)(*xs)), argnums=places)(*args)
    for i in range(K):
        wanted = gradient(*[x[i].copy() for x in args])
        for a, b, w in zip(inside, outside, wanted, strict=True):
            close(a[i], w, rtol=1e-7)
            close(b[i], w, rtol=1e-7)
