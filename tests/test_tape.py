"""Tapes: nesting, closures, lifetimes, mutation, threads, depth and memory."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.backward import Scatter, Sum, accumulate
from pullback.autograd.tape import Record

xp = pb.xp


# ── nesting ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_higher_orders(order):
    """d^n/dx^n of exp(2x) is 2^n exp(2x), of sin the next of its cycle."""
    f, g = lambda x: xp.exp(2 * x), xp.sin
    for _ in range(order):
        f, g = pb.grad(f), pb.grad(g)
    assert f(0.3) == pytest.approx(2**order * np.exp(0.6), rel=1e-13)
    assert g(0.3) == pytest.approx(np.sin(0.3 + order * np.pi / 2), rel=1e-12)


def test_third_order_on_arrays():
    """The gradient of sum(x⁴)'s second derivative's sum."""
    x = np.array([1.0, -2.0, 0.5])
    second = pb.grad(lambda x: xp.sum(pb.grad(lambda y: xp.sum(y**4))(x)))
    third = pb.grad(lambda x: xp.sum(second(x)))
    np.testing.assert_allclose(second(x), 12 * x**2, rtol=1e-14)
    np.testing.assert_allclose(third(x), 24 * x, rtol=1e-14)


def test_perturbation_confusion():
    """Siskind, Pearlmutter (2005): the inner derivative of x·(x + y) in y is x, whose derivative is 1."""
    assert pb.grad(lambda x: x * pb.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert pb.grad(lambda x: x * pb.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    inner = lambda x: pb.grad(lambda y: (x * y) ** 2)(1.0)  # 2 x² y
    assert pb.grad(lambda x: x * inner(x))(2.0) == 24.0  # 6 x²


def test_same_name_at_two_levels():
    """The inner function shadows x by a level of its own."""
    assert pb.grad(lambda x: pb.grad(lambda x: x**3)(x) * x)(2.0) == 36.0  # 9 x²


def test_closure_over_an_outer_traced_value():
    """Through the closure alone, and through both."""

    def outer(x):
        y = x * x
        return pb.grad(lambda z: z * y)(1.0) + pb.grad(lambda z: z * z * x)(x)

    assert pb.grad(outer)(3.0) == pytest.approx(2 * 3 + 4 * 3)  # x² + 2x²


def test_inner_gradient_of_a_function_that_ignores_its_argument():
    g = pb.grad(lambda x: pb.grad(lambda y: x * 2.0)(x) + x)
    assert g(3.0) == 1.0


def test_inner_value_and_gradient_stay_on_the_outer_tape():
    def f(x):
        value, slope = pb.value_and_grad(lambda y: xp.sin(y) * x)(x)
        return value * slope

    x, eps = 0.7, 1e-6
    plain = lambda x: np.sin(x) * x * np.cos(x) * x
    assert pb.grad(f)(x) == pytest.approx((plain(x + eps) - plain(x - eps)) / (2 * eps), rel=1e-8)


def test_aux_of_an_inner_gradient_stays_on_the_outer_tape():
    def f(x):
        slope, aux = pb.grad(lambda y: (y * x, y * x * x), has_aux=True)(2.0)
        return slope * aux  # x · 2x²

    assert pb.grad(f)(3.0) == pytest.approx(6 * 9)


def test_vjp_inside_grad_and_grad_inside_vjp():
    x = np.array([0.3, 0.4])

    def f(x):
        out, pull = pb.vjp(xp.sin, x)
        return xp.sum(out * pull(xp.ones_like(out))[0])

    np.testing.assert_allclose(pb.grad(f)(x), np.cos(2 * x), rtol=1e-13)
    _, pull = pb.vjp(pb.grad(lambda x: xp.sum(xp.sin(x))), x)
    np.testing.assert_allclose(pull(np.ones(2))[0], -np.sin(x), rtol=1e-13)


def test_pull_is_differentiable_in_the_cotangent_and_at_the_point():
    """ct ↦ pull(ct) is linear; the point enters only where the pull was made inside."""
    _, pull = pb.vjp(lambda x: x**3, 2.0)
    assert pb.grad(lambda ct: pull(ct)[0])(1.0) == pytest.approx(12.0)
    assert pb.grad(lambda x: pb.vjp(lambda y: y**3, x)[1](1.0)[0])(2.0) == pytest.approx(12.0)


def test_a_tape_pulled_after_an_outer_tape_began_and_ended():
    """A late pull: what was recorded then is pulled now, whatever has happened in between."""
    out, pull = pb.vjp(lambda x: xp.exp(x) * x, 1.0)
    assert pb.grad(lambda x: pb.grad(lambda y: y**3)(x))(2.0) == 12.0
    assert float(pull(1.0)[0]) == pytest.approx(2 * np.e)
    assert float(out) == pytest.approx(np.e)


def test_two_tapes_side_by_side():
    with pb.Tape() as first:
        x = first.watch(2.0)
        with pb.Tape() as second:
            y = second.watch(3.0)
            z = x * y
        w = z * x
    (by_y,) = second.gradient(z, [y])
    (by_x,) = first.gradient(w, [x])
    assert float(pb.stop_gradient(by_y)) == 2.0
    assert float(by_x) == 2 * 2 * 3.0


def test_inner_tape_s_gradient_is_recorded_on_the_outer_tape():
    with pb.Tape() as outer:
        x = outer.watch(2.0)
        with pb.Tape() as inner:
            y = inner.watch(x)
            z = y**3
        (slope,) = inner.gradient(z, [y])
    assert float(outer.gradient(slope, [x])[0]) == 12.0


# ── what leaves a tape ────────────────────────────────────────────────────────────────────────


def test_leaked_arrays_are_constants():
    leaked = []

    def f(x):
        leaked.append(x * 2)
        return xp.sum(x * x)

    x = np.array([1.0, 2.0])
    pb.grad(f)(x)
    assert not leaked[0].traced
    np.testing.assert_array_equal(pb.to_numpy(leaked[0]), [2.0, 4.0])
    np.testing.assert_array_equal(pb.grad(lambda y: xp.sum(y * leaked[0]))(x), [2.0, 4.0])
    assert float(leaked[0][0]) == 2.0


def test_leaked_arrays_hold_no_tape_s_entries():
    """A kept output must not keep the whole graph and what its rules saved."""
    kept = []

    def f(x):
        y = x
        for _ in range(10):
            y = xp.exp(y * 0.1)
        kept.append(y)
        return xp.sum(y)

    pb.grad(f)(np.ones(3))
    assert kept[0].tape.entries == []


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
    with pytest.raises(KeyError), pb.Tape() as tape:
        y = tape.watch(x)
        raise KeyError
    assert not y.traced


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


# ── the Tape itself ───────────────────────────────────────────────────────────────────────────


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
    ids=["raw source", "untraced source", "non-scalar", "no array", "closed", "integers", "booleans"],
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


# ── mutation ──────────────────────────────────────────────────────────────────────────────────


def test_grad_locks_its_inputs_while_it_runs():
    x = np.ones(3)

    def f(y):
        with pytest.raises(ValueError, match="read-only"):
            x[0] = 5.0
        return xp.sum(y * y)

    np.testing.assert_array_equal(pb.grad(f)(x), 2 * np.ones(3))
    x[0] = 5.0


def test_grad_leaves_locked_what_was_locked():
    x = np.ones(3)
    x.flags.writeable = False
    pb.grad(lambda y: xp.sum(y * y))(x)
    assert not x.flags.writeable


def test_one_array_as_two_arguments_is_locked_and_unlocked_once():
    x = np.ones(3)
    by_first, by_second = pb.grad(lambda a, b: xp.sum(a * b * b), argnums=(0, 1))(x, x)
    np.testing.assert_array_equal(by_first, np.ones(3))
    np.testing.assert_array_equal(by_second, 2 * np.ones(3))
    assert x.flags.writeable


def test_vjp_copies_its_inputs():
    x, w = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    _, pull = pb.vjp(lambda x: x * x * w, x)
    x[:], w[:] = 99.0, 99.0
    np.testing.assert_array_equal(pull(np.ones(2))[0], [6.0, 16.0])


def test_a_closed_over_array_changed_inside_the_function_is_right_or_an_error():
    """A constant that the function itself overwrites between its use and the sweep (traps.md 15)."""
    buffer = np.array([3.0, 4.0])

    def f(x):
        y = x * buffer
        buffer[:] = 0.0
        return xp.sum(y)

    try:
        g = pb.grad(f)(np.ones(2))
    except (ValueError, RuntimeError):
        return
    np.testing.assert_array_equal(g, [3.0, 4.0])


def test_in_place_changes_never_reach_the_caller_s_array():
    host = np.array([1.0, 2.0, 3.0])

    def f(x):
        x[0] = 10.0
        x += 1
        x *= 2
        return xp.sum(x * x)

    g = pb.grad(f)(host)
    np.testing.assert_array_equal(host, [1.0, 2.0, 3.0])
    np.testing.assert_allclose(g, [0.0, 8 * 3.0, 8 * 4.0])


def test_a_buffer_that_a_rule_kept_is_not_overwritten():
    def f(x):
        y = xp.exp(x)  # keeps its output
        z = y * 1.0
        y += 100.0
        y[0] = -1.0
        return xp.sum(z) + 0 * xp.sum(y)

    x = np.array([0.5, 1.0])
    np.testing.assert_allclose(pb.grad(f)(x), np.exp(x), rtol=1e-14)


# ── fan-out ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("uses", [2, 3, 10])
def test_fan_out_adds_up(uses):
    x = np.array([0.5, 1.5])
    g = pb.grad(lambda x: xp.sum(sum((k + 1) * x * x for k in range(uses))))(x)
    np.testing.assert_allclose(g, uses * (uses + 1) * x, rtol=1e-14)


def test_fan_out_of_slices_and_dense_uses_in_any_order():
    x = np.arange(1.0, 7.0).reshape(3, 2)
    parts = [lambda x: xp.sum(x[0] ** 2), lambda x: xp.sum(x * 3), lambda x: x[1, 1] * x[2, 0], lambda x: xp.sum(x[:, 1])]
    expected = np.zeros((3, 2))
    expected[0] += 2 * x[0]
    expected += 3
    expected[1, 1] += x[2, 0]
    expected[2, 0] += x[1, 1]
    expected[:, 1] += 1
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]):
        np.testing.assert_allclose(pb.grad(lambda x, o=order: sum(parts[i](x) for i in o))(x), expected)


def test_accumulate_never_writes_into_a_share():
    """The first share may be the rule's incoming cotangent itself, on its way elsewhere."""
    first, second, third = np.ones(2), np.full(2, 2.0), np.full(2, 3.0)
    cts: list = [first]
    accumulate(cts, 0, cts[0], second)
    accumulate(cts, 0, cts[0], third)
    assert type(cts[0]) is Sum
    np.testing.assert_array_equal(cts[0].dense(), [6.0, 6.0])
    np.testing.assert_array_equal([first, second, third], [[1, 1], [2, 2], [3, 3]])


