"""The operations of random programs: the letters of what each takes and gives, and a smooth and tame function."""

from __future__ import annotations

import numpy as np

import pullback as pb

xp = pb.xp
N = 3


@pb.custom_vjp
def skewed(x):
    """sin(x), with a pullback of its own that is the derivative."""
    return xp.sin(x)


skewed.defvjp(lambda x: (xp.sin(x), x), lambda x, ct: (ct * xp.cos(x),))


def written(a, b):
    y = a + 0 * b
    y[1] = b[0]
    y[:2] += b[1:]
    return y


def written_at(a, b):
    y = a + 0 * b
    y[xp.argmax(b)] = xp.sum(b)
    return y


def written_rows(M, a):
    y = M + 0 * a
    y[1] = a
    y[:, 2] *= a
    row = y[0]
    row += a
    return y


def spd(M):
    return M @ M.mT / 4 + like_eye(M) * 2


def like_eye(M):
    return xp.tril(xp.ones_like(M)) * xp.triu(xp.ones_like(M))


def ids(a):
    return xp.astype(xp.argsort(a), a.dtype)


def root(a, b):
    return pb.implicit.root(lambda u, p: u - 0.3 * xp.sin(u * p) - b, a * 0 + 0.1, a)


def argmin(a, b):
    return pb.implicit.argmin(lambda u, p: xp.sum((u - b) ** 2 + 0.1 * xp.cos(u * p)), a * 0, a)


def attention(M, L):
    return pb.models.attention(M[None], L[None], (M * L)[None])[0]


def shifted(M):
    return M / 3 + like_eye(M) * 3


def weights(a):
    """Numbers that tell elements apart."""
    return xp.cumulative_sum(xp.ones_like(a), axis=-1) * 0.3 + 0.2


