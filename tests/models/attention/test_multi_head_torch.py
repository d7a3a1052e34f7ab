"""`MultiHeadAttention` against torch's: outputs, and gradients by inputs and parameters, to 1e-10 in float64."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

torch = pytest.importorskip("torch", reason="the values to compare with are torch's")
from ._layers import filled, gradients_of_heads, heads  # noqa: E402 - torch may be missing

RNG = np.random.default_rng(8)
KEEP = np.array([[True, True, True, False, False], [True, True, True, True, True]])
ALLOWED = RNG.random((4, 5)) > 0.4
ALLOWED[:, 0] = True
BIAS = RNG.standard_normal((2, 1, 4, 5))

# torch's settings; whether it is self-attention; masks as ours
CASES = {
    "self": ({}, True, {}),
    "self, causal": ({}, True, {"causal": True}),
    "self, padding": ({}, True, {"key_mask": KEEP}),
    "self without bias": ({"bias": False}, True, {}),
    "cross": ({}, False, {}),
    "cross, padding": ({}, False, {"key_mask": KEEP}),
    "cross, mask": ({}, False, {"mask": ALLOWED}),
    "cross, bias": ({}, False, {"mask": BIAS}),
    "cross, mask and padding": ({}, False, {"mask": ALLOWED, "key_mask": KEEP}),
    "cross, bias and padding": ({}, False, {"mask": BIAS, "key_mask": KEEP}),
    "other widths": ({"kdim": 3, "vdim": 7}, False, {}),
    "other widths without bias": ({"kdim": 3, "vdim": 7, "bias": False}, False, {}),
}


def draw(*shape):
    return RNG.standard_normal(shape)


def their_masks(masks, T, S, n):
    """torch says True where a query may not look, and its bias has an axis of batch times heads."""
    found = {}
    if "causal" in masks:
        found["attn_mask"] = torch.tensor(~np.tri(T, S, dtype=bool))
    if "mask" in masks:
        mask = masks["mask"]
        if mask.dtype == bool:
            found["attn_mask"] = torch.tensor(~mask)
        else:
            spread = np.broadcast_to(mask, (mask.shape[0], n, T, S))
            found["attn_mask"] = torch.tensor(spread.reshape(-1, T, S))
    if "key_mask" in masks:
        found["key_padding_mask"] = torch.tensor(~masks["key_mask"])
        if "attn_mask" in found and found["attn_mask"].dtype != torch.bool:
            none = torch.zeros(found["key_padding_mask"].shape, dtype=torch.float64)
            found["key_padding_mask"] = none.masked_fill(found["key_padding_mask"], -torch.inf)
    return found


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients(name):
    settings, of_itself, masks = CASES[name]
    theirs = filled(torch.nn.MultiheadAttention(6, 2, batch_first=True, **settings))
    x, k = draw(2, 5 if of_itself else 4, 6), draw(2, 5, settings.get("kdim", 6))
    v = draw(2, 5, settings["vdim"]) if "vdim" in settings else k
    inputs = [x] if of_itself else [x, k] if v is k else [x, k, v]
    tensors = [torch.tensor(a, requires_grad=True) for a in inputs]
    query, keys, values = (tensors[0],) * 3 if of_itself else (*tensors, tensors[-1])[:3]
    expected, _ = theirs(
        query, keys, values, need_weights=False, **their_masks(masks, x.shape[1], 5, 2)
    )
    weights = draw(*expected.shape)
    (expected * torch.tensor(weights)).sum().backward()

    ours = heads(theirs, causal="causal" in masks)
    own = {key: m for key, m in masks.items() if key != "causal"}

    def f(layer, *inputs):
        out = layer(*inputs, **own)
        return pb.xp.sum(out * weights), out

    places = tuple(range(len(inputs) + 1))
    (_, out), (of_layer, *of_inputs) = pb.value_and_grad(f, argnums=places, has_aux=True)(
        ours, *inputs
    )
    np.testing.assert_allclose(pb.to_numpy(out), expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    for got, wanted in zip(pb.tree.leaves(of_layer), gradients_of_heads(theirs), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-11)
    for got, tensor in zip(of_inputs, tensors, strict=True):
        np.testing.assert_allclose(got, tensor.grad.numpy(), rtol=1e-10, atol=1e-11)


def test_weights():
    theirs = filled(torch.nn.MultiheadAttention(6, 2, batch_first=True))
    x = draw(2, 5, 6)
    tensor = torch.tensor(x)
    _, expected = theirs(tensor, tensor, tensor, average_attn_weights=False)
    got = heads(theirs).weights(x)
    np.testing.assert_allclose(pb.to_numpy(got), expected.detach().numpy(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("settings", [{}, {"kdim": 3, "vdim": 7}, {"bias": False}])
def test_initialisation_has_torchs_bounds(settings):
    theirs = torch.nn.MultiheadAttention(64, 4, **settings)
    widths = {"kdim": "keys", "vdim": "values"}
    ours = pb.models.MultiHeadAttention.init(
        64, 4, **{widths.get(key, key): value for key, value in settings.items()}
    )
    names = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias")
    for name, mine in zip(names, (ours.W, ours.W_q, ours.W_k, ours.W_v, ours.b), strict=True):
        other = getattr(theirs, name)
        assert (mine is None) == (other is None), name
        if mine is not None:
            assert mine.shape == tuple(other.shape)[::-1]
            np.testing.assert_allclose(np.abs(mine).max(), other.abs().max().item(), rtol=0.04)
    largest = theirs.out_proj.weight.abs().max().item()
    np.testing.assert_allclose(np.abs(ours.output.W).max(), largest, rtol=0.02)
