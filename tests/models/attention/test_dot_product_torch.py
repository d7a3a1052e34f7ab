"""Attention against torch's: outputs and all gradients, to 1e-10 in float64."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

torch = pytest.importorskip("torch", reason="the values to compare with are torch's")
sdpa = torch.nn.functional.scaled_dot_product_attention
RNG = np.random.default_rng(3)


def normal(*shape):
    return RNG.standard_normal(shape)


BOOLS = RNG.random((5, 7)) > 0.4
BOOLS[:, 0] = True
OF_HEADS = RNG.random((2, 3, 5, 7)) > 0.4
OF_HEADS[..., 2] = True
BIAS = normal(3, 5, 7)

# shapes of q, k and v; torch's settings, of which a floating mask is differentiated
CASES = {
    "one head": ((5, 4), (7, 4), (7, 6), {}),
    "heads": ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6), {}),
    "one query": ((2, 1, 4), (2, 7, 4), (2, 7, 4), {}),
    "one key": ((2, 5, 4), (2, 1, 4), (2, 1, 4), {}),
    "batch of one": ((1, 1, 5, 4), (1, 1, 7, 4), (1, 1, 7, 4), {}),
    "causal": ((2, 3, 9, 4), (2, 3, 9, 4), (2, 3, 9, 4), {"is_causal": True}),
    "causal, fewer keys": ((3, 9, 4), (3, 5, 4), (3, 5, 4), {"is_causal": True}),
    "causal, more keys": ((3, 5, 4), (3, 9, 4), (3, 9, 4), {"is_causal": True}),
    "causal, several blocks": ((2, 150, 4), (2, 150, 4), (2, 150, 4), {"is_causal": True}),
    "several blocks": ((150, 4), (1100, 4), (1100, 3), {}),
    "bool mask": ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4), {"attn_mask": BOOLS}),
    "bool mask of heads": ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4), {"attn_mask": OF_HEADS}),
    "bias": ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4), {"attn_mask": BIAS}),
    "scale": ((3, 5, 4), (3, 7, 4), (3, 7, 4), {"scale": 0.1}),
    "grouped": ((2, 6, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4), {"enable_gqa": True}),
    "grouped, causal": ((6, 5, 4), (2, 5, 4), (2, 5, 4), {"enable_gqa": True, "is_causal": True}),
    "grouped, bias": ((3, 5, 4), (1, 7, 4), (1, 7, 4), {"enable_gqa": True, "attn_mask": BIAS}),
}  # fmt: skip
OURS = {"attn_mask": "mask", "is_causal": "causal", "scale": "scale"}


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients(name):
    *shapes, settings = CASES[name]
    arrays = [normal(*shape) for shape in shapes]
    mask = settings.get("attn_mask")
    traced = [*arrays, mask] if mask is not None and mask.dtype.kind == "f" else arrays
    given = {OURS[key]: value for key, value in settings.items() if key in OURS}
    theirs = [torch.tensor(x, requires_grad=True) for x in traced]
    rest = {k: torch.tensor(v) if k == "attn_mask" else v for k, v in settings.items()}
    if len(traced) > 3:
        rest["attn_mask"] = theirs[3]
    expected = sdpa(*theirs[:3], **rest)
    weights = normal(*expected.shape)
    (expected * torch.tensor(weights)).sum().backward()

    def f(q, k, v, *mask):
        own = {**given, "mask": mask[0]} if mask else given
        out = pb.models.attention(q, k, v, **own)
        return pb.xp.sum(out * weights), out

    (_, out), grads = pb.value_and_grad(f, argnums=tuple(range(len(traced))), has_aux=True)(*traced)
    np.testing.assert_allclose(pb.to_numpy(out), expected.detach(), rtol=1e-10, atol=1e-12)
    for ours, x in zip(grads, theirs, strict=True):
        np.testing.assert_allclose(ours, x.grad, rtol=1e-10, atol=1e-11)


def test_float32():
    q, k, v = (normal(2, 70, 8).astype("float32") for _ in range(3))
    out = pb.models.attention(q, k, v, causal=True)
    expected = sdpa(*map(torch.tensor, (q, k, v)), is_causal=True)
    assert out.dtype == np.float32
    np.testing.assert_allclose(pb.to_numpy(out), expected, rtol=1e-4, atol=1e-6)
