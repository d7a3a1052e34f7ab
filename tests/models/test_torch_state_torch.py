"""State dicts that torch itself writes and reads. The layers one by one: test_layers_torch.py."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

torch = pytest.importorskip("torch", reason="its modules write and read the state dicts")
nn = torch.nn
M = pb.models


class Theirs(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(6, 4)
        self.body = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.5))
        self.blocks = nn.ModuleList([nn.Linear(5, 5), nn.Linear(5, 5)])
        self.norm = nn.LayerNorm(5)
        self.factor = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        h = self.body(self.table(x))
        for block in self.blocks:
            h = h + torch.tanh(block(h))
        return self.norm(h) * self.factor


class Ours(M.Module):
    table: M.Embedding
    body: M.Sequential
    blocks: tuple
    norm: M.LayerNorm
    factor: object

    def __call__(self, x):
        h = self.body(self.table(x))
        for block in self.blocks:
            h = h + pb.xp.tanh(block(h))
        return self.norm(h) * self.factor


def ours(dtype="float32"):
    linear = M.Linear.init
    return Ours(
        M.Embedding.init(6, 4, dtype=dtype),
        M.Sequential(linear(4, 5, dtype=dtype), M.BatchNorm.init(5, dtype=dtype), "relu", M.Dropout(0.5)),
        (linear(5, 5, dtype=dtype), linear(5, 5, dtype=dtype)),
        M.LayerNorm.init(5, dtype=dtype),
        np.ones((), dtype),
    )  # fmt: skip


INDICES = np.asarray([3, 0, 5, 5])


def drawn(module):
    """Each number of the module another one, running statistics too."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in module.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=generator, dtype=value.dtype) + 0.1)
    return module.eval()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_whole_network(dtype):
    """Of modules, lists and loose parameters; there and back."""
    theirs = drawn(Theirs().to(getattr(torch, dtype)))
    model = M.from_torch_state(ours(dtype), theirs.state_dict())
    expected = theirs(torch.tensor(INDICES)).detach().numpy()
    got = pb.to_numpy(model(INDICES))
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12 if dtype == "float64" else 1e-5)
    other = Theirs().to(getattr(torch, dtype)).eval()
    state = {k: torch.from_numpy(v) for k, v in M.to_torch_state(model).items()}
    assert str(other.load_state_dict(state)) == "<All keys matched successfully>"
    np.testing.assert_array_equal(other(torch.tensor(INDICES)).detach().numpy(), expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e4m3fn])
def test_narrow_tensors(dtype):
    """NumPy has no bfloat16 of its own: values are exact in the model's float32."""
    values = torch.tensor([[1.5, -2.0], [0.25, 448.0]]).to(dtype)
    layer = M.from_torch_state(M.Linear.init(2, 2, bias=False), {"weight": values})
    np.testing.assert_array_equal(layer.W, values.float().numpy().T)


def test_parameters_are_copied():
    """`parameters` require gradients and are shared with the module: neither matters, neither is touched."""
    theirs = nn.Linear(2, 3)
    layer = M.from_torch_state(M.Linear.init(2, 3), dict(theirs.named_parameters()))
    before = layer.W.copy()
    with torch.no_grad():
        theirs.weight.fill_(7.0)
    np.testing.assert_array_equal(layer.W, before)
    layer.W[:] = 9
    assert float(theirs.weight.detach()[0, 0]) == 7.0


def test_safetensors_files(tmp_path):
    """What safetensors wrote from torch is read without torch."""
    pytest.importorskip("safetensors", reason="the files are its own")
    from safetensors.numpy import load_file
    from safetensors.torch import save_file

    theirs = drawn(Theirs())
    save_file({k: v.contiguous() for k, v in theirs.state_dict().items()}, tmp_path / "m.safetensors")  # fmt: skip
    model = M.from_torch_state(ours(), load_file(tmp_path / "m.safetensors"))
    expected = theirs(torch.tensor(INDICES)).detach().numpy()
    np.testing.assert_allclose(pb.to_numpy(model(INDICES)), expected, rtol=0, atol=1e-5)


def test_what_has_no_values():
    """Tensors of the meta device."""
    with pytest.raises(TypeError, match="'weight' is a Tensor, which is no array"):
        M.from_torch_state(M.Linear.init(2, 3), nn.Linear(2, 3, device="meta").state_dict())
