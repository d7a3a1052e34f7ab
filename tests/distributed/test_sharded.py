"""An optimiser's state in parts: the steps of one process, a P-th of the memory, the bytes of an all-reduce."""

from __future__ import annotations

import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import pullback as pb

from ._ranks import run_ranks

# many tests give all ranks one gradient, as nobody who trains would
pytestmark = pytest.mark.filterwarnings("ignore:sharded. all:RuntimeWarning")
xp, d, o = pb.xp, pb.distributed, pb.optim
RNG = np.random.default_rng(0)


def normal(*shape):
    return np.asarray(RNG.standard_normal(shape))


PARAMS = {
    "W": normal(5, 3),
    "b": normal(3),
    "scale": normal(),
    "count": np.asarray(3),
    "single": normal(2, 2).astype(np.float32),
    "z": normal(2) + 1j * normal(2),
}
GRADS = [
    {
        "W": normal(5, 3),
        "b": normal(3),
        "scale": normal(),
        "count": None,
        "single": normal(2, 2).astype(np.float32),
        "z": normal(2) + 1j * normal(2),
    }
    for _ in range(4)
]
OPTIMISERS = {
    "SGD": o.SGD(0.1),
    "momentum": o.SGD(o.CosineDecay(0.1, 10), momentum=0.9, weight_decay=0.1, mask="matrices"),
    "lookahead": o.SGD(0.1, momentum=0.9, nesterov=True),
    "Nesterov": o.Nesterov(0.1),
    "Adam": o.Adam(0.1, weight_decay=0.1, mask=lambda p: p.ndim == 1),
    "AdamW": o.AdamW(o.WarmUp(0.1, 3), weight_decay=0.1, mask="matrices"),
    "AMSGrad": o.AMSGrad(0.1),
    "NAdam": o.NAdam(0.1),
    "Lion": o.Lion(0.1),
    "RMSprop": o.RMSprop(0.1, momentum=0.5, centered=True),
    "Adagrad": o.Adagrad(0.1, initial=0.1),
    "Adadelta": o.Adadelta(),
    "Accumulated": o.Accumulated(o.Adam(0.1), every=2),
    "Averaged": o.Averaged(o.AdamW(0.1, weight_decay=0.1)),
    "Finite": o.Finite(o.SGD(0.1), otherwise="skip"),
    "Proximal": o.Proximal(o.SGD(0.1), o.proximal.L1(0.01), mask="matrices"),
}
# What sums over all elements rounds otherwise: single in float32, and with it everything that its norm scales.
ROUNDED = {
    "Clipped": o.Clipped(o.Adam(0.1), norm=0.5),
    "LossScaling": o.LossScaling(o.Clipped(o.Adam(0.1), norm=0.5)),
}


def mine(g):
    """Shares that add up to the gradient, exactly: everything on rank 1."""
    return pb.tree.map(lambda x: x if d.rank() == 1 else np.zeros_like(x), g)


def train(opt, share, step=None):
    p, state = PARAMS, opt.init(PARAMS)
    for g in GRADS:
        p, state = (step or opt.step)(p, share(g), state)
    return p, state


def assert_equal(found, expected, *, bits):
    pairs = zip(pb.tree.leaves(found), pb.tree.leaves(expected), strict=True)
    for a, b in pairs:
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        if bits:
            assert a.tobytes() == b.tobytes()
        else:
            np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("size", [2, 7])
@pytest.mark.parametrize("name", [*OPTIMISERS, *ROUNDED])
def test_the_steps_of_one_process(name, size):
    opt = (OPTIMISERS | ROUNDED)[name]
    expected = train(opt, lambda g: g)

    def rank():
        own = d.sharded(opt)
        p, state = train(own, mine)
        whole = own.gather_state(state, p)
        assert_equal(own.scatter_state(whole, p), state, bits=True)
        return p, whole

    for found in d.simulate(rank, size):
        assert_equal(found, expected, bits=name in OPTIMISERS)


