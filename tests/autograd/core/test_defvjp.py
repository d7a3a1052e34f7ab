"""The registry: what a rule may name, and what catches a wrong one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.defvjp import check_rules
from pullback.autograd.core.registry import REGISTRY, Kernels, Primitive, find

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


def test_rules_of_the_library_name_what_their_functions_have():
    """They are not looked at when the package is imported."""
    trusted = [p for p in REGISTRY.values() if p.trusted]
    assert len(trusted) > 200
    for p in trusted:
        check_rules(p, {**p.rules, **p.shared}, p.outputs, p.residuals)


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


# ── missing and wrong rules ────────────────────────────────────────────────────────────────────────


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
