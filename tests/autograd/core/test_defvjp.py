"""The registry: what a rule may name, and what catches a wrong one."""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.registry import Kernels, Primitive, find

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


@pytest.fixture
def rules() -> Iterator:
    """`pb.defvjp` that is undone afterwards."""
    kept: dict[str, tuple] = {}

    def replace(name: str, **options) -> None:
        p = find(name)
        kept.setdefault(name, (p.rules, p.shared, p.outputs, p.residuals, p.trusted, p.batched))
        _forget(p)
        pb.defvjp(name, **options)

    yield replace
    for name, before in kept.items():
        p = find(name)
        p.rules, p.shared, p.outputs, p.residuals, p.trusted, p.batched = before
        _forget(p)


def _forget(p: Primitive) -> None:
    p.entry_builders.clear()
    p.kernels = Kernels(p)
    p.front = None
    vars(pb.xp).pop(p.identifier, None)


# ── registration ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("exp", {"y": lambda ct: ct}, "exp.*no array parameter 'y'"),
        ("exp", {"x": lambda ct, z: ct}, "rule for 'x' asks for z; it may name .*ct"),
        ("sum", {"axis": lambda ct: ct}, "no array parameter 'axis'"),
        ("sum", {"x": lambda ct, axes: ct}, "asks for axes"),
        ("exp", {"x": lambda ct, x2: ct}, "asks for x2"),
        ("exp", {"x": lambda ct, _work: ct}, "asks for _work"),
        ("multiply", {"x1": lambda ct, x2, x3_shape: ct}, "asks for x3_shape"),
        ("exp", {"outputs": ("a", "b"), "x": lambda ct, out: ct}, "asks for out"),
    ],
)
def test_defvjp_refuses_names_that_the_function_has_not(rules, name, options, message):
    with pytest.raises(TypeError, match=message):
        rules(name, **options)


def test_defvjp_refuses_unknown_functions():
    with pytest.raises((KeyError, TypeError), match="no_such_function"):
        pb.defvjp("no_such_function", x=lambda ct: ct)


def test_a_refused_rule_leaves_the_old_one(rules):
    before = dict(find("tanh").rules)
    with pytest.raises(TypeError):
        rules("tanh", x=lambda ct, nonsense: ct)
    assert find("tanh").rules == before
    assert pb.grad(xp.tanh)(0.0) == 1.0


def test_a_rule_given_later_is_used_at_once(rules):
    """Also by fronts and recorders that were generated before."""
    f = pb.grad(lambda x: xp.sum(xp.exp(x)))
    assert f(0.0) == 1.0
    pb.defvjp("exp", x=lambda ct, out: 2 * (ct * out))
    try:
        assert f(0.0) == 2.0
        assert pb.grad(lambda x: xp.sum(xp.exp(x) * x))(np.zeros(2)).tolist() == [1.0, 1.0]
    finally:
        pb.defvjp("exp", x=lambda ct, out: ct * out)
    assert f(0.0) == 1.0


def test_rules_may_share_work_and_name_other_cotangents(rules):
    calls = []

    def work(ct, x1):
        calls.append(1)
        return ct * x1

    rules(
        "multiply",
        _work=work,
        x1=lambda _work, x1, x2: _work / x1 * x2,
        x2=lambda _work, x1_bar, ct: _work + 0 * x1_bar,
    )
    g, h = pb.grad(lambda a, b: xp.sum(xp.multiply(a, b)), argnums=(0, 1))(
        np.array([2.0]), np.array([3.0])
    )
    assert (g.tolist(), h.tolist()) == ([3.0], [2.0])
    assert len(calls) == 1


def test_everything_a_rule_may_ask_for(rules):
    seen = {}

    def rule(ct, out, x, axis, keepdims, x_shape, x_dtype, x_ndim, xp):
        seen.update(
            axis=axis,
            keepdims=keepdims,
            x_shape=x_shape,
            x_dtype=x_dtype,
            x_ndim=x_ndim,
            out=out,
            x=x,
        )
        return xp.broadcast_to(xp.reshape(ct, (2, 1)), x_shape)

    rules("sum", x=rule)
    x = np.arange(6.0).reshape(2, 3)
    pb.grad(lambda x: xp.mean(xp.sum(x, axis=1)))(x)
    assert (seen["axis"], seen["keepdims"], seen["x_shape"], seen["x_dtype"], seen["x_ndim"]) == (
        1,
        False,
        (2, 3),
        np.float64,
        2,
    )
    np.testing.assert_array_equal(seen["out"], x.sum(1))


def test_only_what_a_rule_names_is_kept():
    """The rule of add keeps nothing: its inputs die with their names."""

    alive = []

    def f(x):
        for kept in (False, True):
            y = x * 2.0
            value = weakref.ref(y.value)
            z = y * y if kept else y + y
            del y
            alive.append(value() is not None)
        return xp.sum(z)

    pb.grad(f)(np.ones(3))
    assert alive == [False, True]


# ── missing and wrong rules ────────────────────────────────────────────────────────────────────────


def test_a_missing_rule_names_function_and_argument():
    """And what to do; it never passes for a constant."""
    with pytest.raises(
        pb.MissingRuleError, match=r"where.*'condition'.*pb\.stop_gradient\(condition\).*pb\.defvjp"
    ):
        pb.grad(lambda x: xp.sum(xp.where(x, 1.0, x)))(np.ones(2))


