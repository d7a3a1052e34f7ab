"""NCCL's collectives on the stand-in, whose NCCL refuses wrong addresses, counts, dtypes and orders."""

from __future__ import annotations

import threading
import types

import numpy as np
import pytest

from pullback.backend import BackendError
from pullback.backend.cuda.collectives.nccl import Library
from pullback.backend.generic.rounding import loaded, stored

from ....standin import cuda
from ....standin.functions import cupy
from ....standin.memory import SYNCHRONISATIONS

SIZE = 3
LIBRARY = Library(cupy, lambda: cuda.nccl)
DTYPES = [
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64",
    "complex64", "complex128",
]  # fmt: skip


class Failed(RuntimeError):
    """What a lane raises here."""


def made(values):
    """An array of the stand-in, in the same layout."""
    out = cupy.empty(values.shape, values.dtype, order="F" if values.flags.fnc else "C")
    out.set(values)
    return out


def on_links(f, size=SIZE, timeout=60.0):
    """``f(link)`` on each rank's thread; the results by rank."""
    name = LIBRARY.unique_id()
    results, errors = [None] * size, []

    def rank(r):
        lane = LIBRARY.lane(timeout, Failed, errors.append)
        link = LIBRARY.connect(lane, name, r, size)
        try:
            results[r] = f(link)
            link.close()
        except BaseException as error:
            errors.append(error)
            lane.fail("another rank raised")

    threads = [threading.Thread(target=rank, args=(r,)) for r in range(size)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    return results


def values(dtype, *shape, order="C"):
    """Each rank's numbers, small enough that sums are exact."""
    r = np.random.default_rng(len(shape))
    found = [r.integers(0, 9, shape) for _ in range(SIZE)]
    if np.dtype(dtype).kind == "c":
        found = [x + 1j * r.integers(-9, 9, shape) for x in found]
    return [np.array(x, dtype=dtype, order=order) for x in found]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_added_up(dtype):
    given = values(dtype, 4, 3)
    total = sum(given[1:], given[0])

    def f(link):
        x = made(given[link.rank])
        started = made(given[link.rank])
        request = link.start_sum(started)
        out = link.sum(x), link.sum_to(x, 1), link.scatter(x, 1, [1, 1, 1]), request.wait()
        assert out[3] is started
        return [o.get() for o in out]

    for r, found in enumerate(on_links(f)):
        expected = total, total if r == 1 else 0 * total, total[:, r : r + 1], total
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.dtype == dtype
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", [*DTYPES, "bool"])
def test_every_dtype_is_moved(dtype):
    given = values(dtype, 2, 3)

    def f(link):
        x = made(given[link.rank])
        return [o.get() for o in (link.broadcast(x, 2), link.gather(x, 1, [3, 3, 3]))]

    for found in on_links(f):
        np.testing.assert_array_equal(found[0], given[2])
        np.testing.assert_array_equal(found[1], np.concatenate(given, 1))
        assert found[0].dtype == found[1].dtype == dtype


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("lengths", [[2, 2, 2], [0, 3, 1], [4, 0, 0], [0, 0, 0]])
def test_parts_along_every_axis_and_of_every_length(axis, lengths):
    shape = [2, 3, 2]
    shape[axis] = sum(lengths)
    given = values("float64", *shape)
    total = sum(given[1:], given[0])
    ends = np.cumsum([0, *lengths])

    def part(x, r):
        return np.take(x, range(ends[r], ends[r + 1]), axis)

    def f(link):
        back = link.gather(made(part(total, link.rank)), axis, lengths)
        mine = link.scatter(made(given[link.rank]), axis, lengths)
        assert back.flags.c_contiguous
        assert mine.flags.c_contiguous
        return mine.get(), back.get()

    for r, (mine, back) in enumerate(on_links(f)):
        np.testing.assert_array_equal(mine, part(total, r))
        np.testing.assert_array_equal(back, total)


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0)])
def test_numbers_and_empty_arrays(shape):
    given = values("float32", *shape)
    total = np.asarray(sum(given[1:], given[0]), dtype="float32")

    def f(link):
        x = made(given[link.rank])
        outs = link.sum(x), link.sum_to(x, 0), link.broadcast(x, 1), link.start_sum(x).wait()
        return [o.get() for o in outs]

    for r, found in enumerate(on_links(f)):
        for ours, theirs in zip(found, (total, total * (r == 0), given[1], total), strict=True):
            assert ours.shape == shape
            np.testing.assert_array_equal(ours, theirs)


def test_arrays_of_other_layouts_are_brought_into_c_order():
    given = values("float64", 4, 6)
    total = sum(given[1:], given[0])

    def f(link):
        x = made(np.asfortranarray(given[link.rank])) if link.rank else made(given[0])
        strided = made(np.repeat(given[link.rank], 2, axis=1))[:, ::2]
        outs = link.sum(x), link.sum(strided), link.sum(made(given[link.rank].T.copy()).T)
        with pytest.raises(ValueError, match="C order"):
            link.start_sum(strided)
        return [o.get() for o in outs]

    for found in on_links(f):
        for ours in found:
            np.testing.assert_array_equal(ours, total)


def test_the_operand_is_left_and_results_are_fresh():
    def f(link):
        x = made(np.asarray([1.0, link.rank]))
        outs = [link.sum(x), link.broadcast(x, 0), link.gather(x, 0, [2, 2, 2]), link.sum_to(x, 0)]
        before = [o.get() for o in outs]
        x += 100
        for o, b in zip(outs, before, strict=True):
            np.testing.assert_array_equal(o.get(), b)
        return x.get()

    np.testing.assert_array_equal(on_links(f)[2], [101, 102])


