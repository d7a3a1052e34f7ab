r"""
An LSTM that counts
===================

In the language :math:`a^n b^n` a word is some a's and then as many b's. Who reads such a word letter by letter knows
when it ends, if they count. A network reads a word and predicts each next letter: an LSTM of two cells, and a linear
layer with a softmax. It learns the words with :math:`n \le 12`.

Its cell state :math:`c_t = f_t\, c_{t-1} + i_t\, g_t` can be a counter: with the forget gate :math:`f_t` open, each
letter adds a fixed amount :math:`i_t\, g_t`. The upper picture shows the cells while a word of 20 + 20 letters is read,
longer than any in training: one climbs with each a and descends with each b, and when it is back, the probability that
the word ends (below) jumps from 0 to 1. On the right, the count at the last a is nearly a line in n, also where there
was no training (grey is what was trained). The experiment is that of Gers and Schmidhuber, *LSTM recurrent networks learn
simple context-free and context-sensitive languages*, 2001; recurrent layers are in mission.md, section 4.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp, M = pb.xp, pb.models
TRAINED, STEPS = 12, 800
EYE = np.eye(3)


def word(n, length):
    """A word's symbols (end, a, …, b) and the next ones (a, …, b, end), as rows of the identity, and padded by zeros."""
    symbols = EYE[[2] + n * [0] + n * [1] + [2]]
    padding = np.zeros((length - 2 * n - 1, 3))
    return np.concatenate([symbols[:-1], padding]), np.concatenate([symbols[1:], padding])


x, y = (
    pb.asarray(np.stack(a))
    for a in zip(*(word(n, 2 * TRAINED + 1) for n in range(1, TRAINED + 1)), strict=True)
)


def loss(model):
    """The mean cross-entropy of the next symbols; where a row is padding, y is 0 and nothing is added."""
    lstm, last = model
    logits = last(lstm(x))
    return -xp.sum(y * (logits - xp.logsumexp(logits, axis=-1, keepdims=True))) / xp.sum(y)


opt = pb.optim.Clipped(pb.optim.Adam(0.05), norm=1.0)
model = M.LSTM.init(3, 2, seed=0, dtype="float64"), M.Linear.init(2, 3, seed=0, dtype="float64")


def step(model, state):
    value, gradient = pb.value_and_grad(loss)(model)
    return value, *opt.step(model, gradient, state)


step, state, losses = pb.compile(step, fast=False), opt.init(model), []
for _ in range(STEPS):
    value, model, state = step(model, state)
    losses.append(float(value))


# %%
# The cells and the predictions at each time, by the LSTM's own cell.
def read(n):
    """The cell states (2 n + 1, 2) and the probabilities (2 n + 1, 3) of what comes next."""
    (lstm, last), state, found = model, None, []
    for symbol in word(n, 2 * n + 1)[0]:
        h, c = state = lstm.cells[0](pb.asarray(symbol[None]), state)
        found.append([pb.to_numpy(a)[0] for a in (c, M.activations.softmax(last(h)))])
    return (np.asarray(a) for a in zip(*found, strict=True))
