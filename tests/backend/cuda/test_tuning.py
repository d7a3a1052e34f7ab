"""Tests of `backend/cuda/tuning.py`: on a device whose launches take the seconds that they are said to take."""

from __future__ import annotations

import ctypes
import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from pullback.backend.common import trials
from pullback.backend.common.launches import Address, Matrix, Product, mask_bytes
from pullback.backend.cuda import cublas, cublaslt, graph_runtime, tuning

from ...cuda.clocked_card import Card
from ._cublas import HOST, LtLibrary
from ._graph_runtime import Array

PRODUCT = cublas.sample("")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """Nothing is known, and answers are kept in a folder of the test's own."""
    monkeypatch.setattr(trials, "_known", {})
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    monkeypatch.delenv("PULLBACK_TUNE", raising=False)
    return tmp_path / "fastest"


class Device:
    """A device on host memory: the seconds of a way are found by its name, or by what its launch says it took."""

    def __init__(self, fails: str = ""):
        self.fails, self.took, self.trials = fails, 0.0, 0

    def name(self):
        return "a card"

    def memory(self, nbytes, dtype, alignment):
        host = np.zeros(nbytes + 1024, "uint8")
        ptr = host.ctypes.data + -host.ctypes.data % 512 + alignment
        return SimpleNamespace(ptr=ptr, keeps=host)

    def copier(self, to, source, nbytes):
        return lambda stream: self.take(nbytes * 1e-6)

    def take(self, seconds):
        self.took += seconds

    def seconds(self, launches, preferred):
        self.trials += 1
        if self.fails:
            raise RuntimeError(self.fails)
        found = {}
        for name, launch in launches.items():
            self.took = 0.0
            launch(3)
            found[name] = self.took
        return found, ()


def choose(device, *seconds, product=PRODUCT, form=(24, 40, 16), alignments=(256,) * 5):
    """The algorithm that is chosen where algorithm i takes so many seconds."""
    algorithms = [bytes([i]) * 64 for i in range(len(seconds))]
    seen = []

    def launch(i, addresses):
        seen.append(addresses)
        return lambda stream: device.take(seconds[i])

    chosen = tuning.Tuner(device).algorithm(product, form, algorithms, launch, alignments)
    return chosen, seen


@pytest.mark.parametrize(
    ("seconds", "wanted"), [((3.0, 2.0, 1.0), 2), ((1.0, 0.95), 0), ((1.0, 0.8, 0.75), 1), ((1.0,), 0)]
)  # fmt: skip
def test_the_first_choice_stays_unless_another_is_well_below(seconds, wanted):
    assert choose(Device(), *seconds)[0] == wanted


def test_an_answer_is_kept_for_its_device_form_alignments_and_candidates(monkeypatch, folder):
    device = Device()
    assert choose(device, 2.0, 1.0)[0] == 1
    monkeypatch.setattr(trials, "_known", {})  # as in another process
    assert choose(device, 1.0, 2.0)[0] == 1
    assert device.trials == 1
    assert len(list(folder.iterdir())) == 1
    assert choose(device, 1.0, 2.0, form=(24, 40, 17))[0] == 0
    assert choose(device, 1.0, 2.0, alignments=(16, *[256] * 4))[0] == 0
    assert choose(device, 1.0, 2.0, 3.0)[0] == 0
    monkeypatch.setattr(device, "name", lambda: "another card")
    assert choose(device, 1.0, 2.0)[0] == 0
    assert device.trials == 5
    assert "products on the GPU by algorithm 2 (1 ×" in trials.describe()


def test_operands_have_the_alignments_that_were_asked_for():
    _, seen = choose(Device(), 1.0, 2.0, alignments=(256, 16, 4, 256, 256))
    for addresses in seen:
        assert [x & -x for x in addresses[1:3]] == [16, 4]
        assert addresses[0] % 256 == 0
        assert addresses[3:] == [0, 0]  # no vector and no mask


@pytest.mark.parametrize("why", ["variable", "memory"])
def test_without_a_trial_the_first_choice_is_taken(monkeypatch, why):
    device, product = Device(), PRODUCT
    if why == "variable":
        monkeypatch.setenv("PULLBACK_TUNE", "0")
    else:
        product = dataclasses.replace(PRODUCT, m=1 << 25)
    assert choose(device, 2.0, 1.0, product=product)[0] == 0
    assert device.trials == 0


def test_a_trial_that_fails_is_reported_once_and_first_choices_taken(folder):
    device = Device("no clock")
    tuner = tuning.Tuner(device)
    ask = lambda n: tuner.algorithm(PRODUCT, (n,), [b"a", b"b"], lambda i, at: None, (256,) * 5)
    with pytest.warns(
        RuntimeWarning, match="no trial of products on the GPU .RuntimeError: no clock"
    ):
        assert ask(1) == 0
    assert ask(2) == 0  # a second warning would be an error
    assert device.trials == 1
    assert not folder.exists()