@pytest.mark.parametrize("name", ["AdamW", "Accumulated", "Finite", "LossScaling"])
def test_compiled_steps(name):
    opt = (OPTIMISERS | ROUNDED)[name]
    expected = train(opt, lambda g: g)

    def rank():
        own = d.sharded(opt)
        p, state = train(own, mine, pb.compile(own.step, fast=False))
        return p, own.gather_state(state, p)

    for found in d.simulate(rank, 3):
        assert_equal(found, expected, bits=False)


def test_a_state_of_other_numbers_of_ranks():
    opt = OPTIMISERS["AdamW"]

    def some_steps(state, p, grads):
        own = d.sharded(opt)
        state = own.init(p) if state is None else own.scatter_state(state, p)
        for g in grads:
            p, state = own.step(p, mine(g), state)
        return p, own.gather_state(state, p)

    p, state = d.simulate(some_steps, 4, None, PARAMS, GRADS[:2])[0]
    p, state = opt.step(p, GRADS[2], state)  # in one process
    for found in d.simulate(some_steps, 3, state, p, GRADS[3:]):
        assert_equal(found, train(opt, lambda g: g), bits=True)


def test_each_rank_keeps_its_part_and_sends_what_an_all_reduce_sends():
    shapes = {"W": (40, 30), "b": (30,), "V": (30, 7)}
    params = {k: normal(*s) for k, s in shapes.items()}
    n = sum(p.size for p in params.values())
    opt = o.Adam(0.1)
    whole = sum(x.nbytes for x in pb.tree.leaves(opt.init(params)))

    def rank():
        own = d.sharded(opt)
        state = own.init(params)
        own.step(params, params, state)
        return sum(x.nbytes for x in pb.tree.leaves(state)), d.world().traffic

    results = d.simulate(rank, 4)
    assert sum(bytes_ for bytes_, _ in results) == whole + 3 * 8  # the count of steps is everywhere
    for nbytes, traffic in results:
        assert nbytes <= whole / 4 + 2 * 8 + 8
        for kind in ("reduce_scatter", "all_gather"):
            assert (traffic[kind].calls, traffic[kind].messages) == (1, 3)
            assert traffic[kind].bytes == 3 * 8 * n // 4
        assert traffic.total().bytes == 2 * 3 * 8 * n // 4 + traffic["agree"].bytes


def loss(p, x):
    return xp.mean(xp.tanh(xp.matmul(x, p["W"]) + p["b"]) ** 2)


DATA = normal(6, 5)
MODEL = {"W": normal(5, 3), "b": normal(3)}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("reduced", [False, True], ids=["shares", "reduced"])
def test_with_data_parallel_gradients(compiled, reduced):
    def rank():
        own = d.sharded(o.Clipped(o.Adam(0.05), norm=0.1), reduced=reduced)
        both = d.data_parallel(loss, reduce=reduced)

        def step(p, state, x):
            value, g = both(p, x)
            return *own.step(p, g, state), value

        if compiled:
            step = pb.compile(step, donate_argnums=(0, 1), fast=False)
        p = pb.tree.map(np.copy, MODEL)
        state = own.init(p)
        for _ in range(20):
            p, state, value = step(p, state, np.split(DATA, [1, 1])[d.rank()])
        return p, value

    opt = o.Clipped(o.Adam(0.05), norm=0.1)
    p, state = MODEL, opt.init(MODEL)
    for _ in range(20):
        value, g = pb.value_and_grad(loss)(p, DATA)
        p, state = opt.step(p, g, state)
    results = d.simulate(rank, 3)
    for found, last in results:
        np.testing.assert_allclose(last, value, rtol=1e-12)
        for a, b, first in zip(*map(pb.tree.leaves, (found, p, results[0][0])), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11)
            assert a.tobytes() == first.tobytes()


def test_a_gradient_that_is_not_finite_on_one_rank_stops_all():
    def rank():
        own = d.sharded(o.Finite(o.SGD(0.1)))
        g = {"W": np.ones((5, 3)), "b": np.asarray([1.0, 2.0, np.inf])}
        with pytest.raises(FloatingPointError) as caught:
            own.step(MODEL, mine(g), own.init(MODEL))
        return str(caught.value)

    texts = d.simulate(rank, 3)
    assert "of b holds" in texts[2]  # whose part that is
    assert all("another rank" in text for text in texts[:2])


