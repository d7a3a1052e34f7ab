"""State dicts of torch: names and layouts, both ways, and what is refused. Torch itself: test_torch_state_torch.py."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

M = pb.models
RNG = np.random.default_rng(5)


class Net(M.Module):
    """A module as one writes it in torch, with its names."""

    fc1: object
    blocks: object
    heads: object
    scale: object
    offset: float
    missing: object = None
    name: str = pb.tree.static(default="net")


def net(dtype="float32"):
    return Net(
        M.Linear.init(2, 3, dtype=dtype),
        [M.Linear.init(3, 3, bias=False, dtype=dtype), M.Residual(M.LayerNorm.init(3, dtype=dtype))],
        {"b": M.Linear.init(3, 1, dtype=dtype), "a": M.RMSNorm.init(3, dtype=dtype)},
        np.ones(3, dtype),
        0.5,
    )  # fmt: skip


# The keys and shapes are those that torch 2.13 gives.
CASES = {
    "linear": (lambda: M.Linear.init(2, 3), {"weight": (3, 2), "bias": (3,)}),
    "linear without bias": (lambda: M.Linear.init(2, 3, bias=False), {"weight": (3, 2)}),
    "mlp": (
        lambda: M.MLP([2, 5, 4, 3]),
        {
            "0.weight": (5, 2),
            "0.bias": (5,),
            "2.weight": (4, 5),
            "2.bias": (4,),
            "4.weight": (3, 4),
            "4.bias": (3,),
        },
    ),
    "batch norm": (
        lambda: M.BatchNorm.init(3),
        {"weight": (3,), "bias": (3,), "running_mean": (3,), "running_var": (3,)},
    ),
    "batch norm, not affine": (
        lambda: M.BatchNorm.init(3, affine=False),
        {"running_mean": (3,), "running_var": (3,)},
    ),
    "layer norm": (lambda: M.LayerNorm.init((2, 3)), {"weight": (2, 3), "bias": (2, 3)}),
    "rms norm": (lambda: M.RMSNorm.init(3), {"weight": (3,)}),
    "embedding": (lambda: M.Embedding.init(5, 2), {"weight": (5, 2)}),
    "layers without parameters": (lambda: M.Sequential("relu", M.Dropout(0.5)), {}),
    "sequential": (
        lambda: M.Sequential(
            M.Linear.init(2, 3),
            "relu",
            M.Sequential(M.Dropout(0.1), M.Linear.init(3, 2)),
            M.Residual(M.Linear.init(2, 2)),
        ),
        {
            "0.weight": (3, 2),
            "0.bias": (3,),
            "2.1.weight": (2, 3),
            "2.1.bias": (2,),
            "3.inner.weight": (2, 2),
            "3.inner.bias": (2,),
        },
    ),
    "a module of one's own": (
        net,
        {
            "fc1.weight": (3, 2),
            "fc1.bias": (3,),
            "blocks.0.weight": (3, 3),
            "blocks.1.inner.weight": (3,),
            "blocks.1.inner.bias": (3,),
            "heads.b.weight": (1, 3),
            "heads.b.bias": (1,),
            "heads.a.weight": (3,),
            "scale": (3,),
            "offset": (),
        },
    ),
    "convolution": (lambda: M.Conv2d.init(4, 6, (3, 2), groups=2), {"weight": (6, 2, 3, 2), "bias": (6,)}),
    "transposed convolution": (
        lambda: M.ConvTranspose1d.init(4, 6, 3, groups=2), {"weight": (4, 3, 3), "bias": (6,)}
    ),
    "channels last": (lambda: M.Conv1d.init(4, 6, 3, channels_last=True), {"weight": (6, 4, 3), "bias": (6,)}),
    "group norm": (lambda: M.GroupNorm.init(2, 4), {"weight": (4,), "bias": (4,)}),
    "positions": (lambda: M.LearnedEncoding.init(5, 2), {"weight": (5, 2)}),
    "cell": (
        lambda: M.GRUCell.init(2, 3),
        {"weight_ih": (9, 2), "weight_hh": (9, 3), "bias_ih": (9,), "bias_hh": (9,)},
    ),
    "recurrent layers": (
        lambda: M.RNN.init(2, 3, layers=2, bias=False),
        {
            "weight_ih_l0": (3, 2), "weight_hh_l0": (3, 3),
            "weight_ih_l1": (3, 3), "weight_hh_l1": (3, 3),
        },
    ),
    "both directions": (
        lambda: M.Sequential(M.LSTM.init(2, 3, layers=2, bidirectional=True)),
        {
            f"0.{kind}_{of}h_l{i}{direction}": (12, *([] if kind == "bias" else [3 if of == "h" else 6 if i else 2]))
            for i in range(2) for direction in ("", "_reverse") for kind in ("weight", "bias") for of in "ih"
        },
    ),
    "attention": (
        lambda: M.MultiHeadAttention.init(4, 2),
        {
            "in_proj_weight": (12, 4), "in_proj_bias": (12,),
            "out_proj.weight": (4, 4), "out_proj.bias": (4,),
        },
    ),
    "attention of other widths": (
        lambda: M.MultiHeadAttention.init(4, 2, keys=3, values=5, bias=False),
        {
            "q_proj_weight": (4, 4), "k_proj_weight": (4, 3), "v_proj_weight": (4, 5),
            "out_proj.weight": (4, 4),
        },
    ),
    "decoder": (
        lambda: M.TransformerBlock.init(4, 2, hidden=8, cross=True),
        {
            **{f"{part}.in_proj_weight": (12, 4) for part in ("self_attn", "multihead_attn")},
            **{f"{part}.in_proj_bias": (12,) for part in ("self_attn", "multihead_attn")},
            **{f"{part}.out_proj.weight": (4, 4) for part in ("self_attn", "multihead_attn")},
            **{f"{part}.out_proj.bias": (4,) for part in ("self_attn", "multihead_attn")},
            **{f"norm{i}.{name}": (4,) for i in (1, 2, 3) for name in ("weight", "bias")},
            "linear1.weight": (8, 4), "linear1.bias": (8,), "linear2.weight": (4, 8), "linear2.bias": (4,),
        },
    ),
    "graphs": (
        lambda: [M.GraphConv.init(3, 4), M.SAGEConv.init(3, 4), M.GraphAttention.init(3, 4, heads=2)],
        {
            "0.lin.weight": (4, 3), "0.bias": (4,),
            "1.lin_l.weight": (4, 3), "1.lin_l.bias": (4,), "1.lin_r.weight": (4, 3),
            "2.lin.weight": (8, 3), "2.att_src": (1, 2, 4), "2.att_dst": (1, 2, 4), "2.bias": (8,),
        },
    ),
    "graph network": (
        lambda: M.GCN([3, 4, 2]),
        {
            "convs.0.lin.weight": (4, 3), "convs.0.bias": (4,),
            "convs.1.lin.weight": (2, 4), "convs.1.bias": (2,),
        },
    ),
    "a dict of modules": (
        lambda: {"z": M.Linear.init(1, 2), "a": (M.Embedding.init(2, 1), None)},
        {"z.weight": (2, 1), "z.bias": (2,), "a.0.weight": (2, 1)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_names_and_layouts_both_ways(name):
    """`to_torch_state` has torch's names and shapes, and `from_torch_state` puts other numbers back in place."""
    make, shapes = CASES[name]
    model = make()
    state = M.to_torch_state(model)
    assert {key: value.shape for key, value in state.items()} == shapes
    assert all(value.flags.c_contiguous and value.flags.writeable for value in state.values())
    drawn = {key: RNG.standard_normal(shape) for key, shape in shapes.items()}
    filled = M.from_torch_state(model, drawn)
    assert type(filled) is type(model)
    assert pb.tree.paths(filled) == pb.tree.paths(model)
    for old, new in zip(pb.tree.leaves(model), pb.tree.leaves(filled), strict=True):
        assert type(new) is type(old)
        assert np.shape(new) == np.shape(old)
        assert getattr(new, "dtype", None) == getattr(old, "dtype", None)
    again = M.to_torch_state(filled)
    for key, value in drawn.items():
        np.testing.assert_array_equal(again[key], value.astype(state[key].dtype))