def test_what_is_kept_holds_after_a_trial_that_failed(monkeypatch, folder):
    """A run in which memory was short for one trial gives the same bits elsewhere as the run before."""
    assert choose(Device(), 2.0, 1.0)[0] == 1
    monkeypatch.setattr(trials, "_known", {})  # as in another process
    device = Device("out of memory")
    tuner = tuning.Tuner(device)
    ask = lambda form: tuner.algorithm(
        PRODUCT, form, [bytes([i]) * 64 for i in range(2)], lambda i, at: None, (256,) * 5
    )
    with pytest.warns(RuntimeWarning, match="where no answer is kept"):
        assert ask((1,)) == 0
    assert ask((24, 40, 16)) == 1
    assert ask((2,)) == 0
    assert device.trials == 1
    monkeypatch.setattr(device, "name", lambda: 1 / 0)  # a device that answers nothing any more
    assert ask((24, 40, 16)) == 0  # a second warning would be an error


def test_spans_reach_to_the_last_element():
    a, b, c = (
        Matrix(Address(0), 20, True, 500), Matrix(Address(1), 9, stride=100), Matrix(Address(2), 7, stride=200)
    )  # fmt: skip
    p = Product(17, 7, 11, a, b, c, "float32", "bfloat16", batch=3)
    assert tuning.spans(p) == {
        "a": 2 * (2 * 500 + 10 * 20 + 17), "b": 2 * (2 * 100 + 10 * 9 + 7),
        "c": 4 * (2 * 200 + 16 * 7 + 7), "vector": 0, "mask": 0,
    }  # fmt: skip
    sizes = tuning.spans(cublas.sample("relu_vjp_bias_vjp"))
    assert (sizes["vector"], sizes["mask"]) == (40 * 4, mask_bytes(24, 40))


# ── epilogues ─────────────────────────────────────────────────────────────────────────────────


class Bound:
    """A product that takes so many seconds."""

    def __init__(self, device, seconds):
        self.device, self.seconds, self.at = device, seconds, ()

    def address(self, *addresses):
        self.at = addresses

    def launch(self, stream):
        assert all(self.at)
        self.device.take(self.seconds)


def pays(inside, after, m=24, n=40):
    """Whether an epilogue pays whose product takes `inside` seconds, where plain ones take `after`."""
    device = Device()
    p = cublas.sample("relu_bias_mask", m, n)
    bound = (Bound(device, inside), Bound(device, after))
    return tuning.Tuner(device).epilogue_pays(p, (m, n), *bound)


COPY = 24 * 40 * 4 * 1e-6  # what the device takes for one of the result
LARGE = (1 << 10, (1 << 8) + 1)


@pytest.mark.parametrize(
    ("inside", "sizes", "wanted"),
    [
        (COPY, (24, 40), True),
        (1.05 * (COPY + COPY), (24, 40), True),  # expected to pay, and not much worse
        (1.2 * (COPY + COPY), (24, 40), False),
        (0.95 * (COPY + 1052.672e-3), LARGE, False),  # not expected to, and not much better
        (0.5 * (COPY + 1052.672e-3), LARGE, True),
    ],
)
def test_an_epilogue_has_to_save_the_pass_after_it(inside, sizes, wanted):
    assert pays(inside, COPY, *sizes) is wanted


@pytest.mark.parametrize(("sizes", "wanted"), [((24, 40), True), (LARGE, False)])
def test_without_a_trial_the_size_decides(monkeypatch, sizes, wanted):
    monkeypatch.setenv("PULLBACK_TUNE", "0")
    assert pays(1.0, 1.0, *sizes) is wanted


# ── cuBLASLt ──────────────────────────────────────────────────────────────────────────────────


class Several(LtLibrary):
    """A library with three algorithms, of which the second is told to be the fastest."""

    SECONDS = (3.0, 1.0, 2.0)

    def __init__(self, device, states=(0, 0, 0)):
        super().__init__()
        self.device, self.states, self.launched = device, states, []

    def matmul_algo_get_heuristic(self, h, desc, a, b, c, d, pref, wanted, results, count):
        assert wanted == tuning.CANDIDATES
        super().matmul_algo_get_heuristic(h, desc, a, b, c, d, pref, 1, results, count)
        plans = (cublaslt.Plan * 3).from_address(results)
        for i, state in enumerate(self.states):
            plans[i].algo[:] = list(plans[0].algo)
            plans[i].algo[7], plans[i].state = i, state
        ctypes.c_int.from_address(count).value = 3

    def matmul(self, *a):
        super().matmul(*a)
        number = (ctypes.c_uint64 * 8).from_address(a[12])[7]
        self.launched.append(number)
        self.device.take(self.SECONDS[number])