def test_on_every_library(lib):
    p, g = pb.tree.map(lib.asarray, MODEL), pb.tree.map(lib.asarray, pb.tree.map(np.sin, MODEL))
    opt = o.Clipped(o.AdamW(0.1), norm=0.5)
    expected, _ = opt.step(MODEL, pb.tree.map(lambda x: 3 * np.sin(x), MODEL), opt.init(MODEL))

    def rank():
        own = d.sharded(opt)
        return own.step(p, g, own.init(p))[0]

    for found in d.simulate(rank, 3):
        for a, b in zip(pb.tree.leaves(found), pb.tree.leaves(expected), strict=True):
            assert lib.is_raw(a)
            np.testing.assert_allclose(lib.to_numpy(a), b, rtol=1e-12)


def test_arrays_of_pullback_stay_such():
    p = pb.tree.map(xp.asarray, MODEL)

    def rank():
        own = d.sharded(o.SGD(0.1))
        return own.step(p, p, own.init(p))[0]

    for found in d.simulate(rank, 2):
        assert all(type(x) is pb.Array for x in pb.tree.leaves(found))


def test_more_ranks_than_elements_and_nothing_to_move():
    def rank():
        own = d.sharded(o.Clipped(o.Adam(0.1), norm=1.0))
        w = np.ones(2)
        n = np.asarray(1)
        return own.step(w, w, own.init(w))[0], own.step(n, None, own.init(n))[0]

    for w, n in d.simulate(rank, 5):
        np.testing.assert_allclose(w, 0.9)
        assert n == 1


def test_one_rank_is_the_optimiser():
    own = d.sharded(OPTIMISERS["Adam"])
    assert_equal(train(own, lambda g: g), train(OPTIMISERS["Adam"], lambda g: g), bits=True)
    state = own.init(PARAMS)
    assert own.gather_state(state, PARAMS) is state
    assert own.scatter_state(state, PARAMS) is state


def test_it_pickles_without_what_it_keeps():
    def rank():
        own = d.sharded(o.Adam(0.1))
        own.init(MODEL)
        return pickle.loads(pickle.dumps(own))

    assert d.simulate(rank, 2)[0] == d.sharded(o.Adam(0.1))