OPERATIONS = {
    "sin": ("v>v", xp.sin),
    "product": ("vv>v", lambda a, b: a * xp.cos(b)),
    "scale": ("vs>v", lambda a, s: a * xp.sin(s)),
    "divide": ("vv>v", lambda a, b: a / (1.5 + b * b)),
    "pow": ("vs>v", lambda a, s: (1 + a * a) ** xp.sin(s)),
    "hypot": ("vs>v", lambda a, s: xp.sqrt(1 + a * a + s * s)),
    "outer": ("vv>m", xp.linalg.outer),
    "outer *": ("vv>m", lambda a, b: a[:, None] * xp.tanh(b)),
    "matvec": ("mv>v", lambda M, v: M @ v / 3),
    "vecmat": ("mv>v", lambda M, v: v @ M / 3),
    "matmat": ("mm>m", lambda M, L: M @ L / 3),
    "matmat T": ("mm>m", lambda M, L: M.mT @ L / 3),
    "vecvec": ("vv>s", lambda a, b: a @ b / 3),
    "vecdot": ("mm>v", lambda M, L: xp.linalg.vecdot(M, L, axis=-2) / 3),
    "vecdot v": ("mv>v", lambda M, a: xp.linalg.vecdot(M, a) / 3),
    "einsum ij,j": ("mv>v", lambda M, a: xp.einsum("ij,j->i", M, a) / 3),
    "einsum ij,i": ("mv>m", lambda M, a: xp.einsum("ij,i->ji", M, a)),
    "einsum i,i,ij": ("vvm>v", lambda a, b, M: xp.einsum("i,i,ij->j", a, b, M) / 3),
    "einsum ij,kj": ("mm>m", lambda M, L: xp.einsum("ij,kj->ik", M, L) / 3),
    "einsum ii": ("m>v", lambda M: xp.einsum("ii->i", M)),
    "tensordot": ("mv>v", lambda M, a: xp.tensordot(M, a, axes=1) / 3),
    "tensordot 0": ("mm>m", lambda M, L: xp.tensordot(M, L, axes=((0,), (1,))) / 3),
    "tensordot all": ("mm>s", lambda M, L: xp.tensordot(M, L, axes=2) / 9),
    "linear": ("vmv>v", lambda a, W, b: xp.linear(a[None], xp.tanh(W), b)[0]),
    "linear m": ("mmv>m", lambda M, W, b: xp.linear(M, xp.tanh(W) / 2, b)),
    "linear_relu": ("vmv>v", lambda a, W, b: xp.linear_relu(a[None], xp.tanh(W), b)[0]),
    "solve": ("mv>v", lambda M, v: xp.linalg.solve(shifted(M), v)),
    "solve m": ("mm>m", lambda M, L: xp.linalg.solve(shifted(M), L)),
    "solve positive": ("mv>v", lambda M, v: pb.linalg.solve(spd(M), v, assume="positive")),
    "solve general": ("mv>v", lambda M, v: pb.linalg.solve(shifted(M), v)),
    "solve lower": (
        "mm>m",
        lambda M, L: pb.linalg.solve_triangular(xp.tril(shifted(M)), L, lower=True),
    ),
    "factorize": ("mv>v", lambda M, v: pb.linalg.factorize(shifted(M)).solve(v)),
    "lstsq": ("mv>v", lambda M, v: pb.linalg.lstsq(shifted(M), v)),
    "cg": ("mv>v", lambda M, v: pb.linalg.cg(spd(M), v, rtol=1e-13, adjoint_rtol=1e-13)[0]),
    "gmres": (
        "mv>v",
        lambda M, v: pb.linalg.gmres(shifted(M), v, rtol=1e-13, adjoint_rtol=1e-13)[0],
    ),
    "cg operator": (
        "vv>v",
        lambda a, v: pb.linalg.cg(lambda u: u * (2 + a * a), v, rtol=1e-13, adjoint_rtol=1e-13)[0],
    ),
    "root": ("vv>v", root),
    "argmin": ("vv>v", argmin),
    "cholesky": ("m>m", lambda M: xp.linalg.cholesky(spd(M))),
    "inv": ("m>m", lambda M: xp.linalg.inv(shifted(M)) * 3),
    "det": ("m>s", lambda M: xp.linalg.det(shifted(M)) / 27),
    "slogdet": ("m>s", lambda M: xp.linalg.slogdet(shifted(M))[1]),
    "eigvalsh": ("m>v", lambda M: xp.linalg.eigvalsh(spd(M))),
    "expm": ("m>m", lambda M: xp.expm(M / 4)),
    "norm": ("v>s", lambda a: xp.linalg.vector_norm(a + 2)),
    "trace": ("m>s", xp.linalg.trace),
    "qr": (
        "m>m",
        lambda M: (lambda R: R * xp.sign(xp.linalg.diagonal(R))[:, None])(
            xp.linalg.qr(shifted(M))[1]
        ),
    ),
    "cross": ("vv>v", xp.linalg.cross),
    "kron": ("vv>v", lambda a, b: xp.kron(a, b)[2:5]),
    "inner": ("mv>v", lambda M, a: xp.inner(M, a) / 3),
    "conv": (
        "mv>m",
        lambda M, a: pb.models.conv(M[None], xp.stack([a, a * 2, xp.sin(a)])[:, :, None])[0] / 3,
    ),
    "conv 3": ("vm>v", lambda a, M: pb.models.conv(a[None], M[:2, None, :], padding="same")[1]),
    "attention": ("mm>m", attention),
    "cross_entropy": ("mv>s", lambda M, a: pb.models.cross_entropy(M, xp.argsort(a))),
    "cross_entropy 1": ("vv>s", lambda a, b: pb.models.cross_entropy(a[None], xp.argmax(b)[None])),
    "softmax": ("m>m", lambda M: xp.softmax(M, axis=0)),
    "log_softmax": ("m>m", lambda M: xp.log_softmax(M)),
    "logsumexp": ("m>v", lambda M: xp.logsumexp(M, axis=-1)),
    "take": ("vv>v", lambda a, b: xp.take(a, xp.argsort(b))),
    "take rows": ("mv>m", lambda M, b: xp.take(M, xp.argsort(b), axis=0)),
    "take number": ("vv>s", lambda a, b: xp.take(a, xp.argmin(b))),
    "index": ("mv>v", lambda M, b: M[xp.argmax(b)]),
    "index 2": ("mvv>v", lambda M, a, b: M[xp.argsort(a), xp.argsort(b)]),
    "index column": ("mv>v", lambda M, b: M[:, xp.argmax(b)]),
    "slice": ("m>v", lambda M: M[:, 1]),
    "take_along": ("mm>m", lambda M, L: xp.take_along_axis(M, xp.argsort(L, axis=0), axis=0)),
    "scatter_add": ("vv>v", lambda a, b: xp.scatter_add((N,), xp.argsort(b), a)),
    "scatter fixed": ("m>m", lambda M: xp.scatter_add((N, N), np.asarray([2, 0, 2]), M)),
    "segment_sum": ("mv>m", lambda M, b: xp.segment_sum(M, xp.argsort(b), N)),
    "at set": ("vs>v", lambda a, s: xp.at(a)[1].set(s)),
    "at add": ("mv>m", lambda M, a: xp.at(M)[xp.argmax(a)].add(a)),
    "at multiply": ("mv>m", lambda M, a: xp.at(M)[:, 1].multiply(a)),
    "written": ("vv>v", written),
    "written_at": ("vv>v", written_at),
    "written_rows": ("mv>m", written_rows),
    "sort": ("v>v", xp.sort),
    "sort m": ("m>m", lambda M: xp.sort(M, axis=0)),
    "cumsum": ("m>m", lambda M: xp.cumulative_sum(M, axis=0) / 2),
    "cumprod": ("v>v", lambda a: xp.cumulative_prod(1 + a / 4)),
    "where": ("vvv>v", lambda a, b, c: xp.where(a > 0.3, b, c)),
    "where m": ("vm>m", lambda a, M: xp.where(a > 0.3, M, a)),
    "maximum": ("vv>v", xp.maximum),
    "maximum s": ("ms>m", xp.maximum),
    "max": ("m>v", lambda M: xp.max(M, axis=0)),
    "clip": ("vs>v", lambda a, s: xp.clip(a, s - 1, s + 1)),
    "mean": ("m>v", lambda M: xp.mean(M, axis=1)),
    "std": ("m>v", lambda M: xp.std(M + like_eye(M), axis=0)),
    "var": ("m>s", xp.var),
    "prod": ("v>s", lambda a: xp.prod(1 + a / 3)),
    "roll": ("m>m", lambda M: xp.roll(M, 1, axis=1)),
    "flip": ("m>m", lambda M: xp.flip(M, axis=0)),
    "concat": ("vv>v", lambda a, b: xp.concat([a, b])[1:4]),
    "stack": ("vvv>m", lambda a, b, c: xp.stack([a, b, c], axis=1)),
    "reshape": ("m>m", lambda M: xp.reshape(xp.reshape(M, (-1,)), (3, -1)).T),
    "unstack": ("m>v", lambda M: (lambda r: r[0] * r[2])(xp.unstack(M))),
    "for row": ("m>v", lambda M: sum(xp.sin(row) for row in M)),
    "broadcast": ("vm>m", lambda a, M: xp.broadcast_to(a, (N, N)) * M),
    "repeat": ("v>v", lambda a: xp.repeat(a, 2)[1:4]),
    "tile": ("v>m", lambda a: xp.tile(a, (N, 1))),
    "pad": ("v>v", lambda a: xp.pad(a, (1, 0))[:3]),
    "diff": ("mv>m", lambda M, a: xp.diff(M, axis=0, append=a[None])),
    "tril": ("m>m", xp.tril),
    "diag": ("v>m", xp.create_diagonal),
    "diagonal": ("m>v", xp.linalg.diagonal),
    "squeeze": ("v>v", lambda a: xp.squeeze(a[None, :, None], axis=(0, 2))),
    "moveaxis": ("m>m", lambda M: xp.moveaxis(M, 0, 1)),
    "meshgrid": ("vv>m", lambda a, b: (lambda g: g[0] * xp.sin(g[1]))(xp.meshgrid(a, b))),
    "convolve": ("vv>v", lambda a, b: pb.numpy.convolve(a, b)[1:4] / 2),
    "fft": ("v>v", lambda a: xp.real(xp.fft.fft(a)) / 3),
    "abs complex": ("vv>v", lambda a, b: xp.abs(a + 1j * b + 2)),
    "stop": ("vv>v", lambda a, b: a * pb.stop_gradient(b)),
    "skewed": ("v>v", skewed),
    "checkpointed": ("vv>v", pb.checkpoint(lambda a, b: xp.sin(a) * b)),
    "interp": ("vv>v", lambda a, b: xp.interp(a, np.asarray([-3.0, 0.1, 3.0]), b)),
    "searchsorted": ("vv>v", lambda a, b: a + xp.astype(xp.searchsorted(xp.sort(a), b), a.dtype)),
    "ids": ("vv>v", lambda a, b: a * ids(b)),
    "normal": ("kv>v", lambda k, a: a * xp.asarray(pb.random.normal(k, (N,)), device=a.device)),
    "fold": ("k>k", lambda k: pb.random.fold_in(k, 1)),
    "row sums": ("m>v", lambda M: xp.sum(xp.sin(M), axis=1)),
    "spread": ("v>m", lambda a: a[:, None] * weights(a)),
    "total": ("v>s", lambda a: xp.sum(a * weights(a))),
    "total m": ("m>s", lambda M: xp.sum(M * weights(M))),
    "fill": ("s>v", lambda s: xp.stack([xp.asarray(s), s * 0.5, s * 0.2])),
}

# What the standard's strictest library computes as it stands: it takes no part of an index for granted.
PORTABLE = frozenset(OPERATIONS) - {
    "linear", "linear_relu", "conv", "conv 3", "attention", "cross_entropy 1", "take number", "index", "index column",
    "scatter fixed", "at add", "written_at", "written_rows", "diff", "fft", "interp",
    # an iterative solver of what is used three times or more raises TypeError under a gradient there
    "cg", "cg operator", "gmres", "root", "argmin",
}  # fmt: skip