@pytest.mark.parametrize("epilogue", ["", "relu_bias_mask"])
def test_a_product_takes_the_fastest_algorithm(epilogue):
    device = Device()
    library = Several(device)
    way = cublaslt.CublasLt(library, tuning.Tuner(device))
    m, n, k = 24, 40, 16
    bound = way.bind(cublas.sample(epilogue, m, n, k), np.zeros(64, "uint8").view(Array))
    assert sorted(library.launched) == [0, 1, 2]
    rng = np.random.default_rng(0)
    a, b, v = (rng.normal(size=s).astype("float32") for s in ((m, k), (k, n), (n,)))
    c, mask = np.zeros((m, n), "float32"), np.zeros(mask_bytes(m, n) + 16, "uint8")
    mask = mask[-mask.ctypes.data % 16 :]
    bound.address(*[x.ctypes.data for x in (a, b, c, v, mask)])
    library.launched.clear()
    bound.launch(3)
    assert library.launched == [1]
    # the vector's and the mask's addresses are the product's again, and not those of the trial
    wanted = np.maximum(a @ b + v, 0) if epilogue else a @ b
    np.testing.assert_allclose(c, wanted, rtol=1e-5, atol=1e-5)
    assert mask.any() == bool(epilogue)


def test_algorithms_that_cannot_run_are_no_candidates():
    device = Device()
    library = Several(device, states=(0, 7, 0))
    way = cublaslt.CublasLt(library, tuning.Tuner(device))
    way.bind(PRODUCT, np.zeros(64, "uint8").view(Array))
    assert sorted(library.launched) == [0, 2]
    library.states = (7, 7, 7)
    way.plans.clear()
    with pytest.raises(cublas.ProductError, match="no algorithm"):
        way.bind(PRODUCT, np.zeros(64, "uint8").view(Array))


def test_the_runtime_asks_whether_an_epilogue_pays(monkeypatch):
    device = Device()
    way = cublaslt.CublasLt(Several(device), tuning.Tuner(device))
    ways = [way, cublas.CupyProducts(HOST)]
    small, large = (cublas.sample("relu_bias_mask", *sizes) for sizes in ((24, 40), LARGE))
    untuned = graph_runtime.Runtime(HOST, None, ways)
    assert (untuned.pays(small), untuned.pays(large)) == (True, False)
    asked = []

    def epilogue_pays(product, form, inside, after):
        asked.append((product.epilogue, inside.product.epilogue, after.product.epilogue))
        json.dumps(form)
        return len(asked) > 1

    tuner = SimpleNamespace(epilogue_pays=epilogue_pays)
    runtime = graph_runtime.Runtime(HOST, None, ways, tuner=tuner)
    assert (runtime.pays(small), runtime.pays(small)) == (False, True)
    assert asked == [("relu_bias_mask", "relu_bias_mask", "")] * 2

    def refuses(product, workspace):
        raise cublas.ProductError("no")

    monkeypatch.setattr(way, "bind", refuses)
    assert runtime.pays(small) is False


def test_an_epilogue_that_the_library_gets_wrong_pays_never():
    ways = [cublaslt.CublasLt(LtLibrary(relu=np.fmax)), cublas.CupyProducts(HOST)]
    runtime = graph_runtime.Runtime(HOST, None, ways)
    with pytest.warns(RuntimeWarning, match="epilogue relu_bias_mask: the product has not NaN"):
        assert runtime.pays(cublas.sample("relu_bias_mask")) is False
    assert runtime.pays(cublas.sample("bias")) is True


# ── the device's clock ────────────────────────────────────────────────────────────────────────


def timed(card, **seconds):
    """What a card says of launches that take so many seconds at full speed; the first one is preferred."""
    launches = {name: lambda stream, t=t: card.launch(t) for name, t in seconds.items()}
    return tuning.Device(card).seconds(launches, next(iter(launches)))


def test_short_launches_are_repeated_in_a_graph_and_long_ones_run_as_they_are():
    card = Card(issue=0.0)
    short = {"short": 4e-6, "middle": 1.5e-5}
    assert timed(card, **short)[0] == pytest.approx(short)
    assert card.issued == 2 * (3 + tuning.REPEATED)
    card.issued = 0
    assert timed(card, long=3e-3)[0] == pytest.approx({"long": 3e-3})
    assert card.issued == 2 + tuning.FEWEST_ROUNDS


