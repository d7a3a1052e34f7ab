r"""
An LSTM that counts
===================

In the language :math:`a^n b^n` a word is some a's and then as many b's. Who reads such a word letter by letter knows
when it ends, if they count. An LSTM of two cells reads words, and learns to foretell each next letter and the end, with
:math:`n \le 12`. Its cell state :math:`c_t = f_t\, c_{t-1} + i_t\, g_t` can be a counter: with the forget gate
:math:`f_t` open, each letter adds a fixed amount :math:`i_t\, g_t`.

The left picture shows a word that is longer than any in training: one cell climbs with each a and descends with each b,
and when it is back, the probability that the word ends jumps from 0 to 1. The right one shows that the count is nearly
a line in n, beyond the training too. The experiment is that of Gers and Schmidhuber, *LSTM recurrent networks learn
simple context-free and context-sensitive languages*, 2001.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp, M = pb.xp, pb.models
TRAINED, STEPS = 12, 800
word = lambda n: np.asarray([2] + n * [0] + n * [1] + [2])  # a is 0, b is 1; 2 is start and end

# %%
# Each row has the symbols as rows of the identity; where a word has ended, a row is padded by zeros.
x, y = np.zeros((2, TRAINED, 2 * TRAINED + 1, 3))
for n in range(1, TRAINED + 1):
    x[n - 1, : 2 * n + 1], y[n - 1, : 2 * n + 1] = np.eye(3)[word(n)[:-1]], np.eye(3)[word(n)[1:]]
x, y = pb.asarray(x), pb.asarray(y)


def loss(model):
    lstm, last = model  # padding, where y is 0, adds nothing to their cross-entropy
    return -xp.sum(y * pb.special.log_softmax(last(lstm(x)), axis=-1)) / xp.sum(y)


opt = pb.optim.Clipped(pb.optim.Adam(0.05), norm=1.0)
model = M.LSTM.init(3, 2, seed=0, dtype="float64"), M.Linear.init(2, 3, seed=0, dtype="float64")
step = pb.compile(lambda model, state: opt.step(model, pb.grad(loss)(model), state), fast=False)
state = opt.init(model)
for _ in range(STEPS):
    model, state = step(model, state)


# %%
# The cells and the predictions at each time, by the LSTM's own cell.
def read(n):
    """The cell states (2 n + 1, 2), and the probabilities (2 n + 1, 3) of what comes next."""
    (lstm, last), state, found = model, None, []
    for symbol in word(n)[:-1]:
        h, c = state = lstm.cells[0](pb.asarray(np.eye(3)[[symbol]]), state)
        found.append([pb.to_numpy(v)[0] for v in (c, pb.special.softmax(last(h), axis=-1))])
    return (np.asarray(column) for column in zip(*found, strict=True))


ns, counts, right = np.arange(1, 31), [], []
for n in ns:
    cells, p = read(n)
    counts.append(cells[n])
    right.append(np.all(p[n + 1 :].argmax(axis=1) == word(n)[n + 2 :]))  # from the first b on
assert all(right[: TRAINED + 1])

cells, p = read(20)
counter = np.argmax(np.ptp(cells, axis=0))
assert p[-1, 2] > 0.5 > np.max(p[:-1, 2])  # the end, and no sooner
assert np.corrcoef(ns, np.asarray(counts)[:, counter])[0, 1] > 0.99
figure = plt.figure(figsize=(10.5, 5))
axes = figure.subplot_mosaic([["c", "n"], ["c", "n"], ["end", "n"]], width_ratios=[1.7, 1])
axes["c"].plot(cells, "o-", markersize=3)
axes["end"].plot(p[:, 2], "o-", color="C2", markersize=3)
axes["c"].set(title="Reading 20 times a, then 20 times b (grey)", ylabel="cell state c")
axes["end"].set(ylabel="P(end)", xlabel="letters read")
axes["c"].axvspan(20.5, 40.5, color="0.94")
axes["end"].axvspan(20.5, 40.5, color="0.94")
axes["n"].plot(ns, np.asarray(counts)[:, counter], "o-", color=f"C{counter}", markersize=4)
axes["n"].axvline(TRAINED + 0.5, color="0.6", linestyle="--", linewidth=1)
axes["n"].set(title="The counter after n times a", xlabel="n (trained up to the dashed line)")
plt.show()
