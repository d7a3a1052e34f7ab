"""The updates' CUDA kernels: each compiles, and a stand-in for CuPy checks every launch argument by argument."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pullback.backend.cuda import updates
from pullback.backend.cuda.kernels import DTYPES
from pullback.backend.numpy import updates as _updates_numpy
from pullback.optim.first_order.formulas import FORMULAS, REAL, formula, log

from ...cuda.emulator import run_kernel
from .test_products import _pointer, emulated

VARIANTS = [
    formula(name, l2, decay) for name in FORMULAS for l2, decay in ((False, False), (True, False), (False, True))
    if not (name == "average" and (l2 or decay))
]  # fmt: skip
IDS = [f.name for f in VARIANTS]
SCALARS = {
    "t": 3, "lr": 0.1, "b1": 0.9, "b2": 0.95, "d1": 0.1, "d2": 0.05, "log_b1": log(0.9), "log_b2": log(0.95),
    "eps": 1e-6, "l2": 0.3, "decay": 0.2, "momentum": 0.7, "dampening": 0.4, "lr_decay": 0.1, "sg": 0.3, "sm": 0.6,
    "share": 0.8,
}  # fmt: skip


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


@pytest.mark.cupy
@pytest.mark.parametrize("found", VARIANTS, ids=IDS)
def test_every_kernel_compiles(found, dtype):
    from cupy_backends.cuda.libs import nvrtc

    program = nvrtc.createProgram(updates.source(found, dtype, 3), "kernel.cu", [], [])
    try:
        nvrtc.compileProgram(program, ["--gpu-architecture=sm_90", "-std=c++17"])
        ptx = nvrtc.getPTX(program)
        ptx = ptx.decode() if isinstance(ptx, bytes) else ptx
        assert nvrtc.getCUBIN(program)[:4] == b"\x7fELF"
    except nvrtc.NVRTCError as error:
        raise AssertionError(f"{error}\n{nvrtc.getProgramLog(program)}") from None
    finally:
        nvrtc.destroyProgram(program)
    assert re.search(rf"\.entry update_{found.name}\b", ptx)
    if dtype == "float32":  # a double would make the whole expression double, 64 times slower
        assert not re.findall(r"\b(?:add|sub|mul|fma|div|cvt|sqrt)\S*\.f64\S*", ptx)


def parameters(source: str) -> list[str]:
    """The parameter types of a kernel."""
    found = re.search(r"__global__ void \w+\((.*?)\)", source, re.DOTALL)
    assert found
    return [" ".join(p.split()[:-1]) for p in found[1].split(",")]


class StandIn(SimpleNamespace):
    """NumPy under CuPy's names, with a `RawModule` that checks and counts launches."""

    def __init__(self) -> None:
        names = ("ndarray", "empty", "asarray", "ascontiguousarray")
        super().__init__(**{name: getattr(np, name) for name in names})
        self.launched: list[str] = []

    def RawModule(self, *, code: str) -> Any:
        types = parameters(code)
        real = "float32" if "typedef float real" in code else "float64"

        def c_type(x: Any) -> str:
            if isinstance(x, np.ndarray):
                return {real: "real*", "int64": "idx*"}[x.dtype.name]
            return {np.dtype(real).type: "real", np.int64: "idx"}[type(x)]

        def get_function(name: str) -> Any:
            assert f"void {name}(" in code

            def run(grid: tuple, block: tuple, arguments: tuple) -> None:
                assert [c_type(a) for a in arguments] == [t.removeprefix("const ") for t in types]
                assert all(a.flags.c_contiguous for a in arguments if isinstance(a, np.ndarray))
                assert math.prod(grid) >= 1
                self.launched.append(name)

            return run

        return SimpleNamespace(get_function=get_function)


@pytest.fixture
def stand_in():
    return StandIn()


@pytest.mark.parametrize("found", VARIANTS, ids=IDS)
def test_one_launch_for_all_parameters(stand_in, found, dtype):
    fused = updates.bind(stand_in)
    shapes = [(3, 4), (0,), (), (4,)]
    columns = [[np.ones(s, dtype) for s in shapes] for _ in ("p", "g", *found.slots)]
    columns[0][0] = np.ones((4, 3), dtype).T
    device = {"t": np.asarray(3), "lr": np.asarray(0.1)}  # as a state and a schedule hold them
    for scalars in (SCALARS, SCALARS | device):
        new = fused(found, columns, scalars)
        assert [len(column) for column in new] == [4] * len(found.outputs)
        assert all(x.shape == s for column in new for x, s in zip(column, shapes, strict=True))
    assert stand_in.launched == [f"update_{found.name}"] * 2