def test_accumulate_scatters_into_one_buffer():
    cts: list = [Scatter((3,), 0, np.array(5.0))]
    accumulate(cts, 0, cts[0], Scatter((3,), slice(0, 2), np.array([1.0, 2.0])))
    total = cts[0].dense()
    accumulate(cts, 0, cts[0], Scatter((3,), 2, np.array(7.0)))
    np.testing.assert_array_equal(cts[0].dense(), [6.0, 2.0, 7.0])
    assert cts[0].dense() is total


def test_two_gradients_never_share_one_buffer():
    """The rule of add gives one cotangent to both."""
    shapes = {"same": lambda a, b: xp.sum(a + b), "negated": lambda a, b: xp.sum(a - b), "alias": lambda a, b: xp.sum(a)}
    for f in shapes.values():
        g, h = pb.grad(f, argnums=(0, 1))(np.ones(3), np.ones(3))
        assert not np.shares_memory(g, h)
        g += 1
    _, pull = pb.vjp(lambda a, b: (a + b, a, b), np.ones(3), np.ones(3))
    ct = np.ones(3)
    g, h = pull((ct, np.zeros(3), ct))
    for a, b in ((g, h), (g, ct), (h, ct)):
        assert not np.shares_memory(a, b)


def test_gradient_of_the_identity_is_not_the_cached_seed():
    first, second = pb.grad(lambda x: x)(np.array(2.0)), pb.grad(lambda x: x)(np.array(2.0))
    first += 5
    assert second == 1.0
    assert pb.grad(lambda x: x)(np.array(2.0)) == 1.0