def test_a_function_without_rules_raises_under_a_derivative_alone(rules):
    rules("tanh")
    assert float(xp.tanh(xp.asarray(0.0))) == 0.0
    with pytest.raises(pb.MissingRuleError, match=r"tanh\(x, /\).*'x'"):
        pb.grad(xp.tanh)(0.0)
    assert issubclass(pb.MissingRuleError, NotImplementedError)


WRONG = {
    "a factor": lambda ct, x, xp: 1.001 * ct * xp.cos(x),
    "a sign": lambda ct, x, xp: -ct * xp.cos(x),
    "another function": lambda ct, x, xp: ct * xp.cosh(x),
    "zero": lambda ct, xp: xp.zeros_like(ct),
    "one element": lambda ct, x, xp: ct * xp.where(x > 0.5, xp.cos(x), x),
    "NaN": lambda ct: ct * float("nan"),
}


@pytest.mark.parametrize("rule", WRONG.values(), ids=WRONG)
def test_check_grads_catches_wrong_rules(rules, rule):
    rules("sin", x=rule)
    with pytest.raises(AssertionError, match=r"order 1.*differences give .*\d.*VJP gives"):
        pb.check_grads(lambda x: xp.sin(x), (np.array([0.3, 0.7, -1.1]),))


def test_check_grads_catches_a_rule_that_is_wrong_at_second_order(rules):
    """A factor taken for a constant is right once and wrong twice."""
    rules("sin", x=lambda ct, x, xp: ct * xp.stop_gradient(xp.cos(x)))
    args = (np.array([0.3, 0.7, -1.1]),)
    pb.check_grads(lambda x: xp.sin(x), args, order=1)
    with pytest.raises(AssertionError, match="order 2"):
        pb.check_grads(lambda x: xp.sin(x), args, order=2)


def test_check_grads_catches_a_missing_conjugate(rules):
    rules("abs", x=lambda ct, x, out: x * (ct / out))
    with pytest.raises(AssertionError):
        pb.check_grads(lambda x: xp.abs(x), (np.array([1 + 2j, -0.5j]),))
    pb.check_grads(lambda x: xp.abs(x), (np.array([1.0, 0.5]),))


def test_check_grads_catches_one_wrong_argument_of_several(rules):
    rules("multiply", x1=lambda ct, x2: ct * x2, x2=lambda ct, x1: ct * x1 * 1.01)
    with pytest.raises(AssertionError):
        pb.check_grads(lambda x, y: xp.multiply(x, y), (np.array([1.0]), np.array([2.0])))


def test_check_grads_s_settings():
    f = lambda x: xp.where(
        x > 0, x * 1.0000001, x
    )  # relative error 1e-7 of the rule's, none of f's
    pb.check_grads(f, (np.array([1.0]),))
    with pytest.raises(AssertionError):
        pb.check_grads(
            lambda x: xp.floor(x), (np.array([1.0]),), eps=1e-3
        )  # a jump inside the step
    pb.check_grads(xp.exp, (np.array([0.5, 0.7], np.float32),), rtol=1e-2, atol=1e-2)
    pb.check_grads(
        lambda t: {"y": t["a"] * t["b"]}, ({"a": np.array([1.0, 2.0]), "b": 3.0},), order=2
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda ct: ct[:1], r"sin for x.*shape \(1,\).*shape \(3,\)"),
        (lambda ct, xp: xp.concat([ct, ct]), r"sin for x.*shape \(6,\).*shape \(3,\)"),
        (lambda ct: 1.0, r"sin for x.*returned 1\.0"),
        (lambda ct: None, "sin for x.*returned None"),
    ],
    ids=["too short", "too long", "a number", "nothing"],
)
def test_the_shape_of_what_a_rule_returns_is_checked(rules, rule, message):
    """For a function on the fast path of the generated fronts, whose rules are trusted to keep shapes, too."""
    rules("sin", x=rule)
    with pytest.raises(pb.RuleError, match=message):
        pb.grad(lambda x: xp.sum(xp.sin(x)))(np.ones(3))
    assert issubclass(pb.RuleError, RuntimeError)


@pytest.mark.parametrize(
    ("rule", "message"),
    [(lambda ct: ct[:1], r"sum for x.*shape \(1,\)"), (lambda ct: 1.0, "sum for x")],
)
def test_the_shape_is_checked_for_reductions(rules, rule, message):
    rules("sum", x=rule)
    with pytest.raises(pb.RuleError, match=message):
        pb.grad(lambda x: xp.mean(xp.sum(x, axis=1)))(np.ones((2, 3)))


def test_the_engine_sums_casts_and_takes_real_parts_for_rules(rules):
    """A rule may return what broadcasting made of its input, in another precision, or complex."""
    rules("add", x1=lambda ct: ct * (1 + 5j), x2=lambda ct: ct)
    g, _ = pb.grad(lambda a, b: xp.sum(xp.add(a, b)), argnums=(0, 1))(
        np.ones((2, 1), np.float32), np.ones((2, 3))
    )
    assert (g.shape, g.dtype) == ((2, 1), np.float32)
    np.testing.assert_array_equal(g, [[3.0], [3.0]])


def test_generated_code_shows_in_tracebacks(rules):
    def broken(ct, x):
        raise ZeroDivisionError("inside the rule")

    rules("exp", x=broken)
    try:
        pb.grad(lambda x: xp.sum(xp.exp(x)))(np.ones(2))
    except ZeroDivisionError:
        text = traceback.format_exc()
    assert "exp_pull_x" in text
    assert "x_rule(ct" in text
