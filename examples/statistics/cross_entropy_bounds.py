r"""
Three bounds behind softmax and cross-entropy
=============================================

The softmax is the gradient of the log-sum-exp, which is a smooth maximum of C scores:

.. math:: \max_c z_c \;\le\; \log \sum_c e^{z_c} \;\le\; \max_c z_c + \log C .

The log loss of the margin :math:`m = y f(x)`, with labels :math:`y = \pm 1`, bounds the number of mistakes **if the
logarithm has base 2**: :math:`[m \le 0] \le \log_2(1 + e^{-m})`. In the natural logarithm it starts at :math:`\log 2 =
0.69`, below one mistake, and in base 10 lower still. And the cross-entropy :math:`H(p, q) = -\sum_c p_c \log q_c` is
never below the entropy :math:`H(p) = H(p, p)`; what is between them is the Kullback-Leibler divergence. The picture
draws each bound.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp


def log_sum_exp(z):
    return xp.logsumexp(z, axis=-1)


def cross_entropy(q, p):
    return -(p * xp.log(q) + (1 - p) * xp.log(1 - q))


# %%
# The bounds hold for any scores, and the gradient of the log-sum-exp is the softmax.

z = pb.random.normal(pb.random.key(0), (1000, 10), scale=5.0)
largest = xp.max(z, axis=-1)
assert bool(xp.all((largest <= log_sum_exp(z)) & (log_sum_exp(z) <= largest + np.log(10))))
slope = pb.grad(lambda z: xp.sum(log_sum_exp(z)))(z)
assert bool(xp.all(abs(slope - xp.softmax(z, axis=-1)) < 1e-12))

t = pb.asarray(np.linspace(-4, 4, 401))
smooth = log_sum_exp(xp.stack([t, 0 * t], axis=-1))
mistakes, log_loss = xp.astype(t <= 0, t.dtype), xp.softplus(-t)
assert bool(xp.all(log_loss / np.log(2) >= mistakes))
assert not bool(xp.all(log_loss >= mistakes))

p = 0.3
q = pb.asarray(np.linspace(0.01, 0.99, 399))
H, entropy = cross_entropy(q, p), cross_entropy(xp.asarray(p), p)
assert bool(xp.all(entropy - 1e-12 <= H))
assert abs(float(pb.grad(cross_entropy)(p, p))) < 1e-12  # the least is at q = p

# %%
t, smooth, mistakes, log_loss, q, H = map(pb.to_numpy, (t, smooth, mistakes, log_loss, q, H))
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.7))
left.fill_between(t, np.maximum(t, 0), np.maximum(t, 0) + np.log(2), color="C5", alpha=0.3)
left.plot(t, np.maximum(t, 0) + np.log(2), "C1--", label="max + log 2")
left.plot(t, smooth, "C0", label="log-sum-exp")
left.plot(t, np.maximum(t, 0), "C1", label="max")
left.set(title="A smooth maximum of z and 0", xlabel="score z", ylabel="value")
left.legend()

middle.plot(t, mistakes, "k", label="0-1 loss")
for base, style in ((2, "C0"), (np.e, "C1"), (10, "C2")):
    name = "e" if base == np.e else base
    middle.plot(t, log_loss / np.log(base), style, label=f"log loss, base {name}")
middle.set(title="Base 2 bounds the mistakes, e and 10 do not", xlabel="margin y f(x)", ylim=(0, 4))
middle.legend()

low, at = float(entropy), 0.75
right.plot(q, H, "C0")
right.axhline(low, color="C1")
right.annotate("", (at, np.interp(at, q, H)), (at, low), arrowprops={"arrowstyle": "<->"})
right.text(at + 0.02, 0.75, "KL(p ‖ q)")
right.plot(p, low, "ko")
right.annotate("q = p", (p, low), (p, low - 0.12), ha="center")
right.text(0.99, low - 0.02, "entropy H(p)", color="C1", ha="right", va="top")
right.text(0.2, 1.45, "cross-entropy\nH(p, q)", color="C0")
right.set(title=f"Two classes with p = {p}", xlabel="predicted q", ylabel="nats", ylim=(0.4, 2))
plt.show()
