"""
Schedules of the learning rate as curves
========================================

A schedule is a learning rate as a function of the number of steps taken. The rates that theory asks for fall like
:math:`c/k` or :math:`c/\\sqrt{k}`; practice adds steps, half cosines down to zero, where the weights settle, and a
warm-up before them, while the first gradients are still wild. In ``pb.optim`` each is a frozen record that is called
with the count; it can be given to any optimiser as its ``lr``, and be composed:
``WarmUp(CosineDecay(1.0, 80), steps=20)``.

The grey lines are the rate's highest value, 1. ``ReduceOnPlateau``, below, is the one that follows the validation loss
(dotted): it lowers the rate where the loss has not become lower for some epochs.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

o = pb.optim
STEPS = 100
SCHEDULES = {
    "Constant(1.0)": o.Constant(1.0),
    "InverseDecay(1.0)": o.InverseDecay(1.0),
    "InverseSqrtDecay(1.0)": o.InverseSqrtDecay(1.0),
    "StepDecay(1.0, every=25, factor=0.5)": o.StepDecay(1.0, every=25, factor=0.5),
    "ExponentialDecay(1.0, 0.97)": o.ExponentialDecay(1.0, 0.97),
    "PolynomialDecay(1.0, 100, power=2)": o.PolynomialDecay(1.0, STEPS, power=2),
    "CosineDecay(1.0, 100)": o.CosineDecay(1.0, STEPS),
    "WarmUp(CosineDecay(1.0, 80), 20)": o.WarmUp(o.CosineDecay(1.0, 80), 20),
    "OneCycle(1.0, 100)": o.OneCycle(1.0, STEPS),
}
figure = plt.figure(figsize=(10, 8.4))
panels = figure.subplot_mosaic([[0, 1, 2], [3, 4, 5], [6, 7, 8], 3 * ["plateau"]])
curves = {}
for i, (name, schedule) in enumerate(SCHEDULES.items()):
    curve = curves[name] = np.asarray([schedule(k) for k in range(STEPS + 1)])
    panels[i].axhline(1, color="0.8", linewidth=0.8)
    panels[i].plot(curve, color="C0", drawstyle="steps-post" if "Step" in name else "default")
    panels[i].set_title(name, fontsize="small", family="monospace")
    panels[i].set(ylim=(-0.04, 1.08), yticks=[0, 0.5, 1], xticks=[0, 50, 100])
    panels[i].tick_params(labelbottom=i > 5, labelleft=i % 3 == 0)
for i in (0, 3, 6):
    panels[i].set_ylabel("learning rate")
panels[7].set_xlabel("step")

# A schedule's count may be an array: on a GPU, and in a compiled step, the rate is computed where the step is.
on_device = pb.to_numpy(SCHEDULES["CosineDecay(1.0, 100)"](pb.asarray(np.arange(101.0))))
np.testing.assert_allclose(on_device, curves["CosineDecay(1.0, 100)"], atol=1e-12)
np.testing.assert_allclose(on_device[[0, 50, 100]], [1, 0.5, 0], atol=1e-12)
assert np.argmax(curves["WarmUp(CosineDecay(1.0, 80), 20)"]) == 20
assert np.isclose(curves["OneCycle(1.0, 100)"].max(), 1.0)
assert np.isclose(curves["StepDecay(1.0, every=25, factor=0.5)"][100], 0.5**4)

# The rule that follows the loss, on a loss that falls in three stages.
epochs = np.arange(120)
loss = 0.1 + np.exp(-epochs / 4) + 0.4 * np.exp(-np.maximum(epochs - 40, 0) / 3)
loss += 0.15 * np.exp(-np.maximum(epochs - 80, 0) / 3)
rule = o.ReduceOnPlateau(1.0, factor=0.3, patience=12, threshold=0.02)
state, rates = rule.init(), []
for value in loss:
    state = rule.update(value, state)
    rates.append(float(state.lr))
assert np.all(np.diff(rates) <= 0)
panels["plateau"].plot(epochs, loss / loss[0], ":", color="C1", label="validation loss")
panels["plateau"].step(epochs, rates, where="post", color="C0", label="learning rate")
panels["plateau"].set(
    xlabel="epoch", ylim=(-0.04, 1.08), title="ReduceOnPlateau(1.0, factor=0.3, patience=12)"
)
panels["plateau"].legend()
plt.show()
