r"""
The most probable class, or a draw, and how ties end
====================================================

A model of probabilities :math:`p_c(x)` can answer in two ways. *Argmax* says the most probable class, always the same
one in a region; it makes the fewest mistakes. A *draw* says class c with the probability :math:`p_c(x)`: the answers
have the shares that the model believes in, which is what one wants of text, of samples or of an exploring policy.

Where the largest probabilities are equal argmax is not defined. To take the first class would favour it; here a tie is
broken at random, and reproducibly: by the seed and the point, whatever other points are asked for. The model on the
right was trained on features that say nothing, finds 1/3 for every class, and so answers evenly. The lower
picture counts the draws along the line :math:`x_2 = 0` against the probabilities.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

import pullback as pb

rng = np.random.default_rng(0)
centres = np.asarray([[-1.5, -0.6], [1.5, -0.6], [0.0, 1.6]])
y = np.repeat([0, 1, 2], 100)
X = centres[y] + rng.standard_normal((300, 2))
model = pb.train.SoftmaxRegression(random_state=0).fit(X, y)
ignorant = pb.train.SoftmaxRegression(random_state=0).fit(0 * X, y)

line = np.linspace(-4, 4, 101)
plane = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
answers = {
    "argmax": model.predict(plane),
    "a draw": model.sample(plane, random_state=0),
    "argmax where all are equal": ignorant.predict(plane),
}

# %%
# The same seed gives the same answers, each of which depends on its own point alone; another seed gives others.

equal = answers["argmax where all are equal"]
assert np.array_equal(ignorant.predict(plane[::-1]), equal[::-1])
other = pb.train.SoftmaxRegression(random_state=1).fit(0 * X, y).predict(plane)
assert 0.5 < np.mean(other != equal) < 0.8  # two draws from three classes differ in 2/3
assert np.allclose(np.bincount(equal) / len(equal), 1 / 3, atol=0.03)

# The shares of 1000 draws at each point of a line are the probabilities.
along = np.stack([np.linspace(-4, 4, 21), np.zeros(21)], axis=1)
p = model.predict_proba(along)
draws = model.sample(np.repeat(along, 1000, axis=0), random_state=1).reshape(21, 1000)
shares = np.stack([np.mean(draws == c, axis=1) for c in range(3)], axis=1)
assert np.max(np.abs(shares - p)) < 0.08  # five standard deviations

figure = plt.figure(figsize=(10.5, 6.4))
axes = figure.subplot_mosaic([list(answers), 3 * ["line"]], height_ratios=[1.4, 1])
colours = ListedColormap([f"C{c}" for c in range(3)])
for name, answer in answers.items():
    axes[name].imshow(
        answer.reshape(101, 101), origin="lower", extent=(-4, 4, -4, 4), cmap=colours, alpha=0.45
    )
    axes[name].set(title=name[0].upper() + name[1:], xlabel="$x_1$", ylabel="$x_2$")
    axes[name].set(xlim=(-4, 4), ylim=(-4, 4))
    if "equal" not in name:
        axes[name].scatter(*X.T, c=y, cmap=colours, s=12, edgecolors="white", linewidths=0.4)
for c in range(3):
    axes["line"].plot(along[:, 0], p[:, c], color=f"C{c}", label=f"class {c}")
    axes["line"].plot(along[:, 0], shares[:, c], "o", color=f"C{c}", markersize=4)
axes["line"].set(title="Probabilities, and shares of 1000 draws (dots)", xlabel="$x_1$")
axes["line"].set_ylabel("at $x_2 = 0$")
axes["line"].legend()
plt.show()