# ── threads ───────────────────────────────────────────────────────────────────────────────────


def test_threads_do_not_see_each_other():
    results, errors = {}, []
    start = threading.Barrier(4)

    def work(k: int) -> None:
        try:
            start.wait()
            x = np.full(5, float(k))
            for _ in range(50):
                hvp = pb.grad(lambda x: xp.sum(pb.grad(lambda y: xp.sum(xp.sin(y) * y * k))(x) * x))
                results[k] = hvp(x)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for k, g in results.items():  # d/dx [x k (x cos x + sin x)]
        np.testing.assert_allclose(g, k * (3 * k * np.cos(k) + np.sin(k) - k**2 * np.sin(k)), rtol=1e-12)


def test_threads_may_share_an_input():
    """Two gradients at once of one array: locked until the last is done, and then writable."""
    x = np.linspace(0.1, 1.0, 20)
    inside, errors = threading.Barrier(2), []

    def f(y):
        inside.wait(timeout=10)
        return xp.sum(xp.exp(y))

    def work():
        try:
            np.testing.assert_allclose(pb.grad(f)(x), np.exp(x))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert x.flags.writeable


# ── depth and memory ──────────────────────────────────────────────────────────────────────────


def test_a_million_chained_operations():
    """Forward, backward and freed without recursion: 4 s."""

    def f(x):
        for _ in range(500_000):
            x = x * 1.000001
            x = x + 0.0
        return x

    assert pb.grad(f)(2.0) == pytest.approx(1.000001**500_000, rel=1e-9)