# ── beside the current stream ─────────────────────────────────────────────────────────────────


def test_what_is_started_happens_when_it_is_waited_for():
    def f(link):
        buffers = [made(np.full(3, float(i + link.rank))) for i in range(3)]
        requests = [link.start_sum(b, op) for b, op in zip(buffers, ("sum", "mean", "sum"), strict=True)]  # fmt: skip
        between = link.sum(made(np.ones(2)))  # on the current stream, behind what was started
        outs = [r.wait() for r in requests]
        assert all(
            r.wait() is o for r, o in zip(requests, outs, strict=True)
        )  # nothing is done twice
        assert all(r.test() for r in requests)
        return between, *outs

    before = SYNCHRONISATIONS[0]
    found = on_links(f)
    assert SYNCHRONISATIONS[0] == before
    for between, *outs in found:
        np.testing.assert_array_equal(between.get(), [3, 3])
        np.testing.assert_array_equal([o.get() for o in outs], [[3] * 3, [2] * 3, [9] * 3])


def test_no_collective_waits_on_the_host():
    given = values("float64", 3, 3)

    def f(link):
        x = made(given[link.rank])
        link.gather(x, 0, [3, 3, 3]), link.gather(x[: link.rank], 0, [0, 1, 2])
        link.sum(x), link.sum_to(x, 0), link.broadcast(x, 0), link.scatter(x, 1, [0, 1, 2])
        link.start_sum(x, "mean").wait()

    before = SYNCHRONISATIONS[0]
    on_links(f)
    assert SYNCHRONISATIONS[0] == before


def test_memory_is_kept_until_the_device_is_done_with_it():
    def f(link):
        for _ in range(3):
            link.start_sum(made(np.ones(1000)))  # nobody holds the request, nor the array
        return link.sum(made(np.ones(1))).get()

    np.testing.assert_array_equal(on_links(f), [[3]] * 3)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_numbers_travel_as_bfloat16(dtype):
    r = np.random.default_rng(5)
    real = np.zeros(0, dtype).real.dtype
    given = [r.standard_normal((4, 6)).astype(real).view(dtype) for _ in range(SIZE)]
    bits = [stored(x.view(real).astype("float32"), "bfloat16") for x in given]
    total = loaded(bits[0], "bfloat16")
    for b in bits[1:]:  # a ring rounds after each step
        total = loaded(stored(total + loaded(b, "bfloat16"), "bfloat16"), "bfloat16")

    def f(link):
        buffer = made(given[link.rank])
        out = link.start_sum(buffer, "mean", "bfloat16").wait()
        assert out is buffer
        return out.get()

    found = on_links(f)
    for ours in found:
        assert ours.dtype == dtype
        np.testing.assert_array_equal(ours, total.astype(real).view(dtype) / real.type(SIZE))
    np.testing.assert_allclose(found[0], sum(given) / SIZE, rtol=0, atol=0.04)


@pytest.mark.parametrize("dtype", ["complex64", "int16", "bool"])
@pytest.mark.parametrize("shape", [(SIZE, 2), (SIZE, 0)])
def test_rows_go_to_their_ranks(dtype, shape):
    given = values(dtype, *shape)

    def f(link):
        request = link.start_exchange(made(given[link.rank]))
        out = request.wait()
        assert request.wait() is out
        return out.get()

    for r, found in enumerate(on_links(f)):
        np.testing.assert_array_equal(found, np.stack([x[r] for x in given]))
        assert found.dtype == dtype


@pytest.mark.parametrize("dtype", ["int32", "float16"])
def test_other_numbers_do_not_travel_as_bfloat16(dtype):
    def f(link):
        with pytest.raises(ValueError, match=f"{dtype} cannot travel as bfloat16"):
            link.start_sum(made(np.ones(2, dtype)), "sum", "bfloat16")

    on_links(f, 1)


# ── what is refused ───────────────────────────────────────────────────────────────────────────


def test_an_array_of_another_device_is_refused():
    def f(link):
        x = made(np.ones(2))
        link.device = 1
        with pytest.raises(Failed, match="CUDA device 0, where rank 0 works on device 1"):
            link.sum(x)

    on_links(f, 1)


def test_booleans_are_not_added_up():
    def f(link):
        with pytest.raises(Failed, match="does not add up numbers of bool"):
            link.sum(made(np.ones(2, bool)))

    on_links(f, 1)


def test_a_cupy_without_nccl_says_what_to_install():
    cupy_alone = types.SimpleNamespace(cuda=cuda.cuda, __version__="14.2.0")
    library = Library(cupy_alone, lambda: types.SimpleNamespace(available=False))
    with pytest.raises(BackendError, match="pip install 'nvidia-nccl-cu13'"):
        library.unique_id()


@pytest.mark.parametrize(("number", "text"), [(22707, "2.27.7"), (23203, "2.32.3"), (2708, "2.7.8")])  # fmt: skip
def test_versions_are_read(number, text):
    nccl = types.SimpleNamespace(available=True, get_version=lambda: number)
    assert Library(cupy, lambda: nccl).version() == text


def test_nccl_s_own_errors_come_with_the_collective_s_name():
    def f(link):
        link.comm.destroy()
        with pytest.raises(Failed, match="all_reduce: NcclError: NCCL_ERROR_INVALID_ARG"):
            link.sum(made(np.ones(2)))

    on_links(f, 1)