def test_the_matrix_is_turned_round():
    """torch computes x Wᵀ + b."""
    layer = M.from_torch_state(
        M.Linear.init(2, 3), {"weight": [[1, 2], [3, 4], [5, 6]], "bias": [0, 0, 7]}
    )
    np.testing.assert_array_equal(layer.W, [[1, 3, 5], [2, 4, 6]])
    np.testing.assert_array_equal(pb.to_numpy(layer(np.ones((1, 2), np.float32))), [[3, 7, 18]])
    assert layer.W.flags.c_contiguous


def test_a_class_derived_from_a_layer():
    """It keeps the layer's names; fields of its own have theirs."""

    class Gated(M.Linear):
        gate: object = None

    state = M.to_torch_state(Gated(np.ones((2, 3)), np.zeros(3), np.ones(3)))
    shapes = {key: value.shape for key, value in state.items()}
    assert shapes == {"weight": (3, 2), "bias": (3,), "gate": (3,)}


def test_the_models_dtype_and_library(lib):
    """Arrays stay where they were, in the model's dtype."""
    for dtype in ("float32", "float64"):

        def ones(*shape, dtype=dtype):
            return lib.asarray(np.ones(shape), dtype)

        model = M.Sequential(M.Linear(ones(2, 3), ones(3)), M.BatchNorm(*[ones(3)] * 4))
        drawn = {key: RNG.standard_normal(v.shape) for key, v in M.to_torch_state(model).items()}
        drawn["1.num_batches_tracked"] = np.asarray(7)
        filled = M.from_torch_state(model, drawn)
        for new in pb.tree.leaves(filled):
            assert lib.is_raw(new)
            assert str(new.dtype).endswith(dtype)
        got = lib.to_numpy(filled.layers[0].W)
        np.testing.assert_array_equal(got, drawn["0.weight"].T.astype(dtype))
        got = lib.to_numpy(filled.layers[1].running_var)
        np.testing.assert_array_equal(got, drawn["1.running_var"].astype(dtype))