@pytest.mark.parametrize(
    "seconds",
    [
        {"a": 4e-6, "b": 3.2e-6},
        {"a": 2e-5, "b": 1.6e-5, "c": 2.4e-5, "d": 5e-4},
        {"a": 8e-5, "b": 7e-5},
        {"a": 2e-4, "b": 5e-2},
    ],
)
def test_the_time_of_the_host_is_not_the_launch_s(seconds):
    found, disturbed = timed(Card(), **seconds)
    assert found == pytest.approx(seconds, rel=1e-3)
    assert not disturbed


def test_launches_are_repeated_equally_often_whatever_one_of_them_says():
    """What a run takes besides its launches is the same for all, though the first call of one was held up."""
    card = Card()
    held = iter([0.0, 4e-5, 4e-5])

    def a(stream):
        card.launch(2e-6 + next(held, 0.0))

    found, _ = tuning.Device(card).seconds({"a": a, "b": lambda stream: card.launch(2e-6)}, "a")
    assert found["a"] == pytest.approx(found["b"])


@pytest.mark.parametrize("rises", [5e-4, 5e-3, 2e-2])
def test_a_clock_that_rises_favours_none(rises):
    card = Card(speed=lambda now: min(1.0, 0.2 + 0.8 * now / rises))
    found, disturbed = timed(card, **{f"algorithm {i}": 1e-4 for i in range(1, 9)})
    assert not disturbed
    assert trials.choose(found, "algorithm 1", disturbed) == "algorithm 1"
    assert found == pytest.approx(dict.fromkeys(found, 1e-4), rel=0.05)


def test_times_of_a_clock_that_never_settles_mean_nothing():
    card = Card(speed=lambda now: 1e3 * now + 1)
    found, disturbed = timed(card, a=1e-2, b=1e-3)
    assert set(disturbed) == {"a", "b"}
    assert trials.choose(found, "a", disturbed) == "a"


def test_what_cannot_win_is_not_run_on_but_what_is_preferred():
    card = Card(issue=0.0)
    assert timed(card, a=1.0, b=3.0)[0] == pytest.approx({"a": 1.0, "b": 3.0})
    assert card.issued == (2 + tuning.FEWEST_ROUNDS) + (2 + 2)
    card.issued = 0
    assert timed(card, b=3.0, a=1.0)[0] == pytest.approx({"a": 1.0, "b": 3.0})
    assert card.issued == 2 * (2 + tuning.FEWEST_ROUNDS)


def test_a_launch_that_the_library_refuses_is_left_out():
    card = Card()

    def refused(stream):
        raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")

    launches = {"a": lambda stream: card.launch(1e-4), "b": refused}
    assert list(tuning.Device(card).seconds(launches, "a")[0]) == ["a"]
    with pytest.raises(RuntimeError, match="NOT_SUPPORTED"):
        tuning.Device(card).seconds(launches, "b")


def test_memory_is_let_go_when_nothing_runs_on_it_after_an_error_as_well():
    card = Card()

    def breaks(stream):
        card.launch(1e-5)
        if card.capturing:
            raise MemoryError

    launches = {"a": lambda stream: card.launch(1e-5), "b": breaks}
    with pytest.raises(MemoryError):
        tuning.Device(card).seconds(launches, "a")
    assert card.capturing is None
    assert card.waited == [3, 9]


@pytest.mark.parametrize("dtype", sorted(tuning.ITEM))
@pytest.mark.parametrize("alignment", [256, 16, 4])
@pytest.mark.parametrize("offset", [0, 128], ids=["pool", "another allocator"])
def test_memory_is_full_of_finite_numbers_at_its_alignment(dtype, alignment, offset):
    nbytes = 3 * tuning.PATTERN + 64
    found = tuning.Device(Card(offset=offset)).memory(nbytes, dtype, alignment)
    assert found.ptr & -found.ptr == alignment
    assert found.ptr + nbytes <= found.end
    read = np.ctypeslib.as_array((ctypes.c_uint8 * nbytes).from_address(found.ptr))
    if dtype == "bfloat16":
        numbers = (read.view("uint16").astype("uint32") << 16).view("float32")
    else:
        numbers = read.view(dtype)
    if alignment % tuning.ITEM[dtype] == 0:
        assert np.isfinite(numbers).all()
        assert 0.9 < numbers.astype("float64").std() < 1.1
    assert np.count_nonzero(read) > 0.5 * nbytes


def test_the_device_is_named_once_with_its_driver():
    card = Card()
    device = tuning.Device(card)
    assert device.name() == device.name() == "a card, 132 multiprocessors, driver 13000"
    assert card.issued == 1
