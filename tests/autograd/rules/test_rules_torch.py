"""Gradients at special points, and of functions under other names, against PyTorch where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

torch = pytest.importorskip("torch", reason="PyTorch is a peer, not a dependency")

xp = pb.xp
X = [-1.5, 0.0, 2.0]
TIES = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]
ZEROS = [[2.0, 0.0, 3.0, 0.5], [0.0, 1.0, 0.0, 2.0], [1.0, 2.0, 3.0, 4.0]]
COMPLEX = [1.5 + 0.5j, -0.3 - 2j, 0.7j - 2]
PLACES = np.asarray([[2, 0, 2], [1, 1, 0]])
MASK = np.asarray([True, False, True])


def index(values):
    return torch.tensor(np.asarray(values))


# name, pullback's function, PyTorch's, arguments
CASES = [
    ("abs at 0", xp.abs, torch.abs, [X]),
    ("abs of complex", xp.abs, torch.abs, [[0j, *COMPLEX]]),
    ("sign of complex", xp.sign, torch.sgn, [[0j, *COMPLEX]]),
    ("sign", xp.sign, torch.sign, [X]),
    ("clip at the bounds", lambda x: xp.clip(x, -1.5, 1.0), lambda x: torch.clamp(x, -1.5, 1.0), [[*X, 1.0]]),
    ("clip by arrays", xp.clip, torch.clamp, [X, [-2.0, 1.0, 0.0], [0.0, 2.0, 1.0]]),
    ("maximum with ties", xp.maximum, torch.maximum, [X, [-1.5, 1.0, 2.0]]),
    ("copysign at 0", lambda x: xp.copysign(x, -1.0), lambda x: torch.copysign(x, index(-1.0)), [X]),
    ("remainder", xp.remainder, torch.remainder, [[5.0, -5.0, 5.0, -5.0], [3.0, 3.0, -3.0, -3.0]]),
    ("floor_divide", xp.floor_divide, lambda x, y: torch.div(x, y, rounding_mode="floor"), [[5.0, -5.0], [3.0, 3.0]]),
    ("pow at 0", xp.pow, torch.pow, [[0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 0.0]]),
    ("pow, base below 0", lambda x: x**3, lambda x: x**3, [X]),
    ("pow, complex", xp.pow, torch.pow, [COMPLEX, [2.0 + 0j, 0.5j, -1 + 1j]]),
    ("number to a power", lambda x: 2.5**x, lambda x: 2.5**x, [X]),
    ("hypot", xp.hypot, torch.hypot, [[3.0, -1.0, 0.0], [4.0, 0.0, 2.0]]),
    ("logaddexp far apart", xp.logaddexp, torch.logaddexp, [[800.0, -800.0, 0.0], [-800.0, 800.0, 0.0]]),
    ("sigmoid in the tails", xp.sigmoid, torch.sigmoid, [[-30.0, 0.0, 30.0]]),
    ("real of a product", lambda z: xp.real(z * z), lambda z: torch.real(z * z), [COMPLEX]),
    ("imag", xp.imag, torch.imag, [COMPLEX]),
    ("conj", lambda z: xp.conj(z) * z**2, lambda z: torch.conj(z) * z**2, [COMPLEX]),
    ("real by complex", lambda x, z: x * z, lambda x, z: x * z, [X, COMPLEX]),
    ("where", lambda x, y: xp.where(MASK, x, y), lambda x, y: torch.where(index(MASK), x, y), [X, [1.0, 2.0, 3.0]]),
    ("max of ties", lambda x: xp.max(x, axis=1), lambda x: torch.amax(x, 1), [TIES]),
    ("min of ties, all", xp.min, torch.amin, [TIES]),
    ("prod with zeros", xp.prod, torch.prod, [ZEROS[0]]),
    ("prod with zeros along an axis", lambda x: xp.prod(x, axis=1), lambda x: torch.prod(x, 1), [ZEROS]),
    ("cumulative_sum", lambda x: xp.cumulative_sum(x, axis=0), lambda x: torch.cumsum(x, 0), [ZEROS]),
    ("cumulative_prod with zeros", lambda x: xp.cumulative_prod(x, axis=1), lambda x: torch.cumprod(x, 1), [ZEROS]),
    ("var", lambda x: xp.var(x, axis=0, correction=1), lambda x: torch.var(x, 0), [ZEROS]),
    ("var, no correction", xp.var, lambda x: torch.var(x, correction=0), [ZEROS]),
    ("std", lambda x: xp.std(x, axis=1, correction=2), lambda x: torch.std(x, 1, correction=2), [ZEROS]),
    ("mean", lambda x: xp.mean(x, axis=(0, 1)), torch.mean, [ZEROS]),
    ("sort with ties", lambda x: xp.sort(x, axis=1), lambda x: torch.sort(x, dim=1, stable=True)[0], [TIES]),
    ("sort, descending", lambda x: xp.sort(x, descending=True),
     lambda x: torch.sort(x, descending=True, stable=True)[0], [TIES]),
    ("diff", lambda x, y: xp.diff(x, axis=0, n=2, prepend=y),
     lambda x, y: torch.diff(x, n=2, dim=0, prepend=y), [TIES, TIES[:1]]),
    ("tile", lambda x: xp.tile(x, (2, 1, 2)), lambda x: torch.tile(x, (2, 1, 2)), [TIES]),
    ("repeat", lambda x: xp.repeat(x, 2, axis=1), lambda x: torch.repeat_interleave(x, 2, 1), [TIES]),
    ("repeat by counts", lambda x: xp.repeat(x, xp.asarray([2, 0, 1]), axis=1),
     lambda x: torch.repeat_interleave(x, index([2, 0, 1]), 1), [TIES]),
    ("roll", lambda x: xp.roll(x, (1, -1), axis=(0, 1)), lambda x: torch.roll(x, (1, -1), (0, 1)), [TIES]),
    ("tril", lambda x: xp.tril(x, k=1), lambda x: torch.tril(x, 1), [ZEROS]),
    ("take", lambda x: xp.take(x, xp.asarray(PLACES[0]), axis=1),
     lambda x: torch.index_select(x, 1, index(PLACES[0])), [TIES]),
    ("take_along_axis", lambda x: xp.take_along_axis(x, xp.asarray(PLACES), axis=1),
     lambda x: torch.take_along_dim(x, index(PLACES), 1), [TIES]),
    ("indices and slice", lambda x: x[:, PLACES[0]], lambda x: x[:, index(PLACES[0])], [TIES]),
    ("mask", lambda x: x[:, MASK], lambda x: x[:, index(MASK)], [TIES]),
    ("linspace", lambda a, b: xp.linspace(a, b, 5),
     lambda a, b: a + (b - a) * torch.linspace(0, 1, 5, dtype=a.dtype), [1.0, 3.0]),
    ("meshgrid", lambda x, y: xp.meshgrid(x, y)[1],
     lambda x, y: torch.meshgrid(x, y, indexing="xy")[1], [X, [1.0, 2.0]]),
]  # fmt: skip

# PyTorch's second derivatives are NaN there
FIRST_ALONE = {"sign of complex", "copysign at 0", "pow at 0", "logaddexp far apart"}


def host(tensor):
    return tensor.detach().resolve_conj().numpy(force=True)


@pytest.mark.parametrize(("name", "ours", "theirs", "arguments"), CASES, ids=[c[0] for c in CASES])
def test_gradients_and_second_derivatives_are_torch_s(name, ours, theirs, arguments):
    arrays = [np.asarray(a) for a in arguments]
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    out = theirs(*tensors)
    rng = np.random.default_rng(0)
    w = rng.standard_normal(out.shape) * (1 + 0.5j if out.is_complex() else 1)
    real, argnums = (torch.real if out.is_complex() else lambda y: y), tuple(range(len(arrays)))
    # retained twice: the product below needs the graph of the gradient
    first = torch.autograd.grad(
        real((out * torch.tensor(w)).sum()), tensors, create_graph=True, allow_unused=True
    )
    first = [torch.zeros_like(t) if g is None else g for g, t in zip(first, tensors, strict=True)]

    def loss(*xs):
        total = xp.sum(ours(*xs) * w)
        return xp.real(total) if xp.isdtype(total.dtype, "complex floating") else total

    got = pb.grad(loss, argnums=argnums)(*arrays)
    for g, t in zip(got, first, strict=True):
        np.testing.assert_allclose(g, host(t), rtol=1e-10, atol=1e-12)
    squares = sum((torch.abs(g + 3) ** 2).sum() for g in first)
    if not squares.requires_grad or name in FIRST_ALONE:
        return

    def of_gradient(*xs):
        return sum(xp.sum(xp.abs(g + 3) ** 2) for g in pb.grad(loss, argnums=argnums)(*xs))

    second = torch.autograd.grad(squares, tensors, allow_unused=True)
    for g, t in zip(pb.grad(of_gradient, argnums=argnums)(*arrays), second, strict=True):
        wanted = np.zeros(g.shape) if t is None else host(t)
        np.testing.assert_allclose(g, wanted, rtol=1e-9, atol=1e-10)
