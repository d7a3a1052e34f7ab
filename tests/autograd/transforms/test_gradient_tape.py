"""What a tape records and what leaves it: the Tape itself, leaked arrays, exceptions, threads."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.tape import TapeData, input_slots

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp

# ── the Tape itself ────────────────────────────────────────────────────────────────────────────────


def test_tape_gradient_of_intermediates_and_trees():
    with pb.Tape() as tape:
        p = tape.watch({"w": np.array([1.0, 2.0]), "b": 3.0, "unused": np.ones((2, 2))})
        h = p["w"] * p["b"]
        y = xp.sum(h * h)
    g = tape.gradient(y, p)
    np.testing.assert_allclose(pb.to_numpy(g["w"]), 2 * 9 * np.array([1.0, 2.0]))
    assert float(g["b"]) == pytest.approx(2 * 3 * 5)
    np.testing.assert_array_equal(pb.to_numpy(g["unused"]), np.zeros((2, 2)))
    (by_h,) = tape.gradient(y, [h])
    np.testing.assert_allclose(pb.to_numpy(by_h), [6.0, 12.0])
    (by_y,) = tape.gradient(y, [y])
    assert float(by_y) == 1.0


def test_tape_answers_several_times_and_about_several_outputs():
    with pb.Tape() as tape:
        x = tape.watch(np.array([1.0, 2.0]))
        y, z = xp.sum(x**2), xp.sum(x**3)
    for _ in range(2):
        np.testing.assert_allclose(pb.to_numpy(tape.gradient(y, [x])[0]), [2.0, 4.0])
        np.testing.assert_allclose(pb.to_numpy(tape.gradient(z, [x])[0]), [3.0, 12.0])


def test_tape_in_place_on_a_watched_array():
    """The gradient is with respect to what was watched, not to what the wrapper holds since."""
    with pb.Tape() as tape:
        x = tape.watch(np.array([1.0, 2.0]))
        x *= 3
        x[0] = 7.0
        y = xp.sum(x * x)
    np.testing.assert_allclose(pb.to_numpy(tape.gradient(y, [x])[0]), [0.0, 36.0])


def test_tape_copies_what_it_watches_and_what_it_meets():
    host, constant, key = np.array([1.0, 2.0]), np.array([5.0, 6.0]), np.array([0, 0])
    with pb.Tape() as tape:
        x = tape.watch(host)
        y = xp.sum(x * constant) + xp.sum(x[key] ** 2)
    host[:], constant[:], key[:] = 99.0, 99.0, 1
    np.testing.assert_allclose(pb.to_numpy(tape.gradient(y, [x])[0]), [5 + 4.0, 6.0])


@pytest.mark.parametrize(
    ("misuse", "error", "message"),
    [
        (lambda t, x, y: t.gradient(y, [np.ones(2)]), TypeError, "source is not on this tape"),
        (lambda t, x, y: t.gradient(y, [xp.ones(2)]), TypeError, "source is not on this tape"),
        (lambda t, x, y: t.gradient(x * 2, [x]), TypeError, r"shape \(2,\)"),
        (lambda t, x, y: t.gradient("loss", [x]), TypeError, "returned str"),
        (lambda t, x, y: t.watch(np.ones(2)), RuntimeError, "closed"),
        (lambda t, x, y: pb.Tape().watch(np.arange(2)), TypeError, "int64"),
        (lambda t, x, y: pb.Tape().watch(np.array([True])), TypeError, "bool"),
    ],
    ids=[
        "raw source",
        "untraced source",
        "non-scalar",
        "no array",
        "closed",
        "integers",
        "booleans",
    ],
)
def test_tape_refuses(misuse, error, message):
    with pb.Tape() as tape:
        x = tape.watch(np.array([1.0, 2.0]))
        y = xp.sum(x * x)
    with pytest.raises(error, match=message):
        misuse(tape, x, y)


def test_tape_gradient_of_something_independent_is_zero():
    with pb.Tape() as tape:
        x = tape.watch(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(pb.to_numpy(tape.gradient(xp.asarray(3.0), [x])[0]), [0.0, 0.0])


# ── what leaves a tape ─────────────────────────────────────────────────────────────────────────────


def test_exceptions_close_the_tape_and_unlock_the_inputs():
    x, seen = np.ones(3), []

    def f(x):
        seen.append(x)
        raise KeyError("mine")

    for call in (lambda: pb.grad(f)(x), lambda: pb.value_and_grad(f)(x), lambda: pb.vjp(f, x)):
        with pytest.raises(KeyError, match="mine"):
            call()
        assert not seen[-1].traced
        assert x.flags.writeable
    seen.clear()
    with pytest.raises(KeyError, match="mine"), pb.Tape() as tape:
        f(tape.watch(x))
    assert not seen[-1].traced


def test_an_exception_in_the_backward_pass_unlocks_too():
    @pb.custom_vjp
    def f(x):
        return x

    def backward(_, ct):
        raise ZeroDivisionError

    f.defvjp(lambda x: (x, None), backward)
    x = np.ones(3)
    with pytest.raises(ZeroDivisionError):
        pb.grad(lambda x: xp.sum(f(x)))(x)
    assert x.flags.writeable


# ── threads ────────────────────────────────────────────────────────────────────────────────────────


# ── entries ────────────────────────────────────────────────────────────────────────────────────────


@pb.custom_vjp
def _doubled(x, y):
    return x + x, y + y


_doubled.defvjp(lambda x, y: (_doubled.f(x, y), None), lambda _, ct: (2 * ct[0], 2 * ct[1]))


@pytest.mark.parametrize(
    ("call", "operation", "inputs", "batched"),
    [
        (lambda x, y: x * y, "multiply", (0, 1), True),  # which goes round the dispatcher
        (lambda x, y: xp.sum(x * y[0], axis=0), "sum", (3,), True),  # after y[0] and the product
        (lambda x, y: xp.where(x > 0, y, 2.0), "where", (1,), True),  # through it
        (lambda x, y: xp.linalg.eigh(xp.linalg.outer(x, x)), "linalg.eigh", (2,), True),
        (lambda x, y: xp.concat([y, np.ones(2), x]), "concat", (1, 0), True),
        (lambda x, y: _doubled(y, x), "_doubled", (1, 0), False),
        (lambda x, y: pb.checkpoint(xp.sin)(y), "checkpoint(sin)", (1,), False),
    ],
)
def test_entries_have_one_layout(call, operation, inputs, batched):
    tape = TapeData()
    x, y = tape.watch_all([np.array([1.0, 2.0]), np.array([3.0, 4.0])])
    call(x, y)
    entry = tape.entries[-1]
    assert entry[0].operation == operation
    assert input_slots(entry) == inputs
    assert entry[0].batched is batched
    assert len(entry) >= 1 + len(inputs) + len(entry[0].kept)
    assert {type(slot) for slot in input_slots(entry)} == {int}
    tape.close()