def test_a_long_tape_is_destroyed_without_recursion():
    tape = pb.Tape()
    x = tape.watch(1.0)
    for _ in range(200_000):
        x = xp.sin(x)
    watcher = weakref.ref(tape)
    del x, tape
    gc.collect()
    assert watcher() is None


def test_saved_values_are_freed_as_the_sweep_passes():
    """With 100 saved megabytes, the backward pass needs a few arrays more, not 100 more."""
    n, steps = 125_000, 100  # 1 MB each
    tracemalloc.start()
    try:
        record = Record()
        x = y = record.watch(np.zeros(n))
        for _ in range(steps):
            y = xp.exp(y)
            y = y * 0.0
        forward = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        cts = [None] * len(record.entries)
        cts[y.slot] = np.ones(n)
        slot = x.slot
        del x, y
        from pullback.autograd.backward import sweep

        sweep(record, cts, consume=True)
        assert tracemalloc.get_traced_memory()[1] < forward + 10e6
        assert tracemalloc.get_traced_memory()[0] < 10e6
        assert cts[slot] is not None
    finally:
        tracemalloc.stop()


def _step(x):
    return pb.value_and_grad(lambda p: xp.sum(xp.tanh(p["a"] @ p["b"])[0] ** 2) + xp.max(p["b"]))(x)


def _hvp_step(x):
    g = pb.grad(lambda p: xp.sum(xp.exp(p["a"] @ p["b"])))
    return pb.grad(lambda p: xp.sum(g(p)["a"] ** 2))(x)


def _tape_step(x):
    with pb.Tape() as tape:
        p = tape.watch(x)
        y = xp.sum(p["a"] @ p["b"])
    return tape.gradient(y, p)


def _vjp_step(x):
    _, pull = pb.vjp(lambda p: p["a"] @ p["b"], x)
    return pull(np.ones((2, 2)))


@pytest.mark.parametrize("step", [_step, _hvp_step, _tape_step, _vjp_step])
def test_memory_after_1000_steps_is_memory_after_10(step):
    """With gc disabled: what a step leaves behind in a cycle would stay.

    The interpreter's free lists fill in the first few hundred steps, to some 20 kB that tracemalloc counts, so that
    bytes are compared from there on, and objects from the tenth step.
    """
    x = {"a": np.full((2, 3), 0.1), "b": np.full((3, 2), 0.2)}
    for _ in range(10):
        step(x)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        objects = len(gc.get_objects())
        for _ in range(400):
            step(x)
        memory = tracemalloc.get_traced_memory()[0]
        for _ in range(590):
            step(x)
        assert len(gc.get_objects()) - objects <= 2
        assert tracemalloc.get_traced_memory()[0] - memory < 1_000
    finally:
        tracemalloc.stop()
        gc.enable()
