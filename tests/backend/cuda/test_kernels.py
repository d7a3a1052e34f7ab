"""The CUDA kernels: each compiles, without a GPU. Their numbers are in test_fused.py."""

from __future__ import annotations

import re

import pytest

from pullback.backend.cuda import kernels

ARCHITECTURE = "sm_90"


def _compile(source: str, architecture: str = ARCHITECTURE) -> tuple[str, bytes]:
    """PTX and machine code of a source; the compiler's log is the error."""
    from cupy_backends.cuda.libs import nvrtc

    program = nvrtc.createProgram(source, "kernel.cu", [], [])
    try:
        nvrtc.compileProgram(program, [f"--gpu-architecture={architecture}", "-std=c++17"])
        ptx = nvrtc.getPTX(program)
        return (ptx.decode() if isinstance(ptx, bytes) else ptx), nvrtc.getCUBIN(program)
    except nvrtc.NVRTCError as error:
        raise AssertionError(f"{error}\n{nvrtc.getProgramLog(program)}") from None
    finally:
        nvrtc.destroyProgram(program)


@pytest.mark.cupy
@pytest.mark.parametrize("dtype", kernels.DTYPES)
@pytest.mark.parametrize("name", kernels.KERNELS)
def test_every_kernel_compiles(name, dtype):
    ptx, binary = _compile(kernels.source(name, dtype))
    assert binary[:4] == b"\x7fELF"
    assert re.search(rf"\.entry {name}\b", ptx)
    if (
        dtype == "float32"
    ):  # a double constant would make the whole expression double, 64 times slower
        assert not re.findall(r"\b(?:add|sub|mul|fma|div|cvt)\S*\.f64\S*", ptx)


@pytest.mark.cupy
@pytest.mark.parametrize("dtype", kernels.DTYPES)
@pytest.mark.parametrize("group", kernels.GROUPS, ids=lambda group: group[0])
def test_a_module_holds_the_kernels_of_its_group(group, dtype):
    ptx, _ = _compile(kernels.module(dtype, group))
    entries = set(re.findall(r"\.entry (\w+)", ptx))
    assert entries == set(group)


def test_every_kernel_is_in_one_group():
    assert sorted(name for group in kernels.GROUPS for name in group) == sorted(kernels.KERNELS)
    assert all(name in kernels.group_of(name) for name in kernels.KERNELS)


@pytest.mark.cupy
def test_a_wrong_kernel_does_not_compile():
    with pytest.raises(AssertionError, match="undefined_name"):
        _compile('extern "C" __global__ void k(float* x) { x[0] = undefined_name; }')


def test_kernels_for_other_dtypes_are_refused():
    with pytest.raises(ValueError, match=r"float16.*float32 and float64"):
        kernels.source("relu_vjp", "float16")


@pytest.mark.parametrize("name", kernels.KERNELS)
@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (5, 10), (128, 1025), (3, 100_000), (2**31, 2)])
def test_launch_shapes_are_within_cuda_s_limits(name, rows, cols):
    grid, block = kernels.launch_shape(name, rows, cols)
    threads = block[0] * block[1] * block[2]
    assert threads <= 1024
    assert threads % 32 == 0
    assert 1 <= grid[0] < 2**31 or rows == 2**31
    assert grid[1:] == (1, 1)
    if name in kernels.BY_ROW:
        assert grid[0] * block[1] >= rows
        assert block[1] == 1 or block[0] == 32  # rows that share a block never synchronise


def test_nothing_to_launch_is_an_error():
    with pytest.raises(ValueError, match="nothing to launch"):
        kernels.launch_shape("relu_vjp", 0)
