r"""
Attention maps of a small transformer that copies
=================================================

A transformer reads letters and a colon, and learns to write the letters once more. In each of its heads the query of a
place is compared with the keys of this place and all before it, :math:`A = \mathrm{softmax}(Q K^\top / \sqrt d)`, and
the values there are mixed by these weights (Vaswani et al., *Attention is all you need*, 2017).

It is a model of the next letter (``pb.models.TransformerLM``), trained on the second half of random lines alone, and
writes letter by letter from its cache of keys and values. For 200 lines that it has never seen nearly every letter is
right. The maps show how: rows are the places that read, columns the ones that they look at. In one head the lower half
has a slanted line: at the colon it looks at the first letter, and at each letter that is written at the one that
follows it in the original, which is the next to be written.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

LETTERS, N, BATCH, STEPS = "abcdefghijklmnop", 8, 64, 200
random = np.random.default_rng(0)


def lines(count):
    """Token numbers (count, 2 N + 1): N letters, the colon, the same letters."""
    letters = random.integers(0, len(LETTERS), (count, N))
    return np.concatenate([letters, np.full((count, 1), len(LETTERS)), letters], axis=1)


tokens, length = len(LETTERS) + 1, 2 * N + 1
model = pb.models.TransformerLM.init(tokens, 32, 2, 2, length=length, hidden=64, seed=0)
opt = pb.optim.Adam(5e-3)
state = opt.init(model)


def step(model, state, tokens):
    guess = lambda model: model(tokens[:, :-1])[:, N:]  # logits for the letters behind the colon
    loss = lambda model: pb.models.cross_entropy(guess(model), tokens[:, N + 1 :])
    loss, gradient = pb.value_and_grad(loss)(model)
    return loss, *opt.step(model, gradient, state)


step = pb.compile(step, fast=False)  # kernels would take longer to be made than these steps
for _ in range(STEPS):
    loss, model, state = step(model, state, pb.asarray(lines(BATCH)))

# %%
# What it writes: the most probable letter each time, earlier keys and values taken from the cache.
test = lines(200)
logits, cache = model.step(pb.asarray(test[:, : N + 1]), model.cache(len(test)))
written = [pb.xp.argmax(logits[:, -1], axis=-1)]
for _ in range(N - 1):
    logits, cache = model.step(written[-1][:, None], cache)
    written.append(pb.xp.argmax(logits[:, -1], axis=-1))
right = np.mean(pb.to_numpy(pb.xp.stack(written, axis=1)) == test[:, N + 1 :])
assert right > 0.95

# %%
# The weights of all heads for one line. How much a head copies: its mean weight on the letters that come next.
one = test[:1, :-1]
x, maps = model.positions(model.embedding(pb.asarray(one))), {}
for k, block in enumerate(model.blocks, 1):
    for h, weights in enumerate(pb.to_numpy(block.attention.weights(block.norm1(x)))[0], 1):
        maps[f"block {k}, head {h}"] = weights
    x = block(x)
copies = {name: np.mean(np.diag(weights[N:])) for name, weights in maps.items()}
best = max(copies, key=copies.get)
assert copies[best] > 0.5

names = [(LETTERS + ":")[i] for i in one[0]]
figure, panels = plt.subplots(1, 4, figsize=(13, 3.9))
for axes, (name, weights) in zip(panels, maps.items(), strict=True):
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1)
    axes.axhline(N - 0.5, color="0.7", linewidth=0.8)
    axes.set(xticks=range(2 * N), yticks=range(2 * N), xticklabels=names, yticklabels=names)
    axes.set(title=f"{name}: copies" if name == best else name, xlabel="looks at")
panels[0].set_ylabel("reads")
plt.show()
