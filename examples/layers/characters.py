"""Text one character after the other: an LSTM reads a page of this repository and then writes on by itself.

The model gives a probability to every character that may come next, and is judged by the cross-entropy of the one that
does: log 2 nats are one bit. While it writes, its state is carried from character to character.

    python examples/layers/characters.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np

import pullback as pb

M = pb.models
PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "distributed.md"
LENGTH = 48


def read(path, length=LENGTH):
    """The characters of a page, and blocks of their numbers with those of the next characters; the last tenth apart."""
    text = path.read_text(encoding="utf-8")
    characters = sorted(set(text))
    number = {c: i for i, c in enumerate(characters)}
    tokens = np.asarray([number[c] for c in text])
    blocks = (len(tokens) - 1) // length
    x, y = (tokens[i : i + blocks * length].reshape(blocks, length) for i in (0, 1))
    held = blocks // 10
    return characters, (x[:-held], y[:-held]), (x[-held:], y[-held:])


def network(characters, width, *, seed=0):
    random = np.random.default_rng(seed)
    return M.Sequential(
        M.Embedding.init(characters, width, seed=random),
        M.LSTM.init(width, width, seed=random),
        M.Linear.init(width, characters, seed=random),
    )


def write(model, characters, *, start="\n", length=300, temperature=0.6, seed=0):
    """Draw characters from the model's probabilities, sharpened by a temperature below 1."""
    random = np.random.default_rng(seed)
    embedding, lstm, head = model.layers
    state, token, text = None, characters.index(start), ""
    for _ in range(length):
        y, state = lstm.sequence(embedding(pb.asarray(np.asarray([[token]]))), state)
        logits = pb.to_numpy(head(y[0, -1]).value)
        # the largest of logits with Gumbel noise is a draw from their softmax
        token = int(np.argmax(logits / temperature + random.gumbel(size=len(logits))))
        text += characters[token]
    return text


def main(picture="characters.png", *, epochs=12, width=128, length=300):
    characters, train, validation = read(PAGE)
    run = pb.train.fit(
        network(len(characters), width),
        M.cross_entropy,
        tuple(map(pb.asarray, train)),
        tuple(map(pb.asarray, validation)),
        pb.optim.Adam(pb.optim.OneCycle(1e-2, epochs * -(-len(train[0]) // 16))),
        epochs=epochs,
        batch_size=16,
        patience=0,
    )
    bits = [(row.loss / np.log(2), row.validation_loss / np.log(2)) for row in run.history]
    text = write(run.model, characters, length=length)
    print(
        f"{PAGE.name}: {train[0].size:,} characters, {len(characters)} different: "
        f"{np.log2(len(characters)):.2f} bits each before, {bits[run.best.epoch][1]:.2f} after "
        f"{run.best.epoch} epochs, in {run.seconds:.1f} s\n\n{text}"
    )
    draw(picture, bits, text)
    return bits, text


def draw(picture, bits, text):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(bits, label=["training", "validation"])
    left.set_xlabel("epoch")
    left.set_ylabel("bits a character")
    left.legend(frameon=False)
    right.axis("off")
    lines = [line[i : i + 52] for line in text.split("\n") for i in range(0, len(line) or 1, 52)]
    shown = "\n".join(lines[:16]).replace("$", r"\$")
    right.text(0, 1, shown, family="monospace", fontsize=8, va="top")
    right.set_title("what it writes", fontsize=10)
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