def test_arrays_of_the_library_are_values(lib):
    """A state dict of the library's own arrays."""
    state = {"weight": lib.asarray(np.ones((3, 2)), "float32"), "bias": lib.asarray(np.ones(3))}
    layer = M.from_torch_state(M.Linear.init(2, 3), state)
    np.testing.assert_array_equal(layer.W, np.ones((2, 3)))
    assert type(layer.b) is np.ndarray


def test_nothing_is_shared():
    """Neither with the state dict, nor of the model's with what `to_torch_state` gives."""
    state = {"weight": np.ones((3, 2), np.float32), "bias": np.ones(3, np.float32)}
    layer = M.from_torch_state(M.Linear.init(2, 3), state)
    out = M.to_torch_state(layer)
    for value in (*state.values(), *out.values()):
        value[:] = 5
    np.testing.assert_array_equal(layer.W, np.ones((2, 3)))
    np.testing.assert_array_equal(layer.b, np.ones(3))


def test_integers_and_other_precisions():
    """What a dtype holds of another one's numbers is taken; a model of `pb.Array`s gets raw arrays."""
    half = {"weight": np.ones((3, 2), np.float16), "bias": np.arange(3)}
    layer = M.from_torch_state(M.Linear.init(2, 3), half)
    np.testing.assert_array_equal(layer.b, [0, 1, 2])
    assert layer.b.dtype == layer.W.dtype == np.float32
    (_, model), _ = pb.value_and_grad(lambda m: (pb.xp.sum(m.b), m), has_aux=True)(layer)
    assert type(M.from_torch_state(model, half).W) is np.ndarray


def test_every_problem_is_named_at_once():
    """Missing, unexpected, of a wrong shape, of a wrong dtype: by torch's key and our path."""
    model = M.Sequential(M.Linear.init(2, 3), "relu", M.Linear.init(3, 2), M.BatchNorm.init(2))
    state = M.to_torch_state(model)
    del state["0.bias"], state["3.running_var"]
    state |= {"2.weight": np.ones((3, 2)), "0.weight": np.ones((3, 2), complex)}
    state |= {"4.weight": np.ones(5), "0.num_batches_tracked": np.ones(())}
    with pytest.raises(ValueError, match="from_torch_state") as error:
        M.from_torch_state(model, OrderedDict(state))
    assert str(error.value).split("\n") == [
        "from_torch_state: the state dict is not one of this Sequential",
        "  wrong dtype: '0.weight' is complex128, which layers.0.W of float32 cannot hold",
        "  missing: '0.bias' of shape (3,), which is layers.0.b",
        "  wrong shape: '2.weight' is (3, 2); layers.2.W of shape (3, 2) takes (2, 3)",
        "  missing: '3.running_var' of shape (2,), which is layers.3.running_var",
        "  unexpected: '4.weight' of shape (5,)",
        "  unexpected: '0.num_batches_tracked' of shape ()",
    ]


def test_a_prefix_of_all_keys_is_named():
    """As `DataParallel` writes it."""
    state = {f"module.{k}": v for k, v in M.to_torch_state(M.Linear.init(2, 3)).items()}
    with pytest.raises(ValueError, match=r"begins with 'module\.': give .*removeprefix"):
        M.from_torch_state(M.Linear.init(2, 3), state)


def test_fractions_are_no_integers():
    """A counter is not filled with 1.5."""
    with pytest.raises(ValueError, match="'n' is float64, which n of int64 cannot hold"):
        M.from_torch_state({"n": np.zeros(2, np.int64)}, {"n": np.ones(2)})


class Pretended:
    def state_dict(self):
        return {}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (Pretended(), r"mapping of names to arrays, not a Pretended; give its \.state_dict\(\)"),
        ([1.0], "not a list"),
        ("net.safetensors", r"not a str; read the file first, as by safetensors\.numpy\.load_file"),
        ({"model": {"weight": 1.0}}, r"'model' is a dict.*checkpoint\['state_dict'\]"),
        ({"weight": "text"}, "'weight' is a str, which is no array"),
        ({"weight": [{}]}, "'weight' is a list of objects"),
    ],
)
def test_what_is_no_state_dict(state, message):
    """The error says what to give."""
    with pytest.raises(TypeError, match=message):
        M.from_torch_state(M.Linear.init(2, 3), state)


def test_traced_models_are_refused():
    """To NumPy would cut the gradient."""
    with pytest.raises(TypeError, match="traced"):
        pb.grad(lambda m: M.to_torch_state(m)["bias"][0])(M.Linear.init(2, 3))


def test_two_parts_of_one_name():
    """Neither is lost in the other."""
    with pytest.raises(TypeError, match=r"would both be 'a.b' in a state dict"):
        M.to_torch_state({"a": {"b": np.ones(1)}, "a.b": np.ones(1)})


def test_containers_without_names():
    """What optree knows and a state dict does not."""
    from collections import deque

    with pytest.raises(TypeError, match="no names for x"):
        M.to_torch_state({"x": deque([np.ones(1)])})
