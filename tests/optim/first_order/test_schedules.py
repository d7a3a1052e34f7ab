"""Schedules: closed forms, torch's, and the same rates from a Python count and from an array."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

optim = pb.optim
SCHEDULES = {
    "constant": (optim.Constant(0.3), lambda k: 0.3),
    "step": (optim.StepDecay(2.0, 3, 0.5), lambda k: 2.0 * 0.5 ** (k // 3)),
    "c/k": (optim.InverseDecay(2.0), lambda k: 2.0 / (k + 1)),
    "c/√k": (optim.InverseSqrtDecay(2.0), lambda k: 2.0 / math.sqrt(k + 1)),
    "exponential": (optim.ExponentialDecay(2.0, 0.9), lambda k: 2.0 * 0.9**k),
    "exponential, every": (
        optim.ExponentialDecay(2.0, 0.5, every=4),
        lambda k: 2.0 * 0.5 ** (k / 4),
    ),
    "polynomial": (
        optim.PolynomialDecay(1.0, 8, end=0.1, power=2.0),
        lambda k: 0.1 + 0.9 * (1 - min(k, 8) / 8) ** 2,
    ),
    "cosine": (
        optim.CosineDecay(1.0, 10, end=0.2),
        lambda k: 0.2 + 0.4 * (1 + math.cos(math.pi * min(k, 10) / 10)),
    ),
    "warm-up": (
        optim.WarmUp(optim.InverseDecay(1.0), 4, start=0.2),
        lambda k: 0.2 + 0.8 * k / 4 if k < 4 else 1 / (k - 3),
    ),
    "warm-up to a number": (optim.WarmUp(0.5, 4), lambda k: min(k / 4, 1) * 0.5),
    "one cycle": (
        optim.OneCycle(1.0, 11, rise=0.5, start=10.0, end=100.0),
        lambda k: (
            1 - 0.45 * (1 + math.cos(math.pi * k / 4.5))
            if k <= 4.5
            else 0.001 + 0.4995 * (1 + math.cos(math.pi * (min(k, 10) - 4.5) / 5.5))
        ),
    ),
}


@pytest.mark.parametrize(("schedule", "formula"), SCHEDULES.values(), ids=SCHEDULES)
def test_rates_by_formula(schedule, formula):
    for k in range(20):
        got = schedule(k)
        assert isinstance(got, float)
        assert got == pytest.approx(formula(k), rel=1e-13, abs=1e-16)


@pytest.mark.parametrize(("schedule", "formula"), SCHEDULES.values(), ids=SCHEDULES)
def test_rates_from_arrays(schedule, formula, lib):
    """Of integer counts, as a state holds them, on a device that cannot be read by accident, and traced."""
    for k in range(20):
        for count in (lib.asarray(k), lib.asarray(float(k)), pb.Array(lib.asarray(k))):
            got = schedule(count)
            got = lib.to_numpy(getattr(got, "value", got)) if hasattr(got, "dtype") else got
            assert float(got) == pytest.approx(formula(k), rel=1e-13, abs=1e-16)


@pytest.mark.parametrize(("schedule", "formula"), SCHEDULES.values(), ids=SCHEDULES)
def test_optimisers_take_them(schedule, formula, lib):
    for opt in (optim.SGD(schedule), optim.SGD(schedule, momentum=0.5), optim.Adam(schedule)):
        assert hash(opt) == hash(
            type(opt)(**{k: getattr(opt, k) for k in opt.__dataclass_fields__})
        )
        w = lib.asarray([[1.0]], np.float32)
        state = opt.init(w)
        for k in range(4):
            before = lib.to_numpy(w)
            w, state = opt.step(w, lib.asarray([[1.0]], np.float32), state)
            if opt == optim.SGD(schedule):
                np.testing.assert_allclose(
                    lib.to_numpy(w), before - formula(k), rtol=1e-5, atol=1e-7
                )
        assert lib.is_raw(w)
        assert lib.to_numpy(w).dtype == np.float32


TORCH = {
    "step": (optim.StepDecay(1.0, 3, 0.5), lambda s, o: s.StepLR(o, 3, 0.5)),
    "exponential": (optim.ExponentialDecay(1.0, 0.9), lambda s, o: s.ExponentialLR(o, 0.9)),
    "polynomial": (
        optim.PolynomialDecay(1.0, 7, power=2.0),
        lambda s, o: s.PolynomialLR(o, 7, 2.0),
    ),
    "cosine": (optim.CosineDecay(1.0, 19), lambda s, o: s.CosineAnnealingLR(o, 19)),
    "warm-up": (optim.WarmUp(1.0, 4, start=0.5), lambda s, o: s.LinearLR(o, 0.5, 1.0, 4)),
    "one cycle": (
        optim.OneCycle(1.0, 20),
        lambda s, o: s.OneCycleLR(o, 1.0, 20, cycle_momentum=False),
    ),
}


@pytest.mark.filterwarnings(
    "ignore:Detected call of `lr_scheduler.step:UserWarning"
)  # no step is taken here
@pytest.mark.parametrize(("schedule", "make"), TORCH.values(), ids=TORCH)
def test_rates_are_torch_s(schedule, make):
    torch = pytest.importorskip("torch", reason="torch is a peer, not a dependency")
    opt = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    their = make(torch.optim.lr_scheduler, opt)
    for k in range(19):
        assert schedule(k) == pytest.approx(their.get_last_lr()[0], rel=1e-9, abs=1e-12)
        their.step()


# ── reduce on plateau ─────────────────────────────────────────────────────────────────────────


BAD = [
    (optim.Constant, {"lr": 0.0}, "lr"),
    (optim.Constant, {"lr": math.nan}, "lr"),
    (optim.StepDecay, {"lr": 1.0, "every": 0}, "every"),
    (optim.StepDecay, {"lr": 1.0, "every": 1.5}, "every"),
    (optim.StepDecay, {"lr": 1.0, "every": 1, "factor": -1.0}, "factor"),
    (optim.InverseDecay, {"c": math.inf}, "c="),
    (optim.InverseSqrtDecay, {"c": -1.0}, "c="),
    (optim.ExponentialDecay, {"lr": 1.0, "factor": math.nan}, "factor"),
    (optim.PolynomialDecay, {"lr": 1.0, "steps": 0}, "steps"),
    (optim.PolynomialDecay, {"lr": 1.0, "steps": 5, "power": -1.0}, "power"),
    (optim.CosineDecay, {"lr": 1.0, "steps": True}, "steps"),
    (optim.CosineDecay, {"lr": 1.0, "steps": 3, "end": -0.1}, "end"),
    (optim.WarmUp, {"then": 0.0, "steps": 3}, "then"),
    (optim.WarmUp, {"then": 1.0, "steps": 0}, "steps"),
    (optim.OneCycle, {"lr": 1.0, "steps": 2}, "peak"),
    (optim.OneCycle, {"lr": 1.0, "steps": 20, "rise": 1.0}, "peak"),
    (optim.OneCycle, {"lr": 1.0, "steps": 20, "start": 0.5}, "start"),
    (optim.ReduceOnPlateau, {"lr": 1.0, "factor": 1.0}, "factor"),
    (optim.ReduceOnPlateau, {"lr": 1.0, "patience": -1}, "patience"),
    (optim.ReduceOnPlateau, {"lr": 1.0, "threshold": math.nan}, "threshold"),
]


@pytest.mark.parametrize(("kind", "settings", "name"), BAD)
def test_bad_settings_name_themselves(kind, settings, name):
    with pytest.raises(ValueError, match=name):
        kind(**settings)
