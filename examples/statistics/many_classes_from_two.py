r"""
Many classes from two-class models
==================================

Four reductions of one problem with C = 5 classes to logistic regressions, each a straight line:

* **one-versus-all**: C models, c against the rest. Where several claim a point, one of them is drawn at random; where
  none does, one of all (speckled);
* **one-versus-one**: C (C − 1) / 2 models, one for each pair, which vote;
* **output codes**: each class is a word of bits, a model learns each bit, and the nearest word wins (Dietterich and
  Bakiri, 1995): here all 15 ways to divide five classes into two groups, so that some wrong bits are corrected;
* **a tree**: classes are split in two, again and again, and a point goes down from the root.

The class in the middle cannot be told from all the others by a line, so one-versus-all has no region for it; pairs can
do it.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.multiclass import OneVsOneClassifier

import pullback as pb

rng = np.random.default_rng(0)
angles = 2 * np.pi * np.arange(4) / 4 + 0.5
centres = np.vstack([3 * np.stack([np.cos(angles), np.sin(angles)], axis=1), [[0.0, 0.0]]])
y = np.repeat(np.arange(5), 60)
X = centres[y] + 0.8 * rng.standard_normal((300, 2))
two = pb.train.LogisticRegression(C=10.0)

# %%
# Output codes: word c of the code book says on which side class c is in each of the 15 problems.

splits = [side for side in itertools.product([0, 1], repeat=5) if side[0] == 0 and any(side)]
book = np.array(splits).T  # (classes, problems)
bits = [pb.train.LogisticRegression(C=10.0).fit(X, word[y]) for word in book.T]


def nearest_word(points):
    said = np.stack([model.predict_proba(points)[:, 1] for model in bits], axis=1)
    return np.argmin(np.abs(said[:, None, :] - book).sum(axis=2), axis=1)


all_ = pb.train.OneVersusAllClassifier(two, random_state=0).fit(X, y)
rules = {
    "one-versus-all, 5 models": all_.predict,
    "one-versus-one, 10 models": OneVsOneClassifier(two).fit(X, y).predict,
    "output codes, 15 models": nearest_word,
    "tree, 4 models": pb.train.TreeReductionClassifier(two, random_state=0).fit(X, y).predict,
}
accuracy = {name: float(np.mean(rule(X) == y)) for name, rule in rules.items()}
assert accuracy["one-versus-one, 10 models"] > 0.9
assert accuracy["one-versus-one, 10 models"] > accuracy["one-versus-all, 5 models"] + 0.05

# %%
line = np.linspace(-5.5, 5.5, 181)
plane = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
claims = all_.claims(plane).sum(axis=1).reshape(len(line), -1)
assert np.any(claims == 0)
assert np.any(claims > 1)

figure, axes = plt.subplots(2, 2, figsize=(8, 8), sharex=True, sharey=True)
colours = ListedColormap([f"C{c}" for c in range(5)])
extent = (line[0], line[-1], line[0], line[-1])
for ax, (name, rule) in zip(axes.flat, rules.items(), strict=True):
    ax.imshow(
        rule(plane).reshape(len(line), -1), origin="lower", extent=extent, cmap=colours, alpha=0.45
    )
    if rule == all_.predict:
        style = {"ha": "center", "bbox": {"color": "white", "alpha": 0.8, "pad": 2}}
        ax.text(3.3, 4.2, "several\nclaim it", **style)
        ax.text(-2.6, -5.2, "several", **style)
        ax.text(0, -0.2, "none", **style)
    ax.scatter(*X.T, c=y, cmap=colours, s=12, edgecolors="white", linewidths=0.4)
    ax.set(title=f"{name}: {accuracy[name]:.0%} right", xlabel="x₁", ylabel="x₂")
    ax.label_outer()
plt.show()