REFUSED = {
    "structure": (lambda own, p, s: own.step(p, [1.0], s), ValueError, "structure"),
    "shape": (lambda own, p, s: own.step(p, {"W": p["W"], "b": p["b"][:2]}, s), ValueError, "gradient of b"),
    "complex": (lambda own, p, s: own.step(p, {"W": p["W"], "b": p["b"] * 1j}, s), TypeError, "complex"),
    "no array": (lambda own, p, s: own.step(p, {"W": p["W"], "b": "b"}, s), TypeError, "not an array"),
    "a number": (lambda own, p, s: own.init({"w": 1.0}), TypeError, "Python number"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    f, kind, text = REFUSED[case]

    def rank():
        own = d.sharded(o.SGD(0.1))
        with pytest.raises(kind, match=text):
            f(own, MODEL, own.init(MODEL))

    d.simulate(rank, 2)


def test_what_cannot_be_sharded():
    with pytest.raises(TypeError, match="no optimiser"):
        d.sharded(3)
    with pytest.raises(TypeError, match="already"):
        d.sharded(d.sharded(o.SGD(0.1)))
    with pytest.raises(ValueError, match="put sharded around it"):
        o.Clipped(d.sharded(o.SGD(0.1)), norm=1.0)
    own = SimpleNamespace(init=lambda p: (), step=lambda p, g, s, lr=None: (p, s))

    def rank():
        with pytest.raises(TypeError, match="on_parts"):
            d.sharded(own).init(MODEL)
        with pytest.raises(ValueError, match="whole arrays"):
            d.sharded(o.Proximal(o.SGD(0.1), o.proximal.L2Norm(1.0))).init(MODEL)

    d.simulate(rank, 2)


def test_ranks_that_differ_are_told_so():
    def rank():
        own = d.sharded(o.SGD(0.1))
        p = {"W": np.ones(3 + d.rank())}
        with pytest.raises(d.DistributedError, match="reduce_scatter"):
            own.step(p, p, own.init(p))

    d.simulate(rank, 2)

    def some_without():
        own = d.sharded(o.SGD(0.1))
        g = {"W": MODEL["W"], "b": None if d.rank() else MODEL["b"]}
        with pytest.raises(d.DistributedError, match="without gradients"):
            own.step(MODEL, g, own.init(MODEL))

    d.simulate(some_without, 2)


PROGRAM = """
import hashlib
rng = np.random.default_rng(0)
p = [rng.standard_normal((20, 30)), rng.standard_normal((30, 5)), rng.standard_normal(5)]
X = rng.standard_normal((13, 20))

def loss(p, x):
    return pb.xp.mean((pb.xp.tanh(x @ p[0]) @ p[1] + p[2]) ** 2)

def train(opt, both, x, compiled=False):
    def step(q, s, x):
        value, g = both(q, x)
        return opt.step(q, g, s)
    if compiled:
        step = pb.compile(step, donate_argnums=(0, 1), fast=False)
    q = pb.tree.map(np.copy, p)
    s = opt.init(q)
    for _ in range(20):
        q, s = step(q, s, x)
    return q

adam = pb.optim.Adam(0.01)
reference = train(adam, pb.value_and_grad(loss), X)
result = []
for compiled in (False, True):
    q = train(d.sharded(adam), d.data_parallel(loss, reduce=False), np.array_split(X, d.size())[d.rank()], compiled)
    result.append([
        hashlib.sha256(b"".join(x.tobytes() for x in q)).hexdigest(),
        max(float(np.max(np.abs(a - b) / (1e-2 + np.abs(b)))) for a, b in zip(q, reference)),
    ])
"""


def test_processes_of_mpi():
    run = run_ranks(3, PROGRAM)
    assert run.code == 0, run.err
    for found in run.results:
        for (bits, error), (first, _) in zip(found, run.results[0], strict=True):
            assert bits == first
            assert error < 1e-12


def _steps(reduce, compiled, reduced=False, same=False, size=2):
    """What is warned of in three steps."""

    def loss(w, x):
        return pb.xp.mean((x @ w["a"]) ** 2) + pb.xp.sum(w["b"] * w["a"])

    def rank():
        opt = d.sharded(pb.optim.SGD(0.01), reduced=reduced)
        gradient = d.data_parallel(loss, reduce=reduce)
        w = {"a": np.arange(1.0, 6.0), "b": np.ones(5)}
        x = np.random.default_rng(0 if same else d.rank()).standard_normal((4, 5))

        def step(w, state):
            return opt.step(w, gradient(w, x)[1], state)

        step = pb.compile(step) if compiled else step
        state = opt.init(w)
        for _ in range(3):
            w, state = step(w, state)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        d.simulate(rank, size)
    return [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("size", [2, 3])
def test_gradients_that_are_reduced_already_are_noticed(compiled, size):
    caught = _steps(True, compiled, size=size)
    assert len(caught) == size, caught  # once on each rank
    assert "reduced=True" in caught[0]
    assert f"all {size} ranks" in caught[0]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_shares_and_gradients_that_are_said_to_be_reduced_are_no_reason_to_warn(compiled):
    assert _steps(False, compiled) == []
    assert _steps(True, compiled, reduced=True) == []


def test_equal_gradients_that_may_be_equal_by_chance_are_no_reason_to_warn():
    def rank():
        opt = d.sharded(pb.optim.SGD(1.0))
        w = {"a": np.zeros(6)}
        for g in (np.zeros(6), np.ones(6)):
            opt.step(w, {"a": g}, opt.init(w))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        d.simulate(rank, 2)
