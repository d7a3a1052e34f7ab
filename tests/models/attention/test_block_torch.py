"""`TransformerBlock` against torch's encoder and decoder layers, to 1e-10 in float64."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

torch = pytest.importorskip("torch", reason="the values to compare with are torch's")
from ._layers import block, filled, gradients_of_block  # noqa: E402 - torch may be missing

RNG = np.random.default_rng(10)
KEEP = np.array([[True, True, True, True, False], [True, True, True, True, True]])
SETTINGS = {"dim_feedforward": 12, "dropout": 0.0, "batch_first": True}


def draw(*shape):
    return RNG.standard_normal(shape)


def compare(theirs, ours, inputs, run_theirs, run_ours):
    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    expected = run_theirs(*tensors)
    weights = draw(*expected.shape)
    (expected * torch.tensor(weights)).sum().backward()

    def f(layer, *inputs):
        out = run_ours(layer, *inputs)
        return pb.xp.sum(out * weights), out

    places = tuple(range(len(inputs) + 1))
    (_, out), (of_layer, *of_inputs) = pb.value_and_grad(f, argnums=places, has_aux=True)(
        ours, *inputs
    )
    np.testing.assert_allclose(pb.to_numpy(out), expected.detach().numpy(), rtol=1e-10, atol=1e-11)
    for got, wanted in zip(pb.tree.leaves(of_layer), gradients_of_block(theirs), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-10)
    for got, tensor in zip(of_inputs, tensors, strict=True):
        np.testing.assert_allclose(got, tensor.grad.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_encoder_layer(norm_first, causal, activation):
    theirs = filled(
        torch.nn.TransformerEncoderLayer(
            6, 2, norm_first=norm_first, activation=activation, **SETTINGS
        )
    )
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5).double() if causal else None
    compare(
        theirs,
        block(theirs, causal=causal, activation=activation),
        [draw(2, 5, 6)],
        lambda x: theirs(x, src_mask=mask, is_causal=causal),
        lambda layer, x: layer(x),
    )


def test_encoder_layer_with_padding_and_a_mask():
    theirs = filled(torch.nn.TransformerEncoderLayer(6, 2, activation="gelu", **SETTINGS))
    allowed = RNG.random((5, 5)) > 0.3
    allowed[:, 0] = True
    compare(
        theirs,
        block(theirs),
        [draw(2, 5, 6)],
        lambda x: theirs(
            x, src_mask=torch.tensor(~allowed), src_key_padding_mask=torch.tensor(~KEEP)
        ),
        lambda layer, x: layer(x, mask=allowed, key_mask=KEEP),
    )


@pytest.mark.parametrize("norm_first", [False, True])
def test_decoder_layer(norm_first):
    theirs = filled(
        torch.nn.TransformerDecoderLayer(6, 2, norm_first=norm_first, activation="gelu", **SETTINGS)
    )
    mask = torch.nn.Transformer.generate_square_subsequent_mask(4).double()
    compare(
        theirs,
        block(theirs, causal=True),
        [draw(2, 4, 6), draw(2, 5, 6)],
        lambda x, y: theirs(
            x, y, tgt_mask=mask, tgt_is_causal=True, memory_key_padding_mask=torch.tensor(~KEEP)
        ),
        lambda layer, x, y: layer(x, y, context_mask=KEEP),
    )


def test_initialisation_has_torchs_bounds():
    theirs = torch.nn.TransformerEncoderLayer(64, 4, dim_feedforward=256)
    ours = pb.models.TransformerBlock.init(64, 4)
    for name in ("linear1", "linear2"):
        for mine, other in (("W", "weight"), ("b", "bias")):
            largest = getattr(getattr(theirs, name), other).abs().max().item()
            got = np.abs(getattr(getattr(ours, name), mine)).max()
            np.testing.assert_allclose(got, largest, rtol=0.1)
