r"""
A logistic unit becomes a threshold
===================================

The logistic unit :math:`\sigma(a v) = 1 / (1 + e^{-a v})` is a threshold made smooth: as :math:`a` grows, that is, as
the weights into the unit grow, it approaches the step :math:`\theta(v)`, and the area between the two is
:math:`2 \ln 2 / a`.

What one pays is the gradient. Its peak :math:`a/4` rises while its area stays 1, so that it becomes a spike: an example
that lies a distance :math:`v` from the threshold sends back :math:`a\,\sigma(av)\,\sigma(-av) \approx a e^{-a|v|}`,
which soon is nothing. That is why networks are trained with soft units, although sums of thresholds can approximate any
function.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb


def unit(v, a):
    return pb.models.sigmoid(a * v)


slope = pb.vmap(pb.grad(unit), in_axes=(0, None))  # the derivative in v, for many v
steepness = [1.0, 2.0, 5.0, 20.0]
v = np.linspace(-4, 4, 4001)
step = pb.to_numpy(pb.models.threshold(pb.asarray(v)))
width = v[1] - v[0]

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.8))
shades = plt.get_cmap("viridis_r")(np.linspace(0.15, 0.95, len(steepness)))
for a, shade in zip(steepness, shades, strict=True):
    value = pb.to_numpy(unit(pb.asarray(v), a))
    derivative = pb.to_numpy(slope(pb.asarray(v), a))
    left.plot(v, value, color=shade, label=f"$a$ = {a:g}")
    middle.plot(v, derivative, color=shade)
    if a >= 5:
        middle.text(0.3, a / 4, f"peak $a/4$ = {a / 4:g}", color=shade, va="center")
    assert np.isclose(derivative.max(), a / 4)
    if a > 1:  # for a = 1 the tails go on beyond the picture
        assert np.isclose(derivative.sum() * width, 1, rtol=1e-2)
        assert np.isclose(np.abs(value - step).sum() * width, 2 * np.log(2) / a, rtol=1e-2)
left.plot(v, step, color="black", linewidth=1, linestyle="--", label="threshold")
left.set(title="The unit approaches a step", xlabel="$v$", ylabel=r"$\sigma(av)$")
left.legend(loc="upper left")
middle.set(title="Its derivative becomes a spike of area 1", xlabel="$v$", xlim=(-2, 2))
middle.set_ylabel(r"$\mathrm{d}\sigma(av)\,/\,\mathrm{d}v$")

# The same derivative for an example at some distance from the threshold, and steeper and steeper units.
a = np.geomspace(0.1, 500, 400)
for distance, colour in zip([0.1, 0.3, 1.0, 3.0], ["C0", "C1", "C2", "C3"], strict=True):
    felt = pb.vmap(pb.grad(unit), in_axes=(None, 0))(pb.asarray(distance), pb.asarray(a))
    felt = pb.to_numpy(felt)
    right.loglog(a, felt, color=colour, label=f"$v$ = {distance:g}")
    best = felt.argmax()
    right.plot(a[best], felt[best], "o", color=colour)
    assert 1.4 < a[best] * distance < 1.7  # steepest where a v is 1.54
right.set(
    xlim=(0.1, 300), ylim=(1e-6, 30), xlabel="steepness $a$", ylabel="gradient at a distance $v$"
)
right.legend(loc="lower left")
right.set_title("The gradient reaches only what is near")

plt.show()
