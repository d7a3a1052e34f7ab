"""Small texts, graphs, images and tables in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SENTENCE = "the cat sat on the mat, and the dog sat on the log.\n"


def text(path="notes.txt", times=12):
    """A sentence again and again."""
    Path(path).write_text(SENTENCE * times)
    return path


def graph(nodes="nodes.csv", edges="edges.csv", n=60):
    """Two groups of nodes, whose edges tell them apart better than their one feature does."""
    random = np.random.default_rng(0)
    lines, pairs = ["id,size,noise,kind"], ["from,to"]
    for i in range(n):
        size, noise = random.normal(size=2).round(4) + np.asarray([i % 2, 0])
        lines.append(f"n{i},{size},{noise},{('even', 'odd')[i % 2]}")
        pairs += [f"n{i},n{(i + 2 * int(k)) % n}" for k in random.integers(1, n // 2, 3)]
    Path(nodes).write_text("\n".join(lines) + "\n")
    Path(edges).write_text("\n".join(pairs) + "\n")
    return nodes, "--edges", edges


def images(path="images.npz", shape=(6, 6), n=40, **more):
    """Images whose left or right half is bright, by class."""
    random = np.random.default_rng(0)
    y = np.arange(n) % 2
    x = random.uniform(0, 0.4, (n, *shape)).astype("float32")
    width = shape[1] if len(shape) == 2 else shape[-1 if more.get("first") else -2]
    columns = np.arange(width) // ((width + 1) // 2)
    bright = (columns[None] == y[:, None]).astype("float32")
    if len(shape) == 2 or more.get("first"):
        x += bright.reshape(n, *([1] * (len(shape) - 1)), width)
    else:
        x += bright.reshape(n, 1, width, 1)
    np.savez(path, X=x, y=y)
    return path


def mixed(path="mixed.csv", n=90):
    """A table with numbers, empty cells, words and dates."""
    random = np.random.default_rng(0)
    lines = ["id,age,smoker,colour,joined,kind"]
    for i in range(n):
        age = "" if i % 9 == 0 else f"{random.normal(30 + 9 * (i % 3)):.2f}"
        colour = random.choice(["red", "blue", "green", ""])
        lines.append(
            f"{i},{age},{('yes', 'no')[i % 2]},{colour},20{10 + i % 12}-0{1 + i % 9}-15,{'abc'[i % 3]}"
        )
    Path(path).write_text("\n".join(lines) + "\n")
    return path
