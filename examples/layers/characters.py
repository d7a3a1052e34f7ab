r"""
An LSTM writes on
=================

A model of text gives a probability to every character that may come next, and is judged by the cross-entropy of the one
that does; :math:`\log 2` nats are one bit. An LSTM between an embedding and a linear layer reads Python's own
documentation, as far as every Python brings it along (``pydoc_data``), 48 characters at a time.

The left picture shows the bits that each character costs: without a model all are alike, :math:`\log_2` of their number
(dotted). The right one shows what the trained model writes, when characters are drawn from its probabilities, sharpened
by a temperature of 0.6, and its state is carried from each character to the next. The experiment is well known from
Karpathy, *The unreasonable effectiveness of recurrent neural networks*, 2015.
"""

import textwrap
from pydoc_data.topics import topics

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

M = pb.models
SIZE, LENGTH, WIDTH, EPOCHS, BATCH = 40_000, 48, 96, 8, 16

text = "\n".join(topics[name] for name in sorted(topics))[:SIZE]
characters = sorted(set(text))
number = {character: i for i, character in enumerate(characters)}
tokens = np.asarray([number[character] for character in text])
blocks = (SIZE - 1) // LENGTH
x, y = (pb.asarray(tokens[i : i + blocks * LENGTH].reshape(blocks, LENGTH)) for i in (0, 1))
held = blocks // 10

random = np.random.default_rng(0)
model = M.Sequential(
    M.Embedding.init(len(characters), WIDTH, seed=random),
    M.LSTM.init(WIDTH, WIDTH, seed=random),
    M.Linear.init(WIDTH, len(characters), seed=random),
)
rate = pb.optim.OneCycle(1e-2, EPOCHS * -(-(blocks - held) // BATCH))
run = pb.train.fit(
    model, M.cross_entropy, (x[:-held], y[:-held]), (x[-held:], y[-held:]), pb.optim.Adam(rate),
    epochs=EPOCHS, batch_size=BATCH, patience=0,
)  # fmt: skip
bits = np.asarray([(row.loss, row.validation_loss) for row in run.history]) / np.log(2)
alike = np.log2(len(characters))
assert bits[-1, 1] < 0.6 * alike


# %%
# The largest of logits with Gumbel noise is a draw from their softmax.
def write(model, start="\n", length=900, temperature=0.6):
    embedding, lstm, last = model.layers
    state, token, found = None, number[start], ""
    for _ in range(length):
        out, state = lstm.sequence(embedding(pb.asarray(np.asarray([[token]]))), state)
        logits = pb.to_numpy(last(out[0, -1]))
        token = int(np.argmax(logits / temperature + random.gumbel(size=len(logits))))
        found += characters[token]
    return found


figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=[1, 1.2])
left.plot(bits, "o-", markersize=3, label=["training", "validation"])  # from before the first epoch
left.axhline(alike, color="0.5", linestyle=":", linewidth=1)
left.set(xlabel="epoch", ylabel="bits a character", ylim=(0, None))
left.legend()
lines = [textwrap.fill(line.strip(), 62) for line in write(run.model).split("\n")]
page = "\n".join("\n".join(lines).split("\n")[:22])
right.text(0, 1, page, family="monospace", fontsize=9.5, va="top", parse_math=False)
right.set_title("What it writes")
right.axis("off")
plt.show()
