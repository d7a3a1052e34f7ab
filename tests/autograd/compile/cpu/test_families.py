"""Tests of `autograd/compile/cpu/families.py`: one kernel for many shapes, and few kernels in all."""

from __future__ import annotations

import ctypes
import importlib.util
import inspect
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import blas, families
from pullback.autograd.compile.cpu import numba_cache as cache
from pullback.autograd.compile.cpu import numba_kernels as native

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import close

xp = pb.xp
pytestmark = pytest.mark.skipif(
    not importlib.util.find_spec("numba"), reason="numba is not installed (extra `fast`)"
)
SIZES = (20, 1, 2, 7, 16, 31, 0, 64, 65, 127, 128, 129, 200)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: Any) -> Path:
    """A cache of its own, as a process finds it that knows nothing yet."""
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    monkeypatch.setattr(families, "_FAMILIES", {})
    monkeypatch.setattr(native, "_LOADED", {})
    return tmp_path


class Interpreted:
    """Kernels that Python runs as they are written: hundreds of them, in no time."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}

    def __call__(
        self, body: str, constants: dict[str, str], types: list[Any], functions: str = ""
    ) -> Any:
        text = "\n".join([*(f"{name} = {value}" for value, name in constants.items()), body])
        if text not in self.made:
            scope = {"np": np, "math": math, "sgemm": product("sgemm"), "dgemm": product("dgemm")}
            # in place of the vectorised functions, whose source is for numba
            scope |= {f"{name}_float32": getattr(np, name) for name in ("exp", "log1p")}
            exec(text, scope)
            self.made[text] = scope["kernel"]
        return self.made[text]

    def general(self) -> int:
        return sum("def kernel(numbers" in text for text in self.made)


def product(name: str) -> Any:
    """A routine of BLAS with integers for addresses."""
    library = blas.for_kernels()
    if library is None:
        return None
    routine = blas.routine(library, name)
    flag, address = ctypes.c_int32, ctypes.c_size_t
    count = ctypes.c_int64 if library.bits == 64 else ctypes.c_int32
    real = ctypes.c_float if name == "sgemm" else ctypes.c_double
    routine.argtypes = [
        flag, flag, flag, count, count, count, real, address, count, address, count, real, address, count,
    ]  # fmt: skip
    routine.restype = None
    return routine


@pytest.fixture
def interpreted(folder: Path, monkeypatch: Any) -> Interpreted:
    found = Interpreted()
    monkeypatch.setattr(native, "compile_kernel", found)
    return found


def check(f: Any, *arguments: Any, rtol: float, compiled: Any) -> None:
    """The results of two calls, of which the first is recorded, are those of `f`."""
    wanted = f(*arguments)
    close(compiled(*arguments), wanted, rtol)
    close(compiled(*arguments), wanted, rtol)


# ── the same numbers, whatever the shape ──────────────────────────────────────────────────────

FUNCTIONS = {
    "elementwise": lambda x, w: (x * 2 - 1) * x + 3,
    "broadcast": lambda x, w: x * xp.sum(x, axis=0) + xp.sum(x, axis=1, keepdims=True) * w[0, :5],
    "mean": lambda x, w: (xp.mean(x + 0.0), xp.mean(x * x, axis=0), xp.mean(x * x, axis=1)),
    "long sums": lambda x, w: xp.sum(xp.matrix_transpose(x) * 2, axis=1),
    "extremes": lambda x, w: (xp.max(x * 2, axis=1), xp.min(x * 2, axis=1), xp.max(w + 1)),
    "views": lambda x, w: (x[:, 1:] * x[:, :-1], x[:, ::-1] + x, x[:, 2] - 1.0, x[::2] + 0.5),
    "transposed": lambda x, w: (
        xp.matrix_transpose(x * 2) * 3,
        xp.reshape(xp.matrix_transpose(x), (-1,)) - 1,
        xp.permute_dims(x[:, None, :] * w[None, :, :5], (2, 0, 1)) + 1,
    ),
    "products": lambda x, w: (
        xp.maximum(x @ w, 0.0) @ xp.matrix_transpose(w),
        xp.matrix_transpose(x) @ (x * 2),
    ),
    "integers": lambda x, w: xp.astype(x * 8, xp.int32) * 3 - 7,
    "truth": lambda x, w: xp.where(x > w[0, :5], x, -x),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_other_shapes_through_the_same_kernels(interpreted, name, dtype):
    f = FUNCTIONS[name]
    compiled = pb.compile(f, fast=True, programs=len(SIZES))
    rng = np.random.default_rng(0)
    w = rng.normal(size=(5, 7)).astype(dtype)
    rtol = 1e-4 if dtype == "float32" else 1e-11
    for n in SIZES if name != "extremes" else [n for n in SIZES if n]:
        with np.errstate(all="ignore"):
            if n == 0 and name == "mean":
                continue  # NumPy warns
            check(f, rng.normal(size=(n, 5)).astype(dtype), w, rtol=rtol, compiled=compiled)
    # length 0 and 1 are other loops, and so may be 2, 7 (a square) and long rows
    assert 1 <= interpreted.general() <= 4
    assert len(interpreted.made) <= 9


def step(model: Any, x: Any, y: Any) -> Any:
    loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
    return pb.tree.map(lambda p, g: p - 0.1 * g, model, grads), loss


def test_a_training_step_of_any_batch(interpreted):
    """Of batch 64 too, which is as long as the hidden layer is wide."""
    model = pb.models.MLP([20, 64, 3], activation="relu", seed=0)
    compiled = pb.compile(step, fast=True, programs=20)
    rng = np.random.default_rng(0)
    for n in (20, 64, 7, 16, 31, 65, 128):
        x = rng.normal(size=(n, 20)).astype("float32")
        y = rng.integers(0, 3, n)
        check(step, model, x, y, rtol=2e-5, compiled=compiled)
    assert [interpreted.general(), len(interpreted.made)] == [1, 2]
    # widths stay known
    general = next(text for text in interpreted.made if "def kernel(numbers" in text)
    assert "for i1 in range(64):" in general
    assert "range(20)" not in general


def program(seed: int) -> Any:
    """A function of random operations, of rows and a matrix."""

    def f(x: Any, w: Any) -> Any:
        rng = np.random.default_rng(seed)
        values = [x, w[:1], x * 0.5]
        for _ in range(8):
            a, b = (values[i] for i in rng.integers(0, len(values), 2))
            values.append([
                lambda a, b: a + b * 1.5,
                lambda a, b: a - xp.sum(b, axis=0, keepdims=True) / x.shape[0],
                lambda a, b: a * xp.mean(b, axis=1, keepdims=True),
                lambda a, b: xp.maximum(a, b) * 0.5,
                lambda a, b: (a @ w) * 0.1,
                lambda a, b: xp.where(a > 0.1, a, b[:, ::-1]),
                lambda a, b: xp.sqrt(a * a + 1.0 / x.shape[0]),
                lambda a, b: xp.matrix_transpose(xp.matrix_transpose(a) * 0.7),
            ][rng.integers(8)](a, b))  # fmt: skip
        return values[3:], xp.sum(values[-1], axis=1), xp.max(values[-2] * 2, axis=0)

    return f


@pytest.mark.parametrize("seed", range(6))
def test_random_programs(interpreted, seed):
    f = program(seed)
    compiled = pb.compile(f, fast=True, programs=20)
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(6, 6))
    for n in (9, 33, 1, 2, 6, 127, 128, 129):
        check(f, rng.normal(size=(n, 6)), w, rtol=1e-10, compiled=compiled)


# ── which kernels are made ────────────────────────────────────────────────────────────────────


def test_results_in_the_place_of_an_operand_have_its_hole(interpreted):
    """Or the compiler expects that they overlap, and makes no loop over vectors."""

    def f(x: Any, w: Any) -> Any:
        return xp.sort(x @ w + 1.0)

    compiled = pb.compile(f, fast=True)
    for n in (8, 300):
        check(f, np.ones((n, 9)), np.ones((9, 9)), rtol=1e-12, compiled=compiled)
    general = next(text for text in interpreted.made if "(numbers" in text)
    read, written = re.findall(r"block_float64\[(n\d+) \+ i0\]", general)
    assert read == written


def test_layers_of_equal_widths_share_a_kernel(interpreted):
    """Nothing but the places of their buffers differs."""

    def f(x: Any, w: Any) -> Any:
        for _ in range(5):
            x = xp.sort(x * w + 1.0)  # a call of NumPy, between kernels
        return x

    compiled = pb.compile(f, fast=True)
    check(f, np.arange(6.0), np.ones(6), rtol=1e-12, compiled=compiled)
    assert len(interpreted.made) <= 3


def test_functions_of_equal_structure_and_other_widths_have_kernels_of_their_own(interpreted):
    for n in (30, 40, 30):
        compiled = pb.compile(lambda x: x * 2.0 + 1.0, fast=True)
        compiled(np.ones((3, n)))
        compiled(np.ones((3, n)))
    assert [interpreted.general(), len(interpreted.made)] == [0, 2]


def test_wider_and_wider_and_then_for_all(interpreted):
    f = lambda x, c: (x * 2.0 + c, xp.sum(x[:, 1:] * 3.0, axis=1))
    compiled = pb.compile(f, fast=True, programs=20)
    shapes = [(3, 40), (4, 40), (5, 41), (6, 90), (7, 91)]
    for shape in shapes:
        check(f, np.ones(shape), np.ones(shape[1:]), rtol=1e-12, compiled=compiled)
    assert interpreted.general() == 2
    assert len(interpreted.made) == 3


def test_zeros_of_both_signs_are_two_numbers():
    variant = families.Variant(frozenset(), (0.0, 1))
    assert variant.fits((0.0, 1))
    assert not variant.fits((-0.0, 1))


# ── by numba, and on the disk ─────────────────────────────────────────────────────────────────


def meet(*sizes: int) -> list[Any]:
    compiled = pb.compile(mixed, fast=True, programs=20)
    out = []
    for n in sizes:
        x = np.random.default_rng(n).normal(size=(n, 5)).astype("float32")
        check(mixed, x, rtol=1e-5, compiled=compiled)
        out.append(compiled(x))
    return out


def mixed(x: Any) -> Any:
    return xp.sum(xp.tanh(x) * x / x.shape[0], axis=1), x * 2.0 - xp.sum(x * 3.0, axis=0)


def forget() -> None:
    """Know as little as a new process."""
    families._FAMILIES.clear()
    native._LOADED.clear()


def count(monkeypatch: Any) -> list[str]:
    """The kernels that are compiled, not those that are read."""
    seen: list[str] = []
    original = native._compile

    def watched(kernel: Any, types: Any) -> None:
        original(kernel, types)
        if not sum(kernel.stats.cache_hits.values()):
            seen.append(kernel.__module__)

    monkeypatch.setattr(native, "_compile", watched)
    return seen


def test_kernels_by_numba_and_their_family_on_disk(folder, monkeypatch):
    compiled = count(monkeypatch)
    meet(20, 9)
    assert len(compiled) == 2
    meet(33, 65, 128)
    assert len(compiled) == 2
    forget()
    assert a_new_process() == "[1]"
    general = meet(31, 64, 20)
    assert len(compiled) == 2
    assert len(list(folder.glob("family_*.json"))) == 1

    # a kernel that knows all lengths gives the same bits as one that knows few
    monkeypatch.setattr(families, "_fitting", lambda *_: None)
    monkeypatch.setattr(
        families, "_new", lambda family, numbers, used: families.Variant(frozenset(), numbers)
    )
    forget()
    for a, b in zip(general[0], meet(31)[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(compiled) == 3


def a_new_process() -> str:
    """What numba reads from the disk there, for two sizes: a list with a 1 for each kernel."""
    code = f"""