def test_more_parameters_than_a_launch_can_name(stand_in):
    most = updates.most_parameters(formula("adam"))
    columns = [[np.ones(2, "float32") for _ in range(most + 1)] for _ in range(4)]
    new = updates.bind(stand_in)(formula("adam"), columns, SCALARS)
    assert [len(column) for column in new] == [most + 1] * 3
    assert stand_in.launched == ["update_adam"] * 2


def test_what_is_not_theirs_is_declined(stand_in):
    fused = updates.bind(stand_in)
    w = np.ones(3, "float32")
    assert fused(formula("sgd"), [[w], [w.astype("float64")]], SCALARS) is None
    assert fused(formula("sgd"), [[w.astype("float16")]] * 2, SCALARS) is None
    assert fused(formula("sgd", l2=True), [[w], [w]], SCALARS | {"l2": np.asarray(0.1)}) is None


def test_kernels_for_other_dtypes_are_refused():
    with pytest.raises(ValueError, match="float16"):
        updates.source(formula("sgd"), "float16")


def drawn(found, n, dtype):
    """A parameter, a gradient and slots. Variances stay well above squared means.

    A device's fused multiply-add rounds v and m² otherwise than NumPy; where the centred method subtracts two that are
    almost equal, nothing is left of either.
    """
    rng = np.random.default_rng(0)
    return [
        [(x * x + 2 if name in REAL else x.clip(-1, 1) if name == "m" else x).astype(dtype)]
        for name in ("p", "g", *found.slots)
        for x in [rng.standard_normal(n)]
    ]


@pytest.mark.parametrize(
    "found", [f for f in VARIANTS if "centered" in f.name], ids=lambda f: f.name
)
def test_the_drawn_variances_do_not_cancel(found):
    from pullback.backend.numpy import updates as _updates_numpy

    columns = drawn(found, 100_000, "float64")
    new = dict(zip(found.outputs, _updates_numpy.update(found, columns, SCALARS), strict=True))
    v, m = new["v"][0], new["m"][0]
    assert np.max(v / (v - m * m)) < 4


@pytest.mark.gpu
@pytest.mark.parametrize("n", [1, 1000, 3_000_000])
@pytest.mark.parametrize("found", VARIANTS, ids=IDS)
def test_numbers_are_numpy_s(found, n, dtype):
    import cupy

    from pullback.backend.numpy import updates as _updates_numpy

    columns = drawn(found, n, dtype)
    expected = _updates_numpy.update(found, columns, SCALARS)
    there = [[cupy.asarray(x) for x in column] for column in columns]
    device = SCALARS | {"t": cupy.asarray(3), "lr": cupy.asarray(0.1)}
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for scalars in (SCALARS, device):
        got = updates.bind(cupy)(found, there, scalars)
        for column, wanted in zip(got, expected, strict=True):
            np.testing.assert_allclose(column[0].get(), wanted[0], rtol=tolerance, atol=tolerance)


UPDATES = [*map(formula, ("sgd", "momentum", "adam", "nadam")), formula("sgd", l2=True)]


@emulated
@pytest.mark.parametrize("found", UPDATES, ids=lambda f: f.name)
def test_updates_of_several_parameters_in_one_launch(found):
    """As the launcher passes them, with an array of no elements left out by it."""
    sizes = [(3, 4), (), (700,), (1, 1)]
    rng = np.random.default_rng(0)
    columns = [
        [np.asarray(rng.uniform(0.5, 2, s), "float32") for s in sizes]
        for _ in ("p", "g", *found.slots)
    ]
    expected = _updates_numpy.update(found, columns, SCALARS)

    def raw_module(*, code):
        def run(grid, block, arguments):
            given = [_pointer(a) if isinstance(a, np.ndarray) else a for a in arguments]
            run_kernel(code, f"update_{found.name}", grid, block, given)

        return SimpleNamespace(get_function=lambda name: run)

    names = ("ndarray", "asarray", "ascontiguousarray")
    stand_in = SimpleNamespace(RawModule=raw_module, **{n: getattr(np, n) for n in names})
    got = updates.bind(stand_in)(found, columns, SCALARS)
    for ours, theirs in zip(got, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_launch_s_arguments_fit():
    for name in FORMULAS:
        found = formula(name)
        most = updates.most_parameters(found)
        text = updates.source(found, "float32", most)
        parameters = text[text.index("__global__") :].partition(")")[0]
        assert most >= 20
        assert 8 * len(parameters.split(",")) <= 4096