from typing import Any
import numpy as np
import pullback as pb
from pullback.autograd.compile.cpu import numba_kernels as native
xp = pb.xp
{inspect.getsource(mixed)}
hits, original = [], native._compile
def watched(kernel, types):
    original(kernel, types)
    hits.append(sum(kernel.stats.cache_hits.values()))
native._compile = watched
compiled = pb.compile(mixed, fast=True)
for n in (33, 64):
    compiled(np.ones((n, 5), "float32"))
    compiled(np.ones((n, 5), "float32"))
print(hits)
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return found.stdout.strip()


DAMAGE: dict[str, Any] = {
    "empty": lambda found: "",
    "half": lambda found: json.dumps(found)[:40],
    "no list": lambda found: "7",
    "deep": lambda found: "[" * 100_000,
    "other holes": lambda found: json.dumps([[[10**6], numbers] for _, numbers in found]),
    "fewer numbers": lambda found: json.dumps([[free, numbers[1:]] for free, numbers in found]),
    "text": lambda found: json.dumps([[free, ["__import__('os')", *n[1:]]] for free, n in found]),
    "negative": lambda found: json.dumps([[f, [-1 if type(x) is int else x for x in n]] for f, n in found]),
    "truth": lambda found: json.dumps([[f, [True if type(x) is int else x for x in n]] for f, n in found]),
}  # fmt: skip


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_index_is_made_anew(interpreted, folder, how):
    meet_quickly()
    (index,) = folder.glob("family_*.json")
    whole = json.loads(index.read_text())
    index.write_text(DAMAGE[how](whole))
    families._FAMILIES.clear()
    meet_quickly()
    assert json.loads(index.read_text()) == whole


def meet_quickly() -> None:
    f = lambda x: x * 2.0 + 1.0 / x.shape[0]
    compiled = pb.compile(f, fast=True)
    for n in (3, 4):
        check(f, np.ones((n, 5)), rtol=1e-12, compiled=compiled)


def test_two_processes_at_once(interpreted, folder, monkeypatch):
    """One that began before finds what the other one made meanwhile."""

    def process(known: dict[str, Any]) -> Any:
        compiled = pb.compile(lambda x: x * 2.0 + 1.0 / x.shape[0], fast=True)

        def meets(n: int) -> int:
            monkeypatch.setattr(families, "_FAMILIES", known)
            check(compiled.f, np.ones((n, 5)), rtol=1e-12, compiled=compiled)
            return len(interpreted.made)

        return meets

    first, second = process({}), process({})
    assert first(3) == 1
    assert second(4) == 2  # another function: a kernel for these numbers
    assert second(6) == 3
    assert first(7) == 3
    (index,) = folder.glob("family_*.json")
    assert len(json.loads(index.read_text())) == 3
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_folder_that_cannot_be_written_to(interpreted, folder, monkeypatch):
    def full(*_: Any, **__: Any) -> Any:
        raise OSError("no space left")

    monkeypatch.setattr("tempfile.mkstemp", full)
    meet_quickly()
    assert not list(folder.glob("family_*.json"))
    monkeypatch.setattr(cache, "trusted_folder", lambda: None)
    families._FAMILIES.clear()
    meet_quickly()
    assert interpreted.general() == 1
